//! Which places of a document a change touched, so that events can be made without reading the document again.

use std::collections::BTreeMap;

use automerge::{Automerge, ObjType, Patch, PatchAction, Prop, ReadDoc};

use crate::image::{Place, Spot, object_of, place_of};

/// What happened at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TouchKind {
    /// A value was set; `conflict` when concurrent values stand beside it, as far as an edit made here can tell.
    Put {
        /// Whether there is more than one value now; of changes that came it is not asked.
        conflict: bool,
    },
    /// A map entry was removed.
    Deleted,
    /// Elements were put into the list at `path`.
    Inserted {
        /// First index.
        index: usize,
        /// How many.
        count: usize,
    },
    /// Elements were taken out of the list at `path`.
    Removed {
        /// First index.
        index: usize,
        /// How many.
        count: usize,
    },
    /// The text at `path` reads differently; of changes that came, also a list.
    Text,
    /// A counter changed.
    Incremented,
    /// The value stayed, but a concurrent one now stands beside it.
    Conflicted,
}

/// One touched place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touched {
    /// Keys and indexes from the root to the touched entry (maps), list or text.
    pub path: Vec<Prop>,
    /// What happened there.
    pub kind: TouchKind,
}

impl Touched {
    /// The keys of the path as far as it goes through maps.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.path.iter().map_while(|prop| match prop {
            Prop::Map(key) => Some(key.as_str()),
            Prop::Seq(_) => None,
        })
    }
}

/// What changes that came wrote to, by their operations: they say what was written also where nothing is to be seen of it.
/// Where in a list or text it was is not told.
pub(crate) fn touched_by(crdt: &Automerge, written: &BTreeMap<Spot, bool>) -> Vec<Touched> {
    let mut paths = Paths::new();
    let mut all = Vec::with_capacity(written.len());
    for (spot, deleted) in written {
        let (place, key) = match spot {
            Spot::Key(place, key) => (place, Some(key)),
            Spot::Sequence(place) => (place, None),
        };
        let Some(path) = path_of(crdt, *place, &mut paths) else {
            continue;
        };
        all.push(Touched {
            path: path
                .iter()
                .cloned()
                .chain(key.map(|key| Prop::Map(key.clone())))
                .collect(),
            kind: match key {
                None => TouchKind::Text,
                Some(_) if *deleted => TouchKind::Deleted,
                Some(_) => TouchKind::Put { conflict: false },
            },
        });
    }
    all
}

/// Paths of objects that were asked for; finding one takes as long as an object is deep.
type Paths = BTreeMap<Place, Option<Vec<Prop>>>;

fn path_of<'a>(crdt: &Automerge, place: Place, paths: &'a mut Paths) -> Option<&'a Vec<Prop>> {
    // Up to what is known, then down again: no deeper on the stack than on the way.
    let mut below: Vec<(Place, Prop)> = Vec::new();
    let mut at = place;
    while !paths.contains_key(&at) {
        let above = crdt.parents(object_of(&at)).ok().and_then(|mut all| all.next());
        match above.and_then(|parent| Some((place_of(&parent.obj)?, parent.prop))) {
            Some((parent, prop)) => below.push((std::mem::replace(&mut at, parent), prop)),
            None => {
                paths.insert(at, at.is_none().then(Vec::new));
            }
        }
    }
    while let Some((place, prop)) = below.pop() {
        let path = paths.get(&at).and_then(Clone::clone).map(|mut path| {
            path.push(prop);
            path
        });
        paths.insert(place, path);
        at = place;
    }
    paths.get(&place)?.as_ref()
}

/// Patches in their order; a text that was spliced many times is listed once.
pub(crate) fn touched(crdt: &Automerge, patches: &[Patch]) -> Vec<Touched> {
    let mut all: Vec<Touched> = Vec::new();
    for patch in patches {
        let mut path: Vec<Prop> = patch.path.iter().map(|(_, prop)| prop.clone()).collect();
        let kind = match &patch.action {
            PatchAction::PutMap { key, conflict, .. } => {
                path.push(Prop::Map(key.clone()));
                TouchKind::Put { conflict: *conflict }
            }
            PatchAction::PutSeq { index, conflict, .. } => {
                path.push(Prop::Seq(*index));
                TouchKind::Put { conflict: *conflict }
            }
            PatchAction::DeleteMap { key } => {
                path.push(Prop::Map(key.clone()));
                TouchKind::Deleted
            }
            PatchAction::Increment { prop, .. } => {
                path.push(prop.clone());
                TouchKind::Incremented
            }
            PatchAction::Conflict { prop } => {
                path.push(prop.clone());
                TouchKind::Conflicted
            }
            PatchAction::Insert { index, values } => TouchKind::Inserted {
                index: *index,
                count: values.len(),
            },
            PatchAction::DeleteSeq { .. } if crdt.object_type(&patch.obj) == Ok(ObjType::Text) => {
                TouchKind::Text
            }
            PatchAction::DeleteSeq { index, length } => TouchKind::Removed {
                index: *index,
                count: *length,
            },
            PatchAction::SpliceText { .. } | PatchAction::Mark { .. } => TouchKind::Text,
        };
        let touched = Touched { path, kind };
        if all.last() != Some(&touched) {
            all.push(touched);
        }
    }
    all
}
