//! `move`: the records of a relay go from its file to a database server, with their order and identity, so that no phone
//! notices.

use std::time::Instant;

use serde_json::json;
use sotay_store::{SqliteStore, Store};
use sotay_sync::{Policy, Replica, Role};

use crate::admin::Ask;
use crate::backup::{BackupError, Cut, bring_forward};
use crate::cli::Move;
use crate::commands::Source;
use crate::config;
use crate::data::{DataDir, DataError};
use crate::database::{Database, file_options};
use crate::error::RunError;

/// Copies, checks, and only then lets the directory say that the records are on the server. Interrupted at any moment
/// it goes on where it was when it is run again.
pub(crate) fn relocate(args: &Move) -> Result<(), RunError> {
    let start = Instant::now();
    let target = config::read(&args.config)?
        .store
        .ok_or_else(|| DataError::NoServer(args.config.clone()))?;
    let data = DataDir::open_to_rewrite(&args.data.data)?;
    if data.server()?.is_some() && !data.database().exists() {
        return Err(DataError::OnServer(data.path().to_owned()).into());
    }
    let id = SqliteStore::inspect(&data.database(), &file_options())?.database_id();
    let store = Database::server(&target, Some(id), None)?.into_store();
    if store.database_id() != id {
        return Err(BackupError::Other(target.place().into()).into());
    }
    let mut source = Source::file(data)?;
    let cut = Cut::read(&source.ask(&Ask::Cut)?).ok_or(BackupError::Answer("the cut"))?;
    // As a device it takes whatever a granted device signed, in the file's order.
    let mut replica = Replica::open(store, Role::Device, Policy::Any)?;
    let new = bring_forward(&mut source, &mut replica, cut, &target.place())?;
    drop(replica);
    let checked = Database::server(&target, None, None)?.full_check()?;
    let kept = source.leave_file(&args.config)?;
    let seconds = start.elapsed().as_secs_f64();
    if args.data.json {
        let line = json!({
            "new": new,
            "envelopes": checked.envelopes,
            "spaces": checked.spaces,
            "kept": kept.display().to_string(),
            "seconds": seconds,
        });
        println!("{line}");
    } else {
        println!(
            "{new} envelopes moved; the server holds {} in {} spaces, all verified, in {seconds:.1} s\nthe file is kept as \
             {}; remove it after the first backup",
            checked.envelopes,
            checked.spaces,
            kept.display()
        );
    }
    Ok(())
}
