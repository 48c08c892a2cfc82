//! A province, a commune below it and a branch below that: what is published above is read by every member below, over
//! real devices and one relay.

use sotay_engine::handbook::directive::{DirectiveKind, Issuer};
use sotay_engine::handbook::{Date, Month};
use sotay_engine::study::broadcast::{Broadcast, WatchLink};
use sotay_engine::study::library::{Link, LinkKind};
use sotay_engine::study::quiz::{Attempt, Given, Package};
use sotay_engine::{Device, Event, NewUnit, Reason, Whom};
use sotay_feed::{Kind, Space, SpaceKind};
use sotay_store::{Budget, MemoryStore, Store};
use sotay_tests::levels::{
    BRANCH, COMMUNE, Levels, MEMBER, NOW, PROVINCE, document, join, rng, statement, store,
};

fn fees(from: &str, amount: u32) -> String {
    format!(
        r#"{{"sotay":"fees","version":1,"name":"Mức {amount}","from":"{from}","rules":[{{"amount":{amount}}}]}}"#
    )
}

fn amount(device: &Device<MemoryStore>, month: &str) -> u32 {
    let month: Month = month.parse().unwrap();
    device.fee_rates(month).unwrap().rules[0].amount
}

#[test]
fn what_a_province_publishes_is_searched_on_a_members_phone_two_levels_below_with_its_issuer() {
    let mut levels = Levels::new();
    let id = levels.phones[PROVINCE]
        .publish_documents(&[document("05-NQ/TU", "Học tập nghị quyết", Vec::new())])
        .unwrap()[0];
    levels.settle();
    let member = &mut levels.phones[MEMBER];
    let entry = &member.library().unwrap()[0];
    assert_eq!((entry.id, entry.complete), (id, true));
    assert_eq!(
        (entry.from.steps, entry.from.name.as_deref()),
        (2, Some("Đảng bộ tỉnh"))
    );
    let hits = member.search("hoc tap thang ba", 3).unwrap().hits;
    assert_eq!(hits.first().map(|hit| hit.section.as_str()), Some("Điều 1"));
    assert!(member.ask("Mỗi chi bộ tổ chức học tập khi nào?").unwrap().found());
    let above = member.levels_above().unwrap();
    assert!(above.iter().all(|line| line.known && line.readable), "{above:?}");
    let names: Vec<Option<&str>> = above.iter().map(|line| line.origin.name.as_deref()).collect();
    assert_eq!(names, [Some("Đảng bộ xã"), Some("Đảng bộ tỉnh")]);
    assert_eq!(above[1].published, 1);
    // Opened again, it is all still there.
    let member = levels.phones.remove(MEMBER);
    let again = Device::open(member.into_store(), rng(8)).unwrap();
    assert_eq!(again.library().unwrap().len(), 1);
}

#[test]
fn a_member_takes_the_quiz_that_the_province_published_two_levels_above() {
    let mut levels = Levels::new();
    let text = document("05-NQ/TU", "Học tập nghị quyết", Vec::new());
    levels.phones[PROVINCE]
        .publish_documents(std::slice::from_ref(&text))
        .unwrap();
    let question =
        |words, right| statement(&text, words, right, "Mỗi chi bộ tổ chức học tập trong tháng ba.");
    let package = Package {
        title: "Nghị quyết 05".to_owned(),
        questions: vec![
            question("Chi bộ học tập trong tháng ba?", true),
            question("Chi bộ học tập trong tháng tư?", false),
        ],
        exam: None,
    };
    let id = levels.phones[PROVINCE].publish_quiz(&package).unwrap();
    levels.settle();
    let member = &mut levels.phones[MEMBER];
    let started = NOW / 1000;
    let quizzes = member.quizzes(started).unwrap();
    assert_eq!((quizzes.len(), quizzes[0].id), (1, id));
    let given = package.questions.iter().zip([true, true]);
    let attempt = Attempt {
        started,
        finished: started + 60,
        package: id,
        seed: 7,
        given: given
            .map(|(question, said)| (question.id(), Given::Truth(said)))
            .collect(),
    };
    let marks = member.hand_in(attempt).unwrap().marks;
    assert_eq!((marks.right, marks.total), (1, 2));
    // The attempt is the member's own: nobody above hears of it.
    levels.settle();
    for phone in [PROVINCE, COMMUNE, BRANCH] {
        let entry = levels.phones[phone].quizzes(started).unwrap().remove(0);
        assert_eq!((entry.id, entry.attempts), (id, 0), "phone {phone}");
    }
}

