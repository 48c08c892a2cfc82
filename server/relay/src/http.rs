//! Health and metrics for the operator's tools, on a loopback address.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use sotay_net::Listener;

use crate::contacts::Contacts;
use crate::health::{Health, Trouble};
use crate::metrics::Metrics;
use crate::shard::now_ms;

/// What the pages show.
#[derive(Clone)]
pub(crate) struct Pages {
    /// The lines for phones.
    pub phones: Arc<[String]>,
    /// When this process began to count, milliseconds since 1970.
    pub started: i64,
    pub health: Arc<Health>,
    pub metrics: Arc<Metrics>,
    pub listener: Arc<Listener>,
    pub contacts: Contacts,
}

/// The three pages. None holds content, names, addresses or ids.
pub(crate) fn router(pages: Pages) -> Router {
    Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(pages)
}

fn answer(trouble: Option<Trouble>) -> impl IntoResponse {
    match trouble {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(trouble) => (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", trouble.words())),
    }
}

/// Alive: restarting would not help.
async fn alive(State(pages): State<Pages>) -> impl IntoResponse {
    answer(pages.health.trouble().filter(|trouble| *trouble == Trouble::Dead))
}

/// Ready: phones are served.
async fn ready(State(pages): State<Pages>) -> impl IntoResponse {
    answer(pages.health.trouble())
}

async fn metrics(State(pages): State<Pages>) -> impl IntoResponse {
    pages.metrics.ready(pages.health.trouble().is_none());
    pages.metrics.turned(pages.listener.turned());
    pages.metrics.contacts(&pages.contacts, now_ms());
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], pages.metrics.text())
}

/// Time for one question to a running relay on this machine.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// Asks a running relay one page: its status code and text.
pub(crate) fn ask(address: SocketAddr, page: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, ASK_TIMEOUT)?;
    stream.set_read_timeout(Some(ASK_TIMEOUT))?;
    stream.set_write_timeout(Some(ASK_TIMEOUT))?;
    // HTTP/1.0: the answer ends with the connection and is not chunked.
    write!(stream, "GET {page} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut text = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let code = code.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::InvalidData))?;
    Ok((code, body.to_owned()))
}
