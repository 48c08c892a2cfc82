//! The words the rules work with. Adding an abbreviation, an issuer, a unit or a trigger is a line here, never a rule.

pub(super) mod abbreviations;
pub(super) mod codes;
pub(super) mod context;
pub(super) mod units;
