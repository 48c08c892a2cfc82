//! Whether the relay can do its work now; shared between the shard and the health checks.

use std::sync::{Mutex, PoisonError};

use sotay_store::StoreError;

/// Why the relay is not ready. Phones keep what they have and come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Not listening yet.
    Starting,
    /// Told to stop.
    Stopping,
    /// The disk is full; ready again with the next write that succeeds.
    Full,
    /// The database cannot be written.
    ReadOnly,
    /// The database is damaged.
    Corrupt,
    /// The database server does not answer, or its database is not the one it was.
    Away,
    /// Another failure of the disk.
    Io,
    /// The thread that owns the database is gone: not alive any more.
    Dead,
}

impl Trouble {
    /// In words, for the health check.
    pub fn words(self) -> &'static str {
        match self {
            Trouble::Starting => "starting",
            Trouble::Stopping => "stopping",
            Trouble::Full => "the disk is full",
            Trouble::ReadOnly => "the database cannot be written",
            Trouble::Corrupt => "the database is damaged",
            Trouble::Away => "the database server does not answer",
            Trouble::Io => "the disk fails",
            Trouble::Dead => "the thread that owns the database is gone",
        }
    }

    /// `None`: nothing that lasts.
    fn of(error: &StoreError) -> Option<Self> {
        Some(match error {
            StoreError::Moved => return None,
            StoreError::Unreachable => Trouble::Away,
            StoreError::Full => Trouble::Full,
            StoreError::ReadOnly => Trouble::ReadOnly,
            StoreError::Corrupt(_) | StoreError::Foreign | StoreError::Newer { .. } => Trouble::Corrupt,
            _ => Trouble::Io,
        })
    }

    fn is_of_the_store(self) -> bool {
        matches!(
            self,
            Trouble::Full | Trouble::ReadOnly | Trouble::Corrupt | Trouble::Away | Trouble::Io
        )
    }
}

/// The present trouble, if any.
#[derive(Debug)]
pub(crate) struct Health(Mutex<Option<Trouble>>);

impl Health {
    pub fn starting() -> Self {
        Self(Mutex::new(Some(Trouble::Starting)))
    }

    pub fn trouble(&self) -> Option<Trouble> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starting, stopping and dying are told by who does it.
    pub fn set(&self, trouble: Option<Trouble>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// A write ended this way.
    pub fn store_result<T>(&self, result: &Result<T, StoreError>) {
        match result {
            Ok(_) => self.of_the_store(None),
            Err(error) => self.store_failed(error),
        }
    }

    /// Reading failed this way.
    pub fn store_failed(&self, error: &StoreError) {
        if let Some(trouble) = Trouble::of(error) {
            self.of_the_store(Some(trouble));
        }
    }

    /// The database server is there again.
    pub fn server_is_back(&self) {
        let mut trouble = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *trouble == Some(Trouble::Away) {
            *trouble = None;
        }
    }

    /// Never covers up that the relay is starting, stopping or dead.
    fn of_the_store(&self, new: Option<Trouble>) {
        let mut trouble = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.is_none_or(Trouble::is_of_the_store) {
            *trouble = new;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_and_forgotten_with_the_next_write_that_succeeds() {
        let health = Health::starting();
        health.set(None);
        health.store_result::<()>(&Err(StoreError::Full));
        assert_eq!(health.trouble(), Some(Trouble::Full));
        health.store_result(&Ok(()));
        assert_eq!(health.trouble(), None);
    }

    #[test]
    fn a_server_that_is_back_ends_the_trouble_it_made_and_no_other() {
        let health = Health::starting();
        health.server_is_back();
        assert_eq!(health.trouble(), Some(Trouble::Starting));
        health.set(None);
        health.store_failed(&StoreError::Unreachable);
        assert_eq!(health.trouble(), Some(Trouble::Away));
        health.server_is_back();
        assert_eq!(health.trouble(), None);
        health.store_failed(&StoreError::Moved);
        assert_eq!(health.trouble(), None);
        health.store_failed(&StoreError::Full);
        health.server_is_back();
        assert_eq!(health.trouble(), Some(Trouble::Full));
    }

    #[test]
    fn a_write_that_succeeds_while_stopping_does_not_make_it_ready() {
        let health = Health::starting();
        health.set(Some(Trouble::Stopping));
        health.store_result(&Ok(()));
        health.store_result::<()>(&Err(StoreError::Full));
        assert_eq!(health.trouble(), Some(Trouble::Stopping));
    }
}
