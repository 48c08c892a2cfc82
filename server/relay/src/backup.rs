//! Backup of a running relay, and restore (decision 0102). A backup is a database of its own that is brought forward
//! by the envelopes that came since; the relay only reads pages of ranges, in between it serves phones. Every envelope
//! is verified again on its way in, and the chain of arrivals proves that nothing is missing.

use std::path::PathBuf;
use std::time::Instant;

use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value, json};
use sotay_feed::{Envelope, Space, SpaceId};
use sotay_net::key_text;
use sotay_store::{Arrival, Batch, Bucket, DatabaseId, Options, Put, SqliteStore, Store, StoreError};
use sotay_sync::message::decode_space;
use sotay_sync::{Admitted, FollowError, Policy, RefuseReason, Replica, Role};

use crate::admin::Ask;
use crate::cli::{Backup, Restore};
use crate::commands::Source;
use crate::data::{DataDir, DataError, KEY_FILE, copy_private};
use crate::database::file_options;
use crate::error::RunError;
use crate::shard::now_ms;

const DATABASE_FILE: &str = "backup.sqlite";
const MANIFEST_FILE: &str = "backup.json";
/// Version of the manifest.
const MANIFEST_VERSION: u64 = 1;

/// Why a backup cannot be made or restored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    #[error("{0} holds the backup of another database")]
    Other(PathBuf),
    #[error("{0} holds more than the relay, or another history: the relay was set back")]
    Ahead(PathBuf),
    #[error("the relay's answer is not understood: {0}")]
    Answer(&'static str),
    #[error("an envelope of the relay does not verify ({0})")]
    Unverified(&'static str),
    #[error("there is no backup in {0}")]
    Missing(PathBuf),
    #[error("there is a relay in {0} already; nothing was overwritten")]
    Exists(PathBuf),
    #[error("neither the backup nor {0} holds the relay's key")]
    NoKey(PathBuf),
}

impl BackupError {
    /// See [`RunError::exit_code`].
    pub fn exit_code(&self) -> u8 {
        match self {
            BackupError::Unverified(_) => 6,
            BackupError::Other(_) | BackupError::Ahead(_) | BackupError::Missing(_) => 5,
            BackupError::Exists(_) | BackupError::NoKey(_) => 5,
            BackupError::Answer(_) => 1,
        }
    }

    /// See [`RunError::next_action`].
    pub fn next_action(&self) -> &'static str {
        match self {
            BackupError::Other(_) => "Give the backup of this relay, or an empty directory.",
            BackupError::Ahead(_) => {
                "Keep this backup aside and make a new one in an empty directory. If the relay was restored from an \
                 older copy by mistake, restore this one instead."
            }
            BackupError::Answer(_) => {
                "Use the same version of sotay-relay for the command and the running relay."
            }
            BackupError::Unverified(_) => {
                "The database is damaged: stop the relay, run `sotay-relay verify`, and restore the last backup."
            }
            BackupError::Missing(_) => "Check the path after --from: it must hold backup.sqlite.",
            BackupError::Exists(_) => {
                "Give an empty directory after --data, or move the old one aside. A restore that was cut off at its very end \
                 has left a whole relay: `sotay-relay verify` tells."
            }
            BackupError::NoKey(_) => {
                "Put relay.key (mode 0600) into the data directory first, from where you keep it safe: phones know \
                 this relay by its key."
            }
        }
    }
}

/// What a backup has to hold.
pub(crate) struct Cut {
    database: DatabaseId,
    spaces: Vec<(Space, Arrival)>,
    records: Vec<(Vec<u8>, Vec<u8>)>,
    forks: Vec<(SpaceId, Envelope)>,
}

impl Cut {
    pub fn read(answer: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let base64 = |value: &Value| BASE64.decode(value.as_str()?.as_bytes()).ok();
        let database = HEXLOWER.decode(text(&answer["database"])?.as_bytes()).ok()?;
        let mut spaces = Vec::new();
        for line in answer["spaces"].as_array()? {
            let chain = HEXLOWER.decode(text(&line["chain"])?.as_bytes()).ok()?;
            let head = Arrival {
                number: line["head"].as_u64()?,
                chain: chain.try_into().ok()?,
            };
            spaces.push((decode_space(&base64(&line["space"])?).ok()?, head));
        }
        // A roll says whose signatures count in the others.
        spaces.sort_by_key(|(space, _)| (space.kind, space.unit, space.subject));
        let mut records = Vec::new();
        for line in answer["records"].as_array()? {
            records.push((base64(&line[0])?, base64(&line[1])?));
        }
        let mut forks = Vec::new();
        for line in answer["forks"].as_array()? {
            let envelope = Envelope::decode(&base64(&line["other"])?).ok()?;
            forks.push((text(&line["space"])?.parse().ok()?, envelope));
        }
        Some(Self {
            database: DatabaseId(database.try_into().ok()?),
            spaces,
            records,
            forks,
        })
    }
}

