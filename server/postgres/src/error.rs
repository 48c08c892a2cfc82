//! What PostgreSQL reports, as a [`StoreError`]. Its own words are left out: they may quote values.

use sotay_store::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

pub(crate) fn store_error(error: &Error) -> StoreError {
    match error.code() {
        Some(code) => from_code(code),
        // The connection broke, could not be made, or the server said something that is not the protocol.
        None => StoreError::Unreachable,
    }
}

fn from_code(code: &SqlState) -> StoreError {
    let text = code.code();
    match &text[..2] {
        "53" if *code == SqlState::DISK_FULL => StoreError::Full,
        // Connection lost; too many connections or no memory; shut down, starting, statement timed out.
        "08" | "53" | "57" => StoreError::Unreachable,
        "25" if *code == SqlState::READ_ONLY_SQL_TRANSACTION => StoreError::ReadOnly,
        "XX" => StoreError::Corrupt(format!("PostgreSQL reports {text}")),
        // Serialisation, deadlock; a lock that did not come free.
        "40" => StoreError::Moved,
        "55" if *code == SqlState::LOCK_NOT_AVAILABLE => StoreError::Moved,
        // Nothing we write violates a constraint unless the tables contradict each other.
        "23" => StoreError::Corrupt(format!("the tables contradict each other ({text})")),
        "28" => StoreError::Io("the database server refuses user or password".into()),
        "3D" => StoreError::Io("there is no database of that name on the server".into()),
        "42" if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            StoreError::Io("the user lacks a right in the database".into())
        }
        _ => StoreError::Io(format!("PostgreSQL reports {text}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_keep_their_meaning() {
        let of = |code| from_code(&SqlState::from_code(code));
        assert!(matches!(of("53100"), StoreError::Full));
        assert!(matches!(of("53300"), StoreError::Unreachable));
        assert!(matches!(of("57P01"), StoreError::Unreachable));
        assert!(matches!(of("57014"), StoreError::Unreachable));
        assert!(matches!(of("25006"), StoreError::ReadOnly));
        assert!(matches!(of("XX001"), StoreError::Corrupt(_)));
        assert!(matches!(of("23505"), StoreError::Corrupt(_)));
        assert!(matches!(of("40P01"), StoreError::Moved));
        assert!(matches!(of("55P03"), StoreError::Moved));
        assert!(of("28P01").to_string().contains("password"));
        assert!(of("3D000").to_string().contains("no database"));
        assert!(of("42501").to_string().contains("right"));
        assert!(of("22012").to_string().contains("22012"));
    }
}
