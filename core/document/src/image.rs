//! What a document says now, without its history: all that [`Reads`] asks about, and nothing else.
//!
//! Loading a document means making every change of it anew, because the hashes are not stored: 20 ms for a full meeting.
//! An image of it loads in a fiftieth of that. It is derived data: whoever keeps one keeps beside it what it was made of,
//! and makes it anew from the document when that differs (decision 0183).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use automerge::{Automerge, Change, ChangeHash, ObjId, ObjType, ROOT, ReadDoc};
use sotay_feed::DeviceId;
use sotay_feed::cbor::{CborError, Reader, Writer};

use crate::actor::{ACTOR_LEN, Actor};
use crate::clocks::{Clocks, Differences};
use crate::limits::IMAGE_BYTES_MAX;
use crate::ops::{At, ops};
use crate::reads::{Held, Reads};

/// First number of an encoded image.
const IMAGE_VERSION: u64 = 1;

/// A document as it reads at its heads.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    heads: Vec<ChangeHash>,
    clocks: Differences,
    objects: BTreeMap<Place, Node>,
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Image({} heads, {} objects)",
            self.heads.len(),
            self.objects.len()
        )
    }
}

/// An object by the operation that made it; `None` is the root.
pub(crate) type Place = Option<Op>;
/// An operation: counter and actor.
type Op = (u64, Actor);

#[derive(Clone, PartialEq, Eq)]
enum Node {
    Map(BTreeMap<String, Vec<Entry>>),
    Text(String),
}

/// One of the values at a key; the last is the one to show.
#[derive(Clone, PartialEq, Eq)]
struct Entry {
    value: Entered,
    op: Op,
}

#[derive(Clone, PartialEq, Eq)]
enum Entered {
    Bytes(Vec<u8>),
    Object,
    Other,
}

/// A place that a change wrote to: what has to be read again after it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Spot {
    /// A key of a map.
    Key(Place, String),
    /// Anything in a sequence.
    Sequence(Place),
}

/// A place, and whether what stood at its key was taken away.
pub(crate) type Written = (Spot, bool);

/// The places that the operations of a change name. What an operation changes is at its own place: there it adds a value,
/// and takes away those it replaces.
pub(crate) fn spots(change: &Change) -> BTreeSet<Spot> {
    let ops = ops(change).into_iter().flat_map(|read| read.ops);
    ops.map(|op| match op.at {
        At::Key(key) => Spot::Key(op.object, key),
        At::Head | At::Element(_) => Spot::Sequence(op.object),
    })
    .collect()
}

pub(crate) fn place_of(object: &ObjId) -> Option<Place> {
    match object {
        ObjId::Root => Some(None),
        ObjId::Id(counter, actor, _) => Some(Some((*counter, Actor::from_automerge(actor)?))),
    }
}

pub(crate) fn object_of(place: &Place) -> ObjId {
    match place {
        None => ROOT,
        Some((counter, actor)) => ObjId::Id(*counter, actor.to_automerge(), 0),
    }
}

/// The object behind the value to show.
fn shown(entries: &[Entry]) -> Option<Op> {
    let last = entries.last()?;
    (last.value == Entered::Object).then_some(last.op)
}

fn entries(crdt: &Automerge, map: &ObjId, key: &str) -> Vec<Entry> {
    let entry = |(held, op): (Held<'_>, ObjId)| {
        Some(Entry {
            value: match held {
                Held::Bytes(bytes) => Entered::Bytes(bytes.into_owned()),
                Held::Object => Entered::Object,
                Held::Other => Entered::Other,
            },
            op: place_of(&op)??,
        })
    };
    crdt.held(map, key).into_iter().filter_map(entry).collect()
}

impl Image {
    /// Reads a whole document.
    pub(crate) fn of(crdt: &Automerge, clocks: &Clocks) -> Self {
        let mut image = Self {
            heads: crdt.get_heads(),
            clocks: clocks.differences().clone(),
            objects: BTreeMap::new(),
        };
        image.take_in(crdt, None);
        image
    }

    /// Hashes of the changes that nothing builds on, sorted.
    pub fn heads(&self) -> &[ChangeHash] {
        &self.heads
    }

    /// How far the clocks of those who wrote it differ.
    pub fn clocks(&self) -> &Differences {
        &self.clocks
    }

    /// Reads again what stands at `spots`. Afterwards the image is the one [`Image::of`] would make, if `spots` has every
    /// place that was written to since.
    pub(crate) fn refresh(&mut self, crdt: &Automerge, clocks: &Clocks, spots: BTreeSet<Spot>) {
        self.heads = crdt.get_heads();
        self.clocks.clone_from(clocks.differences());
        let mut fresh = BTreeSet::new();
        for spot in spots {
            match spot {
                Spot::Key(place, key) if !fresh.contains(&place) => {
                    self.read_key(crdt, place, key, &mut fresh);
                }
                Spot::Sequence(place) if !fresh.contains(&place) => {
                    if let Some(Node::Text(text)) = self.objects.get_mut(&place) {
                        *text = crdt.text_of(&object_of(&place)).unwrap_or_default();
                    }
                }
                Spot::Key(..) | Spot::Sequence(_) => {}
            }
        }
    }

