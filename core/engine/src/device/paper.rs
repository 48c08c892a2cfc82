//! Documents on paper: a meeting's fields placed on a page. What a page looks like is in `sotay_paper`.

use serde::Serialize;
use sotay_feed::DocId;
use sotay_handbook::{CommandError, Date, EntryId, Lang, Month, PageNote, What};
use sotay_paper::{Headed, MinutesPage, Original, Page, PageTemplate, Sort, TemplateError};
use sotay_store::Store;

use super::Device;
use super::seals::Known;
use crate::error::DeviceError;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The template does not fit. The fault is with whoever wrote it.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Anything that can happen to every call; [`CommandError::Unknown`] when the agenda has no such item.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// Hexadecimal digits of the hash of a template that a page ends with.
const HASH_SHOWN: usize = 16;

impl<S: Store> Device<S> {
    /// A resolution as a page, as it stands; a template of one's own takes the place of the one in force on its day.
    pub fn resolution_page(
        &mut self,
        doc: DocId,
        template: Option<&PageTemplate>,
    ) -> Result<Page, PageError> {
        let model = self.resolution_model(doc)?;
        let day = self.resolution_view(doc)?.date.value;
        let upper = model.upper.clone();
        self.page(Sort::Resolution, day, template, &Headed::new(model, &upper))
    }

    /// A report as a page: a revision that was sent, or the proposed one; `None` when there is no such revision. A template
    /// of one's own takes the place of the one in force on the last day of the month.
    pub fn report_page(
        &mut self,
        month: Month,
        revision: Option<u32>,
        template: Option<&PageTemplate>,
    ) -> Result<Option<Page>, PageError> {
        let Some(model) = self.report_model(month, revision)? else {
            return Ok(None);
        };
        let upper = model.upper.clone();
        let model = Headed::new(model, &upper);
        self.page(Sort::Report, Some(month.last()), template, &model)
            .map(Some)
    }

    /// The minutes of a meeting as a page: the standing sealed edition, or as they stand while nothing is sealed; with
    /// `item`, what they say of that item of the agenda. What was recorded after a seal is not on the page. Names are
    /// those known now; the sealed words themselves are in the file of [`Device::seal_file`]. A template of one's own
    /// takes the place of the one in force on the day of the meeting.
    pub fn minutes_page(
        &mut self,
        doc: DocId,
        item: Option<EntryId>,
        template: Option<&PageTemplate>,
    ) -> Result<Page, PageError> {
        let key = self.meeting_key(doc)?;
        let standing = self.sealed(doc)?.standing().map(Known::heads);
        let sealed = match &standing {
            Some(heads) => self.view_at(key, heads)?,
            None => None,
        };
        let whole = Original {
            sha256: self.minutes(doc)?.sha256,
            sealed: standing.is_some(),
        };
        let seen = self.seen(key)?;
        let view = sealed.as_ref().unwrap_or(&seen.view);
        let policy = &seen.reading.policy;
        let heading = self.heading_on(seen.reading.day)?;
        let extract = match item {
            None => None,
            Some(item) => {
                let extract = view.extract(item);
                Some(extract.ok_or(DeviceError::from(CommandError::Unknown(What::Agenda)))?)
            }
        };
        let (view, sort) = match &extract {
            None => (view, Sort::Minutes),
            Some(extract) => (extract, Sort::Extract),
        };
        let model = MinutesPage::of(view, &whole, &heading, policy, &self.people);
        // The day as it is printed: one that was changed after the seal is not on the page.
        let day = view.date.value.or(seen.reading.day);
        let mut page = self.page(sort, day, template, &model)?;
        if template.is_none() && !page.says(&whole.sha256) {
            page.note(PageNote::Original(&whole.sha256).text(Lang::Vi));
        }
        Ok(page)
    }

    /// A document on the template that is given, on the one in force on its day, or on the one that ships. A page of a
    /// published template ends with its name and hash: with these it can be made again. Where such a template does not
    /// fit this document after all, the page is the shipped one and says so: nobody above can keep a branch from printing.
    fn page<T: Serialize>(
        &self,
        sort: Sort,
        day: Option<Date>,
        template: Option<&PageTemplate>,
        model: &T,
    ) -> Result<Page, PageError> {
        if let Some(own) = template {
            return Ok(own.fill(model)?);
        }
        let shipped = || PageTemplate::shipped(sort).fill(model);
        let Some(chosen) = self.chosen_template(sort, day)? else {
            return Ok(shipped()?);
        };
        let (name, sha256) = (&chosen.head.name, &chosen.head.sha256()[..HASH_SHOWN]);
        let (mut page, note) = match chosen.template.and_then(|template| template.fill(model)) {
            Ok(page) => (page, PageNote::Template(name, sha256)),
            Err(error) => {
                tracing::warn!(%error, "page template in force does not fit a document");
                (shipped()?, PageNote::TemplateFailed(name, sha256))
            }
        };
        page.note(note.text(Lang::Vi));
        Ok(page)
    }
}
