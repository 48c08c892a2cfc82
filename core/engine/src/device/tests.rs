//! One phone, and two, without threads or a network.

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_store::{DatabaseId, MemoryStore};

use super::*;

pub(super) const NOW: i64 = 1_778_000_000_000;

pub(super) fn device(seed: u64, label: &str) -> Device<MemoryStore> {
    let store = MemoryStore::new(DatabaseId([seed as u8; 16]));
    Device::create(store, label, Box::new(StdRng::seed_from_u64(seed))).unwrap()
}

pub(super) fn branch(seed: u64) -> Device<MemoryStore> {
    let mut device = device(seed, "P3");
    let new = NewUnit {
        name: "Chi bộ thôn An Lạc".to_owned(),
        upper: "Đảng bộ xã Đông Phong".to_owned(),
        founder: "Nguyễn Văn Bình".to_owned(),
        since: None,
    };
    device.create_unit(&new, NOW).unwrap();
    device
}

#[test]
fn a_founder_is_secretary_and_stands_on_the_roster_by_name() {
    let mut device = branch(1);
    let card = device.unit_card().unwrap();
    assert_eq!((card.name.as_str(), card.rank), ("Chi bộ thôn An Lạc", Some(2)));
    let members = device.members(today(NOW)).unwrap();
    assert_eq!(members.len(), 1);
    assert_eq!(members[0].name.as_deref(), Some("Nguyễn Văn Bình"));
}

pub(super) fn join(
    secretary: &mut Device<MemoryStore>,
    seed: u64,
    label: &str,
    rank: u8,
) -> Device<MemoryStore> {
    let mut joiner = device(seed, label);
    let names = [NewMember::named("Trần Thị Hoa")];
    let member = secretary.add_members(&names, today(NOW), NOW).unwrap()[0];
    let ask = AdmitRequest {
        request: joiner.join_request().unwrap().to_text(),
        member,
        rank,
        committee: false,
        probationary: false,
        relays: Vec::new(),
    };
    let invitation = secretary.admit(&ask, NOW).unwrap();
    joiner.accept(&invitation).unwrap();
    joiner
}

pub(super) fn law() -> sotay_study::library::Document {
    use sotay_study::library::{Date, Details, import};
    let details = Details {
        kind: "Luật".to_owned(),
        code: "10/2022/QH15".to_owned(),
        issuer: "Quốc hội".to_owned(),
        date: Date::new(2022, 11, 10).unwrap(),
        title: "Luật Thực hiện dân chủ ở cơ sở".to_owned(),
        alias: None,
        links: Vec::new(),
        blobs: Vec::new(),
    };
    let text = "Điều 1. Phạm vi điều chỉnh\nLuật này quy định nội dung, cách thức thực hiện dân chủ ở cơ sở.\n\
                Điều 2. Giải thích từ ngữ\nCộng đồng dân cư là những công dân cư trú trên địa bàn thôn, tổ dân phố.\n";
    import(text.as_bytes(), "luat.txt", details).unwrap().document
}

#[test]
fn what_an_officer_publishes_is_found_by_a_member_who_was_admitted_later() {
    let mut secretary = branch(1);
    let id = secretary.publish_documents(&[law()]).unwrap()[0];
    let mut member = join(&mut secretary, 2, "P1", 4);
    let hits = member.search("cong dong dan cu", 5).unwrap().hits;
    assert_eq!(hits.first().map(|hit| hit.section.as_str()), Some("Điều 2"));
    assert_eq!(member.document(id).unwrap(), law());
    assert!(member.ask("Cộng đồng dân cư là gì?").unwrap().found());
    let entry = &member.library().unwrap()[0];
    assert!(entry.complete && entry.read.furthest == 0);
}

#[test]
fn publishing_twice_changes_nothing_and_a_member_may_not_publish() {
    let mut secretary = branch(1);
    secretary.publish_documents(&[law()]).unwrap();
    let space = Space::of(secretary.unit().unwrap(), SpaceKind::Broadcast).id();
    let head = secretary.replica().store().head(&space).unwrap();
    secretary.publish_documents(&[law()]).unwrap();
    assert_eq!(secretary.replica().store().head(&space).unwrap(), head);
    let mut member = join(&mut secretary, 2, "P1", 4);
    let denied = member.publish_documents(&[law()]);
    assert!(
        matches!(denied, Err(LibraryError::Device(DeviceError::Denied(_)))),
        "{denied:?}"
    );
}

