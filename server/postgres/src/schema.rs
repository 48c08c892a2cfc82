//! The tables, their version, and how older versions become the newest. Normative: `docs/STORAGE.md`.
//!
//! `space` stands first in the key of everything that grows, so that the tables can be distributed by it; `database` and
//! `record` are small and the same for all.

use sotay_store::{DatabaseId, StoreError};
use tokio_postgres::Client;

use crate::error::store_error;

/// Two relays that start at once do not make or migrate the tables twice.
const LOCK: i64 = 0x536f_5479;

/// Every version ever released, in order. What stands here never changes; a new version is a new entry.
pub(crate) const MIGRATIONS: &[&str] = &[VERSION_1, VERSION_2];

const VERSION_1: &str = "
    CREATE TABLE sotay.database (
        one     smallint PRIMARY KEY CHECK (one = 1),
        id      bytea NOT NULL,
        version integer NOT NULL
    );
    CREATE TABLE sotay.space (
        space bytea PRIMARY KEY,
        head  bigint NOT NULL,
        chain bytea NOT NULL,
        bytes bigint NOT NULL
    );
    CREATE TABLE sotay.feed (
        space  bytea NOT NULL,
        device bytea NOT NULL,
        seq    bigint NOT NULL,
        tip    bytea NOT NULL,
        PRIMARY KEY (space, device)
    );
    CREATE TABLE sotay.envelope (
        space   bytea NOT NULL,
        arrival bigint NOT NULL,
        device  bytea NOT NULL,
        seq     bigint NOT NULL,
        prefix  bigint NOT NULL,
        chain   bytea NOT NULL,
        bytes   bytea NOT NULL,
        PRIMARY KEY (space, arrival)
    );
    CREATE UNIQUE INDEX envelope_place ON sotay.envelope (space, device, seq) INCLUDE (arrival);
    CREATE INDEX envelope_id ON sotay.envelope (prefix);
    CREATE TABLE sotay.fork (
        space  bytea NOT NULL,
        device bytea NOT NULL,
        seq    bigint NOT NULL,
        other  bytea NOT NULL,
        PRIMARY KEY (space, device)
    );
    CREATE TABLE sotay.record (
        bucket smallint NOT NULL,
        key    bytea NOT NULL,
        sum    bytea NOT NULL,
        value  bytea NOT NULL,
        PRIMARY KEY (bucket, key)
    );";

/// Of an envelope that was dropped the row stays with its place in the chain of arrivals: no bytes, and nothing that an index
/// leads to.
const VERSION_2: &str = "
    ALTER TABLE sotay.envelope
        ALTER COLUMN device DROP NOT NULL,
        ALTER COLUMN seq DROP NOT NULL,
        ALTER COLUMN prefix DROP NOT NULL;";

/// Makes the tables, or proves that they are ours, and brings an older version forward; all of one opening is one
/// transaction.
pub(crate) async fn prepare(
    client: &Client,
    new_id: Option<DatabaseId>,
    migrations: &[&str],
) -> Result<DatabaseId, StoreError> {
    let run = async |sql: &str| {
        client
            .batch_execute(sql)
            .await
            .map_err(|error| store_error(&error))
    };
    let durable = one::<String>(client, "SHOW fsync").await?;
    if durable.as_deref() != Some("on") {
        return Err(StoreError::Io(
            "the server runs with fsync off: a power cut would lose what was acknowledged".into(),
        ));
    }
    run("BEGIN").await?;
    let lock = client.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await;
    lock.map_err(|error| store_error(&error))?;
    let id = in_transaction(client, new_id, migrations).await;
    match &id {
        Ok(_) => run("COMMIT").await?,
        // The connection is given up anyway when this fails too.
        Err(_) => run("ROLLBACK").await.unwrap_or(()),
    }
    id
}

