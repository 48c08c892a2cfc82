//! A phone with a valid grant that turned hostile, and envelopes that a relay must not take.
//!
//! What it sends is signed and sealed as it should be, so the relay, which cannot read it, passes it on. Each attack
//! stands between honest work before and after, and must cost nobody but the attacker.

#[path = "hostile/branch.rs"]
mod branch;
#[path = "hostile/forge.rs"]
mod forge;
#[path = "hostile/proofs.rs"]
mod proofs;
#[path = "hostile/relay.rs"]
mod relay;
#[path = "hostile/two_faces.rs"]
mod two_faces;

use branch::{Branch, PHONES, Phone};
use forge::{Altered, altered, bomb, changes, letter, runs, runs_of, slip_in};
use sotay_document::Actor;
use sotay_document::limits::{OP_COUNTER_MAX, ORPHANS_PER_AUTHOR_MAX};
use sotay_engine::handbook::meeting::{Command, Person, Place};
use sotay_engine::handbook::{DocKind, monthly_meeting_id, roster_id};
use sotay_engine::{Event, SetAside};
use sotay_feed::{DocId, Kind, SpaceKind};
use sotay_store::{Bucket, Store};

const HOSTILE: u8 = 4;
const MEETING: u8 = DocKind::Meeting as u8;

/// What an honest phone says about what it got from the hostile one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Aside(SetAside),
    Refused,
}

/// A branch with a meeting that all phones know, and one more phone, of an ordinary member.
fn scene() -> (Branch, DocId) {
    let mut branch = Branch::found(&[1, 2, 3, HOSTILE]);
    let doc = branch.begin(3, "2025-05");
    branch.sync_all(&[3, 1, 2, HOSTILE]);
    (branch, doc)
}

/// Every honest phone notes something down, without a network.
fn work(branch: &mut Branch, doc: DocId, word: &str) {
    for phone in PHONES {
        let (id, speaker) = (branch.id_on(phone), Person::Member(branch.member(5)));
        let text = format!("{word} P{phone}").as_str().into();
        branch.on(
            phone,
            1,
            doc,
            Command::AddSpeech {
                id,
                speaker,
                agenda: None,
                text,
                place: Place::Last,
            },
        );
    }
}

/// The work of all honest phones is on all honest phones, now and after they were switched off and on.
fn all_goes_on(mut branch: Branch, doc: DocId) {
    work(&mut branch, doc, "sau");
    branch.sync_all(&PHONES);
    let shown = branch.converged(&PHONES, doc);
    for word in ["trước", "sau"] {
        for phone in PHONES {
            assert!(
                shown.minutes.text.contains(&format!("{word} P{phone}")),
                "{word} P{phone} is lost"
            );
        }
    }
    assert!(shown.review.open().is_empty());
    assert!(PHONES.iter().all(|&phone| branch.knows_it_is_synced(phone)));
    assert!(branch.relay().take_faults().is_empty());
    let mut again = branch.switch_off().open_copy();
    assert_eq!(again.converged(&PHONES, doc), shown);
}

/// The hostile phone sends payloads while others work; answers what every honest phone found.
fn attack(
    branch: &mut Branch,
    doc: DocId,
    payloads: impl FnOnce(&Phone) -> Vec<(Kind, Vec<u8>)>,
) -> Vec<Found> {
    work(branch, doc, "trước");
    for phone in PHONES {
        branch.events(phone);
    }
    for (kind, payload) in payloads(branch.phone(HOSTILE)) {
        let envelope = letter(branch.phone(HOSTILE), SpaceKind::Main, kind, &payload);
        slip_in(branch.phone(HOSTILE), envelope);
    }
    branch.sync(HOSTILE);
    assert!(
        branch.relay().take_rejected().is_empty(),
        "the relay cannot see what is wrong"
    );
    branch.sync_all(&PHONES);
    let hostile = branch.phone(HOSTILE).id();
    let mut found: Vec<Vec<Found>> = PHONES
        .iter()
        .map(|&phone| {
            let about = |event| match event {
                Event::SetAside { device, reason, .. } => {
                    assert_eq!(device, hostile);
                    Some(Found::Aside(reason))
                }
                Event::ChangeRefused { device, .. } => {
                    assert_eq!(device, Some(hostile));
                    Some(Found::Refused)
                }
                _ => None,
            };
            branch.events(phone).into_iter().filter_map(about).collect()
        })
        .collect();
    let first = found.swap_remove(0);
    assert!(
        found.iter().all(|other| *other == first),
        "all phones judge alike: {first:?} {found:?}"
    );
    first
}

