//! Meetings as last read. Reading one costs milliseconds on a cheap phone and a screen asks after every keystroke, so what
//! was read is kept until the meeting, the roster or the membership has changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use sotay_document::crdt::ChangeHash;
use sotay_feed::DocId;
use sotay_handbook::meeting::{MeetingKind, MeetingView, Setting};
use sotay_handbook::review::{ReviewList, review, unit_changes};
use sotay_handbook::roster::{Roll, RosterView};
use sotay_handbook::{Date, Devices, Month, Policy};
use sotay_store::Store;

use super::Device;
use super::books::BookKey;
use crate::error::DeviceError;

/// Meetings kept at a time: the one on the screen and the ones a list is made of.
const KEPT_MAX: usize = 32;

/// What a meeting is read against, owned.
pub(super) struct Reading {
    pub roll: Roll,
    pub policy: Policy,
    pub devices: Devices,
    /// The day they are of.
    pub day: Option<Date>,
}

impl Reading {
    pub fn setting(&self, doc: DocId) -> Setting<'_> {
        Setting {
            doc,
            roster: &self.roll,
            policy: &self.policy,
            devices: &self.devices,
        }
    }
}

/// A meeting as read.
pub(super) struct Seen {
    pub view: MeetingView,
    pub review: ReviewList,
    pub reading: Reading,
}

/// Everything that [`Seen`] is a function of.
#[derive(PartialEq, Eq)]
struct Origin {
    meeting: Vec<ChangeHash>,
    roster: Vec<ChangeHash>,
    membership: u64,
    directives: u64,
}

/// The meetings that were read last.
#[derive(Default)]
pub(super) struct Readings {
    kept: BTreeMap<DocId, (Origin, u64, Arc<Seen>)>,
    clock: u64,
    /// The roster as last read, at these heads and this revision of the membership.
    roster: Option<(Vec<ChangeHash>, u64, Arc<RosterView>)>,
}

impl Readings {
    fn get(&mut self, doc: DocId, origin: &Origin) -> Option<Arc<Seen>> {
        self.clock += 1;
        let (of, used, seen) = self.kept.get_mut(&doc)?;
        (of == origin).then(|| {
            *used = self.clock;
            seen.clone()
        })
    }

    fn keep(&mut self, doc: DocId, origin: Origin, seen: Arc<Seen>) {
        if self.kept.len() >= KEPT_MAX
            && !self.kept.contains_key(&doc)
            && let Some(oldest) = self
                .kept
                .iter()
                .min_by_key(|(_, kept)| kept.1)
                .map(|(&doc, _)| doc)
        {
            self.kept.remove(&oldest);
        }
        self.kept.insert(doc, (origin, self.clock, seen));
    }
}

impl<S: Store> Device<S> {
    /// A meeting with its review list, read again only if something it depends on has changed.
    pub(super) fn seen(&mut self, key: BookKey) -> Result<Arc<Seen>, DeviceError> {
        let origin = Origin {
            meeting: self.heads(key)?,
            roster: self.roster_heads()?,
            membership: self.membership()?.revision(),
            directives: self.directives.revision(),
        };
        if let Some(seen) = self.readings.get(key.doc, &origin) {
            return Ok(seen);
        }
        let reading = self.reading(key)?;
        let unit = self.roster_now()?;
        let (view, review) = self.view(key, |image| {
            let setting = reading.setting(key.doc);
            let view = MeetingView::read(image, &setting);
            let mut review = review(&view, &setting);
            review.extend(super::clocks::clock_items(
                image.clocks(),
                reading.policy.clock_off_minutes,
            ));
            review.extend(unit_changes(&view, &unit.unit));
            (view, review)
        })?;
        let seen = Arc::new(Seen {
            view,
            review,
            reading,
        });
        self.readings.keep(key.doc, origin, seen.clone());
        Ok(seen)
    }

