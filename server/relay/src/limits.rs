//! What one relay grants at most. Defaults here; `[limits]` of the configuration changes them.

use sotay_feed::limits::FRAME_BYTES_MAX;
use sotay_net::{HANDSHAKES_REFUSE_ABOVE, HANDSHAKES_RETRY_ABOVE};

/// All limits, each with its unit in its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Sessions at one time; a further one is told to come back.
    pub sessions: usize,
    /// Sessions of one device; the oldest goes, for it is usually what is left of a connection the phone has lost.
    pub sessions_per_device: usize,
    /// Handshakes in flight above which an unproven address must prove itself first.
    pub handshakes_retry_above: usize,
    /// Handshakes in flight above which a new one is refused.
    pub handshakes_refuse_above: usize,
    /// Bytes of one session's frames that wait to be dealt with; then the connection reads no further.
    pub session_waiting_bytes: usize,
    /// The same for all sessions together.
    pub waiting_bytes: usize,
    /// Bytes that wait to be sent to all phones together; then a phone that lets more than its part wait is let go.
    pub outgoing_bytes: usize,
    /// Envelopes one device may write in an hour, in the long run …
    pub envelopes_per_hour: u32,
    /// … and at once, when it comes back after a long time.
    pub envelopes_at_once: u32,
    /// Bytes of envelopes one device may write in a day.
    pub bytes_per_day: u64,
    /// Bytes of envelopes one space may hold.
    pub space_bytes: u64,
    /// Devices one issuer may admit in a day.
    pub new_devices_per_day: u32,
    /// Bytes the database file may reach; `None`: as far as the disk goes.
    pub database_bytes: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 20_000,
            sessions_per_device: 4,
            handshakes_retry_above: HANDSHAKES_RETRY_ABOVE,
            handshakes_refuse_above: HANDSHAKES_REFUSE_ABOVE,
            session_waiting_bytes: 2 * FRAME_BYTES_MAX,
            waiting_bytes: 64 * 1024 * 1024,
            outgoing_bytes: 256 * 1024 * 1024,
            envelopes_per_hour: 200,
            envelopes_at_once: 2000,
            bytes_per_day: 5_000_000,
            space_bytes: 50_000_000,
            new_devices_per_day: 200,
            database_bytes: None,
        }
    }
}
