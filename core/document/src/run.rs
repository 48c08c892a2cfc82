//! A run: successive changes of one actor in one document, as they travel inside a sealed body (P11.3–P11.7).
//!
//! What the receiver can compute is left out: the dependency on the previous change of the run (its hash), the chunk
//! head and checksum, actor, sequence number and most of the operation counters. The rest is laid out column by column
//! and compressed. Whoever decodes a run rebuilds every change byte for byte, and the hashes announced in the head
//! prove it: each announced hash covers, through the dependencies, all changes before it.

mod body;

use automerge::ChangeHash;
use sotay_feed::DocId;
use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::limits::{ENVELOPE_BYTES_MAX, RUN_BYTES_MAX, RUN_CHANGES_MAX};

use crate::actor::Actor;
use crate::chunk::{Parts, ShapeError};
use crate::limits::RUN_REBUILT_BYTES_MAX;

/// Version of the run format; the first item of every payload (P11.3).
pub const RUN_VERSION: u8 = 1;
/// Measured on typing (decision 0027): 7–8 % smaller than level 3, in 0.4 ms for 50 bursts and 10 ms for 1,000.
const ZSTD_LEVEL: i32 = 12;
/// The body as it is.
const STORED: u8 = 0;
/// The body as one zstd frame.
const ZSTD: u8 = 1;

/// Why a payload is not a run. The author's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// A format version this build does not read.
    #[error("unknown run version {0}")]
    Version(u64),
    /// The head is not the canonical CBOR of the format.
    #[error("head: {0}")]
    Head(#[from] CborError),
    /// No change, or more than [`RUN_CHANGES_MAX`].
    #[error("run of {0} changes")]
    Count(u64),
    /// Neither stored nor zstd.
    #[error("unknown compression {0}")]
    Method(u8),
    /// Not one zstd frame.
    #[error("body does not decompress")]
    Compression,
    /// More than [`RUN_BYTES_MAX`] after decompression, or [`RUN_REBUILT_BYTES_MAX`] after rebuilding.
    #[error("run is larger than its limits")]
    TooLarge,
    /// The body ends early, goes on after its end, or refers to what is not there.
    #[error("malformed body")]
    Body,
    /// A rebuilt change is not one that this project writes.
    #[error("change {index}: {error}")]
    Change {
        /// Which change of the run.
        index: usize,
        /// What is wrong with it.
        error: ShapeError,
    },
    /// The rebuilt changes do not have the announced hashes.
    #[error("rebuilt changes do not hash to what was announced")]
    Hash,
}

/// Why changes cannot be written as runs. Our own fault: the gate refuses such changes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunEncodeError {
    /// Not a change that this project writes.
    #[error("change {index}: {error}")]
    Change {
        /// Which of the given changes.
        index: usize,
        /// What is wrong with it.
        error: ShapeError,
    },
    /// One change alone does not fit.
    #[error("change {index} needs {bytes} bytes, more than {payload_max}")]
    TooLarge {
        /// Which of the given changes.
        index: usize,
        /// Bytes of a payload with this change alone.
        bytes: usize,
        /// The limit that was asked for.
        payload_max: usize,
    },
}

/// A decoded run: every change rebuilt, its shape and hash proved.
#[derive(Clone, PartialEq, Eq)]
pub struct Run {
    /// The document it belongs to.
    pub doc: DocId,
    /// Kind of document, for the receiver that has to make the genesis.
    pub kind: u8,
    /// Version of the kind, likewise.
    pub schema: u16,
    /// Who wrote all of its changes.
    pub actor: Actor,
    /// Raw change chunks, in the order of their sequence numbers.
    pub changes: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            doc,
            kind,
            schema,
            actor,
            changes,
        } = self;
        write!(
            f,
            "Run({doc:?} kind {kind}.{schema} {actor:?} {} changes)",
            changes.len()
        )
    }
}

impl Run {
    /// Reads one payload. Memory stays within the named limits whatever the bytes claim.
    pub fn decode(payload: &[u8]) -> Result<Self, RunError> {
        let (head, body) = Head::read(payload)?;
        let body = match head.method {
            STORED if body.len() <= RUN_BYTES_MAX => body.to_vec(),
            STORED => return Err(RunError::TooLarge),
            ZSTD => inflate(body)?,
            other => return Err(RunError::Method(other)),
        };
        let rebuilt = body::rebuild(&body, head.actor, head.count)?;
        if rebuilt.tails != head.tails {
            return Err(RunError::Hash);
        }
        Ok(Self {
            doc: head.doc,
            kind: head.kind,
            schema: head.schema,
            actor: head.actor,
            changes: rebuilt.changes,
        })
    }
}

/// Everything before the body (P11.3).
struct Head {
    doc: DocId,
    kind: u8,
    schema: u16,
    actor: Actor,
    count: usize,
    tails: Vec<ChangeHash>,
    method: u8,
}

