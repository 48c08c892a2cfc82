//! What a branch decides about its keys and its doors: keys of `main` held by the level above, and admission from afar.

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_engine::handbook::meeting::{Command, MeetingKind};
use sotay_engine::{
    AdmitRequest, Denied, Device, DeviceError, NewBranch, NewMember, NewUnit, Pack, RemoteError,
    RemovalError, SecretaryError, State, UnitKind, UnitPolicy, today,
};
use sotay_feed::{DocId, MemberId, Space, SpaceKind, UnitId};
use sotay_store::{DatabaseId, MemoryStore};
use sotay_tests::pump;
use sotay_tests::shard::Shard;

const NOW: i64 = 1_778_000_000_000;

type Phone = Device<MemoryStore>;

fn rng(seed: u64) -> Box<StdRng> {
    Box::new(StdRng::seed_from_u64(seed))
}

fn store(number: u8) -> MemoryStore {
    MemoryStore::new(DatabaseId([number; 16]))
}

fn phone(number: u8) -> Phone {
    Device::create(store(number), &format!("P{number}"), rng(u64::from(number))).unwrap()
}

/// A committee, a branch it founded with a meeting, and a deputy and a member in it.
struct Hall {
    upper: Phone,
    secretary: Phone,
    deputy: Phone,
    plain: Phone,
    members: Vec<MemberId>,
    doc: DocId,
    relay: Shard<MemoryStore>,
    links: u64,
}

impl Hall {
    fn open() -> Self {
        let mut upper = phone(1);
        let unit = NewUnit {
            name: "Đảng bộ xã Đông Phong".to_owned(),
            upper: "Đảng bộ tỉnh".to_owned(),
            founder: "Vũ Thị Hà".to_owned(),
            since: None,
        };
        upper.create_unit(&unit, NOW).unwrap();
        let new = NewBranch {
            level: UnitKind::BRANCH,
            name: "Chi bộ 1".to_owned(),
            secretary: "Lê Văn An".to_owned(),
        };
        let founded = upper.found_branches(&[new], NOW).unwrap().remove(0);
        let (text, code) = &founded.packs[0];
        let pack = Pack::from_text(text, code).unwrap();
        let mut secretary = Device::create_from_pack(store(2), "P2", rng(2), None, &pack, NOW).unwrap();
        let names = ["Trần Thị Bình", "Đỗ Văn Cường", "Phạm Thị Dung"].map(NewMember::named);
        let members = secretary.add_members(&names, today(NOW), NOW).unwrap();
        let month = "2026-05".parse().unwrap();
        let date = "2026-05-05".parse().unwrap();
        let doc = secretary
            .new_meeting(MeetingKind::Regular, Some(month), Some(date), NOW)
            .unwrap();
        secretary
            .meeting(doc, &Command::SetPlace("Nhà văn hóa".into()), NOW)
            .unwrap();
        let (mut deputy, mut plain) = (phone(3), phone(4));
        for (joiner, member, rank) in [(&mut deputy, 0, 3), (&mut plain, 1, 4)] {
            let ask = ask(joiner, members[member], rank);
            let invitation = secretary.admit(&ask, NOW).unwrap();
            joiner.accept(&invitation).unwrap();
        }
        let mut hall = Self {
            upper,
            secretary,
            deputy,
            plain,
            members,
            doc,
            relay: Shard::open(store(9)).unwrap(),
            links: 0,
        };
        hall.sync();
        hall
    }

    fn sync(&mut self) {
        let phones = &mut [
            &mut self.secretary,
            &mut self.upper,
            &mut self.deputy,
            &mut self.plain,
        ];
        pump::rounds(phones, &mut self.relay, &mut self.links, NOW);
    }

    fn unit(&self) -> UnitId {
        self.secretary.unit().unwrap()
    }

    /// Whether the level above was boxed the key in force of a part.
    fn holds(&self, kind: SpaceKind) -> bool {
        let id = Space::of(self.unit(), kind).id();
        let membership = self.secretary.replica().membership(self.unit()).unwrap();
        let epoch = membership.writing_epoch(&id).unwrap();
        let records = membership
            .epochs(&id)
            .into_iter()
            .filter(|record| record.epoch() == epoch);
        records
            .into_iter()
            .any(|record| record.boxes.contains_key(&self.upper.id()))
    }
}

fn ask(joiner: &mut Phone, member: MemberId, rank: u8) -> AdmitRequest {
    AdmitRequest {
        request: joiner.join_request().unwrap().to_text(),
        member,
        rank,
        committee: false,
        probationary: false,
        relays: Vec::new(),
    }
}

const ESCROW: UnitPolicy = UnitPolicy {
    escrow: true,
    remote: false,
};
const REMOTE: UnitPolicy = UnitPolicy {
    escrow: false,
    remote: true,
};

