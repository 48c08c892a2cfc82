//! Where the records of a relay are: in a file of its data directory, or on a database server that several relays share.

use sotay_postgres::{Listener, PostgresStore, Target};
use sotay_store::{Checked, DatabaseId, Options, SqliteStore, Store, StoreError};

use crate::config;
use crate::data::{DataDir, DataError};
use crate::error::RunError;

/// SQLite page cache, KiB.
const CACHE_KIB: u32 = 32 * 1024;

/// How a database file of a relay is opened.
pub(crate) fn file_options() -> Options {
    Options {
        cache_kib: CACHE_KIB,
        ..Options::default()
    }
}

/// An open database.
pub(crate) enum Database {
    File(SqliteStore),
    Server(Box<PostgresStore>),
}

/// What a command does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Look only. A file of an older version is not brought forward.
    Read,
    Write,
}

impl Database {
    /// For `serve` and `init`: where the configuration says; made if it is not there.
    ///
    /// A directory whose records are elsewhere is refused: phones would find an empty relay.
    pub fn configured(
        data: &DataDir,
        target: Option<&Target>,
        max_bytes: Option<u64>,
        listener: Option<Listener>,
    ) -> Result<Self, RunError> {
        match (target, data.server()?) {
            (None, Some(_)) => Err(DataError::OnServer(data.path().to_owned()).into()),
            (None, None) => {
                let options = Options {
                    max_bytes,
                    ..file_options()
                };
                Ok(Self::File(SqliteStore::open(&data.database(), &options)?))
            }
            (Some(_), _) if data.database().exists() => Err(DataError::InFile(data.path().to_owned()).into()),
            (Some(target), _) => Self::server(target, None, listener),
        }
    }

    /// For the other commands: where the relay of this directory has it.
    pub fn of(data: &DataDir, access: Access) -> Result<Self, RunError> {
        let Some(config) = data.server()? else {
            let path = data.database();
            return Ok(Self::File(match access {
                Access::Read => SqliteStore::inspect(&path, &file_options())?,
                Access::Write => SqliteStore::open(&path, &file_options())?,
            }));
        };
        let target = config::read(&config)?.store.ok_or(DataError::NoServer(config))?;
        Self::server(&target, None, None)
    }

    /// On a server; `id` is the identity of one that has to be made.
    pub fn server(
        target: &Target,
        id: Option<DatabaseId>,
        listener: Option<Listener>,
    ) -> Result<Self, RunError> {
        let options = sotay_postgres::Options { new_id: id, listener };
        let store = PostgresStore::open(target.clone(), options).map_err(|error| RunError::Server {
            place: target.place(),
            error,
        })?;
        Ok(Self::Server(Box::new(store)))
    }

    /// The store, whichever it is.
    pub fn into_store(self) -> Box<dyn Store> {
        match self {
            Self::File(store) => Box::new(store),
            Self::Server(store) => store,
        }
    }

    /// Walks everything; see the stores.
    pub fn full_check(&mut self) -> Result<Checked, StoreError> {
        match self {
            Self::File(store) => store.full_check(),
            Self::Server(store) => store.full_check(),
        }
    }
}
