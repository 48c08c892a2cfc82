//! The study commands, through the real program.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const HEAD: &str = "doc\tcode\tdate\ttype\tissuer\tsection\ttitle\ttext\n";

/// A profile in a folder of its own.
struct Branch {
    folder: TempDir,
}

impl Branch {
    fn new() -> Self {
        let branch = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        branch.done(&[
            "unit",
            "create",
            "Chi bộ thôn An Lạc",
            "--upper",
            "Đảng bộ xã",
            "--founder",
            "Lê Văn An",
        ]);
        branch
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_string_lossy().into_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A small document.
    fn publish_law(&self) {
        let file = self.file("law.txt", "Điều 1. Phạm vi\nQuy định này áp dụng cho chi bộ.\n");
        self.done(&strs(&self.publish(&file)));
    }

    fn call(&self, args: &[&str], input: &str) -> Output {
        let profile = self.folder.path().join("profile");
        call(
            &[&["--profile", profile.to_str().unwrap(), "--json"], args].concat(),
            input,
        )
    }

    fn done(&self, args: &[&str]) -> Value {
        self.done_with(args, "")
    }

    fn done_with(&self, args: &[&str], input: &str) -> Value {
        let output = self.call(args, input);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{args:?}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Exit status and code of a command that has to fail.
    fn refused(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = self.call(args, "");
        let value: Value = serde_json::from_slice(&output.stdout).unwrap();
        (
            output.status.code(),
            value["error"]["code"].as_str().unwrap_or_default().to_owned(),
        )
    }

    fn publish(&self, file: &str) -> [String; 13] {
        let details = [
            "--code",
            "1-HD/X",
            "--date",
            "2024-03-05",
            "--type",
            "HD",
            "--issuer",
            "X",
            "--title",
            "Hướng dẫn",
        ];
        let all: Vec<String> = ["library", "publish", file]
            .iter()
            .chain(&details)
            .map(|&arg| arg.to_owned())
            .collect();
        all.try_into().unwrap()
    }
}

fn call(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sotay"))
        .args(args)
        .env_remove("SOTAY_PROFILE")
        .env_remove("SOTAY_LANG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that fails early reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn strs(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

/// A file of cases: the shared one beside the repository, else the one committed with the tests of `sotay-study`.
fn cases(shared: &str, own: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = root.join("../../../shared/cases").join(shared);
    if beside.exists() {
        beside
    } else {
        root.join("../../core/study/tests").join(own)
    }
}

/// `\uXXXX` in the tables stands for one code point.
fn unescape(text: &str) -> String {
    let mut pieces = text.split("\\u");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        let letter = char::from_u32(u32::from_str_radix(&piece[..4], 16).unwrap()).unwrap();
        format!("{text}{letter}{}", &piece[4..])
    })
}

#[test]
fn every_case_of_search_is_answered_by_the_program() {
    let branch = Branch::new();
    branch.done(&[
        "library",
        "publish",
        "--corpus",
        cases("search_corpus.tsv", "small_corpus.tsv").to_str().unwrap(),
    ]);
    let table = std::fs::read_to_string(cases("search_queries.tsv", "small_queries.tsv")).unwrap();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for line in table
        .lines()
        .skip(1)
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
    {
        let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
        let cell = |at: usize| cells.get(at).copied().unwrap_or_default();
        let results = branch.done(&["search", &unescape(cell(2))]);
        let found: Vec<[String; 2]> = results
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| {
                let doc = hit["doc"].as_str().unwrap();
                [
                    doc.to_owned(),
                    format!("{doc}:{}", hit["section"].as_str().unwrap()),
                ]
            })
            .collect();
        let list = |at: usize| {
            cell(at)
                .split(',')
                .map(str::trim)
                .filter(|doc| !doc.is_empty())
                .collect::<Vec<_>>()
        };
        let is = |hit: &[String; 2], doc: &str| hit.iter().any(|name| name == doc);
        let has = |doc: &str| found.iter().any(|hit| is(hit, doc));
        let top = match cell(3) {
            "" => true,
            "NONE" => found.is_empty(),
            tops => found
                .first()
                .is_some_and(|hit| tops.split('|').any(|doc| is(hit, doc))),
        };
        if !top || !list(4).iter().all(|doc| has(doc)) || list(5).iter().any(|doc| has(doc)) {
            wrong.push(format!("{} {}: {found:?}", cell(0), cell(2)));
        }
        count += 1;
    }
    assert!(
        count > 10 && wrong.is_empty(),
        "{count} cases, wrong:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn speech_writes_a_line_for_every_line_without_a_profile() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases/speech.tsv");
    let table = std::fs::read_to_string(shared)
        .unwrap_or_else(|_| "id\tcategory\tinput\texpected\nS\tnumber\t21 hộ\thai mươi mốt hộ\n".to_owned());
    let rows: Vec<(String, String)> = table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut cells = line.split('\t').skip(2).map(unescape);
            Some((cells.next()?, cells.next()?))
        })
        .collect();
    let input: String = rows.iter().map(|(input, _)| format!("{input}\n")).collect();
    let output = call(&["speech"], &input);
    let said = String::from_utf8(output.stdout).unwrap();
    let wanted: String = rows.iter().map(|(_, expected)| format!("{expected}\n")).collect();
    assert!(output.status.success() && !rows.is_empty());
    assert_eq!(said, wanted);
    let southern = String::from_utf8(call(&["speech", "--region", "south"], "1.005 hộ\n").stdout).unwrap();
    assert!(southern.contains("ngàn") && southern.contains("lẻ"), "{southern}");
    let escape = String::from_utf8(call(&["speech"], "\\u0041\n").stdout).unwrap();
    assert_ne!(escape, "A\n");
}

