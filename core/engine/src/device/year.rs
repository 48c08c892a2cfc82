//! The documents of a year: tasks, fees, ratings, resolutions. No rule lives here; `sotay_handbook` has them.

use serde::Serialize;
use sotay_feed::{DocId, InOrder, MemberId, Space, SpaceKind};
use sotay_handbook::fees::{self, FeeMonth, FeesView, fee_month};
use sotay_handbook::rating::{self, RatingView};
use sotay_handbook::resolution::{self, ResolutionModel, ResolutionView, VoteLine, same_number};
use sotay_handbook::review::{ReviewItem, ReviewList};
use sotay_handbook::tasks::{self, TaskSource, TasksView};
use sotay_handbook::{
    CommandError, Date, DocKind, EntryId, Month, What, Words, fees_id, rating_id, reports_id, resolution_id,
    tasks_id,
};
use sotay_store::Store;

use super::Device;
use super::books::BookKey;
use super::roster::today;
use crate::error::DeviceError;

/// The years whose documents have ids that other phones accept.
const YEARS: std::ops::Range<i32> = 2000..2100;

/// A document beside meetings that can have a review list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ReviewedDocument {
    /// The document, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub doc: DocId,
    /// Its kind.
    pub kind: DocKind,
    /// Its year, of kinds of which there is one a year.
    pub year: Option<i32>,
}

impl<S: Store> Device<S> {
    /// The document of a kind and year, if this device may read where it lies.
    pub(super) fn year_key(&self, kind: DocKind, year: i32) -> Result<BookKey, DeviceError> {
        let unit = self.home()?.unit;
        if !YEARS.contains(&year) {
            return Err(CommandError::Unknown(What::Day).into());
        }
        let (doc, space) = match kind {
            DocKind::Tasks => (tasks_id(unit, year), SpaceKind::Main),
            DocKind::FeeLedger => (fees_id(unit, year), SpaceKind::Committee),
            DocKind::Rating => (rating_id(unit, year), SpaceKind::Committee),
            DocKind::Report => (reports_id(unit, year), SpaceKind::Report),
            DocKind::Roster | DocKind::Meeting | DocKind::Resolution => {
                return Err(DeviceError::Internal("kind of a year's document"));
            }
        };
        self.membership()?.may_read(self.id(), &Space::of(unit, space))?;
        Ok(BookKey {
            doc,
            kind,
            schema: kind.schema(),
            space,
        })
    }

    fn year_of(&self, key: BookKey) -> Option<i32> {
        YEARS.into_iter().find(|&year| {
            self.year_key(key.kind, year)
                .is_ok_and(|known| known.doc == key.doc)
        })
    }

    /// The years of which this device has a document of a kind, newest first.
    pub fn years(&self, kind: DocKind) -> Result<Vec<i32>, DeviceError> {
        let known = self.documents(kind)?;
        let mut years: Vec<i32> = known.iter().filter_map(|key| self.year_of(*key)).collect();
        years.in_order();
        years.reverse();
        Ok(years)
    }

    /// Who is or ever was on the roster.
    fn everybody(&mut self) -> Result<Vec<MemberId>, DeviceError> {
        let roster = self.roster_view()?;
        Ok(roster.lines.iter().map(|line| line.member).collect())
    }

    /// All tasks of a year.
    pub fn tasks(&mut self, year: i32) -> Result<TasksView, DeviceError> {
        let key = self.year_key(DocKind::Tasks, year)?;
        let devices = self.holders()?;
        self.view(key, |image| TasksView::read(image, &devices))
    }

    /// Changes a task.
    pub fn task(&mut self, year: i32, command: &tasks::Command, now: i64) -> Result<(), DeviceError> {
        let key = self.year_key(DocKind::Tasks, year)?;
        let (acting, devices) = (self.acting(now)?, self.holders()?);
        let roll = self.roll_at(Some(today(now)))?;
        self.edit(key, now, |tx| tasks::apply(tx, &acting, &devices, &roll, command))
    }

    /// Makes tasks of the conclusions of a meeting that have none yet; gives back how many. Two phones that do it offline
    /// make the same tasks.
    pub fn tasks_of_meeting(&mut self, meeting: DocId, now: i64) -> Result<u32, DeviceError> {
        let view = self.meeting_view(meeting)?;
        let day = view.date.value.unwrap_or_else(|| today(now));
        let key = self.year_key(DocKind::Tasks, day.month().year())?;
        let known = self.tasks(day.month().year())?;
        let mut commands = Vec::new();
        for conclusion in &view.conclusions {
            let source = TaskSource {
                meeting,
                conclusion: conclusion.id,
            };
            let words = conclusion.paragraphs.first().map(|paragraph| &paragraph.text);
            if let Some(words) = words.filter(|_| known.get(source.task()).is_none()) {
                let limit = sotay_handbook::limits::TASK_CHARS_MAX;
                commands.push(tasks::Command::Add {
                    id: source.task(),
                    what: words.chars().take(limit).collect::<String>().into(),
                    source: Some(source),
                    people: conclusion.responsible.clone(),
                    deadline: conclusion.due(),
                });
            }
        }
        let (acting, devices) = (self.acting(now)?, self.holders()?);
        // Who was responsible in the meeting stays so, whatever the list of today says.
        let roll = view.roll;
        self.edit(key, now, |tx| {
            commands
                .iter()
                .try_for_each(|command| tasks::apply(tx, &acting, &devices, &roll, command))
        })?;
        Ok(commands.len() as u32)
    }

