//! `doctor`: looks at everything that has to be right for phones to be served, and says what to do about what is not.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use serde::Serialize;
use sotay_feed::DeviceKeys;
use sotay_net::{Connector, Presence, RelayAddress, SOCKET_BUFFER_BYTES, Settings as Carrier};
use sotay_postgres::Target;

use crate::admin::Ask;
use crate::cli::{Data, Doctor, Serve};
use crate::commands::Source;
use crate::data::{DataDir, DataError, Running, running};
use crate::database::{Access, Database};
use crate::error::RunError;
use crate::http;
use crate::serve::Settings;
use crate::shard::now_ms;

/// Room on the disk below which the operator should do something.
const DISK_LOW_BYTES: u64 = 1 << 30;
/// Open files a relay needs: its sockets, its database, its HTTP clients.
const OPEN_FILES_MIN: u64 = 1024;
/// No clock was right before this program was made: 2026-01-01 UTC, milliseconds since 1970.
const CLOCK_MIN_MS: i64 = 1_767_225_600_000;
/// How far the newest contact may lie in the future before the clock counts as set back.
const CLOCK_BACK_MS: i64 = 60_000;
/// Time for the attempt to reach the relay from outside.
const REACH_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    Ok,
    /// Works, but deserves a look.
    Warn,
    Fail,
    /// Could not be tried.
    Skipped,
}

#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    found: String,
    /// What to do; empty when nothing has to be done.
    action: &'static str,
}

fn ok(check: &'static str, found: impl Into<String>) -> Finding {
    finding(check, Verdict::Ok, found, "")
}

fn finding(check: &'static str, verdict: Verdict, found: impl Into<String>, action: &'static str) -> Finding {
    let found = found.into();
    Finding {
        check,
        verdict,
        found,
        action,
    }
}

/// Checks; an error, with its exit code, if anything failed.
pub(crate) fn doctor(args: &Doctor) -> Result<(), RunError> {
    let mut findings = vec![configuration(args)];
    let settings = settings(args);
    findings.push(clock());
    findings.push(disk(&args.data.data));
    findings.push(files());
    findings.push(buffers());
    findings.push(key(&args.data.data));
    match running(&args.data.data) {
        Ok(Some(relay)) => {
            findings.extend(serving(&args.data, &relay));
            findings.push(reach(args, &relay));
        }
        Ok(None) => {
            findings.push(finding(
                "relay",
                Verdict::Warn,
                "not running",
                "Start it with `sotay-relay serve`.",
            ));
            findings.push(database(&args.data.data));
            findings.extend(ports(settings.as_ref()));
        }
        Err(DataError::Missing(_)) => {
            findings.push(finding(
                "relay",
                Verdict::Warn,
                "there is no database yet",
                "`sotay-relay serve` or `init` makes it.",
            ));
            findings.extend(ports(settings.as_ref()));
        }
        Err(error) => findings.push(data_fault(error)),
    }
    let failed = findings
        .iter()
        .filter(|found| found.verdict == Verdict::Fail)
        .count();
    if args.data.json {
        println!(
            "{}",
            serde_json::json!({ "failed": failed, "findings": findings })
        );
    } else {
        for Finding {
            check,
            verdict,
            found,
            action,
        } in &findings
        {
            let word = match verdict {
                Verdict::Ok => "ok",
                Verdict::Warn => "WARN",
                Verdict::Fail => "FAIL",
                Verdict::Skipped => "-",
            };
            println!("{word:<5} {check}: {found}");
            if !action.is_empty() {
                println!("      {action}");
            }
        }
    }
    if failed == 0 {
        Ok(())
    } else {
        Err(RunError::Unwell(failed))
    }
}

fn settings(args: &Doctor) -> Option<Settings> {
    let serve = Serve {
        data: Some(args.data.data.clone()),
        config: args.config.clone(),
        json: false,
        listen: None,
        allow: Vec::new(),
        http: None,
        public: None,
    };
    Settings::of(&serve).ok()
}

fn configuration(args: &Doctor) -> Finding {
    const CHECK: &str = "configuration";
    match &args.config {
        None => finding(CHECK, Verdict::Skipped, "no --config given", ""),
        Some(path) => match crate::config::read(path) {
            Ok(config) if config.store.as_ref().is_some_and(Target::has_password) && is_open(path) => {
                finding(
                    CHECK,
                    Verdict::Warn,
                    "valid, but every user of this machine can read the password of the database in it",
                    "`chown root:sotay` and `chmod 640` it.",
                )
            }
            Ok(_) => ok(CHECK, "valid"),
            Err(error) => finding(
                CHECK,
                Verdict::Fail,
                error.to_string(),
                "Mend the line; docs/OPERATING.md lists every key.",
            ),
        },
    }
}

