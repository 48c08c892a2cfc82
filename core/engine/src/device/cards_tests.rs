//! Names and contacts that are corrected and erased, and what is recorded when somebody opens them.

use sotay_feed::Envelope;
use sotay_handbook::roster::{self, Activity};
use sotay_store::MemoryStore;
use sotay_sync::bundle;

use super::tests::{NOW, branch, join};
use super::*;

type Phone = Device<MemoryStore>;

/// Everything one phone holds and the other may read, as a file would carry it.
fn hand_over(from: &mut Phone, to: &mut Phone) {
    from.flush().unwrap();
    let theirs = to.spaces().unwrap();
    let mut spaces = from.spaces().unwrap();
    spaces.retain(|space| theirs.contains(space));
    let bytes = from.bundle_of(&spaces).unwrap();
    let read = bundle::read(&bytes).unwrap();
    bundle::import(&mut to.replica, read).unwrap();
    to.absorb().unwrap();
}

fn holds(phone: &Phone, text: &str) -> bool {
    let key = |tag, epoch| phone.ring.get(tag, epoch);
    phone.replica.store().spaces().unwrap().iter().any(|space| {
        let everything = sotay_store::Budget {
            count: usize::MAX,
            bytes: usize::MAX,
        };
        let page = phone.replica.store().since(space, 0, everything).unwrap();
        page.envelopes.iter().any(|stored| {
            let envelope = Envelope::decode(&stored.bytes).unwrap();
            let opened = key(space.tag(), envelope.header().epoch)
                .and_then(|key| sotay_vault::open_body(envelope.header_bytes(), key, envelope.body()).ok());
            opened.is_some_and(|body| body.windows(text.len()).any(|part| part == text.as_bytes()))
        })
    })
}

fn name(phone: &Phone, member: MemberId) -> Option<String> {
    phone.member_name(member)
}

fn contact(phone: &str) -> Contact {
    Contact {
        phone: phone.to_owned(),
        born: "02/03/1961".to_owned(),
        card: "40.123456".to_owned(),
        note: String::new(),
    }
}

#[test]
fn a_corrected_name_takes_the_old_ones_place_and_the_old_one_is_erased_everywhere() {
    let mut secretary = branch(1);
    let mut member = join(&mut secretary, 2, "P2", 4);
    let hoa = member.member().unwrap();
    secretary.rename_member(hoa, "Trần Thị Hoà").unwrap();
    hand_over(&mut secretary, &mut member);
    for phone in [&secretary, &member] {
        assert_eq!(name(phone, hoa).as_deref(), Some("Trần Thị Hoà"));
        assert!(holds(phone, "Trần Thị Hoà") && !holds(phone, "Trần Thị Hoa"));
    }
    // The member's own correction: what an officer's phone wrote is not the member's to erase.
    member.rename_member(hoa, "Trần Thị Hòa").unwrap();
    assert!(holds(&member, "Trần Thị Hoà"));
    hand_over(&mut member, &mut secretary);
    assert_eq!(name(&secretary, hoa).as_deref(), Some("Trần Thị Hòa"));
}

#[test]
fn an_erased_person_has_no_name_and_no_contact_on_any_phone_and_the_feeds_go_on() {
    let mut secretary = branch(1);
    let mut deputy = join(&mut secretary, 2, "P2", 3);
    let mut member = join(&mut secretary, 3, "P3", 4);
    let whom = member.member().unwrap();
    secretary.rename_member(whom, "Lê Thị Lan").unwrap();
    secretary.set_contact(whom, &contact("0912 345 678")).unwrap();
    hand_over(&mut secretary, &mut deputy);
    hand_over(&mut secretary, &mut member);
    assert!(holds(&deputy, "0912 345 678") && name(&member, whom).is_some());

    let erased = deputy.erase_person(whom).unwrap();
    assert_eq!((erased.cards, erased.old_name_remains), (2, false));
    hand_over(&mut deputy, &mut secretary);
    hand_over(&mut deputy, &mut member);
    for phone in [&mut secretary, &mut deputy, &mut member] {
        assert_eq!(name(phone, whom), None);
        assert!(!holds(phone, "Lê Thị Lan") && !holds(phone, "0912 345 678"));
        let line = phone.members(today(NOW)).unwrap();
        assert!(
            line.iter()
                .any(|line| line.line.member == whom && line.name.is_none())
        );
        let rng = Box::new(<rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(9));
        let again = Device::open(phone.replica.store().clone(), rng).unwrap();
        assert_eq!(name(&again, whom), None);
    }
    assert_eq!(secretary.open_contact(whom, NOW).unwrap(), None);
    assert!(secretary.contacts().unwrap().is_empty());
    // Who comes later never had it, and everything else works.
    secretary.rename_member(whom, "L.").unwrap();
    let late = join(&mut secretary, 4, "P4", 4);
    assert_eq!(name(&late, whom).as_deref(), Some("L."));
    assert!(!holds(&late, "Lê Thị Lan"));
}

