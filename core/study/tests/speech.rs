//! The speech text against tables of cases, real documents and arbitrary input.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use sotay_study::speech::{Region, SpeechProfile, prepare, sentences, speak};
use unicode_normalization::is_nfc;

const OWN_CASES: &str = include_str!("speech_cases.tsv");

/// Categories that every table of cases must exercise.
const CATEGORIES: [&str; 19] = [
    "abbrev", "code", "date", "decimal", "fraction", "id", "mixed", "money", "negative", "number", "ordinal",
    "percent", "ratio", "roman", "struct", "time", "title", "unicode", "unit",
];

/// Fewest cases of our own in each category.
const OWN_PER_CATEGORY: usize = 8;

#[test]
fn every_shared_case_is_spoken_as_expected() {
    let path = shared("cases/speech.tsv");
    match fs::read_to_string(&path) {
        Ok(table) => check(&table),
        Err(_) => eprintln!(
            "no {} here: only the crate's own cases are checked",
            path.display()
        ),
    }
}

#[test]
fn every_own_case_is_spoken_as_expected() {
    check(OWN_CASES);
}

#[test]
fn what_is_spoken_once_stays_the_same_when_spoken_again() {
    let profile = SpeechProfile::default();
    for case in cases(OWN_CASES) {
        assert_eq!(speak(&case.expected, &profile), case.expected, "{}", case.id);
    }
}

#[test]
fn own_cases_cover_every_category() {
    for category in CATEGORIES {
        let count = cases(OWN_CASES).filter(|case| case.category == category).count();
        assert!(count >= OWN_PER_CATEGORY, "{category}: {count}");
    }
}

#[test]
fn a_southern_voice_says_ngan_and_le() {
    let south = SpeechProfile::new(Region::Southern);
    assert_eq!(speak("1.005 hộ", &south), "một ngàn không trăm lẻ năm hộ");
    assert_eq!(
        speak("Nghị định số 105/2021/NĐ-CP", &south),
        "Nghị định số một trăm lẻ năm năm hai ngàn không trăm hai mươi mốt của Chính phủ"
    );
    assert_eq!(speak("năm 2021", &south), "năm hai ngàn không trăm hai mươi mốt");
}

#[test]
fn lines_are_spoken_one_by_one() {
    let spoken = speak("- Bí thư kết luận\nb) Về nhân sự", &SpeechProfile::default());
    assert_eq!(spoken, "Bí thư kết luận\nbê, Về nhân sự");
}

#[test]
fn real_documents_are_spoken_without_a_digit_and_the_same_when_spoken_again() {
    let Ok(folder) = fs::read_dir(shared("texts")) else {
        eprintln!("no shared texts here: skipped");
        return;
    };
    let profile = SpeechProfile::default();
    let mut documents = 0;
    for entry in folder {
        let path = entry.expect("folder entry").path();
        if !path
            .file_name()
            .is_some_and(|n| n.to_string_lossy().starts_with('T'))
        {
            continue;
        }
        documents += 1;
        let text = fs::read_to_string(&path).expect("text");
        for line in text.lines() {
            let spoken = speak(line, &profile);
            assert!(
                !spoken.contains(|c: char| c.is_ascii_digit()),
                "{line}\n→ {spoken}"
            );
            assert!(
                !spoken.contains(['(', ')', '“', '”', '"', '/', '%', '\u{AD}']),
                "{line}\n→ {spoken}"
            );
            assert!(is_nfc(&spoken));
            assert_eq!(speak(&spoken, &profile), spoken, "{line}");
        }
        covers(&text);
    }
    assert_eq!(documents, 13);
}

