//! The body of a run: all changes side by side, column by column (P11.6).
//!
//! ```text
//! table   = count ‖ actors (16 bytes each), in the order they are first referred to
//! links   = per change: explicit dependencies × 2 + (1 if it depends on the previous change of the run)
//! seq     = of the first change; the others follow it
//! counter = per change: start op − (last op of the previous change + 1), signed; the first from 0
//! time    = per change: seconds − seconds of the previous change, signed; the first from 0
//! others  = per change: count ‖ indexes into the table
//! mask    = per change: one bit per known column that it has
//! lengths = per known column, per change that has it
//! hashes  = explicit dependencies (32 bytes each), change after change
//! data    = per known column, per change that has it
//! ```
//!
//! Numbers are LEB128. Like stands next to like, so that zstd finds it: typed text comes out as one piece.

use std::collections::BTreeMap;

use automerge::ChangeHash;
use sotay_feed::limits::RUN_CHANGES_MAX;

use super::RunError;
use crate::actor::{ACTOR_LEN, Actor};
use crate::chunk::{COLUMNS, Parts, ShapeError};
use crate::leb::{Cursor, Malformed, put_i64, put_u64};
use crate::limits::{CHANGE_ACTORS_MAX, CHANGE_BYTES_MAX, CHANGE_DEPS_MAX, RUN_REBUILT_BYTES_MAX};

pub(super) struct Flat {
    pub(super) bytes: Vec<u8>,
    /// Hashes of the changes that the next one does not depend on; the last one always is.
    pub(super) tails: Vec<ChangeHash>,
}

pub(super) struct Rebuilt {
    pub(super) changes: Vec<Vec<u8>>,
    pub(super) tails: Vec<ChangeHash>,
}

impl From<Malformed> for RunError {
    fn from(Malformed: Malformed) -> Self {
        Self::Body
    }
}

