//! Documents, results, answers and reading.

use std::ops::Range;

use serde_json::{Value, json};
use sotay_engine::LibraryEntry;
use sotay_engine::study::answers::Quote;
use sotay_engine::study::library::{
    Document, Encoding, Format, LinkKind, Report, SectionKind, Superseded, Warning,
};
use sotay_engine::study::reading::Shown;
use sotay_engine::study::search::Hit;

use super::columns;
use crate::commands::publisher;
use crate::voice::{Voice, short};

/// The library, numbered.
pub(crate) fn documents(voice: Voice, entries: &[LibraryEntry]) -> String {
    let row = |(at, entry): (usize, &LibraryEntry)| {
        let manifest = &entry.manifest;
        let state = match (entry.complete, entry.read.finished) {
            (false, _) => voice.say("library.incomplete", &[]),
            (true, true) => voice.say("library.finished", &[]),
            (true, false) => format!("{} %", entry.read.percent()),
        };
        vec![
            format!("{:>3}", at + 1),
            manifest
                .alias
                .clone()
                .unwrap_or_else(|| short(&entry.id.to_string()).to_owned()),
            manifest.code.clone(),
            manifest.date.to_string(),
            state,
            format!(
                "{}{} {}",
                if in_force(&entry.superseded) { "" } else { "✗ " },
                manifest.title,
                publisher(voice, &entry.from)
            )
            .trim_end()
            .to_owned(),
        ]
    };
    columns(&entries.iter().enumerate().map(row).collect::<Vec<_>>())
}

fn in_force(superseded: &[Superseded]) -> bool {
    superseded.iter().all(|by| by.by == LinkKind::Amends)
}

/// What a document is, with its banners.
pub(crate) fn document_heading(voice: Voice, entry: &LibraryEntry) -> String {
    let manifest = &entry.manifest;
    let head = format!(
        "{} ({}, {})\n{}",
        manifest.code, manifest.issuer, manifest.date, manifest.title
    );
    format!("{head}{}", banners(voice, &entry.superseded))
}

fn banners(voice: Voice, superseded: &[Superseded]) -> String {
    let banner = |by: &Superseded| {
        let values: [(&str, &dyn std::fmt::Display); 2] = [("code", &by.code), ("date", &by.date)];
        let text = match by.by {
            LinkKind::Replaces => voice.say("banner.replaced", &values),
            LinkKind::Amends => voice.say("banner.amended", &values),
            LinkKind::Withdraws => voice.say("banner.withdrawn", &values),
        };
        format!("\n⚠ {text}")
    };
    superseded.iter().map(banner).collect()
}

/// The same for programs.
pub(crate) fn superseded_json(superseded: &[Superseded]) -> Value {
    let one =
        |by: &Superseded| json!({ "by": link_name(by.by), "code": by.code, "date": by.date.to_string() });
    superseded.iter().map(one).collect()
}

fn link_name(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Replaces => "replaces",
        LinkKind::Amends => "amends",
        LinkKind::Withdraws => "withdraws",
    }
}

/// The sections of a document, numbered and indented.
pub(crate) fn contents(document: &Document) -> String {
    let row = |at: usize| {
        let section = &document.sections[at];
        let indent = "  ".repeat(section.level.into());
        format!("{:>4}  {indent}{}", at + 1, section_heading(document, at))
    };
    (0..document.sections.len())
        .map(row)
        .collect::<Vec<_>>()
        .join("\n")
}

/// `Điều 5. Phạm vi`.
pub(crate) fn section_heading(document: &Document, at: usize) -> String {
    let section = &document.sections[at];
    if section.heading.is_empty() {
        section.label()
    } else {
        format!("{}. {}", section.label(), section.heading)
    }
}

