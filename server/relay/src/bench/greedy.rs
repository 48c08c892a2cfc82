//! What a unit that pushes all the time does to the syncs of a normal one.
//!
//! The greedy unit is a process of its own with the lowest priority, as its phones would be elsewhere: what it takes of the
//! relay is to be seen, not what it takes of this machine.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use sotay_net::RelayAddress;
use tokio::task::JoinSet;

use super::child::Relay;
use super::phone::{Failed, Phone, unit};
use super::scenes::{Measured, PREPARED_AT_ONCE, REFUSED, STORED, all, round};
use super::{Place, spread};
use crate::cli::Bench;
use crate::error::RunError;

/// Phones of the greedy unit, its founder included.
const GREEDY_PHONES: usize = 61;
/// Envelopes and their bytes that a greedy phone pushes at a time.
const GREEDY_BURST: (usize, usize) = (20, 3000);
/// How long the normal unit is watched, without and with the greedy one.
const WATCHED: Duration = Duration::from_secs(20);
/// Pause between two syncs of a watched phone.
const WATCHED_PAUSE: Duration = Duration::from_millis(20);
/// What the greedy unit says when all its phones have begun.
const PUSHING: &str = "pushing";

/// Phones of a unit that have synced once.
async fn synced(phones: usize, relay: &RelayAddress) -> Result<Vec<Phone>, RunError> {
    let mut phones = unit(phones)?;
    phones[0]
        .persist(relay, false)
        .await
        .map_err(|Failed| RunError::Stopped)?;
    Ok(all(phones, relay, Duration::ZERO, PREPARED_AT_ONCE).await.phones)
}

/// One unit's syncs, watched without and then with a unit beside it that pushes all the time, and without it again: what
/// else this machine does meanwhile is seen as well.
pub(super) async fn greedy(args: &Bench, place: &Place) -> Result<Measured, RunError> {
    let relay = if args.quotas {
        Relay::start_with_quotas(place)?
    } else {
        Relay::start(place)?
    };
    let normal = synced(args.phones.min(30), &relay.address).await?;
    let (normal, alone) = watch(normal, &relay, args).await?;
    let (stored, refused) = (relay.metric(STORED), relay.metrics(REFUSED));
    let (greedy, start) = (Greedy::start(&relay)?, Instant::now());
    let (normal, beside) = watch(normal, &relay, args).await?;
    let seconds = start.elapsed().as_secs_f64();
    let (stored, refused) = (relay.metric(STORED) - stored, relay.metrics(REFUSED) - refused);
    // The burst that quotas allow has passed; what is left of the greedy unit is its stubbornness.
    let (normal, later) = if args.quotas {
        watch(normal, &relay, args).await?
    } else {
        (normal, Vec::new())
    };
    drop(greedy);
    let (_, again) = watch(normal, &relay, args).await?;
    let mut measured = spread("normal unit alone", alone);
    measured.extend(spread("beside the greedy one", beside));
    if args.quotas {
        measured.extend(spread("beside it later", later));
    }
    measured.extend(spread("alone again", again));
    measured.insert("quotas".to_owned(), json!(args.quotas));
    measured.insert("envelopes per second of both".to_owned(), round(stored / seconds));
    measured.insert("refused per second".to_owned(), round(refused / seconds));
    Ok(measured)
}

/// The process of the greedy unit; ends when dropped.
struct Greedy(Child);

impl Greedy {
    /// Returns when it pushes.
    fn start(relay: &Relay) -> Result<Self, RunError> {
        let program = std::env::current_exe().map_err(RunError::System)?;
        let mut child = Command::new("nice")
            .args(["-n", "19"])
            .arg(program)
            .args(["bench", "greedy-unit", "--relay", &relay.address.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(RunError::System)?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out)
                .read_line(&mut line)
                .map_err(RunError::System)?;
        }
        let greedy = Self(child);
        // It has said why on standard error.
        if line.trim() == PUSHING {
            Ok(greedy)
        } else {
            Err(RunError::Stopped)
        }
    }
}

impl Drop for Greedy {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Pushes until the process that started it closes the pipe or goes away.
pub(super) async fn unit_of_its_own(relay: &RelayAddress) -> Result<(), RunError> {
    let phones = synced(GREEDY_PHONES, relay).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    // The founder is no member, and has no space of its own.
    for mut phone in phones.into_iter().filter(Phone::is_member) {
        // What is handed on costs its phones more than the relay; the relay is to be measured.
        phone.keep_to_itself();
        let (stop, relay) = (stop.clone(), relay.clone());
        tasks.spawn(async move {
            let (changes, bytes) = GREEDY_BURST;
            // Turned away, it comes back at once and offers the same again, whatever it was told.
            while !stop.load(Ordering::Relaxed) {
                let Ok(Some(mut open)) = phone.exchange(&relay, true).await else {
                    continue;
                };
                while !stop.load(Ordering::Relaxed) && phone.has_nothing_to_offer() {
                    let written = phone.write(changes, bytes);
                    if written.is_err() || phone.push(&mut open).await.is_err() {
                        break;
                    }
                }
            }
        });
    }
    println!("{PUSHING}");
    let until_closed = || std::io::stdin().read_to_end(&mut Vec::new());
    // Whatever ends the pipe ends this.
    let _ = tokio::task::spawn_blocking(until_closed).await;
    stop.store(true, Ordering::Relaxed);
    tasks.shutdown().await;
    Ok(())
}

/// The phones of a unit, one after the other, bring one change each for some seconds.
async fn watch(
    mut phones: Vec<Phone>,
    relay: &Relay,
    args: &Bench,
) -> Result<(Vec<Phone>, Vec<Duration>), RunError> {
    let (mut times, start) = (Vec::new(), Instant::now());
    'watching: loop {
        for phone in &mut phones {
            if start.elapsed() > WATCHED {
                break 'watching;
            }
            phone.write(1, args.bytes)?;
            if let Ok((time, _)) = phone.persist(&relay.address, false).await {
                times.push(time);
            }
            tokio::time::sleep(WATCHED_PAUSE).await;
        }
    }
    Ok((phones, times))
}
