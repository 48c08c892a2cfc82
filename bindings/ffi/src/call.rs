//! How the bridge asks the engine.

use sotay_engine::{Engine, Fault, ProfileDevice};

use crate::error::{HandbookError, OrFault, guarded};

/// Carries `f` out on the engine's worker and waits for its answer; the second argument is the time, in milliseconds since
/// 1970 UTC. What goes wrong comes back in words, a panic too.
pub(crate) fn ask<T: Send + 'static>(
    engine: &Engine,
    f: impl FnOnce(&mut ProfileDevice, i64) -> Result<T, HandbookError> + Send + 'static,
) -> Result<T, HandbookError> {
    guarded(|| engine.call(f).or_fault()?)
}

/// [`ask`] for what fails with one error of the engine.
pub(crate) fn tell<T, E>(
    engine: &Engine,
    f: impl FnOnce(&mut ProfileDevice, i64) -> Result<T, E> + Send + 'static,
) -> Result<T, HandbookError>
where
    T: Send + 'static,
    for<'a> Fault: From<&'a E>,
{
    ask(engine, move |device, now| f(device, now).or_fault())
}
