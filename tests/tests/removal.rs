//! Removing, suspending, replacing: real phones, a relay between them, everything as the network would carry it.

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_engine::handbook::CommandError;
use sotay_engine::handbook::meeting::Command;
use sotay_engine::{
    AdmitRequest, Denied, Device, DeviceError, Event, Flags, Reason, RemovalError, State, Whom,
};
use sotay_feed::{DeviceId, DocId, Space, SpaceKind};
use sotay_store::{DatabaseId, MemoryStore};
use sotay_sync::DenyReason;
use sotay_tests::branch::{Branch, P1, P2, P3, at};
use sotay_tests::pump;
use sotay_tests::shard::Shard;

type Phone = Device<MemoryStore>;

/// AL-42 with its three phones and a relay; further phones are numbered from 3 on.
struct Hall {
    branch: Branch<MemoryStore>,
    relay: Shard<MemoryStore>,
    doc: DocId,
    links: u64,
}

fn store(number: u8) -> MemoryStore {
    MemoryStore::new(DatabaseId([number; 16]))
}

impl Hall {
    /// May's meeting is begun and everybody knows everything.
    fn open() -> Self {
        let mut branch = Branch::found([store(1), store(2), store(3)], 7);
        let doc = branch.begin(P1);
        branch.on(P1, doc, 1, Command::SetPlace("Nhà văn hóa".into()));
        let relay = Shard::open(store(9)).unwrap();
        let mut hall = Self {
            branch,
            relay,
            doc,
            links: 0,
        };
        hall.sync_all();
        hall
    }

    fn sync(&mut self, phone: usize) {
        self.links += 1;
        let device = &mut self.branch.phones[phone];
        pump::sync(device, &mut self.relay, self.links, at(200));
    }

    fn sync_all(&mut self) {
        for _ in 0..2 {
            (0..self.branch.phones.len()).for_each(|phone| self.sync(phone));
        }
    }

    /// Another phone of a member, admitted by `officer`; its place among the phones.
    fn another(&mut self, officer: usize, holder: usize, rank: u8, replaces: Option<DeviceId>) -> usize {
        let number = self.branch.phones.len() as u8 + 1;
        let rng = Box::new(StdRng::seed_from_u64(u64::from(number) * 1000));
        let mut device: Phone = Device::create(store(number), &format!("P{number}"), rng).unwrap();
        let ask = AdmitRequest {
            request: device.join_request().unwrap().to_text(),
            member: self.branch.member(holder),
            rank,
            committee: false,
            probationary: false,
            relays: Vec::new(),
        };
        let officer = &mut self.branch.phones[officer];
        let invitation = match replaces {
            Some(old) => officer.admit_replacing(&ask, old, at(0)).unwrap(),
            None => officer.admit(&ask, at(0)).unwrap(),
        };
        device.accept(&invitation).unwrap();
        self.branch.phones.push(device);
        self.branch.phones.len() - 1
    }

    fn id(&self, phone: usize) -> DeviceId {
        self.branch.phones[phone].id()
    }

    fn speeches(&mut self, phone: usize) -> Vec<String> {
        let view = self.branch.phones[phone].meeting_view(self.doc).unwrap();
        view.speeches
            .iter()
            .map(|speech| speech.text.as_str().to_owned())
            .collect()
    }

    fn speak(&mut self, phone: usize, text: &str) {
        let doc = self.doc;
        self.branch.speak(phone, doc, 5, text);
    }

    fn events(&mut self, phone: usize) -> Vec<Event> {
        std::iter::from_fn(|| self.branch.phones[phone].next_event()).collect()
    }

    fn state(&mut self, on: usize, phone: usize) -> State {
        let id = self.id(phone);
        let lines = self.branch.phones[on].devices().unwrap();
        lines.iter().find(|line| line.device == id).unwrap().state
    }

    fn main(&self) -> Space {
        Space::of(self.branch.phones[P3].unit().unwrap(), SpaceKind::Main)
    }

