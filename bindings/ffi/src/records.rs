//! The documents beside meetings: tasks, fees, ratings, resolutions, reports, directives. Each has a file of its own here;
//! this one holds the handle, and what is the same for all.

use std::sync::Arc;

use sotay_engine::Engine;
use sotay_engine::feed::MemberId;
use sotay_engine::handbook::meeting::Person;
use sotay_engine::handbook::{Contest, Field, Names, Words};

use crate::call::ask;
use crate::convert::{contest, marks};
use crate::diary::{UndoneView, undone_view};
use crate::error::{HandbookError, OrFault};
use crate::kinds::Language;
use crate::meeting::{ReviewView, parse_doc, review_view};
use crate::meeting_view::{ContestedField, PersonView, VersionView};

/// The documents of the unit beside its meetings. Cheap; holds no state of its own.
#[derive(uniffi::Object)]
pub struct Records {
    pub(crate) engine: Arc<Engine>,
}

#[uniffi::export]
impl Records {
    /// What contradicts itself in a document: that of [`crate::ReviewItemView::meeting`], which may be any.
    pub fn review(&self, document: String, language: Language) -> Result<ReviewView, HandbookError> {
        let doc = parse_doc(&document)?;
        ask(&self.engine, move |device, _| {
            let list = device.review(doc).or_fault()?;
            Ok(review_view(doc, &list, language, device.names()))
        })
    }

    /// Settles an item of a document's review list by one of its options.
    pub fn settle(&self, document: String, item: String, pick: String) -> Result<(), HandbookError> {
        let doc = parse_doc(&document)?;
        ask(&self.engine, move |device, now| {
            device.settle(doc, &item, &pick, now).or_fault()
        })
    }

    /// Undoes what this phone did last in a document. Refused for what is never taken back: lines of the ledger, reports,
    /// choices, and what somebody has built on since.
    pub fn undo(&self, document: String, language: Language) -> Result<UndoneView, HandbookError> {
        let doc = parse_doc(&document)?;
        ask(&self.engine, move |device, now| {
            let undone = device.undo(doc, now).or_fault()?;
            Ok(undone_view(doc, undone, language, device.names()))
        })
    }
}

/// A member with the name known here.
pub(crate) fn member(names: &dyn Names, id: MemberId) -> PersonView {
    PersonView {
        id: id.to_string(),
        guest: false,
        name: names.member(id).map(str::to_owned),
    }
}

/// A member with the name known here, or a guest by the id of the entry.
pub(crate) fn person(names: &dyn Names, person: Person) -> PersonView {
    match person {
        Person::Member(id) => member(names, id),
        Person::Guest(id) => PersonView {
            id: id.to_string(),
            guest: true,
            name: None,
        },
    }
}

pub(crate) fn members(names: &dyn Names, ids: &[MemberId]) -> Vec<PersonView> {
    ids.iter().map(|&id| member(names, id)).collect()
}

pub(crate) fn words(words: &Words) -> String {
    words.as_str().to_owned()
}

/// The fields of a record that two phones filled differently.
pub(crate) struct Contested<'a> {
    names: &'a dyn Names,
    found: Vec<ContestedField>,
}

impl<'a> Contested<'a> {
    pub fn new(names: &'a dyn Names) -> Self {
        Self {
            names,
            found: Vec::new(),
        }
    }

    /// Looks at one field; `show` writes a value as text.
    pub fn look<T>(mut self, name: &str, field: &Field<T>, show: impl Fn(&T) -> String) -> Self {
        if field.contest != Contest::None {
            let versions = field.claims.iter().map(|claim| VersionView {
                value: show(&claim.value),
                tag: claim.tag.to_string(),
                marks: marks(self.names, &claim.marks),
            });
            self.found.push(ContestedField {
                field: name.to_owned(),
                versions: versions.collect(),
                contest: contest(self.names, &field.contest),
            });
        }
        self
    }

    pub fn found(self) -> Vec<ContestedField> {
        self.found
    }
}
