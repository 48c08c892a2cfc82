//! Delivery of documents in a branch, as figures: how many devices have a document, how many members said they are done.
//!
//! There is no list of persons in here, and there can be none: what goes in are marks that members chose to share, keyed
//! by a member only so that a member with two phones counts once; what comes out are counts. Groups too small to hide in
//! are not split.

use crate::library::Hash;
use std::collections::{BTreeMap, BTreeSet};

/// Counts about fewer members than this tell about persons; they are withheld.
pub const LEAST_MEMBERS: usize = 5;

/// One shared mark: a member's device has a document, and perhaps the member shared being done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Receipt {
    /// The document.
    pub document: Hash,
    /// The member; used for counting only, and never shown.
    pub member: [u8; 16],
    /// Whether the member chose to share "done".
    pub done: bool,
}

impl std::fmt::Debug for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Receipt {:?} done {}", self.document, self.done)
    }
}

/// The figures of one document in one branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Members of the branch.
    pub members: usize,
    /// Members to whose device the document came.
    pub delivered: usize,
    /// Members who shared that they are done; `None` where so few have it that the count would tell about persons.
    pub done: Option<usize>,
}

/// The figures of every document that any receipt names, for a branch of `members` members. Receipts of the same member
/// count once; order does not matter.
pub fn figures(receipts: &[Receipt], members: usize) -> BTreeMap<Hash, Figures> {
    let mut delivered: BTreeMap<Hash, BTreeSet<[u8; 16]>> = BTreeMap::new();
    let mut done: BTreeMap<Hash, BTreeSet<[u8; 16]>> = BTreeMap::new();
    for receipt in receipts {
        delivered
            .entry(receipt.document)
            .or_default()
            .insert(receipt.member);
        if receipt.done {
            done.entry(receipt.document).or_default().insert(receipt.member);
        }
    }
    let count =
        |of: &BTreeMap<Hash, BTreeSet<[u8; 16]>>, document: &Hash| of.get(document).map_or(0, BTreeSet::len);
    delivered
        .keys()
        .map(|document| {
            let delivered = count(&delivered, document).min(members);
            let enough = delivered >= LEAST_MEMBERS;
            let done = enough.then(|| count(&done, document).min(members));
            (
                *document,
                Figures {
                    members,
                    delivered,
                    done,
                },
            )
        })
        .collect()
}

impl std::fmt::Display for Figures {
    /// `đã nhận 35/42, đã đọc xong 20`; `đã nhận 3/42`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "đã nhận {}/{}", self.delivered, self.members)?;
        match self.done {
            Some(done) => write!(f, ", đã đọc xong {done}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOC: Hash = Hash([1; 32]);

    fn receipt(member: u8, done: bool) -> Receipt {
        Receipt {
            document: DOC,
            member: [member; 16],
            done,
        }
    }

    #[test]
    fn a_member_with_two_phones_counts_once_in_any_order() {
        let mut receipts: Vec<Receipt> = (0..6).map(|m| receipt(m, m < 2)).collect();
        receipts.push(receipt(0, false));
        let counted = figures(&receipts, 42);
        assert_eq!(counted[&DOC].to_string(), "đã nhận 6/42, đã đọc xong 2");
        receipts.reverse();
        assert_eq!(figures(&receipts, 42), counted);
    }

    #[test]
    fn a_count_among_too_few_members_is_withheld() {
        let receipts: Vec<Receipt> = (0..LEAST_MEMBERS as u8 - 1).map(|m| receipt(m, true)).collect();
        assert_eq!(figures(&receipts, 42)[&DOC].done, None);
        assert_eq!(figures(&receipts, 42)[&DOC].to_string(), "đã nhận 4/42");
    }

    #[test]
    fn figures_and_receipts_show_no_member() {
        let shown = format!(
            "{:?} {:?}",
            receipt(0xab, true),
            figures(&[receipt(0xab, true)], 9)
        );
        assert!(
            !shown.contains("171") && !shown.to_lowercase().contains("abab"),
            "{shown}"
        );
    }
}
