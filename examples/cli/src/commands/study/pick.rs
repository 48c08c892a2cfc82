//! Which document or section did the person name.

use sotay_engine::study::library::{Code as DocumentCode, Document, Hash};
use sotay_engine::{LibraryEntry, ProfileDevice, QuizEntry};

use crate::failure::{Code, Failure};
use crate::pick::{Numbered, folded};

/// Letters an id must be given with to name something.
const ID_LETTERS_MIN: usize = 4;

/// A document: by number in the list, alias, code or beginning of the id.
pub(super) fn document(device: &ProfileDevice, text: &str) -> Result<LibraryEntry, Failure> {
    let all = device.library()?;
    let wanted = folded(text);
    if let Some(found) = all.at_number(&wanted) {
        return Ok(found.clone());
    }
    let code = DocumentCode::parse(text);
    let tests: [&dyn Fn(&LibraryEntry) -> bool; 3] = [
        &|entry| {
            entry
                .manifest
                .alias
                .as_deref()
                .is_some_and(|alias| folded(alias) == wanted)
        },
        &|entry| code.number.is_some() && DocumentCode::parse(&entry.manifest.code) == code,
        &|entry| wanted.len() >= ID_LETTERS_MIN && entry.id.to_string().starts_with(&wanted),
    ];
    for fits in tests {
        match all.iter().filter(|entry| fits(entry)).collect::<Vec<_>>()[..] {
            [] => {}
            [found] => return Ok(found.clone()),
            ref several => {
                let line = |entry: &&LibraryEntry| {
                    let number = all.iter().position(|one| one.id == entry.id).unwrap_or_default() + 1;
                    format!("{number} ({}, {})", entry.manifest.code, entry.manifest.date)
                };
                let list: Vec<String> = several.iter().map(line).collect();
                return Err(Failure::new(Code::AmbiguousDocument)
                    .with("text", text)
                    .with("list", list.join("; ")));
            }
        }
    }
    Err(Failure::new(Code::UnknownDocument)
        .with("text", text)
        .with("count", all.len()))
}

/// A section: by number in the contents, or as it is cited, on its own or with what it lies in.
pub(super) fn section(document: &Document, text: &str) -> Result<usize, Failure> {
    let wanted = folded(text);
    let numbers: Vec<usize> = (0..document.sections.len()).collect();
    if let Some(found) = numbers.at_number(&wanted) {
        return Ok(*found);
    }
    let cited = |index: &usize| folded(&document.citation(*index)) == wanted;
    let labelled = |index: &usize| folded(&document.sections[*index].label()) == wanted;
    numbers
        .iter()
        .find(|index| cited(index))
        .or_else(|| numbers.iter().find(|index| labelled(index)))
        .copied()
        .ok_or_else(|| {
            Failure::new(Code::NoSection)
                .with("text", text)
                .with("count", numbers.len())
        })
}

/// What lists and results call a document: its alias, or its id.
pub(super) fn key(device: &ProfileDevice, id: &str) -> Result<String, Failure> {
    let Some(hash) = Hash::parse(id) else {
        return Ok(id.to_owned());
    };
    Ok(device.manifest(hash)?.alias.unwrap_or_else(|| id.to_owned()))
}

/// A quiz: by number in the list or beginning of the id.
pub(super) fn quiz(device: &ProfileDevice, text: &str, now: i64) -> Result<QuizEntry, Failure> {
    let all = device.quizzes(now)?;
    let wanted = folded(text);
    if let Some(found) = all.at_number(&wanted) {
        return Ok(found.clone());
    }
    let fits =
        |entry: &&QuizEntry| wanted.len() >= ID_LETTERS_MIN && entry.id.to_string().starts_with(&wanted);
    let mut found = all.iter().filter(fits);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.clone()),
        _ => Err(Failure::new(Code::UnknownQuiz)
            .with("text", text)
            .with("count", all.len())),
    }
}
