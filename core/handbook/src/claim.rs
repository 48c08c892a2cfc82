//! Claims: what devices say, kept side by side; and choices, the changes by which somebody settles a contradiction.
//!
//! A choice names its review item, the option taken, and every claim its maker saw. It closes the item on every replica
//! that holds it, until a claim appears which it does not name: then the item opens again (decision 0031).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use data_encoding::HEXLOWER;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use sotay_document::Reads;
use sotay_document::crdt::ObjId;
use sotay_feed::{DeviceId, InOrder, MemberId};

use crate::cell::{Cell, Found, cell_struct, cells, encoded};
use crate::ids::{EntryId, parse_id, ser};
use crate::limits::CLAIMS_MAX;

/// Names one claim: the first 8 bytes of SHA-256 over where it stands and what it says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag([u8; 8]);

impl Tag {
    /// The claim that `place` (a key, with the device where one device owns it) has the content `value`.
    pub(crate) fn of(place: &str, value: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update((place.len() as u64).to_le_bytes());
        hasher.update(place.as_bytes());
        hasher.update(value);
        let mut tag = [0; 8];
        tag.copy_from_slice(&hasher.finalize()[..8]);
        Self(tag)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({self})")
    }
}

impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Cell for Tag {
    fn write(&self, writer: &mut sotay_feed::cbor::Writer) {
        writer.bytes(&self.0);
    }

    fn read(reader: &mut sotay_feed::cbor::Reader<'_>) -> Result<Self, sotay_feed::cbor::CborError> {
        reader.fixed().map(Self)
    }
}

/// Which device recorded something, and what its clock showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Mark {
    /// The device.
    #[serde(serialize_with = "ser::id")]
    pub device: DeviceId,
    /// Milliseconds since 1970 UTC, as that device had it. Shown, never deciding.
    pub at_ms: i64,
}

/// One value that somebody holds to be right, and all who say so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim<T> {
    /// The value.
    pub value: T,
    /// Its name in choices.
    pub tag: Tag,
    /// Who recorded it.
    pub marks: Vec<Mark>,
}

/// How a contradiction stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Contest {
    /// There is none.
    #[default]
    None,
    /// There is one, and an item of the review list asks about it.
    Open,
    /// Somebody chose.
    Settled(Settled),
}

impl Contest {
    /// Does it wait for a choice?
    pub fn is_open(&self) -> bool {
        matches!(self, Contest::Open)
    }

    /// The option somebody chose.
    pub fn pick(&self) -> Option<&str> {
        match self {
            Contest::Settled(settled) => Some(&settled.pick),
            _ => None,
        }
    }
}

/// A choice that closed a contradiction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settled {
    /// The option taken.
    pub pick: String,
    /// Who chose, and when.
    pub by: Mark,
}

/// A register of which all concurrent values are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field<T> {
    /// The value to show.
    pub value: Option<T>,
    /// Every value somebody holds to be right; more than one means that they contradict each other.
    pub claims: Vec<Claim<T>>,
    /// Whether that was settled.
    pub contest: Contest,
}

impl<T> Default for Field<T> {
    fn default() -> Self {
        Self {
            value: None,
            claims: Vec::new(),
            contest: Contest::None,
        }
    }
}

/// Groups equal values; sorted by encoded value, so that every replica, and every replay of the same meeting with other
/// keys, shows the same first one.
pub(crate) fn claims<T: Cell>(place: &str, found: Vec<Found<T>>) -> Vec<Claim<T>> {
    let mut groups: BTreeMap<Vec<u8>, Claim<T>> = BTreeMap::new();
    for Found { value, device, at_ms } in found {
        let bytes = encoded(&value);
        let tag = Tag::of(place, &bytes);
        let claim = groups.entry(bytes).or_insert(Claim {
            value,
            tag,
            marks: Vec::new(),
        });
        claim.marks.push(Mark { device, at_ms });
        claim.marks.in_order();
    }
    groups.into_values().collect()
}

/// Reads a register. `item` is the id of the review item that asks about its concurrent values.
pub(crate) fn field<T: Cell + Clone, R: Reads>(
    doc: &R,
    map: &ObjId,
    key: &str,
    item: &str,
    choices: &Choices,
) -> Field<T> {
    let claims = claims::<T>(item, cells(doc, map, key));
    let tags: Vec<Tag> = claims.iter().map(|claim| claim.tag).collect();
    let contest = choices.among(item, &tags);
    let picked = claims
        .iter()
        .find(|claim| contest.pick() == Some(&claim.tag.to_string()))
        .or(claims.first());
    Field {
        value: picked.map(|claim| claim.value.clone()),
        contest,
        claims,
    }
}

/// What is known of the devices of a unit: whose they are, and whether their holder may settle contradictions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Devices(BTreeMap<DeviceId, Holder>);

/// The holder of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Who it is; `None` for a device of another unit.
    pub member: Option<MemberId>,
    /// Rank 3 or better, or of the committee.
    pub officer: bool,
}

impl Devices {
    /// Nobody known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a device known.
    pub fn insert(&mut self, device: DeviceId, holder: Holder) {
        self.0.insert(device, holder);
    }

    /// Whose device it is.
    pub fn member(&self, device: DeviceId) -> Option<MemberId> {
        self.0.get(&device)?.member
    }

    /// May its holder settle contradictions? An unknown device may not.
    pub fn is_officer(&self, device: DeviceId) -> bool {
        self.0.get(&device).is_some_and(|holder| holder.officer)
    }
}

/// A choice as it is stored, under its own id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChoiceCell {
    pub item: String,
    pub pick: String,
    pub seen: Vec<Tag>,
    pub over: Vec<EntryId>,
}

cell_struct!(ChoiceCell {
    item,
    pick,
    seen,
    over
});