#[test]
fn sentence_ids_outlive_invisible_changes_and_notice_new_words() {
    let plain = "1. Mục tiêu chung. Chi bộ họp ngày 3 hằng tháng.\nKết luận.";
    let ids = |text: &str| sentences(text).into_iter().map(|s| s.id).collect::<Vec<_>>();
    let decomposed: String = unicode_normalization::UnicodeNormalization::nfd(plain).collect();
    assert_eq!(ids(plain), ids(&decomposed.replace("họp", "ho\u{AD}̣p")));
    assert_eq!(ids(plain).len(), 3);
    let changed = ids("1. Mục tiêu chung. Chi bộ họp ngày 4 hằng tháng.\nKết luận.");
    assert_eq!(changed[0], ids(plain)[0]);
    assert_ne!(changed[1], ids(plain)[1]);
    assert_eq!(changed[2], ids(plain)[2]);
}

#[test]
fn clause_numbers_titles_and_initials_do_not_end_a_sentence() {
    let pieces = |text: &str| {
        sentences(text)
            .into_iter()
            .map(|s| text[s.range].to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        pieces("Điều 1. Phạm vi điều chỉnh"),
        ["Điều 1. Phạm vi điều chỉnh"]
    );
    assert_eq!(pieces("2.1. Mục tiêu"), ["2.1. Mục tiêu"]);
    assert_eq!(
        pieces("TS. Ngô Văn An dự. PGS.TS. Trần Thị B. Kết thúc."),
        ["TS. Ngô Văn An dự.", "PGS.TS. Trần Thị B.", "Kết thúc."]
    );
    assert_eq!(
        pieces("Tư tưởng của C. Mác và V. I. Lênin. Hết."),
        ["Tư tưởng của C. Mác và V. I. Lênin.", "Hết."]
    );
    assert_eq!(
        pieces("Họp ở TP. Thái Bình năm 2024. Đủ người./."),
        ["Họp ở TP. Thái Bình năm 2024.", "Đủ người./."]
    );
    assert_eq!(
        pieces("“Có ai ý kiến?” Không có. Biểu quyết..."),
        ["“Có ai ý kiến?”", "Không có.", "Biểu quyết..."]
    );
}

#[test]
fn pauses_stand_behind_commas_clauses_and_ends() {
    let spoken = prepare(
        "Có mặt 35, vắng 3; đủ điều kiện. Họp.\n-----\nHết",
        &SpeechProfile::default(),
    );
    let marks: Vec<Vec<(usize, u64)>> = spoken
        .iter()
        .map(|s| s.pauses.iter().map(|p| (p.at, p.millis())).collect())
        .collect();
    let first = &spoken[0].spoken;
    assert_eq!(first, "Có mặt ba mươi lăm, vắng ba; đủ điều kiện.");
    let behind = |mark: char| first.find(mark).expect("mark") + 1;
    assert_eq!(
        marks[0],
        [(behind(','), 200), (behind(';'), 350), (first.len(), 500)]
    );
    assert_eq!(marks[1], [(spoken[1].spoken.len(), 900)]);
    assert_eq!(spoken.len(), 3, "a line of dashes says nothing");
    assert_eq!(spoken[2].sentence.id.paragraph, 2);
}

#[test]
fn a_sentence_one_character_past_the_limit_is_cut_at_a_mark() {
    use sotay_study::speech::MAX_SENTENCE_CHARS;
    let clause = "nội dung thứ nhất; ";
    let mut text = clause.repeat(MAX_SENTENCE_CHARS / clause.chars().count() + 1);
    text = text.chars().take(MAX_SENTENCE_CHARS).collect();
    assert!(!text.ends_with(' '));
    assert_eq!(sentences(&text).len(), 1);
    text.push('a');
    let cut = sentences(&text);
    assert_eq!(cut.len(), 2);
    assert!(text[cut[0].range.clone()].ends_with(';'));
    covers(&text);
    assert_eq!(sentences(&"a".repeat(MAX_SENTENCE_CHARS * 2 + 1)).len(), 3);
}

#[test]
fn debug_output_carries_no_text_of_the_document() {
    let spoken = prepare("Đồng chí Bí thư kết luận", &SpeechProfile::default());
    assert!(!format!("{spoken:?}").contains("thư"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_is_spoken_in_nfc_without_ascii_digits(text in "\\PC*") {
        speaks(&text);
    }

    #[test]
    fn any_official_looking_text_is_spoken_without_ascii_digits(
        text in "([0-9]{1,4}|[IVXLC]{1,3}|[-/.,:;()%°'\" ]|đ|ngày |tháng |giờ |số |NQ|HD|TW|BTC|TU|ha|m2|h|điểm |Đ/c|thẻ |\u{323}|\u{301}|\u{AD}){0,16}"
    ) {
        speaks(&text);
    }

    #[test]
    fn sentences_of_any_text_cover_it(text in "([a-zA-ZĐđạế]{1,6}|[.!?…;,]|\\n|\\r| |[0-9]{1,2}|\u{AD}|”|\\)){0,60}") {
        covers(&text);
    }

    #[test]
    fn sentences_of_arbitrary_unicode_cover_it(text in any::<String>()) {
        covers(&text);
    }
}

fn speaks(text: &str) {
    let spoken = speak(text, &SpeechProfile::default());
    assert!(is_nfc(&spoken), "{text:?} → {spoken:?}");
    assert!(
        !spoken.contains(|c: char| c.is_ascii_digit()),
        "{text:?} → {spoken:?}"
    );
}

/// Ranges are in order, within the text, apart, cover everything but blanks, and ids are unique.
fn covers(text: &str) {
    let found = sentences(text);
    let mut ids = BTreeSet::new();
    let mut end = 0;
    for sentence in &found {
        assert!(
            sentence.range.start >= end && sentence.range.start < sentence.range.end,
            "{sentence:?}"
        );
        assert!(is_blank(&text[end..sentence.range.start]), "{sentence:?}");
        assert!(ids.insert(sentence.id.to_string()), "{sentence:?}");
        end = sentence.range.end;
    }
    assert!(is_blank(&text[end..]));
    for spoken in prepare(text, &SpeechProfile::default()) {
        assert!(ids.contains(&spoken.sentence.id.to_string()));
        assert!(spoken.pauses.iter().all(|p| spoken.spoken.is_char_boundary(p.at)));
    }
}

fn is_blank(text: &str) -> bool {
    const INVISIBLE: &str = "\u{AD}\u{34F}\u{61C}\u{180E}\u{FEFF}";
    text.chars().all(|c| {
        c.is_whitespace() || c.is_control() || INVISIBLE.contains(c)
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}')
    })
}

struct Case {
    id: String,
    category: String,
    input: String,
    expected: String,
}

fn cases(table: &str) -> impl Iterator<Item = Case> + '_ {
    table.lines().skip(1).filter(|line| !line.is_empty()).map(|line| {
        let mut fields = line.split('\t').map(unescaped);
        let mut next = || fields.next().unwrap_or_else(|| panic!("too few fields: {line}"));
        Case {
            id: next(),
            category: next(),
            input: next(),
            expected: next(),
        }
    })
}

/// `\uXXXX` stands for one code point.
fn unescaped(field: &str) -> String {
    let mut parts = field.split("\\u");
    let mut text = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let (code, rest) = part.split_at(4);
        text.extend(u32::from_str_radix(code, 16).ok().and_then(char::from_u32));
        text.push_str(rest);
    }
    text
}

fn check(table: &str) {
    let profile = SpeechProfile::default();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for case in cases(table) {
        assert!(seen.insert(case.id.clone()), "{} twice", case.id);
        let spoken = speak(&case.input, &profile);
        assert!(is_nfc(&spoken), "{}", case.id);
        if spoken != case.expected {
            wrong.push(format!(
                "{} {}\n  in   {}\n  want {}\n  got  {}",
                case.id, case.category, case.input, case.expected, spoken
            ));
        }
    }
    assert!(!seen.is_empty());
    assert!(
        wrong.is_empty(),
        "{} of {} wrong\n{}",
        wrong.len(),
        seen.len(),
        wrong.join("\n")
    );
}

fn shared(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(path)
}