impl Head {
    fn write(&self, body: &[u8]) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(9)
            .uint(u64::from(RUN_VERSION))
            .bytes(self.doc.as_bytes())
            .uint(u64::from(self.kind))
            .uint(u64::from(self.schema))
            .bytes(self.actor.as_bytes())
            .uint(self.count as u64)
            .array(self.tails.len());
        for tail in &self.tails {
            writer.bytes(&tail.0);
        }
        writer.uint(u64::from(self.method)).bytes(body);
        writer.into_bytes()
    }

    fn read(payload: &[u8]) -> Result<(Self, &[u8]), RunError> {
        let mut reader = Reader::new(payload);
        let items = reader.array_up_to(usize::MAX)?;
        let version = if items == 0 { 0 } else { reader.uint()? };
        if version != u64::from(RUN_VERSION) {
            return Err(RunError::Version(version));
        }
        if items != 9 {
            return Err(CborError::Length {
                at: 0,
                expected: 9,
                found: items,
            }
            .into());
        }
        let doc = DocId::from_bytes(reader.fixed()?);
        let kind = reader.small()?;
        let schema = reader.small()?;
        let actor = Actor::from_bytes(reader.fixed()?);
        let count = reader.uint()?;
        if count == 0 || count > RUN_CHANGES_MAX as u64 {
            return Err(RunError::Count(count));
        }
        let tails = reader.array_up_to(count as usize)?;
        let tails = (0..tails)
            .map(|_| Ok(ChangeHash(reader.fixed()?)))
            .collect::<Result<Vec<_>, CborError>>()?;
        let method = reader.small()?;
        let body = reader.bytes(ENVELOPE_BYTES_MAX)?;
        let head = Self {
            doc,
            kind,
            schema,
            actor,
            count: count as usize,
            tails,
            method,
        };
        reader.finish(&head.write(body))?;
        Ok((head, body))
    }
}

/// Decompresses exactly one frame in a window and an output that are both bounded by [`RUN_BYTES_MAX`]; what the frame
/// says about its own size is not used (P11.5).
fn inflate(frame: &[u8]) -> Result<Vec<u8>, RunError> {
    use std::io::Read;

    let mut decoder = zstd::stream::read::Decoder::with_buffer(frame)
        .map_err(|_| RunError::Compression)?
        .single_frame();
    decoder
        .window_log_max(RUN_BYTES_MAX.ilog2())
        .map_err(|_| RunError::Compression)?;
    let mut body = Vec::new();
    let read = decoder
        .by_ref()
        .take(RUN_BYTES_MAX as u64 + 1)
        .read_to_end(&mut body);
    if body.len() > RUN_BYTES_MAX {
        return Err(RunError::TooLarge);
    }
    read.map_err(|_| RunError::Compression)?;
    if decoder.finish().is_empty() {
        Ok(body)
    } else {
        Err(RunError::Compression)
    }
}

fn deflate(body: &[u8]) -> Option<Vec<u8>> {
    let frame = zstd::bulk::compress(body, ZSTD_LEVEL).ok()?;
    (frame.len() < body.len()).then_some(frame)
}

/// Payloads that carry `changes` (raw chunks in the order they were made), each of at most `payload_max` bytes and
/// within the limits of a run. A run holds successive changes of one actor, so changes of another process start begin
/// a new one.
pub fn encode_runs<C: AsRef<[u8]>>(
    doc: DocId,
    kind: u8,
    schema: u16,
    changes: &[C],
    payload_max: usize,
) -> Result<Vec<Vec<u8>>, RunEncodeError> {
    let parts = changes
        .iter()
        .enumerate()
        .map(|(index, raw)| {
            Parts::read(raw.as_ref()).map_err(|error| RunEncodeError::Change { index, error })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut payloads = Vec::new();
    let mut start = 0;
    while start < parts.len() {
        let mut end = start + sitting(&parts[start..], &changes[start..]);
        let payload = loop {
            match encode_one(doc, kind, schema, &parts[start..end], payload_max) {
                Ok(payload) => break payload,
                Err(bytes) if end == start + 1 => {
                    return Err(RunEncodeError::TooLarge {
                        index: start,
                        bytes,
                        payload_max,
                    });
                }
                Err(bytes) => end = start + fewer(end - start, bytes, payload_max),
            }
        };
        payloads.push(payload);
        start = end;
    }
    Ok(payloads)
}

/// How many changes from the first on are successive changes of one actor and within the count limits.
fn sitting<C: AsRef<[u8]>>(parts: &[(Parts<'_>, ChangeHash)], raw: &[C]) -> usize {
    let first = &parts[0].0;
    let mut rebuilt = 0;
    parts
        .iter()
        .zip(raw)
        .take(RUN_CHANGES_MAX)
        .zip(first.seq..)
        .take_while(|(((part, _), raw), seq)| {
            rebuilt += raw.as_ref().len();
            part.actor == first.actor && part.seq == *seq && rebuilt <= RUN_REBUILT_BYTES_MAX
        })
        .count()
        .max(1)
}

/// A smaller number of changes to try after `count` of them took `bytes`.
fn fewer(count: usize, bytes: usize, payload_max: usize) -> usize {
    let share = count as u128 * payload_max as u128 / bytes.max(1) as u128;
    (share as usize).clamp(1, count - 1)
}

/// One payload, or the bytes it would have needed.
fn encode_one(
    doc: DocId,
    kind: u8,
    schema: u16,
    parts: &[(Parts<'_>, ChangeHash)],
    payload_max: usize,
) -> Result<Vec<u8>, usize> {
    let flat = body::flatten(parts);
    if flat.bytes.len() > RUN_BYTES_MAX {
        // Larger than any payload may become, so that the next attempt is smaller whatever the compression gives.
        return Err(flat.bytes.len().max(payload_max + 1));
    }
    let (method, bytes) = match deflate(&flat.bytes) {
        Some(frame) => (ZSTD, frame),
        None => (STORED, flat.bytes),
    };
    let head = Head {
        doc,
        kind,
        schema,
        actor: parts[0].0.actor,
        count: parts.len(),
        tails: flat.tails,
        method,
    };
    let payload = head.write(&bytes);
    if payload.len() <= payload_max {
        Ok(payload)
    } else {
        Err(payload.len())
    }
}

#[cfg(test)]
mod tests;