    fn has_writing_key(&self, phone: usize) -> bool {
        let device = &self.branch.phones[phone];
        let membership = device.replica().membership(device.unit().unwrap()).unwrap();
        membership.writing_epoch(&self.main().id()).is_some()
    }
}

#[test]
fn a_removed_phone_gets_a_typed_answer_and_nothing_new_and_cannot_write_and_what_it_wrote_stays() {
    let mut hall = Hall::open();
    hall.speak(P1, "Trước khi bị xóa");
    hall.sync_all();
    let target = hall.id(P1);
    let change = hall.branch.phones[P3]
        .revoke(Whom::Device(target), Reason::LOST)
        .unwrap();
    assert_eq!(change.devices, [target]);
    assert!(change.rekeyed.contains(&SpaceKind::Main) && change.rekeyed.contains(&SpaceKind::Broadcast));
    // P1 has not heard of it yet and goes on writing.
    hall.speak(P1, "Sau khi bị xóa");
    hall.sync(P3);
    hall.speak(P3, "Chỉ người còn lại đọc");
    hall.sync(P3);
    hall.events(P1);
    let known = hall.branch.phones[P1].replica().store().clone();
    hall.sync(P1);
    let denied = |event: &Event| {
        matches!(
            event,
            Event::Denied {
                reason: DenyReason::Revoked,
                ..
            }
        )
    };
    assert!(hall.events(P1).iter().any(denied));
    for kind in [SpaceKind::Main, SpaceKind::Committee, SpaceKind::Broadcast] {
        use sotay_store::Store;
        let id = Space::of(hall.main().unit, kind).id();
        let mine = hall.branch.phones[P1].replica().store().frontier(&id).unwrap();
        let before = known.frontier(&id).unwrap();
        assert!(
            mine.ahead_of(&before).all(|(device, _)| device == target),
            "{kind:?} brought something new"
        );
    }
    assert_eq!(
        hall.state(P1, P1),
        State::Revoked,
        "the records that tell why have come"
    );
    let (doc, text) = (hall.doc, "x".into());
    let refused = hall.branch.phones[P1].meeting(doc, &Command::SetPlace(text), at(210));
    assert!(
        matches!(refused, Err(DeviceError::Denied(Denied::Revoked))),
        "{refused:?}"
    );
    hall.sync(P2);
    for phone in [P2, P3] {
        assert_eq!(
            hall.speeches(phone),
            ["Trước khi bị xóa", "Chỉ người còn lại đọc"]
        );
    }
}

#[test]
fn what_a_phone_wrote_after_its_cut_off_is_left_out_where_it_was_applied_and_listed() {
    let mut hall = Hall::open();
    hall.speak(P1, "Thư ký đã thấy");
    hall.sync_all();
    hall.speak(P1, "Thư ký chưa thấy");
    hall.sync(P1);
    hall.sync(P2);
    assert_eq!(hall.speeches(P2).len(), 2);
    let target = hall.id(P1);
    hall.branch.phones[P3]
        .revoke(Whom::Device(target), Reason::MISUSE)
        .unwrap();
    hall.sync(P3);
    hall.sync(P2);
    hall.sync(P3);
    for phone in [P2, P3] {
        assert_eq!(hall.speeches(phone), ["Thư ký đã thấy"], "P{}", phone + 1);
        let late = hall.branch.phones[phone].late().unwrap();
        assert_eq!(late.len(), 1);
        assert_eq!((late[0].device, late[0].doc.is_some()), (target, true));
    }
    let (p2, p3) = (
        hall.branch.phones[P2].minutes(hall.doc),
        hall.branch.phones[P3].minutes(hall.doc),
    );
    assert_eq!(p2.unwrap().sha256, p3.unwrap().sha256);
    // Opened again, the verdict is the same and nothing is done twice.
    let store = hall.branch.phones.remove(P2).into_store();
    let again = Device::open(store, Box::new(StdRng::seed_from_u64(77))).unwrap();
    assert_eq!(again.late().unwrap().len(), 1);
}

