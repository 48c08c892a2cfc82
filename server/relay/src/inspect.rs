//! The subcommands that run no relay: `init`, `status`, `verify`.

use std::io::IsTerminal;
use std::time::Instant;

use sotay_net::key_text;
use sotay_sync::{Policy, Replica, Role};

use crate::cli::{Data, Init};
use crate::config;
use crate::data::{DataDir, running};
use crate::database::{Access, Database};
use crate::error::RunError;
use crate::http;
use crate::qr::Qr;

/// Makes directory, key and database. On an existing relay it only prints the key.
pub(crate) fn init(args: &Init) -> Result<(), RunError> {
    let config = args.config.as_deref();
    let store = config
        .map(config::read)
        .transpose()?
        .and_then(|config| config.store);
    let data = DataDir::open_or_make(&args.data.data)?;
    let keys = data.key()?;
    Database::configured(&data, store.as_ref(), None, None)?;
    if let (Some(_), Some(config)) = (&store, config) {
        data.note_server(config)?;
    }
    let key = key_text(&keys.public().sign);
    if args.data.json {
        println!(
            "{}",
            serde_json::json!({ "data": data.path().display().to_string(), "key": key })
        );
    } else {
        println!("data       {}\nkey        {key}", data.path().display());
    }
    Ok(())
}

/// Asks the running relay how it is. An error, with its exit code, unless it is running and ready.
pub(crate) fn status(args: &Data) -> Result<(), RunError> {
    let relay = running(&args.data)?.ok_or(RunError::NotRunning)?;
    let ask = |page| http::ask(relay.http, page).map_err(|_| RunError::Silent(relay.http));
    let (ready, words) = ask("/readyz")?;
    let (_, metrics) = ask("/metrics")?;
    let words = words.trim();
    let samples: Vec<(&str, &str)> = metrics
        .lines()
        .filter(|line| !line.starts_with('#') && !line.contains("_bucket"))
        .filter_map(|line| line.strip_prefix("sotay_relay_")?.rsplit_once(' '))
        .collect();
    if args.json {
        let samples: serde_json::Map<String, serde_json::Value> = samples
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        let line = serde_json::json!({
            "pid": relay.pid,
            "listen": relay.listen.to_string(),
            "http": relay.http.to_string(),
            "addresses": relay.phones,
            "ready": ready == 200,
            "state": words,
            "metrics": samples,
        });
        println!("{line}");
    } else {
        println!("process    {}\nlistening  {}", relay.pid, relay.listen);
        print!("{}", phone_lines(&relay.phones));
        println!("health     http://{}", relay.http);
        println!("state      {}", if ready == 200 { "ready" } else { words });
        for (name, value) in samples {
            println!("{value:>12}  {name}");
        }
    }
    if ready == 200 {
        Ok(())
    } else {
        Err(RunError::NotReady(words.to_owned()))
    }
}

/// The lines for phones, and the first of them as a QR code where a person looks at it.
pub(crate) fn phone_lines(phones: &[String]) -> String {
    let mut text: String = phones.iter().map(|line| format!("phones     {line}\n")).collect();
    if std::io::stdout().is_terminal() {
        let code = phones.first().and_then(|line| Qr::of(line));
        text.extend(code.map(|code| code.letters()));
    }
    text
}

/// Walks every chain and hash of the database, then replays every roll with its signatures. Changes nothing.
pub(crate) fn verify(args: &Data) -> Result<(), RunError> {
    let data = DataDir::open(&args.data)?;
    let start = Instant::now();
    let mut database = Database::of(&data, Access::Read)?;
    let checked = database.full_check()?;
    let mut replica = Replica::open(database.into_store(), Role::Relay, Policy::Any)?;
    let units = replica.known_units();
    for unit in &units {
        replica.load_unit(*unit)?;
    }
    let seconds = start.elapsed().as_secs_f64();
    if args.json {
        let line = serde_json::json!({
            "whole": true,
            "envelopes": checked.envelopes,
            "dropped": checked.dropped,
            "spaces": checked.spaces,
            "records": checked.records,
            "units": units.len(),
            "seconds": seconds,
        });
        println!("{line}");
    } else {
        let (envelopes, spaces, records) = (checked.envelopes, checked.spaces, checked.records);
        println!(
            "whole: {envelopes} envelopes in {spaces} spaces of {} units, {records} records",
            units.len()
        );
        if checked.dropped > 0 {
            println!("{} more were dropped as signed covers allow", checked.dropped);
        }
        println!("checked in {seconds:.1} s");
    }
    Ok(())
}
