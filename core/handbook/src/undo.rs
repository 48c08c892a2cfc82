//! Undoing one's own last action: a new change that puts back what stood there before. Nothing is erased, the diary shows
//! both. What others have built on since, and what must never be taken back, is refused (decision 0037).

use sotay_document::crdt::{
    ChangeHash, ObjId, ObjType, Prop, ROOT, ReadDoc, ScalarValue, Transactable, Transaction, Value,
};
use sotay_document::{Reads, Touched, set_text};

use crate::acting::Acting;
use crate::cell::put;
use crate::error::{CommandError, What};
use crate::schema::{self, DocKind};

/// Marks changes that were undone, in the container of choices.
const UNDONE_PREFIX: &str = "undone:";

/// A change of the acting device.
#[derive(Debug, Clone, Copy)]
pub struct OwnChange<'a> {
    /// Its hash.
    pub hash: ChangeHash,
    /// The changes it was made on.
    pub before: &'a [ChangeHash],
    /// What it wrote.
    pub touched: &'a [Touched],
}

/// Is this change the undoing of another one?
pub fn is_undoing(touched: &[Touched]) -> bool {
    touched.iter().any(|touched| undone_key(touched).is_some())
}

fn undone_key(touched: &Touched) -> Option<&str> {
    let mut keys = touched.keys();
    (keys.next()? == schema::CHOICES).then_some(())?;
    keys.next()?.strip_prefix(UNDONE_PREFIX)
}

/// Hashes of changes that were undone, in hexadecimal.
pub fn undone<R: Reads>(doc: &R) -> Vec<String> {
    let Some(map) = crate::cell::object(doc, &ROOT, schema::CHOICES) else {
        return Vec::new();
    };
    doc.keys_of(&map)
        .iter()
        .filter_map(|key| {
            let hash = key.strip_prefix(UNDONE_PREFIX)?;
            Some(hash.split_once('/')?.0.to_owned())
        })
        .collect()
}

/// Undoes a change. On an error nothing must be kept of the transaction (`Document::edit` rolls it back).
pub fn undo(
    tx: &mut Transaction<'_>,
    acting: &Acting,
    kind: DocKind,
    change: &OwnChange<'_>,
) -> Result<(), CommandError> {
    acting.must_be_member()?;
    let mut made: Vec<&[Prop]> = Vec::new();
    for touched in change.touched {
        let keys: Vec<&str> = touched.keys().collect();
        if let Some(what) = forbidden(kind, &keys) {
            return Err(CommandError::CannotUndo(what));
        }
        // What lies inside something this change made goes with it.
        if made.iter().any(|path| touched.path.starts_with(path)) {
            continue;
        }
        let undoing = Undoing { tx, acting, change };
        if undoing.place(kind, &keys)? {
            made.push(&touched.path);
        }
    }
    let map = crate::cell::object(tx, &ROOT, schema::CHOICES).ok_or(CommandError::Damaged)?;
    let key = format!("{UNDONE_PREFIX}{}/{}", change.hash, acting.device);
    put(tx, &map, &key, acting.at_ms, &true)
}

/// What is never taken back, whoever asks: steps, frozen lists and questions, ballots, choices, lines of a ledger, reports.
fn forbidden(kind: DocKind, keys: &[&str]) -> Option<What> {
    match (kind, keys) {
        (_, [schema::STEPS, ..]) => Some(What::Step),
        (_, [schema::CHOICES, ..]) => Some(What::Choice),
        (DocKind::Meeting, [schema::ROLL, ..]) => Some(What::Step),
        (DocKind::Meeting, [schema::LINKS, ..]) => Some(What::Choice),
        (DocKind::Meeting, [schema::REMOVALS, ..]) => Some(What::Choice),
        (DocKind::Meeting, [schema::MOTIONS, _, "opened", ..]) => Some(What::Motion),
        (DocKind::Meeting, [schema::MOTIONS, _, "ballots", _, ..]) => Some(What::Ballot),
        (DocKind::FeeLedger, [schema::LINES, ..]) => Some(What::FeeLine),
        (DocKind::Report, _) => Some(What::Report),
        (DocKind::Tasks, [schema::TASK_EVENTS, ..]) => Some(What::Task),
        _ => None,
    }
}

