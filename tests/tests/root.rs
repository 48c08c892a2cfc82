//! A root of three keys: a province founded under it, phones of rank 1 given and taken, branches moved; real devices and a
//! relay that learns all of it from signed records.

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_engine::handbook::meeting::MeetingKind;
use sotay_engine::{
    Device, NewBranch, NewUnit, Pack, PackCode, RootError, RootId, RootKey, RootPaper, State, UnitKind,
    root_policy,
};
use sotay_feed::{Draft, Kind, Space, SpaceKind, UnitId};
use sotay_membership::{Record, Reparent, rank};
use sotay_store::{DatabaseId, MemoryStore, Store};
use sotay_sync::{DenyReason, Policy, Replica, Role};
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

fn new_unit(name: &str) -> NewUnit {
    NewUnit {
        name: name.to_owned(),
        upper: "Trung ương".to_owned(),
        founder: "Vũ Thị Hà".to_owned(),
        since: None,
    }
}

fn opened((text, code): &(String, PackCode), number: u8) -> Phone {
    let pack = Pack::from_text(text, code).unwrap();
    Device::create_from_pack(store(number), "P1", rng(u64::from(number)), None, &pack, NOW).unwrap()
}

/// A province under a root, two committees below it, and a branch below the first.
struct Land {
    keys: [RootKey; 3],
    root: RootId,
    province: Phone,
    first: Phone,
    second: Phone,
    secretary: Phone,
    branch: UnitId,
    relay: Shard<MemoryStore>,
    links: u64,
}

impl Land {
    fn found() -> Self {
        Self::found_for(|_| Policy::Any)
    }

    fn found_for(policy_of: impl Fn(RootId) -> Policy) -> Self {
        let keys: [RootKey; 3] = std::array::from_fn(|n| RootKey::generate(&mut *rng(n as u64)));
        let public: Vec<_> = keys.iter().map(RootKey::public).collect();
        let (policy, root) = root_policy(2, &public).unwrap();
        let mut province = Device::create(store(1), "Tỉnh", rng(11)).unwrap();
        let draft = province
            .draft_root("Đảng bộ tỉnh", UnitKind::PROVINCE, policy, NOW)
            .unwrap();
        let paper = signed(draft, &keys, &[0, 2]);
        province
            .found_rooted(&paper, &new_unit("Đảng bộ tỉnh"), NOW)
            .unwrap();
        let below = |upper: &mut Phone, name: &str, number: u8| {
            let new = NewBranch {
                level: UnitKind::BRANCH,
                name: name.to_owned(),
                secretary: "Lê Văn An".to_owned(),
            };
            let founded = upper.found_branches(&[new], NOW).unwrap().remove(0);
            opened(&founded.packs[0], number)
        };
        let mut first = below(&mut province, "Đảng ủy xã A", 2);
        let second = below(&mut province, "Đảng ủy xã B", 3);
        let secretary = below(&mut first, "Chi bộ 1", 4);
        let mut land = Self {
            branch: secretary.unit().unwrap(),
            keys,
            root,
            province,
            first,
            second,
            secretary,
            relay: Shard::open_for(store(9), policy_of(root)).unwrap(),
            links: 0,
        };
        land.sync();
        land
    }

    fn sync(&mut self) {
        let phones = &mut [
            &mut self.province,
            &mut self.first,
            &mut self.second,
            &mut self.secretary,
        ];
        pump::rounds(phones, &mut self.relay, &mut self.links, NOW);
    }

    /// Moves the branch to the second committee, as its officers would.
    fn paper_of_the_move(&mut self) -> RootPaper {
        let card = self.second.committee_card().unwrap();
        self.first.draft_move(&[self.branch], &card, NOW).unwrap()
    }

    fn proven(self) -> (RootId, Option<RootId>, Option<UnitId>) {
        let mut replica = Replica::open(self.relay.into_store(), Role::Relay, Policy::Any).unwrap();
        let found = replica.root_of(self.branch).unwrap();
        let parent = replica.membership(self.branch).unwrap().parent();
        (self.root, found, parent)
    }
}

fn signed(mut paper: RootPaper, keys: &[RootKey], by: &[usize]) -> RootPaper {
    for &key in by {
        paper.sign(&keys[key]).unwrap();
        paper = RootPaper::from_text(&paper.to_text()).unwrap();
    }
    paper
}

#[test]
fn a_province_begins_with_two_of_three_signatures_and_the_relay_follows_a_branch_up_to_its_root() {
    let mut land = Land::found();
    assert_eq!(land.province.root().unwrap(), Some(land.root));
    assert_eq!(land.relay.take_rejected(), []);
    let (root, found, _) = land.proven();
    assert_eq!(found, Some(root));
}