fn actor_of(phone: &Phone) -> Actor {
    Actor::new(phone.id(), [0xee; 8])
}

fn sent(payloads: impl IntoIterator<Item = Vec<u8>>) -> Vec<(Kind, Vec<u8>)> {
    payloads
        .into_iter()
        .map(|payload| (Kind::CHANGE, payload))
        .collect()
}

/// The most memory this process ever had, in KiB.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn operation_counters_near_their_end_do_not_stop_anybody_from_writing() {
    let (mut branch, doc) = scene();
    let found = attack(&mut branch, doc, |phone| {
        let raw = changes(doc, actor_of(phone), [1]).remove(0);
        let poisons = [
            OP_COUNTER_MAX + 1,
            1 << 31,
            u64::from(u32::MAX) - 1,
            u64::from(u32::MAX),
            1 << 40,
        ];
        let jumps = [1 << 20, OP_COUNTER_MAX];
        let starts = poisons.into_iter().chain(jumps);
        sent(starts.map(|start| {
            altered(
                doc,
                &raw,
                Altered {
                    start_op: Some(start),
                    seq: None,
                },
            )
        }))
    });
    let unreadable = Found::Aside(SetAside::Unreadable);
    assert_eq!(
        found[..5],
        [unreadable; 5],
        "beyond the limit it is no change at all"
    );
    assert_eq!(
        found[5..],
        [Found::Refused; 2],
        "below it the gate sees that it follows nothing"
    );
    all_goes_on(branch, doc);
}

#[test]
fn a_payload_that_would_unpack_to_half_a_gigabyte_is_set_aside_unpacked() {
    const UNPACKED: u64 = 1 << 29;
    let (mut branch, doc) = scene();
    let before = peak_kib();
    let found = attack(&mut branch, doc, |phone| {
        sent([bomb(doc, actor_of(phone), UNPACKED)])
    });
    assert_eq!(found, [Found::Aside(SetAside::Unreadable)]);
    if let (Some(before), Some(after)) = (before, peak_kib()) {
        assert!(
            after - before < UNPACKED / 1024 / 4,
            "{before} KiB before, {after} KiB after"
        );
    }
    all_goes_on(branch, doc);
}

#[test]
fn a_change_in_the_name_of_another_phone_neither_counts_nor_takes_its_place() {
    let (mut branch, doc) = scene();
    let (victim, known) = {
        let id = branch.phone(3).id();
        (id, runs_of(branch.phone(HOSTILE), id, doc))
    };
    let last = known.last().expect("P3 began the meeting");
    let (actor, next) = (
        last.actor,
        known.iter().map(|run| run.changes.len() as u64).sum::<u64>() + 1,
    );
    assert_eq!(actor.device(), victim);
    let found = attack(&mut branch, doc, |_| {
        let raw = changes(doc, actor, [1]).remove(0);
        let fresh = changes(doc, Actor::new(victim, [0xaa; 8]), [1]);
        // In the place that the victim's next change will have, under an actor of its own, and over an old one.
        let squat = altered(
            doc,
            &raw,
            Altered {
                seq: Some(next),
                start_op: None,
            },
        );
        sent(
            [
                vec![squat],
                runs(doc, MEETING, 1, &fresh),
                runs(doc, MEETING, 1, &[raw]),
            ]
            .concat(),
        )
    });
    assert_eq!(found, [Found::Refused; 3]);
    all_goes_on(branch, doc);
}

#[test]
fn a_change_of_another_document_waits_for_ever_and_changes_nothing() {
    let (mut branch, doc) = scene();
    let june = branch.begin(3, "2025-06");
    let found = attack(&mut branch, doc, |phone| {
        sent(runs(doc, MEETING, 1, &changes(june, actor_of(phone), [1, 2, 3])))
    });
    assert!(found.is_empty(), "{found:?}");
    for phone in PHONES {
        let rows = branch
            .phone(phone)
            .replica()
            .store()
            .list(Bucket::Orphan, doc.as_bytes())
            .unwrap();
        assert_eq!(rows.len(), 3);
    }
    all_goes_on(branch, doc);
}