#[test]
fn reading_marks_stay_with_their_reader_and_survive_opening_again() {
    let mut secretary = branch(1);
    let id = secretary.publish_documents(&[law()]).unwrap()[0];
    let mut member = join(&mut secretary, 2, "P1", 4);
    assert_eq!(member.read_on(id, 1, 30).unwrap().furthest, 1);
    assert!(member.finish_reading(id).unwrap().finished);
    assert_eq!(secretary.library().unwrap()[0].read.furthest, 0);
    let again = Device::open(member.into_store(), Box::new(StdRng::seed_from_u64(9))).unwrap();
    assert!(again.library().unwrap()[0].read.finished);
}

#[test]
fn an_invitation_for_another_phone_or_with_a_changed_record_leaves_no_trace() {
    let mut secretary = branch(1);
    let mut joiner = device(2, "P1");
    let member = secretary
        .add_members(&[NewMember::named("Lê Văn An")], today(NOW), NOW)
        .unwrap()[0];
    let ask = AdmitRequest {
        request: joiner.join_request().unwrap().to_text(),
        member,
        rank: 4,
        committee: false,
        probationary: false,
        relays: Vec::new(),
    };
    let invitation = secretary.admit(&ask, NOW).unwrap();
    let mut other = device(3, "P9");
    assert!(matches!(other.accept(&invitation), Err(JoinError::OtherDevice)));
    let mut damaged = invitation.clone();
    let at = damaged.bundle.len() / 2;
    damaged.bundle[at] ^= 1;
    assert!(joiner.accept(&damaged).is_err());
    assert_eq!(joiner.unit(), None);
    assert!(joiner.replica().store().spaces().unwrap().is_empty());
    joiner.accept(&invitation).unwrap();
    assert_eq!(joiner.unit(), secretary.unit());
    assert!(matches!(joiner.accept(&invitation), Err(JoinError::Already)));
    // An invitation that was lost is handed out again; for somebody else it is not.
    assert_eq!(secretary.admit(&ask, NOW).unwrap().grant, invitation.grant);
    let other = AdmitRequest {
        member: secretary.member().unwrap(),
        ..ask
    };
    assert!(
        matches!(secretary.admit(&other, NOW), Err(AdmitError::Already { member: found }) if found == member)
    );
}

#[test]
fn a_member_may_not_admit_and_a_deputy_may_not_admit_a_secretary() {
    let mut secretary = branch(1);
    let mut deputy = join(&mut secretary, 2, "P2", 3);
    let mut member = join(&mut secretary, 3, "P1", 4);
    let mut joiner = device(4, "P4");
    let whom = secretary.member().unwrap();
    let ask = |rank, joiner: &mut Device<MemoryStore>| AdmitRequest {
        request: joiner.join_request().unwrap().to_text(),
        member: whom,
        rank,
        committee: false,
        probationary: false,
        relays: Vec::new(),
    };
    let denied =
        |result: Result<_, AdmitError>| matches!(result, Err(AdmitError::Device(DeviceError::Denied(_))));
    assert!(denied(member.admit(&ask(4, &mut joiner), NOW)));
    assert!(denied(deputy.admit(&ask(2, &mut joiner), NOW)));
    assert!(matches!(
        secretary.admit(&ask(1, &mut joiner), NOW),
        Err(AdmitError::Rank(1))
    ));
    // The founding profile still holds the authority's keys: a second phone of the secretary.
    assert!(secretary.admit(&ask(2, &mut joiner), NOW).is_ok());
}

#[test]
fn one_more_member_than_a_change_may_hold_is_two_changes() {
    let mut secretary = branch(1);
    let many: Vec<NewMember> = (0..=roster::LINES_PER_CHANGE_MAX)
        .map(|number| NewMember::named(&format!("Đảng viên {number}")))
        .collect();
    secretary.add_members(&many, today(NOW), NOW).unwrap();
    let members = secretary.members(today(NOW)).unwrap();
    assert_eq!(members.len(), roster::LINES_PER_CHANGE_MAX + 2);
    assert!(
        members
            .iter()
            .enumerate()
            .all(|(at, member)| member.line.number as usize == at + 1)
    );
}

