//! Bundles: what a file carries, and files that are damaged.

use proptest::prelude::*;
use sotay_feed::Kind;
use sotay_feed::cbor::{CborError, Writer};
use sotay_sync::bundle::{Have, ReadError, WriteError, import, read, write};
use sotay_sync::limits::BUNDLE_SPACES_MAX;

use crate::support::*;

#[test]
fn a_bundle_founds_a_unit_on_an_empty_phone_and_again_changes_nothing() {
    let (branch, _, mut phones) = village(2);
    for n in 0..700u32 {
        phones[0].write(&branch.main, &n.to_le_bytes());
    }
    // Named in the wrong order: rolls come first all the same.
    let bytes = write(&phones[0].replica, &[branch.main, branch.roll, branch.main], None).unwrap();
    let bundle = read(&bytes).unwrap();
    assert_eq!(bundle.spaces(), branch.spaces());
    let mut fresh = phone(9);
    let imported = import(&mut fresh.replica, bundle).unwrap();
    assert_eq!(imported.stored[&branch.main], (700, 0));
    assert_eq!(
        (imported.duplicates, imported.refused, imported.cut),
        (0, 0, None)
    );
    for space in branch.spaces() {
        assert_eq!(fresh.frontier(&space), phones[0].frontier(&space));
    }
    let again = import(&mut fresh.replica, read(&bytes).unwrap()).unwrap();
    assert!(again.stored.is_empty());
    assert_eq!(again.duplicates, 700 + phones[0].count(&branch.roll));
}

#[test]
fn a_bundle_leaves_out_what_the_receiver_has() {
    let (branch, _, mut phones) = village(1);
    phones[0].write(&branch.main, b"old");
    let have: Have = branch
        .spaces()
        .iter()
        .map(|space| (space.id(), phones[0].frontier(space)))
        .collect();
    phones[0].write(&branch.main, b"new");
    let bytes = write(&phones[0].replica, &branch.spaces(), Some(&have)).unwrap();
    let items: Vec<_> = read(&bytes).unwrap().map(Result::unwrap).collect();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].0, branch.main);
    assert_eq!(items[0].1.body(), b"new");
}

#[test]
fn a_bundle_cut_at_any_byte_gives_what_came_before_and_says_so() {
    let (branch, _, mut phones) = village(1);
    phones[0].write(&branch.main, b"minutes");
    let bytes = write(&phones[0].replica, &branch.spaces(), None).unwrap();
    let whole = read(&bytes).unwrap().count();
    for len in 0..bytes.len() {
        let Ok(bundle) = read(&bytes[..len]) else { continue };
        let items: Vec<_> = bundle.collect();
        let (last, before) = items.split_last().unwrap();
        assert!(last.is_err(), "{len}");
        assert!(before.iter().all(Result::is_ok) && before.len() <= whole);
    }
    let mut fresh = phone(9);
    let cut = import(&mut fresh.replica, read(&bytes[..bytes.len() - 1]).unwrap()).unwrap();
    assert!(matches!(cut.cut, Some(ReadError::Cbor(_))));
    assert_eq!(fresh.count(&branch.main), 1);
}

#[test]
fn what_is_no_bundle_and_what_is_newer_is_told_apart() {
    assert_eq!(read(b"").unwrap_err(), ReadError::Foreign);
    assert_eq!(read(b"%PDF-1.7").unwrap_err(), ReadError::Foreign);
    let head = |write: &dyn Fn(&mut Writer)| {
        let mut writer = Writer::new();
        write(&mut writer);
        read(&writer.into_bytes()).map(|_| ()).unwrap_err()
    };
    assert_eq!(
        head(&|w| {
            w.array(2).text("sotay-bundle").uint(2);
        }),
        ReadError::Version(2)
    );
    assert_eq!(
        head(&|w| {
            w.array(3).text("sotay-bundel").uint(1).array(0);
        }),
        ReadError::Foreign
    );
    assert_eq!(
        head(&|w| {
            w.array(2).text("sotay-bundle").uint(1);
        }),
        ReadError::OutOfRange
    );
    assert!(matches!(
        head(&|w| {
            w.array(3)
                .text("sotay-bundle")
                .uint(1)
                .array(BUNDLE_SPACES_MAX + 1);
        }),
        ReadError::Cbor(CborError::TooMany { .. })
    ));
}

#[test]
fn an_end_mark_with_another_count_or_something_after_it_is_damage() {
    let (branch, _, phones) = village(0);
    let bytes = write(&phones[0].replica, &[branch.main], None).unwrap();
    assert_eq!(read(&bytes).unwrap().count(), 0);
    let mut wrong = bytes.clone();
    *wrong.last_mut().unwrap() = 1;
    assert_eq!(read(&wrong).unwrap().next(), Some(Err(ReadError::OutOfRange)));
    let more = [&bytes[..], b"x"].concat();
    assert_eq!(
        read(&more).unwrap().next(),
        Some(Err(ReadError::Cbor(CborError::Trailing(1))))
    );
}

#[test]
fn a_forged_envelope_in_a_bundle_is_refused_and_the_others_are_taken() {
    let (branch, _, mut phones) = village(1);
    phones[1].write(&branch.main, b"good");
    let stranger = phone(77).draft(&branch.main, Kind::CHANGE, b"forged");
    let bytes = write(&phones[1].replica, &branch.spaces(), None).unwrap();
    // Between the last envelope and the end mark `[n]`; the count grows by one.
    let (body, end) = bytes.split_at(bytes.len() - 2);
    let mut item = Writer::new();
    item.array(2).uint(1).bytes(stranger.bytes());
    let forged = [body, &item.into_bytes(), &[end[0], end[1] + 1]].concat();
    let mut fresh = phone(9);
    let imported = import(&mut fresh.replica, read(&forged).unwrap()).unwrap();
    assert_eq!((imported.refused, imported.cut), (1, None));
    assert_eq!(fresh.count(&branch.main), 1);
}

#[test]
fn more_spaces_than_the_limit_are_not_bundled() {
    let (branch, _, phones) = village(0);
    let spaces: Vec<_> = (0..=BUNDLE_SPACES_MAX as u32)
        .map(|n| {
            let mut unit = [0; 32];
            unit[..4].copy_from_slice(&n.to_le_bytes());
            sotay_feed::Space::of(sotay_feed::UnitId::from_bytes(unit), branch.main.kind)
        })
        .collect();
    assert!(matches!(
        write(&phones[0].replica, &spaces, None),
        Err(WriteError::TooManySpaces(513))
    ));
    assert!(write(&phones[0].replica, &spaces[1..], None).is_ok());
}

#[test]
fn a_bundle_over_the_limit_is_not_read() {
    use sotay_sync::limits::BUNDLE_BYTES_MAX;
    let bytes = vec![0; BUNDLE_BYTES_MAX + 1];
    assert_eq!(
        read(&bytes).unwrap_err(),
        ReadError::TooLarge(BUNDLE_BYTES_MAX + 1)
    );
    assert_eq!(read(&bytes[1..]).unwrap_err(), ReadError::Foreign);
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), headed in any::<bool>()) {
        let mut input = Vec::new();
        if headed {
            let mut writer = Writer::new();
            writer.array(3).text("sotay-bundle").uint(1).array(0);
            input = writer.into_bytes();
        }
        input.extend_from_slice(&bytes);
        if let Ok(bundle) = read(&input) {
            let _ = bundle.collect::<Vec<_>>();
        }
    }
}
