//! Every size and count this crate bounds, beside `sotay_feed::limits` for runs. Each has a test at limit + 1.

/// Bytes of one raw change. A change of this size, even if it does not compress, still fits one envelope.
pub const CHANGE_BYTES_MAX: usize = 48 * 1024;
/// Operations of one change; a run-length column could otherwise claim billions in a few bytes.
pub const CHANGE_OPS_MAX: u64 = 32 * 1024;
/// Predecessors named by all operations of one change together.
pub const CHANGE_PREDS_MAX: u64 = 64 * 1024;
/// Dependencies (hashes) of one change.
pub const CHANGE_DEPS_MAX: usize = 512;
/// Actors, other than its own, that one change may refer to.
pub const CHANGE_ACTORS_MAX: usize = 1024;
/// Highest operation counter of a document. Automerge panics near `u32::MAX`; an honest document stays below a million.
pub const OP_COUNTER_MAX: u64 = 1 << 26;
/// Latest time a change may carry, in seconds since 1970 UTC (end of the year 9999).
pub const TIME_SECONDS_MAX: i64 = 253_402_300_799;
/// Heads above which a local edit first writes merge changes, so that no change exceeds [`CHANGE_DEPS_MAX`].
pub const HEADS_FOLD_ABOVE: usize = 256;
/// Changes of one author that wait for their dependencies, per document.
pub const ORPHANS_PER_AUTHOR_MAX: usize = 256;
/// Bytes of one author's waiting changes, per document.
pub const ORPHAN_BYTES_PER_AUTHOR_MAX: usize = 1024 * 1024;
/// Changes in the tail from which a fold into a snapshot is due.
pub const TAIL_CHANGES_FOLD: usize = 512;
/// Bytes in the tail from which a fold into a snapshot is due.
pub const TAIL_BYTES_FOLD: usize = 256 * 1024;
/// Bytes of a stored snapshot.
pub const SNAPSHOT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of the stored image of a document; a document whose image is larger is read from itself.
pub const IMAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Characters (Unicode code points) of one text.
pub const TEXT_CHARS_MAX: usize = 8 * 1024;
/// Bytes of all rebuilt changes of one run together (what was left out of the body is put back).
pub const RUN_REBUILT_BYTES_MAX: usize = 1024 * 1024;
/// Characters of the old times characters of the new text, common ends not counted, up to which they are compared
/// character by character; beyond, the middle is replaced as a whole (comparing takes time in proportion).
pub const TEXT_DIFF_CELLS_MAX: usize = 4_000_000;