fn is_open(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o004 != 0)
}

fn clock() -> Finding {
    clock_at(now_ms())
}

fn clock_at(now: i64) -> Finding {
    if now < CLOCK_MIN_MS {
        finding(
            "clock",
            Verdict::Fail,
            "before 2026: it is not set",
            "Turn on time synchronisation: `timedatectl set-ntp true`.",
        )
    } else {
        ok("clock", "plausible")
    }
}

fn disk(data: &Path) -> Finding {
    // Before the first start the directory is not there yet, but the disk is.
    let at = data
        .ancestors()
        .find(|path| path.exists())
        .unwrap_or(Path::new("/"));
    let at = if at.as_os_str().is_empty() {
        Path::new(".")
    } else {
        at
    };
    match rustix::fs::statvfs(at) {
        Ok(disk) => room(disk.f_bavail.saturating_mul(disk.f_frsize)),
        Err(error) => finding(
            "disk",
            Verdict::Fail,
            error.to_string(),
            "Check that the disk is mounted.",
        ),
    }
}

fn room(bytes: u64) -> Finding {
    let found = format!("{} MiB free", bytes >> 20);
    if bytes < DISK_LOW_BYTES / 16 {
        finding(
            "disk",
            Verdict::Fail,
            found,
            "Free some room: phones are told to wait when the disk is full.",
        )
    } else if bytes < DISK_LOW_BYTES {
        finding(
            "disk",
            Verdict::Warn,
            found,
            "Free some room or order a larger disk.",
        )
    } else {
        ok("disk", found)
    }
}

fn files() -> Finding {
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < OPEN_FILES_MIN => finding(
            "open files",
            Verdict::Fail,
            format!("this user may open {limit}"),
            "Set LimitNOFILE=65536 in the service, or `ulimit -n 65536`.",
        ),
        Some(limit) => ok("open files", format!("{limit} allowed")),
        None => ok("open files", "unlimited"),
    }
}

fn buffers() -> Finding {
    const CHECK: &str = "socket buffers";
    let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/net/core/{name}")).ok();
    let value = |name| read(name).and_then(|text| text.trim().parse::<usize>().ok());
    let (Some(receive), Some(send)) = (value("rmem_max"), value("wmem_max")) else {
        return finding(CHECK, Verdict::Skipped, "this system does not tell", "");
    };
    let found = format!("{} KiB in, {} KiB out", receive >> 10, send >> 10);
    if receive.min(send) < SOCKET_BUFFER_BYTES {
        finding(
            CHECK,
            Verdict::Warn,
            found,
            "For bursts of hundreds of phones: `sysctl -w net.core.rmem_max=4194304 net.core.wmem_max=4194304`.",
        )
    } else {
        ok(CHECK, found)
    }
}

fn key(data: &Path) -> Finding {
    let path = data.join(crate::data::KEY_FILE);
    match std::fs::metadata(&path) {
        Ok(about) if about.permissions().mode() & 0o077 != 0 => data_fault(DataError::KeyOpen(path)),
        Ok(_) => ok("key", "private to its owner"),
        Err(_) => finding(
            "key",
            Verdict::Warn,
            "there is none yet",
            "It is made with the first start.",
        ),
    }
}

fn data_fault(error: DataError) -> Finding {
    let found = error.to_string();
    finding("data", Verdict::Fail, found, RunError::from(error).next_action())
}

fn serving(data: &Data, relay: &Running) -> Vec<Finding> {
    let mut findings = vec![match http::ask(relay.http, "/readyz") {
        Ok((200, _)) => ok("relay", format!("process {} serves phones", relay.pid)),
        Ok((_, words)) => finding(
            "relay",
            Verdict::Fail,
            format!("not ready: {}", words.trim()),
            "Look at its log; phones keep what they have and try again by themselves.",
        ),
        Err(_) => finding(
            "relay",
            Verdict::Fail,
            "running, but its health check does not answer",
            "Look at its log; restart it if it does not come back.",
        ),
    }];
    let answer = Source::open(&data.data).and_then(|mut source| source.ask(&Ask::Units));
    findings.push(match answer {
        Ok(answer) => {
            let newest = answer["units"].as_array().into_iter().flatten();
            let newest = newest.filter_map(|unit| unit["seen"].as_i64()).max().unwrap_or(0);
            if newest > now_ms() + CLOCK_BACK_MS {
                finding(
                    "clock and records",
                    Verdict::Fail,
                    "phones were here in the future: the clock was set back",
                    "Turn on time synchronisation: `timedatectl set-ntp true`.",
                )
            } else {
                ok("clock and records", "in order")
            }
        }
        Err(error) => finding(
            "local socket",
            Verdict::Fail,
            error.to_string(),
            "Run this command as the relay's user, on the same version.",
        ),
    });
    findings
}

