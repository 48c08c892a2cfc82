use automerge::transaction::{CommitOptions, Transactable};
use automerge::{Automerge, ObjId, ObjType, ROOT};
use proptest::prelude::*;

use super::*;
use crate::testing::forge;

/// What one envelope leaves for a payload, about.
const PAYLOAD_MAX: usize = 60_000;
const DOC: DocId = DocId::from_bytes([0xd0; 16]);

/// A small generator, so that the measured texts are the same on every machine.
struct Letters(u64);

impl Letters {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn random(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| char::from(b'a' + self.below(26) as u8))
            .collect()
    }

    /// Words from a small vocabulary, cut to `count` characters: closer to speech than random letters.
    fn vietnamese(&mut self, count: usize) -> String {
        const WORDS: &str = "chi bộ đảng viên nghị quyết thôn xóm đường giao thông nông mới đóng góp ý kiến của các \
            đồng chí về việc triển khai kế hoạch tháng này đề nghị bà con tham gia vệ sinh môi trường thu nộp phí \
            đúng hạn và được nhất trí thông qua kết luận phân công phụ trách báo cáo trước ngày";
        let words: Vec<_> = WORDS.split_whitespace().collect();
        let mut text = String::new();
        while text.chars().count() < count {
            text.push_str(words[self.below(words.len() as u64) as usize]);
            text.push(' ');
        }
        text.chars().take(count).collect()
    }
}

struct Typist {
    crdt: Automerge,
    texts: Vec<(ObjId, usize)>,
    time: i64,
    changes: Vec<Vec<u8>>,
}

impl Typist {
    fn new(texts: usize) -> Self {
        let actor = Actor::from_bytes(*b"device00nonce000");
        let mut typist = Self {
            crdt: crate::empty().with_actor(actor.to_automerge()),
            texts: Vec::new(),
            time: 1_780_000_000,
            changes: Vec::new(),
        };
        let mut tx = typist.crdt.transaction();
        typist.texts = (0..texts)
            .map(|n| (tx.put_object(ROOT, format!("t{n}"), ObjType::Text).unwrap(), 0))
            .collect();
        tx.commit_with(CommitOptions::default().with_time(typist.time));
        typist
    }

    fn splice(&mut self, text: usize, at: usize, delete: usize, insert: &str) {
        let (object, length) = &mut self.texts[text];
        *length = *length + insert.chars().count() - delete;
        self.time += 4 + (at as i64 % 3);
        let mut tx = self.crdt.transaction();
        tx.splice_text(&*object, at, delete as isize, insert).unwrap();
        tx.commit_with(CommitOptions::default().with_time(self.time));
        self.changes
            .push(self.crdt.get_last_local_change().unwrap().raw_bytes().to_vec());
    }
}

/// Bursts of 25 characters at the end of one text.
fn steady(bursts: usize, mut burst: impl FnMut(usize) -> String) -> Vec<Vec<u8>> {
    let mut typist = Typist::new(1);
    for _ in 0..bursts {
        let end = typist.texts[0].1;
        typist.splice(0, end, 0, &burst(25));
    }
    typist.changes
}

/// Bursts of 25 characters anywhere in 20 texts, each replacing one or two characters now and then.
fn ragged(bursts: usize) -> Vec<Vec<u8>> {
    let (mut typist, mut letters) = (Typist::new(20), Letters(7));
    for _ in 0..bursts {
        let text = letters.below(20) as usize;
        let length = typist.texts[text].1;
        let at = letters.below(length as u64 + 1) as usize;
        let delete = (letters.below(3) as usize).min(length - at);
        let burst = letters.vietnamese(25);
        typist.splice(text, at, delete, &burst);
    }
    typist.changes
}

fn decoded(payloads: &[Vec<u8>]) -> Vec<Vec<u8>> {
    payloads
        .iter()
        .flat_map(|payload| Run::decode(payload).unwrap().changes)
        .collect()
}