#[test]
fn an_older_card_that_comes_after_an_erasure_brings_nothing_back_and_does_not_win_over_a_new_name() {
    let mut secretary = branch(1);
    let mut deputy = join(&mut secretary, 2, "P2", 3);
    let whom = deputy.member().unwrap();
    // Apart: the deputy writes once, the secretary twice and erases what is known there.
    deputy.rename_member(whom, "Tên cũ của phó").unwrap();
    deputy.set_contact(whom, &contact("111")).unwrap();
    for text in ["Tên một", "Tên hai"] {
        secretary.rename_member(whom, text).unwrap();
        secretary.set_contact(whom, &contact(text)).unwrap();
    }
    secretary.erase_person(whom).unwrap();
    hand_over(&mut deputy, &mut secretary);
    hand_over(&mut secretary, &mut deputy);
    for phone in [&mut secretary, &mut deputy] {
        assert_eq!(name(phone, whom), None);
        assert_eq!(phone.open_contact(whom, NOW).unwrap(), None);
        assert!(phone.contacts().unwrap().is_empty());
    }
    // Nothing is left over for the next erasure, which takes what came late.
    let again = deputy.erase_person(whom).unwrap();
    assert_eq!((again.cards, again.old_name_remains), (2, false));
    assert!(!holds(&deputy, "Tên cũ của phó") && !holds(&deputy, "111"));
    assert_eq!(deputy.erase_person(whom).unwrap().cards, 0);
    // A new name and number count over all of them.
    secretary.rename_member(whom, "L.").unwrap();
    secretary.set_contact(whom, &contact("222")).unwrap();
    hand_over(&mut deputy, &mut secretary);
    hand_over(&mut secretary, &mut deputy);
    for phone in [&mut secretary, &mut deputy] {
        assert_eq!(name(phone, whom).as_deref(), Some("L."));
        let shown = phone.open_contact(whom, NOW).unwrap().unwrap();
        assert_eq!(shown.phone, "222");
    }
}

#[test]
fn a_member_may_not_erase_people_nor_see_or_write_what_the_committee_knows() {
    let mut secretary = branch(1);
    let mut member = join(&mut secretary, 2, "P2", 4);
    let whom = secretary.member().unwrap();
    let denied = |error: DeviceError| assert!(matches!(error, DeviceError::Denied(_)), "{error}");
    denied(member.erase_person(whom).unwrap_err());
    denied(member.set_contact(whom, &contact("1")).unwrap_err());
    denied(member.open_contact(whom, NOW).unwrap_err());
    denied(member.contacts().unwrap_err());
    denied(member.accesses().unwrap_err());
    denied(member.consents(None).unwrap_err());
    denied(member.set_retention(12, NOW).unwrap_err());
}

#[test]
fn a_contact_is_corrected_taken_back_and_limited() {
    let mut secretary = branch(1);
    let whom = secretary.member().unwrap();
    secretary.set_contact(whom, &contact("0912 345 678")).unwrap();
    secretary.set_contact(whom, &contact("0987 654 321")).unwrap();
    assert!(!holds(&secretary, "0912 345 678"), "the card before is erased");
    let shown = secretary.open_contact(whom, NOW).unwrap().unwrap();
    assert_eq!(shown.phone, "0987 654 321");
    assert_eq!(secretary.contacts().unwrap(), [whom]);
    let long = contact(&"1".repeat(CONTACT_LINE_BYTES_MAX + 1));
    assert!(matches!(
        secretary.set_contact(whom, &long),
        Err(DeviceError::TooLong {
            limit: CONTACT_LINE_BYTES_MAX,
            ..
        })
    ));
    let stranger = MemberId::from_bytes([9; 16]);
    assert!(matches!(
        secretary.set_contact(stranger, &contact("1")),
        Err(DeviceError::NoMember)
    ));
    secretary.set_contact(whom, &Contact::default()).unwrap();
    assert!(!holds(&secretary, "0987 654 321"));
    assert_eq!(secretary.open_contact(whom, NOW).unwrap(), None);
}

#[test]
fn two_corrections_apart_merge_to_one_and_a_later_erasure_takes_both() {
    let mut secretary = branch(1);
    let mut deputy = join(&mut secretary, 2, "P2", 3);
    let whom = secretary.member().unwrap();
    secretary.set_contact(whom, &contact("111")).unwrap();
    deputy.set_contact(whom, &contact("222")).unwrap();
    hand_over(&mut secretary, &mut deputy);
    hand_over(&mut deputy, &mut secretary);
    let both = [
        secretary.open_contact(whom, NOW).unwrap(),
        deputy.open_contact(whom, NOW).unwrap(),
    ];
    assert!(both[0].is_some() && both[0] == both[1], "{both:?}");
    secretary.erase_person(whom).unwrap();
    assert!(!holds(&secretary, "111") && !holds(&secretary, "222"));
}

