//! `meeting print`: an office document of the minutes, or of one item.

use std::path::Path;

use serde_json::json;
use sotay_engine::PageError;
use sotay_engine::handbook::limits::TEMPLATE_BYTES_MAX;
use sotay_engine::handbook::{EntryId, template::TemplateError};
use sotay_engine::paper::{PageTemplate, Sort};

use crate::args::{Print, PrintFormat};
use crate::failure::{Code, Failure};
use crate::files;
use crate::pick;
use crate::reply::Reply;
use crate::session::Session;

pub(super) fn run(session: &Session, wanted: Option<String>, args: Print) -> Result<Reply, Failure> {
    let voice = session.voice;
    let format = args.format.unwrap_or_else(|| format_of(args.out.as_deref()));
    let sort = if args.item.is_some() {
        Sort::Extract
    } else {
        Sort::Minutes
    };
    let template = args.template.as_deref().map(|file| read_template(sort, file));
    let template = template.transpose()?;
    let (doc, page) = session.open()?.run(move |device, _| {
        let doc = pick::meeting(device, wanted.as_deref())?;
        let agenda: Vec<EntryId> = device
            .meeting_view(doc)?
            .agenda
            .iter()
            .map(|item| item.id)
            .collect();
        let item = args
            .item
            .as_deref()
            .map(|item| pick::entry(&agenda, item))
            .transpose()?;
        let page = device
            .minutes_page(doc, item, template.as_ref())
            .map_err(|error| failure(sort, error))?;
        Ok((doc, page))
    })?;
    let content = match format {
        PrintFormat::Text => page.text().into_bytes(),
        PrintFormat::Html => page.html().into_bytes(),
        PrintFormat::Docx => page
            .docx()
            .map_err(|_| Failure::new(Code::Mistake).with("place", "docx"))?,
    };
    let mut value = json!({
        "meeting": doc.to_string(),
        "title": page.title,
        "bytes": content.len(),
        "out": args.out.as_ref().map(|path| path.display().to_string()),
    });
    match args.out {
        Some(path) => {
            files::write(&path, content)?;
            Ok(Reply::new(
                value,
                voice.say("file.written", &[("file", &path.display())]),
            ))
        }
        None => {
            let text = String::from_utf8_lossy(&content).into_owned();
            value["text"] = json!(text);
            Ok(Reply::new(value, text))
        }
    }
}

fn format_of(out: Option<&Path>) -> PrintFormat {
    let ending = out
        .and_then(Path::extension)
        .map(|ending| ending.to_ascii_lowercase());
    match ending.as_deref().and_then(|ending| ending.to_str()) {
        Some("docx") => PrintFormat::Docx,
        Some("html" | "htm") => PrintFormat::Html,
        _ => PrintFormat::Text,
    }
}

fn read_template(sort: Sort, file: &str) -> Result<PageTemplate, Failure> {
    let source = files::read(file, TEMPLATE_BYTES_MAX)?;
    PageTemplate::parse(sort, &source).map_err(|error| bad_template(sort, &error))
}

fn failure(sort: Sort, error: PageError) -> Failure {
    match error {
        PageError::Template(error) => bad_template(sort, &error),
        PageError::Device(error) => error.into(),
    }
}

fn bad_template(sort: Sort, error: &TemplateError) -> Failure {
    match error {
        TemplateError::UnknownField { name, line } => Failure::new(Code::TemplateField)
            .with("name", name)
            .with("line", line),
        TemplateError::Malformed { line } => Failure::new(Code::BadTemplate).with("line", line),
        // The loop that does not end may stand anywhere.
        TemplateError::TooManySteps => Failure::new(Code::BadTemplate).with("line", "?"),
        TemplateError::TooLong(_) | TemplateError::Version => {
            let comment = |c: char| "{#-} ".contains(c);
            Failure::new(Code::TemplateVersion).with("wanted", sort.first_line().trim_matches(comment))
        }
    }
}
