use super::*;
use crate::library::{Link, Section, SectionKind, read_table};

const HEAD: &str = "doc\tcode\tdate\ttype\tissuer\tsection\ttitle\ttext\n";
const ROWS: [&str; 4] = [
    "A\t12-HD/BTCTW\t2018-07-06\tHD\tBan Tổ chức Trung ương\tMục 1\tSinh hoạt chi bộ\tMỗi tháng chi bộ họp một lần.",
    "B\t12-HD/BTCTW\t2022-06-06\tHD\tBan Tổ chức Trung ương\tMục 1\tHồ sơ đảng viên\tBảo quản lý lịch đảng viên.",
    "C\t33-QĐ/TU\t2022-02-10\tQĐ\tTỉnh ủy Hòa Giang\tĐiều 5\tChi bộ kiểu mẫu\tMỗi quý có một buổi chuyên đề.",
    "D\t33-QĐ/TU\t2022-02-10\tQĐ\tTỉnh ủy Hòa Giang\tĐiều 15\tHiệu lực\tCó hiệu lực từ ngày ký.",
];

fn documents() -> Vec<Document> {
    read_table(&(HEAD.to_owned() + &ROWS.join("\n"))).unwrap()
}

fn index() -> Index {
    let mut index = Index::in_memory().unwrap();
    index.add(&documents()).unwrap();
    index
}

fn found(index: &Index, query: &str) -> Vec<String> {
    index
        .search(query, DEFAULT_RESULTS)
        .unwrap()
        .hits
        .into_iter()
        .map(|h| h.doc)
        .collect()
}

const QUERIES: [&str; 9] = [
    "chi bộ",
    "dang vien",
    "12-HD/BTCTW",
    "Điều 5",
    "điều 15 33-qđ/tu",
    "ly lich",
    "hieu luc",
    "kiểu m",
    "nghij quyeets",
];

#[test]
fn adding_and_removing_leaves_the_same_index_as_building_it_anew() {
    let all = documents();
    let mut grown = Index::in_memory().unwrap();
    grown.add(&all[2..]).unwrap();
    grown.add(&all[..3]).unwrap();
    grown.remove(&["B", "unknown"]).unwrap();
    let mut fresh = Index::in_memory().unwrap();
    fresh.add([&all[0], &all[2], &all[3]]).unwrap();
    assert_eq!(grown.section_count(), 3);
    for query in QUERIES {
        assert_eq!(
            grown.search(query, DEFAULT_RESULTS).unwrap(),
            fresh.search(query, DEFAULT_RESULTS).unwrap(),
            "{query}"
        );
    }
}

#[test]
fn a_document_that_left_the_index_is_not_found_and_its_words_are_unknown() {
    let mut index = index();
    assert_eq!(found(&index, "hồ sơ"), ["B"]);
    index.remove(&["B"]).unwrap();
    assert_eq!(found(&index, "hồ sơ"), Vec::<String>::new());
    assert_eq!(found(&index, "12-HD/BTCTW"), ["A"]);
}

#[test]
fn the_file_keeps_the_index_and_a_file_of_another_layout_is_emptied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.db");
    let mut first = Index::open(&path).unwrap();
    first.add(&documents()).unwrap();
    let before: Vec<Results> = QUERIES.iter().map(|q| first.search(q, 9).unwrap()).collect();
    drop(first);
    let again = Index::open(&path).unwrap();
    let after: Vec<Results> = QUERIES.iter().map(|q| again.search(q, 9).unwrap()).collect();
    assert_eq!(before, after);
    drop(again);
    let other = rusqlite::Connection::open(&path).unwrap();
    other.pragma_update(None, "user_version", 999).unwrap();
    drop(other);
    assert_eq!(Index::open(&path).unwrap().keys().count(), 0);
}

