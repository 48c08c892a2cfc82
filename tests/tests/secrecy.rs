//! What a thief of a relay finds: a copy of its database and its keys, searched and tried on everything in it. And the
//! document that claims so names tests that exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sotay_engine::handbook::fixture::NAMES;
use sotay_engine::handbook::meeting::{Command, How, Method, Need, Place, State, TallyCount};
use sotay_feed::{DeviceKeys, Envelope, Space};
use sotay_store::{Bucket, Budget, DatabaseId, MemoryStore, Options, SqliteStore, Store};
use sotay_tests::branch::{Branch, P1, P2, P3};
use sotay_tests::pump::sync;
use sotay_tests::shard::Shard;
use sotay_vault::{EpochKey, open_body};

const SAID: &str = "Đề nghị nạo vét mương nội đồng trước vụ mùa";
const MOTION: &str = "Biểu quyết kết nạp quần chúng ưu tú";
const REASON: &str = "chăm người nhà nằm viện";

fn files(dir: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| std::fs::read(path).unwrap()).collect()
}

fn found(files: &[Vec<u8>], needle: &[u8]) -> bool {
    files
        .iter()
        .any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
}

/// The bytes as they might have been written down.
fn forms(id: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    vec![id.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()]
}

#[test]
fn a_copy_of_a_relay_with_its_keys_gives_no_name_text_vote_or_member_without_a_phone() {
    let dir = tempfile::tempdir().unwrap();
    let stores = [1, 2, 3_u8].map(|number| MemoryStore::new(DatabaseId([number; 16])));
    let mut branch = Branch::found(stores, 3);
    let doc = branch.begin(P1);
    branch.begin(P2);
    branch.speak(P1, doc, 5, SAID);
    branch.mark((P2, doc, 3), [28], State::Excused, How::RollCall, Some(REASON));
    let id = branch.phones[P3].fresh_id();
    let motion = Command::AddMotion {
        id,
        agenda: None,
        text: MOTION.into(),
        method: Method::Hands,
        need: Need::Majority,
        place: Place::Last,
    };
    branch.begin(P3);
    branch.on(P3, doc, 60, motion);
    let counts = TallyCount {
        for_: 31,
        against: 1,
        other: 1,
        invalid: 0,
    };
    branch.on(P3, doc, 59, Command::Open);
    branch.on(P3, doc, 60, Command::OpenVote { id });
    branch.on(
        P3,
        doc,
        61,
        Command::RecordTally {
            motion: id,
            counts,
            board: vec![branch.member(9)],
        },
    );

    let file = dir.path().join("relay.db");
    let mut relay = Shard::open(SqliteStore::open(&file, &Options::default()).unwrap()).unwrap();
    for round in 0..2 {
        for phone in [P1, P2, P3] {
            sync(
                &mut branch.phones[phone],
                &mut relay,
                round * 3 + phone as u64 + 1,
                0,
            );
        }
    }
    assert_eq!(relay.take_rejected(), []);
    let view = branch.phones[P1].meeting_view(doc).unwrap();
    assert_eq!(
        (view.speeches.len(), view.motions.len()),
        (1, 1),
        "there is something to find"
    );
    let spaces = relay.replica().spaces();
    drop(relay.into_store());

    // Searched as bytes. That the search finds anything shows in the ids of members with a phone, which stand in grants.
    let all = files(dir.path());
    assert!(found(&all, branch.member(3).as_bytes()), "the clerk has a phone");
    for text in [SAID, MOTION, REASON, "nạo vét", "CHI BỘ", "ĐẢNG ỦY"]
        .into_iter()
        .chain(NAMES)
    {
        assert!(!found(&all, text.as_bytes()), "{} bytes of text", text.len());
    }
    for number in 4..=42 {
        for form in forms(branch.member(number).as_bytes()) {
            assert!(
                !found(&all, &form),
                "M{number:02} has no phone and stands nowhere"
            );
        }
    }

    // Every string of 32 bytes that the thief has, tried as a key on every sealed envelope.
    let store = SqliteStore::open(&file, &Options::default()).unwrap();
    let thief = DeviceKeys::from_seeds([0x52; 32], [0x53; 32]);
    let mut keys: BTreeSet<[u8; 32]> = [*thief.sign_seed(), **thief.seal_secret()].into();
    for bucket in Bucket::ALL {
        for (_, value) in store.list(bucket, &[]).unwrap() {
            keys.extend(
                value
                    .windows(32)
                    .map(|window| <[u8; 32]>::try_from(window).unwrap()),
            );
        }
    }
    let (mut sealed, everything) = (
        0,
        Budget {
            count: 10_000,
            bytes: 1 << 28,
        },
    );
    let envelopes = |space: &Space| store.since(&space.id(), 0, everything).unwrap().envelopes;
    for stored in spaces
        .iter()
        .filter(|space| space.kind == sotay_feed::SpaceKind::Roll)
        .flat_map(envelopes)
    {
        let record = Envelope::decode(&stored.bytes).unwrap();
        keys.extend(
            record
                .body()
                .windows(32)
                .map(|window| <[u8; 32]>::try_from(window).unwrap()),
        );
    }
    for stored in spaces
        .iter()
        .flat_map(envelopes)
        .filter(|stored| !stored.kind.is_clear())
    {
        let envelope = Envelope::decode(&stored.bytes).unwrap();
        sealed += 1;
        if sealed <= 3 {
            for key in &keys {
                let opened = open_body(
                    envelope.header_bytes(),
                    &EpochKey::from_bytes(key),
                    envelope.body(),
                );
                assert!(opened.is_err());
            }
        }
    }
    assert!(
        sealed > 3 && keys.len() > 1000,
        "{sealed} envelopes, {} keys",
        keys.len()
    );
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn sources(dir: &Path, out: &mut String) {
    for entry in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        if entry.is_dir() && !["target", ".git", "node_modules"].contains(&name.as_str()) {
            sources(&entry, out);
        } else if name.ends_with(".rs") {
            out.push_str(&std::fs::read_to_string(&entry).unwrap());
        }
    }
}