#[test]
fn the_keys_go_down_in_one_envelope_a_space_and_nothing_more_is_written_when_nothing_is_due() {
    let mut levels = Levels::new();
    levels.settle();
    let handed = |device: &Device<MemoryStore>, space: Space| {
        let all = Budget {
            count: 1000,
            bytes: 1 << 20,
        };
        let page = device.replica().store().since(&space.id(), 0, all).unwrap();
        let dispatches = page.envelopes.into_iter();
        dispatches
            .filter(|stored| stored.kind == Kind::DISPATCH)
            .map(|stored| stored.bytes.len())
            .collect::<Vec<_>>()
    };
    let (main, report) = (
        Space::of(levels.branch, SpaceKind::Main),
        Space::of(levels.branch, SpaceKind::Report),
    );
    let before = (
        handed(&levels.phones[BRANCH], main),
        handed(&levels.phones[BRANCH], report),
    );
    assert!(!before.0.is_empty() && !before.1.is_empty());
    assert!(
        before.0.iter().chain(&before.1).all(|bytes| *bytes < 600),
        "{before:?}"
    );
    levels.settle();
    let after = (
        handed(&levels.phones[BRANCH], main),
        handed(&levels.phones[BRANCH], report),
    );
    assert_eq!(before, after);
}

#[test]
fn a_newcomer_reads_what_was_published_above_before_and_after_a_new_key() {
    let mut levels = Levels::new();
    levels.settle();
    let first = document("05-NQ/TU", "Học tập nghị quyết", Vec::new());
    levels.phones[COMMUNE].publish_documents(&[first]).unwrap();
    // An officer of the commune leaves: the commune's keys are made anew.
    let gone = join(&mut levels.phones[COMMUNE], 5, 3);
    levels.sync(COMMUNE);
    let change = levels.phones[COMMUNE]
        .revoke(Whom::Device(gone.id()), Reason::LEFT)
        .unwrap();
    assert!(
        change.rekeyed.contains(&SpaceKind::Broadcast),
        "{:?}",
        change.rekeyed
    );
    let second = document("06-NQ/TU", "Chống lũ", Vec::new());
    levels.phones[COMMUNE].publish_documents(&[second]).unwrap();
    levels.settle();
    let newcomer = join(&mut levels.phones[BRANCH], 6, 4);
    levels.phones.push(newcomer);
    levels.settle();
    for phone in [BRANCH, MEMBER, MEMBER + 1] {
        let library = levels.phones[phone].library().unwrap();
        assert_eq!(library.len(), 2, "phone {phone}");
        assert!(
            library
                .iter()
                .all(|entry| entry.complete && entry.from.steps == 1)
        );
    }
}

#[test]
fn a_document_withdrawn_from_above_is_under_a_banner_below_and_no_branch_withdraws_what_came_from_above() {
    let mut levels = Levels::new();
    let withdraws = |code: &str| Link {
        kind: LinkKind::Withdraws,
        code: code.to_owned(),
        issuer: Some("Tỉnh ủy".to_owned()),
        date: None,
    };
    levels.phones[PROVINCE]
        .publish_documents(&[
            document("05-NQ/TU", "Học tập nghị quyết", Vec::new()),
            document("06-NQ/TU", "Chống lũ", Vec::new()),
        ])
        .unwrap();
    levels.settle();
    levels.phones[PROVINCE]
        .publish_documents(&[document(
            "07-QĐ/TU",
            "Thu hồi nghị quyết 05",
            vec![withdraws("05-NQ/TU")],
        )])
        .unwrap();
    levels.phones[BRANCH]
        .publish_documents(&[document(
            "01-TB/CB",
            "Chi bộ tự thu hồi",
            vec![withdraws("06-NQ/TU")],
        )])
        .unwrap();
    levels.settle();
    let library = levels.phones[MEMBER].library().unwrap();
    let of = |code: &str| {
        let entry = library.iter().find(|entry| entry.manifest.code == code).unwrap();
        (entry.from.steps, entry.superseded.len())
    };
    assert_eq!(
        [of("05-NQ/TU"), of("06-NQ/TU"), of("01-TB/CB")],
        [(2, 1), (2, 0), (0, 0)]
    );
}

