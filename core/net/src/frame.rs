//! Frames on a byte stream (P12.4): a big-endian `u32` length, then that many bytes.

use bytes::{Buf, Bytes};
use sotay_feed::limits::FRAME_BYTES_MAX;

/// Bytes of the length in front of a frame.
pub const PREFIX_BYTES: usize = 4;
/// In the place of a length, over TCP: no frame follows but the reason for which the other side ends (P12.7).
pub(crate) const GOODBYE_PREFIX: u32 = u32::MAX;
/// Memory reserved for a frame on its announcement alone; more is taken only as its bytes arrive, so that a thousand
/// announcements cost little.
const RESERVE_BYTES_MAX: usize = 16 * 1024;

/// How the other side broke the framing. Its fault, always; the session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameFault {
    /// The announced length is over [`FRAME_BYTES_MAX`]. Nothing was allocated for it.
    #[error("a frame of {len} bytes is over the limit of {FRAME_BYTES_MAX}")]
    TooLarge {
        /// The announced length.
        len: usize,
    },
    /// A frame without bytes means nothing in this protocol.
    #[error("an empty frame")]
    Empty,
    /// The stream ended inside a frame.
    #[error("the stream ended inside a frame")]
    Truncated,
}

impl FrameFault {
    /// The close reason that names it (P8.9): a frame too large, or malformed.
    pub fn code(self) -> u16 {
        match self {
            FrameFault::TooLarge { .. } => 16,
            FrameFault::Empty | FrameFault::Truncated => 17,
        }
    }
}

/// The length prefix of a frame, or `None` when the frame is empty or over [`FRAME_BYTES_MAX`].
pub(crate) fn prefix(frame: &[u8]) -> Option<[u8; PREFIX_BYTES]> {
    let len = u32::try_from(frame.len()).ok()?;
    (1..=FRAME_BYTES_MAX)
        .contains(&frame.len())
        .then(|| len.to_be_bytes())
}

/// Puts frames together from the chunks a stream gives. Knows no socket.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    chunk: Bytes,
    prefix: [u8; PREFIX_BYTES],
    prefix_len: usize,
    body: Vec<u8>,
    told: bool,
}

