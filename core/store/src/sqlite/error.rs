//! What SQLite reports, as a [`StoreError`].

use std::io;

use rusqlite::{Error, ErrorCode, ffi};
use sotay_sqlite::UnlockError;

use crate::StoreError;

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            // The message is left out: it may contain the path.
            Error::SqliteFailure(failure, _) => from_code(failure),
            // A column of another type or range than we write.
            other => StoreError::Corrupt(format!(
                "a row does not have the expected form ({})",
                name(&other)
            )),
        }
    }
}

impl From<UnlockError> for StoreError {
    fn from(error: UnlockError) -> Self {
        match error {
            UnlockError::NoCipher => StoreError::NoCipher,
            UnlockError::Sqlite(error) => error.into(),
        }
    }
}

/// What the operating system reports about a file of a database.
pub(super) fn io_error(error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull => StoreError::Full,
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => StoreError::ReadOnly,
        kind => StoreError::Io(kind.to_string()),
    }
}

fn from_code(failure: ffi::Error) -> StoreError {
    let words = ffi::code_to_str(failure.extended_code);
    match failure.code {
        ErrorCode::DiskFull => StoreError::Full,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy,
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => StoreError::ReadOnly,
        // Nothing we write violates a constraint unless the tables contradict each other.
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation => {
            StoreError::Corrupt(words.to_owned())
        }
        ErrorCode::SystemIoFailure
            if matches!(
                failure.extended_code,
                ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_DATA | ffi::SQLITE_IOERR_CORRUPTFS
            ) =>
        {
            StoreError::Corrupt(words.to_owned())
        }
        _ => StoreError::Io(format!("{words} ({})", failure.extended_code)),
    }
}

/// The variant only: the rest may quote a value.
fn name(error: &Error) -> &'static str {
    match error {
        Error::QueryReturnedNoRows => "a row is missing",
        Error::InvalidColumnType(..) => "another type",
        Error::FromSqlConversionFailure(..) => "another length",
        Error::IntegralValueOutOfRange(..) => "a number out of range",
        _ => "unexpected",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(code: std::ffi::c_int) -> StoreError {
        Error::SqliteFailure(ffi::Error::new(code), Some("/home/somebody/secret.db".into())).into()
    }

    #[test]
    fn codes_of_the_environment_keep_their_meaning() {
        assert!(matches!(mapped(ffi::SQLITE_FULL), StoreError::Full));
        assert!(matches!(mapped(ffi::SQLITE_BUSY), StoreError::Busy));
        assert!(matches!(
            mapped(ffi::SQLITE_READONLY_DBMOVED),
            StoreError::ReadOnly
        ));
        assert!(matches!(
            mapped(ffi::SQLITE_CORRUPT_INDEX),
            StoreError::Corrupt(_)
        ));
        assert!(matches!(
            mapped(ffi::SQLITE_IOERR_SHORT_READ),
            StoreError::Corrupt(_)
        ));
        assert!(matches!(mapped(ffi::SQLITE_IOERR_FSYNC), StoreError::Io(_)));
    }

    #[test]
    fn paths_in_messages_of_sqlite_do_not_get_out() {
        let error = mapped(ffi::SQLITE_CANTOPEN);
        assert_eq!(
            error.to_string(),
            "storage failed: unable to open database file (14)"
        );
        assert!(!format!("{error:?}").contains("somebody"));
    }
}
