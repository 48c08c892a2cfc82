//! The local socket through which the operator's commands reach a running relay: one question a line, one answer a
//! line, both JSON. It lies in the data directory, which only the relay's user can enter.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader as AsyncBufReader};
use tokio::net::{UnixListener, UnixStream as AsyncStream};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::admin::{Ask, Question, Reply};
use crate::link::Job;
use crate::shard::now_ms;
use crate::web::door::Door;

const SOCKET_FILE: &str = "relay.sock";
/// Bytes of one question.
const QUESTION_BYTES_MAX: u64 = 64 * 1024;
/// Bytes of one answer: the units of a province.
const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Conversations at one time.
const CONVERSATIONS_MAX: usize = 16;
/// How long a command waits for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Where the socket of a data directory is.
pub(crate) fn path(data: &Path) -> PathBuf {
    data.join(SOCKET_FILE)
}

/// Listens until dropped. The lock of the data directory is held, so a socket that is there is a dead one's.
pub(crate) fn listen(
    data: &Path,
    jobs: mpsc::Sender<Job>,
    door: Arc<Door>,
) -> io::Result<tokio::task::JoinHandle<()>> {
    let path = path(data);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(tokio::spawn(async move {
        let room = Arc::new(Semaphore::new(CONVERSATIONS_MAX));
        while let Ok(place) = room.clone().acquire_owned().await {
            let Ok((stream, _)) = listener.accept().await else {
                return;
            };
            let (jobs, door) = (jobs.clone(), door.clone());
            tokio::spawn(async move {
                // A command that goes away in the middle is none of the relay's business.
                let _ = converse(stream, jobs, &door).await;
                drop(place);
            });
        }
    }))
}

async fn converse(stream: AsyncStream, jobs: mpsc::Sender<Job>, door: &Door) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = AsyncBufReader::new(read);
    loop {
        let mut line = Vec::new();
        (&mut read)
            .take(QUESTION_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .await?;
        if line.last() != Some(&b'\n') {
            return Ok(());
        }
        let reply = match serde_json::from_slice(&line) {
            // Whoever may talk here may see the page.
            Ok(Ask::Link) => match door.link(now_ms()) {
                Ok(link) => Reply::Ok(serde_json::json!({ "path": format!("/in/{link}") })),
                Err(error) => Reply::Error(error.to_string()),
            },
            Ok(ask) => put(&jobs, ask).await,
            Err(_) => Reply::Error("the relay does not know this question: it is of another version".into()),
        };
        let mut answer = serde_json::to_vec(&reply)?;
        answer.push(b'\n');
        write.write_all(&answer).await?;
    }
}

/// Asks the shard.
pub(crate) async fn put(jobs: &mpsc::Sender<Job>, ask: Ask) -> Reply {
    let (reply, answer) = oneshot::channel();
    let stopping = || Reply::Error("the relay is stopping".into());
    if jobs.send(Job::Admin(Question { ask, reply })).await.is_err() {
        return stopping();
    }
    answer.await.unwrap_or_else(|_| stopping())
}

/// The other end, in a command.
pub(crate) struct Client {
    read: BufReader<UnixStream>,
}

impl Client {
    pub fn connect(data: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path(data))?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
        Ok(Self {
            read: BufReader::new(stream),
        })
    }

    /// The same for what takes as long as it takes.
    pub fn ask_patiently(&mut self, ask: &Ask) -> io::Result<Result<Value, String>> {
        self.read.get_ref().set_read_timeout(None)?;
        let answer = self.ask(ask);
        self.read.get_ref().set_read_timeout(Some(ANSWER_TIMEOUT))?;
        answer
    }

    /// The answer, or the relay's words why there is none.
    pub fn ask(&mut self, ask: &Ask) -> io::Result<Result<Value, String>> {
        let mut line = serde_json::to_vec(ask)?;
        line.push(b'\n');
        self.read.get_mut().write_all(&line)?;
        let mut answer = Vec::new();
        (&mut self.read)
            .take(ANSWER_BYTES_MAX)
            .read_until(b'\n', &mut answer)?;
        Ok(match serde_json::from_slice(&answer)? {
            Reply::Ok(value) => Ok(value),
            Reply::Error(error) => Err(error),
        })
    }
}
