//! QUIC settings of both ends, each with its reason (P12.1). Measurements behind them: decision 0040.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::congestion::{Controller, ControllerFactory, ControllerMetrics, Cubic, CubicConfig};
use quinn::{TransportConfig, VarInt};
use quinn_proto::RttEstimator;

/// A silent connection is given up after this long: coverage holes of 60–80 s are survived.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(90);
/// How often a phone in the foreground keeps its NAT mapping alive (UDP mappings live 30 s and more).
pub const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Assumed round trip before the first measurement: the first probe after 0.3 s instead of 1 s.
pub const INITIAL_RTT: Duration = Duration::from_millis(100);
/// Bytes that may be in flight from the start, and that loss never pushes the window below.
pub const CONGESTION_FLOOR_BYTES: u64 = 32 * 1024;
/// Streams a phone may have open: the session's. What comes in others nobody would read, and it would wait in memory.
pub const RELAY_BIDI_STREAMS_MAX: u32 = 1;
/// Streams a relay may open to a phone: none, the session's stream is opened by the phone.
pub const PHONE_BIDI_STREAMS_MAX: u32 = 0;
/// Bytes a relay buffers of one stream: 3.4 Mbit/s at a round trip of 600 ms.
pub const RELAY_STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// Bytes a relay buffers of one connection.
pub const RELAY_RECEIVE_WINDOW_BYTES: u32 = 512 * 1024;
/// The same of one whose phone it does not know yet, where the relay chooses so ([`crate::Limits::first_window_bytes`]): as
/// much as a phone sends at once.
pub const STRANGER_WINDOW_BYTES: u32 = 32 * 1024;
/// Bytes a relay holds unacknowledged for one connection.
pub const RELAY_SEND_WINDOW_BYTES: u64 = 512 * 1024;
/// Bytes a phone buffers of one stream.
pub const PHONE_STREAM_WINDOW_BYTES: u32 = 512 * 1024;
/// Bytes a phone buffers of one connection.
pub const PHONE_RECEIVE_WINDOW_BYTES: u32 = 1024 * 1024;
/// Bytes a phone holds unacknowledged.
pub const PHONE_SEND_WINDOW_BYTES: u64 = 512 * 1024;
/// Bytes of handshake messages kept out of order.
const CRYPTO_BUFFER_BYTES: usize = 16 * 1024;
/// Probe time-outs in a row that count as congestion: a hole in coverage is none.
const PERSISTENT_CONGESTION_PROBES: u32 = 6;

/// What both ends have in common.
fn common(idle_timeout: Duration, floor_bytes: u64) -> TransportConfig {
    let mut config = TransportConfig::default();
    let idle = idle_timeout.try_into().unwrap_or(VarInt::MAX.into());
    config
        .max_concurrent_uni_streams(0u32.into())
        .max_idle_timeout(Some(idle))
        .initial_rtt(INITIAL_RTT)
        // Probing costs 12 KB a connection on metered data and pays back only after a megabyte.
        .mtu_discovery_config(None)
        .crypto_buffer_size(CRYPTO_BUFFER_BYTES)
        .datagram_receive_buffer_size(None)
        .datagram_send_buffer_size(0)
        .persistent_congestion_threshold(PERSISTENT_CONGESTION_PROBES)
        .send_fairness(false)
        .congestion_controller_factory(Arc::new(FloorConfig::new(floor_bytes)));
    config
}

/// A relay towards phones: many idle connections, little memory each; never wakes a radio.
pub(crate) fn relay(idle_timeout: Duration, floor_bytes: u64, first_window_bytes: u32) -> TransportConfig {
    let mut config = common(idle_timeout, floor_bytes);
    config
        .max_concurrent_bidi_streams(RELAY_BIDI_STREAMS_MAX.into())
        .stream_receive_window(RELAY_STREAM_WINDOW_BYTES.into())
        .receive_window(first_window_bytes.into())
        .send_window(RELAY_SEND_WINDOW_BYTES)
        // A ping from here dies at a moved NAT mapping and wakes the phone's radio for nothing.
        .keep_alive_interval(None);
    config
}