    fn read_key(&mut self, crdt: &Automerge, place: Place, key: String, fresh: &mut BTreeSet<Place>) {
        // What is not in the image is not to be seen; should it be some day, it is read whole.
        let Some(Node::Map(map)) = self.objects.get_mut(&place) else {
            return;
        };
        let now = entries(crdt, &object_of(&place), &key);
        let after = shown(&now);
        let before = if now.is_empty() {
            map.remove(&key)
        } else {
            map.insert(key, now)
        };
        let before = before.and_then(|entries| shown(&entries));
        if before == after {
            return;
        }
        before.into_iter().for_each(|hidden| self.forget(hidden));
        if let Some(object) = after {
            fresh.extend(self.take_in(crdt, Some(object)));
        }
    }

    /// Drops an object with everything in it.
    fn forget(&mut self, object: Op) {
        let mut rest = vec![object];
        while let Some(object) = rest.pop() {
            if let Some(Node::Map(map)) = self.objects.remove(&Some(object)) {
                rest.extend(map.values().filter_map(|entries| shown(entries)));
            }
        }
    }

    /// Reads an object with everything in it; returns the places that were read.
    fn take_in(&mut self, crdt: &Automerge, place: Place) -> Vec<Place> {
        let (mut rest, mut read) = (vec![place], Vec::new());
        while let Some(place) = rest.pop() {
            let object = object_of(&place);
            let node = match crdt.object_type(&object) {
                Ok(ObjType::Map) => {
                    let keys = crdt.keys_of(&object).into_iter();
                    let map: BTreeMap<String, Vec<Entry>> = keys
                        .map(|key| {
                            let entries = entries(crdt, &object, &key);
                            (key, entries)
                        })
                        .collect();
                    rest.extend(map.values().filter_map(|entries| shown(entries)).map(Some));
                    Node::Map(map)
                }
                Ok(ObjType::Text) => Node::Text(crdt.text_of(&object).unwrap_or_default()),
                _ => continue,
            };
            self.objects.insert(place, node);
            read.push(place);
        }
        read
    }

    fn map(&self, map: &ObjId) -> Option<&BTreeMap<String, Vec<Entry>>> {
        match self.objects.get(&place_of(map)?)? {
            Node::Map(map) => Some(map),
            Node::Text(_) => None,
        }
    }
}

impl Reads for Image {
    fn held(&self, map: &ObjId, key: &str) -> Vec<(Held<'_>, ObjId)> {
        let found = self.map(map).and_then(|map| map.get(key));
        let one = |entry: &'_ Entry| object_of(&Some(entry.op));
        found
            .into_iter()
            .flatten()
            .map(|entry| {
                let held = match &entry.value {
                    Entered::Bytes(bytes) => Held::Bytes(Cow::Borrowed(bytes)),
                    Entered::Object => Held::Object,
                    Entered::Other => Held::Other,
                };
                (held, one(entry))
            })
            .collect()
    }

    fn object(&self, map: &ObjId, key: &str) -> Option<ObjId> {
        let object = shown(self.map(map)?.get(key)?)?;
        Some(object_of(&Some(object)))
    }

    fn keys_of(&self, map: &ObjId) -> Vec<String> {
        let keys = self.map(map).map(|map| map.keys().cloned().collect());
        keys.unwrap_or_default()
    }

    fn text_of(&self, text: &ObjId) -> Option<String> {
        match self.objects.get(&place_of(text)?)? {
            Node::Text(text) => Some(text.clone()),
            Node::Map(_) => None,
        }
    }
}

/// Kinds of nodes and of values, as they are encoded.
const MAP: u64 = 0;
const TEXT: u64 = 1;
const BYTES: u64 = 2;
const OBJECT: u64 = 3;
const OTHER: u64 = 4;

/// What an encoded image names actors by.
#[derive(Default)]
struct Actors {
    numbers: BTreeMap<Actor, u64>,
    table: Vec<Actor>,
}

impl Actors {
    fn number(&mut self, actor: Actor) -> u64 {
        *self.numbers.entry(actor).or_insert_with(|| {
            self.table.push(actor);
            self.table.len() as u64 - 1
        })
    }
}

