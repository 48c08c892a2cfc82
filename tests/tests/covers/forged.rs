//! Covers and copies that an officer's phone wrote with another program: the second officer's phone signs none of them, and one
//! officer alone changes nothing.

use sotay_document::{Actor, Run, encode_runs};
use sotay_engine::{CoverError, Difference, today};
use sotay_feed::cbor::Writer;
use sotay_feed::{EpochId, Kind, Space, SpaceKind};
use sotay_membership::{Cover, Numbers};
use sotay_store::Store;
use sotay_tests::branch::{P1, P2, P3};
use sotay_tests::covers::{COVERED, LATER, all, cover_of, held, on_record, opened, shown, sign, write};
use sotay_tests::hall::Hall;

use super::scene;

/// The deputy's phone is the hostile one; what the secretary's answers to its cover.
fn answer(hall: &mut Hall, cover: &Cover) -> CoverError {
    sign(&mut hall.branch.phones[P2], cover);
    all(hall);
    let refused = hall.branch.phones[P3]
        .sign_cover(cover.id())
        .expect_err("it must not be signed");
    let counting = hall.branch.phones[P3].covers().unwrap();
    assert!(
        counting
            .iter()
            .all(|line| line.state != sotay_engine::CoverState::Counts)
    );
    refused
}

/// The runs of P1's feed, with the key they are under.
fn runs_of_p1(hall: &Hall, main: &Space) -> (EpochId, Vec<Run>) {
    let phone = &hall.branch.phones[P2];
    let author = hall.branch.phones[P1].id();
    let mut epoch = None;
    let all = held(phone.replica().store(), main).into_iter();
    let of = all.filter(|stored| stored.device == author && stored.kind == Kind::CHANGE);
    let runs = of
        .map(|stored| {
            let (under, payload) = opened(phone, main, &stored).unwrap();
            epoch = Some(under);
            Run::decode(&payload).unwrap()
        })
        .collect();
    (epoch.unwrap(), runs)
}

fn copy(pieces: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(pieces.len());
    for piece in pieces {
        writer.bytes(piece);
    }
    [&[COVERED], &writer.into_bytes()[..]].concat()
}

fn piece(run: &Run) -> Vec<u8> {
    encode_runs(run.doc, run.kind, run.schema, &run.changes, 48 * 1024)
        .unwrap()
        .remove(0)
}

/// Pieces of everything that P1 wrote before its last envelope, and how far that is.
fn honest(hall: &Hall, main: &Space) -> (EpochId, Vec<Run>, u64) {
    let (epoch, runs) = runs_of_p1(hall, main);
    let author = hall.branch.phones[P1].id();
    let tip = hall.branch.phones[P2]
        .replica()
        .store()
        .tip(&main.id(), author)
        .unwrap()
        .unwrap();
    let before = runs[..runs.len() - 1].to_vec();
    (epoch, before, tip.seq)
}

/// P2's own copy of this content, and a cover of P1's feed up to a number that names it.
fn by_hand(hall: &mut Hall, main: &Space, epoch: EpochId, upto: u64, content: &[u8]) -> Cover {
    let author = hall.branch.phones[P1].id();
    let copy = write(
        &mut hall.branch.phones[P2],
        main,
        Kind::SNAPSHOT,
        Some(epoch),
        content,
    );
    cover_of(&hall.branch.phones[P2], main, author, upto, [copy.id()])
}

#[test]
fn copies_that_leave_something_out_add_something_or_alter_it_are_not_signed() {
    let (mut hall, main) = scene(11);
    let before = shown(&mut hall.branch.phones[P3]);
    let author = hall.branch.phones[P1].id();
    let (epoch, runs, upto) = honest(&hall, &main);
    let doc = runs[0].doc;
    let answers = |hall: &mut Hall, runs: &[Run]| {
        let pieces: Vec<Vec<u8>> = runs.iter().map(piece).collect();
        let cover = by_hand(hall, &main, epoch, upto, &copy(&pieces));
        answer(hall, &cover)
    };
    let differs =
        |error: CoverError| matches!(error, CoverError::Differs(Difference::Document(of)) if of == doc);
    assert!(
        differs(answers(&mut hall, &runs[1..])),
        "one envelope's changes are missing"
    );
    let (_, more) = runs_of_p1(&hall, &main);
    assert!(
        differs(answers(&mut hall, &more)),
        "the last envelope's are added"
    );
    // A change that P1 never made, in its name.
    let mut forged = runs.clone();
    let actor = Actor::new(author, [9; 8]);
    let genesis = sotay_engine::handbook::DocKind::Meeting.genesis(doc, 1).unwrap();
    let mut document = sotay_document::Document::new(doc, &genesis, actor).unwrap();
    let (_, change) = document
        .edit(LATER, |tx| {
            use sotay_document::crdt::{ROOT, ReadDoc, Transactable};
            let (_, map) = tx.get(ROOT, "links")?.expect("a container of the genesis");
            tx.put(&map, "x", 1)
        })
        .unwrap();
    forged.push(Run {
        actor,
        changes: vec![change.unwrap().bytes],
        ..runs[0].clone()
    });
    assert!(differs(answers(&mut hall, &forged)), "words in another's mouth");
    // The same changes as of another kind of document would be set aside by whoever reads them.
    let mut renamed = runs.clone();
    for run in &mut renamed {
        run.schema += 1;
    }
    assert!(differs(answers(&mut hall, &renamed)));
    assert_eq!(
        shown(&mut hall.branch.phones[P3]),
        before,
        "one officer changes nothing"
    );
    assert_eq!(shown(&mut hall.branch.phones[P1]), before);
}

