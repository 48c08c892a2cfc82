//! Codes and their words.

use super::*;
use std::collections::BTreeSet;

/// Codes whose words are in the handbook's catalogue.
fn of_commands() -> BTreeSet<&'static str> {
    let source = include_str!("../fault.rs");
    let from = source.split("impl From<&CommandError> for Fault").nth(1).unwrap();
    quoted(from.split("impl From").next().unwrap()).collect()
}

fn quoted(source: &'static str) -> impl Iterator<Item = &'static str> {
    source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split('"').skip(1).step_by(2))
}

#[test]
fn every_code_has_words_in_both_languages_and_no_words_are_without_a_code() {
    let source = include_str!("../fault.rs").split("#[cfg(test)]").next().unwrap();
    let commands = of_commands();
    let not_codes = ["../data/faults.tsv", "", "{{{name}}}", "panic"];
    let values = [
        "place", "what", "reason", "len", "limit", "begins", "rank", "seconds", "least", "left",
    ];
    let mut codes: BTreeSet<&str> = quoted(source).collect();
    codes.retain(|code| !not_codes.contains(code) && !values.contains(code) && !commands.contains(code));
    words_of(&codes, WORDS);
}

/// Every code has words in both languages, and no words are without a code.
pub(super) fn words_of(codes: &BTreeSet<&str>, catalogue: &'static str) {
    let known: BTreeSet<&str> = entries(catalogue).map(|(key, _)| key).collect();
    assert_eq!(codes, &known);
    for (key, [vi, en]) in entries(catalogue) {
        assert!(!vi.is_empty() && !en.is_empty() && vi != en, "{key}");
        assert_eq!(sotay_document::nfc(vi), vi, "{key}");
    }
    assert_eq!(
        known.len(),
        catalogue.lines().count(),
        "no key twice, every line whole"
    );
}

/// The lines of a catalogue that have the shape of one.
pub(super) fn entries(catalogue: &'static str) -> impl Iterator<Item = (&'static str, [&'static str; 2])> {
    catalogue.lines().filter_map(|line| {
        let mut parts = line.split('\t');
        Some((parts.next()?, [parts.next()?, parts.next()?]))
    })
}

/// What stands in quotation marks right after one of these beginnings.
pub(super) fn codes_after<'a>(source: &'a str, calls: &[&str]) -> BTreeSet<&'a str> {
    let after = |call: &&str| {
        let rests: Vec<&'a str> = source.split(*call).skip(1).collect();
        rests.into_iter().filter_map(|rest| rest.split('"').next())
    };
    calls.iter().flat_map(after).collect()
}

#[test]
fn values_stand_in_the_words_of_both_languages() {
    let fault = Fault::from(&DeviceError::TooLong { len: 70, limit: 64 });
    for lang in [Lang::Vi, Lang::En] {
        let text = fault.text(lang);
        assert!(
            text.contains("70") && text.contains("64") && !text.contains('{'),
            "{text}"
        );
    }
}

#[test]
fn a_refused_command_is_told_in_the_words_of_the_handbook() {
    let fault = Fault::from(&DeviceError::Command(CommandError::VoteOpen));
    assert_eq!((fault.kind, fault.code), (FaultKind::Input, "vote_open"));
    assert!(fault.text(Lang::Vi).contains("biểu quyết"));
}
