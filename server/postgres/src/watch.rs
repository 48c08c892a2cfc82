//! The second connection, with a thread of its own: it hears what other relay processes wrote, notices when the server
//! is gone, and comes back by itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use sotay_store::{DatabaseId, StoreError};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::line::{Line, runtime};
use crate::schema;
use crate::target::Target;

/// How often a silent server is asked whether it is there.
const ASK_EVERY: Duration = Duration::from_secs(3);
/// Time for its answer; beyond, it counts as gone.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(4);
/// Pause between attempts to reach it.
const PAUSE: Duration = Duration::from_millis(500);
/// Notes that wait to be read; beyond, anything may have changed.
const NOTES_MAX: usize = 10_000;

/// What the watch tells, from its own thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// There is news to be read.
    News,
    /// The server is gone, or is not the one it was; in words.
    Down(String),
    /// It is back, and there is news.
    Up,
    /// It was asked and is there.
    Answers,
}

/// Called with every signal; must not block.
pub type Listener = Box<dyn Fn(Signal) + Send>;

/// What was heard.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub notes: Vec<String>,
    pub missed: bool,
}

type Shared = Arc<Mutex<Heard>>;

/// Ends when dropped.
pub(crate) struct Watch {
    heard: Shared,
    pub up: watch::Receiver<bool>,
    /// How often the server was gone.
    outages: Arc<AtomicU64>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Returns once the connection listens.
    pub fn start(
        target: Arc<Target>,
        id: DatabaseId,
        listener: Option<Listener>,
    ) -> Result<Self, StoreError> {
        let heard = Shared::default();
        let (up_sender, up) = watch::channel(true);
        let (stop, stopped) = oneshot::channel();
        let (ready, started) = std::sync::mpsc::channel();
        let outages = Arc::<AtomicU64>::default();
        let watcher = Watcher {
            target,
            id,
            heard: heard.clone(),
            up: up_sender,
            outages: outages.clone(),
            listener,
        };
        let runtime = runtime()?;
        let work = move || {
            runtime.block_on(async move {
                tokio::select! {
                    // A dropped sender means the same.
                    _ = stopped => {}
                    () = watcher.run(ready) => {}
                }
            });
        };
        let thread = std::thread::Builder::new().name("pg-watch".into()).spawn(work);
        let thread = thread.map_err(|error| StoreError::Io(error.kind().to_string()))?;
        let watch = Self {
            heard,
            up,
            outages,
            stop: Some(stop),
            thread: Some(thread),
        };
        started.recv().unwrap_or(Err(StoreError::Unreachable))?;
        Ok(watch)
    }

    /// What was heard since the last call.
    pub fn take(&self) -> Heard {
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Anything may have changed without being heard of.
    pub fn note_missed(&self) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).missed = true;
    }

    /// How often the server was gone so far: a connection that is older than the last time is dead, whatever it says.
    pub fn outages(&self) -> u64 {
        self.outages.load(Ordering::Acquire)
    }

    /// Whether the server was there when it was last asked.
    pub fn is_up(&self) -> bool {
        *self.up.borrow()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends within one step of its runtime.
            let _ = thread.join();
        }
    }
}

struct Watcher {
    target: Arc<Target>,
    id: DatabaseId,
    heard: Shared,
    up: watch::Sender<bool>,
    outages: Arc<AtomicU64>,
    listener: Option<Listener>,
}

impl Watcher {
    async fn run(self, ready: std::sync::mpsc::Sender<Result<(), StoreError>>) {
        let mut ready = Some(ready);
        let mut told: Option<String> = None;
        loop {
            let (sender, notes) = mpsc::unbounded_channel();
            let error = match self.listen(sender).await {
                Ok(line) => {
                    match ready.take() {
                        // Whoever opens has read nothing yet and waits for this.
                        Some(ready) => drop(ready.send(Ok(()))),
                        None => {
                            self.heard.lock().unwrap_or_else(PoisonError::into_inner).missed = true;
                            told = None;
                            self.up.send_replace(true);
                            self.tell(Signal::Up);
                        }
                    }
                    self.hear(&line, notes).await
                }
                Err(error) => error,
            };
            if let Some(ready) = ready.take() {
                // Whoever opens gets the error and drops the watch.
                return drop(ready.send(Err(error)));
            }
            if self.up.send_replace(false) {
                self.outages.fetch_add(1, Ordering::Release);
            }
            let words = error.to_string();
            if told.as_ref() != Some(&words) {
                tracing::error!(%error, "the database cannot be used");
                self.tell(Signal::Down(words.clone()));
                told = Some(words);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn listen(&self, sender: mpsc::UnboundedSender<String>) -> Result<Line, StoreError> {
        let line = Line::open(&self.target, Some(sender)).await?;
        schema::same(&line.client, self.id).await?;
        let listening = line.client.batch_execute("LISTEN sotay").await;
        listening.map_err(|error| crate::error::store_error(&error))?;
        Ok(line)
    }

    /// Until the server does not answer.
    async fn hear(&self, line: &Line, mut notes: mpsc::UnboundedReceiver<String>) -> StoreError {
        loop {
            match timeout(ASK_EVERY, notes.recv()).await {
                Ok(Some(note)) => {
                    let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
                    if heard.notes.len() < NOTES_MAX {
                        heard.notes.push(note);
                    } else {
                        heard.notes.clear();
                        heard.missed = true;
                    }
                    drop(heard);
                    self.tell(Signal::News);
                }
                Ok(None) => return StoreError::Unreachable,
                Err(_) => match timeout(ANSWER_TIMEOUT, line.client.simple_query("SELECT 1")).await {
                    Ok(Ok(_)) => self.tell(Signal::Answers),
                    Ok(Err(error)) => return crate::error::store_error(&error),
                    Err(_) => return StoreError::Unreachable,
                },
            }
        }
    }

    fn tell(&self, signal: Signal) {
        if let Some(listener) = &self.listener {
            listener(signal);
        }
    }
}
