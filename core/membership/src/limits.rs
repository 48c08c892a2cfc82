//! Sizes and counts that the record formats bound (P5.2). Each has a test at limit + 1.
//! Those that several crates share are in [`sotay_feed::limits`].

/// Authority devices a genesis may name.
pub const AUTHORITIES_MAX: usize = 16;
/// Keys of a root policy.
pub const ROOT_KEYS_MAX: usize = 8;
/// Bytes of a record that the root signs: a revocation with all its cut-offs.
pub const ROOT_ACT_BYTES_MAX: usize = 8 * 1024;
/// Highest number of an act of the root for one unit.
pub const ROOT_SERIAL_MAX: u64 = 1 << 40;
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
/// Feeds that one cover may name.
pub const COVER_FEEDS_MAX: usize = 512;
/// Ranges of numbers that a cover may keep of one feed.
pub const COVER_RANGES_MAX: usize = 8_192;
/// Copies that one cover may name.
pub const COVER_COPIES_MAX: usize = 1_024;
/// Covers on which one cover may stand.
pub const COVER_PREVIOUS_MAX: usize = 8;
/// Units above one another that are followed upwards; also ends a circle of reparent records.
pub const UNIT_DEPTH_MAX: usize = 16;
/// Heads that one seal may name.
pub const SEAL_HEADS_MAX: usize = 256;
/// Bytes of a name, a date or a place in a seal.
pub const SEAL_LINE_BYTES_MAX: usize = 2_000;
/// Bytes of a text that a seal is put on.
pub const SEAL_TEXT_BYTES_MAX: usize = 512 * 1024;
/// Bytes of one official signature made elsewhere.
pub const SEAL_EXTERNAL_BYTES_MAX: usize = 48 * 1024;
/// Seals in one file: editions and addenda.
pub const SEAL_FILE_SEALS_MAX: usize = 64;
/// Envelopes about one seal in a file.
pub const SEAL_FILE_MARKS_MAX: usize = 64;
/// Membership records in one file.
pub const SEAL_FILE_RECORDS_MAX: usize = 4_096;
/// Bytes of a seal file.
pub const SEAL_FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