    /// The roster, read again only if it or the membership has changed.
    pub(super) fn roster_now(&mut self) -> Result<Arc<RosterView>, DeviceError> {
        let (heads, revision) = (self.roster_heads()?, self.membership()?.revision());
        if let Some((of, at, roster)) = &self.readings.roster
            && (of, *at) == (&heads, revision)
        {
            return Ok(roster.clone());
        }
        let (key, devices) = (self.roster_key()?, self.holders()?);
        let roster = Arc::new(self.view(key, |image| RosterView::read(image, &devices))?);
        self.readings.roster = Some((heads, revision, roster.clone()));
        Ok(roster)
    }

    /// Kind and month of a meeting, without reading the rest of it.
    pub(super) fn period(&mut self, key: BookKey) -> Result<Option<(MeetingKind, Month)>, DeviceError> {
        let devices = self.holders()?;
        let (roster, policy) = (Roll::default(), Policy::shipped());
        self.view(key, |image| {
            let setting = Setting {
                doc: key.doc,
                roster: &roster,
                policy: &policy,
                devices: &devices,
            };
            MeetingView::period_of(image, &setting)
        })
    }

    /// The roster of the day of the meeting, the rules of that day, and whose devices may settle what.
    pub(super) fn reading(&mut self, key: BookKey) -> Result<Reading, DeviceError> {
        let mut reading = Reading {
            roll: Roll::default(),
            policy: Policy::shipped(),
            devices: self.holders()?,
            day: None,
        };
        let day = {
            let setting = reading.setting(key.doc);
            self.view(key, |image| MeetingView::day(image, &setting))?
        };
        reading.policy = self.policy(day);
        reading.roll = self.roll_at(day)?;
        reading.day = day;
        Ok(reading)
    }
}

#[cfg(test)]
mod tests {
    use sotay_handbook::meeting::{Command, MeetingKind};
    use sotay_handbook::roster::{self, Activity};
    use sotay_store::MemoryStore;

    use super::super::NewMember;
    use super::super::roster::today;
    use super::super::tests::{NOW, branch, join};
    use super::*;

    fn kept_is_fresh(device: &mut Device<MemoryStore>, doc: DocId) -> MeetingView {
        let view = device.meeting_view(doc).unwrap();
        let review = device.review(doc).unwrap();
        device.readings = Readings::default();
        assert_eq!(device.meeting_view(doc).unwrap(), view);
        assert_eq!(device.review(doc).unwrap(), review);
        view
    }

    #[test]
    fn what_is_kept_of_a_meeting_follows_the_meeting_the_roster_and_the_membership() {
        let mut device = branch(1);
        let doc = device
            .new_meeting(MeetingKind::Thematic, None, Some(today(NOW)), NOW)
            .unwrap();
        assert_eq!(kept_is_fresh(&mut device, doc).roll.lines().len(), 1);

        let on = device.add_members(&[NewMember::named("Phạm Văn An")], today(NOW), NOW);
        let member = on.unwrap()[0];
        assert_eq!(kept_is_fresh(&mut device, doc).roll.lines().len(), 2);

        let away = roster::Command::SetActivity {
            member,
            activity: Activity::Exempt,
            from: today(NOW),
        };
        device.roster(&away, NOW).unwrap();
        assert_eq!(kept_is_fresh(&mut device, doc).attendance.counts.exempt, 1);

        let place = Command::SetPlace("Nhà văn hóa".into());
        device.meeting(doc, &place, NOW).unwrap();
        assert!(kept_is_fresh(&mut device, doc).place.value.is_some());

        let before = device.membership().unwrap().revision();
        join(&mut device, 2, "P1", 4);
        assert_ne!(device.membership().unwrap().revision(), before);
        kept_is_fresh(&mut device, doc);
    }

    #[test]
    fn of_more_meetings_than_are_kept_the_one_unused_longest_is_forgotten() {
        let mut device = branch(1);
        let docs: Vec<DocId> = (0..=KEPT_MAX)
            .map(|_| {
                let doc = device.new_meeting(MeetingKind::Thematic, None, Some(today(NOW)), NOW);
                let doc = doc.unwrap();
                device.meeting_view(doc).unwrap();
                doc
            })
            .collect();
        assert_eq!(device.readings.kept.len(), KEPT_MAX);
        assert!(!device.readings.kept.contains_key(&docs[0]));
        device.meeting_view(docs[0]).unwrap();
        assert!(!device.readings.kept.contains_key(&docs[1]));
    }
}