#[test]
fn a_burst_of_25_characters_costs_at_most_55_bytes_in_a_sitting() {
    let (mut letters, mut words) = (Letters(1), Letters(2));
    let shapes = [
        (
            "random letters, one text",
            steady(1000, |count| letters.random(count)),
        ),
        (
            "vietnamese, one text",
            steady(1000, |count| words.vietnamese(count)),
        ),
        ("vietnamese, anywhere in 20 texts", ragged(1000)),
    ];
    for (shape, changes) in shapes {
        for bursts in [50, 418, 1000] {
            let changes = &changes[..bursts];
            let payloads = encode_runs(DOC, 1, 1, changes, PAYLOAD_MAX).unwrap();
            let bytes: usize = payloads.iter().map(Vec::len).sum();
            let raw: usize = changes.iter().map(Vec::len).sum();
            let each = bytes as f64 / bursts as f64;
            println!(
                "{bursts:5} bursts, {shape}: {each:.1} bytes each, raw {:.1}",
                raw as f64 / bursts as f64
            );
            assert!(each <= 55.0, "{shape}: {each}");
            assert!(decoded(&payloads) == changes, "rebuilt byte for byte");
        }
    }
}

#[test]
fn a_payload_is_the_published_one() {
    let changes = steady(2, |count| "ă".repeat(count));
    let payloads = encode_runs(DOC, 3, 1, &changes, PAYLOAD_MAX).unwrap();
    let run = Run::decode(&payloads[0]).unwrap();
    assert_eq!((run.doc, run.kind, run.schema, run.changes), (DOC, 3, 1, changes));
    // The stored form, because another zstd may compress otherwise; decoders read both.
    let parts: Vec<_> = decoded(&payloads);
    let parts: Vec<_> = parts.iter().map(|raw| Parts::read(raw).unwrap()).collect();
    let flat = body::flatten(&parts);
    let (actor, count) = (parts[0].0.actor, parts.len());
    let head = Head {
        doc: DOC,
        kind: 3,
        schema: 1,
        actor,
        count,
        tails: flat.tails,
        method: STORED,
    };
    let stored = head.write(&flat.bytes);
    assert_eq!(hex(&stored), include_str!("../../vectors/run.hex").trim());
    assert_eq!(Run::decode(&stored).unwrap(), Run::decode(&payloads[0]).unwrap());
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_shorter_payload_is_refused() {
    let payload = encode_runs(DOC, 1, 1, &ragged(5), PAYLOAD_MAX).unwrap().remove(0);
    for cut in 0..payload.len() {
        assert!(Run::decode(&payload[..cut]).is_err(), "{cut}");
    }
    let longer = [&payload[..], &[0]].concat();
    assert_eq!(Run::decode(&longer), Err(RunError::Head(CborError::Trailing(1))));
}

#[test]
fn another_version_and_another_compression_are_named() {
    let payload = encode_runs(DOC, 1, 1, &ragged(5), PAYLOAD_MAX).unwrap().remove(0);
    let mut newer = payload.clone();
    newer[1] = 2;
    assert_eq!(Run::decode(&newer), Err(RunError::Version(2)));
    let (mut head, body) = Head::read(&payload).unwrap();
    head.method = 2;
    assert_eq!(Run::decode(&head.write(body)), Err(RunError::Method(2)));
    head.method = ZSTD;
    assert_eq!(
        Run::decode(&head.write(b"not a frame")),
        Err(RunError::Compression)
    );
    let two_frames = [body, body].concat();
    assert_eq!(Run::decode(&head.write(&two_frames)), Err(RunError::Compression));
}

#[test]
fn a_change_other_than_the_announced_one_is_noticed() {
    let payload = encode_runs(DOC, 1, 1, &ragged(5), PAYLOAD_MAX).unwrap().remove(0);
    let (mut head, body) = Head::read(&payload).unwrap();
    head.tails[0].0[31] ^= 1;
    assert_eq!(Run::decode(&head.write(body)), Err(RunError::Hash));
    head.tails.clear();
    assert_eq!(Run::decode(&head.write(body)), Err(RunError::Hash));
}

#[test]
fn changes_of_another_process_start_begin_a_new_run() {
    let changes = ragged(6);
    let other = Actor::from_bytes([9; 16]);
    let mixed: Vec<_> = changes
        .iter()
        .enumerate()
        .map(|(n, raw)| {
            if n < 3 {
                raw.clone()
            } else {
                forge(raw, |parts| parts.actor = other)
            }
        })
        .collect();
    let payloads = encode_runs(DOC, 1, 1, &mixed, PAYLOAD_MAX).unwrap();
    assert_eq!(payloads.len(), 2);
    assert!(decoded(&payloads) == mixed);
    let gap = [&changes[..2], &changes[4..]].concat();
    assert_eq!(encode_runs(DOC, 1, 1, &gap, PAYLOAD_MAX).unwrap().len(), 2);
    assert!(
        encode_runs(DOC, 1, 1, &[] as &[Vec<u8>], PAYLOAD_MAX)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn changes_that_do_not_build_on_each_other_are_each_announced() {
    let changes = ragged(4);
    let apart: Vec<_> = changes
        .iter()
        .enumerate()
        .map(|(n, raw)| {
            forge(raw, |parts| {
                parts.deps = vec![ChangeHash([n as u8; 32]), ChangeHash([9; 32])]
            })
        })
        .collect();
    let payload = encode_runs(DOC, 1, 1, &apart, PAYLOAD_MAX).unwrap().remove(0);
    assert_eq!(Head::read(&payload).unwrap().0.tails.len(), 4);
    assert!(Run::decode(&payload).unwrap().changes == apart);
}

#[test]
fn payloads_keep_the_limit_that_was_asked_for() {
    let changes = ragged(300);
    for payload_max in [400, 1_000, 5_000] {
        let payloads = encode_runs(DOC, 1, 1, &changes, payload_max).unwrap();
        assert!(payloads.iter().all(|payload| payload.len() <= payload_max));
        assert!(payloads.len() > 2);
        assert!(decoded(&payloads) == changes);
    }
    let refused = encode_runs(DOC, 1, 1, &changes, 100).unwrap_err();
    assert!(matches!(refused, RunEncodeError::TooLarge { index: 0, payload_max: 100, bytes } if bytes > 100));
    let refused = encode_runs(DOC, 1, 1, &[b"no change"], PAYLOAD_MAX).unwrap_err();
    assert_eq!(
        refused,
        RunEncodeError::Change {
            index: 0,
            error: ShapeError::Malformed
        }
    );
}

#[test]
fn a_run_holds_at_most_4096_changes() {
    let empty = forge(&steady(1, |count| "a".repeat(count))[0], |parts| {
        parts.columns.clear()
    });
    let (mut changes, mut previous) = (Vec::new(), crate::testing::hash(&empty));
    for n in 0..=RUN_CHANGES_MAX as u64 {
        let raw = forge(&empty, |parts| {
            parts.deps = vec![previous];
            parts.seq += n;
        });
        previous = Parts::read(&raw).unwrap().1;
        changes.push(raw);
    }
    let payloads = encode_runs(DOC, 1, 1, &changes, PAYLOAD_MAX).unwrap();
    let counts: Vec<_> = payloads
        .iter()
        .map(|payload| Run::decode(payload).unwrap().changes.len())
        .collect();
    assert_eq!(counts, [RUN_CHANGES_MAX, 1]);
    let (mut head, body) = Head::read(&payloads[0]).unwrap();
    for count in [0, RUN_CHANGES_MAX + 1] {
        head.count = count;
        assert_eq!(Run::decode(&head.write(body)), Err(RunError::Count(count as u64)));
    }
}

#[test]
fn a_body_at_the_limit_is_inflated_and_one_byte_more_is_refused() {
    let frame = |len: usize| zstd::bulk::compress(&vec![0; len], 3).unwrap();
    assert_eq!(
        inflate(&frame(RUN_BYTES_MAX)).map(|body| body.len()),
        Ok(RUN_BYTES_MAX)
    );
    // Within the window that is allowed, stopped by the output limit; the size in the head of the frame plays no part.
    let mut unsized_frame = zstd::bulk::Compressor::new(3).unwrap();
    unsized_frame.include_contentsize(false).unwrap();
    unsized_frame.window_log(17).unwrap();
    let one_more = unsized_frame.compress(&vec![0; RUN_BYTES_MAX + 1]).unwrap();
    assert_eq!(inflate(&one_more), Err(RunError::TooLarge));
    assert!(matches!(
        inflate(&frame(RUN_BYTES_MAX + 1)),
        Err(RunError::TooLarge | RunError::Compression)
    ));
    let incompressible = encode_runs(DOC, 1, 1, &ragged(1), PAYLOAD_MAX).unwrap().remove(0);
    let (mut head, _) = Head::read(&incompressible).unwrap();
    head.method = STORED;
    let over = head.write(&vec![0; ENVELOPE_BYTES_MAX + 1]);
    assert!(matches!(
        Run::decode(&over),
        Err(RunError::Head(CborError::TooMany { .. }))
    ));
}

#[test]
fn rebuilding_stops_at_its_own_limit() {
    // A table of 1024 actors that each of 70 changes refers to wholly: 17 KB of body, 1.1 MB of changes.
    let others: Vec<_> = (0..1024u128)
        .map(|n| Actor::from_bytes(n.to_be_bytes()))
        .collect();
    let changes = ragged(70);
    let wide = |count: usize| {
        let mut previous = None;
        changes[..count]
            .iter()
            .map(|raw| {
                let raw = forge(raw, |parts| {
                    parts.others = others.clone();
                    parts.deps = previous.into_iter().collect();
                });
                previous = Some(crate::chunk::Parts::read(&raw).unwrap().1);
                raw
            })
            .collect::<Vec<_>>()
    };
    let fits = wide(50);
    assert_eq!(encode_runs(DOC, 1, 1, &fits, PAYLOAD_MAX).unwrap().len(), 1);
    let wide = wide(70);
    assert!(
        encode_runs(DOC, 1, 1, &wide, PAYLOAD_MAX).unwrap().len() > 1,
        "the encoder splits"
    );
    let parts: Vec<_> = wide.iter().map(|raw| Parts::read(raw).unwrap()).collect();
    let flat = body::flatten(&parts);
    let head = Head {
        doc: DOC,
        kind: 1,
        schema: 1,
        actor: parts[0].0.actor,
        count: 70,
        tails: flat.tails,
        method: ZSTD,
    };
    let payload = head.write(&deflate(&flat.bytes).unwrap());
    assert_eq!(Run::decode(&payload), Err(RunError::TooLarge));
}

proptest! {
    #[test]
    fn garbage_is_refused_and_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Run::decode(&bytes).is_err());
    }

    #[test]
    fn a_garbage_body_is_refused_or_rebuilt_into_changes_of_accepted_shape(
        body in proptest::collection::vec(any::<u8>(), 0..300),
        count in 1..20usize,
    ) {
        if let Ok(rebuilt) = body::rebuild(&body, Actor::from_bytes([1; 16]), count) {
            for raw in &rebuilt.changes {
                prop_assert!(Parts::read(raw).is_ok());
            }
        }
    }

    #[test]
    fn a_damaged_payload_never_yields_other_changes(at in any::<prop::sample::Index>(), flip in 1..=255u8) {
        let payload = encode_runs(DOC, 1, 1, &ragged(8), PAYLOAD_MAX).unwrap().remove(0);
        let honest = Run::decode(&payload).unwrap();
        let mut damaged = payload;
        let at = at.index(damaged.len());
        damaged[at] ^= flip;
        if let Ok(run) = Run::decode(&damaged) {
            // Document, kind and schema are plain numbers that the envelope's signature covers.
            prop_assert!(run.changes == honest.changes);
        }
    }
}
