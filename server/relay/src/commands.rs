//! The operator's commands over units, devices and spaces. They reach a running relay through its socket, and the
//! database of a stopped one directly.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sotay_membership::rank;
use sotay_store::Store;
use sotay_sync::{Policy, Replica, Role, bundle};

use crate::admin::{Ask, Desk};
use crate::cli::{Data, Export, OfUnit, Prune, Quota, Spaces, Target};
use crate::config;
use crate::contacts::{Contacts, DAY_MS};
use crate::data::{DataDir, DataError, running};
use crate::database::{Access, Database, file_options};
use crate::error::RunError;
use crate::permissions::Permissions;
use crate::prune::{self, Retention};
use crate::shard::now_ms;
use crate::socket::{self, Client};

/// A relay to ask.
pub(crate) enum Source {
    Running(Client),
    Stopped(Box<Stopped>),
}

/// The database of a relay that is not running.
pub(crate) struct Stopped {
    data: DataDir,
    replica: Replica<Box<dyn Store>>,
    permissions: Permissions,
    contacts: Contacts,
}

impl Source {
    /// Looks whether a relay is running on the directory.
    pub fn open(data: &Path) -> Result<Self, RunError> {
        let dir = match DataDir::open(data) {
            Ok(dir) => dir,
            Err(DataError::InUse(path)) => {
                let client = Client::connect(data).map_err(|error| RunError::Socket {
                    path: socket::path(&path),
                    error,
                })?;
                return Ok(Source::Running(client));
            }
            Err(error) => return Err(error.into()),
        };
        let store = Database::of(&dir, Access::Write)?.into_store();
        Self::stopped(dir, store)
    }

    /// The file of a directory, whatever the directory says of a server.
    pub fn file(dir: DataDir) -> Result<Self, RunError> {
        let store = sotay_store::SqliteStore::open(&dir.database(), &file_options())?;
        Self::stopped(dir, Box::new(store))
    }

    fn stopped(data: DataDir, store: Box<dyn Store>) -> Result<Self, RunError> {
        let permissions = Permissions::load(&store, None)?;
        Ok(Source::Stopped(Box::new(Stopped {
            contacts: Contacts::load(&store)?,
            replica: Replica::open(store, Role::Relay, Policy::Any)?,
            permissions,
            data,
        })))
    }

    /// Closes the file, sets it aside, and notes that the records are on the server which a configuration names. Returns
    /// where the file is.
    pub fn leave_file(self, config: &Path) -> Result<PathBuf, RunError> {
        let Source::Stopped(stopped) = self else {
            return Err(RunError::Stopped);
        };
        let Stopped { data, replica, .. } = *stopped;
        drop(replica);
        data.note_server(config)?;
        Ok(data.keep_aside()?)
    }

    /// The answer to one question.
    pub fn ask(&mut self, ask: &Ask) -> Result<Value, RunError> {
        match self {
            Source::Running(client) => {
                let answer = client.ask(ask).map_err(|_| RunError::NotRunning)?;
                answer.map_err(RunError::Refused)
            }
            Source::Stopped(stopped) => {
                let mut desk = Desk {
                    replica: &mut stopped.replica,
                    permissions: &mut stopped.permissions,
                    contacts: &stopped.contacts,
                    quotas: None,
                    now: now_ms(),
                };
                Ok(desk.answer(ask)?)
            }
        }
    }
}

