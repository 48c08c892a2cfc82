//! Carriers: they move frames between two proven keys and decide nothing (clauses P12, `docs/protocol/net.md`).
//!
//! QUIC, or TLS over TCP where UDP does not come through, with Ed25519 raw public keys on both sides. A phone has a [`Connector`], a relay (or the phone that hosts a
//! room) a [`Listener`]; both get a [`Link`], which carries whole frames in order and ends with a reason.
//!
//! ```no_run
//! use sotay_feed::DeviceKeys;
//! use sotay_net::{Close, Connector, Presence, RelayAddress, Settings};
//!
//! # async fn sync(keys: &DeviceKeys) -> Result<(), Box<dyn std::error::Error>> {
//! let address: RelayAddress = "relay.example.vn:7843#rkeohxlubhyzl7ks3mwtzos5olfgocn7dwkbeg7toseadnapn5oa".parse()?;
//! let connector = Connector::new(keys, Settings::default());
//! let mut link = connector.connect(&address, Presence::Background).await?;
//! link.send(b"one frame"[..].into()).await?;
//! let answer = link.recv().await?;
//! link.close(Close::DONE).await;
//! # Ok(()) }
//! ```

mod address;
mod backoff;
mod close;
mod connector;
mod door;
mod frame;
mod handshake;
mod link;
mod listener;
mod local;
mod rendezvous;
mod tls;
mod transport;

pub use address::{
    ADDRESS_BYTES_MAX, AddressError, HOST_BYTES_MAX, RelayAddress, key_text, parse_host, parse_key,
};
pub use backoff::{
    BACKGROUND_BASE, BACKGROUND_CAP, Backoff, FOREGROUND_BASE, FOREGROUND_CAP, RETRY_AFTER_MAX,
};
pub use close::Close;
pub use connector::{
    ADDRESS_HEAD_START, ADDRESSES_TRIED_MAX, CONNECT_TIMEOUT, ConnectError, Connector, Presence,
    QUIC_HEAD_START, Settings,
};
pub use door::BACKLOG;
pub use frame::{FrameFault, PREFIX_BYTES};
pub use link::{CLOSE_LINGER, Carrier, Link, LinkError, LinkRecv, LinkSend, Next};
pub use listener::{
    BindError, HANDSHAKE_TIMEOUT, HANDSHAKES_REFUSE_ABOVE, HANDSHAKES_RETRY_ABOVE, Handshake, HandshakeError,
    INCOMING_BUFFER_BYTES, INCOMING_BUFFER_TOTAL_BYTES, INCOMING_MAX, Limits, Listener, RETRY_TOKEN_LIFETIME,
    SHUTDOWN_MAX, SOCKET_BUFFER_BYTES, Turned,
};
pub use local::{LOCAL_HOSTS_MAX, local_hosts};
pub use rendezvous::in_order;
pub use tls::ALPN;
pub use transport::{
    CONGESTION_FLOOR_BYTES, IDLE_TIMEOUT, INITIAL_RTT, KEEP_ALIVE, PHONE_RECEIVE_WINDOW_BYTES,
    PHONE_SEND_WINDOW_BYTES, PHONE_STREAM_WINDOW_BYTES, RELAY_BIDI_STREAMS_MAX, RELAY_RECEIVE_WINDOW_BYTES,
    RELAY_SEND_WINDOW_BYTES, RELAY_STREAM_WINDOW_BYTES, STRANGER_WINDOW_BYTES,
};