fn what(keys: &[&str]) -> What {
    match keys.first().copied().unwrap_or_default() {
        schema::ATTENDANCE | schema::ARRIVED | schema::LEFT => What::Attendance,
        schema::AGENDA => What::Agenda,
        schema::SPEECHES => What::Speech,
        schema::MOTIONS => What::Motion,
        schema::CONCLUSIONS => What::Conclusion,
        schema::NARRATIVE | schema::PARTS => What::Paragraph,
        schema::NOTES => What::Note,
        schema::TASKS => What::Task,
        _ => What::Change,
    }
}

struct Undoing<'t, 'd, 's> {
    tx: &'t mut Transaction<'d>,
    acting: &'s Acting,
    change: &'s OwnChange<'s>,
}

impl Undoing<'_, '_, '_> {
    /// Puts one place back; true when the change had made an object there, so that its inside needs no look.
    fn place(self, kind: DocKind, keys: &[&str]) -> Result<bool, CommandError> {
        let [parents @ .., key] = keys else {
            return Ok(false);
        };
        let Some(map) = self.object_at(parents) else {
            return Err(CommandError::ChangedSince(what(keys)));
        };
        let now = self.tx.get_all(&map, *key)?;
        if let Some((Value::Object(ObjType::Text), text)) = now.first()
            && self.tx.get_at(&map, *key, self.change.before)?.is_some()
        {
            let text = text.clone();
            return self.text(keys, &text).map(|()| false);
        }
        let after = self.tx.get_all_at(&map, *key, &[self.change.hash])?;
        let before = self.tx.get_all_at(&map, *key, self.change.before)?;
        // Equal by what they say: an undoing before this one wrote the same value again.
        let says = |all: &[(Value<'_>, ObjId)]| -> Vec<(Option<ScalarValue>, Option<ObjId>)> {
            all.iter()
                .map(|(value, id)| match value {
                    Value::Scalar(value) => (Some(value.as_ref().clone()), None),
                    Value::Object(_) => (None, Some(id.clone())),
                })
                .collect()
        };
        if says(&now) != says(&after) {
            return Err(CommandError::ChangedSince(what(keys)));
        }
        match &before[..] {
            [] if now.is_empty() => Ok(false),
            [] => {
                let object = matches!(now.first(), Some((Value::Object(_), _)));
                let now = now.first().map(|(_, id)| id.clone());
                self.unmake(kind, keys, &map, now)?;
                Ok(object)
            }
            [(Value::Scalar(value), _)] => {
                let value: ScalarValue = value.as_ref().clone();
                self.tx.put(&map, *key, value)?;
                Ok(false)
            }
            _ => Err(CommandError::CannotUndo(what(keys))),
        }
    }

    fn object_at(&self, keys: &[&str]) -> Option<ObjId> {
        keys.iter()
            .try_fold(ROOT, |map, key| crate::cell::object(&*self.tx, &map, key))
    }

    /// What was not there before: entries are removed the way a person removes them, so that an edit made elsewhere brings
    /// them back; anything else is taken out.
    fn unmake(
        self,
        kind: DocKind,
        keys: &[&str],
        map: &ObjId,
        object: Option<ObjId>,
    ) -> Result<(), CommandError> {
        match (kind, keys, object) {
            (
                DocKind::Meeting,
                [
                    container @ (schema::AGENDA
                    | schema::CONCLUSIONS
                    | schema::NOTES
                    | schema::SPEECHES
                    | schema::MOTIONS),
                    id,
                ],
                Some(object),
            ) => crate::meeting::remove_entry(self.tx, self.acting, container, id, &object),
            (DocKind::Tasks, [schema::TASKS, key], _) => match key.split_once('/') {
                Some((id, schema::task::WHAT)) => {
                    let key = format!("{id}/{}", schema::task::WITHDRAWN);
                    put(self.tx, map, &key, self.acting.at_ms, &true)
                }
                // Goes with the task.
                _ => Ok(()),
            },
            (_, [.., key], _) => Ok(self.tx.delete(map, *key)?),
            _ => Ok(()),
        }
    }

    fn text(self, keys: &[&str], text: &ObjId) -> Result<(), CommandError> {
        let now = self.tx.text(text)?;
        let after = self.tx.text_at(text, &[self.change.hash])?;
        if now != after {
            return Err(CommandError::ChangedSince(what(keys)));
        }
        let before = self.tx.text_at(text, self.change.before)?;
        set_text(self.tx, text, &before).map_err(|error| CommandError::text(what(keys), error))?;
        Ok(())
    }
}