#[test]
fn every_test_that_the_security_document_names_exists() {
    let document = std::fs::read_to_string(root().join("docs/SECURITY.md")).unwrap();
    let mut code = String::new();
    ["core", "tests", "server", "examples"]
        .iter()
        .for_each(|dir| sources(&root().join(dir), &mut code));
    let named: BTreeSet<&str> = document
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.matches('_').count() >= 3 && !word.contains(['/', '.', ' ']))
        .collect();
    assert!(named.len() > 100, "{}", named.len());
    for name in &named {
        assert!(
            is_test(&code, name),
            "docs/SECURITY.md names {name}, which is no test"
        );
    }
    // Every threat has one, in the last column; so has every line about two officers.
    let rows = |heading: &str| {
        let (_, section) = document.split_once(heading).expect("a section");
        let section = section.split("\n## ").next().unwrap_or(section);
        let rows: Vec<&str> = section
            .lines()
            .filter(|line| line.starts_with('|'))
            .skip(2)
            .collect();
        rows
    };
    for (heading, least) in [("## Threats\n", 60), ("## What happens when two officers", 9)] {
        let rows = rows(heading);
        assert!(rows.len() >= least, "{heading}: {}", rows.len());
        for row in rows {
            let last = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
            let shown = named.iter().any(|name| last.contains(&format!("`{name}`")));
            assert!(shown, "no test stands at the end of: {row}");
        }
    }
}

/// Whether a function of this name stands anywhere under an attribute that makes it a test.
fn is_test(code: &str, name: &str) -> bool {
    code.match_indices(&format!("fn {name}(")).any(|(at, _)| {
        let above = code[..at].rsplit('\n').skip(1);
        above
            .map(str::trim_start)
            .take_while(|line| line.starts_with("#[") || line.starts_with("//"))
            .any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}
