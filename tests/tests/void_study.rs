//! What a removed phone published, or noted about reading and quizzes, beyond its cut-off: it goes where it was shown, stays away
//! where it comes later, and comes back when the removal no longer counts.

use std::collections::{BTreeMap, BTreeSet};

use sotay_engine::study::library::Hash;
use sotay_engine::study::quiz::{Attempt, Given, Package};
use sotay_engine::{LateWhat, Reason, SharedMark, Whom};
use sotay_feed::{DeviceId, Space, SpaceKind, Tip};
use sotay_store::Store;
use sotay_tests::branch::{P1, P2, P3};
use sotay_tests::hall::{Hall, everything};
use sotay_tests::levels::{document, statement};

const NOW: i64 = 1_780_000_000_000;
const SECOND: i64 = NOW / 1000;

fn unit_space(hall: &Hall, kind: SpaceKind) -> Space {
    Space::of(hall.branch.phones[P3].unit().unwrap(), kind)
}

fn tip(hall: &Hall, phone: usize, space: &Space, device: DeviceId) -> Tip {
    let store = hall.branch.phones[phone].replica().store();
    store.tip(&space.id(), device).unwrap().expect("it wrote there")
}

fn publish(hall: &mut Hall, phone: usize, code: &str) -> Hash {
    let law = document(code, "Bàn bạc ở thôn", Vec::new());
    hall.branch.phones[phone].publish_documents(&[law]).unwrap()[0]
}

fn quiz(hall: &Hall, document: Hash, title: &str) -> Package {
    let law = hall.branch.phones[P3].document(document).unwrap();
    let quote = "Mỗi chi bộ tổ chức học tập trong tháng ba.";
    Package {
        title: title.to_owned(),
        questions: vec![statement(&law, &format!("{title}?"), true, quote)],
        exam: None,
    }
}

/// What every phone shows to its holder of the shared library.
fn library(hall: &mut Hall, phone: usize) -> (Vec<String>, Vec<String>, usize) {
    let device = &mut hall.branch.phones[phone];
    let codes = device.library().unwrap();
    let codes = codes.into_iter().map(|entry| entry.manifest.code).collect();
    let quizzes = device.quizzes(SECOND).unwrap();
    let quizzes = quizzes.into_iter().map(|entry| entry.package.title).collect();
    let hits = device.search("bàn bạc ở thôn", 9).unwrap().hits;
    let found: BTreeSet<String> = hits.into_iter().map(|hit| hit.doc).collect();
    (codes, quizzes, found.len())
}

fn everybody(hall: &mut Hall, but: usize) {
    for phone in [P3, P2, P1, P3, P2, P1] {
        if phone != but {
            hall.sync(phone);
        }
    }
}

/// The deputy publishes a document and a quiz, then another document and another quiz; everybody has all of it.
fn published(seed: u64) -> (Hall, DeviceId, [Tip; 2]) {
    let mut hall = Hall::open(seed, NOW);
    let air = unit_space(&hall, SpaceKind::Broadcast);
    let deputy = hall.branch.phones[P2].id();
    let tips = ["mot", "hai"].map(|code| {
        let id = publish(&mut hall, P2, code);
        hall.sync(P2);
        hall.sync(P3);
        let package = quiz(&hall, id, &format!("Bài {code}"));
        hall.branch.phones[P2].publish_quiz(&package).unwrap();
        hall.sync(P2);
        tip(&hall, P2, &air, deputy)
    });
    everybody(&mut hall, usize::MAX);
    assert_eq!(library(&mut hall, P1).0.len(), 2);
    (hall, deputy, tips)
}

