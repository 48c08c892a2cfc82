//! The bytes of one Automerge change, read without Automerge: what the gate counts and what a run leaves out.
//!
//! ```text
//! chunk = 85 6f 4a 83 ‖ first 4 bytes of the hash ‖ type 01 ‖ length ‖ data        hash = SHA-256(type ‖ length ‖ data)
//! data  = dependencies ‖ actor ‖ seq ‖ start op ‖ time ‖ message ‖ other actors ‖ columns ‖ column data
//! ```
//!
//! Only what this project writes is accepted (P11.8): no message, no extra bytes, no marks, no unknown column, nothing
//! deflated, and counts that were added up before anything is expanded.

use automerge::ChangeHash;
use sha2::{Digest, Sha256};

use crate::actor::{ACTOR_LEN, Actor};
use crate::leb::{Cursor, Malformed, put_i64, put_u64};
use crate::limits::{
    CHANGE_ACTORS_MAX, CHANGE_BYTES_MAX, CHANGE_DEPS_MAX, CHANGE_OPS_MAX, CHANGE_PREDS_MAX, OP_COUNTER_MAX,
    TIME_SECONDS_MAX,
};

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const CHANGE: u8 = 1;
/// Column specifications (`id << 4 | type`) that a change may have, ascending.
pub(crate) const COLUMNS: [u32; 12] = [
    0x01, 0x02, 0x11, 0x13, 0x15, 0x34, 0x42, 0x56, 0x57, 0x70, 0x71, 0x73,
];
const ACTION_COLUMN: u32 = 0x42;
const PREDS_COLUMN: u32 = 0x70;
/// Make map, put, make list, delete, make text, increment; tables (6) and marks (7) are not written here.
const ACTION_MAX: u64 = 5;

/// Why bytes are not a change that this project writes. The author's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// Over [`CHANGE_BYTES_MAX`].
    #[error("change of {0} bytes is larger than {CHANGE_BYTES_MAX}")]
    TooLarge(usize),
    /// A document (0), compressed change (2), bundle (3) or unknown chunk.
    #[error("chunk of type {0} is not a change")]
    ChunkType(u8),
    /// Cut short, trailing bytes, or numbers not in shortest form.
    #[error("malformed change")]
    Malformed,
    /// The checksum is not the first four bytes of the hash.
    #[error("checksum does not hold")]
    Checksum,
    /// More than [`CHANGE_DEPS_MAX`] dependencies.
    #[error("more than {CHANGE_DEPS_MAX} dependencies")]
    TooManyDeps,
    /// Dependencies or actors out of order or repeated.
    #[error("dependencies or actors are not in ascending order")]
    Order,
    /// An actor id of another length than 16, or more than [`CHANGE_ACTORS_MAX`].
    #[error("not an actor id of this project, or too many")]
    Actor,
    /// Sequence number 0 or beyond 32 bits.
    #[error("sequence number is out of range")]
    Seq,
    /// A counter of 0 or beyond [`OP_COUNTER_MAX`].
    #[error("operation counter is beyond {OP_COUNTER_MAX}")]
    OpCounter,
    /// Before 1970 or after [`TIME_SECONDS_MAX`].
    #[error("time is out of range")]
    Time,
    /// A message or bytes after the columns, which nobody would see.
    #[error("change carries unseen bytes")]
    Unseen,
    /// A column that is unknown, deflated, empty or out of order.
    #[error("column {0:#x} is not accepted")]
    Column(u32),
    /// An operation that this project does not write.
    #[error("operation of type {0} is not accepted")]
    Action(u64),
    /// More than [`CHANGE_OPS_MAX`] operations.
    #[error("more than {CHANGE_OPS_MAX} operations")]
    TooManyOps,
    /// More than [`CHANGE_PREDS_MAX`] predecessors.
    #[error("more than {CHANGE_PREDS_MAX} predecessors")]
    TooManyPreds,
}

