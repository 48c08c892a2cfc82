//! A whole year of a branch on real devices: everything converges, adds up, and what it weighs is printed.

use std::collections::BTreeSet;

use serde_json::Value;
use sotay_engine::handbook::Lang;
use sotay_feed::SpaceKind;
use sotay_store::{DatabaseId, MemoryStore, Store};
use sotay_tests::branch::{Branch, P1, P2, P3, at};
use sotay_tests::pump::sync;
use sotay_tests::shard::Shard;
use sotay_tests::year::{YEAR, live};

#[test]
fn a_year_of_a_branch_converges_on_all_phones_and_adds_up() {
    let store = |number: u8| MemoryStore::new(DatabaseId([number; 16]));
    let mut branch = Branch::found([1, 2, 3].map(store), 9);
    let mut relay = Shard::open(store(9)).expect("the relay opens");
    let mut links = 0;
    let mut meet = |branch: &mut Branch<MemoryStore>| {
        for phone in [P1, P3, P1] {
            links += 1;
            sync(&mut branch.phones[phone], &mut relay, links, at(0));
        }
    };
    let year = live(&mut branch, 7, &mut meet);
    assert_eq!(
        (year.meetings.len(), year.fee_lines, year.feedback),
        (16, 720, 300)
    );
    // P2 was away all year.
    for (link, phone) in [(1_000_001, P2), (1_000_002, P1), (1_000_003, P3), (1_000_004, P2)] {
        sync(&mut branch.phones[phone], &mut relay, link, at(0));
    }
    let shown = |branch: &mut Branch<MemoryStore>, phone: usize| {
        let device = &mut branch.phones[phone];
        let minutes: Vec<String> = year
            .meetings
            .iter()
            .map(|doc| device.minutes(*doc).unwrap().sha256)
            .collect();
        let reviews = device.review_all().unwrap();
        let tasks = device.tasks(YEAR).unwrap();
        let fees = device.fees(YEAR).unwrap();
        let rating = device.rating(YEAR).unwrap();
        let resolutions = device.resolutions().unwrap();
        let feedback = device.feedback(0).unwrap();
        assert_eq!(feedback.len(), 300, "P{}", phone + 1);
        assert_eq!(
            feedback.iter().filter(|view| view.item.member.is_none()).count(),
            24
        );
        (minutes, reviews, tasks, fees, rating, resolutions, feedback)
    };
    let first = shown(&mut branch, P1);
    for phone in [P2, P3] {
        assert!(
            shown(&mut branch, phone) == first,
            "P{} shows another year",
            phone + 1
        );
    }
    assert_eq!(
        branch.phones[P2].reports(YEAR).unwrap(),
        branch.phones[P3].reports(YEAR).unwrap()
    );
    let (_, _, tasks, fees, rating, resolutions, _) = first;
    assert_eq!((fees.total(), fees.lines.len()), (year.paid, 720));
    assert_eq!((tasks.tasks.len(), rating.cards.len()), (64, 42));
    assert_eq!(resolutions.len(), 4);
    assert_eq!(branch.phones[P3].reports(YEAR).unwrap().sent.len(), 12);
    // The weight of the year at the relay, by space.
    let unit = branch.phones[P3].unit().unwrap();
    for kind in [SpaceKind::Main, SpaceKind::Committee, SpaceKind::Report] {
        let space = sotay_feed::Space::of(unit, kind).id();
        let budget = sotay_store::Budget {
            count: usize::MAX,
            bytes: usize::MAX,
        };
        let page = branch.phones[P3].store_mut().since(&space, 0, budget).unwrap();
        let bytes: usize = page.envelopes.iter().map(|stored| stored.bytes.len()).sum();
        println!("{kind:?}: {} envelopes, {bytes} bytes", page.envelopes.len());
        assert!(bytes < 2_000_000, "a year is small: {bytes} bytes");
    }
    exports_have_words_for_every_field(&mut branch);
}

/// What a member takes home says nothing in the names that fields have for programs.
fn exports_have_words_for_every_field(branch: &mut Branch<MemoryStore>) {
    let table = include_str!("../../core/engine/data/export.tsv");
    let known: BTreeSet<&str> = table.lines().filter_map(|line| line.split('\t').next()).collect();
    let mut unknown = BTreeSet::new();
    for member in 1..=12 {
        let member = branch.member(member);
        let data = branch.phones[P3].data_of(member, at(0)).unwrap();
        let json: Value = serde_json::from_str(&data.json()).unwrap();
        for (part, value) in json.as_object().unwrap() {
            assert!(known.contains(format!("part.{part}").as_str()), "{part}");
            fields(value, &mut |field| {
                if !known.contains(format!("field.{field}").as_str()) {
                    unknown.insert(field.to_owned());
                }
            });
        }
        let text = data.text(Lang::Vi);
        assert!(text.contains("tình trạng: có mặt") && text.contains("loại: Sinh hoạt thường kỳ"));
        assert!(!text.contains(": present") && !text.contains("_"), "{text}");
    }
    assert_eq!(unknown, BTreeSet::from(["id".to_owned()]), "ids are not shown");
}

fn fields(value: &Value, seen: &mut impl FnMut(&str)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| fields(item, seen)),
        Value::Object(map) => {
            for (key, value) in map {
                seen(key);
                fields(value, seen);
            }
        }
        _ => {}
    }
}
