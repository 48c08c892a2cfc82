//! Seals: two named people of a meeting, chair and clerk, sign one text (P13).
//!
//! A [`SealBody`] says what is sealed. Its id is what envelopes of kind 11 carry in the clear ([`SealMark`]), so that the
//! signature of an envelope is a signature on the body, at a place of the signer's feed. A seal holds ([`judge`]) when
//! the chair and the clerk both signed, two different people, each with a right that covers the place. Nothing vouches
//! for a seal. A file with the texts, the bodies, the signatures and the records of the signers ([`SealFile`]) is
//! checked by [`verify`] with no profile, no key and no network.

mod body;
mod check;
mod file;
mod mark;

pub use body::{Official, SealBody, SealBodyError, SealId, SealKind};
pub use check::{Verdict, VerifiedSeal, VerifyFault, verify};
pub use file::{External, ExternalKind, FileSeal, SealFile, SealFileError};
pub use mark::{Flaw, MarkError, MarkForm, Outcome, SealMark, Signature, judge};
