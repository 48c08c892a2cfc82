//! How a session ends, as the carrier carries it (P12.5): an application error code and an optional time to wait.

use std::time::Duration;

use quinn::VarInt;

/// Bytes of the reason phrase that carries a `retry after`.
const RETRY_BYTES: usize = 4;

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