#[test]
fn what_others_built_on_a_removed_phones_writing_keeps_it() {
    let mut hall = Hall::open();
    hall.speak(P1, "Phó bí thư viết tiếp sau bài này");
    hall.sync(P1);
    hall.sync(P2);
    hall.speak(P2, "Tiếp theo");
    let target = hall.id(P1);
    hall.branch.phones[P3]
        .revoke(Whom::Device(target), Reason::LOST)
        .unwrap();
    hall.sync(P3);
    hall.sync(P2);
    hall.sync(P3);
    for phone in [P2, P3] {
        assert_eq!(
            hall.speeches(phone),
            ["Phó bí thư viết tiếp sau bài này", "Tiếp theo"]
        );
        assert_eq!(hall.branch.phones[phone].late().unwrap(), []);
    }
}

#[test]
fn a_removal_that_no_longer_counts_gives_back_what_it_had_voided() {
    let mut hall = Hall::open();
    hall.speak(P1, "Bị xóa oan");
    hall.sync(P1);
    // The deputy, who has not seen it, removes P1; the secretary removes the deputy without accepting that removal.
    let (clerk, deputy) = (hall.id(P1), hall.id(P2));
    hall.branch.phones[P2]
        .revoke(Whom::Device(clerk), Reason::MISUSE)
        .unwrap();
    hall.branch.phones[P3]
        .revoke(Whom::Device(deputy), Reason::MISUSE)
        .unwrap();
    let mut deputy_phone = Vec::new();
    hall.links += 1;
    deputy_phone.push(pump::exchange(
        &mut hall.branch.phones[P2],
        &mut hall.relay,
        hall.links,
        at(200),
        usize::MAX,
    ));
    hall.sync(P3);
    hall.sync(P1);
    hall.sync(P3);
    assert_eq!(hall.state(P3, P1), State::Active);
    assert_eq!(hall.speeches(P3), ["Bị xóa oan"]);
    hall.speak(P1, "Lại viết được");
    hall.sync(P1);
    hall.sync(P3);
    assert_eq!(hall.speeches(P3), ["Bị xóa oan", "Lại viết được"]);
}

#[test]
fn the_owner_of_a_lost_phone_removes_it_with_another_one_and_the_next_officer_changes_the_keys() {
    let mut hall = Hall::open();
    let second = hall.another(P3, 3, 4, None);
    hall.sync_all();
    let lost = hall.id(P1);
    let change = hall.branch.phones[second]
        .revoke(Whom::Device(lost), Reason::LOST)
        .unwrap();
    assert_eq!(
        change.rekeyed,
        [SpaceKind::Private],
        "a member makes no key for the branch"
    );
    assert!(
        !hall.has_writing_key(second),
        "no key is clean: the lost phone knows them all"
    );
    // Until an officer comes the phone still syncs, and what is written waits.
    hall.speak(second, "Viết khi chưa có khóa mới");
    hall.sync(second);
    assert!(hall.speeches(P3).is_empty());
    hall.sync(P2);
    assert!(
        hall.has_writing_key(P2),
        "the deputy's phone made a new key by itself"
    );
    hall.sync(P2);
    hall.sync(second);
    hall.sync(second);
    hall.sync(P3);
    assert_eq!(hall.speeches(P3), ["Viết khi chưa có khóa mới"]);
    assert_eq!(hall.state(P3, P1), State::Revoked);
}