impl Assembler {
    /// Takes the next bytes of the stream. [`Self::next_frame`] must have returned `None` before.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        debug_assert!(self.chunk.is_empty(), "the previous chunk was not used up");
        self.chunk = chunk;
    }

    /// The next whole frame, or `None` when more bytes are needed.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Bytes>, FrameFault> {
        while self.prefix_len < PREFIX_BYTES {
            if self.chunk.is_empty() {
                return Ok(None);
            }
            self.prefix[self.prefix_len] = self.chunk.get_u8();
            self.prefix_len += 1;
        }
        let len = u32::from_be_bytes(self.prefix) as usize;
        if len > FRAME_BYTES_MAX {
            return Err(FrameFault::TooLarge { len });
        }
        if len == 0 {
            return Err(FrameFault::Empty);
        }
        if self.body.is_empty() && self.chunk.len() >= len {
            self.prefix_len = 0;
            return Ok(Some(self.chunk.split_to(len)));
        }
        if self.body.capacity() == 0 {
            self.body.reserve(len.min(RESERVE_BYTES_MAX));
        }
        let part = self.chunk.split_to(self.chunk.len().min(len - self.body.len()));
        self.body.extend_from_slice(&part);
        if self.body.len() < len {
            return Ok(None);
        }
        self.prefix_len = 0;
        self.told = false;
        Ok(Some(std::mem::take(&mut self.body).into()))
    }

    /// The announced length of a frame of which a part is here, once for each such frame.
    pub(crate) fn begun(&mut self) -> Option<usize> {
        if self.prefix_len < PREFIX_BYTES || std::mem::replace(&mut self.told, true) {
            return None;
        }
        Some(u32::from_be_bytes(self.prefix) as usize)
    }

    /// What follows a prefix that announced no frame.
    pub(crate) fn take_rest(&mut self) -> Bytes {
        std::mem::take(&mut self.chunk)
    }

    /// The stream ended; inside a frame that is a fault.
    pub(crate) fn finish(&self) -> Result<(), FrameFault> {
        if self.prefix_len == 0 {
            Ok(())
        } else {
            Err(FrameFault::Truncated)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wire(frames: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for frame in frames {
            bytes.extend_from_slice(&prefix(frame).unwrap());
            bytes.extend_from_slice(frame);
        }
        bytes
    }

    fn read(assembler: &mut Assembler, chunk: &[u8]) -> Result<Vec<Vec<u8>>, FrameFault> {
        assembler.push(Bytes::copy_from_slice(chunk));
        let mut frames = Vec::new();
        while let Some(frame) = assembler.next_frame()? {
            frames.push(frame.to_vec());
        }
        Ok(frames)
    }

    #[test]
    fn the_prefix_is_the_golden_vector() {
        assert_eq!(wire(&[b"abc".to_vec()]), b"\x00\x00\x00\x03abc");
    }

    #[test]
    fn the_largest_frame_passes_and_one_byte_more_is_refused_from_its_length_alone() {
        let frame = vec![7; FRAME_BYTES_MAX];
        let bytes = wire(std::slice::from_ref(&frame));
        assert_eq!(read(&mut Assembler::default(), &bytes), Ok(vec![frame]));
        assert_eq!(prefix(&vec![7; FRAME_BYTES_MAX + 1]), None);
        let mut assembler = Assembler::default();
        let len = FRAME_BYTES_MAX + 1;
        assert_eq!(
            read(&mut assembler, &(len as u32).to_be_bytes()),
            Err(FrameFault::TooLarge { len })
        );
        assert_eq!(assembler.body.capacity(), 0);
    }

    #[test]
    fn an_announcement_alone_reserves_little() {
        let mut assembler = Assembler::default();
        let mut bytes = (FRAME_BYTES_MAX as u32).to_be_bytes().to_vec();
        bytes.push(1);
        assert_eq!(read(&mut assembler, &bytes), Ok(vec![]));
        assert!(assembler.body.capacity() <= RESERVE_BYTES_MAX);
    }

    #[test]
    fn a_frame_of_which_a_part_came_is_told_once_with_its_length() {
        let mut assembler = Assembler::default();
        let bytes = wire(&[vec![7; 300]]);
        assert_eq!(read(&mut assembler, &bytes[..3]), Ok(vec![]));
        assert_eq!(assembler.begun(), None, "no length yet");
        for (from, told) in [(3..4, Some(300)), (4..5, None), (5..303, None)] {
            assert_eq!(read(&mut assembler, &bytes[from]), Ok(vec![]));
            assert_eq!(assembler.begun(), told);
        }
        assert_eq!(read(&mut assembler, &bytes[303..]), Ok(vec![vec![7; 300]]));
        assert_eq!(assembler.begun(), None);
        // The next one anew; one that came whole was never begun.
        assert_eq!(read(&mut assembler, &bytes), Ok(vec![vec![7; 300]]));
        assert_eq!(read(&mut assembler, &bytes[..9]), Ok(vec![]));
        assert_eq!(assembler.begun(), Some(300));
    }

    #[test]
    fn an_empty_frame_is_a_fault_in_both_directions() {
        assert_eq!(prefix(b""), None);
        assert_eq!(read(&mut Assembler::default(), &[0; 4]), Err(FrameFault::Empty));
    }

    #[test]
    fn a_stream_that_ends_inside_a_frame_is_found_at_every_length() {
        let bytes = wire(&[b"abc".to_vec()]);
        for len in 1..bytes.len() {
            let mut assembler = Assembler::default();
            assert_eq!(read(&mut assembler, &bytes[..len]), Ok(vec![]));
            assert_eq!(assembler.finish(), Err(FrameFault::Truncated), "{len} bytes");
        }
        let mut assembler = Assembler::default();
        read(&mut assembler, &bytes).unwrap();
        assert_eq!(assembler.finish(), Ok(()));
    }

    proptest! {
        #[test]
        fn frames_do_not_depend_on_how_the_stream_was_cut(
            frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..300), 0..8),
            cuts in proptest::collection::vec(1usize..70, 1..200),
        ) {
            let bytes = wire(&frames);
            let mut assembler = Assembler::default();
            let (mut got, mut rest, mut cuts) = (Vec::new(), &bytes[..], cuts.into_iter().cycle());
            while !rest.is_empty() {
                let (chunk, more) = rest.split_at(cuts.next().unwrap().min(rest.len()));
                got.extend(read(&mut assembler, chunk).unwrap());
                rest = more;
            }
            prop_assert_eq!(got, frames);
            prop_assert_eq!(assembler.finish(), Ok(()));
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&mut Assembler::default(), &bytes);
        }
    }
}
