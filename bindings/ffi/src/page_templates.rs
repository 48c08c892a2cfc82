//! Page templates that units publish, in force from a day on (`docs/PAPER.md`, decision 0157).

use sotay_engine::handbook::Date;
use sotay_engine::paper::TemplateHead;
use sotay_engine::{DeviceError, PageError, TemplateEntry};

use crate::call::ask;
use crate::error::{HandbookError, OrFault, guarded, parse, parse_opt};
use crate::record_kinds::{DirectiveIssuer, PageSort};
use crate::records::Records;

/// What a template that fits says of itself.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PageTemplateHead {
    /// Which document it is for.
    pub sort: PageSort,
    /// Its name.
    pub name: String,
    /// First day on which it holds.
    pub since: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
}

/// A page template that was published and not withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PageTemplateView {
    /// Which document it is for.
    pub sort: PageSort,
    /// Its name.
    pub name: String,
    /// First day on which it holds.
    pub since: String,
    /// Where it comes from; never what shipped, which is used where none is in force.
    pub issuer: DirectiveIssuer,
    /// Name of the body above that published it, as far as known here.
    pub publisher: Option<String>,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Whether it is the one in force on the day that was asked about.
    pub in_force: bool,
}

/// The engine names a sort by its key.
fn sort(key: &str) -> Result<PageSort, HandbookError> {
    let known = PageSort::ALL.into_iter().find(|sort| sort.key() == key);
    known
        .ok_or(DeviceError::Internal("sort of a page template"))
        .or_fault()
}

fn page_template_view(entry: TemplateEntry) -> Result<PageTemplateView, HandbookError> {
    Ok(PageTemplateView {
        sort: sort(entry.sort)?,
        name: entry.name,
        since: entry.from.to_string(),
        issuer: entry.issuer,
        publisher: entry.publisher.and_then(|origin| origin.name),
        sha256: entry.sha256,
        in_force: entry.in_force,
    })
}

fn checked(source: &str) -> Result<PageTemplateHead, HandbookError> {
    let head = TemplateHead::check(source).map_err(PageError::from).or_fault()?;
    Ok(PageTemplateHead {
        sort: head.sort,
        sha256: head.sha256(),
        since: head.from.to_string(),
        name: head.name,
    })
}

#[uniffi::export]
impl Records {
    /// The page templates that were published and not withdrawn, by document, then newest first; each says whether it is
    /// the one in force on a day, today if none is given. Where none is, the page is the one that ships.
    pub fn page_templates(&self, on: Option<String>) -> Result<Vec<PageTemplateView>, HandbookError> {
        let on: Option<Date> = parse_opt(on.as_ref(), "on")?;
        ask(&self.engine, move |device, now| {
            let day = on.unwrap_or_else(|| sotay_engine::today(now));
            let known = device.page_templates(day).or_fault()?;
            known.into_iter().map(page_template_view).collect()
        })
    }

    /// The shipped template as it is published, to begin one's own with: its second line has the day and the name.
    pub fn shipped_page_template(
        &self,
        sort: PageSort,
        since: String,
        name: String,
    ) -> Result<String, HandbookError> {
        guarded(|| {
            let source = sort.example_file(parse(&since, "since")?, &name);
            checked(&source)?;
            Ok(source)
        })
    }

    /// Checks a template as publishing it would, and publishes nothing: form, second line, every field it names, a page of
    /// a document that has everything and of one that has nothing. Whoever may publish or not may ask.
    pub fn check_page_template(&self, source: String) -> Result<PageTemplateHead, HandbookError> {
        guarded(|| checked(&source))
    }

    /// Publishes a page template, the text of a file (`docs/PAPER.md`), to everybody in the unit and below it. Officers
    /// only. Publishing the same again changes nothing. It is withdrawn like a directive.
    pub fn publish_page_template(&self, source: String) -> Result<PageTemplateHead, HandbookError> {
        ask(&self.engine, move |device, _| {
            let entry = device.publish_template(&source).or_fault()?;
            Ok(PageTemplateHead {
                sort: sort(entry.sort)?,
                name: entry.name,
                since: entry.from.to_string(),
                sha256: entry.sha256,
            })
        })
    }

    /// The text of a template that was published, withdrawn or not, by its SHA-256 in hexadecimal or the beginning of
    /// that, as a page shows it: given as a template of one's own it makes an old page again. None if no template is
    /// known by it, or more than one.
    pub fn page_template_source(&self, sha256: String) -> Result<Option<String>, HandbookError> {
        ask(&self.engine, move |device, _| {
            device.template_source(&sha256.to_lowercase()).or_fault()
        })
    }
}
