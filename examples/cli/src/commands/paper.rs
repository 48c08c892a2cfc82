//! Documents on paper: reading a template, writing a page.

use std::path::Path;

use serde_json::{Value, json};
use sotay_engine::handbook::limits::TEMPLATE_BYTES_MAX;
use sotay_engine::handbook::template::TemplateError;
use sotay_engine::paper::{Page, PageTemplate, Sort};
use sotay_engine::{PageError, ProfileDevice};

use crate::args::{Paper, PrintFormat};
use crate::failure::{Code, Failure};
use crate::files;
use crate::reply::Reply;
use crate::voice::Voice;

/// What --with calls the templates that come with the software.
const SHIPPED: &str = "shipped";

/// The template that was named, if one was.
pub(super) fn template(
    device: &ProfileDevice,
    sort: Sort,
    args: &Paper,
) -> Result<Option<PageTemplate>, Failure> {
    let source = match (&args.template, &args.with) {
        (Some(file), _) => files::read(file, TEMPLATE_BYTES_MAX)?,
        (None, Some(with)) if with == SHIPPED => return Ok(Some(PageTemplate::shipped(sort))),
        (None, Some(with)) => device
            .template_source(&with.to_lowercase())?
            .ok_or_else(|| Failure::new(Code::NoEntry).with("text", with).with("count", 0))?,
        (None, None) => return Ok(None),
    };
    let template = PageTemplate::parse(sort, &source);
    template.map(Some).map_err(|error| bad_template(sort, &error))
}

/// Writes a page as it was asked for; `value` has what programs are told beside.
pub(super) fn write(voice: Voice, args: Paper, page: &Page, mut value: Value) -> Result<Reply, Failure> {
    let content = match args.format.unwrap_or_else(|| format_of(args.out.as_deref())) {
        PrintFormat::Text => page.text().into_bytes(),
        PrintFormat::Html => page.html().into_bytes(),
        PrintFormat::Docx => page
            .docx()
            .map_err(|_| Failure::new(Code::Mistake).with("place", "docx"))?,
    };
    value["title"] = json!(page.title);
    value["bytes"] = json!(content.len());
    value["out"] = json!(args.out.as_ref().map(|path| path.display().to_string()));
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

/// Why there is no page of this sort.
pub(super) fn failure(sort: Sort, error: PageError) -> Failure {
    match error {
        PageError::Template(error) => bad_template(sort, &error),
        PageError::Device(error) => error.into(),
    }
}

pub(super) fn bad_template(sort: Sort, error: &TemplateError) -> Failure {
    match error {
        TemplateError::UnknownField { name, line } => Failure::new(Code::TemplateField)
            .with("name", name)
            .with("line", line),
        TemplateError::Malformed { line } => Failure::new(Code::BadTemplate).with("line", line),
        TemplateError::Construct { name, line } => Failure::new(Code::TemplateConstruct)
            .with("name", name)
            .with("line", line),
        TemplateError::Head => Failure::new(Code::TemplateHead),
        TemplateError::TooManySteps | TemplateError::TooLarge => Failure::new(Code::TemplateTooLarge),
        TemplateError::TooLong(_) | TemplateError::Version => {
            let comment = |c: char| "{#-} ".contains(c);
            Failure::new(Code::TemplateVersion).with("wanted", sort.first_line().trim_matches(comment))
        }
    }
}