#[test]
fn a_label_over_the_limit_makes_no_profile() {
    let made = |bytes: usize| {
        let store = MemoryStore::new(DatabaseId([1; 16]));
        Device::create(store, &"x".repeat(bytes), Box::new(StdRng::seed_from_u64(1)))
    };
    let limit = crate::LABEL_BYTES_MAX;
    assert!(made(limit).unwrap().join_request().is_ok());
    let refused = made(limit + 1).err();
    assert!(
        matches!(refused, Some(DeviceError::TooLong { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_unit_that_could_not_be_named_is_not_founded_and_founding_it_again_works() {
    let mut device = device(1, "P1");
    let mut new = NewUnit {
        name: " ".to_owned(),
        upper: "Đảng bộ xã Đông Phong".to_owned(),
        founder: "Nguyễn Văn Bình".to_owned(),
        since: None,
    };
    let refused = device.create_unit(&new, NOW);
    assert!(
        matches!(refused, Err(CreateUnitError::Device(DeviceError::EmptyName))),
        "{refused:?}"
    );
    assert_eq!(device.unit(), None);
    new.name = "Chi bộ".to_owned();
    device.create_unit(&new, NOW).unwrap();
    let blank = device.add_members(&[NewMember::named("\u{a0} ")], today(NOW), NOW);
    assert!(matches!(blank, Err(DeviceError::EmptyName)), "{blank:?}");
}

/// More changes of one phone than may wait arrive before the one they build on.
#[test]
fn changes_that_find_no_room_to_wait_are_read_again_when_what_they_wait_for_is_here() {
    use sotay_document::limits::ORPHANS_PER_AUTHOR_MAX;
    use sotay_feed::Envelope;
    use sotay_handbook::meeting::{Command, MeetingKind};
    use sotay_store::Budget;

    let mut secretary = branch(1);
    let mut second = join(&mut secretary, 2, "P1", 3);
    let mut third = join(&mut secretary, 3, "P2", 4);
    let doc = secretary
        .new_meeting(MeetingKind::Thematic, None, Some(today(NOW)), NOW)
        .unwrap();
    secretary.flush().unwrap();
    let main = secretary.space(SpaceKind::Main).unwrap();
    let all = Budget {
        count: 10_000,
        bytes: 1 << 26,
    };
    let of = |device: &Device<MemoryStore>, author: DeviceId| -> Vec<Envelope> {
        let page = device.replica().store().since(&main.id(), 0, all).unwrap();
        let own = page.envelopes.iter().filter(|stored| stored.device == author);
        own.map(|stored| Envelope::decode(&stored.bytes).unwrap())
            .collect()
    };
    let (first_id, second_id) = (secretary.id(), second.id());
    let founding = of(&secretary, first_id);
    second.replica.admit(&main, founding.clone(), Vec::new()).unwrap();
    second.absorb().unwrap();
    let edits = ORPHANS_PER_AUTHOR_MAX + 40;
    for edit in 0..edits {
        let place = Command::SetPlace(format!("Nhà văn hóa, phòng {edit}").as_str().into());
        second.meeting(doc, &place, NOW).unwrap();
        // An envelope for every few changes, as when somebody types while connected.
        if edit % 20 == 0 {
            second.flush().unwrap();
        }
    }
    second.flush().unwrap();

    third
        .replica
        .admit(&main, of(&second, second_id), Vec::new())
        .unwrap();
    third.absorb().unwrap();
    assert!(
        third.meeting_view(doc).unwrap().place.value.is_none(),
        "everything waits"
    );
    third.replica.admit(&main, founding, Vec::new()).unwrap();
    third.absorb().unwrap();
    let place = third.meeting_view(doc).unwrap().place.value.unwrap();
    assert_eq!(place.as_str(), format!("Nhà văn hóa, phòng {}", edits - 1));
}