#[test]
fn a_question_is_answered_verbatim_or_kept_for_the_secretary() {
    let branch = Branch::new();
    let sentence = "Người chuyển nơi ở nộp giấy giới thiệu trong 30 ngày.";
    let table = branch.file(
        "t.tsv",
        format!("{HEAD}D1\t04-HD/X\t2023-06-01\tHD\tX\tMục 1\tChuyển sinh hoạt\t{sentence}\n"),
    );
    branch.done(&["library", "publish", "--corpus", &table]);
    let answer = branch.done(&["ask", "chuyển nơi ở phải nộp giấy giới thiệu trong mấy ngày"]);
    assert_eq!(answer["found"], true);
    let first = &answer["answers"][0];
    assert_eq!(
        (&first["quote"], &first["code"]),
        (&sentence.into(), &"04-HD/X".into())
    );
    assert_eq!(
        (&first["date"], &first["section"]),
        (&"2023-06-01".into(), &"Mục 1".into())
    );
    let none = branch.done(&["ask", "giá vàng hôm nay", "--keep"]);
    assert_eq!(
        (&none["found"], none["answers"].as_array().unwrap().len()),
        (&false.into(), 0)
    );
    assert_eq!(none["message"], "Không tìm thấy trong các văn bản trên máy");
    assert_eq!(
        branch.done(&["ask", "--kept"])["kept"][0]["text"],
        "giá vàng hôm nay"
    );
    assert_eq!(
        branch.done(&["ask", "--forget", "1"])["kept"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn files_that_cannot_be_published_are_refused_with_their_reason() {
    let branch = Branch::new();
    let locked: Vec<u8> = [
        &[0xd0u8, 0xcf, 0x11, 0xe0][..],
        &"EncryptedPackage"
            .bytes()
            .flat_map(|b| [b, 0])
            .collect::<Vec<_>>(),
    ]
    .concat();
    let scan = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
        3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\nxref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n\
        0000000052 00000 n \n0000000101 00000 n \ntrailer<</Size 4/Root 1 0 R>>\nstartxref\n160\n%%EOF\n";
    for (name, bytes, code) in [
        ("khoa.docx", &locked[..], "password_protected"),
        ("anh.pdf", &scan[..], "scanned_pdf"),
        ("hong.pdf", b"%PDF-1.4 nothing", "broken_pdf"),
        ("hong.docx", b"PK\x03\x04broken", "broken_archive"),
        ("mat.txt", "TỐI MẬT\nĐiều 1. A\nB\n".as_bytes(), "secrecy_mark"),
        ("rong.txt", b"\n\n", "empty_document"),
        ("cu.doc", b"\xd0\xcf\x11\xe0old", "unsupported_format"),
    ] {
        let file = branch.file(name, bytes);
        assert_eq!(
            branch.refused(&strs(&branch.publish(&file))),
            (Some(3), code.to_owned()),
            "{name}"
        );
    }
    let table = branch.file(
        "t.tsv",
        format!("{HEAD}D1\t1\t2024-13-01\tHD\tX\tMục 1\tT\tChữ\n"),
    );
    assert_eq!(
        branch.refused(&["library", "publish", "--corpus", &table]),
        (Some(3), "table_date".to_owned())
    );
    assert_eq!(
        branch.refused(&["library", "publish", "--header", &table]).1,
        "bad_head_line"
    );
    assert_eq!(
        branch.refused(&strs(&branch.publish("/no/such/file"))).1,
        "file_unreadable"
    );
    assert_eq!(
        branch.done(&["library"])["documents"].as_array().unwrap().len(),
        0
    );
}

#[test]
fn a_phone_without_a_branch_is_told_how_to_found_one() {
    let folder = tempfile::tempdir().unwrap();
    let (profile, table) = (folder.path().join("none"), folder.path().join("t.tsv"));
    std::fs::write(
        &table,
        format!("{HEAD}D1\t1-HD/X\t2024-03-01\tHD\tX\tMục 1\tT\tChữ\n"),
    )
    .unwrap();
    let args = [
        "--profile",
        profile.to_str().unwrap(),
        "library",
        "publish",
        "--corpus",
        table.to_str().unwrap(),
    ];
    let output = call(&args, "");
    assert_eq!(output.status.code(), Some(3));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("sotay unit create")
    );
}

#[test]
fn one_code_in_three_terms_is_three_documents_and_a_link_shows_a_banner() {
    let branch = Branch::new();
    let file = branch.file("hd.txt", "Điều 1. Nội dung\nChi bộ họp mỗi tháng một lần.\n");
    for date in ["2012-05-17", "2018-07-06", "2022-06-06"] {
        let mut args = branch.publish(&file);
        args[6] = date.to_owned();
        let report = branch.done(&strs(&args));
        assert_eq!(
            (
                &report["published"],
                &report["documents"][0]["report"]["sections"]["article"]
            ),
            (&1.into(), &1.into())
        );
        assert_eq!(branch.done(&strs(&args))["published"], 0);
    }
    assert_eq!(branch.done(&["search", "1-HD/X"]).as_array().unwrap().len(), 3);
    assert_eq!(
        branch.refused(&["library", "show", "1-HD/X"]).1,
        "ambiguous_document"
    );
    let mut args = branch.publish(&file).to_vec();
    (args[4], args[6]) = ("2-HD/X".to_owned(), "2025-01-01".to_owned());
    args.extend(["--withdraws".to_owned(), "1-HD/X@2012-05-17".to_owned()]);
    branch.done(&strs(&args));
    let oldest = branch.done(&["library", "show", "4", "--section", "điều 1"]);
    assert_eq!(
        (&oldest["date"], &oldest["superseded"][0]["by"]),
        (&"2012-05-17".into(), &"withdraws".into())
    );
    assert_eq!(oldest["text"], "Chi bộ họp mỗi tháng một lần.");
    assert_eq!(
        branch.done(&["library", "show", "3"])["superseded"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn reading_goes_on_where_it_stopped_and_is_never_lessened() {
    let branch = Branch::new();
    let text: String = (1..=26)
        .map(|n| format!("Điều {n}. Tên\nĐoạn một của điều.\nĐoạn hai của điều.\n"))
        .collect();
    branch.done(&strs(&branch.publish(&branch.file("d.txt", text))));
    let first = branch.done(&["read", "1", "--seconds", "60"]);
    assert_eq!(
        (
            &first["progress"]["shown"],
            first["paragraphs"].as_array().unwrap().len()
        ),
        (&"2/52 = 4 %".into(), 2)
    );
    assert_eq!(branch.done(&["read", "1"])["paragraphs"][0]["number"], 3);
    let far = branch.done(&["read", "1", "--to", "40", "--seconds", "30"]);
    assert_eq!(
        (&far["progress"]["shown"], &far["progress"]["seconds"]),
        (&"40/52 = 77 %".into(), &90.into())
    );
    assert_eq!(
        branch.done(&["read", "1", "--section", "Điều 2"])["progress"]["shown"],
        "40/52 = 77 %"
    );
    let done = branch.done(&["read", "1", "--done"]);
    assert_eq!(
        (&done["progress"]["finished"], &done["progress"]["furthest"]),
        (&true.into(), &40.into())
    );
    assert_eq!(branch.done(&["study"])["finished"], 1);
    assert_eq!(
        branch.refused(&["read", "1", "--section", "Điều 99"]).1,
        "no_section"
    );
    let speak = branch.refused(&["speak", "1", "--program", "/no/such/espeak"]);
    assert_eq!(speak, (Some(3), "no_speaker".to_owned()));
}

#[test]
fn a_quiz_is_drafted_reviewed_published_and_taken() {
    let branch = Branch::new();
    let text = "Điều 1. Hội nghị\nHội nghị họp khi có mặt ít nhất 30 ngày kể từ khi thông báo cho đảng viên.\n\
                Điều 2. Phiếu\nPhiếu được giữ trong thời hạn 45 ngày kể từ khi kết thúc hội nghị chi bộ.\n\
                Điều 3. Sổ\nSổ được nộp cho đảng ủy xã chậm nhất 60 ngày kể từ khi kết thúc năm công tác.\n";
    branch.done(&strs(&branch.publish(&branch.file("d.txt", text))));
    let draft = branch.file("draft.toml", "");
    assert_eq!(
        branch.done(&["quiz", "draft", "1", "--out", &draft])["questions"],
        3
    );
    assert_eq!(branch.refused(&["quiz", "publish", &draft]).1, "nothing_accepted");
    let reviewed = std::fs::read_to_string(&draft)
        .unwrap()
        .replace("accepted = false", "accepted = true");
    std::fs::write(&draft, reviewed.replace("quote = \"Phiếu", "quote = \"Lá phiếu")).unwrap();
    assert_eq!(branch.refused(&["quiz", "publish", &draft]).1, "quiz_citation");
    std::fs::write(&draft, reviewed).unwrap();
    branch.done(&["quiz", "publish", &draft]);
    let taken = branch.done_with(&["quiz", "take", "1", "--seed", "3"], "a\na\na\n");
    let right = taken["questions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|question| question["right"] == true)
        .count();
    assert_eq!(
        (&taken["marks"]["right"], &taken["marks"]["total"]),
        (&right.into(), &3.into())
    );
    assert_eq!(branch.done(&["quiz"])["quizzes"][0]["attempts"], 1);
    assert_eq!(
        branch.done(&["quiz", "results", "1"])["results"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let study = branch.done(&["study"]);
    assert_eq!((&study["questions"], &study["attempts"]), (&3.into(), &1.into()));
    assert_eq!(branch.refused(&["quiz", "take", "7"]).1, "unknown_quiz");
}

#[test]
fn a_schedule_of_broadcasts_is_published_and_replaced() {
    let branch = Branch::new();
    let table = |title: &str| {
        branch.file(
            "b.tsv",
            format!("start\tminutes\ttitle\tlinks\n2099-12-05T19:30\t45\t{title}\tVTV1 https://a.vn\n"),
        )
    };
    branch.done(&["broadcasts", "publish", &table("Cũ")]);
    branch.done(&["broadcasts", "publish", &table("Mới")]);
    let all = branch.done(&["broadcasts"]);
    assert_eq!(all["broadcasts"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&all["broadcasts"][0]["title"], &all["broadcasts"][0]["state"]),
        (&"Mới".into(), &"next".into())
    );
    let bad = branch.file(
        "c.tsv",
        "start\tminutes\ttitle\tlinks\n2099-12-05T19:30\t45\tA\tftp://a\n",
    );
    assert_eq!(
        branch.refused(&["broadcasts", "publish", &bad]).1,
        "schedule_link"
    );
}

#[test]
fn a_recording_is_kept_only_when_it_is_the_published_one() {
    let branch = Branch::new();
    let recording = branch.file("thoi-su.mp3", "bản ghi".repeat(1000));
    let table = branch.file(
        "b.tsv",
        "start\tminutes\ttitle\tlinks\trecording\n2020-12-05T19:30\t45\tThời sự\tVTV1 https://a.vn\tthoi-su.mp3\n\
         2020-12-06T19:30\t45\tKhác\tVTV1 https://a.vn\t\n",
    );
    let all = branch.done(&["broadcasts", "publish", &table]);
    let published = &all["broadcasts"][0]["recording"];
    assert_eq!(published["size"], "bản ghi".len() * 1000);
    assert_eq!(
        (&published["name"], &published["media_type"]),
        (&"thoi-su.mp3".into(), &"audio/mpeg".into())
    );

    let kept = branch.path("kept.mp3");
    let kept = kept.to_str().unwrap();
    let fetched = branch.done(&["broadcasts", "fetch", "1", "--from", &recording, "--out", kept]);
    assert_eq!(fetched["hash"], published["hash"]);
    assert_eq!(std::fs::read(kept).unwrap(), std::fs::read(&recording).unwrap());

    let other = branch.file("other.mp3", "bản ghị".repeat(1000));
    let nowhere = branch.path("other-kept.mp3");
    let nowhere = nowhere.to_str().unwrap();
    let refused = branch.refused(&["broadcasts", "fetch", "1", "--from", &other, "--out", nowhere]);
    assert_eq!(refused.1, "other_recording");
    assert!(!std::path::Path::new(nowhere).exists());
    assert_eq!(
        branch
            .refused(&["broadcasts", "fetch", "2", "--from", &recording])
            .1,
        "no_recording"
    );
    assert_eq!(
        branch
            .refused(&["broadcasts", "fetch", "3", "--from", &recording])
            .1,
        "no_entry"
    );
}

#[test]
fn what_a_member_shares_is_counted_and_can_be_taken_back() {
    let branch = Branch::new();
    branch.publish_law();
    let told = |branch: &Branch| {
        branch.done(&["library", "delivery", "1"])["told"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(told(&branch), 0);
    assert_eq!(branch.done(&["library", "share", "1"])["shared"], "done");
    assert_eq!(told(&branch), 1);
    let figures = branch.done(&["library", "delivery"]);
    assert_eq!(figures["documents"][0]["received"], 1);
    assert!(
        figures["documents"][0]["done"].is_null(),
        "a count among too few is withheld"
    );
    branch.done(&["library", "share", "1", "nothing"]);
    assert_eq!(told(&branch), 0);
}

#[test]
fn queries_of_any_kind_give_a_list_or_a_reason() {
    let branch = Branch::new();
    assert_eq!(branch.done(&["search", "..."]).as_array().unwrap().len(), 0);
    assert_eq!(branch.done(&["search", "--", "---"]).as_array().unwrap().len(), 0);
    assert_eq!(
        branch
            .done(&["search", &"a ".repeat(5_000)])
            .as_array()
            .unwrap()
            .len(),
        0
    );
    assert_eq!(
        branch.refused(&["search", &"a".repeat(10_001)]).1,
        "query_too_long"
    );
}
