//! PIN, lock now, lock after idle.
//!
//! A locked profile is a closed one: documents, keys and database leave memory, and it is opened anew with its PIN. What
//! remains until the engine is dropped is its identity towards relays.

use std::path::Path;

use super::{CallError, Engine, OpenError, system_rng};
use crate::lock::LockState;
use crate::options::Options;
use crate::profile;
use crate::worker::{Job, now_ms};

impl Engine {
    /// Puts a closed profile under a PIN, or under another one; the options hold its vault and its present PIN. If its
    /// database is still plain it is encrypted for it, which takes as long as copying it.
    pub fn set_pin(folder: &Path, options: &Options, pin: &str) -> Result<(), OpenError> {
        profile::set_pin(folder, options, pin, now_ms(), &mut system_rng()?)
    }

    /// Takes the PIN of a closed profile away; the options hold its vault and its present PIN. The database stays encrypted.
    /// Without a vault its key then lies beside it, and protects nothing.
    pub fn remove_pin(folder: &Path, options: &Options) -> Result<(), OpenError> {
        profile::remove_pin(folder, options, now_ms(), &mut system_rng()?)
    }

    /// Whether a profile is encrypted and asks for a PIN, and how many tries are left. It may be open; no PIN is needed.
    pub fn lock_state(folder: &Path, options: &Options) -> Result<LockState, OpenError> {
        profile::lock_state(folder, options, now_ms())
    }

    /// Locks the profile now: finishes what was called, closes connections and database. Later calls answer
    /// [`CallError::Locked`]; drop the engine and open the profile anew.
    pub fn lock(&self) {
        // A worker that has ended is closed or locked already.
        let _ = self.jobs.blocking_send(Job::Lock);
        self.shutdown();
    }

    /// Whether the profile was locked, by [`Engine::lock`] or because nobody touched it.
    pub fn is_locked(&self) -> bool {
        self.idle.is_locked()
    }

    /// Somebody uses the app: call it for every touch of the screen. Reading and syncing do not count.
    pub fn touch(&self) -> Result<(), CallError> {
        if self.jobs.is_closed() {
            return Err(self.closed());
        }
        self.idle.touch();
        Ok(())
    }
}
