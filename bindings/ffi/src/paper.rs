//! Documents as files: HTML for reading and printing, .docx for offices that edit, plain text.

use sotay_engine::PageError;
use sotay_engine::handbook::Month;
use sotay_engine::paper::{Page, PageTemplate, Sort};

use crate::call::ask;
use crate::error::{HandbookError, OrFault, parse, parse_opt};
use crate::meeting::{Meeting, parse_doc};
use crate::records::Records;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum PaperForm {
    /// One HTML file for the screen and for A4, with nothing fetched from elsewhere.
    Html,
    /// For word processors.
    Docx,
    /// Plain text in UTF-8.
    Text,
}

/// A file to show, print, keep or share.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PaperFile {
    /// Title in one line.
    pub title: String,
    /// Ending of a file name: `html`, `docx`, `txt`.
    pub extension: String,
    /// Media type.
    pub media: String,
    /// The file. Equal records give equal bytes on every phone.
    pub bytes: Vec<u8>,
}

fn file(page: Page, form: PaperForm) -> Result<PaperFile, HandbookError> {
    let (extension, media) = match form {
        PaperForm::Html => ("html", "text/html; charset=utf-8"),
        PaperForm::Docx => (
            "docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        PaperForm::Text => ("txt", "text/plain; charset=utf-8"),
    };
    let bytes = match form {
        PaperForm::Html => page.html().into_bytes(),
        PaperForm::Docx => page.docx().or_fault()?,
        PaperForm::Text => page.text().into_bytes(),
    };
    Ok(PaperFile {
        title: page.title,
        extension: extension.to_owned(),
        media: media.to_owned(),
        bytes,
    })
}

/// A template of one's own, if one was given.
fn template(sort: Sort, source: Option<&String>) -> Result<Option<PageTemplate>, HandbookError> {
    let read = |source: &String| PageTemplate::parse(sort, source).map_err(PageError::from);
    source.map(read).transpose().or_fault()
}

#[uniffi::export]
impl Meeting {
    /// The minutes as a file: the standing sealed edition, or as they stand while nothing is sealed; with `item`, the extract
    /// of that item of the agenda. `source` is a template of one's own (`docs/PAPER.md`).
    pub fn paper(
        &self,
        form: PaperForm,
        item: Option<String>,
        source: Option<String>,
    ) -> Result<PaperFile, HandbookError> {
        let (doc, item) = (self.doc, parse_opt(item.as_ref(), "item")?);
        let sort = if item.is_some() {
            Sort::Extract
        } else {
            Sort::Minutes
        };
        ask(&self.engine, move |device, _| {
            let own = template(sort, source.as_ref())?;
            file(device.minutes_page(doc, item, own.as_ref()).or_fault()?, form)
        })
    }
}

#[uniffi::export]
impl Records {
    /// A resolution as a file, as it stands. `source` is a template of one's own.
    pub fn resolution_paper(
        &self,
        id: String,
        form: PaperForm,
        source: Option<String>,
    ) -> Result<PaperFile, HandbookError> {
        let doc = parse_doc(&id)?;
        ask(&self.engine, move |device, _| {
            let own = template(Sort::Resolution, source.as_ref())?;
            file(device.resolution_page(doc, own.as_ref()).or_fault()?, form)
        })
    }

    /// A month's report as a file: a revision that was sent, or what would be sent now; none when there is no such revision.
    /// `source` is a template of one's own.
    pub fn report_paper(
        &self,
        month: String,
        revision: Option<u32>,
        form: PaperForm,
        source: Option<String>,
    ) -> Result<Option<PaperFile>, HandbookError> {
        let month: Month = parse(&month, "month")?;
        ask(&self.engine, move |device, _| {
            let own = template(Sort::Report, source.as_ref())?;
            let page = device.report_page(month, revision, own.as_ref()).or_fault()?;
            page.map(|page| file(page, form)).transpose()
        })
    }
}
