//! How a session ends, as the carrier carries it (P12.5): an application error code and an optional time to wait.

use std::time::Duration;

use quinn::VarInt;

/// Bytes of the reason phrase that carries a `retry after`.
const RETRY_BYTES: usize = 4;

/// Bytes of a goodbye over TCP: the reason's number, and the wait in milliseconds with all bits set for none (P12.7).
pub(crate) const GOODBYE_BYTES: usize = 6;
/// No time to wait is told.
const NO_RETRY: u32 = u32::MAX;

/// Why one side ended the session, and when the other may come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close {
    /// Number of the reason (P8.9); the session gives it its meaning.
    pub code: u16,
    /// Do not come back before this has passed.
    pub retry_after: Option<Duration>,
}

impl Close {
    /// The session was over; nothing is wrong.
    pub const DONE: Close = Close {
        code: 0,
        retry_after: None,
    };

    /// Ends with this reason.
    pub fn new(code: u16, retry_after: Option<Duration>) -> Self {
        Self { code, retry_after }
    }

    /// The reason's number and one: 0 is what QUIC sends for a program that dropped the connection without a reason.
    pub(crate) fn error_code(&self) -> VarInt {
        (u32::from(self.code) + 1).into()
    }

    /// `retry after` in milliseconds as a big-endian `u32`, or nothing.
    pub(crate) fn phrase(&self) -> Vec<u8> {
        self.retry_after.map_or(Vec::new(), |after| {
            let millis = u32::try_from(after.as_millis()).unwrap_or(u32::MAX);
            millis.to_be_bytes().to_vec()
        })
    }

    /// The form over TCP. The longest wait is one millisecond shorter than over QUIC.
    pub(crate) fn goodbye(&self) -> [u8; GOODBYE_BYTES] {
        let millis = self.retry_after.map_or(NO_RETRY, |after| {
            u32::try_from(after.as_millis()).map_or(NO_RETRY - 1, |millis| millis.min(NO_RETRY - 1))
        });
        let mut bytes = [0; GOODBYE_BYTES];
        bytes[..2].copy_from_slice(&self.code.to_be_bytes());
        bytes[2..].copy_from_slice(&millis.to_be_bytes());
        bytes
    }

    /// Every six bytes are a goodbye.
    pub(crate) fn of_goodbye(bytes: &[u8; GOODBYE_BYTES]) -> Self {
        let [a, b, wait @ ..] = *bytes;
        let millis = u32::from_be_bytes(wait);
        Self {
            code: u16::from_be_bytes([a, b]),
            retry_after: (millis != NO_RETRY).then(|| Duration::from_millis(millis.into())),
        }
    }

    /// What the other side said; `None` when it gave no reason. A phrase of another shape is no `retry after`.
    pub(crate) fn read(code: VarInt, phrase: &[u8]) -> Option<Self> {
        let code = code.into_inner().checked_sub(1)?;
        let millis: Option<[u8; RETRY_BYTES]> = phrase.try_into().ok();
        Some(Self {
            code: u16::try_from(code).ok()?,
            retry_after: millis.map(|bytes| Duration::from_millis(u32::from_be_bytes(bytes).into())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_wait_survive_the_wire_form() {
        let late = Close::new(u16::MAX, Some(Duration::from_millis(90_500)));
        for close in [Close::DONE, Close::new(7, None), late] {
            assert_eq!(Close::read(close.error_code(), &close.phrase()), Some(close));
        }
        assert_eq!(
            Close::new(7, Some(Duration::from_secs(1))).phrase(),
            [0, 0, 3, 0xe8]
        );
        assert_eq!(Close::DONE.error_code(), VarInt::from_u32(1));
    }

    #[test]
    fn a_goodbye_over_tcp_is_that_of_the_golden_vector_and_round_trips() {
        let close = Close::new(7, Some(Duration::from_secs(1)));
        assert_eq!(close.goodbye(), [0, 7, 0, 0, 3, 0xe8]);
        assert_eq!(Close::DONE.goodbye(), [0, 0, 0xff, 0xff, 0xff, 0xff]);
        for close in [Close::DONE, close, Close::new(u16::MAX, Some(Duration::ZERO))] {
            assert_eq!(Close::of_goodbye(&close.goodbye()), close);
        }
        let long = Close::new(1, Some(Duration::from_secs(u64::MAX)));
        assert_eq!(long.goodbye(), [0, 1, 0xff, 0xff, 0xff, 0xfe]);
    }

    #[test]
    fn a_wait_over_the_range_is_cut_to_the_range() {
        let long = Close::new(1, Some(Duration::from_secs(u64::MAX)));
        assert_eq!(long.phrase(), [0xff; 4]);
    }

    #[test]
    fn a_dropped_connection_and_numbers_out_of_range_are_no_reason() {
        assert_eq!(Close::read(0u32.into(), b""), None);
        assert_eq!(Close::read(VarInt::MAX, b""), None);
        assert_eq!(Close::read((u32::from(u16::MAX) + 2).into(), b""), None);
        assert_eq!(Close::read(2u32.into(), b"a text"), Some(Close::new(1, None)));
    }
}
