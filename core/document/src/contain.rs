//! One wall between Automerge and us: a panic inside it becomes a value.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Automerge panicked. Whatever it was working on must be dropped and rebuilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("panic inside Automerge")]
pub struct Panicked;

/// Runs `work`; a panic becomes [`Panicked`]. The caller drops or rebuilds everything `work` could write to, which is
/// what makes the assertion of unwind safety true. The payload is not kept: it may quote document text.
pub(crate) fn contained<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_payload| {
        tracing::warn!("panic inside Automerge was contained");
        Panicked
    })
}
