//! Questions and their answers, and the promise that every quote stands verbatim in the section it cites.

mod support;

use sotay_study::answers::MAX_ANSWERS;
use sotay_study::library::Document;
use sotay_study::search::Index;
use std::collections::BTreeMap;

/// The corpora that are at hand, by name.
fn corpora() -> BTreeMap<&'static str, Vec<Document>> {
    let mut all = BTreeMap::from([("small", support::table(&support::own("small_corpus.tsv")))]);
    if let Some(sample) = support::shared_file("cases/search_corpus.tsv") {
        all.insert("sample", support::table(&sample));
    }
    let texts = support::real_texts();
    if !texts.is_empty() {
        all.insert(
            "texts",
            texts.into_iter().map(|(_, imported)| imported.document).collect(),
        );
    }
    all
}

fn index(documents: &[Document]) -> Index {
    let mut index = Index::in_memory().expect("memory");
    index.add(documents).expect("documents within limits");
    index
}

/// The text of the section that an answer cites.
fn cited_text(documents: &[Document], doc: &str, ordinal: u32) -> String {
    let document = documents
        .iter()
        .find(|d| d.key() == doc)
        .expect("a document of the corpus");
    document.sections[ordinal as usize].text()
}

#[test]
fn questions_are_answered_or_honestly_not() {
    let corpora = corpora();
    let indexes: BTreeMap<&str, Index> = corpora.iter().map(|(name, docs)| (*name, index(docs))).collect();
    let mut wrong = Vec::new();
    let table = support::own("questions.tsv");
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let (id, corpus, question, expect, contains) = (cells[0], cells[1], cells[2], cells[3], cells[4]);
        let Some(index) = indexes.get(corpus) else {
            continue;
        };
        let answer = index.ask(question).expect("a question within limits");
        let shown: Vec<String> = answer
            .answers
            .iter()
            .map(|a| format!("{}:{} «{}»", a.doc, a.section, a.quote))
            .collect();
        let right = match answer.answers.first() {
            None => expect == "NONE",
            Some(first) => {
                let place = format!("{}:{}", first.doc, first.section);
                (place == expect || first.doc == expect)
                    && first.quote.to_lowercase().contains(&contains.to_lowercase())
            }
        };
        if !right {
            wrong.push(format!(
                "{id} {question}: wanted {expect} «{contains}», got {shown:#?}"
            ));
        }
        assert!(answer.answers.len() <= MAX_ANSWERS);
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_quote_stands_verbatim_in_the_section_it_cites() {
    for (name, documents) in corpora() {
        let index = index(&documents);
        let mut quotes = 0;
        // Questions made of the documents' own headings and of stretches of their text.
        for (i, document) in documents.iter().enumerate() {
            for (j, section) in document
                .sections
                .iter()
                .enumerate()
                .filter(|(j, _)| (i + j) % 5 == 0)
            {
                let text = section.text();
                let words: Vec<&str> = text.split_whitespace().skip(j % 7).take(6 + j % 9).collect();
                let heading = if section.heading.is_empty() {
                    &document.title
                } else {
                    &section.heading
                };
                let question = match (i + j) % 3 {
                    0 => format!("{heading} là gì?"),
                    1 => format!("bao nhiêu {}", words.join(" ")),
                    _ => words.join(" "),
                };
                for answer in index.ask(&question).expect("a question within limits").answers {
                    let cited = cited_text(&documents, &answer.doc, answer.ordinal);
                    assert!(
                        cited.contains(&answer.quote),
                        "{name} {question}: {}",
                        answer.quote
                    );
                    assert!(!answer.quote.trim().is_empty());
                    quotes += 1;
                }
            }
        }
        assert!(quotes > 0, "{name}: some question must have found an answer");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(60))]

    #[test]
    fn any_question_over_the_small_corpus_is_answered_verbatim_or_not_at_all(
        question in "((ai|bao nhiêu|khi nào|chi bộ|đảng viên|thẻ|hệ số|18|trong|năm|\\PC{0,6}) ?){0,8}"
    ) {
        let documents = support::table(&support::own("small_corpus.tsv"));
        for answer in index(&documents).ask(&question).unwrap().answers {
            proptest::prop_assert!(cited_text(&documents, &answer.doc, answer.ordinal).contains(&answer.quote));
        }
    }
}