#[test]
fn directives_and_broadcasts_of_every_level_hold_below_and_of_one_day_the_highest_counts() {
    let mut levels = Levels::new();
    let publish = |levels: &mut Levels, phone: usize, json: &str| {
        levels.phones[phone].publish_directive(json).unwrap();
    };
    publish(&mut levels, PROVINCE, &fees("2026-01-01", 7000));
    publish(&mut levels, COMMUNE, &fees("2026-01-01", 8000));
    publish(&mut levels, BRANCH, &fees("2026-03-01", 9000));
    let at = |hour: i64| Broadcast {
        start: NOW / 1000 + hour * 3600,
        minutes: 60,
        title: format!("Phát lúc {hour}"),
        links: vec![WatchLink {
            label: "Kênh 1".to_owned(),
            url: "https://truyenhinh.example/1".to_owned(),
        }],
        recording: None,
    };
    let branch = levels.branch;
    levels.phones[PROVINCE]
        .publish_broadcasts(vec![at(2)], NOW)
        .unwrap();
    levels.phones[BRANCH]
        .publish_broadcasts(vec![at(3)], NOW)
        .unwrap();
    levels.settle();
    for phone in [BRANCH, MEMBER] {
        let device = &levels.phones[phone];
        assert_eq!(
            ["2026-02", "2026-03"].map(|month| amount(device, month)),
            [7000, 9000]
        );
        let day: Date = "2026-02-10".parse().unwrap();
        let entries = device.directives(day).unwrap();
        let held = entries
            .iter()
            .find(|entry| entry.kind == DirectiveKind::Fees && entry.in_force);
        let held = held.unwrap();
        assert_eq!(held.issuer, Issuer::Above);
        let publisher = held.publisher.as_ref().unwrap();
        assert_eq!(
            (publisher.steps, publisher.name.as_deref()),
            (2, Some("Đảng bộ tỉnh"))
        );
        let lines = device.broadcast_lines(NOW / 1000).unwrap();
        let shown: Vec<(&str, u8)> = lines
            .iter()
            .map(|line| (line.broadcast.title.as_str(), line.from.steps))
            .collect();
        assert_eq!(shown, [("Phát lúc 2", 2), ("Phát lúc 3", 0)]);
        assert_eq!(lines[1].from.unit, branch);
    }
    // The province decides that its own count before what is decided below.
    let policy = include_str!("../../core/handbook/data/policy-vn-1.json");
    let policy = policy.replacen('{', "{\"precedence\": \"level\",", 1);
    publish(
        &mut levels,
        PROVINCE,
        &policy.replacen("2025-01-01", "2026-01-01", 1),
    );
    while levels.phones[MEMBER].next_event().is_some() {}
    levels.settle();
    assert_eq!(amount(&levels.phones[MEMBER], "2026-03"), 7000);
    let told = std::iter::from_fn(|| levels.phones[MEMBER].next_event());
    assert!(told.into_iter().any(|event| event == Event::Library));
}

#[test]
fn those_above_get_no_key_of_the_branch_and_a_stranger_none_of_the_province() {
    let mut levels = Levels::new();
    levels.phones[PROVINCE]
        .publish_documents(&[document("05-NQ/TU", "Học tập nghị quyết", Vec::new())])
        .unwrap();
    let stranger = Device::create(store(7), "P9", rng(7)).unwrap();
    levels.phones.push(stranger);
    let unit = NewUnit {
        name: "Chi bộ lạ".to_owned(),
        upper: "Đảng bộ tỉnh".to_owned(),
        founder: "Ngô Văn Lạ".to_owned(),
        since: None,
    };
    let last = levels.phones.len() - 1;
    levels.phones[last].create_unit(&unit, NOW).unwrap();
    levels.settle();
    for upper in [PROVINCE, COMMUNE] {
        let device = &levels.phones[upper];
        for kind in [SpaceKind::Main, SpaceKind::Committee, SpaceKind::Inbox] {
            let id = Space::of(levels.branch, kind).id();
            assert!(
                device.replica().store().frontier(&id).unwrap().is_empty(),
                "{kind:?}"
            );
            let membership = levels.phones[BRANCH].replica().membership(levels.branch).unwrap();
            assert!(
                membership
                    .epochs(&id)
                    .iter()
                    .all(|record| !record.boxes.contains_key(&device.id())),
                "{kind:?}"
            );
        }
    }
    assert_eq!(levels.phones[last].library().unwrap(), []);
    assert_eq!(levels.phones[last].levels_above().unwrap(), []);
}