/// Brings a backup up to now, or makes it.
pub(crate) fn backup(args: &Backup) -> Result<(), RunError> {
    let start = Instant::now();
    let mut source = Source::open(&args.data.data)?;
    let cut = Cut::read(&source.ask(&Ask::Cut)?).ok_or(BackupError::Answer("the cut"))?;
    let made = std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700)
        .recursive(true)
        .create(&args.to);
    made.map_err(|error| DataError::io(&args.to, "made", error))?;
    let path = args.to.join(DATABASE_FILE);
    let options = Options {
        new_id: Some(cut.database),
        ..file_options()
    };
    let store = SqliteStore::open(&path, &options)?;
    if store.database_id() != cut.database {
        return Err(BackupError::Other(args.to.clone()).into());
    }
    // As a device it takes whatever a granted device signed, in the relay's order; as a relay it would judge anew.
    let mut replica = Replica::open(store, Role::Device, Policy::Any)?;
    let database = cut.database;
    let new = bring_forward(&mut source, &mut replica, cut, &args.to.display().to_string())?;
    let checked = replica.store().full_check()?;
    if args.with_key {
        copy_private(&args.data.data.join(KEY_FILE), &args.to, KEY_FILE)?;
    }
    let manifest = json!({
        "version": MANIFEST_VERSION,
        "taken": now_ms(),
        "database": HEXLOWER.encode(&database.0),
        "envelopes": checked.envelopes,
        "spaces": checked.spaces,
    });
    crate::data::write_whole(&args.to, MANIFEST_FILE, manifest.to_string().as_bytes())?;
    let seconds = start.elapsed().as_secs_f64();
    if args.data.json {
        let line = json!({
            "new": new,
            "envelopes": checked.envelopes,
            "spaces": checked.spaces,
            "key": args.with_key,
            "seconds": seconds,
        });
        println!("{line}");
    } else {
        println!(
            "{new} new envelopes; the backup holds {} in {} spaces, all verified, in {seconds:.1} s",
            checked.envelopes, checked.spaces
        );
        if !args.with_key {
            println!("without the relay's key: keep a copy of relay.key in a safe place");
        }
    }
    Ok(())
}

/// Copies what a relay has beyond a replica, in the relay's order, and its own records. Returns how many envelopes that
/// was.
pub(crate) fn bring_forward<S: Store>(
    source: &mut Source,
    replica: &mut Replica<S>,
    cut: Cut,
    to: &str,
) -> Result<u64, RunError> {
    let mut new = 0;
    for (space, head) in &cut.spaces {
        new += follow(source, replica, space, *head, to)?;
    }
    for (id, envelope) in cut.forks {
        let space = replica.space(&id).ok_or(BackupError::Answer("a fork"))?;
        let answers = replica.admit(&space, vec![envelope], Vec::new())?;
        if !matches!(answers[..], [Admitted::Refused(RefuseReason::Fork { .. })]) {
            return Err(BackupError::Unverified("a proof of a fork").into());
        }
    }
    records(replica, &cut.records)?;
    Ok(new)
}

/// Arrivals of a space as the relay tells them.
struct Page {
    before: Option<[u8; 8]>,
    rows: Vec<(Arrival, Option<Envelope>)>,
}

impl Page {
    /// What follows `at`. Of an envelope that is there the chain follows from its id.
    fn read(answer: &Value, mut at: Arrival) -> Result<Self, BackupError> {
        let chain = |value: &Value| -> Option<[u8; 8]> {
            let bytes = HEXLOWER.decode(value.as_str()?.as_bytes()).ok()?;
            bytes.try_into().ok()
        };
        let mut rows = Vec::new();
        for row in answer["rows"].as_array().into_iter().flatten() {
            let envelope = match row["envelope"].as_str() {
                Some(text) => {
                    let bytes = BASE64.decode(text.as_bytes()).ok();
                    let envelope = bytes.and_then(|bytes| Envelope::decode(&bytes).ok());
                    Some(envelope.ok_or(BackupError::Unverified("its form"))?)
                }
                None => None,
            };
            at = match &envelope {
                Some(envelope) => at.next(envelope.id()),
                None => Arrival {
                    number: at.number + 1,
                    chain: chain(&row["dropped"]).ok_or(BackupError::Answer("a chain"))?,
                },
            };
            rows.push((at, envelope));
        }
        let before = chain(&answer["before"]);
        Ok(Self { before, rows })
    }
}