#[test]
fn a_damaged_file_is_an_error_and_not_an_empty_result() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.db");
    Index::open(&path).unwrap().add(&documents()).unwrap();
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute("UPDATE sections SET body = x'ffffff'", []).unwrap();
    drop(db);
    assert!(matches!(
        Index::open(&path).unwrap().search("chi bộ", 5),
        Err(SearchError::Index(IndexError::Damaged))
    ));
    std::fs::write(&path, b"no database at all, only some text of a certain length").unwrap();
    assert!(matches!(Index::open(&path), Err(IndexError::Sqlite(_))));
}

#[test]
fn a_query_one_character_over_the_limit_is_refused_and_at_the_limit_answered() {
    let index = index();
    let long = "chi bộ ".repeat(MAX_QUERY_CHARS / 7 + 1);
    let at: String = long.chars().take(MAX_QUERY_CHARS).collect();
    let results = index.search(&at, 5).unwrap();
    assert_eq!(results.note, Some(Note::WordsPassedOver));
    let over: String = long.chars().take(MAX_QUERY_CHARS + 1).collect();
    assert!(matches!(index.search(&over, 5), Err(SearchError::QueryTooLong(n)) if n == MAX_QUERY_CHARS + 1));
}

#[test]
fn a_query_without_words_says_so() {
    let results = index().search("?! — … %", 5).unwrap();
    assert_eq!((results.hits.len(), results.note), (0, Some(Note::NoWords)));
    assert_eq!(index().search("zzz", 5).unwrap().note, Some(Note::NothingFits));
}

#[test]
fn a_replaced_document_is_found_under_a_banner() {
    let mut documents = documents();
    documents[1].links = vec![Link {
        kind: LinkKind::Replaces,
        code: "12-HD/BTCTW".into(),
        issuer: None,
        date: None,
    }];
    let mut index = Index::in_memory().unwrap();
    index.add(&documents).unwrap();
    let hits = index.search("12-HD/BTCTW", 5).unwrap().hits;
    assert_eq!((hits[0].doc.as_str(), hits[1].doc.as_str()), ("B", "A"));
    assert!(hits[0].superseded.is_empty());
    assert_eq!(hits[1].superseded[0].by, LinkKind::Replaces);
    index.remove(&["B"]).unwrap();
    assert!(
        index.search("12-HD/BTCTW", 5).unwrap().hits[0]
            .superseded
            .is_empty()
    );
}

#[test]
fn more_synonyms_can_be_given_as_data() {
    let mut index = Index::with(None, WordLists::new("gặp mặt|sinh hoạt")).unwrap();
    index.add(&documents()).unwrap();
    assert_eq!(found(&index, "gặp mặt chi bộ"), ["A"]);
}

#[test]
fn clauses_named_by_a_query_are_shown() {
    let mut document = documents().remove(2);
    let paragraph = |label: &str, text: String| crate::library::Paragraph {
        kind: crate::library::ParagraphKind::Clause,
        label: label.into(),
        text,
    };
    document.sections = vec![Section {
        kind: SectionKind::Article,
        level: 4,
        number: "5".into(),
        heading: "Quyền".into(),
        paragraphs: vec![
            paragraph("1", format!("1. {}", "Nội dung khoản một. ".repeat(30))),
            paragraph("2", "2. Được bồi dưỡng nghiệp vụ.".into()),
        ],
    }];
    let mut index = Index::in_memory().unwrap();
    index.add([&document]).unwrap();
    let hit = &index.search("khoản 2 Điều 5", 5).unwrap().hits[0];
    assert!(
        hit.snippet.contains("Được bồi dưỡng nghiệp vụ"),
        "{}",
        hit.snippet
    );
    assert_eq!(hit.title, "Chi bộ kiểu mẫu - Quyền");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(200))]

    #[test]
    fn any_query_is_answered_without_a_panic(
        query in "(\\PC{0,30}|([đa-z0-9]{1,6}[ /\\-.\"*()]{0,2}){0,8}|(điều |khoản |12|hd|/|năm 20[0-9]{2}|\"| ){0,8})"
    ) {
        let _ = index().search(&query, 5).unwrap();
    }
}