/// Asks and prints: JSON as it came, or one line for each entry of a list.
fn show(data: &Data, ask: &Ask, text: impl FnOnce(&Value) -> String) -> Result<(), RunError> {
    let answer = Source::open(&data.data)?.ask(ask)?;
    if data.json {
        println!("{answer}");
    } else {
        print!("{}", text(&answer));
    }
    Ok(())
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// How many days ago a time was; `-` when it never was.
fn days(value: &Value) -> String {
    match value.as_i64() {
        None | Some(0) => "-".into(),
        Some(at) => format!("{} d", now_ms().saturating_sub(at).max(0) / DAY_MS),
    }
}

/// How long until then: days, and hours of the last one.
fn in_time(left_ms: i64) -> String {
    const HOUR_MS: i64 = 3_600_000;
    match left_ms {
        ..DAY_MS => format!("in {} h", (left_ms + HOUR_MS - 1) / HOUR_MS),
        _ => format!("in {} d", (left_ms + DAY_MS - 1) / DAY_MS),
    }
}

fn table(heads: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut text = String::new();
    let mut widths: Vec<usize> = heads.iter().map(|head| head.len()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    let heads = heads.iter().map(|head| (*head).to_owned()).collect();
    for row in std::iter::once(&heads).chain(&rows) {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text += cells.join("  ").trim_end();
        text.push('\n');
    }
    text
}

pub(crate) fn units(args: &Data) -> Result<(), RunError> {
    show(args, &Ask::Units, |answer| {
        let row = |unit: &Value| {
            let mut row: Vec<String> = ["unit", "served", "spaces", "envelopes", "bytes", "dropped"]
                .iter()
                .map(|name| word(&unit[name]))
                .collect();
            row.extend(
                ["up_to_date", "behind", "silent"]
                    .iter()
                    .map(|name| word(&unit[name])),
            );
            row.push(days(&unit["seen"]));
            row
        };
        table(
            &[
                "unit",
                "served",
                "spaces",
                "envelopes",
                "bytes",
                "dropped",
                "up to date",
                "behind",
                "silent",
                "last seen",
            ],
            list(answer, "units").map(row).collect(),
        )
    })
}

pub(crate) fn devices(args: &OfUnit) -> Result<(), RunError> {
    let ask = Ask::Devices {
        unit: args.unit.clone(),
    };
    show(&args.data, &ask, |answer| {
        let row = |device: &Value| {
            let mut row: Vec<String> = ["device", "rank", "state", "blocked"]
                .iter()
                .map(|name| word(&device[name]))
                .collect();
            row.extend([days(&device["seen"]), days(&device["whole"])]);
            row
        };
        let (rows, hidden): (Vec<_>, Vec<_>) =
            list(answer, "devices").partition(|device| is_of_interest(device));
        let heads = [
            "device",
            "rank",
            "state",
            "blocked",
            "last seen",
            "had everything",
        ];
        let mut text = table(&heads, rows.into_iter().map(row).collect());
        if !hidden.is_empty() {
            text += &format!(
                "{} more of rank 5 never came: one-time devices for letters without a name, or guests\n",
                hidden.len()
            );
        }
        text
    })
}

/// Whether an operator wants to see a device: not those that letters without a name are signed with once (decision 0082),
/// which no phone ever comes with, nor guests who have not come. The relay does not know them apart.
pub(crate) fn is_of_interest(device: &Value) -> bool {
    let came = device["seen"].as_i64().is_some_and(|seen| seen > 0);
    let admitted = device["rank"]
        .as_u64()
        .is_none_or(|rank| rank < u64::from(rank::GUEST));
    came || admitted || device["blocked"] == true
}

pub(crate) fn spaces(args: &Spaces) -> Result<(), RunError> {
    let ask = Ask::Spaces {
        unit: args.unit.clone(),
    };
    show(&args.data, &ask, |answer| {
        let names = ["unit", "kind", "space", "envelopes", "bytes", "bytes_max"];
        let row = |space: &Value| names.iter().map(|name| word(&space[name])).collect();
        table(&names, list(answer, "spaces").map(row).collect())
    })
}

pub(crate) fn quota(args: &Quota) -> Result<(), RunError> {
    let ask = Ask::Quota {
        device: args.device.clone(),
        forgive: args.forgive,
    };
    show(&args.data, &ask, |answer| {
        let used = &answer["used"];
        let row = |what: &str| {
            vec![
                what.replace('_', " "),
                word(&used[what]),
                word(&used[format!("{what}_max")]),
            ]
        };
        table(
            &["of", "used", "limit"],
            ["envelopes", "bytes", "new_devices"]
                .into_iter()
                .map(row)
                .collect(),
        )
    })
}

/// A way into the operator's page.
pub(crate) fn web(args: &Data) -> Result<(), RunError> {
    let relay = running(&args.data)?.ok_or(RunError::NotRunning)?;
    show(args, &Ask::Link, |answer| {
        format!("http://{}{}\n", relay.http, word(&answer["path"]))
    })
}

pub(crate) fn block(args: &Target) -> Result<(), RunError> {
    permit(args, |target| Ask::Block { target })
}

pub(crate) fn allow(args: &Target) -> Result<(), RunError> {
    permit(args, |target| Ask::Allow { target })
}

fn permit(args: &Target, ask: impl FnOnce(String) -> Ask) -> Result<(), RunError> {
    let ask = args.target.clone().map_or(Ask::Permissions, ask);
    show(&args.data, &ask, |answer| {
        let rows = ["configured", "allowed", "blocked_units", "blocked_devices"];
        let row = |name: &&str| {
            list(answer, name)
                .map(|id| vec![name.replace('_', " "), word(id)])
                .collect()
        };
        table(
            &["list", "unit or device"],
            rows.iter()
                .flat_map(|name| -> Vec<Vec<String>> { row(name) })
                .collect(),
        )
    })
}

/// Drops now what may be dropped, or says what would be.
pub(crate) fn prune(args: &Prune) -> Result<(), RunError> {
    let dry = args.dry_run;
    let answer = match Source::open(&args.data.data)? {
        Source::Running(mut client) => {
            let answer = client.ask_patiently(&Ask::Prune { dry });
            answer
                .map_err(|_| RunError::NotRunning)?
                .map_err(|words| match words == prune::OFF {
                    true => RunError::PruningOff,
                    false => RunError::Refused(words),
                })?
        }
        Source::Stopped(mut stopped) => {
            let config = args.config.as_deref().map(config::read).transpose()?;
            let retention = config.map_or_else(Retention::default, |config| config.retention);
            if !dry && !retention.signed {
                return Err(RunError::PruningOff);
            }
            prune::sweep(&mut stopped.replica, &retention, dry, now_ms())?
        }
    };
    if args.data.json {
        println!("{answer}");
        return Ok(());
    }
    let covers: Vec<Vec<String>> = list(&answer, "covers")
        .map(|cover| {
            let left = cover["due"].as_i64().unwrap_or(0).saturating_sub(now_ms());
            let state = if cover["finished"] == true {
                "done".to_owned()
            } else if left > 0 {
                in_time(left)
            } else {
                "due".to_owned()
            };
            let id = word(&cover["cover"]).chars().take(16).collect();
            vec![
                word(&cover["unit"]),
                word(&cover["kind"]),
                id,
                days(&cover["held_since"]),
                state,
            ]
        })
        .collect();
    if covers.is_empty() {
        println!("no unit has a cover that two of its officers signed: nothing may be dropped");
        return Ok(());
    }
    print!(
        "{}",
        table(&["unit", "space", "cover", "held for", "dropping"], covers)
    );
    let names = [
        "unit",
        "kind",
        "envelopes",
        "bytes",
        "feeds_behind",
        "feeds_apart",
    ];
    let spaces: Vec<Vec<String>> = list(&answer, "spaces")
        .map(|space| names.iter().map(|name| word(&space[name])).collect())
        .collect();
    if !spaces.is_empty() {
        print!("{}", table(&names, spaces));
    }
    let (envelopes, bytes) = (word(&answer["envelopes"]), word(&answer["bytes"]));
    if dry {
        println!("{envelopes} envelopes of {bytes} bytes would be dropped");
    } else {
        println!(
            "{envelopes} envelopes of {bytes} bytes were dropped; `compact` gives the room back to the disk"
        );
    }
    Ok(())
}

/// Everything of a unit in a file that a phone imports (P10).
pub(crate) fn export(args: &Export) -> Result<(), RunError> {
    let data = DataDir::open(&args.data.data)?;
    let store = Database::of(&data, Access::Read)?.into_store();
    let replica = Replica::open(store, Role::Relay, Policy::Any)?;
    let spaces: Vec<_> = replica
        .spaces()
        .into_iter()
        .filter(|space| space.unit.to_string() == args.unit)
        .collect();
    if spaces.is_empty() {
        return Err(crate::admin::AdminError::Unit.into());
    }
    let bytes = bundle::write(&replica, &spaces, None).map_err(RunError::Bundle)?;
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&args.out)?;
        file.write_all(&bytes)?;
        file.sync_all()
    };
    if let Err(error) = write() {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            return Err(RunError::Exists(args.out.clone()));
        }
        // What was begun is no bundle, and would stand in the way of the next attempt.
        let _ = std::fs::remove_file(&args.out);
        return Err(RunError::Output {
            path: args.out.clone(),
            error,
        });
    }
    if args.data.json {
        println!(
            "{}",
            serde_json::json!({ "spaces": spaces.len(), "bytes": bytes.len() })
        );
    } else {
        println!("{} spaces, {} bytes", spaces.len(), bytes.len());
    }
    Ok(())
}