/// Every paragraph with the section it stands in.
fn numbered(document: &Document, shown: Range<usize>) -> Vec<(usize, usize, &str)> {
    let all = document.sections.iter().enumerate();
    let all = all.flat_map(|(at, section)| {
        section
            .paragraphs
            .iter()
            .map(move |paragraph| (at, paragraph.text.as_str()))
    });
    all.enumerate()
        .filter(|(number, _)| shown.contains(number))
        .map(|(number, (at, text))| (number + 1, at, text))
        .collect()
}

/// Paragraphs counted through the whole document, under the headings of their sections.
pub(crate) fn paragraphs(document: &Document, shown: Range<usize>) -> String {
    let mut lines = Vec::new();
    let mut heading = None;
    for (number, at, text) in numbered(document, shown) {
        if heading != Some(at) {
            lines.push(section_heading(document, at));
            heading = Some(at);
        }
        lines.push(format!("{number:>4}  {text}"));
    }
    lines.join("\n")
}

/// The same for programs.
pub(crate) fn paragraphs_json(document: &Document, shown: Range<usize>) -> Value {
    let one = |(number, at, text): (usize, usize, &str)| json!({ "number": number, "section": document.citation(at), "text": text });
    numbered(document, shown).into_iter().map(one).collect()
}

/// How far a document was read.
pub(crate) fn progress(voice: Voice, shown: &Shown) -> String {
    let minutes = shown.seconds / 60;
    let mut text = voice.say("read.progress", &[("shown", shown), ("minutes", &minutes)]);
    if shown.finished {
        text = format!("{text} {}", voice.say("read.finished", &[]));
    }
    text
}

/// The same for programs.
pub(crate) fn progress_json(shown: &Shown) -> Value {
    json!({
        "furthest": shown.furthest,
        "total": shown.total,
        "percent": shown.percent(),
        "seconds": shown.seconds,
        "finished": shown.finished,
        "shown": shown.to_string(),
    })
}

/// One result of a search.
pub(crate) fn hit(voice: Voice, hit: &Hit) -> String {
    let head = format!("{} ({}) — {}", hit.code, hit.date, hit.section);
    format!(
        "{head}\n{}\n{}{}",
        hit.title,
        hit.snippet,
        banners(voice, &hit.superseded)
    )
}

/// One answer, in quotes.
pub(crate) fn quote(voice: Voice, quote: &Quote) -> String {
    let place = format!("{} ({}), {}", quote.code, quote.date, quote.section);
    format!(
        "“{}”\n— {place}{}",
        quote.quote,
        banners(voice, &quote.superseded)
    )
}

/// Questions kept for the secretary: what was asked, and when.
pub(crate) fn kept_questions<'a>(voice: Voice, all: impl Iterator<Item = (&'a str, i64)>) -> String {
    let rows: Vec<Vec<String>> = all
        .enumerate()
        .map(|(at, (text, at_ms))| vec![format!("{:>3}", at + 1), voice.moment(at_ms), text.to_owned()])
        .collect();
    if rows.is_empty() {
        voice.say("ask.none_kept", &[])
    } else {
        columns(&rows)
    }
}

/// What was understood of a file, for the officer to look at.
pub(crate) fn report_of_import(voice: Voice, file: &str, document: &Document, report: &Report) -> String {
    let kinds: Vec<String> = report
        .sections
        .iter()
        .map(|(kind, count)| format!("{count} {}", kind_label(voice, *kind)))
        .collect();
    let paragraphs: usize = report.paragraphs.values().sum();
    let mut lines = vec![
        voice.say(
            "report.head",
            &[
                ("file", &file),
                ("code", &document.code),
                ("date", &document.date),
                ("format", &format_name(report.format)),
            ],
        ),
        voice.say(
            "report.counts",
            &[
                ("sections", &kinds.join(", ")),
                ("paragraphs", &paragraphs),
                ("characters", &report.characters),
            ],
        ),
    ];
    lines.extend(
        report
            .warnings
            .iter()
            .map(|warning| format!("  ⚠ {}", warning_text(voice, warning))),
    );
    lines.join("\n")
}

