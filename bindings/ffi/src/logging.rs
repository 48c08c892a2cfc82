//! Log lines for the app: collected on every thread, handed over in batches from one.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::error::{HandbookError, OrFault, guarded};

/// Lines that wait for a slow sink; more are counted and dropped.
const LINES_WAITING_MAX: usize = 1_000;
/// Lines in one batch.
const BATCH_LINES_MAX: usize = 200;
/// Characters of one line; the rest is cut.
const LINE_CHARS_MAX: usize = 2_000;

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, uniffi::Enum)]
#[repr(u8)]
pub enum LogLevel {
    /// Something failed.
    Error = 1,
    /// Something is not as it should be.
    Warn = 2,
    /// What happens, for operators.
    Info = 3,
    /// What happens, for developers.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

/// One line. At `Info` and above it holds no name, no key and no text of a document.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The module it comes from.
    pub target: String,
    /// What happened.
    pub text: String,
}

/// Takes log lines, from one thread of this library. Errors are ignored: logging must not stop the handbook.
#[uniffi::export(rust, foreign)]
pub trait LogSink: Send + Sync {
    /// Lines, oldest first.
    fn on_log(&self, lines: Vec<LogLine>) -> Result<(), HandbookError>;
}

static LEVEL: AtomicU8 = AtomicU8::new(0);
static DROPPED: AtomicU64 = AtomicU64::new(0);
static SINK: Mutex<Option<Arc<dyn LogSink>>> = Mutex::new(None);
static LINES: OnceLock<SyncSender<LogLine>> = OnceLock::new();

/// Sends log lines of this process up to a level to a sink; a later call replaces the sink. Log lines belong to the
/// process and not to a profile, so this is no part of a configuration.
#[uniffi::export]
pub fn set_log_sink(sink: Option<Arc<dyn LogSink>>, level: LogLevel) -> Result<(), HandbookError> {
    guarded(|| {
        let on = sink.is_some();
        *SINK.lock().unwrap_or_else(PoisonError::into_inner) = sink;
        LEVEL.store(if on { level as u8 } else { 0 }, Ordering::Relaxed);
        tracing::callsite::rebuild_interest_cache();
        if on {
            start()
                .map_err(|_| sotay_engine::SubscribeError::NoThread)
                .or_fault()
        } else {
            Ok(())
        }
    })
}

fn start() -> std::io::Result<()> {
    static STARTING: Mutex<()> = Mutex::new(());
    let _one = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if LINES.get().is_some() {
        return Ok(());
    }
    let (sender, lines) = sync_channel(LINES_WAITING_MAX);
    std::thread::Builder::new()
        .name("sotay-log".to_owned())
        .spawn(move || deliver(&lines))?;
    let _ = LINES.set(sender);
    // An app that has a subscriber of its own in this process keeps it.
    let _ = tracing::subscriber::set_global_default(Collector);
    Ok(())
}

fn deliver(lines: &Receiver<LogLine>) {
    while let Ok(first) = lines.recv() {
        let mut batch = vec![first];
        batch.extend(lines.try_iter().take(BATCH_LINES_MAX - 1));
        let dropped = DROPPED.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let text = format!("{dropped} log lines were dropped");
            batch.push(LogLine {
                level: LogLevel::Warn,
                target: module_path!().to_owned(),
                text,
            });
        }
        let sink = SINK.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(sink) = sink {
            let _ = sink.on_log(batch);
        }
    }
}

/// Turns events of `tracing` into lines. Spans are not used by this software and cost nothing.
struct Collector;

fn level(metadata: &Metadata<'_>) -> LogLevel {
    match *metadata.level() {
        tracing::Level::ERROR => LogLevel::Error,
        tracing::Level::WARN => LogLevel::Warn,
        tracing::Level::INFO => LogLevel::Info,
        tracing::Level::DEBUG => LogLevel::Debug,
        tracing::Level::TRACE => LogLevel::Trace,
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        level(metadata) as u8 <= LEVEL.load(Ordering::Relaxed)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        let line = LogLine {
            level: level(event.metadata()),
            target: event.metadata().target().to_owned(),
            text: text.0.chars().take(LINE_CHARS_MAX).collect(),
        };
        if let Some(Err(TrySendError::Full(_))) = LINES.get().map(|lines| lines.try_send(line)) {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let separator = if self.0.is_empty() { "" } else { " " };
        // Writing to a string does not fail.
        let _ = if field.name() == "message" {
            write!(self.0, "{separator}{value:?}")
        } else {
            write!(self.0, "{separator}{}={value:?}", field.name())
        };
    }
}