/// Lays out successive changes of one actor.
pub(super) fn flatten(parts: &[(Parts<'_>, ChangeHash)]) -> Flat {
    let mut tails = Vec::new();
    let mut table = BTreeMap::new();
    let mut actors = Vec::new();
    let (mut links, mut counters, mut times, mut others, mut masks) =
        (vec![], vec![], vec![], vec![], vec![]);
    let mut hashes = Vec::new();
    let (mut next_op, mut last_time) = (0i64, 0i64);
    let mut previous: Option<ChangeHash> = None;
    for (part, hash) in parts {
        let chained = previous.is_some_and(|previous| part.deps.binary_search(&previous).is_ok());
        tails.extend(previous.filter(|_| !chained));
        let explicit = part.deps.len() - usize::from(chained);
        put_u64(&mut links, explicit as u64 * 2 + u64::from(chained));
        for dep in part.deps.iter().filter(|dep| !chained || Some(**dep) != previous) {
            hashes.extend_from_slice(&dep.0);
        }
        put_i64(&mut counters, part.start_op as i64 - next_op);
        next_op = part.max_op().map_or(0, |max| max as i64 + 1);
        put_i64(&mut times, part.time - last_time);
        last_time = part.time;
        put_u64(&mut others, part.others.len() as u64);
        for other in &part.others {
            let next = table.len() as u64;
            let index = *table.entry(*other).or_insert_with(|| {
                actors.extend_from_slice(other.as_bytes());
                next
            });
            put_u64(&mut others, index);
        }
        put_u64(&mut masks, mask(part));
        previous = Some(*hash);
    }
    tails.extend(previous);

    let mut bytes = Vec::new();
    put_u64(&mut bytes, table.len() as u64);
    bytes.extend(actors);
    bytes.extend(links);
    put_u64(&mut bytes, parts.first().map_or(0, |(first, _)| first.seq));
    bytes.extend(counters);
    bytes.extend(times);
    bytes.extend(others);
    bytes.extend(masks);
    for spec in COLUMNS {
        for (_, column) in parts
            .iter()
            .flat_map(|(part, _)| &part.columns)
            .filter(|(s, _)| *s == spec)
        {
            put_u64(&mut bytes, column.len() as u64);
        }
    }
    bytes.extend(hashes);
    for spec in COLUMNS {
        for (_, column) in parts
            .iter()
            .flat_map(|(part, _)| &part.columns)
            .filter(|(s, _)| *s == spec)
        {
            bytes.extend_from_slice(column);
        }
    }
    Flat { bytes, tails }
}

fn mask(part: &Parts<'_>) -> u64 {
    COLUMNS
        .iter()
        .enumerate()
        .filter(|(_, spec)| part.columns.iter().any(|(found, _)| found == *spec))
        .fold(0, |mask, (bit, _)| mask | 1 << bit)
}

/// What is known of one change before its bytes are put together.
#[derive(Default)]
struct Sketch {
    explicit: usize,
    chained: bool,
    counter: i64,
    time: i64,
    others: Vec<Actor>,
    mask: u64,
    lengths: [usize; COLUMNS.len()],
}

/// Puts the changes together again. `count` is at most [`RUN_CHANGES_MAX`].
pub(super) fn rebuild(body: &[u8], actor: Actor, count: usize) -> Result<Rebuilt, RunError> {
    debug_assert!(count <= RUN_CHANGES_MAX);
    let mut cursor = Cursor::new(body);
    let (sketches, first_seq) = read_sketches(&mut cursor, count)?;
    let mut deps: Vec<Vec<ChangeHash>> = Vec::with_capacity(count);
    for sketch in &sketches {
        deps.push(
            (0..sketch.explicit)
                .map(|_| Ok(ChangeHash(cursor.array()?)))
                .collect::<Result<_, Malformed>>()?,
        );
    }
    let mut columns: Vec<Vec<(u32, &[u8])>> = vec![Vec::new(); count];
    for (bit, spec) in COLUMNS.into_iter().enumerate() {
        for (sketch, columns) in sketches.iter().zip(&mut columns) {
            if sketch.mask & 1 << bit != 0 {
                columns.push((spec, cursor.take(sketch.lengths[bit])?));
            }
        }
    }
    if !cursor.is_empty() {
        return Err(RunError::Body);
    }
    assemble(sketches, deps, columns, actor, first_seq)
}

fn read_sketches(cursor: &mut Cursor<'_>, count: usize) -> Result<(Vec<Sketch>, u64), RunError> {
    let table = cursor.len()?;
    let table = (0..table)
        .map(|_| Ok(Actor::from_bytes(cursor.array::<ACTOR_LEN>()?)))
        .collect::<Result<Vec<_>, Malformed>>()?;
    let mut sketches = Vec::new();
    for index in 0..count {
        let link = cursor.len()?;
        let sketch = Sketch {
            explicit: link / 2,
            chained: link % 2 == 1,
            ..Sketch::default()
        };
        if sketch.explicit > CHANGE_DEPS_MAX || (sketch.chained && index == 0) {
            return Err(RunError::Body);
        }
        sketches.push(sketch);
    }
    let first_seq = cursor.u64()?;
    for sketch in &mut sketches {
        sketch.counter = cursor.i64()?;
    }
    for sketch in &mut sketches {
        sketch.time = cursor.i64()?;
    }
    for sketch in &mut sketches {
        let others = cursor.len()?;
        if others > CHANGE_ACTORS_MAX {
            return Err(RunError::Body);
        }
        for _ in 0..others {
            let index = usize::try_from(cursor.u64()?).map_err(|_| RunError::Body)?;
            sketch.others.push(*table.get(index).ok_or(RunError::Body)?);
        }
    }
    for sketch in &mut sketches {
        sketch.mask = cursor.u64()?;
        if sketch.mask >> COLUMNS.len() != 0 {
            return Err(RunError::Body);
        }
    }
    for bit in 0..COLUMNS.len() {
        for sketch in sketches.iter_mut().filter(|sketch| sketch.mask & 1 << bit != 0) {
            sketch.lengths[bit] = cursor.len()?;
            if sketch.lengths[bit] == 0 {
                return Err(RunError::Body);
            }
        }
    }
    Ok((sketches, first_seq))
}

fn assemble(
    sketches: Vec<Sketch>,
    deps: Vec<Vec<ChangeHash>>,
    columns: Vec<Vec<(u32, &[u8])>>,
    actor: Actor,
    first_seq: u64,
) -> Result<Rebuilt, RunError> {
    let mut rebuilt = Rebuilt {
        changes: Vec::new(),
        tails: Vec::new(),
    };
    let (mut next_op, mut time, mut total) = (0i64, 0i64, 0usize);
    let mut previous: Option<ChangeHash> = None;
    for (index, ((sketch, mut deps), columns)) in sketches.into_iter().zip(deps).zip(columns).enumerate() {
        if sketch.chained {
            deps.extend(previous);
            deps.sort_unstable();
        } else {
            rebuilt.tails.extend(previous);
        }
        let start_op = next_op.checked_add(sketch.counter).ok_or(RunError::Body)?;
        time = time.checked_add(sketch.time).ok_or(RunError::Body)?;
        let part = Parts {
            deps,
            actor,
            seq: first_seq.checked_add(index as u64).ok_or(RunError::Body)?,
            start_op: u64::try_from(start_op).map_err(|_| RunError::Body)?,
            time,
            others: sketch.others,
            columns,
        };
        let shape = |error| RunError::Change { index, error };
        part.check().map_err(shape)?;
        next_op = part.max_op().map_err(shape)? as i64 + 1;
        let (raw, hash) = part.write();
        if raw.len() > CHANGE_BYTES_MAX {
            return Err(shape(ShapeError::TooLarge(raw.len())));
        }
        total += raw.len();
        if total > RUN_REBUILT_BYTES_MAX {
            return Err(RunError::TooLarge);
        }
        rebuilt.changes.push(raw);
        previous = Some(hash);
    }
    rebuilt.tails.extend(previous);
    Ok(rebuilt)
}
