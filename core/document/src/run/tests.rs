use super::*;
use automerge::transaction::Transactable;
use automerge::{ObjType, ROOT};

/// Bursts of `size` characters at the end of a text, one change each.
fn typing(bursts: usize, size: usize, text: impl Fn(usize) -> String) -> Vec<Vec<u8>> {
    let mut crdt = crate::empty().with_actor(Actor::from_bytes([7; 16]).to_automerge());
    let mut changes = Vec::new();
    let mut at = 0;
    let mut object = ROOT;
    for burst in 0..bursts {
        let mut tx = crdt.transaction();
        if burst == 0 {
            object = tx.put_object(ROOT, "text", ObjType::Text).unwrap();
        }
        let typed = text(burst);
        assert_eq!(typed.chars().count(), size);
        tx.splice_text(&object, at, 0, &typed).unwrap();
        at += size;
        tx.commit_with(
            automerge::transaction::CommitOptions::default().with_time(1_780_000_000 + burst as i64 * 3),
        );
        changes.push(crdt.get_last_local_change().unwrap().raw_bytes().to_vec());
    }
    changes
}

fn random_letters(burst: usize) -> String {
    let mut state = (burst as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..25)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(b'a' + (state % 26) as u8)
        })
        .collect()
}

/// Words from a small vocabulary, cut to bursts of 25 characters: closer to speech than random letters.
fn vietnamese(burst: usize) -> String {
    const WORDS: [&str; 48] = [
        "chi",
        "bộ",
        "đảng",
        "viên",
        "nghị",
        "quyết",
        "thôn",
        "xóm",
        "đường",
        "giao",
        "thông",
        "nông",
        "thôn",
        "mới",
        "đóng",
        "góp",
        "ý",
        "kiến",
        "của",
        "các",
        "đồng",
        "chí",
        "về",
        "việc",
        "triển",
        "khai",
        "kế",
        "hoạch",
        "tháng",
        "này",
        "đề",
        "nghị",
        "bà",
        "con",
        "tham",
        "gia",
        "vệ",
        "sinh",
        "môi",
        "trường",
        "thu",
        "nộp",
        "đảng",
        "phí",
        "đúng",
        "hạn",
        "và",
        "được",
    ];
    let mut state = (burst as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut text = String::new();
    while text.chars().count() < 25 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(WORDS[(state % 48) as usize]);
        text.push(' ');
    }
    text.chars().take(25).collect()
}

#[test]
fn measure() {
    for (name, text) in [
        ("letters", random_letters as fn(usize) -> String),
        ("vietnamese", vietnamese),
    ] {
        for bursts in [1, 5, 50, 418, 1000] {
            let changes = typing(bursts, 25, text);
            let raw: usize = changes.iter().map(Vec::len).sum();
            let runs = encode_runs(DocId::ZERO, 1, 1, &changes, 60_000).unwrap();
            let bytes: usize = runs.iter().map(Vec::len).sum();
            let parts: Vec<_> = changes.iter().map(|c| Parts::read(c).unwrap()).collect();
            let flat = body::flatten(&parts);
            let mut interleaved = Vec::new();
            for (i, (p, _)) in parts.iter().enumerate() {
                let mut q = p.clone();
                if i > 0 {
                    q.deps.clear();
                }
                interleaved.extend_from_slice(&q.write().0[9..]);
            }
            println!(
                "{name} {bursts}: raw {raw} payload {bytes} = {:.1} each; flat {} ",
                bytes as f64 / bursts as f64,
                flat.bytes.len()
            );
            for level in [3, 9, 15, 19] {
                println!(
                    "   level {level}: columns {} strip only {}",
                    zstd::bulk::compress(&flat.bytes, level).unwrap().len(),
                    zstd::bulk::compress(&interleaved, level).unwrap().len()
                );
            }
            let again: Vec<_> = runs
                .iter()
                .flat_map(|r| Run::decode(r).unwrap().changes)
                .collect();
            assert!(again == changes);
        }
    }
}