/// A phone: `keep_alive` only while somebody is looking.
pub(crate) fn phone(
    idle_timeout: Duration,
    floor_bytes: u64,
    keep_alive: Option<Duration>,
) -> TransportConfig {
    let mut config = common(idle_timeout, floor_bytes);
    config
        .max_concurrent_bidi_streams(PHONE_BIDI_STREAMS_MAX.into())
        .stream_receive_window(PHONE_STREAM_WINDOW_BYTES.into())
        .receive_window(PHONE_RECEIVE_WINDOW_BYTES.into())
        .send_window(PHONE_SEND_WINDOW_BYTES)
        .keep_alive_interval(keep_alive)
        // Some Android kernels refuse segmented sends, and then no datagram leaves at all.
        .enable_segmentation_offload(false);
    config
}

/// CUBIC whose window starts at and never falls below a floor: at 20 % loss 2.6 times faster than without.
#[derive(Debug, Clone)]
pub(crate) struct FloorConfig {
    cubic: Arc<CubicConfig>,
    floor_bytes: u64,
}

impl FloorConfig {
    pub(crate) fn new(floor_bytes: u64) -> Self {
        let mut cubic = CubicConfig::default();
        cubic.initial_window(floor_bytes);
        Self {
            cubic: Arc::new(cubic),
            floor_bytes,
        }
    }
}

impl ControllerFactory for FloorConfig {
    fn build(self: Arc<Self>, now: Instant, current_mtu: u16) -> Box<dyn Controller> {
        Box::new(Floor {
            cubic: Cubic::new(self.cubic.clone(), now, current_mtu),
            floor_bytes: self.floor_bytes,
        })
    }
}

#[derive(Debug, Clone)]
struct Floor {
    cubic: Cubic,
    floor_bytes: u64,
}

impl Controller for Floor {
    fn on_sent(&mut self, now: Instant, bytes: u64, last_packet_number: u64) {
        self.cubic.on_sent(now, bytes, last_packet_number);
    }

    fn on_ack(&mut self, now: Instant, sent: Instant, bytes: u64, app_limited: bool, rtt: &RttEstimator) {
        self.cubic.on_ack(now, sent, bytes, app_limited, rtt);
    }

    fn on_end_acks(&mut self, now: Instant, in_flight: u64, app_limited: bool, largest: Option<u64>) {
        self.cubic.on_end_acks(now, in_flight, app_limited, largest);
    }

    fn on_congestion_event(&mut self, now: Instant, sent: Instant, is_persistent: bool, lost_bytes: u64) {
        self.cubic
            .on_congestion_event(now, sent, is_persistent, lost_bytes);
    }

    fn on_mtu_update(&mut self, new_mtu: u16) {
        self.cubic.on_mtu_update(new_mtu);
    }

    fn window(&self) -> u64 {
        self.cubic.window().max(self.floor_bytes)
    }

    fn metrics(&self) -> ControllerMetrics {
        let mut metrics = self.cubic.metrics();
        metrics.congestion_window = self.window();
        metrics
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }

    fn initial_window(&self) -> u64 {
        self.cubic.initial_window().max(self.floor_bytes)
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_starts_at_the_floor_and_loss_never_takes_it_below() {
        let now = Instant::now();
        let mut window = Arc::new(FloorConfig::new(CONGESTION_FLOOR_BYTES)).build(now, 1200);
        assert_eq!(window.initial_window(), CONGESTION_FLOOR_BYTES);
        for step in 1..50 {
            let later = now + Duration::from_secs(step);
            window.on_congestion_event(later, later, step % 2 == 0, 1200);
            assert_eq!(window.window(), CONGESTION_FLOOR_BYTES);
        }
        assert_eq!(window.clone_box().window(), CONGESTION_FLOOR_BYTES);
    }

    #[test]
    fn a_floor_of_nothing_is_plain_cubic() {
        let now = Instant::now();
        let mut window = Arc::new(FloorConfig::new(0)).build(now, 1200);
        window.on_congestion_event(now, now, true, 1200);
        assert_eq!(window.window(), 2 * 1200);
    }
}