    /// The fee ledger of a year.
    pub fn fees(&mut self, year: i32) -> Result<FeesView, DeviceError> {
        let key = self.year_key(DocKind::FeeLedger, year)?;
        let devices = self.holders()?;
        self.view(key, |image| FeesView::read(image, &devices))
    }

    /// Writes into the ledger of a year: that of the month paid for.
    pub fn fee(&mut self, year: i32, command: &fees::Command, now: i64) -> Result<(), DeviceError> {
        self.fee_all(year, std::slice::from_ref(command), now)
    }

    /// The same for several lines, all or nothing.
    pub fn fee_all(&mut self, year: i32, commands: &[fees::Command], now: i64) -> Result<(), DeviceError> {
        let key = self.year_key(DocKind::FeeLedger, year)?;
        let (acting, devices) = (self.acting(now)?, self.holders()?);
        let everybody = self.everybody()?;
        let known = |member| everybody.contains(&member);
        self.edit(key, now, |tx| {
            commands
                .iter()
                .try_for_each(|command| fees::apply(tx, &acting, &devices, &known, command))
        })
    }

    /// A month of the ledger: who owes what, who paid, who has not.
    pub fn fee_month(&mut self, month: Month) -> Result<FeeMonth, DeviceError> {
        let view = self.fees(month.year())?;
        let roll = self.roll_at(Some(month.first()))?;
        let rates = self.fee_rates(month)?;
        Ok(fee_month(&view, month, &roll, &rates))
    }

    /// The ratings of a year, by the criteria in force on its last day.
    pub fn rating(&mut self, year: i32) -> Result<RatingView, DeviceError> {
        let key = self.year_key(DocKind::Rating, year)?;
        let (devices, criteria) = (self.holders()?, self.criteria(year)?);
        self.view(key, |image| RatingView::read(image, &devices, &criteria))
    }

    /// Rates.
    pub fn rate(&mut self, year: i32, command: &rating::Command, now: i64) -> Result<(), DeviceError> {
        let key = self.year_key(DocKind::Rating, year)?;
        let (acting, devices) = (self.acting(now)?, self.holders()?);
        let (criteria, everybody) = (self.criteria(year)?, self.everybody()?);
        let known = |member| everybody.contains(&member);
        self.edit(key, now, |tx| {
            rating::apply(tx, &acting, &devices, &criteria, &known, command)
        })
    }

    /// Begins a resolution.
    pub fn new_resolution(
        &mut self,
        meeting: Option<DocId>,
        title: Words,
        now: i64,
    ) -> Result<DocId, DeviceError> {
        if let Some(meeting) = meeting {
            self.meeting_view(meeting)?;
        }
        let doc = resolution_id(self.home()?.unit, *self.fresh_id().as_bytes());
        let key = BookKey {
            doc,
            kind: DocKind::Resolution,
            schema: DocKind::Resolution.schema(),
            space: SpaceKind::Main,
        };
        self.resolve(key, &[resolution::Command::Found { meeting, title }], now)?;
        Ok(doc)
    }

    fn resolution_key(&self, doc: DocId) -> Result<BookKey, DeviceError> {
        let known = self.known_document(doc)?;
        known
            .filter(|key| key.kind == DocKind::Resolution)
            .ok_or(DeviceError::NoResolution)
    }

    fn resolve(
        &mut self,
        key: BookKey,
        commands: &[resolution::Command],
        now: i64,
    ) -> Result<(), DeviceError> {
        let (acting, devices, everybody) = (self.acting(now)?, self.holders()?, self.everybody()?);
        let known = |member| everybody.contains(&member);
        self.edit(key, now, |tx| {
            commands
                .iter()
                .try_for_each(|command| resolution::apply(tx, &acting, &devices, key.doc, &known, command))
        })
    }

    /// Changes a resolution; several commands as one change, all or nothing.
    pub fn resolution(
        &mut self,
        doc: DocId,
        commands: &[resolution::Command],
        now: i64,
    ) -> Result<(), DeviceError> {
        let key = self.resolution_key(doc)?;
        self.resolve(key, commands, now)
    }

    /// Issues a resolution, unless its number is used twice or something else blocks.
    pub fn issue_resolution(&mut self, doc: DocId, now: i64) -> Result<(), DeviceError> {
        let list = self.review(doc)?;
        let blocked = list.blocking().map(|item| item.id.clone()).collect();
        self.resolution(doc, &[resolution::Command::Issue { blocked }], now)
    }

    /// The confirmed result of a motion of the resolution's meeting, to take over; `None` while there is none.
    pub fn vote_for_resolution(
        &mut self,
        doc: DocId,
        motion: EntryId,
    ) -> Result<Option<VoteLine>, DeviceError> {
        let Some(meeting) = self.resolution_view(doc)?.meeting else {
            return Ok(None);
        };
        let view = self.meeting_view(meeting)?;
        Ok(view.motion(motion).and_then(VoteLine::of))
    }