#[test]
fn a_member_cannot_remove_anybody_else_and_no_phone_removes_itself() {
    let mut hall = Hall::open();
    let (own, other) = (hall.id(P1), hall.id(P2));
    let denied = |result: Result<_, RemovalError>| {
        matches!(
            result,
            Err(RemovalError::Device(DeviceError::Denied(Denied::Rank)))
        )
    };
    assert!(denied(
        hall.branch.phones[P1].revoke(Whom::Device(other), Reason::NONE)
    ));
    assert!(denied(hall.branch.phones[P1].suspend(other, Reason::NONE)));
    assert!(denied(hall.branch.phones[P1].rotate()));
    let secretary = hall.id(P3);
    assert!(
        denied(hall.branch.phones[P2].revoke(Whom::Device(secretary), Reason::NONE)),
        "upward"
    );
    let itself = hall.branch.phones[P1].revoke(Whom::Device(own), Reason::NONE);
    assert!(matches!(itself, Err(RemovalError::Itself)));
    let nobody = hall.branch.phones[P3].revoke(Whom::Device(DeviceId::from_bytes([9; 8])), Reason::NONE);
    assert!(matches!(nobody, Err(RemovalError::NoPhone)));
}

#[test]
fn a_deputy_suspends_the_secretarys_stolen_phone_and_its_lifting_gives_it_the_keys_again() {
    let mut hall = Hall::open();
    let secretary = hall.id(P3);
    let change = hall.branch.phones[P2].suspend(secretary, Reason::LOST).unwrap();
    assert!(change.rekeyed.contains(&SpaceKind::Committee));
    hall.sync(P2);
    hall.speak(P2, "Khi máy bí thư bị khóa");
    hall.sync(P2);
    hall.events(P3);
    hall.sync(P3);
    let denied = |event: &Event| {
        matches!(
            event,
            Event::Denied {
                reason: DenyReason::Suspended,
                ..
            }
        )
    };
    assert!(hall.events(P3).iter().any(denied));
    assert!(hall.speeches(P3).is_empty());
    let (doc, text) = (hall.doc, "x".into());
    let refused = hall.branch.phones[P3].meeting(doc, &Command::SetPlace(text), at(210));
    assert!(
        matches!(refused, Err(DeviceError::Denied(Denied::Suspended))),
        "{refused:?}"
    );
    let other = hall.id(P1);
    assert!(matches!(
        hall.branch.phones[P2].lift(other),
        Err(RemovalError::NotSuspended)
    ));
    hall.branch.phones[P2].lift(secretary).unwrap();
    hall.sync(P2);
    // The first exchange tells the phone that it is back, the second brings what it missed.
    hall.sync(P3);
    hall.sync(P3);
    assert_eq!(
        hall.speeches(P3),
        ["Khi máy bí thư bị khóa"],
        "the key of the meantime was handed out"
    );
}

#[test]
fn a_new_phone_takes_the_place_of_a_lost_one_in_one_step() {
    let mut hall = Hall::open();
    hall.speak(P1, "Từ máy cũ");
    hall.sync_all();
    let lost = hall.id(P1);
    let new = hall.another(P3, 3, 4, Some(lost));
    assert_eq!(hall.state(P3, P1), State::Revoked);
    assert_eq!(hall.speeches(new), ["Từ máy cũ"]);
    hall.speak(new, "Từ máy mới");
    hall.sync(new);
    hall.sync(P3);
    hall.sync(P2);
    assert_eq!(hall.speeches(P2), ["Từ máy cũ", "Từ máy mới"]);
    let roll = hall.branch.phones[P3].replica();
    let membership = roll.membership(hall.main().unit).unwrap();
    let epoch = membership.writing_epoch(&hall.main().id()).unwrap();
    let records = membership.epochs(&hall.main().id());
    let writing = records.iter().filter(|record| record.epoch() == epoch);
    assert!(writing.clone().all(|record| !record.boxes.contains_key(&lost)));
    assert!(
        writing
            .clone()
            .any(|record| record.boxes.contains_key(&hall.id(new)))
    );
}