#[test]
fn the_honest_cover_by_hand_is_signed() {
    let (mut hall, main) = scene(12);
    let before = shown(&mut hall.branch.phones[P3]);
    let (epoch, runs, upto) = honest(&hall, &main);
    let pieces: Vec<Vec<u8>> = runs.iter().map(piece).collect();
    let cover = by_hand(&mut hall, &main, epoch, upto, &copy(&pieces));
    sign(&mut hall.branch.phones[P2], &cover);
    all(&mut hall);
    hall.branch.phones[P3].sign_cover(cover.id()).unwrap();
    all(&mut hall);
    assert_eq!(shown(&mut hall.branch.phones[P1]), before);
}

#[test]
fn a_cover_that_would_drop_more_than_changes_or_names_other_records_is_not_signed() {
    let (mut hall, main) = scene(13);
    let author = hall.branch.phones[P3].id();
    let store = hall.branch.phones[P2].replica().store();
    let tip = store.tip(&main.id(), author).unwrap().unwrap().seq;
    // The secretary's feed begins with names and slots, which are no changes.
    let honest = cover_of(&hall.branch.phones[P2], &main, author, tip, []);
    assert!(honest.feeds[&author].kept.count() > 0);
    let feed = |error: CoverError| matches!(error, CoverError::Differs(Difference::Feed(of)) if of == author);
    let alter = |alter: &dyn Fn(&mut sotay_membership::CoveredFeed)| {
        let mut cover = honest.clone();
        alter(cover.feeds.get_mut(&author).unwrap());
        cover
    };
    let nothing_kept = alter(&|feed| {
        feed.kept = Numbers::default();
        feed.digest = sotay_membership::kept_digest([]);
    });
    assert!(feed(answer(&mut hall, &nothing_kept)));
    let other_digest = alter(&|feed| feed.digest[0] ^= 1);
    assert!(feed(answer(&mut hall, &other_digest)));
    let other_place = alter(&|feed| feed.place.id = sotay_feed::EnvelopeId::from_bytes([7; 32]));
    assert!(feed(answer(&mut hall, &other_place)));
    let beyond = alter(&|feed| feed.place.seq += 100);
    assert!(matches!(answer(&mut hall, &beyond), CoverError::NotHere(_)));
    let nobody = {
        let mut cover = honest.clone();
        let feed = cover.feeds.remove(&author).unwrap();
        cover.feeds.insert(sotay_feed::DeviceId::from_bytes([7; 8]), feed);
        cover
    };
    assert!(matches!(answer(&mut hall, &nobody), CoverError::NotHere(_)));
    // No copies at all: everything would be lost.
    assert!(matches!(
        answer(&mut hall, &honest),
        CoverError::Differs(Difference::Document(_))
    ));
}