/// Writes the database anew; the old file is replaced only by a copy that was checked whole.
pub(crate) fn compact(args: &Data) -> Result<(), RunError> {
    let data = DataDir::open_to_rewrite(&args.data)?;
    let Database::File(store) = Database::of(&data, Access::Write)? else {
        return Err(DataError::OnServer(data.path().to_owned()).into());
    };
    let before = store.file_bytes()?;
    let copy = data.path().join("relay.sqlite.compact");
    match std::fs::remove_file(&copy) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(DataError::io(&copy, "removed", error).into());
        }
        _ => {}
    }
    store.backup_to(&copy)?;
    let id = store.database_id();
    // Closing moves the log into the file; what follows replaces a file that nobody has open.
    drop(store);
    let made = sotay_store::SqliteStore::inspect(&copy, &file_options())?;
    let checked = made.full_check()?;
    let after = made.file_bytes()?;
    let same = made.database_id() == id;
    drop(made);
    if !same {
        return Err(sotay_store::StoreError::Corrupt("the copy has another identity".into()).into());
    }
    data.replace_database(&copy)?;
    if args.json {
        let line = serde_json::json!({ "envelopes": checked.envelopes, "before": before, "after": after });
        println!("{line}");
    } else {
        println!(
            "{} envelopes checked; {before} bytes became {after}",
            checked.envelopes
        );
    }
    Ok(())
}