impl Image {
    /// Bytes to keep. `None` when they would be more than [`IMAGE_BYTES_MAX`]: then the document itself has to be loaded.
    ///
    /// ```text
    /// image  = [version, [head …], [device behind, device ahead, minutes, …], [actor …], [object …]]
    /// object = [counter, actor, 0, key, [value …], …] or [counter, actor, 1, text]; counter 0 is the root
    /// value  = counter, actor, 2 (bytes) | 3 (object) | 4 (other), bytes
    /// ```
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut actors = Actors::default();
        let mut body = Writer::new();
        body.array(self.objects.len());
        for (place, node) in &self.objects {
            let (counter, actor) = place.map_or((0, 0), |(counter, actor)| (counter, actors.number(actor)));
            match node {
                Node::Text(text) => {
                    body.array(4).uint(counter).uint(actor).uint(TEXT).text(text);
                }
                Node::Map(map) => {
                    body.array(3 + 2 * map.len()).uint(counter).uint(actor).uint(MAP);
                    for (key, entries) in map {
                        body.text(key).array(4 * entries.len());
                        for Entry { value, op } in entries {
                            body.uint(op.0).uint(actors.number(op.1));
                            match value {
                                Entered::Bytes(bytes) => body.uint(BYTES).bytes(bytes),
                                Entered::Object => body.uint(OBJECT).bytes(&[]),
                                Entered::Other => body.uint(OTHER).bytes(&[]),
                            };
                        }
                    }
                }
            }
        }
        let mut writer = Writer::new();
        writer.array(5).uint(IMAGE_VERSION).array(self.heads.len());
        for head in &self.heads {
            writer.bytes(&head.0);
        }
        writer.array(3 * self.clocks.len());
        for ((behind, ahead), minutes) in &self.clocks {
            writer
                .bytes(behind.as_bytes())
                .bytes(ahead.as_bytes())
                .int(*minutes);
        }
        writer.array(actors.table.len());
        for actor in &actors.table {
            writer.bytes(actor.as_bytes());
        }
        let mut bytes = writer.into_bytes();
        bytes.extend(body.into_bytes());
        (bytes.len() <= IMAGE_BYTES_MAX).then_some(bytes)
    }

    /// Reads what [`Image::encode`] wrote; `None` for anything else, e.g. what another version wrote.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > IMAGE_BYTES_MAX {
            return None;
        }
        Self::read(&mut Reader::new(bytes)).ok().flatten()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, CborError> {
        reader.array(5)?;
        if reader.uint()? != IMAGE_VERSION {
            return Ok(None);
        }
        let heads = reader.array_up_to(IMAGE_BYTES_MAX)?;
        let heads = (0..heads)
            .map(|_| reader.fixed().map(ChangeHash))
            .collect::<Result<Vec<_>, _>>()?;
        let items = reader.array_up_to(IMAGE_BYTES_MAX)?;
        if items % 3 != 0 {
            return Ok(None);
        }
        let mut clocks = Differences::new();
        for _ in 0..items / 3 {
            let pair = (
                reader.fixed().map(DeviceId::from_bytes)?,
                reader.fixed().map(DeviceId::from_bytes)?,
            );
            clocks.insert(pair, reader.int()?);
        }
        let actors = reader.array_up_to(IMAGE_BYTES_MAX)?;
        let actors = (0..actors)
            .map(|_| reader.fixed::<ACTOR_LEN>().map(Actor::from_bytes))
            .collect::<Result<Vec<_>, _>>()?;
        let mut objects = BTreeMap::new();
        for _ in 0..reader.array_up_to(IMAGE_BYTES_MAX)? {
            let items = reader.array_up_to(IMAGE_BYTES_MAX)?;
            let (counter, actor) = (reader.uint()?, reader.uint()?);
            let place = if counter == 0 {
                None
            } else {
                let Some(op) = op(&actors, counter, actor) else {
                    return Ok(None);
                };
                Some(op)
            };
            let node = match (reader.uint()?, items) {
                (TEXT, 4) => Node::Text(reader.text(IMAGE_BYTES_MAX)?.to_owned()),
                (MAP, 3..) if items % 2 == 1 => {
                    let mut map = BTreeMap::new();
                    for _ in 0..(items - 3) / 2 {
                        let key = reader.text(IMAGE_BYTES_MAX)?.to_owned();
                        let Some(entries) = read_entries(reader, &actors)? else {
                            return Ok(None);
                        };
                        map.insert(key, entries);
                    }
                    Node::Map(map)
                }
                _ => return Ok(None),
            };
            objects.insert(place, node);
        }
        Ok(reader.rest().is_empty().then_some(Self {
            heads,
            clocks,
            objects,
        }))
    }
}

fn op(actors: &[Actor], counter: u64, actor: u64) -> Option<Op> {
    Some((counter, *actors.get(usize::try_from(actor).ok()?)?))
}

fn read_entries(reader: &mut Reader<'_>, actors: &[Actor]) -> Result<Option<Vec<Entry>>, CborError> {
    let items = reader.array_up_to(IMAGE_BYTES_MAX)?;
    if items % 4 != 0 {
        return Ok(None);
    }
    let mut entries = Vec::new();
    for _ in 0..items / 4 {
        let Some(op) = op(actors, reader.uint()?, reader.uint()?) else {
            return Ok(None);
        };
        let value = match (reader.uint()?, reader.bytes(IMAGE_BYTES_MAX)?) {
            (BYTES, bytes) => Entered::Bytes(bytes.to_vec()),
            (OBJECT, []) => Entered::Object,
            (OTHER, []) => Entered::Other,
            _ => return Ok(None),
        };
        entries.push(Entry { value, op });
    }
    Ok(Some(entries))
}

#[cfg(test)]
mod tests;
