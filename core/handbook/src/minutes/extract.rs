//! An extract: what the minutes say of one item of the agenda, for those whom only that item concerns.

use crate::ids::EntryId;
use crate::meeting::MeetingView;

impl MeetingView {
    /// The same meeting with one item of the agenda and what was said, concluded and voted under it; `None` when the
    /// agenda has no such item. What stands under no item is left out: an extract says nothing that was not asked for.
    pub fn extract(&self, item: EntryId) -> Option<Self> {
        let mut view = self.clone();
        view.agenda.retain(|one| one.id == item);
        if view.agenda.is_empty() {
            return None;
        }
        view.speeches.retain(|speech| speech.agenda == Some(item));
        view.motions.retain(|motion| motion.agenda == Some(item));
        view.conclusions
            .retain(|conclusion| conclusion.agenda == Some(item));
        view.narrative.clear();
        view.notes.clear();
        view.scores.clear();
        Some(view)
    }
}
