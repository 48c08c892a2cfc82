//! Sizes and counts that the record formats bound (P5.2). Each has a test at limit + 1.
//! Those that several crates share are in [`sotay_feed::limits`].

/// Authority devices a genesis may name.
pub const AUTHORITIES_MAX: usize = 16;
/// Keys of a root policy.
pub const ROOT_KEYS_MAX: usize = 8;
/// Spaces for which one revocation may name a cut-off.
pub const CUTOFFS_MAX: usize = 64;
/// Earlier epochs that one epoch may name as its predecessors.
pub const EPOCH_PREVIOUS_MAX: usize = 64;
/// Bytes of one sealed box in an epoch (today's box has 80).
pub const EPOCH_BOX_BYTES_MAX: usize = 128;
/// Relays that one relay record may name.
pub const RELAYS_MAX: usize = 8;
/// Bytes of a relay's address.
pub const RELAY_ADDRESS_BYTES_MAX: usize = 255;
/// Units above one another that are followed upwards; also ends a circle of reparent records.
pub const UNIT_DEPTH_MAX: usize = 16;
