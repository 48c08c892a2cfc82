//! Covers: numbers, limits and bad bytes. Who makes them count is in `tests/covers.rs`.

use proptest::prelude::*;
use sotay_feed::Kind;
use sotay_feed::cbor::CborError;

use super::*;
use crate::Record;

fn id(n: u64) -> EnvelopeId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    EnvelopeId::from_bytes(bytes)
}

fn device(n: u64) -> DeviceId {
    DeviceId::from_bytes(n.to_be_bytes())
}

fn feed(seq: u64, kept: impl IntoIterator<Item = u64>) -> CoveredFeed {
    CoveredFeed {
        place: Tip { seq, id: id(seq) },
        kept: Numbers::new(kept),
        digest: [0; 32],
    }
}

fn cover(feeds: u64) -> Cover {
    Cover {
        space: SpaceId::from_bytes([1; 32]),
        made_ms: -1,
        previous: BTreeSet::new(),
        feeds: (0..feeds).map(|n| (device(n), feed(9, [2, 3]))).collect(),
        copies: BTreeSet::new(),
    }
}

fn read(cover: Cover) -> Result<Cover, RecordError> {
    match Record::decode(Kind::COVER, &cover.encode())?.0 {
        Record::Cover(cover) => Ok(cover),
        other => panic!("read as {other:?}"),
    }
}

fn limit<T: std::fmt::Debug>(result: Result<T, RecordError>) -> usize {
    match result {
        Err(RecordError::Cbor(CborError::TooMany { limit, .. })) => limit,
        other => panic!("not over a limit: {other:?}"),
    }
}

#[test]
fn every_list_is_read_up_to_its_limit_and_refused_one_above() {
    let full = cover(COVER_FEEDS_MAX as u64);
    assert_eq!(read(full.clone()), Ok(full));
    assert_eq!(limit(read(cover(COVER_FEEDS_MAX as u64 + 1))), COVER_FEEDS_MAX);

    let copies = |count: usize| Cover {
        copies: (0..count as u64).map(id).collect(),
        ..cover(1)
    };
    assert!(read(copies(COVER_COPIES_MAX)).is_ok());
    assert_eq!(limit(read(copies(COVER_COPIES_MAX + 1))), COVER_COPIES_MAX);

    let previous = |count: usize| Cover {
        previous: (0..count as u64).map(|n| CoverId(*id(n).as_bytes())).collect(),
        ..cover(1)
    };
    assert!(read(previous(COVER_PREVIOUS_MAX)).is_ok());
    assert_eq!(limit(read(previous(COVER_PREVIOUS_MAX + 1))), COVER_PREVIOUS_MAX);

    let ranges = |count: usize| Cover {
        feeds: BTreeMap::from([(device(1), feed(SEQ_MAX, (1..=count as u64).map(|n| 2 * n)))]),
        ..cover(1)
    };
    assert!(read(ranges(COVER_RANGES_MAX)).is_ok());
    assert_eq!(limit(read(ranges(COVER_RANGES_MAX + 1))), 2 * COVER_RANGES_MAX);
}

#[test]
fn a_place_outside_a_feed_and_a_cover_of_nothing_are_refused() {
    let at = |seq| Cover {
        feeds: BTreeMap::from([(device(1), feed(seq, []))]),
        ..cover(1)
    };
    assert!(read(at(1)).is_ok() && read(at(SEQ_MAX)).is_ok());
    assert_eq!(read(at(0)), Err(RecordError::CutOff(0)));
    assert_eq!(read(at(SEQ_MAX + 1)), Err(RecordError::CutOff(SEQ_MAX + 1)));
    assert_eq!(read(cover(0)), Err(RecordError::List));
}

#[test]
fn ranges_that_touch_are_empty_overflow_or_reach_the_place_are_refused() {
    let numbers = |items: &[u64], end| {
        let mut writer = Writer::new();
        writer.array(items.len());
        for &item in items {
            writer.uint(item);
        }
        Numbers::read(&mut Reader::new(&writer.into_bytes()), end)
    };
    assert_eq!(numbers(&[0, 2, 3, 1], 7), Ok(Numbers::new([1, 2, 6])));
    for bad in [
        &[0, 2, 0, 1][..],
        &[1, 0],
        &[1, 2, 3],
        &[u64::MAX, 1],
        &[1, u64::MAX],
        &[4, 3],
        &[0, 7],
    ] {
        assert_eq!(numbers(bad, 7), Err(RecordError::List), "{bad:?}");
    }
}

#[test]
fn lists_that_do_not_ascend_are_refused() {
    let mut two = cover(1);
    two.copies = [id(1), id(2)].into();
    let bytes = two.encode();
    let (one, other) = (id(1), id(2));
    let at = bytes.windows(32).position(|part| part == one.as_bytes()).unwrap();
    for (first, second) in [(&other, &one), (&one, &one)] {
        let mut swapped = bytes.clone();
        swapped[at..at + 32].copy_from_slice(first.as_bytes());
        let next = at + 34;
        swapped[next..next + 32].copy_from_slice(second.as_bytes());
        assert_eq!(Record::decode(Kind::COVER, &swapped), Err(RecordError::List));
    }
}

proptest! {
    #[test]
    fn numbers_are_the_set_they_were_made_of(set: BTreeSet<u8>, number: u8) {
        let numbers = Numbers::new(set.iter().map(|&n| u64::from(n) + 1));
        let (set, number): (BTreeSet<u64>, _) = (set.iter().map(|&n| u64::from(n) + 1).collect(), u64::from(number));
        prop_assert_eq!(numbers.iter().collect::<BTreeSet<_>>(), set.clone());
        prop_assert_eq!(numbers.count(), set.len() as u64);
        prop_assert_eq!(numbers.contains(number), set.contains(&number));
        prop_assert_eq!(numbers.first_after(number), set.range(number + 1..).next().copied());
        let feed = CoveredFeed { kept: numbers, ..feed(300, []) };
        prop_assert_eq!(read(Cover { feeds: BTreeMap::from([(device(1), feed.clone())]), ..cover(1) }).unwrap().feeds[&device(1)].clone(), feed);
    }

    #[test]
    fn what_may_follow_a_tip_is_the_next_that_is_not_dropped(set: BTreeSet<u8>, tip in 0u64..300) {
        let set: BTreeSet<u64> = set.iter().map(|&n| u64::from(n) + 1).collect();
        let feed = feed(270, set.iter().copied());
        let stays = |seq: u64| seq == 270 || (seq < 270 && set.contains(&seq));
        prop_assert_eq!(feed.after(tip), (tip + 1..=270).find(|&seq| stays(seq)));
        if tip > 0 {
            prop_assert_eq!(feed.drops(tip), tip < 270 && !stays(tip));
        }
    }

    #[test]
    fn garbage_is_refused_or_reads_as_it_is_written(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok((record, len)) = Record::decode(Kind::COVER, &bytes) {
            prop_assert_eq!(record.encode(), bytes[..len].to_vec());
        }
    }

    #[test]
    fn a_spoilt_byte_is_refused_or_reads_as_it_is_written(at: prop::sample::Index, to: u8) {
        let mut bytes = Cover { copies: (0..3).map(id).collect(), ..cover(3) }.encode();
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok((record, len)) = Record::decode(Kind::COVER, &bytes) {
            prop_assert_eq!(record.encode(), bytes[..len].to_vec());
        }
    }
}