#[test]
fn the_level_above_holds_the_key_of_main_only_when_the_branch_says_so_and_every_member_sees_it() {
    let mut hall = Hall::open();
    assert!(!hall.holds(SpaceKind::Main));
    for phone in [&mut hall.deputy, &mut hall.plain] {
        let refused = phone.set_unit_policy(ESCROW);
        let denied = matches!(
            refused,
            Err(RemovalError::Device(DeviceError::Denied(Denied::Rank)))
        );
        assert!(denied, "{refused:?}");
    }
    hall.secretary.set_unit_policy(ESCROW).unwrap();
    hall.sync();
    assert!(hall.holds(SpaceKind::Main));
    for kind in [SpaceKind::Committee, SpaceKind::Inbox, SpaceKind::Broadcast] {
        assert!(!hall.holds(kind), "{kind:?}");
    }
    for phone in [&hall.deputy, &hall.plain] {
        assert_eq!(phone.unit_policy().unwrap(), ESCROW);
    }
    // Taken back: a new key, and nothing that is written from now on.
    let change = hall.secretary.set_unit_policy(UnitPolicy::default()).unwrap();
    assert_eq!(change.rekeyed, [SpaceKind::Main]);
    hall.sync();
    assert!(!hall.holds(SpaceKind::Main));
    assert_eq!(hall.plain.unit_policy().unwrap(), UnitPolicy::default());
}

#[test]
fn when_all_phones_of_a_secretary_are_lost_the_level_above_gives_a_new_one_what_was_entrusted_to_it() {
    let mut hall = Hall::open();
    hall.secretary.set_unit_policy(ESCROW).unwrap();
    hall.sync();
    let before = hall.plain.minutes(hall.doc).unwrap().text;
    let (lost, unit) = (hall.secretary.id(), hall.unit());
    let mut new = phone(6);
    let request = new.join_request().unwrap().to_text();
    let denied = hall.plain.replace_secretary(unit, &request, Vec::new(), NOW);
    assert!(matches!(denied, Err(SecretaryError::NoBranch)), "{denied:?}");
    let invitation = hall
        .upper
        .replace_secretary(unit, &request, Vec::new(), NOW)
        .unwrap();
    new.accept(&invitation).unwrap();
    hall.links += 1;
    pump::sync(&mut hall.upper, &mut hall.relay, hall.links, NOW);
    for _ in 0..3 {
        for phone in [&mut new, &mut hall.plain, &mut hall.deputy] {
            hall.links += 1;
            pump::sync(phone, &mut hall.relay, hall.links, NOW);
        }
    }
    assert_eq!(
        new.minutes(hall.doc).unwrap().text,
        before,
        "what was written before is readable"
    );
    assert_eq!(new.unit_card().unwrap().rank, Some(2));
    let membership = hall.plain.replica().membership(unit).unwrap();
    assert_eq!(membership.standing(lost).unwrap().state, State::Revoked);
    // And the branch goes on without the lost phone.
    new.meeting(hall.doc, &Command::SetPlace("Trụ sở mới".into()), NOW)
        .unwrap();
    for phone in [&mut new, &mut hall.plain] {
        hall.links += 1;
        pump::sync(phone, &mut hall.relay, hall.links, NOW);
    }
    assert_eq!(
        hall.plain.minutes(hall.doc).unwrap().text,
        new.minutes(hall.doc).unwrap().text
    );
}

#[test]
fn a_phone_is_admitted_from_afar_by_two_officers_where_the_branch_allows_it() {
    let mut hall = Hall::open();
    let mut joiner = phone(7);
    let ask = ask(&mut joiner, hall.members[2], 4);
    let closed = hall.deputy.endorse(&ask);
    assert!(matches!(closed, Err(RemoteError::Closed)), "{closed:?}");
    hall.secretary.set_unit_policy(REMOTE).unwrap();
    hall.sync();
    let word = hall.deputy.endorse(&ask).unwrap();
    let twice = hall.deputy.admit_endorsed(&word, Vec::new(), NOW);
    assert!(matches!(twice, Err(RemoteError::SamePerson)), "{twice:?}");
    let by_member = hall.plain.endorse(&ask);
    assert!(by_member.is_err());
    let invitation = hall.secretary.admit_endorsed(&word, Vec::new(), NOW).unwrap();
    joiner.accept(&invitation).unwrap();
    hall.sync();
    hall.links += 1;
    pump::sync(&mut joiner, &mut hall.relay, hall.links, NOW);
    let expected = hall.plain.minutes(hall.doc).unwrap().text;
    assert_eq!(joiner.minutes(hall.doc).unwrap().text, expected);
    // The word of an officer who was removed since is none.
    let late = hall.deputy.endorse(&ask).unwrap();
    let gone = hall.deputy.id();
    hall.secretary
        .revoke(sotay_engine::Whom::Device(gone), sotay_engine::Reason::MISUSE)
        .unwrap();
    let refused = hall.secretary.admit_endorsed(&late, Vec::new(), NOW);
    assert!(matches!(refused, Err(RemoteError::NotEndorsed)), "{refused:?}");
    // A changed letter, or another unit's word.
    let mut forged = word.clone().into_bytes();
    let at = forged.len() - 10;
    forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
    let forged = hall
        .secretary
        .admit_endorsed(&String::from_utf8(forged).unwrap(), Vec::new(), NOW);
    assert!(
        matches!(forged, Err(RemoteError::NotEndorsed | RemoteError::Text(_))),
        "{forged:?}"
    );
}