#[test]
fn a_relay_for_one_root_serves_what_stands_under_it_and_nothing_else() {
    let under = |roots: &[RootId]| Policy::Roots {
        roots: roots.iter().copied().collect(),
        units: [].into(),
        blocked: [].into(),
    };
    let mut land = Land::found_for(|root| under(&[root]));
    assert_eq!(land.relay.take_rejected(), []);
    let roll = Space::of(land.branch, SpaceKind::Roll);
    assert!(land.relay.replica().store().head(&roll.id()).unwrap().number > 0);
    let peer = land.secretary.keys().public().sign;
    assert_eq!(land.relay.ask(peer, roll, NOW), None);
    // Somebody else's branch, and a unit that only names the root.
    let mut stranger = Device::create(store(20), "P9", rng(20)).unwrap();
    stranger.create_unit(&new_unit("Chi bộ lạ"), NOW).unwrap();
    let not_served = sotay_sync::RefuseReason::Denied(DenyReason::NotServed);
    pump::exchange(&mut stranger, &mut land.relay, 1000, NOW, usize::MAX).unwrap();
    let rejected = land.relay.take_rejected();
    assert!(
        rejected.iter().any(|(_, reason)| *reason == not_served),
        "{rejected:?}"
    );
    let held = Space::of(stranger.unit().unwrap(), SpaceKind::Roll).id();
    assert_eq!(land.relay.replica().store().head(&held).unwrap().number, 0);
    // Another root.
    let mut elsewhere = Land::found_for(|_| under(&[RootId::from_bytes([1; 32])]));
    assert!(!elsewhere.relay.take_rejected().is_empty());
    let roll = Space::of(elsewhere.branch, SpaceKind::Roll);
    assert_eq!(
        elsewhere.relay.replica().store().head(&roll.id()).unwrap().number,
        0
    );
}

#[test]
fn one_signature_founds_nothing_and_neither_does_another_paper() {
    let keys: [RootKey; 3] = std::array::from_fn(|n| RootKey::generate(&mut *rng(n as u64)));
    let public: Vec<_> = keys.iter().map(RootKey::public).collect();
    let (policy, _) = root_policy(2, &public).unwrap();
    let mut province = Device::create(store(1), "Tỉnh", rng(11)).unwrap();
    let draft = province
        .draft_root("Đảng bộ tỉnh", UnitKind::PROVINCE, policy.clone(), NOW)
        .unwrap();
    let one = province.found_rooted(&signed(draft.clone(), &keys, &[1]), &new_unit("x"), NOW);
    assert!(
        matches!(&one, Err(RootError::Quorum(quorum)) if (quorum.found, quorum.needed) == (1, 2)),
        "{one:?}"
    );
    let other = Device::create(store(2), "Tỉnh", rng(12))
        .unwrap()
        .draft_root("Đảng bộ tỉnh", UnitKind::PROVINCE, policy, NOW)
        .unwrap();
    let refused = province.found_rooted(&signed(other, &keys, &[0, 1]), &new_unit("x"), NOW);
    assert!(matches!(refused, Err(RootError::OtherPaper)), "{refused:?}");
    assert_eq!(province.unit(), None, "nothing was founded");
    let paper = signed(draft, &keys, &[0, 1]);
    province.found_rooted(&paper, &new_unit("x"), NOW).unwrap();
    let again = province.found_rooted(&paper, &new_unit("x"), NOW);
    assert!(matches!(again, Err(RootError::Already)), "{again:?}");
}

#[test]
fn a_branch_moves_to_another_committee_and_the_rights_of_both_change() {
    let mut land = Land::found();
    let paper = land.paper_of_the_move();
    // A committee has two phones: two grants, the new parent, and the end of two seats.
    assert_eq!(paper.entries.len(), 5);
    let too_few = land
        .first
        .carry_root(&signed(paper.clone(), &land.keys, &[1]), 0..5);
    assert!(matches!(too_few, Err(RootError::Quorum(_))), "{too_few:?}");
    let paper = signed(paper, &land.keys, &[0, 1]);
    let carried = land.first.carry_root(&paper, 0..5).unwrap();
    assert_eq!((carried.written, carried.known), (5, 0));
    assert_eq!(
        land.first.carry_root(&paper, 0..5).unwrap().known,
        5,
        "carried again: nothing new"
    );
    assert_eq!(land.second.follow_moved(&paper).unwrap(), 1);
    assert_eq!(land.second.follow_moved(&paper).unwrap(), 0);
    land.sync();
    let membership = land.secretary.replica().membership(land.branch).unwrap();
    assert_eq!(membership.parent(), land.second.unit());
    let rank_of = |phone: &Phone| {
        let standing = membership.standing(phone.id()).unwrap();
        (standing.rank, standing.state)
    };
    assert_eq!(rank_of(&land.first), (rank::PARENT, State::Revoked));
    assert_eq!(rank_of(&land.second), (rank::PARENT, State::Active));
    // The report of a month is read by the new committee and no longer by the old one.
    let month = "2026-05".parse().unwrap();
    land.secretary
        .new_meeting(
            MeetingKind::Regular,
            Some(month),
            Some("2026-05-05".parse().unwrap()),
            NOW,
        )
        .unwrap();
    land.secretary.send_report(month, NOW).unwrap();
    land.sync();
    assert_eq!(
        land.second.branch_reports(land.branch, 2026).unwrap().sent.len(),
        1
    );
    let denied = land.first.branch_reports(land.branch, 2026);
    assert!(denied.is_err(), "{denied:?}");
    let roll = Space::of(land.branch, SpaceKind::Roll);
    let report = Space::of(land.branch, SpaceKind::Report);
    for space in [roll, report] {
        let peer = land.first.keys().public().sign;
        assert_eq!(
            land.relay.ask(peer, space, NOW),
            Some(DenyReason::Revoked),
            "{space:?}"
        );
    }
    // An officer of the new committee has said so in the branch's roll, which proves the parent to the relay.
    assert!(
        land.secretary
            .replica()
            .store()
            .tip(&roll.id(), land.second.id())
            .unwrap()
            .is_some()
    );
    let second = land.second.unit();
    let (root, found, parent) = land.proven();
    assert_eq!((found, parent), (Some(root), second));
}