#[test]
fn a_member_who_leaves_loses_every_phone_at_once() {
    let mut hall = Hall::open();
    let second = hall.another(P3, 3, 4, None);
    hall.sync_all();
    let member = hall.branch.member(3);
    let change = hall.branch.phones[P2]
        .revoke(Whom::Member(member), Reason::LEFT)
        .unwrap();
    assert_eq!(change.devices.len(), 2);
    hall.sync(P2);
    hall.sync(P3);
    assert_eq!(
        (hall.state(P3, P1), hall.state(P3, second)),
        (State::Revoked, State::Revoked)
    );
    assert!(
        hall.branch.phones[P3]
            .members(sotay_engine::today(at(0)))
            .unwrap()
            .len()
            == 42,
        "the roster is another matter"
    );
}

#[test]
fn a_newcomer_whom_one_officer_admits_while_another_changes_the_keys_still_reads_everything() {
    let mut hall = Hall::open();
    let newcomer = hall.another(P2, 7, 4, None);
    hall.branch.phones[P3].rotate().unwrap();
    hall.speak(P3, "Dưới khóa mới");
    hall.sync(P3);
    // The deputy's phone learns of the new key and boxes it to its newcomer; the next exchange carries that.
    hall.sync(P2);
    hall.sync(P2);
    hall.sync(newcomer);
    assert_eq!(hall.speeches(newcomer), ["Dưới khóa mới"]);
}

#[test]
fn two_officers_who_remove_different_phones_at_once_leave_no_clean_key_and_the_next_one_online_makes_it() {
    let mut hall = Hall::open();
    let second = hall.another(P3, 7, 4, None);
    hall.sync_all();
    let (one, two) = (hall.id(P1), hall.id(second));
    hall.branch.phones[P3]
        .revoke(Whom::Device(one), Reason::LOST)
        .unwrap();
    hall.branch.phones[P2]
        .revoke(Whom::Device(two), Reason::LOST)
        .unwrap();
    hall.sync(P3);
    hall.sync(P2);
    assert!(hall.has_writing_key(P2));
    let main = hall.main();
    let membership = hall.branch.phones[P2].replica().membership(main.unit).unwrap();
    let epoch = membership.writing_epoch(&main.id()).unwrap();
    for record in membership
        .epochs(&main.id())
        .iter()
        .filter(|record| record.epoch() == epoch)
    {
        assert!(!record.boxes.contains_key(&one) && !record.boxes.contains_key(&two));
    }
    hall.speak(P2, "Dưới khóa sạch");
    hall.sync(P2);
    hall.sync(P3);
    assert_eq!(hall.speeches(P3), ["Dưới khóa sạch"]);
}

#[test]
fn a_phone_whose_rank_changes_keeps_what_it_wrote_and_does_what_the_new_rank_allows() {
    let mut hall = Hall::open();
    hall.speak(P1, "Khi còn là đảng viên");
    hall.sync_all();
    let id = hall.id(P1);
    let doc = hall.doc;
    let change = Command::Open;
    assert!(matches!(
        hall.branch.phones[P1].meeting(doc, &change, at(1)),
        Ok(()) | Err(DeviceError::Command(CommandError::OfficersOnly))
    ));
    hall.branch.phones[P3]
        .regrade(id, 3, Flags::default(), at(2))
        .unwrap();
    hall.sync_all();
    assert_eq!(hall.branch.phones[P1].unit_card().unwrap().rank, Some(3));
    assert_eq!(hall.speeches(P2), ["Khi còn là đảng viên"]);
    hall.branch.phones[P1].rotate().unwrap();
    // Back again: it read the officers' parts as a deputy, which therefore get new keys.
    let back = hall.branch.phones[P3]
        .regrade(id, 4, Flags::default(), at(3))
        .unwrap();
    assert_eq!(
        back.rekeyed,
        [SpaceKind::Committee, SpaceKind::Inbox, SpaceKind::Report]
    );
    hall.sync_all();
    assert_eq!(hall.branch.phones[P1].unit_card().unwrap().rank, Some(4));
    let deputy = hall.id(P2);
    let denied = hall.branch.phones[P2].regrade(deputy, 2, Flags::default(), at(4));
    assert!(matches!(denied, Err(RemovalError::Itself)));
}
