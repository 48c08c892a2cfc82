//! One connection: made, prepared, and given up when it does not answer.

use std::future::poll_fn;
use std::time::Duration;

use sotay_store::StoreError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::store_error;
use crate::target::Target;

/// Time to reach one host.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Time for connecting and signing in at all hosts together.
const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(10);

/// What holds for every connection. A relay that froze with rows locked is thrown out, so that others can go on; what
/// the operator has set less durable than "on disk here" is raised to it.
const SETTINGS: &str = "
    SET client_min_messages = warning;
    SET statement_timeout = '30s';
    SET lock_timeout = '5s';
    SET idle_in_transaction_session_timeout = '20s';
    SELECT set_config('synchronous_commit', 'on', false)
     WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// A connection and the task that moves its bytes.
pub(crate) struct Line {
    pub client: Client,
    task: JoinHandle<()>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Line {
    /// Connects; `notes` gets the payloads of notifications. Must run inside the runtime that will drive it.
    pub async fn open(target: &Target, notes: Option<UnboundedSender<String>>) -> Result<Self, StoreError> {
        let sign_in = async {
            let line = match &target.tls {
                None => {
                    let (client, connection) = target.config.connect(NoTls).await?;
                    let task = tokio::spawn(drive(connection, notes));
                    Line { client, task }
                }
                Some(tls) => {
                    let tls = MakeRustlsConnect::new((**tls).clone());
                    let (client, connection) = target.config.connect(tls).await?;
                    let task = tokio::spawn(drive(connection, notes));
                    Line { client, task }
                }
            };
            line.client.batch_execute(SETTINGS).await?;
            Ok::<_, tokio_postgres::Error>(line)
        };
        match timeout(SIGN_IN_TIMEOUT, sign_in).await {
            Ok(line) => line.map_err(|error| store_error(&error)),
            Err(_) => Err(StoreError::Unreachable),
        }
    }
}

async fn drive<S, T>(mut connection: Connection<S, T>, notes: Option<UnboundedSender<String>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
        if let (AsyncMessage::Notification(note), Some(notes)) = (message, &notes)
            && notes.send(note.payload().to_owned()).is_err()
        {
            return;
        }
    }
}

/// A runtime for one thread that waits.
pub(crate) fn runtime() -> Result<Runtime, StoreError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| StoreError::Io(format!("no runtime: {}", error.kind())))
}
