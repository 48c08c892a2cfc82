//! An evening's changes come to one phone at once: they are read at once, and proved when the phone rests (decision 0190).

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_document::limits::TAIL_CHANGES_FOLD;
use sotay_engine::Device;
use sotay_engine::handbook::meeting::Command;
use sotay_feed::DocId;
use sotay_store::{Bucket, DatabaseId, MemoryStore, Store};
use sotay_tests::branch::{Branch, P1, P3, at};
use sotay_tests::pump::sync;
use sotay_tests::shard::Shard;

fn memory(number: u8) -> MemoryStore {
    MemoryStore::new(DatabaseId([number; 16]))
}

fn place(number: usize) -> Command {
    Command::SetPlace(format!("Nhà văn hóa, phòng {number}").as_str().into())
}

/// One phone wrote more than is folded at a time, and another one has just got it; it has not rested since.
fn evening() -> (Branch<MemoryStore>, Shard<MemoryStore>, DocId) {
    let mut branch = Branch::found([1, 2, 3].map(memory), 1);
    let mut relay = Shard::open(memory(99)).expect("a relay");
    let doc = branch.begin(P1);
    for phone in [P1, P3] {
        sync(&mut branch.phones[phone], &mut relay, phone as u64, at(0));
    }
    branch.phones[P3].rest();
    for number in 0..=TAIL_CHANGES_FOLD {
        branch.on(P1, doc, 1, place(number));
    }
    for (phone, link) in [(P1, 11), (P3, 13)] {
        sync(&mut branch.phones[phone], &mut relay, link, at(2));
    }
    (branch, relay, doc)
}

fn tail(store: &MemoryStore, doc: DocId) -> usize {
    let rows = store.list(Bucket::Tail, doc.as_bytes()).expect("rows");
    rows.len()
}

/// The phone after a crash: what it had in memory is gone.
fn crashed(phone: Device<MemoryStore>, start: u64) -> Device<MemoryStore> {
    Device::open(phone.into_store(), Box::new(StdRng::seed_from_u64(start))).expect("the same phone")
}

#[test]
fn an_evening_is_seen_at_once_and_becomes_a_snapshot_and_an_image_at_rest() {
    let (mut branch, _, doc) = evening();
    let view = branch.phones[P1].meeting_view(doc).expect("a view");
    assert_eq!(branch.phones[P3].meeting_view(doc).expect("a view"), view);
    let mut phone = branch.phones.swap_remove(P3);
    phone.rest();
    let store = phone.into_store();
    assert_eq!(tail(&store, doc), 0);
    let mut again = Device::open(store, Box::new(StdRng::seed_from_u64(7))).expect("the same phone");
    assert_eq!(again.meeting_view(doc).expect("a view"), view);
}

#[test]
fn a_phone_that_never_rested_proves_an_evening_before_it_writes_in_it() {
    let (mut branch, mut relay, doc) = evening();
    let view = branch.phones[P1].meeting_view(doc).expect("a view");
    // Killed before it rested, twice, the second time after it was looked at.
    let mut phone = crashed(branch.phones.swap_remove(P3), 7);
    assert_eq!(phone.meeting_view(doc).expect("a view"), view);
    let store = phone.into_store();
    assert!(tail(&store, doc) > TAIL_CHANGES_FOLD, "nothing was folded yet");
    let mut phone = Device::open(store, Box::new(StdRng::seed_from_u64(8))).expect("the same phone");
    phone.meeting(doc, &place(9_999), at(3)).expect("a command");
    let store = phone.into_store();
    assert_eq!(tail(&store, doc), 1, "folded, and written on top");
    let mut phone = Device::open(store, Box::new(StdRng::seed_from_u64(9))).expect("the same phone");
    for link in [21, 22] {
        sync(&mut phone, &mut relay, link, at(4));
    }
    sync(&mut branch.phones[P1], &mut relay, 23, at(4));
    assert_eq!(
        branch.phones[P1].meeting_view(doc).expect("a view"),
        phone.meeting_view(doc).expect("a view")
    );
}

#[test]
fn an_evening_that_is_sealed_is_proved_first() {
    let (mut branch, _, doc) = evening();
    let mut phone = branch.phones.swap_remove(P3);
    // Nobody was chosen to sign yet: the seal is refused, and what it would have been made of was looked at before.
    phone.propose_seal(doc, at(5)).expect_err("no chair and no clerk");
    assert_eq!(tail(&phone.into_store(), doc), 0);
}