#[test]
fn a_phone_of_the_level_above_is_dismissed_and_another_one_appointed_by_the_root_alone() {
    let mut land = Land::found();
    let (old, unit) = (land.first.id(), land.branch);
    let paper = land.first.draft_dismissal(&[unit], old).unwrap();
    assert_eq!(paper.entries.len(), 1);
    let nobody = land.first.draft_dismissal(&[unit], land.province.id());
    assert!(matches!(nobody, Err(RootError::NoPhone)), "{nobody:?}");
    let card = land.second.committee_card().unwrap();
    let mut both = land.first.draft_appointment(&[unit], &card, NOW).unwrap();
    assert_eq!(both.entries.len(), 2);
    both.entries.extend(paper.entries);
    let both = signed(both, &land.keys, &[1, 2]);
    // Any officer's phone carries it; here the secretary's.
    land.secretary.carry_root(&both, 0..3).unwrap();
    land.sync();
    let membership = land.secretary.replica().membership(unit).unwrap();
    assert_eq!(membership.standing(old).unwrap().state, State::Revoked);
    assert_eq!(membership.standing(land.second.id()).unwrap().rank, rank::PARENT);
    assert_eq!(land.relay.take_rejected(), []);
}

#[test]
fn a_relay_takes_no_act_without_its_signatures_and_no_rank_one_writes_a_parent_that_outranks_the_root() {
    let mut land = Land::found();
    let paper = signed(land.paper_of_the_move(), &land.keys, &[0, 1]);
    let roll = Space::of(land.branch, SpaceKind::Roll);
    let id = roll.id();
    let keys = land.first.keys().clone();
    let tip = land.first.replica().store().tip(&id, keys.id()).unwrap();
    let sotay_engine::RootItem::Act(act) = &paper.entries[2].item else {
        panic!("an act")
    };
    // Without signatures, in the hand of a phone that may write almost anything here.
    let bare = Draft::next(&keys, Kind::ROOT, &id, tip)
        .sign(&keys, &id, &Record::Root(act.clone()).encode())
        .unwrap();
    let said = land
        .relay
        .offer(keys.public().sign, roll, &[bare.bytes().to_vec()], NOW);
    assert_eq!(said, [Some(sotay_sync::RefuseReason::Denied(DenyReason::Rank))]);
    land.first.carry_root(&paper, 0..paper.entries.len()).unwrap();
    land.sync();
    // The new committee's phone may name a parent too; the root's word stands above it.
    let second = land.second.keys().clone();
    let tip = land.relay.replica().store().tip(&id, second.id()).unwrap();
    let record = Record::Reparent(Reparent {
        parent: UnitId::from_bytes([7; 32]),
    });
    let other = Draft::next(&second, Kind::REPARENT, &id, tip)
        .sign(&second, &id, &record.encode())
        .unwrap();
    let said = land
        .relay
        .offer(second.public().sign, roll, &[other.bytes().to_vec()], NOW);
    assert_eq!(said, [None], "it may say so");
    land.sync();
    let membership = land.secretary.replica().membership(land.branch).unwrap();
    assert_eq!(membership.parent(), land.second.unit());
}

#[test]
fn units_without_a_root_of_several_keys_stay_as_they_were() {
    let mut device = Device::create(store(1), "P1", rng(1)).unwrap();
    device.create_unit(&new_unit("Chi bộ tự lập"), NOW).unwrap();
    assert_eq!(device.root().unwrap(), None);
    let (card, unit) = (device.committee_card().unwrap(), device.unit().unwrap());
    let refused = device.draft_appointment(&[unit], &card, NOW);
    assert!(matches!(refused, Err(RootError::NoRoot)), "{refused:?}");
    let elsewhere = device.draft_move(&[UnitId::from_bytes([3; 32])], &card, NOW);
    assert!(matches!(elsewhere, Err(RootError::NoUnit)), "{elsewhere:?}");
}
