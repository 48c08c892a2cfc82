//! What the software promised: every command that returned `Ok`, in a form that can be looked for at the end.

use std::collections::{BTreeMap, BTreeSet};

use sotay_engine::Device;
use sotay_engine::handbook::EntryId;
use sotay_engine::handbook::meeting::{MeetingView, State, TallyCount};
use sotay_feed::{DeviceId, DocId, MemberId};
use sotay_store::Store;

/// Every text and name of a run contains it: finding it in the relay's data would be a leak.
pub const MARKER: &str = "xqzdau";

/// The last value somebody wrote: one that is certain, and others of which nobody knows whether they were kept.
#[derive(Debug, Clone)]
pub struct Last<T> {
    sure: Option<T>,
    maybe: Vec<T>,
}

impl<T> Default for Last<T> {
    fn default() -> Self {
        Self {
            sure: None,
            maybe: Vec::new(),
        }
    }
}

impl<T: PartialEq + Clone> Last<T> {
    fn note(&mut self, value: T, kept: Kept) {
        match kept {
            Kept::Yes => (self.sure, self.maybe) = (Some(value), Vec::new()),
            Kept::Unknown => self.maybe.push(value),
            Kept::No => {}
        }
    }

    fn allows(&self, found: Option<&T>) -> bool {
        match found {
            Some(found) => self.sure.as_ref() == Some(found) || self.maybe.contains(found),
            None => self.sure.is_none(),
        }
    }
}

/// What is known of the effect of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It returned `Ok`.
    Yes,
    /// It failed, and nothing may have changed.
    No,
    /// The process died in the middle.
    Unknown,
}

/// Where a text was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Where {
    /// A speech.
    Speech(EntryId),
    /// A conclusion.
    Conclusion(EntryId),
    /// An item of the agenda.
    Agenda(EntryId),
}

/// Everything promised in a run.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Meetings that were begun.
    pub meetings: BTreeSet<DocId>,
    /// Members that were put on the roster.
    pub members: BTreeSet<MemberId>,
    texts: Vec<(DocId, Where, String, Kept)>,
    removed: BTreeSet<EntryId>,
    settled: BTreeSet<DocId>,
    marks: BTreeMap<(DocId, MemberId, DeviceId), Last<State>>,
    tallies: BTreeMap<(DocId, EntryId, DeviceId), Last<TallyCount>>,
    names: BTreeMap<MemberId, BTreeSet<String>>,
}

impl Ledger {
    /// A text with a marker of its own was written somewhere.
    pub fn text(&mut self, doc: DocId, at: Where, marker: &str, kept: Kept) {
        self.texts.push((doc, at, marker.to_owned(), kept));
    }

    /// Somebody tried to remove an entry.
    pub fn removed(&mut self, id: EntryId) {
        self.removed.insert(id);
    }

    /// Somebody settled something in this meeting: texts may be set aside.
    pub fn settled(&mut self, doc: DocId) {
        self.settled.insert(doc);
    }

    /// Attendance was marked.
    pub fn mark(&mut self, doc: DocId, member: MemberId, device: DeviceId, state: State, kept: Kept) {
        self.marks
            .entry((doc, member, device))
            .or_default()
            .note(state, kept);
    }

    /// Votes were counted.
    pub fn tally(&mut self, doc: DocId, motion: EntryId, device: DeviceId, counts: TallyCount, kept: Kept) {
        self.tallies
            .entry((doc, motion, device))
            .or_default()
            .note(counts, kept);
    }

    /// A member was named.
    pub fn name(&mut self, member: MemberId, name: &str) {
        self.names.entry(member).or_default().insert(name.to_owned());
    }

    /// Looks for everything on one phone.
    pub fn check<S: Store>(&self, device: &mut Device<S>) -> Result<(), String> {
        let mut views = BTreeMap::new();
        for doc in &self.meetings {
            let view = device
                .meeting_view(*doc)
                .map_err(|error| format!("meeting {doc:?}: {error}"))?;
            views.insert(*doc, view);
        }
        for (doc, at, marker, kept) in &self.texts {
            let Some(view) = views.get(doc) else {
                return Err(format!("text in an unknown meeting {doc:?}"));
            };
            self.check_text(*doc, view, *at, marker, *kept)?;
        }
        for ((doc, member, by), last) in &self.marks {
            let found = views[doc].line(*member).and_then(|line| {
                line.entries
                    .iter()
                    .find(|entry| entry.mark.device == *by)
                    .map(|entry| entry.state)
            });
            if !last.allows(found.as_ref()) {
                return Err(format!(
                    "attendance of {member:?} by {by:?}: {found:?}, promised {last:?}"
                ));
            }
        }
        for ((doc, motion, by), last) in &self.tallies {
            let found = views[doc].motion(*motion).and_then(|motion| {
                motion
                    .tallies
                    .iter()
                    .find(|tally| tally.mark.device == *by)
                    .map(|tally| tally.counts)
            });
            if !last.allows(found.as_ref()) {
                return Err(format!(
                    "count of {motion:?} by {by:?}: {found:?}, promised {last:?}"
                ));
            }
        }
        for (member, names) in &self.names {
            let known = device.names().member(*member).map(str::to_owned);
            if !known.as_ref().is_some_and(|known| names.contains(known)) {
                return Err(format!("name of {member:?}: {known:?} is none of {names:?}"));
            }
        }
        let roster = device.roster_view().map_err(|error| format!("roster: {error}"))?;
        match self.members.iter().find(|member| roster.get(**member).is_none()) {
            Some(lost) => Err(format!("member {lost:?} is not on the roster")),
            None => Ok(()),
        }
    }

    fn check_text(
        &self,
        doc: DocId,
        view: &MeetingView,
        at: Where,
        marker: &str,
        kept: Kept,
    ) -> Result<(), String> {
        let all = all_texts(view, at);
        let found = all
            .as_ref()
            .is_some_and(|texts| texts.iter().any(|text| text.contains(marker)));
        let id = match at {
            Where::Speech(id) | Where::Conclusion(id) | Where::Agenda(id) => id,
        };
        match kept {
            Kept::Yes if found => Ok(()),
            // Removed, or set aside by a choice of a person: only its absence without cause is a loss.
            Kept::Yes if self.removed.contains(&id) => Ok(()),
            Kept::Yes
                if matches!(at, Where::Conclusion(_)) && all.is_some() && self.settled.contains(&doc) =>
            {
                Ok(())
            }
            // A title is one value: a later one may have taken its place.
            Kept::Yes if matches!(at, Where::Agenda(_)) && all.is_some() => Ok(()),
            Kept::Yes => Err(format!("{marker} in {at:?} of {doc:?} is lost; found {all:?}")),
            Kept::No if found => Err(format!("{marker} in {at:?} is there although the command failed")),
            Kept::No | Kept::Unknown => Ok(()),
        }
    }
}

/// All texts of an entry, shown or set aside; `None` when the entry is not there.
fn all_texts(view: &MeetingView, at: Where) -> Option<Vec<String>> {
    match at {
        Where::Speech(id) => view
            .speeches
            .iter()
            .find(|speech| speech.id == id)
            .map(|speech| vec![speech.text.as_str().to_owned()]),
        Where::Agenda(id) => view
            .agenda
            .iter()
            .find(|item| item.id == id)
            .map(|item| vec![item.title.as_str().to_owned()]),
        Where::Conclusion(id) => view.conclusion(id).map(|conclusion| {
            let all = conclusion.paragraphs.iter().chain(&conclusion.set_aside);
            all.map(|paragraph| paragraph.text.as_str().to_owned()).collect()
        }),
    }
}