async fn in_transaction(
    client: &Client,
    new_id: Option<DatabaseId>,
    migrations: &[&str],
) -> Result<DatabaseId, StoreError> {
    let run = async |sql: &str| {
        client
            .batch_execute(sql)
            .await
            .map_err(|error| store_error(&error))
    };
    let (known, id) = match found(client).await? {
        Found::Nothing => {
            run("CREATE SCHEMA sotay").await?;
            (0, new_id.map_or_else(fresh_id, Ok)?)
        }
        Found::Foreign => return Err(StoreError::Foreign),
        Found::Version(version, id) => (version, id),
    };
    let newest = u32::try_from(migrations.len()).expect("a handful");
    if known > newest {
        return Err(StoreError::Newer {
            found: known,
            known: newest,
        });
    }
    for migration in &migrations[known as usize..] {
        run(migration).await?;
    }
    let newest = i32::try_from(newest).expect("a handful");
    let set = if known == 0 {
        "INSERT INTO sotay.database (one, id, version) VALUES (1, $1, $2)"
    } else {
        "UPDATE sotay.database SET version = $2 WHERE id = $1 AND version <> $2"
    };
    let set = client.execute(set, &[&&id.0[..], &newest]).await;
    set.map_err(|error| store_error(&error))?;
    Ok(id)
}

/// Whether the server still holds the database that was opened, in a version that is understood.
pub(crate) async fn same(client: &Client, id: DatabaseId) -> Result<(), StoreError> {
    let newest = u32::try_from(MIGRATIONS.len()).expect("a handful");
    match found(client).await? {
        Found::Version(version, found) if found == id && version <= newest => Ok(()),
        Found::Version(version, found) if found == id => Err(StoreError::Newer {
            found: version,
            known: newest,
        }),
        _ => Err(StoreError::Foreign),
    }
}

enum Found {
    Nothing,
    /// The schema is there, but it is not ours.
    Foreign,
    Version(u32, DatabaseId),
}

async fn found(client: &Client) -> Result<Found, StoreError> {
    if one::<String>(
        client,
        "SELECT nspname::text FROM pg_namespace WHERE nspname = 'sotay'",
    )
    .await?
    .is_none()
    {
        return Ok(Found::Nothing);
    }
    if one::<bool>(
        client,
        "SELECT true WHERE to_regclass('sotay.database') IS NOT NULL",
    )
    .await?
    .is_none()
    {
        return Ok(Found::Foreign);
    }
    let row = client
        .query_opt("SELECT version, id FROM sotay.database", &[])
        .await;
    let Some(row) = row.map_err(|error| store_error(&error))? else {
        return Ok(Found::Foreign);
    };
    let (version, id): (i32, Vec<u8>) = (row.get(0), row.get(1));
    match (u32::try_from(version), id.try_into()) {
        (Ok(version), Ok(id)) => Ok(Found::Version(version, DatabaseId(id))),
        _ => Ok(Found::Foreign),
    }
}

async fn one<T: for<'a> tokio_postgres::types::FromSql<'a>>(
    client: &Client,
    sql: &str,
) -> Result<Option<T>, StoreError> {
    let row = client
        .query_opt(sql, &[])
        .await
        .map_err(|error| store_error(&error))?;
    Ok(row.map(|row| row.get(0)))
}

fn fresh_id() -> Result<DatabaseId, StoreError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| StoreError::Io(format!("no randomness: {error}")))?;
    Ok(DatabaseId(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, PostgresStore, server};
    use sotay_store::Store;
    use sotay_store::conformance::{Author, commit, space};

    #[test]
    fn a_database_of_version_1_is_brought_forward_in_place_and_its_envelopes_can_be_dropped() {
        let Some(mut server) = server::for_test("migration of tables") else {
            return;
        };
        let url = server.database().unwrap();
        let mut author = Author::new(1, space(1));
        let feed = author.write_many(4);
        let open =
            |migrations| PostgresStore::open_with(url.parse().unwrap(), Options::default(), migrations);
        let mut old = open(&MIGRATIONS[..1]).unwrap();
        commit(&mut old, feed.clone());
        let id = old.database_id();
        drop(old);
        let mut new = open(MIGRATIONS).unwrap();
        assert_eq!(new.database_id(), id);
        let places = [1, 2].map(|seq| (author.id(), seq));
        assert_eq!(new.drop_envelopes(&space(1), &places).unwrap().envelopes, 2);
        let checked = new.full_check().unwrap();
        assert_eq!((checked.envelopes, checked.dropped), (2, 2));
        drop(new);
        let refused = open(&MIGRATIONS[..1]);
        assert!(matches!(refused, Err(StoreError::Newer { found: 2, known: 1 })));
    }
}
