//! `library publish`: from files to documents of the branch.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};
use sotay_engine::study::library::{
    Date, Details, Document, Imported, Link, LinkKind, MAX_FILE_BYTES, import, read_table,
};

use crate::args::Publish;
use crate::failure::{Code, Failure};
use crate::reply::Reply;
use crate::session::Session;
use crate::show;

/// A document, and what was understood of its file where it was read from one.
struct Ready {
    document: Document,
    report: Option<(Value, String)>,
}

pub(super) fn run(session: &Session, args: Publish) -> Result<Reply, Failure> {
    let voice = session.voice;
    let ready = read(session, &args)?;
    let documents: Vec<Document> = ready.iter().map(|one| one.document.clone()).collect();
    let (before, ids) = session.open()?.run(move |device, _| {
        let before: Vec<_> = device.library()?.into_iter().map(|entry| entry.id).collect();
        Ok((before, device.publish_documents(&documents)?))
    })?;
    let (mut values, mut texts, mut news) = (Vec::new(), Vec::new(), 0);
    for (one, id) in ready.iter().zip(&ids) {
        let fresh = !before.contains(id);
        news += usize::from(fresh);
        let document = &one.document;
        values.push(json!({
            "doc": document.key(),
            "id": id.to_string(),
            "code": document.code,
            "date": document.date.to_string(),
            "title": document.title,
            "sections": document.sections.len(),
            "paragraphs": document.paragraph_count(),
            "new": fresh,
            "report": one.report.as_ref().map(|(value, _)| value),
        }));
        if let Some((_, text)) = &one.report {
            texts.push(text.clone());
        }
    }
    texts.push(voice.say("library.published", &[("count", &news)]));
    if news < ids.len() {
        texts.push(voice.say("library.known", &[("count", &(ids.len() - news))]));
    }
    Ok(Reply::new(
        json!({ "documents": values, "published": news }),
        texts.join("\n"),
    ))
}

fn read(session: &Session, args: &Publish) -> Result<Vec<Ready>, Failure> {
    if let Some(table) = &args.corpus {
        let text = text_of(table)?;
        let documents =
            read_table(&text).map_err(|error| Failure::from(error).with("file", table.display()))?;
        return Ok(documents
            .into_iter()
            .map(|document| Ready {
                document,
                report: None,
            })
            .collect());
    }
    if args.files.len() > 1 && !args.header {
        return Err(Failure::new(Code::SeveralFiles).with("count", args.files.len()));
    }
    let mut ready = Vec::with_capacity(args.files.len());
    for file in &args.files {
        let (bytes, details) = if args.header {
            let text = text_of(file)?;
            let (head, body) = text.split_once('\n').unwrap_or((&text, ""));
            let details = head_line(head)
                .ok_or_else(|| Failure::new(Code::BadHeadLine).with("file", file.display()))?;
            (body.as_bytes().to_vec(), with_links(details, args)?)
        } else {
            (bytes_of(file)?, with_links(given(args), args)?)
        };
        let name = if args.header {
            "text.txt".into()
        } else {
            file.to_string_lossy()
        };
        let Imported { document, report } = import(&bytes, &name, details)
            .map_err(|error| Failure::from(error).with("file", file.display()))?;
        let shown = show::report_of_import(session.voice, &file.display().to_string(), &document, &report);
        ready.push(Ready {
            document,
            report: Some((show::report_of_import_json(&report), shown)),
        });
    }
    Ok(ready)
}

/// What the options say; the argument parser has seen to it that they are there.
fn given(args: &Publish) -> Details {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Details {
        kind: text(&args.kind),
        code: text(&args.code),
        issuer: text(&args.issuer),
        date: args.date.unwrap_or(Date {
            year: 1,
            month: 1,
            day: 1,
        }),
        title: text(&args.title),
        alias: args.alias.clone(),
        links: Vec::new(),
        blobs: Vec::new(),
    }
}

/// `code | date | type | issuer | title`.
fn head_line(line: &str) -> Option<Details> {
    let cells: Vec<&str> = line
        .trim_start_matches('\u{feff}')
        .split('|')
        .map(str::trim)
        .collect();
    let [code, date, kind, issuer, title] = cells[..] else {
        return None;
    };
    let own = |text: &str| text.to_owned();
    Some(Details {
        kind: own(kind),
        code: own(code),
        issuer: own(issuer),
        date: Date::parse(date)?,
        title: own(title),
        alias: None,
        links: Vec::new(),
        blobs: Vec::new(),
    })
}

fn with_links(mut details: Details, args: &Publish) -> Result<Details, Failure> {
    let lists = [
        (LinkKind::Replaces, &args.replaces),
        (LinkKind::Amends, &args.amends),
        (LinkKind::Withdraws, &args.withdraws),
    ];
    for (kind, codes) in lists {
        for text in codes {
            let (code, date) = match text.split_once('@') {
                Some((code, day)) => {
                    let date =
                        Date::parse(day).ok_or_else(|| Failure::new(Code::BadDate).with("text", day))?;
                    (code, Some(date))
                }
                None => (text.as_str(), None),
            };
            details.links.push(Link {
                kind,
                code: code.to_owned(),
                issuer: None,
                date,
            });
        }
    }
    Ok(details)
}

fn text_of(path: &Path) -> Result<String, Failure> {
    String::from_utf8(bytes_of(path)?).map_err(|_| Failure::new(Code::NotUtf8).with("file", path.display()))
}

/// One byte over the limit is read as well, so that the import says that the file is too large.
fn bytes_of(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| {
        Failure::new(Code::FileUnreadable)
            .with("file", path.display())
            .with("reason", error)
    })?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(Failure::new(Code::FileTooLarge)
            .with("file", path.display())
            .with("limit", MAX_FILE_BYTES));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_line_has_five_cells_and_a_day() {
        let details = head_line("10/2022/QH15 | 2022-11-10 | Luật | Quốc hội | Luật Dân chủ").unwrap();
        assert_eq!(
            (details.code.as_str(), details.title.as_str()),
            ("10/2022/QH15", "Luật Dân chủ")
        );
        for line in [
            "",
            "a | b | c | d | e",
            "a | 2022-11-10 | c | d",
            "a | 2022-11-10 | c | d | e | f",
        ] {
            assert!(head_line(line).is_none(), "{line}");
        }
    }
}