#[test]
fn publications_beyond_the_cut_off_go_and_those_up_to_it_stay() {
    for (seed, cut, left) in [(61, None, 0), (62, Some(0), 1), (63, Some(1), 2)] {
        let (mut hall, deputy, tips) = published(seed);
        let air = unit_space(&hall, SpaceKind::Broadcast).id().tag();
        let mut cutoffs: BTreeMap<_, _> = [SpaceKind::Roll, SpaceKind::Main, SpaceKind::Committee]
            .map(|kind| (unit_space(&hall, kind).id().tag(), everything()))
            .into();
        cutoffs.extend(cut.map(|at: usize| (air, tips[at])));
        hall.revoke_with(deputy, cutoffs);
        everybody(&mut hall, P2);
        let mut codes = vec!["mot".to_owned(), "hai".to_owned()];
        codes.truncate(left);
        for phone in [P1, P3] {
            let (mut shown, mut quizzes, hits) = library(&mut hall, phone);
            shown.sort_by_key(|code| code != "mot");
            quizzes.sort_by_key(|title| title != "Bài mot");
            assert_eq!(shown, codes, "P{} after {left}", phone + 1);
            assert_eq!(quizzes.len(), left);
            assert_eq!(hits, left);
            let late = hall.branch.phones[phone].late().unwrap();
            assert!(late.iter().all(|line| line.device == deputy
                && line.what == LateWhat::Publication
                && line.doc.is_none()));
            assert_eq!(late.is_empty(), left == 2);
            // Opened again it is the same, and nothing is done twice.
            hall.reopen(phone);
            assert_eq!(library(&mut hall, phone).0.len(), left);
            assert_eq!(hall.branch.phones[phone].late().unwrap(), late);
        }
        // What somebody else publishes too is theirs, whoever was first.
        publish(&mut hall, P3, "hai");
        everybody(&mut hall, P2);
        let shown = library(&mut hall, P1).0;
        assert!(shown.contains(&"hai".to_owned()), "{shown:?}");
    }
}

#[test]
fn what_comes_after_the_removal_is_never_shown() {
    let mut hall = Hall::open(64, NOW);
    let deputy = hall.branch.phones[P2].id();
    publish(&mut hall, P2, "mot");
    hall.sync(P2);
    everybody(&mut hall, P2);
    publish(&mut hall, P2, "hai");
    hall.branch.phones[P3]
        .revoke(Whom::Device(deputy), Reason::LOST)
        .unwrap();
    everybody(&mut hall, P2);
    // Another phone carries it, for no relay takes it from the removed one.
    let (left, right) = hall.branch.phones.split_at_mut(P2);
    sotay_tests::pump::meet(&mut right[0], &mut left[P1], 900, NOW, u64::MAX).unwrap();
    let before = library(&mut hall, P1).0;
    assert_eq!(before, ["mot"]);
}

#[test]
fn a_removal_that_no_longer_counts_gives_back_what_it_had_taken() {
    let mut hall = Hall::open(65, NOW);
    let law = publish(&mut hall, P3, "mot");
    hall.sync(P3);
    let member = hall.admit_by_ticket(7, 117, 4, NOW);
    hall.sync(member);
    everybody(&mut hall, member);
    let (roll, deputy) = (unit_space(&hall, SpaceKind::Roll), hall.branch.phones[P2].id());
    let target = hall.branch.phones[member].id();
    let before = tip(&hall, P2, &roll, deputy);
    // The deputy removes them without having seen what the others have seen.
    hall.branch.phones[member]
        .share_reading(law, SharedMark::Done)
        .unwrap();
    hall.sync(member);
    hall.sync(P3);
    let told = |hall: &Hall| hall.branch.phones[P3].readers_of(law).unwrap().len();
    assert_eq!(told(&hall), 1);
    hall.branch.phones[P2]
        .revoke(Whom::Device(target), Reason::MISUSE)
        .unwrap();
    hall.sync(P2);
    hall.sync(P3);
    assert_eq!(told(&hall), 0);
    let spaces = [SpaceKind::Main, SpaceKind::Broadcast, SpaceKind::Committee];
    let mut cutoffs: BTreeMap<_, _> = spaces
        .map(|kind| (unit_space(&hall, kind).id().tag(), everything()))
        .into();
    cutoffs.insert(roll.id().tag(), before);
    hall.revoke_with(deputy, cutoffs);
    assert_eq!(told(&hall), 1);
    assert_eq!(hall.branch.phones[P3].late().unwrap(), []);
}

