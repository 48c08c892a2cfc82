//! The structure of real texts is recognised whole.

mod support;

use sotay_study::library::{Manifest, SectionKind, publish};
use sotay_study::quiz::{DraftKind, MAX_DRAFTS, Package, Question, drafts};
use std::collections::BTreeSet;

/// Text, articles, and what is known to be missing or odd in it.
const ARTICLES: [(&str, usize); 13] = [
    ("T01", 91),
    ("T02", 31),
    ("T03", 25),
    ("T04", 33),
    ("T05", 18),
    ("T06", 38),
    ("T07", 31),
    ("T08", 15),
    ("T09", 22),
    ("T10", 5),
    ("T11", 25),
    ("T12", 0),
    ("T13", 0),
];

#[test]
fn every_article_of_the_real_texts_is_a_section() {
    let texts = support::real_texts();
    for (key, imported) in &texts {
        let wanted = ARTICLES.iter().find(|(k, _)| k == key).expect("a known text").1;
        let found = imported
            .report
            .sections
            .get(&SectionKind::Article)
            .copied()
            .unwrap_or(0);
        assert_eq!(found, wanted, "{key}: {:?}", imported.report);
        assert!(
            imported.report.warnings.is_empty(),
            "{key}: {:?}",
            imported.report.warnings
        );
    }
}

#[test]
fn the_real_texts_come_back_from_their_manifests() {
    for (key, imported) in support::real_texts() {
        let published = publish(&imported.document).expect("publishable");
        let manifest = Manifest::decode(&published.manifest).expect("canonical");
        assert_eq!(
            manifest.assemble(&published.parts).expect("whole"),
            imported.document,
            "{key}"
        );
        let (packed, text): (usize, usize) = (
            published.parts.iter().map(Vec::len).sum(),
            imported.report.characters,
        );
        assert!(packed < text, "{key}: {packed} bytes for {text} characters");
    }
}

#[test]
fn drafted_questions_stand_on_passages_of_the_real_texts() {
    for (key, imported) in support::real_texts() {
        let document = &imported.document;
        let made = drafts(document, 1, MAX_DRAFTS);
        let kinds: BTreeSet<DraftKind> = made.iter().map(|d| d.kind).collect();
        eprintln!("{key}: {} drafts of kinds {kinds:?}", made.len());
        for draft in &made {
            assert_eq!(
                draft.question().check_citation(|_| Some(document)),
                Ok(()),
                "{key}"
            );
        }
        if document.sections.len() > 20 {
            assert!(made.len() >= 5, "{key}: {}", made.len());
        }
        let questions: Vec<Question> = made.into_iter().take(20).map(|d| d.accept(|_| {})).collect();
        if !questions.is_empty() {
            assert_eq!(
                Package {
                    title: key.clone(),
                    questions,
                    exam: None
                }
                .check(),
                Ok(()),
                "{key}"
            );
        }
    }
}

#[test]
fn party_texts_are_cited_by_part_and_number() {
    for (key, imported) in support::real_texts() {
        let citations: Vec<String> = (0..imported.document.sections.len())
            .map(|i| imported.document.citation(i))
            .collect();
        match key.as_str() {
            "T12" => {
                for wanted in ["Phần I", "Phần II, Mục 2.1", "Phần III, Mục 1"] {
                    assert!(citations.iter().any(|c| c == wanted), "{wanted} in {citations:?}");
                }
            }
            "T13" => assert_eq!(citations, ["Phần mở đầu", "Mục 1", "Mục 1.1", "Mục 1.2"]),
            _ => {}
        }
    }
}