fn database(data: &Path) -> Finding {
    let look = || -> Result<(u64, usize, &str), RunError> {
        let data = DataDir::open(data)?;
        let database = Database::of(&data, Access::Read)?;
        let (bytes, which) = match &database {
            Database::File(store) => {
                store.quick_check()?;
                (store.file_bytes()?, "its pages fit")
            }
            Database::Server(store) => (store.bytes()?, "on a server that answers and takes writes"),
        };
        Ok((bytes, database.into_store().spaces()?.len(), which))
    };
    match look() {
        Ok((bytes, spaces, which)) => ok(
            "database",
            format!("{spaces} spaces, {} MiB, {which}", bytes >> 20),
        ),
        Err(error) => {
            let found = error.to_string();
            finding("database", Verdict::Fail, found, error.next_action())
        }
    }
}

fn ports(settings: Option<&Settings>) -> Vec<Finding> {
    let Some(Settings {
        listen, http, tcp, ..
    }) = settings
    else {
        return Vec::new();
    };
    let port = |check, address: &SocketAddr, bound: std::io::Result<()>| match bound {
        Ok(()) => ok(check, format!("port {} is free", address.port())),
        Err(error) => finding(
            check,
            Verdict::Fail,
            format!("port {}: {error}", address.port()),
            "Stop the other program on that port, or choose another with --listen or --http.",
        ),
    };
    let mut found = vec![
        port("UDP port", listen, UdpSocket::bind(listen).map(drop)),
        port("page's port", http, TcpListener::bind(http).map(drop)),
    ];
    if *tcp {
        found.push(port("TCP port", listen, TcpListener::bind(listen).map(drop)));
    }
    found
}

/// A handshake through the address that phones use, with a key made for it.
fn reach(args: &Doctor, relay: &Running) -> Finding {
    const CHECK: &str = "reachability";
    let Some(host) = &args.public else {
        return finding(CHECK, Verdict::Skipped, "no --public given", "");
    };
    let try_it = || -> Result<(), String> {
        let data = args.data.data.join(crate::data::KEY_FILE);
        let keys = crate::data::read_key_file(&data).map_err(|error| error.to_string())?;
        let address = RelayAddress::new(host, relay.listen.port(), keys.public().sign);
        let address = address.map_err(|error| error.to_string())?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| error.to_string())?;
        let connector = Connector::new(&DeviceKeys::from_seeds(seed, seed), Carrier::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime.block_on(async {
            let connecting = connector.connect(&address, Presence::Background);
            let connected = tokio::time::timeout(REACH_TIMEOUT, connecting).await;
            let link = connected
                .map_err(|_| "no answer".to_owned())?
                .map_err(|error| error.to_string())?;
            link.close(sotay_net::Close::DONE).await;
            Ok(())
        })
    };
    match try_it() {
        Ok(()) => ok(
            CHECK,
            "a handshake through the public address succeeds from this machine",
        ),
        Err(error) => finding(
            CHECK,
            Verdict::Fail,
            error,
            "Check the name, the firewall (UDP and TCP inwards) and the router. Some routers cannot be reached from inside: \
             try from a mobile network before you change anything.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_and_a_full_disk_fail() {
        assert_eq!(clock_at(0).verdict, Verdict::Fail);
        assert_eq!(clock_at(CLOCK_MIN_MS).verdict, Verdict::Ok);
        assert_eq!(room(0).verdict, Verdict::Fail);
        assert_eq!(room(DISK_LOW_BYTES - 1).verdict, Verdict::Warn);
        assert_eq!(room(DISK_LOW_BYTES).verdict, Verdict::Ok);
    }

    #[test]
    fn a_port_in_use_fails_and_a_free_one_does_not() {
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("relay.toml");
        let listen = taken.local_addr().unwrap();
        std::fs::write(
            &config,
            format!("listen = \"{listen}\"\nhttp = \"127.0.0.1:0\"\n"),
        )
        .unwrap();
        let args = Doctor {
            data: Data {
                data: dir.path().to_owned(),
                json: false,
            },
            config: Some(config),
            public: None,
        };
        let found = ports(settings(&args).as_ref());
        assert_eq!(found[0].verdict, Verdict::Fail);
        assert_eq!(found[1].verdict, Verdict::Ok);
    }
}
