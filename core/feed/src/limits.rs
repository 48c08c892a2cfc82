//! Every size and count that the formats bound, in one place. Each has a test at limit + 1.

/// Bytes of one encoded envelope, signature included.
pub const ENVELOPE_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one run of changes after decompression.
pub const RUN_BYTES_MAX: usize = 256 * 1024;
/// Changes in one run.
pub const RUN_CHANGES_MAX: usize = 4096;
/// Sealed bodies are padded to a multiple of this many bytes …
pub const PAD_BUCKET_BYTES: usize = 256;
/// … as long as they are shorter than this many bytes; longer ones are not padded.
pub const PAD_BELOW_BYTES: usize = 4096;
/// Bytes of one frame on any carrier, its length prefix not counted.
pub const FRAME_BYTES_MAX: usize = 256 * 1024;
/// Feeds (writing devices) in one space.
pub const FEEDS_PER_SPACE_MAX: usize = 4096;
/// Spaces opened in one session.
pub const SPACES_PER_SESSION_MAX: usize = 512;
/// Highest sequence number a feed may reach: beyond any honest device, far below overflow.
pub const SEQ_MAX: u64 = (1 << 48) - 1;
/// Recipients (devices) of one epoch record.
pub const EPOCH_RECIPIENTS_MAX: usize = 512;
/// Entries of a key ring handed over in one grant.
pub const KEY_RING_ENTRIES_MAX: usize = 512;
