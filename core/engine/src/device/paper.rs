//! Documents on paper: a meeting's fields placed on a page. What a page looks like is in `sotay_paper`.

use sotay_feed::DocId;
use sotay_handbook::{CommandError, EntryId, Month, What};
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

impl<S: Store> Device<S> {
    /// A resolution as a page, as it stands.
    pub fn resolution_page(
        &mut self,
        doc: DocId,
        template: Option<&PageTemplate>,
    ) -> Result<Page, PageError> {
        let model = self.resolution_model(doc)?;
        let upper = model.upper.clone();
        let shipped = PageTemplate::shipped(Sort::Resolution);
        Ok(template.unwrap_or(&shipped).fill(&Headed::new(model, &upper))?)
    }

    /// A report as a page: a revision that was sent, or the proposed one; `None` when there is no such revision.
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
        let shipped = PageTemplate::shipped(Sort::Report);
        Ok(Some(
            template.unwrap_or(&shipped).fill(&Headed::new(model, &upper))?,
        ))
    }

    /// The minutes of a meeting as a page: the standing sealed edition, or as they stand while nothing is sealed; with
    /// `item`, what they say of that item of the agenda. What was recorded after a seal is not on the page. Names are
    /// those known now; the sealed words themselves are in the file of [`Device::seal_file`]. A template of one's own
    /// takes the place of the one that ships with the software.
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
        let shipped = PageTemplate::shipped(sort);
        Ok(template.unwrap_or(&shipped).fill(&model)?)
    }
}