/// The same for programs.
pub(crate) fn report_of_import_json(report: &Report) -> Value {
    let sections: serde_json::Map<String, Value> = report
        .sections
        .iter()
        .map(|(kind, count)| (kind_name(*kind).to_owned(), json!(count)))
        .collect();
    json!({
        "format": format_name(report.format),
        "sections": sections,
        "paragraphs": report.paragraphs.values().sum::<usize>(),
        "characters": report.characters,
        "found_code": report.found_code,
        "found_date": report.found_date.map(|date| date.to_string()),
        "warnings": report.warnings.iter().map(Warning::code).collect::<Vec<_>>(),
    })
}

fn format_name(format: Format) -> &'static str {
    match format {
        Format::Docx => "docx",
        Format::Pdf => "pdf",
        Format::Html => "html",
        Format::Plain => "text",
    }
}

fn kind_name(kind: SectionKind) -> &'static str {
    match kind {
        SectionKind::Preamble => "preamble",
        SectionKind::Attachment => "attachment",
        SectionKind::Part => "part",
        SectionKind::Chapter => "chapter",
        SectionKind::Division => "division",
        SectionKind::Subdivision => "subdivision",
        SectionKind::Article => "article",
        SectionKind::Numbered => "numbered",
        SectionKind::Whole => "whole",
        SectionKind::Named => "named",
    }
}

fn kind_label(voice: Voice, kind: SectionKind) -> String {
    match kind {
        SectionKind::Preamble => voice.say("kind.preamble", &[]),
        SectionKind::Attachment => voice.say("kind.attachment", &[]),
        SectionKind::Part => voice.say("kind.part", &[]),
        SectionKind::Chapter => voice.say("kind.chapter", &[]),
        SectionKind::Division | SectionKind::Numbered => voice.say("kind.division", &[]),
        SectionKind::Subdivision => voice.say("kind.subdivision", &[]),
        SectionKind::Article => voice.say("kind.article", &[]),
        SectionKind::Whole => voice.say("kind.whole", &[]),
        SectionKind::Named => voice.say("kind.named", &[]),
    }
}

fn warning_text(voice: Voice, warning: &Warning) -> String {
    match warning {
        Warning::ArticleOutOfOrder { number } => {
            voice.say("warning.article_out_of_order", &[("number", number)])
        }
        Warning::ArticleMissing { from, to } => {
            voice.say("warning.article_missing", &[("from", from), ("to", to)])
        }
        Warning::ArticlesBeginAnew { section } => {
            voice.say("warning.articles_begin_anew", &[("number", &(section + 1))])
        }
        Warning::QuoteNotClosed => voice.say("warning.quote_not_closed", &[]),
        Warning::NoHeadings => voice.say("warning.no_headings", &[]),
        Warning::Converted { from, pieces } => voice.say(
            "warning.converted",
            &[("from", &encoding_name(*from)), ("count", pieces)],
        ),
        Warning::PagesWithoutText { pages } => {
            let pages: Vec<String> = pages.iter().map(ToString::to_string).collect();
            voice.say("warning.pages_without_text", &[("pages", &pages.join(", "))])
        }
        Warning::PicturesLeftOut { count } => voice.say("warning.pictures_left_out", &[("count", count)]),
        Warning::UnreadableCharacters { count } => {
            voice.say("warning.unreadable_characters", &[("count", count)])
        }
        Warning::CodeDiffers { found } => voice.say("warning.code_differs", &[("found", found)]),
        Warning::DateDiffers { found } => voice.say("warning.date_differs", &[("found", found)]),
    }
}

fn encoding_name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Utf8 => "UTF-8",
        Encoding::Utf16 => "UTF-16",
        Encoding::Windows1258 => "Windows-1258",
        Encoding::Tcvn3 => "TCVN3",
        Encoding::VniWindows => "VNI",
    }
}
