//! Reading tasks.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sotay_document::Reads;
use sotay_feed::{DeviceId, InOrder, MemberId};

use super::{TaskSource, TaskStatus};
use crate::cell::Found;
use crate::claim::{Claim, Devices, Field, Mark};
use crate::date::{Date, Month};
use crate::ids::{EntryId, parse_id, ser};
use crate::limits::ROUNDS_MAX;
use crate::schema;
use crate::sheet::{Para, Sheet};
use crate::words::Words;

pub(super) fn field_key(id: EntryId, field: &str) -> String {
    format!("{id}/{field}")
}

pub(super) fn person_key(id: EntryId, member: MemberId) -> String {
    format!("{id}/{member}")
}

pub(super) fn event_key(id: EntryId, round: u32, status: TaskStatus, device: DeviceId) -> String {
    format!("{id}/{round}/{}/{device}", status.key())
}

/// All tasks of a year.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct TasksView {
    /// By deadline, those without one last; then by id. Withdrawn ones are in it, marked.
    pub tasks: Vec<Task>,
}

/// One task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Task {
    /// Id.
    pub id: EntryId,
    /// What is to be done.
    pub what: Field<Words>,
    /// The conclusion it comes from.
    pub source: Option<TaskSource>,
    /// Who is responsible, by id.
    #[serde(serialize_with = "ser::list")]
    pub people: Vec<MemberId>,
    /// By when.
    pub deadline: Field<Option<Date>>,
    /// How far it is: the furthest event of the last round.
    pub status: TaskStatus,
    /// How often it was reopened.
    pub round: u32,
    /// Everything that was reported, by round, status and device.
    pub events: Vec<TaskEvent>,
    /// What came of it, one note for each phone that wrote one.
    pub results: Vec<TaskResult>,
    /// Withdrawn as a mistake.
    pub withdrawn: bool,
}

/// One report about a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskEvent {
    /// 0 until it is reopened.
    pub round: u32,
    /// How far.
    pub status: TaskStatus,
    /// Of a reopening: why.
    pub reason: Option<Words>,
    /// By whom, when.
    pub mark: Mark,
}

/// A note about the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskResult {
    /// The note.
    pub text: Words,
    /// By whom, when.
    pub mark: Mark,
}

impl Task {
    /// The deadline to show.
    pub fn due(&self) -> Option<Date> {
        self.deadline.value.flatten()
    }

    /// The words to show.
    pub fn words(&self) -> &str {
        self.what.value.as_deref().unwrap_or_default()
    }

    /// Neither done nor withdrawn.
    pub fn is_open(&self) -> bool {
        !self.withdrawn && self.status < TaskStatus::Done
    }

    /// Open on a day after its deadline.
    pub fn is_overdue(&self, today: Date) -> bool {
        self.is_open() && self.due().is_some_and(|due| due < today)
    }

    /// Notes about the result as one line.
    pub fn result(&self) -> String {
        let notes: Vec<&str> = self.results.iter().map(|result| result.text.as_str()).collect();
        notes.join("; ")
    }
}

impl TasksView {
    /// Reads the document.
    pub fn read<R: Reads>(doc: &R, devices: &Devices) -> Self {
        let sheet = Sheet::of(doc, devices);
        let ids: BTreeSet<EntryId> = sheet
            .keys(schema::TASKS)
            .iter()
            .filter_map(|key| parse_id(key.split('/').next()?))
            .collect();
        let mut people = people(&sheet);
        let mut events = events(&sheet);
        let mut results = results(&sheet);
        let mut tasks: Vec<Task> = ids
            .into_iter()
            .filter_map(|id| {
                let take = |map: &mut BTreeMap<EntryId, Vec<MemberId>>| map.remove(&id).unwrap_or_default();
                let mut task = one(&sheet, id)?;
                task.people = take(&mut people);
                task.events = events.remove(&id).unwrap_or_default();
                task.results = results.remove(&id).unwrap_or_default();
                task.round = task.events.iter().map(|event| event.round).max().unwrap_or(0);
                let last = task.events.iter().filter(|event| event.round == task.round);
                task.status = last
                    .map(|event| event.status)
                    .max()
                    .unwrap_or(TaskStatus::Assigned);
                Some(task)
            })
            .collect();
        tasks.in_order_by_key(|task| (task.due().is_none(), task.due(), task.id));
        Self { tasks }
    }

    /// One task.
    pub fn get(&self, id: EntryId) -> Option<&Task> {
        self.tasks.iter().find(|task| task.id == id)
    }

    /// Open tasks of a member.
    pub fn open_of(&self, member: MemberId) -> impl Iterator<Item = &Task> {
        self.tasks
            .iter()
            .filter(move |task| task.is_open() && task.people.contains(&member))
    }

