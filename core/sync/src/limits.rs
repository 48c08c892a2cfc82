//! Sizes and counts that only the session, the bundle and the replica know. Format limits are in
//! [`sotay_feed::limits`].

/// Bytes of `Items` frames one side may have sent without an `Ack` for them (P9.7).
pub const CREDIT_BYTES: u64 = 512 * 1024;
/// Envelope bytes gathered into one `Items` frame, unless one envelope alone is larger. Well below
/// [`sotay_feed::limits::FRAME_BYTES_MAX`], so that a slow link sees an `Ack` every few seconds.
pub const ITEMS_TARGET_BYTES: usize = 64 * 1024;
/// Envelope bytes gathered into the first `Items` frames of a session. A frame that is cut off on the way is lost whole;
/// a frame never holds more than all before it together (and this), so a cut costs at most half of what was sent.
pub const ITEMS_FIRST_BYTES: usize = 4 * 1024;
/// Envelopes in one `Items` frame.
pub const ITEMS_PER_FRAME_MAX: usize = 1024;
/// `Open` messages for one space in one session: each may cost a walk over the space.
pub const OPENS_PER_SPACE_MAX: u32 = 64;
/// Units of one session through which its device may belong to units above and below; the first that it opens.
pub const HOMES_PER_SESSION_MAX: usize = 16;
/// Times a connecting side falls back to frontiers for one space because of a digest that does not match.
pub const HEALS_PER_SPACE_MAX: u32 = 1;
/// More newer envelopes than this and the accepting side names its frontier before it sends them, so that the other
/// can show how far it is (P9.5).
pub const FRONTIER_WORTH_ENVELOPES: u64 = 64;
/// Milliseconds the accepting side waits for `Hello`.
pub const HELLO_TIMEOUT_MS: i64 = 15_000;
/// Milliseconds without any frame after which a side that waits for an answer gives up: one `Items` frame and its
/// `Ack` on a link of 1 kB/s.
pub const ANSWER_TIMEOUT_MS: i64 = 120_000;
/// Seconds a peer is told to wait after our storage failed.
pub const STORE_RETRY_SECONDS: u32 = 60;
/// Records of refused envelopes one device keeps.
pub const QUARANTINE_RECORDS_MAX: usize = 1000;
/// Spaces in one bundle.
pub const BUNDLE_SPACES_MAX: usize = 512;
/// Bytes of one bundle.
pub const BUNDLE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Envelopes imported from a bundle in one transaction.
pub const BUNDLE_BATCH_ENVELOPES: usize = 512;
/// Checkpoints of one relay and space that a device keeps: the last ones.
pub const CHECKPOINTS_KEPT: usize = 4;
/// Relays of which a device keeps checkpoints of one space, as far as other phones bring them.
pub const RELAYS_PER_SPACE_MAX: usize = 8;
/// `Seen` messages of one space in one session: each costs a verification. The own relays come on top of those others bring.
pub const SEEN_PER_SPACE_MAX: usize = 2 * RELAYS_PER_SPACE_MAX * CHECKPOINTS_KEPT;
/// Lists of forks of one space that an end takes in one session.
pub const FORK_LISTS_PER_SPACE_MAX: u32 = 2;
/// Proofs of forks of one space that go one way in one session; the next session goes on.
pub const PROOFS_PER_SPACE_MAX: usize = 8;
/// Arrivals after which a relay signs again within one session.
pub const CHECKPOINT_EVERY: u64 = 64;