impl From<Malformed> for ShapeError {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

/// The parts of one change, borrowed from its bytes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) deps: Vec<ChangeHash>,
    pub(crate) actor: Actor,
    pub(crate) seq: u64,
    pub(crate) start_op: u64,
    pub(crate) time: i64,
    pub(crate) others: Vec<Actor>,
    pub(crate) columns: Vec<(u32, &'a [u8])>,
}

impl<'a> Parts<'a> {
    /// Reads one chunk and checks every limit; the hash is computed, not believed.
    pub(crate) fn read(raw: &'a [u8]) -> Result<(Self, ChangeHash), ShapeError> {
        if raw.len() > CHANGE_BYTES_MAX {
            return Err(ShapeError::TooLarge(raw.len()));
        }
        let mut cursor = Cursor::new(raw);
        if cursor.array::<4>()? != MAGIC {
            return Err(ShapeError::Malformed);
        }
        let checksum = cursor.array::<4>()?;
        let kind = cursor.array::<1>()?[0];
        if kind != CHANGE {
            return Err(ShapeError::ChunkType(kind));
        }
        if cursor.len()? != cursor.remaining() {
            return Err(ShapeError::Malformed);
        }
        let data = cursor.take(cursor.remaining())?;
        let hash = hash(data);
        if hash.0[..4] != checksum {
            return Err(ShapeError::Checksum);
        }
        let parts = Self::read_data(data)?;
        parts.check()?;
        Ok((parts, hash))
    }

    /// The parts of a chunk whose hash and limits somebody else has checked.
    pub(crate) fn unhashed(raw: &'a [u8]) -> Result<Self, ShapeError> {
        let mut cursor = Cursor::new(raw);
        cursor.take(MAGIC.len() + 4 + 1)?;
        let len = cursor.len()?;
        Self::read_data(cursor.take(len)?)
    }

    fn read_data(data: &'a [u8]) -> Result<Self, ShapeError> {
        let mut cursor = Cursor::new(data);
        let count = cursor.len()?;
        if count > CHANGE_DEPS_MAX {
            return Err(ShapeError::TooManyDeps);
        }
        let deps = (0..count)
            .map(|_| Ok(ChangeHash(cursor.array()?)))
            .collect::<Result<Vec<_>, Malformed>>()?;
        let actor = read_actor(&mut cursor)?;
        let (seq, start_op, time) = (cursor.u64()?, cursor.u64()?, cursor.i64()?);
        if cursor.len()? != 0 {
            return Err(ShapeError::Unseen);
        }
        let count = cursor.len()?;
        if count > CHANGE_ACTORS_MAX {
            return Err(ShapeError::Actor);
        }
        let others = (0..count)
            .map(|_| read_actor(&mut cursor))
            .collect::<Result<_, _>>()?;
        let columns = read_columns(&mut cursor)?;
        if !cursor.is_empty() {
            return Err(ShapeError::Unseen);
        }
        Ok(Self {
            deps,
            actor,
            seq,
            start_op,
            time,
            others,
            columns,
        })
    }

    /// Limits that do not depend on the document (P11.8).
    pub(crate) fn check(&self) -> Result<(), ShapeError> {
        if self.deps.len() > CHANGE_DEPS_MAX {
            return Err(ShapeError::TooManyDeps);
        }
        if self.others.len() > CHANGE_ACTORS_MAX {
            return Err(ShapeError::Actor);
        }
        if !strictly_ascending(&self.deps)
            || !strictly_ascending(&self.others)
            || self.others.contains(&self.actor)
        {
            return Err(ShapeError::Order);
        }
        if self.seq == 0 || self.seq > u64::from(u32::MAX) {
            return Err(ShapeError::Seq);
        }
        if !(0..=TIME_SECONDS_MAX).contains(&self.time) {
            return Err(ShapeError::Time);
        }
        if self.start_op == 0 || self.start_op > OP_COUNTER_MAX || self.max_op()? > OP_COUNTER_MAX {
            return Err(ShapeError::OpCounter);
        }
        if self.preds()? > CHANGE_PREDS_MAX {
            return Err(ShapeError::TooManyPreds);
        }
        Ok(())
    }

    pub(crate) fn column(&self, spec: u32) -> &'a [u8] {
        self.columns
            .iter()
            .find(|(found, _)| *found == spec)
            .map_or(&[], |(_, data)| data)
    }

    /// Number of operations, added up from the run lengths of the action column.
    pub(crate) fn ops(&self) -> Result<u64, ShapeError> {
        let mut ops = 0u64;
        for run in runs(self.column(ACTION_COLUMN)) {
            let (count, action) = run?;
            if action > ACTION_MAX {
                return Err(ShapeError::Action(action));
            }
            ops = ops.saturating_add(count);
            if ops > CHANGE_OPS_MAX {
                return Err(ShapeError::TooManyOps);
            }
        }
        Ok(ops)
    }