/// Copies what a space gained, up to the cut, with what was dropped of it as it is. Returns how many arrivals that was.
fn follow<S: Store>(
    source: &mut Source,
    replica: &mut Replica<S>,
    space: &Space,
    head: Arrival,
    to: &str,
) -> Result<u64, RunError> {
    let id = space.id();
    replica.know_space(*space)?;
    let before = replica.store().head(&id)?;
    let mut at = before;
    let apart = || BackupError::Ahead(to.into());
    while at.number < head.number {
        let ask = Ask::Page {
            space: id.to_string(),
            after: at.number,
            upto: head.number,
        };
        let page = Page::read(&source.ask(&ask)?, at)?;
        if page.before != Some(at.chain) {
            return Err(apart().into());
        }
        if page.rows.is_empty() {
            return Err(BackupError::Answer("an empty page").into());
        }
        replica.follow(space, page.rows).map_err(|error| match error {
            FollowError::Store(error) => RunError::from(error),
            FollowError::Unverified => BackupError::Unverified("its signature").into(),
            FollowError::Apart => apart().into(),
        })?;
        at = replica.store().head(&id)?;
    }
    if at == head {
        Ok(head.number - before.number)
    } else {
        Err(BackupError::Ahead(to.into()).into())
    }
}

/// The relay's own records, as they are now.
fn records<S: Store>(replica: &mut Replica<S>, now: &[(Vec<u8>, Vec<u8>)]) -> Result<(), StoreError> {
    let store = replica.store_mut();
    let put = |key: &[u8], value: Option<&[u8]>| Put {
        bucket: Bucket::Relay,
        key: key.to_vec(),
        value: value.map(<[u8]>::to_vec),
    };
    let old = store.list(Bucket::Relay, &[])?;
    let mut puts: Vec<Put> = now.iter().map(|(key, value)| put(key, Some(value))).collect();
    let gone = old
        .iter()
        .filter(|(key, _)| now.iter().all(|(kept, _)| kept != key));
    puts.extend(gone.map(|(key, _)| put(key, None)));
    store.commit(Batch {
        envelopes: Vec::new(),
        puts,
        ..Batch::default()
    })?;
    Ok(())
}

/// Makes a data directory from a backup; the database gets its name last.
pub(crate) fn restore(args: &Restore) -> Result<(), RunError> {
    let start = Instant::now();
    let from = args.from.join(DATABASE_FILE);
    if !from.exists() {
        return Err(BackupError::Missing(args.from.clone()).into());
    }
    let data = DataDir::open_or_make(&args.data.data)?;
    if data.database().exists() || data.server()?.is_some() {
        return Err(BackupError::Exists(data.path().to_owned()).into());
    }
    let (kept, offered) = (data.path().join(KEY_FILE), args.from.join(KEY_FILE));
    if !kept.exists() {
        if !offered.exists() {
            return Err(BackupError::NoKey(data.path().to_owned()).into());
        }
        copy_private(&offered, data.path(), KEY_FILE)?;
    }
    let keys = data.key()?;
    let copy = data.path().join("relay.sqlite.restore");
    match std::fs::remove_file(&copy) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(DataError::io(&copy, "removed", error).into());
        }
        _ => {}
    }
    // Opened for writing: a backup that was interrupted is brought back to its last commit.
    SqliteStore::open(&from, &file_options())?.backup_to(&copy)?;
    // It goes on where the backup ends, and the lost relay went on too: phones that compare what relays signed must not
    // take the two for one history.
    let mut renewed = SqliteStore::open(&copy, &file_options())?;
    renewed.renew_identity()?;
    // The backup may hold what was dropped before its records were copied.
    crate::prune::begin_anew(&mut renewed)?;
    let mut renewed = Replica::open(renewed, Role::Relay, Policy::Any)?;
    crate::prune::recount(&mut renewed)?;
    drop(renewed);
    let made = SqliteStore::inspect(&copy, &file_options())?;
    let checked = made.full_check()?;
    drop(made);
    data.replace_database(&copy)?;
    let (key, seconds) = (key_text(&keys.public().sign), start.elapsed().as_secs_f64());
    if args.data.json {
        let line = json!({
            "envelopes": checked.envelopes,
            "spaces": checked.spaces,
            "key": key,
            "seconds": seconds,
        });
        println!("{line}");
    } else {
        println!(
            "{} envelopes in {} spaces, checked, in {seconds:.1} s\nkey        {key}\n\
             start the relay: what the backup lacks, phones hand over by themselves",
            checked.envelopes, checked.spaces
        );
    }
    Ok(())
}