#[test]
fn of_two_changes_with_one_number_all_phones_keep_the_first() {
    let (mut branch, doc) = scene();
    let found = attack(&mut branch, doc, |phone| {
        let (one, other) = (
            changes(doc, actor_of(phone), [1]),
            changes(doc, actor_of(phone), [2]),
        );
        sent([runs(doc, MEETING, 1, &one), runs(doc, MEETING, 1, &other)].concat())
    });
    assert_eq!(found, [Found::Refused]);
    all_goes_on(branch, doc);
}

#[test]
fn a_flood_of_changes_whose_beginning_is_withheld_stops_at_the_share_of_its_author() {
    const BEYOND: usize = 40;
    let (mut branch, doc) = scene();
    let found = attack(&mut branch, doc, |phone| {
        let flood = changes(doc, actor_of(phone), 0..=(ORPHANS_PER_AUTHOR_MAX + BEYOND) as i64);
        sent(runs(doc, MEETING, 1, &flood[1..]))
    });
    assert!(
        found.is_empty(),
        "what found no room stays in its envelope and is read again: {found:?}"
    );
    for phone in PHONES {
        let rows = branch
            .phone(phone)
            .replica()
            .store()
            .list(Bucket::Orphan, &[])
            .unwrap();
        assert_eq!(rows.len(), ORPHANS_PER_AUTHOR_MAX);
    }
    all_goes_on(branch, doc);
}