    /// A resolution.
    pub fn resolution_view(&mut self, doc: DocId) -> Result<ResolutionView, DeviceError> {
        let key = self.resolution_key(doc)?;
        let devices = self.holders()?;
        self.view(key, |image| ResolutionView::read(image, doc, &devices))
    }

    /// All resolutions, newest day first, then by number.
    pub fn resolutions(&mut self) -> Result<Vec<ResolutionView>, DeviceError> {
        let mut all = Vec::new();
        for key in self.documents(DocKind::Resolution)? {
            all.push(self.resolution_view(key.doc)?);
        }
        all.in_order_by_key(|view| (view.date.value, view.number.value, view.id));
        all.reverse();
        Ok(all)
    }

    /// What a template of resolutions is filled with.
    pub fn resolution_model(&mut self, doc: DocId) -> Result<ResolutionModel, DeviceError> {
        let view = self.resolution_view(doc)?;
        let roll = self.roll_at(view.date.value)?;
        let heading = self.heading_on(view.date.value)?;
        Ok(ResolutionModel::of(&view, &heading, &roll, &self.people))
    }

    /// What contradicts itself in a document that is no meeting.
    pub(super) fn year_review(&mut self, key: BookKey) -> Result<ReviewList, DeviceError> {
        let year = || {
            self.year_of(key)
                .ok_or(DeviceError::Internal("year of a document"))
        };
        match key.kind {
            DocKind::Tasks => {
                let year = year()?;
                Ok(tasks::review(&self.tasks(year)?))
            }
            DocKind::FeeLedger => {
                let year = year()?;
                Ok(fees::review(&self.fees(year)?))
            }
            DocKind::Rating => {
                let year = year()?;
                Ok(rating::review(&self.rating(year)?))
            }
            DocKind::Resolution => {
                let view = self.resolution_view(key.doc)?;
                let mut list = resolution::review(&view);
                let all = self.resolutions()?;
                list.extend(same_number(&view, &all.iter().collect::<Vec<_>>()));
                Ok(list)
            }
            DocKind::Roster => {
                let view = self.roster_view()?;
                Ok(sotay_handbook::roster::review(&view))
            }
            DocKind::Report | DocKind::Meeting => Ok(ReviewList::default()),
        }
    }

    /// Settles an item of such a document.
    pub(super) fn settle_of_year(
        &mut self,
        key: BookKey,
        (item, pick): (String, String),
        id: EntryId,
        now: i64,
    ) -> Result<(), DeviceError> {
        let year = self.year_of(key);
        let year = || year.ok_or(DeviceError::Internal("year of a document"));
        match key.kind {
            DocKind::Tasks => self.task(year()?, &tasks::Command::Settle { item, pick, id }, now),
            DocKind::FeeLedger => {
                let day = today(now);
                self.fee(year()?, &fees::Command::Settle { item, pick, id, day }, now)
            }
            DocKind::Rating => self.rate(year()?, &rating::Command::Settle { item, pick, id }, now),
            DocKind::Resolution => {
                if !self
                    .year_review(key)?
                    .get(&item)
                    .is_some_and(|known| offers(known, &pick))
                {
                    return Err(CommandError::Unknown(What::Choice).into());
                }
                self.resolve(key, &[resolution::Command::Settle { item, pick, id }], now)
            }
            DocKind::Roster => self.roster(&sotay_handbook::roster::Command::Settle { item, pick, id }, now),
            DocKind::Report | DocKind::Meeting => Err(CommandError::Unknown(What::ReviewItem).into()),
        }
    }

    /// The documents beside meetings that can have a review list, as far as this device knows them.
    pub fn reviewed(&self) -> Result<Vec<ReviewedDocument>, DeviceError> {
        let keys = self.reviewed_documents()?;
        let one = |key: &BookKey| ReviewedDocument {
            doc: key.doc,
            kind: key.kind,
            year: self.year_of(*key),
        };
        Ok(keys.iter().map(one).collect())
    }

    pub(super) fn reviewed_documents(&self) -> Result<Vec<BookKey>, DeviceError> {
        let mut all = Vec::new();
        for kind in [
            DocKind::Roster,
            DocKind::Tasks,
            DocKind::FeeLedger,
            DocKind::Rating,
            DocKind::Resolution,
        ] {
            all.extend(self.documents(kind)?);
        }
        Ok(all)
    }

    /// Tasks of the holder that are open, by deadline: of this year and the one before.
    pub fn my_tasks(&mut self, on: Date) -> Result<Vec<tasks::Task>, DeviceError> {
        let member = self.home()?.member;
        let year = on.month().year();
        let mut mine = Vec::new();
        for year in [year - 1, year] {
            mine.extend(self.tasks(year)?.open_of(member).cloned());
        }
        mine.in_order_by_key(|task| (task.due().is_none(), task.due(), task.id));
        Ok(mine)
    }
}

fn offers(item: &ReviewItem, pick: &str) -> bool {
    item.options.iter().any(|option| option.pick == pick)
}