#[derive(Debug)]
struct Choice {
    id: EntryId,
    pick: String,
    seen: BTreeSet<Tag>,
    over: BTreeSet<EntryId>,
    by: Mark,
}

/// All choices of a document that count, by review item.
#[derive(Debug, Default)]
pub(crate) struct Choices(BTreeMap<String, Vec<Choice>>);

impl Choices {
    /// Reads them; `counts` says whether a device may settle an item.
    pub fn read<R: Reads>(doc: &R, map: &ObjId, counts: impl Fn(DeviceId, &str) -> bool) -> Self {
        let mut choices = Self::default();
        let keys: Vec<String> = doc.keys_of(map);
        for key in keys {
            let Some(id) = parse_id::<EntryId>(&key) else {
                continue;
            };
            for Found { value, device, at_ms } in cells::<ChoiceCell, _>(doc, map, key.as_str()) {
                if counts(device, &value.item) && value.seen.len() <= CLAIMS_MAX {
                    choices.0.entry(value.item).or_default().push(Choice {
                        id,
                        pick: value.pick,
                        seen: value.seen.into_iter().collect(),
                        over: value.over.into_iter().collect(),
                        by: Mark { device, at_ms },
                    });
                }
            }
        }
        choices
    }

    /// Ids of all choices made about an item so far: a new one replaces them.
    pub fn about(&self, item: &str) -> Vec<EntryId> {
        self.0
            .get(item)
            .into_iter()
            .flatten()
            .map(|choice| choice.id)
            .collect()
    }

    /// Two or more claims contradict each other; the options are their tags.
    pub fn among(&self, item: &str, tags: &[Tag]) -> Contest {
        if tags.len() < 2 {
            return Contest::None;
        }
        self.judge(item, |pick| {
            tags.iter()
                .any(|tag| tag.to_string() == pick)
                .then(|| tags.to_vec())
        })
    }

    /// How a contradiction stands. `needed` gives the claims that a choice of this option must have seen, or `None` when
    /// there is no such option (any more). Choices that were replaced do not count; choices that differ settle nothing.
    pub fn judge(&self, item: &str, needed: impl Fn(&str) -> Option<Vec<Tag>>) -> Contest {
        let covering: Vec<&Choice> = self
            .0
            .get(item)
            .into_iter()
            .flatten()
            .filter(|choice| {
                needed(&choice.pick).is_some_and(|tags| tags.iter().all(|tag| choice.seen.contains(tag)))
            })
            .collect();
        let mut last: Vec<&&Choice> = covering
            .iter()
            .filter(|choice| {
                !covering
                    .iter()
                    .any(|other| other.id != choice.id && other.over.contains(&choice.id))
            })
            .collect();
        last.in_order_by_key(|choice| (choice.by, choice.id));
        match last.first() {
            Some(first) if last.iter().all(|choice| choice.pick == first.pick) => Contest::Settled(Settled {
                pick: first.pick.clone(),
                by: first.by,
            }),
            _ => Contest::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::tests::holds;

    fn choice(id: u8, pick: &str, seen: &[Tag], over: &[u8]) -> Choice {
        Choice {
            id: EntryId::from_bytes([id; 16]),
            pick: pick.to_owned(),
            seen: seen.iter().copied().collect(),
            over: over.iter().map(|&id| EntryId::from_bytes([id; 16])).collect(),
            by: Mark {
                device: DeviceId::from_bytes([id; 8]),
                at_ms: 0,
            },
        }
    }

    fn of(choices: Vec<Choice>) -> Choices {
        Choices(BTreeMap::from([("item".to_owned(), choices)]))
    }

    #[test]
    fn a_choice_settles_until_a_claim_appears_that_it_did_not_see() {
        let tags = [Tag([1; 8]), Tag([2; 8])];
        let choices = of(vec![choice(1, &tags[0].to_string(), &tags, &[])]);
        assert_eq!(choices.among("item", &tags).pick(), Some("0101010101010101"));
        assert_eq!(
            choices.among("item", &[tags[0], tags[1], Tag([3; 8])]),
            Contest::Open
        );
        assert_eq!(choices.among("other", &tags), Contest::Open);
        assert_eq!(choices.among("item", &tags[..1]), Contest::None);
    }

    #[test]
    fn two_choices_that_differ_settle_nothing_until_a_third_replaces_both() {
        let tags = [Tag([1; 8]), Tag([2; 8])];
        let both = |third: Option<Choice>| {
            let mut all = vec![
                choice(1, &tags[0].to_string(), &tags, &[]),
                choice(2, &tags[1].to_string(), &tags, &[]),
            ];
            all.extend(third);
            of(all).among("item", &tags)
        };
        assert_eq!(both(None), Contest::Open);
        let third = choice(3, &tags[1].to_string(), &tags, &[1, 2]);
        assert_eq!(both(Some(third)).pick(), Some("0202020202020202"));
    }

    #[test]
    fn a_choice_of_an_option_that_is_not_there_counts_for_nothing() {
        let tags = [Tag([1; 8]), Tag([2; 8])];
        let choices = of(vec![choice(1, "keep", &tags, &[])]);
        assert_eq!(choices.among("item", &tags), Contest::Open);
    }

    #[test]
    fn choices_hold_as_cells() {
        let cell = ChoiceCell {
            item: "deadline/1".to_owned(),
            pick: "0101010101010101".to_owned(),
            seen: vec![Tag([1; 8])],
            over: vec![EntryId::from_bytes([2; 16])],
        };
        holds(
            &cell,
            "821b00000196a06cb140846a646561646c696e652f3170303130313031303130313031303130318148010101010101010181500202\
             0202020202020202020202020202"
                .replace(' ', "")
                .as_str(),
        );
    }
}