#[test]
fn garbage_and_foreign_formats_are_set_aside_one_by_one() {
    let (mut branch, doc) = scene();
    let found = attack(&mut branch, doc, |phone| {
        let run = runs(doc, MEETING, 1, &changes(doc, actor_of(phone), [1])).remove(0);
        let mut newer = run.clone();
        newer[1] = 2;
        let mut flipped = run.clone();
        *flipped.last_mut().unwrap() ^= 1;
        // What Automerge itself would load without a word: a whole document, with its own compression.
        let document = automerge::AutoCommit::new().save();
        let noise = (0..2000u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let cut = run[..run.len() - 1].to_vec();
        sent([
            Vec::new(),
            noise,
            document,
            newer,
            flipped,
            cut,
            [run, vec![0]].concat(),
        ])
    });
    assert_eq!(found, [Found::Aside(SetAside::Unreadable); 7]);
    all_goes_on(branch, doc);
}

#[test]
fn an_envelope_sealed_with_a_wrong_key_is_set_aside() {
    let (mut branch, doc) = scene();
    work(&mut branch, doc, "trước");
    let envelope = letter(branch.phone(HOSTILE), SpaceKind::Main, Kind::CHANGE, b"x");
    let (tip, epoch) = (envelope.header().clone(), envelope.header().epoch);
    let phone = branch.phone(HOSTILE);
    let space = sotay_feed::Space::of(phone.unit().unwrap(), SpaceKind::Main).id();
    let before = phone.replica().store().tip(&space, phone.id()).unwrap();
    let draft = sotay_feed::Draft::next(phone.keys(), Kind::CHANGE, &space, before).in_epoch(epoch);
    assert_eq!(draft.header(), &tip);
    let unsealed = draft.sign(phone.keys(), &space, &[7; 400]).unwrap();
    slip_in(phone, unsealed);
    branch.sync(HOSTILE);
    branch.sync_all(&PHONES);
    for phone in PHONES {
        let events = branch.events(phone);
        let aside = |event: &Event| {
            matches!(
                event,
                Event::SetAside {
                    reason: SetAside::Unreadable,
                    ..
                }
            )
        };
        assert_eq!(events.iter().filter(|event| aside(event)).count(), 1);
    }
    all_goes_on(branch, doc);
}

#[test]
fn kinds_and_schemas_of_another_version_and_names_it_may_not_give_are_set_aside() {
    let (mut branch, doc) = scene();
    let founder = branch.member(1);
    let found = attack(&mut branch, doc, |phone| {
        let change = changes(doc, actor_of(phone), [1]);
        let unknown = [(99, 1), (MEETING, 2), (MEETING, 0)];
        let unknown = unknown.map(|(kind, schema)| runs(doc, kind, schema, &change).remove(0));
        let name = |revision| {
            let mut name = sotay_feed::cbor::Writer::new();
            name.array(5)
                .uint(1)
                .uint(0)
                .bytes(founder.as_bytes())
                .uint(revision)
                .text("Kẻ Xấu");
            (Kind::PERSON, name.into_bytes())
        };
        [sent(unknown), vec![name(9), name(u64::MAX)]].concat()
    });
    let unknown = Found::Aside(SetAside::UnknownDocument);
    let names = [SetAside::NotAllowed, SetAside::Unreadable].map(Found::Aside);
    assert_eq!((&found[..3], &found[3..]), (&[unknown; 3][..], &names[..]));
    let name = branch.phone(1).names().member(founder).map(str::to_owned);
    assert_eq!(name.as_deref(), Some(sotay_engine::handbook::fixture::NAMES[0]));
    all_goes_on(branch, doc);
}

#[test]
fn a_document_named_as_one_of_another_kind_is_set_aside() {
    let (mut branch, doc) = scene();
    let found = attack(&mut branch, doc, |phone| {
        let roster = roster_id(phone.unit().unwrap());
        let as_roster = runs(
            doc,
            DocKind::Roster.number(),
            1,
            &changes(doc, actor_of(phone), [1]),
        );
        let as_meeting = runs(roster, MEETING, 1, &changes(roster, actor_of(phone), [1]));
        sent([as_roster, as_meeting].concat())
    });
    assert_eq!(found, [Found::Aside(SetAside::OtherDocument); 2]);
    all_goes_on(branch, doc);
}

#[test]
fn nobody_can_occupy_the_meetings_to_come() {
    use sotay_engine::handbook::meeting::MeetingKind;
    let (mut branch, doc) = scene();
    let unit = branch.phone(3).unit().unwrap();
    let june = monthly_meeting_id(unit, MeetingKind::Regular, "2025-06".parse().unwrap());
    let committee = monthly_meeting_id(unit, MeetingKind::Committee, "2025-06".parse().unwrap());
    let found = attack(&mut branch, doc, |phone| {
        // June's meeting as a roster, and the committee's in the space that everybody reads.
        let as_roster = runs(
            june,
            DocKind::Roster.number(),
            1,
            &changes(june, actor_of(phone), [1]),
        );
        let in_main = runs(committee, MEETING, 1, &changes(committee, actor_of(phone), [1]));
        sent([as_roster, in_main].concat())
    });
    assert_eq!(found, [Found::Aside(SetAside::OtherDocument); 2]);

    assert_eq!(branch.begin(3, "2025-06"), june);
    let month = Some("2025-06".parse().unwrap());
    let start = sotay_engine::handbook::fixture::START_MS;
    let secretary = branch.phone(3);
    assert_eq!(
        secretary
            .new_meeting(MeetingKind::Committee, month, None, start)
            .unwrap(),
        committee
    );
    let before = branch
        .phone(HOSTILE)
        .replica()
        .store()
        .frontier(&main(unit))
        .unwrap();
    branch.sync_all(&[3, 1, 2, HOSTILE]);
    assert_eq!(
        branch.phone(1).meetings().unwrap().len(),
        3,
        "P1 sits on the committee"
    );
    // June's regular meeting came; of the committee's nothing did.
    let secretary = branch.phone(3).id();
    let after = branch
        .phone(HOSTILE)
        .replica()
        .store()
        .frontier(&main(unit))
        .unwrap();
    assert!(after.get(secretary) > before.get(secretary));
    let hostile = branch.phone(HOSTILE);
    assert!(
        runs_of(hostile, secretary, committee).is_empty(),
        "the committee's minutes stay with the committee"
    );
    assert_eq!(runs_of(hostile, secretary, june).len(), 1);
    all_goes_on(branch, doc);
}

fn main(unit: sotay_feed::UnitId) -> sotay_feed::SpaceId {
    sotay_feed::Space::of(unit, SpaceKind::Main).id()
}
