//! The cases of search: the shared sample, and our own over the small corpus and over real texts.

mod support;

use sotay_study::library::Document;
use sotay_study::search::{DEFAULT_RESULTS, Index};

/// Runs a table of cases and returns what went wrong.
fn failures(index: &Index, cases: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in cases
        .lines()
        .skip(1)
        .filter(|l| !l.trim().is_empty() && !l.starts_with('#'))
    {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |i: usize| cells.get(i).copied().unwrap_or("").trim();
        let (id, query, top) = (cell(0), unescape(cell(2)), cell(3));
        let results = index
            .search(&query, DEFAULT_RESULTS)
            .expect("a query within limits");
        let found: Vec<String> = results.hits.iter().map(|h| h.doc.clone()).collect();
        let cited: Vec<String> = results
            .hits
            .iter()
            .map(|h| format!("{}:{}", h.doc, h.section))
            .collect();
        let is = |wanted: &str, i: usize| found[i] == wanted || cited[i] == wanted;
        let has = |wanted: &str| (0..found.len()).any(|i| is(wanted, i));
        let list = |text: &str| {
            text.split(',')
                .map(str::trim)
                .filter(|s| !s.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let top_fits = match top {
            "" => true,
            "NONE" => found.is_empty(),
            any if any.contains('|') => any.split('|').any(|t| !found.is_empty() && is(t, 0)),
            one => !found.is_empty() && is(one, 0),
        };
        let missing: Vec<String> = list(cell(4)).into_iter().filter(|d| !has(d)).collect();
        let unwanted: Vec<String> = list(cell(5)).into_iter().filter(|d| has(d)).collect();
        if !top_fits || !missing.is_empty() || !unwanted.is_empty() {
            let shown: Vec<&String> = cited.iter().take(6).collect();
            wrong.push(format!(
                "{id} {query:?}: wanted {top}, found {shown:?}, missing {missing:?}, unwanted {unwanted:?}"
            ));
        }
        count += 1;
    }
    eprintln!("{count} cases, {} wrong", wrong.len());
    wrong
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\u") {
        out.push_str(before);
        let code = u32::from_str_radix(&after[..4], 16).expect("four hexadecimal digits");
        out.push(char::from_u32(code).expect("a character"));
        rest = &after[4..];
    }
    out + rest
}

fn index<'a>(documents: impl IntoIterator<Item = &'a Document>) -> Index {
    let mut index = Index::in_memory().expect("memory");
    index.add(documents).expect("documents within limits");
    index
}

fn assert_none_wrong(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_shared_sample_of_cases_is_answered() {
    let files = (
        support::shared_file("cases/search_corpus.tsv"),
        support::shared_file("cases/search_queries.tsv"),
    );
    let (Some(corpus), Some(cases)) = files else {
        return;
    };
    assert_none_wrong(&failures(&index(&support::table(&corpus)), &cases));
}

#[test]
fn our_own_cases_over_the_shared_sample_are_answered() {
    let Some(corpus) = support::shared_file("cases/search_corpus.tsv") else {
        return;
    };
    assert_none_wrong(&failures(
        &index(&support::table(&corpus)),
        &support::own("sample_queries.tsv"),
    ));
}

#[test]
fn our_own_cases_over_our_own_corpus_are_answered() {
    let documents = support::table(&support::own("small_corpus.tsv"));
    assert_none_wrong(&failures(&index(&documents), &support::own("small_queries.tsv")));
}

#[test]
fn our_own_cases_over_the_real_texts_are_answered() {
    let texts = support::real_texts();
    if texts.is_empty() {
        return;
    }
    let index = index(texts.iter().map(|(_, imported)| &imported.document));
    assert_none_wrong(&failures(&index, &support::own("text_queries.tsv")));
}
