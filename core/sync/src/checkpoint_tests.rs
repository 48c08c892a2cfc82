use super::*;
use proptest::prelude::*;
use sotay_feed::{DeviceId, Space, SpaceKind, UnitId};
use sotay_store::{Batch, DatabaseId, MemoryStore};

fn relay(seed: u8) -> DeviceKeys {
    DeviceKeys::from_seeds([seed; 32], [seed ^ 1; 32])
}

fn space() -> SpaceId {
    Space::of(UnitId::from_bytes([9; 32]), SpaceKind::Main).id()
}

fn place(database: u8, number: u64, chain: u8) -> Token {
    let mut bytes = [chain; Token::LEN];
    bytes[..8].fill(database);
    bytes[8..16].copy_from_slice(&number.to_be_bytes());
    Token::from_bytes(bytes)
}

fn held(feeds: &[(u8, u64)]) -> Frontier {
    feeds
        .iter()
        .map(|&(device, seq)| (DeviceId::from_bytes([device; 8]), seq))
        .collect()
}

fn checkpoint(place: Token, held: Frontier) -> Checkpoint {
    let keys = relay(1);
    Checkpoint {
        relay: keys.public().sign,
        signature: Checkpoint::sign(&keys, &space(), &place, &held.digest(), 5),
        place,
        held,
        time: 5,
    }
}

fn store() -> MemoryStore {
    MemoryStore::new(DatabaseId([1; 16]))
}

fn take(store: &mut MemoryStore, checkpoint: &Checkpoint, from: Source) -> bool {
    let noted = note(store, space().tag(), checkpoint.clone(), from).unwrap();
    store
        .commit(Batch {
            envelopes: Vec::new(),
            puts: noted.puts,
            ..Batch::default()
        })
        .unwrap();
    noted.proof
}

#[test]
fn a_signature_is_about_space_place_feeds_and_time() {
    let good = checkpoint(place(1, 3, 7), held(&[(1, 3)]));
    assert!(good.is_signed(&space()));
    let other = Space::of(UnitId::from_bytes([9; 32]), SpaceKind::Committee).id();
    assert!(!good.is_signed(&other));
    let mut altered = good.clone();
    altered.time += 1;
    assert!(!altered.is_signed(&space()));
    altered = good.clone();
    altered.held = held(&[(1, 2)]);
    assert!(!altered.is_signed(&space()));
    altered = good.clone();
    altered.place = place(1, 4, 7);
    assert!(!altered.is_signed(&space()));
    altered = good;
    altered.relay = relay(2).public().sign;
    assert!(!altered.is_signed(&space()));
}

#[test]
fn two_words_contradict_when_one_history_cannot_have_both() {
    let one = checkpoint(place(1, 3, 7), held(&[(1, 3)]));
    let cases = [
        ("the same", place(1, 3, 7), held(&[(1, 3)]), false),
        ("more, later", place(1, 4, 8), held(&[(1, 3), (2, 1)]), false),
        ("other order of the same", place(1, 3, 8), held(&[(1, 3)]), true),
        ("other feeds at one place", place(1, 3, 7), held(&[(1, 2)]), true),
        (
            "later, and something is lacking",
            place(1, 9, 8),
            held(&[(1, 2), (2, 7)]),
            true,
        ),
        (
            "earlier, and something is there too much",
            place(1, 2, 6),
            held(&[(2, 2)]),
            true,
        ),
        ("another database", place(2, 3, 8), held(&[(2, 3)]), false),
    ];
    for (what, place, held, contradict) in cases {
        let other = checkpoint(place, held);
        assert_eq!(one.contradicts(&other), contradict, "{what}");
        assert_eq!(other.contradicts(&one), contradict, "{what}");
    }
}

#[test]
fn a_proof_is_kept_once_and_both_words_hold() {
    let mut store = store();
    let seen = checkpoint(place(1, 3, 7), held(&[(1, 3)]));
    let told = checkpoint(place(1, 4, 8), held(&[(1, 2), (2, 2)]));
    assert!(!take(&mut store, &seen, Source::Relay));
    assert!(take(&mut store, &told, Source::Phone));
    assert!(!take(&mut store, &told, Source::Phone));
    let proofs = two_histories(&store).unwrap();
    assert_eq!(proofs.len(), 1);
    assert_eq!((&proofs[0].first, &proofs[0].second), (&seen, &told));
    assert!(proofs[0].first.is_signed(&space()) && proofs[0].second.is_signed(&space()));
    // What the relay shows here stays what later words are compared with.
    assert_eq!(kept_of(&store, space().tag()).unwrap(), [seen]);
}

