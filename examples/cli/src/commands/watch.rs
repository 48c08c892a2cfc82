//! `watch`: stays connected and tells what changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sotay_engine::feed::DocId;
use sotay_engine::handbook::HandbookEvent;
use sotay_engine::{ConnectError, Event, SyncError};

use super::sync::{has_something_to_sync, notice, relay_heading, relays_of};
use crate::args::Watch;
use crate::failure::{Code, Failure};
use crate::reply::{Reply, print_line, printable};
use crate::session::{Phone, Session};
use crate::show;
use crate::voice::Voice;

/// How often the end is looked for.
const BEAT: Duration = Duration::from_millis(200);
/// Longest that the first exchange may take before the relay is followed in the background.
const FIRST_EXCHANGE: Duration = Duration::from_secs(20);

pub(super) fn run(session: &Session, args: Watch) -> Result<Reply, Failure> {
    let phone = session.open_any()?;
    has_something_to_sync(&phone)?;
    let relays = relays_of(&args.relay, &phone)?;
    let watcher = Watcher {
        voice: session.voice,
        json: session.json,
        phone: &phone,
    };
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))
        .map_err(|_| Failure::new(Code::Mistake).with("place", "ctrl-c"))?;
    let until = args
        .seconds
        .map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let ended = || interrupted.load(Ordering::Relaxed) || until.is_some_and(|until| Instant::now() >= until);
    for relay in &relays {
        watcher.begin(relay, until)?;
    }
    let mut told = 0;
    while !ended() {
        let mut burst: Vec<Event> = phone.engine.next_event(BEAT).into_iter().collect();
        while let Some(event) = phone.engine.next_event(Duration::ZERO) {
            burst.push(event);
        }
        told += burst.len();
        watcher.tell(&burst)?;
    }
    let reason = if interrupted.load(Ordering::Relaxed) {
        "interrupted"
    } else {
        "time"
    };
    let end = session.voice.say("watch.end", &[("count", &told)]);
    Ok(Reply::new(
        json!({ "event": "end", "reason": reason, "events": told }),
        end,
    ))
}

struct Watcher<'a> {
    voice: Voice,
    json: bool,
    phone: &'a Phone,
}

impl Watcher<'_> {
    fn line(&self, value: &Value, text: &str) {
        let line = if self.json {
            value.to_string()
        } else {
            printable(text)
        };
        print_line(&mut std::io::stdout(), &line);
    }

    /// A first exchange tells at once what stands in the way; a relay that is only not reachable is tried again.
    fn begin(&self, relay: &str, until: Option<Instant>) -> Result<(), Failure> {
        let left = until.map_or(FIRST_EXCHANGE, |until| {
            until.saturating_duration_since(Instant::now())
        });
        match self.phone.engine.sync_once(relay, left.min(FIRST_EXCHANGE)) {
            Ok(report) => {
                let mut value = show::report_json(relay, &report);
                value["event"] = json!("connected");
                let text = format!("{}\n{}", relay_heading(relay), show::report(self.voice, &report));
                self.line(&value, &text);
            }
            Err(
                error @ (SyncError::Connect(
                    ConnectError::WrongRelayKey | ConnectError::Version | ConnectError::NotARelay,
                )
                | SyncError::Address(_)
                | SyncError::Device(_)
                | SyncError::Call(_)),
            ) => return Err(error.into()),
            Err(error) => {
                let failure = Failure::from(error);
                let value =
                    json!({ "event": "not_connected", "relay": relay, "error": failure.json(self.voice) });
                let text = self.voice.say(
                    "watch.not_connected",
                    &[
                        ("relay", &relay_heading(relay)),
                        ("message", &failure.message(self.voice)),
                    ],
                );
                self.line(&value, &text);
            }
        }
        self.phone.engine.follow(relay)?;
        Ok(())
    }

    fn tell(&self, burst: &[Event]) -> Result<(), Failure> {
        if self.json {
            burst
                .iter()
                .for_each(|event| self.line(&event_json(self.voice, event), ""));
            return Ok(());
        }
        let mut handbook: Vec<(DocId, Vec<HandbookEvent>)> = Vec::new();
        for event in burst {
            match event {
                Event::Handbook { doc, event } => match handbook.iter_mut().find(|(known, _)| known == doc) {
                    Some((_, events)) => events.push(event.clone()),
                    None => handbook.push((*doc, vec![event.clone()])),
                },
                Event::Membership | Event::Unit => {
                    self.line(&Value::Null, &self.voice.say("watch.membership", &[]))
                }
                Event::Names => self.line(&Value::Null, &self.voice.say("watch.names", &[])),
                Event::Feedback => self.line(&Value::Null, &self.voice.say("watch.feedback", &[])),
                Event::Library => self.line(&Value::Null, &self.voice.say("watch.library", &[])),
                // The status of every space after every frame would bury what happened.
                Event::Sync { .. } => {}
                other => {
                    if let Some((text, _)) = notice(self.voice, other) {
                        self.line(&Value::Null, &text);
                    }
                }
            }
        }
        for (doc, events) in handbook {
            let voice = self.voice;
            let text = self.phone.run(move |device, _| {
                let heading = device.meetings()?.into_iter().find(|meeting| meeting.doc == doc);
                let place = heading.map_or_else(
                    || voice.say("watch.roster", &[]),
                    |heading| show::heading(voice, &heading),
                );
                let changes = show::changes(voice, &events, device.names());
                Ok(format!("{place}: {}", changes.join(", ")))
            })?;
            self.line(&Value::Null, &text);
        }
        Ok(())
    }
}

fn event_json(voice: Voice, event: &Event) -> Value {
    match event {
        Event::Unit => json!({ "event": "unit" }),
        Event::Membership => json!({ "event": "membership" }),
        Event::Names => json!({ "event": "names" }),
        Event::Feedback => json!({ "event": "feedback" }),
        Event::Library => json!({ "event": "library" }),
        Event::Handbook { doc, event } => {
            json!({ "event": "handbook", "document": doc.to_string(), "change": event })
        }
        Event::Sync { space, status } => {
            let mut value = show::space_json(space.kind, status);
            value["event"] = json!("sync");
            value
        }
        other => notice(voice, other).map_or(Value::Null, |(_, value)| value),
    }
}
