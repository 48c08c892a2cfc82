//! The PIN of a profile, and locking an open one.

use std::path::Path;

use sotay_engine::Engine;

use crate::error::{HandbookError, OrFault, guarded};
use crate::handbook::{Handbook, OpenConfig, options_of};

/// How a profile is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct LockStateView {
    /// Whether its database is encrypted.
    pub encrypted: bool,
    /// Whether a vault wraps the key.
    pub vault: bool,
    /// Whether it asks for a PIN.
    pub pin: bool,
    /// Wrong PINs that are left before the key is destroyed.
    pub tries_left: u32,
    /// How long the next try has to wait, in milliseconds.
    pub wait_ms: u64,
}

/// How the profile in a folder is protected. It may be open; no PIN is needed.
#[uniffi::export]
pub fn lock_state(config: OpenConfig) -> Result<LockStateView, HandbookError> {
    guarded(|| {
        let (folder, options) = options_of(config);
        let state = Engine::lock_state(Path::new(&folder), &options).or_fault()?;
        Ok(LockStateView {
            encrypted: state.encrypted,
            vault: state.vault,
            pin: state.pin,
            tries_left: state.tries_left,
            wait_ms: u64::try_from(state.wait.as_millis()).unwrap_or(u64::MAX),
        })
    })
}

/// Puts a closed profile under a PIN, or under another one; `config` has its vault and its present PIN. A database that is
/// still plain is encrypted for it, which takes as long as copying it.
#[uniffi::export]
pub fn set_pin(config: OpenConfig, pin: String) -> Result<(), HandbookError> {
    guarded(|| {
        let (folder, options) = options_of(config);
        Engine::set_pin(Path::new(&folder), &options, &pin).or_fault()
    })
}

/// Takes the PIN of a closed profile away; `config` has its vault and its present PIN. The database stays encrypted; without
/// a vault its key then lies beside it and protects nothing.
#[uniffi::export]
pub fn remove_pin(config: OpenConfig) -> Result<(), HandbookError> {
    guarded(|| {
        let (folder, options) = options_of(config);
        Engine::remove_pin(Path::new(&folder), &options).or_fault()
    })
}

#[uniffi::export]
impl Handbook {
    /// Locks the profile now: finishes what was called, closes connections and database. Later calls fail with `locked`; open
    /// the profile anew with the PIN.
    pub fn lock(&self) -> Result<(), HandbookError> {
        guarded(|| {
            self.engine.lock();
            Ok(())
        })
    }

    /// Somebody uses the app: call it for every touch of the screen. Reading and syncing do not count.
    pub fn touch(&self) -> Result<(), HandbookError> {
        guarded(|| self.engine.touch().or_fault())
    }
}
