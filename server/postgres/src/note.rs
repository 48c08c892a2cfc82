//! What relay processes tell each other through `NOTIFY`: which spaces and buckets a commit touched.
//!
//! ```text
//! note  = node (16 hexadecimal digits) *( " " item )
//! item  = "s" space ":" after ":" head / "d" space / "f" space / "r" bucket
//! space = 43 characters base64url of the space id
//! ```

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use sotay_feed::SpaceId;
use sotay_store::Bucket;

/// PostgreSQL takes payloads of less than 8,000 bytes.
pub(crate) const NOTE_BYTES_MAX: usize = 7_900;

/// Who wrote: chosen anew with every opening.
pub(crate) type Node = [u8; 8];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    /// A space grew from one arrival number to another.
    Grown { space: SpaceId, after: u64, head: u64 },
    /// What it holds became less: envelopes were dropped, or bodies erased.
    Shrunk(SpaceId),
    /// A fork was proven in it.
    Forked(SpaceId),
    /// Records of a bucket were written.
    Records(Bucket),
}

impl Item {
    fn text(&self) -> String {
        let name = |space: &SpaceId| BASE64URL_NOPAD.encode(space.as_bytes());
        match self {
            Item::Grown { space, after, head } => format!("s{}:{after}:{head}", name(space)),
            Item::Shrunk(space) => format!("d{}", name(space)),
            Item::Forked(space) => format!("f{}", name(space)),
            Item::Records(bucket) => format!("r{}", *bucket as u8),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let space = |text: &str| {
            let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
            Some(SpaceId::from_bytes(bytes.try_into().ok()?))
        };
        let (kind, rest) = text.split_at_checked(1)?;
        match kind {
            "s" => {
                let mut parts = rest.split(':');
                let item = Item::Grown {
                    space: space(parts.next()?)?,
                    after: parts.next()?.parse().ok()?,
                    head: parts.next()?.parse().ok()?,
                };
                parts.next().is_none().then_some(item)
            }
            "d" => space(rest).map(Item::Shrunk),
            "f" => space(rest).map(Item::Forked),
            "r" => {
                let number: u8 = rest.parse().ok()?;
                let bucket = Bucket::ALL.into_iter().find(|bucket| *bucket as u8 == number);
                bucket.map(Item::Records)
            }
            _ => None,
        }
    }
}

/// As many notes as the items need.
pub(crate) fn write(node: Node, items: &[Item]) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    for item in items {
        let text = item.text();
        match notes.last_mut() {
            Some(note) if note.len() + 1 + text.len() <= NOTE_BYTES_MAX => {
                note.push(' ');
                note.push_str(&text);
            }
            _ => notes.push(format!("{} {text}", HEXLOWER.encode(&node))),
        }
    }
    notes
}

/// Who wrote, and what. `None`: not understood, so that anything may have changed.
pub(crate) fn read(note: &str) -> Option<(Node, Vec<Item>)> {
    let mut words = note.split(' ');
    let node = HEXLOWER.decode(words.next()?.as_bytes()).ok()?;
    let items = words.map(Item::parse).collect::<Option<Vec<_>>>()?;
    Some((node.try_into().ok()?, items))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sotay_store::conformance::space;

    const NODE: Node = [0xab; 8];

    #[test]
    fn a_note_has_this_form() {
        let items = [
            Item::Grown {
                space: SpaceId::from_bytes([7; 32]),
                after: 3,
                head: 12,
            },
            Item::Forked(SpaceId::from_bytes([7; 32])),
            Item::Shrunk(SpaceId::from_bytes([7; 32])),
            Item::Records(Bucket::Relay),
        ];
        let notes = write(NODE, &items);
        let name = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
        assert_eq!(
            notes,
            [format!("abababababababab s{name}:3:12 f{name} d{name} r12")]
        );
        assert_eq!(read(&notes[0]), Some((NODE, items.to_vec())));
    }

    #[test]
    fn many_items_become_notes_that_each_fit() {
        let items: Vec<Item> = (0..500)
            .map(|n: u64| Item::Grown {
                space: space(n as u8),
                after: u64::MAX - n,
                head: u64::MAX,
            })
            .collect();
        let notes = write(NODE, &items);
        assert!(notes.len() > 1 && notes.iter().all(|note| note.len() <= NOTE_BYTES_MAX));
        let back: Vec<Item> = notes.iter().flat_map(|note| read(note).unwrap().1).collect();
        assert_eq!(back, items);
        assert!(write(NODE, &[]).is_empty());
    }

    proptest! {
        #[test]
        fn garbage_is_not_understood_or_read_and_never_panics(text in "[0-9a-f]{0,20}( [sdfrx][-_A-Za-z0-9:é]{0,60}){0,4}") {
            if let Some((node, items)) = read(&text) {
                for note in write(node, &items) {
                    prop_assert!(read(&note).is_some());
                }
            }
        }
    }
}