#[test]
fn what_is_named_as_a_copy_and_is_none_is_not_signed_and_a_bomb_costs_nothing() {
    let (mut hall, main) = scene(14);
    let author = hall.branch.phones[P1].id();
    let (epoch, runs, upto) = honest(&hall, &main);
    let pieces: Vec<Vec<u8>> = runs.iter().map(piece).collect();
    let mut attempts = vec![
        (Kind::SNAPSHOT, copy(&[b"no run".to_vec()])),
        (Kind::SNAPSHOT, [&[0], &copy(&pieces)[1..]].concat()),
        (Kind::SNAPSHOT, Vec::new()),
        (Kind::CHANGE, copy(&pieces)),
    ];
    // Forty kilobytes of runs that are each within their limits and rebuilt to 20 MB together.
    let large = ["x".repeat(20_000), "y".repeat(20_000)];
    let genesis = sotay_engine::handbook::DocKind::Meeting
        .genesis(runs[0].doc, 1)
        .unwrap();
    let mut document =
        sotay_document::Document::new(runs[0].doc, &genesis, Actor::new(author, [8; 8])).unwrap();
    let mut changes = Vec::new();
    for number in 0..6 {
        let large = large[number % 2].as_str();
        use sotay_document::crdt::{ROOT, ReadDoc, Transactable};
        let (_, change) = document
            .edit(LATER, |tx| {
                let (_, map) = tx.get(ROOT, "links")?.expect("a container of the genesis");
                tx.put(&map, "x", large)?;
                tx.put(&map, "y", large)
            })
            .unwrap();
        changes.push(change.unwrap().bytes);
    }
    let big = encode_runs(runs[0].doc, 2, 1, &changes, 48 * 1024)
        .unwrap()
        .remove(0);
    let rebuilt: usize = Run::decode(&big).unwrap().changes.iter().map(Vec::len).sum();
    let bomb = vec![big; (17 << 20) / rebuilt + 1];
    let bomb = copy(&bomb);
    assert!(bomb.len() < 60_000, "{} bytes travel", bomb.len());
    attempts.push((Kind::SNAPSHOT, bomb));
    for (number, (kind, content)) in attempts.into_iter().enumerate() {
        let copy = write(&mut hall.branch.phones[P2], &main, kind, Some(epoch), &content);
        let cover = cover_of(&hall.branch.phones[P2], &main, author, upto, [copy.id()]);
        let refused = answer(&mut hall, &cover);
        assert!(
            matches!(refused, CoverError::Differs(Difference::Copy)),
            "{number}: {refused:?}"
        );
    }
    // A copy under another key than what it was made of would be read by others than before.
    hall.branch.phones[P3].rotate().unwrap();
    all(&mut hall);
    let newer = hall.branch.phones[P2]
        .replica()
        .membership(main.unit)
        .unwrap()
        .writing_epoch(&main.id())
        .unwrap();
    assert_ne!(newer, epoch);
    let cover = by_hand(&mut hall, &main, newer, upto, &copy(&pieces));
    assert!(matches!(
        answer(&mut hall, &cover),
        CoverError::Differs(Difference::Document(_))
    ));
}

#[test]
fn a_cover_that_says_otherwise_than_one_that_counts_is_not_signed() {
    let (mut hall, main) = scene(15);
    let id = sotay_tests::covers::cover(&mut hall, SpaceKind::Main);
    let counts = on_record(&hall.branch.phones[P2], &main, id);
    let author = hall.branch.phones[P1].id();
    // As if nothing had been covered yet, and one number more stays: whoever gets it from a relay that dropped it waits for it.
    let mut other = Cover {
        made_ms: LATER + 1,
        ..counts.clone()
    };
    other.feeds.retain(|device, _| *device == author);
    let feed = other.feeds.get_mut(&author).unwrap();
    let dropped = (1..feed.place.seq).find(|seq| feed.drops(*seq)).unwrap();
    let kept: std::collections::BTreeSet<u64> = feed.kept.iter().chain([dropped]).collect();
    let store = hall.branch.phones[P2].replica().store();
    let ids: Vec<_> = kept
        .iter()
        .map(|seq| store.at(&main.id(), author, *seq).unwrap().unwrap().id)
        .collect();
    feed.digest = sotay_membership::kept_digest(&ids);
    feed.kept = Numbers::new(kept);
    sign(&mut hall.branch.phones[P2], &other);
    all(&mut hall);
    let refused = hall.branch.phones[P3].sign_cover(other.id());
    assert!(
        matches!(refused, Err(CoverError::Differs(Difference::Feed(of))) if of == author),
        "{refused:?}"
    );
    // One that stands on a cover with one name is not signed either.
    let drafted = {
        sotay_tests::covers::busy(&mut hall, 8);
        hall.branch.phones[P2]
            .draft_cover(SpaceKind::Main, today(LATER), LATER)
            .unwrap()
            .id
    };
    let mut above = on_record(&hall.branch.phones[P2], &main, drafted);
    above.previous = [drafted].into();
    sign(&mut hall.branch.phones[P2], &above);
    all(&mut hall);
    let refused = hall.branch.phones[P3].sign_cover(above.id());
    assert!(
        matches!(refused, Err(CoverError::Beneath(beneath)) if beneath == drafted),
        "{refused:?}"
    );
}