#[test]
fn opening_a_contact_and_an_item_of_feedback_leaves_a_record_that_all_officers_list() {
    let mut secretary = branch(1);
    let mut deputy = join(&mut secretary, 2, "P2", 3);
    let whom = secretary.member().unwrap();
    secretary.set_contact(whom, &contact("111")).unwrap();
    hand_over(&mut secretary, &mut deputy);
    assert!(deputy.accesses().unwrap().is_empty());
    deputy.open_contact(whom, NOW + 1).unwrap();
    deputy.flush().unwrap();
    let new = NewFeedback {
        topic: "Loa".into(),
        text: "Đề nghị sửa loa.".into(),
        named: true,
        ..NewFeedback::default()
    };
    secretary.submit_feedback(&new, NOW).unwrap();
    secretary.flush().unwrap();
    hand_over(&mut secretary, &mut deputy);
    assert_eq!(deputy.feedback(NOW + 2).unwrap().len(), 1);
    assert_eq!(deputy.feedback(NOW + 3).unwrap().len(), 1, "recorded once");
    hand_over(&mut deputy, &mut secretary);
    let lines = secretary.accesses().unwrap();
    let seen: Vec<_> = lines
        .iter()
        .map(|line| (line.at_ms, line.what, line.items))
        .collect();
    assert_eq!(
        seen,
        [(NOW + 2, Opened::Feedback, 1), (NOW + 1, Opened::Contact, 0)]
    );
    assert!(
        lines
            .iter()
            .all(|line| line.device == deputy.id() && line.by == deputy.member())
    );
    assert_eq!(lines[1].member, Some(whom));
}

#[test]
fn consents_and_the_rule_how_long_data_is_kept_are_dated_records() {
    let mut secretary = branch(1);
    let whom = secretary
        .add_members(&[NewMember::named("Ông Hải")], today(NOW), NOW)
        .unwrap()[0];
    let day = today(NOW);
    secretary
        .record_consent(whom, "Lưu số điện thoại", true, day, NOW)
        .unwrap();
    secretary
        .record_consent(whom, "Lưu số điện thoại", false, day, NOW + 1)
        .unwrap();
    let consents = secretary.consents(Some(whom)).unwrap();
    assert_eq!(
        consents.iter().map(|line| line.given).collect::<Vec<_>>(),
        [true, false]
    );
    assert!(secretary.consents(secretary.member()).unwrap().is_empty());
    assert!(matches!(
        secretary.record_consent(whom, " ", true, day, NOW),
        Err(DeviceError::EmptyName)
    ));
    let long = "x".repeat(PURPOSE_BYTES_MAX + 1);
    assert!(secretary.record_consent(whom, &long, true, day, NOW).is_err());

    assert_eq!(secretary.retention().unwrap(), None);
    assert!(secretary.set_retention(RETENTION_MONTHS_MAX + 1, NOW).is_err());
    secretary.set_retention(60, NOW).unwrap();
    secretary.set_retention(12, NOW + 1).unwrap();
    assert_eq!(secretary.retention().unwrap(), Some(12));
    let leaves = roster::Command::SetActivity {
        member: whom,
        from: day,
        activity: Activity::Removed,
    };
    secretary.roster(&leaves, NOW).unwrap();
    let year = 366 * 24 * 3_600_000;
    assert!(secretary.retention_due(NOW).unwrap().is_empty());
    assert!(secretary.retention_due(NOW + year / 2).unwrap().is_empty());
    assert_eq!(secretary.retention_due(NOW + year).unwrap(), [whom]);
    secretary.erase_person(whom).unwrap();
    assert!(secretary.retention_due(NOW + year).unwrap().is_empty());
}

#[test]
fn a_name_of_an_earlier_version_is_shown_until_it_is_erased_and_said_to_remain() {
    let mut secretary = branch(1);
    let whom = MemberId::from_bytes([5; 16]);
    let record = super::people::PersonRecord {
        subject: super::people::Subject::Member(whom),
        revision: 1,
        name: "Tên cũ".to_owned(),
    };
    let main = secretary.space(SpaceKind::Main).unwrap();
    let old = vec![(sotay_feed::Kind::PERSON, record.encode())];
    secretary.publish(&main, old, Vec::new()).unwrap();
    secretary.absorb().unwrap();
    assert_eq!(name(&secretary, whom).as_deref(), Some("Tên cũ"));
    let erased = secretary.erase_person(whom).unwrap();
    assert_eq!((erased.cards, erased.old_name_remains), (0, true));
    assert_eq!(
        name(&secretary, whom),
        None,
        "in the records, and shown by no phone"
    );
    // A phone that reads everything from the beginning shows it neither.
    let late = join(&mut secretary, 2, "P2", 4);
    assert!(holds(&late, "Tên cũ"));
    assert_eq!(name(&late, whom), None);
}