#[test]
fn told_marks_fall_back_to_the_last_one_that_counts() {
    let mut hall = Hall::open(66, NOW);
    let main = unit_space(&hall, SpaceKind::Main);
    let deputy = hall.branch.phones[P2].id();
    let law = publish(&mut hall, P3, "mot");
    everybody(&mut hall, usize::MAX);
    let told = |hall: &Hall| hall.branch.phones[P3].readers_of(law).unwrap();
    hall.branch.phones[P2]
        .share_reading(law, SharedMark::Received)
        .unwrap();
    everybody(&mut hall, usize::MAX);
    let cut = tip(&hall, P2, &main, deputy);
    hall.branch.phones[P2]
        .share_reading(law, SharedMark::Done)
        .unwrap();
    everybody(&mut hall, usize::MAX);
    assert_eq!(told(&hall)[0].1, SharedMark::Done);
    let mut cutoffs = BTreeMap::from([(main.id().tag(), cut)]);
    cutoffs.insert(unit_space(&hall, SpaceKind::Roll).id().tag(), everything());
    hall.revoke_with(deputy, cutoffs);
    assert_eq!(told(&hall)[0].1, SharedMark::Received);
    let late = hall.branch.phones[P3].late().unwrap();
    assert_eq!(late.iter().filter(|line| line.what == LateWhat::Study).count(), 1);
}

#[test]
fn what_a_lost_phone_noted_for_its_holder_beyond_the_cut_off_goes_from_the_other_one() {
    let mut hall = Hall::open(67, NOW);
    let law = publish(&mut hall, P3, "mot");
    let package = quiz(&hall, law, "Bài");
    let quiz = hall.branch.phones[P3].publish_quiz(&package).unwrap();
    hall.sync(P3);
    let attempt = |started: i64| Attempt {
        started,
        finished: started + 60,
        package: quiz,
        seed: 7,
        given: BTreeMap::from([(package.questions[0].id(), Given::Truth(true))]),
    };
    let kept = hall.admit_by_ticket(11, 111, 4, NOW);
    hall.sync(kept);
    let lost = hall.admit_by_ticket(11, 112, 4, NOW);
    for phone in [lost, kept, lost] {
        hall.sync(phone);
    }
    let (unit, member) = (hall.branch.phones[P3].unit().unwrap(), hall.branch.member(11));
    let private = Space::private(unit, member);
    let id = hall.branch.phones[lost].id();
    hall.branch.phones[kept].read_on(law, 0, 5).unwrap();
    hall.branch.phones[lost].read_on(law, 1, 30).unwrap();
    hall.branch.phones[lost].hand_in(attempt(SECOND)).unwrap();
    hall.sync(lost);
    let cut = tip(&hall, lost, &private, id);
    let shown = |hall: &Hall| {
        let phone = &hall.branch.phones[kept];
        let read = phone.reading_of(law).unwrap();
        (read.furthest, read.seconds, phone.attempts(quiz).unwrap().len())
    };
    hall.sync(kept);
    let before = shown(&hall);
    assert_eq!(before, (1, 35, 1));
    // Somebody has it in hand.
    hall.branch.phones[lost].read_on(law, 2, 900).unwrap();
    hall.branch.phones[lost].hand_in(attempt(SECOND + 1000)).unwrap();
    hall.sync(lost);
    hall.sync(kept);
    assert_eq!(shown(&hall), (2, 935, 2));
    let cutoffs = BTreeMap::from([
        (private.id().tag(), cut),
        (unit_space(&hall, SpaceKind::Roll).id().tag(), everything()),
    ]);
    hall.revoke_with(id, cutoffs);
    hall.sync(P3);
    hall.sync(kept);
    assert_eq!(shown(&hall), before);
    let late = hall.branch.phones[kept].late().unwrap();
    assert_eq!(late.iter().filter(|line| line.what == LateWhat::Study).count(), 2);
    // It goes on from there.
    hall.branch.phones[kept].read_on(law, 2, 10).unwrap();
    assert_eq!(shown(&hall), (2, 45, 1));
    hall.reopen(kept);
    assert_eq!(shown(&hall), (2, 45, 1));
}