#[test]
fn another_database_replaces_what_was_known_only_when_the_relay_itself_shows_it() {
    let mut store = store();
    let old = checkpoint(place(1, 30, 7), held(&[(1, 30)]));
    let new = checkpoint(place(2, 3, 7), held(&[(1, 3)]));
    assert!(!take(&mut store, &old, Source::Relay));
    assert!(!take(&mut store, &new, Source::Phone));
    assert_eq!(kept_of(&store, space().tag()).unwrap(), [old]);
    assert!(!take(&mut store, &new, Source::Relay));
    assert_eq!(kept_of(&store, space().tag()).unwrap(), [new]);
    assert!(two_histories(&store).unwrap().is_empty());
}

#[test]
fn the_last_words_are_kept_and_one_more_pushes_the_first_out() {
    let mut store = store();
    let word = |number: u64| checkpoint(place(1, number, number as u8), held(&[(1, number)]));
    for number in 1..=CHECKPOINTS_KEPT as u64 + 1 {
        take(&mut store, &word(number), Source::Relay);
        take(&mut store, &word(number), Source::Relay);
    }
    let kept = kept_of(&store, space().tag()).unwrap();
    assert_eq!(kept.len(), CHECKPOINTS_KEPT);
    assert_eq!(kept[0], word(2));
    // A word that contradicts one in the middle is found.
    let lie = checkpoint(place(1, 3, 99), held(&[(1, 3)]));
    assert!(take(&mut store, &lie, Source::Phone));
}

#[test]
fn one_relay_over_the_limit_is_not_kept_when_a_phone_brings_it() {
    let mut store = store();
    for seed in 0..=u8::try_from(RELAYS_PER_SPACE_MAX).unwrap() {
        let keys = relay(seed + 1);
        let (place, held) = (place(1, 1, 1), held(&[(1, 1)]));
        let checkpoint = Checkpoint {
            relay: keys.public().sign,
            signature: Checkpoint::sign(&keys, &space(), &place, &held.digest(), 5),
            place,
            held,
            time: 5,
        };
        take(&mut store, &checkpoint, Source::Phone);
    }
    let kept = kept_of(&store, space().tag()).unwrap().len();
    assert_eq!(kept, RELAYS_PER_SPACE_MAX);
}

#[test]
fn records_have_the_written_form_round_trip_and_refuse_other_versions() {
    let mut one = checkpoint(place(1, 3, 7), held(&[(1, 3)]));
    assert_eq!(
        decode(&encode(std::slice::from_ref(&one))).unwrap(),
        [one.clone()]
    );
    let proof = encode_proof(&one, &one);
    assert_eq!(decode_proof(&proof).unwrap(), (one.clone(), one.clone()));
    for len in 0..proof.len() {
        assert!(decode_proof(&proof[..len]).is_err(), "{len}");
    }
    let mut newer = encode(std::slice::from_ref(&one));
    newer[1] = 2;
    assert!(decode(&newer).is_err());
    one.signature = [0x55; 64];
    let hex: String = encode(std::slice::from_ref(&one))
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let key: String = one
        .relay
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let expected = format!(
        "82018185{}{}{}{}",
        format_args!("5820{key}"),
        "58180101010101010101000000000000000307070707070707078248",
        "01010101010101010305",
        format_args!("5840{}", "55".repeat(64)),
    );
    assert_eq!(hex, expected);
}

proptest! {
    #[test]
    fn garbage_is_no_checkpoint(bytes in proptest::collection::vec(any::<u8>(), 0..160)) {
        let _ = decode(&bytes);
        let _ = decode_proof(&bytes);
    }

    /// Histories that grow never contradict themselves, at whatever places they are looked at.
    #[test]
    fn one_history_never_contradicts_itself(writers in proptest::collection::vec(0u8..4, 1..40)) {
        let mut frontier = Frontier::new();
        let words: Vec<Checkpoint> = writers
            .iter()
            .enumerate()
            .map(|(at, &writer)| {
                let device = DeviceId::from_bytes([writer; 8]);
                frontier.raise(device, frontier.get(device) + 1);
                checkpoint(place(1, at as u64 + 1, at as u8), frontier.clone())
            })
            .collect();
        for one in &words {
            for other in &words {
                prop_assert!(!one.contradicts(other));
            }
        }
    }
}