    /// Counter of the last operation; one below `start_op` when there is none.
    pub(crate) fn max_op(&self) -> Result<u64, ShapeError> {
        Ok(self.start_op + self.ops()? - 1)
    }

    fn preds(&self) -> Result<u64, ShapeError> {
        let mut preds = 0u64;
        for run in runs(self.column(PREDS_COLUMN)) {
            let (count, each) = run?;
            preds = preds.saturating_add(count.saturating_mul(each));
        }
        Ok(preds)
    }

    /// The whole chunk and its hash.
    pub(crate) fn write(&self) -> (Vec<u8>, ChangeHash) {
        let mut data = Vec::new();
        put_u64(&mut data, self.deps.len() as u64);
        for dep in &self.deps {
            data.extend_from_slice(&dep.0);
        }
        put_actor(&mut data, &self.actor);
        put_u64(&mut data, self.seq);
        put_u64(&mut data, self.start_op);
        put_i64(&mut data, self.time);
        put_u64(&mut data, 0);
        put_u64(&mut data, self.others.len() as u64);
        for other in &self.others {
            put_actor(&mut data, other);
        }
        put_u64(&mut data, self.columns.len() as u64);
        for (spec, column) in &self.columns {
            put_u64(&mut data, u64::from(*spec));
            put_u64(&mut data, column.len() as u64);
        }
        for (_, column) in &self.columns {
            data.extend_from_slice(column);
        }
        let hash = hash(&data);
        let mut raw = Vec::with_capacity(data.len() + 14);
        raw.extend_from_slice(&MAGIC);
        raw.extend_from_slice(&hash.0[..4]);
        raw.push(CHANGE);
        put_u64(&mut raw, data.len() as u64);
        raw.extend_from_slice(&data);
        (raw, hash)
    }
}

fn hash(data: &[u8]) -> ChangeHash {
    let mut head = vec![CHANGE];
    put_u64(&mut head, data.len() as u64);
    ChangeHash(
        Sha256::new()
            .chain_update(head)
            .chain_update(data)
            .finalize()
            .into(),
    )
}

fn read_actor(cursor: &mut Cursor<'_>) -> Result<Actor, ShapeError> {
    if cursor.len()? != ACTOR_LEN {
        return Err(ShapeError::Actor);
    }
    Ok(Actor::from_bytes(cursor.array()?))
}

fn put_actor(out: &mut Vec<u8>, actor: &Actor) {
    put_u64(out, ACTOR_LEN as u64);
    out.extend_from_slice(actor.as_bytes());
}

fn read_columns<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<(u32, &'a [u8])>, ShapeError> {
    let count = cursor.len()?;
    let mut directory: Vec<(u32, usize)> = Vec::new();
    for _ in 0..count {
        let spec = u32::try_from(cursor.u64()?).map_err(|_| ShapeError::Malformed)?;
        let len = cursor.len()?;
        let in_order = directory.last().is_none_or(|(before, _)| *before < spec);
        if !in_order || len == 0 || COLUMNS.binary_search(&spec).is_err() {
            return Err(ShapeError::Column(spec));
        }
        directory.push((spec, len));
    }
    directory
        .into_iter()
        .map(|(spec, len)| Ok((spec, cursor.take(len)?)))
        .collect()
}

fn strictly_ascending<T: Ord>(items: &[T]) -> bool {
    items.windows(2).all(|pair| pair[0] < pair[1])
}

/// The runs of a run-length column of numbers as (count, value), nothing expanded.
fn runs(column: &[u8]) -> Runs<'_> {
    Runs {
        cursor: Cursor::new(column),
        literals: 0,
    }
}

struct Runs<'a> {
    cursor: Cursor<'a>,
    literals: u64,
}

impl Iterator for Runs<'_> {
    type Item = Result<(u64, u64), ShapeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.literals == 0 && self.cursor.is_empty() {
            return None;
        }
        let run = self.read();
        if run.is_err() {
            *self = runs(&[]);
        }
        Some(run)
    }
}

impl Runs<'_> {
    fn read(&mut self) -> Result<(u64, u64), ShapeError> {
        if self.literals == 0 {
            let head = self.cursor.i64()?;
            if head > 0 {
                return Ok((head as u64, self.cursor.u64()?));
            }
            // Zero would start a run of nulls, which neither column can hold.
            if head == 0 {
                return Err(ShapeError::Malformed);
            }
            self.literals = head.unsigned_abs();
        }
        self.literals -= 1;
        Ok((1, self.cursor.u64()?))
    }
}
