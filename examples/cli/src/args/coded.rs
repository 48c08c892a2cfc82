//! The closed lists of words of the handbook, as arguments and as cells of a table.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use sotay_engine::handbook::directive::DirectiveKind;
use sotay_engine::handbook::dispatch::{ReportStep, TransferKind, TransferStep};
use sotay_engine::handbook::feedback::FeedbackStatus;
use sotay_engine::handbook::fees::FeeBasis;
use sotay_engine::handbook::home::{HomePhase, HomeRole};
use sotay_engine::handbook::meeting::{
    Ballot, How, MeetingKind, Method, Need, NoteKind, Section, Stage, State, Step,
};
use sotay_engine::handbook::rating::Column;
use sotay_engine::handbook::resolution::Part;
use sotay_engine::handbook::roster::{Activity, Role, Standing};
use sotay_engine::handbook::tasks::TaskStatus;
use sotay_engine::handbook::{Lang, Message, Nameless};

use crate::pick::folded;

/// A closed list of words.
pub(crate) trait Coded: Copy + Send + Sync + 'static {
    /// All of them.
    fn all() -> &'static [Self];
    /// Stable name, with underscores.
    fn name(self) -> &'static str;
    /// Key of its label in the handbook's catalogue.
    fn label_key(self) -> &'static str;

    /// What people read.
    fn label(self, lang: Lang) -> String {
        Message {
            key: self.label_key(),
            args: Vec::new(),
        }
        .text(lang, &Nameless)
    }

    /// The one with this name, written with dashes or underscores, or with this label in either language.
    fn read(text: &str) -> Option<Self> {
        let text = folded(text);
        let name = text.replace('-', "_");
        let is_it = |one: &Self| {
            one.name() == name
                || [Lang::Vi, Lang::En]
                    .iter()
                    .any(|&lang| folded(&one.label(lang)) == text)
        };
        Self::all().iter().copied().find(is_it)
    }
}

macro_rules! coded {
    ($($name:ty),+ $(,)?) => {
        $(impl Coded for $name {
            fn all() -> &'static [Self] {
                <$name>::ALL
            }

            fn name(self) -> &'static str {
                self.key()
            }

            fn label_key(self) -> &'static str {
                self.message()
            }
        })+
    };
}

coded!(
    Activity,
    Ballot,
    Column,
    DirectiveKind,
    FeeBasis,
    FeedbackStatus,
    HomePhase,
    HomeRole,
    How,
    MeetingKind,
    Method,
    Need,
    NoteKind,
    Part,
    Role,
    Section,
    Stage,
    Standing,
    State,
    Step,
    TaskStatus,
    TransferKind,
    TransferStep,
    ReportStep
);

/// Reads one of the list from an argument.
pub(crate) fn coded<T: Coded>() -> impl TypedValueParser<Value = T> {
    // clap keeps static names only; the lists are closed and small, and the parsers are built once.
    let dashed = |one: &T| -> &'static str { Box::leak(one.name().replace('_', "-").into_boxed_str()) };
    let values = T::all()
        .iter()
        .map(|one| PossibleValue::new(dashed(one)).alias(one.name()));
    PossibleValuesParser::new(values)
        .try_map(|text| T::read(&text).ok_or_else(|| format!("{text} is not one of the possible values")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_by_name_and_by_either_label() {
        assert_eq!(Role::read("committee-member"), Some(Role::CommitteeMember));
        assert_eq!(Role::read("committee_member"), Some(Role::CommitteeMember));
        assert_eq!(Role::read(" Bí thư "), Some(Role::Secretary));
        assert_eq!(Standing::read("DỰ BỊ"), Some(Standing::Probationary));
        assert_eq!(Role::read("chủ tịch"), None);
    }

    #[test]
    fn no_two_words_of_a_list_have_the_same_label() {
        fn distinct<T: Coded>() {
            for lang in [Lang::Vi, Lang::En] {
                let labels: std::collections::BTreeSet<String> =
                    T::all().iter().map(|one| folded(&one.label(lang))).collect();
                assert_eq!(labels.len(), T::all().len(), "{labels:?}");
            }
        }
        distinct::<Role>();
        distinct::<Standing>();
        distinct::<Activity>();
        distinct::<State>();
    }
}