    /// What a meeting of this month hears about: tasks due before it or in it, and open ones without a deadline.
    pub fn before(&self, month: Month) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(move |task| {
            let due = task.due().is_none_or(|due| due.month() <= month);
            let settled = task.status == TaskStatus::Accepted
                && task.due().is_none_or(|due| due.month() < month.previous());
            !task.withdrawn && due && !settled
        })
    }
}

fn one<R: Reads>(sheet: &Sheet<'_, R>, id: EntryId) -> Option<Task> {
    let item = |field: &str| format!("task/{id}/{field}");
    let what: Field<Para> = sheet.field(
        schema::TASKS,
        &field_key(id, schema::task::WHAT),
        &item(schema::task::WHAT),
    );
    // A task nobody gave words to is nobody's honest work.
    what.value.as_ref()?;
    let withdrawn: Field<bool> = sheet.field(
        schema::TASKS,
        &field_key(id, schema::task::WITHDRAWN),
        &item(schema::task::WITHDRAWN),
    );
    Some(Task {
        id,
        what: plain_words(what),
        source: sheet
            .plain::<Option<TaskSource>>(schema::TASKS, &field_key(id, schema::task::SOURCE))
            .flatten(),
        people: Vec::new(),
        deadline: sheet.field(
            schema::TASKS,
            &field_key(id, schema::task::DEADLINE),
            &item(schema::task::DEADLINE),
        ),
        status: TaskStatus::Assigned,
        round: 0,
        events: Vec::new(),
        results: Vec::new(),
        // Whoever brings a task back wins over a withdrawal made at the same time.
        withdrawn: !withdrawn.claims.is_empty() && withdrawn.claims.iter().all(|claim| claim.value),
    })
}

fn plain_words(field: Field<Para>) -> Field<Words> {
    Field {
        value: field.value.map(|para| para.0),
        claims: field
            .claims
            .into_iter()
            .map(|claim| Claim {
                value: claim.value.0,
                tag: claim.tag,
                marks: claim.marks,
            })
            .collect(),
        contest: field.contest,
    }
}

/// Whoever makes somebody responsible wins over who strikes them off at the same time.
fn people<R: Reads>(sheet: &Sheet<'_, R>) -> BTreeMap<EntryId, Vec<MemberId>> {
    let mut people: BTreeMap<EntryId, Vec<MemberId>> = BTreeMap::new();
    for key in sheet.keys(schema::TASK_PEOPLE) {
        let ids = key
            .split_once('/')
            .and_then(|(id, member)| Some((parse_id(id)?, parse_id(member)?)));
        let Some((id, member)) = ids else { continue };
        let on: Field<bool> = sheet.field(schema::TASK_PEOPLE, &key, "");
        if on.claims.iter().any(|claim| claim.value) {
            people.entry(id).or_default().push(member);
        }
    }
    people
}

fn events<R: Reads>(sheet: &Sheet<'_, R>) -> BTreeMap<EntryId, Vec<TaskEvent>> {
    let mut events: BTreeMap<EntryId, Vec<TaskEvent>> = BTreeMap::new();
    for key in sheet.keys(schema::TASK_EVENTS) {
        if let Some((id, event)) = event(sheet, &key) {
            events.entry(id).or_default().push(event);
        }
    }
    for of_one in events.values_mut() {
        of_one.in_order_by_key(|event| (event.round, event.status, event.mark.device));
    }
    events
}

fn event<R: Reads>(sheet: &Sheet<'_, R>, key: &str) -> Option<(EntryId, TaskEvent)> {
    let mut parts = key.split('/');
    let id = parse_id(parts.next()?)?;
    let round = parse_id::<u32>(parts.next()?).filter(|round| *round <= ROUNDS_MAX)?;
    let status = TaskStatus::from_key(parts.next()?)?;
    let device = parse_id(parts.next()?).filter(|_| parts.next().is_none())?;
    let found: Found<Option<Words>> = sheet.owned(schema::TASK_EVENTS, key, device)?;
    let mark = Mark {
        device,
        at_ms: found.at_ms,
    };
    let reason = found.value;
    Some((
        id,
        TaskEvent {
            round,
            status,
            reason,
            mark,
        },
    ))
}

fn results<R: Reads>(sheet: &Sheet<'_, R>) -> BTreeMap<EntryId, Vec<TaskResult>> {
    let mut results: BTreeMap<EntryId, Vec<TaskResult>> = BTreeMap::new();
    for key in sheet.keys(schema::TASK_RESULTS) {
        let ids = key
            .split_once('/')
            .and_then(|(id, device)| Some((parse_id(id)?, parse_id(device)?)));
        let Some((id, device)) = ids else { continue };
        if let Some(found) = sheet.owned::<Para>(schema::TASK_RESULTS, &key, device) {
            let mark = Mark {
                device,
                at_ms: found.at_ms,
            };
            results.entry(id).or_default().push(TaskResult {
                text: found.value.0,
                mark,
            });
        }
    }
    results
}
