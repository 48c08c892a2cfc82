//! What went wrong: a stable code, whose fault it is (the exit status), what happened and what to do, in words.
//!
//! What the engine reports keeps the engine's code and words; this program adds what to type next. Its own codes are
//! about arguments and files.

use std::fmt::Display;
use std::process::ExitCode;

use serde_json::{Value, json};
use sotay_engine::handbook::CommandError;
use sotay_engine::{DeviceError, Fault, FaultKind, SealError, action_text};

use crate::reply::{print_line, printable};
use crate::voice::Voice;

/// Whose fault, as exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Arguments that cannot be read.
    Usage = 2,
    /// Arguments that name something that is not there or does not fit.
    Input = 3,
    /// The holder of this phone may not do it.
    NotAllowed = 4,
    /// Relay or network.
    Network = 5,
    /// Disk, files, database.
    Storage = 6,
    /// Our mistake.
    Internal = 7,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $key:literal $exit:ident,)+) => {
        /// Why a command did not happen, as far as the engine was not asked.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Code {
            $($(#[$doc])* $name,)+
        }

        impl Code {
            /// All of them.
            #[cfg(test)]
            pub const ALL: &[Code] = &[$(Code::$name),+];

            /// Stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Code::$name => $key,)+ }
            }

            /// Exit status.
            pub const fn exit(self) -> Exit {
                match self { $(Code::$name => Exit::$exit,)+ }
            }

            /// Key of what happened.
            pub const fn error_key(self) -> &'static str {
                match self { $(Code::$name => concat!("error.", $key),)+ }
            }
        }
    };
}

codes! {
    /// No such member.
    NoMember "no_member" Input,
    /// Several members fit.
    AmbiguousMember "ambiguous_member" Input,
    /// Not a list of members.
    BadMembers "bad_members" Input,
    /// No such phone.
    UnknownPhone "unknown_phone" Input,
    /// Several phones fit.
    AmbiguousPhone "ambiguous_phone" Input,
    /// The relay has no grant for this phone yet.
    NotAdmittedYet "not_admitted_yet" Network,
    /// Not a guest's phone.
    NotAGuest "not_a_guest" Input,
    /// Nothing was shown to this phone, or it is no guest's.
    NothingShown "nothing_shown" Input,
    /// Not a public key of a root.
    BadRootKey "bad_root_key" Input,
    /// More or fewer signatures than there are keys.
    BadThreshold "bad_threshold" Input,
    /// Not the hash of a root.
    BadRoot "bad_root" Input,
    /// Another root stands behind the unit.
    OtherRootTrusted "other_root_trusted" NotAllowed,
    /// No root is proven behind the unit yet.
    RootUnproven "root_unproven" NotAllowed,
    /// A paper would be empty.
    NothingToSign "nothing_to_sign" Input,
    /// Not a table of branches.
    BranchTable "branch_table" Input,
    /// No such branch below.
    UnknownBranch "unknown_branch" Input,
    /// No such criterion of a meeting or a rating.
    UnknownCriterion "unknown_criterion" Input,
    /// There is no meeting yet.
    NoMeetings "no_meetings" Input,
    /// No such meeting.
    NoMeeting "no_meeting" Input,
    /// Neither month nor day of a new meeting.
    NeedMonth "need_month" Input,
    /// A time without a day it could be on.
    NeedDay "need_day" Input,
    /// No such agenda item, speech, motion, conclusion, note, guest or paragraph.
    NoEntry "no_entry" Input,
    /// Several entries begin with these letters.
    AmbiguousEntry "ambiguous_entry" Input,
    /// No such item on the review list.
    NoItem "no_item" Input,
    /// No such option of that item.
    NoPick "no_pick" Input,
    /// Nobody has counted yet.
    NotCounted "not_counted" Input,
    /// No count of that phone.
    NoTally "no_tally" Input,
    /// Several counts, and none named.
    SeveralTallies "several_tallies" Input,
    /// Not a day.
    BadDate "bad_date" Input,
    /// Not a month.
    BadMonth "bad_month" Input,
    /// Not a time.
    BadTime "bad_time" Input,
    /// Not a number of points.
    BadPoints "bad_points" Input,
    /// Not an amount of money.
    BadAmount "bad_amount" Input,
    /// No relay named and none remembered.
    NoRelay "no_relay" Input,
    /// No such relay remembered.
    UnknownRelay "unknown_relay" Input,
    /// As many relays remembered as can be.
    TooManyRelays "too_many_relays" Input,
    /// Rows of a table are wrong.
    BadRows "bad_rows" Input,
    /// The first line of a table names no columns.
    BadHeader "bad_header" Input,
    /// A table without rows.
    NoRows "no_rows" Input,
    /// A file that is not there or cannot be read.
    FileUnreadable "file_unreadable" Input,
    /// A file over its limit.
    FileTooLarge "file_too_large" Input,
    /// A file that is not text in UTF-8.
    NotUtf8 "not_utf8" Input,
    /// A broadcast without a recording.
    NoRecording "no_recording" Input,
    /// A file that is not the recording that was published.
    OtherRecording "other_recording" Input,
    /// A file that looks like a workbook or a table and is none.
    BadWorkbook "bad_workbook" Input,
    /// A workbook behind a password.
    LockedWorkbook "locked_workbook" Input,
    /// A workbook has no such sheet.
    NoSheet "no_sheet" Input,
    /// A template of a page that cannot be read.
    BadTemplate "bad_template" Input,
    /// A template that names a field its document does not have.
    TemplateField "template_field" Input,
    /// A template that uses what templates of pages cannot.
    TemplateConstruct "template_construct" Input,
    /// A template without day and name in its second line.
    TemplateHead "template_head" Input,
    /// A template that takes too many steps, or gives too large a page.
    TemplateTooLarge "template_too_large" Input,
    /// A template of another kind or version.
    TemplateVersion "template_version" Input,
    /// No such document.
    UnknownDocument "unknown_document" Input,
    /// Several documents fit.
    AmbiguousDocument "ambiguous_document" Input,
    /// No such section.
    NoSection "no_section" Input,
    /// No such quiz.
    UnknownQuiz "unknown_quiz" Input,
    /// Several files, and options that describe one.
    SeveralFiles "several_files" Input,
    /// The first line does not say what the document is.
    BadHeadLine "bad_head_line" Input,
    /// No such seal, or several that could be meant.
    WhichSeal "which_seal" Input,
    /// No such snapshot, or several that could be meant.
    WhichSnapshot "which_snapshot" Input,
    /// No such item of feedback, or several that could be meant.
    WhichFeedback "which_feedback" Input,
    /// No such item that a unit below passed up, or several that could be meant.
    WhichPassed "which_passed" Input,
    /// No such move, or several that could be meant.
    WhichMove "which_move" Input,
    /// Not the id of a unit.
    BadUnit "bad_unit" Input,
    /// As many questions kept as can be, or one that is too long.
    CannotKeep "cannot_keep" Input,
    /// No such kept question.
    NoQuestion "no_question" Input,
    /// Not a table of broadcasts.
    ScheduleTable "schedule_table" Input,
    /// Not a file of drafted questions.
    ReviewFile "review_file" Input,
    /// Nobody accepted a question.
    NothingAccepted "nothing_accepted" Input,
    /// Nothing to draft from.
    NothingToAsk "nothing_to_ask" Input,
    /// No program that speaks.
    NoSpeaker "no_speaker" Input,
    /// A PIN is to be set and there is one.
    HasPin "has_pin" Input,
    /// A PIN is to be changed or removed and there is none.
    HasNoPin "has_no_pin" Input,
    /// A secret is needed, and there is neither a terminal nor the variable.
    CannotAsk "cannot_ask" Input,
    /// A new secret was typed in two ways.
    TypedTwice "typed_twice" Input,
    /// The passphrase does not open the vault.
    WrongPassphrase "wrong_passphrase" Input,
    /// The vault file cannot be used.
    VaultFile "vault_file" Storage,
    /// questions.toml cannot be read.
    QuestionsFile "questions_file" Storage,
    /// A file could not be written.
    CannotWrite "cannot_write" Storage,
    /// client.toml cannot be read.
    ClientFile "client_file" Storage,
    /// Our mistake.
    Mistake "internal" Internal,
}

/// Codes of the engine for which this program knows what to type next.
pub(crate) const ADVISED: &[&str] = &[
    "no_profile",
    "profile_in_use",
    "no_unit",
    "already_in_unit",
    "other_text",
    "other_phone",
    "already_admitted",
    "stale_request",
    "used_request",
    "hall_not_open",
    "hall_closed",
    "other_hall",
    "no_such_digits",
    "same_digits",
    "no_pass",
    "bad_relay",
    "wrong_relay_key",
    "officers_only",
    "not_allowed",
    "unknown",
    "vote_open",
    "vote_not_open",
    "other_method",
    "blocked",
    "sealed",
    "seal_not_named",
    "seal_ahead",
    "seal_file_text",
    "cover_nothing",
    "cover_not_here",
    "cover_differs",
    "pin_missing",
    "vault_missing",
];

/// Where code and words of a failure come from.
#[derive(Debug)]
enum Words {
    /// This program.
    Own(Code),
    /// The engine.
    Engine(Fault),
    /// The argument parser: what happened, and how it prints it for a person.
    Parser { what: String, printed: String },
}

/// A command that did not happen, or not wholly.
#[derive(Debug)]
pub(crate) struct Failure {
    // One pointer: almost every function of this program may return it.
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    words: Words,
    values: Vec<(&'static str, String)>,
    details: Option<Value>,
}

/// Name of [`Words::Parser`] for programs.
const USAGE: &str = "usage";

impl Failure {
    /// A failure without values.
    pub fn new(code: Code) -> Self {
        Self::of(Words::Own(code))
    }

    fn of(words: Words) -> Self {
        let inner = Inner {
            words,
            values: Vec::new(),
            details: None,
        };
        Self {
            inner: Box::new(inner),
        }
    }

    /// Arguments that cannot be read.
    pub fn usage(error: &clap::Error) -> Self {
        let printed = error.render().to_string();
        let first = printed.lines().next().unwrap_or_default();
        let what = first.strip_prefix("error: ").unwrap_or(first).to_owned();
        Self::of(Words::Parser { what, printed })
    }

    /// With a value for its words.
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.inner.values.push((name, value.to_string()));
        self
    }

    /// With more for programs.
    pub fn details(mut self, details: Value) -> Self {
        self.inner.details = Some(details);
        self
    }

    /// Stable name.
    pub fn name(&self) -> &'static str {
        match &self.inner.words {
            Words::Own(code) => code.name(),
            Words::Engine(fault) => fault.code,
            Words::Parser { .. } => USAGE,
        }
    }

    /// Whose fault.
    pub fn exit(&self) -> Exit {
        match &self.inner.words {
            Words::Own(code) => code.exit(),
            Words::Parser { .. } => Exit::Usage,
            Words::Engine(fault) => match fault.kind {
                FaultKind::Input => Exit::Input,
                FaultKind::NotAllowed => Exit::NotAllowed,
                FaultKind::Storage | FaultKind::Vault => Exit::Storage,
                FaultKind::Network | FaultKind::Cancelled => Exit::Network,
                FaultKind::Stopped | FaultKind::Internal => Exit::Internal,
            },
        }
    }

    /// What happened.
    pub fn message(&self, voice: Voice) -> String {
        match &self.inner.words {
            Words::Own(code) => self.fill(voice, code.error_key()),
            Words::Engine(fault) => match self.inner.values.iter().find(|(name, _)| *name == "file") {
                Some((_, file)) => format!("{file}: {}", fault.text(voice.lang)),
                None => fault.text(voice.lang),
            },
            Words::Parser { what, .. } => what.clone(),
        }
    }

    /// What to do.
    pub fn next(&self, voice: Voice) -> String {
        match &self.inner.words {
            Words::Engine(fault) if !ADVISED.contains(&fault.code) => {
                action_text(fault.action, voice.lang).to_owned()
            }
            _ => self.fill(voice, &next_key(self.name())),
        }
    }

    fn fill(&self, voice: Voice, key: &str) -> String {
        let values: Vec<(&str, &dyn Display)> = self
            .inner
            .values
            .iter()
            .map(|(name, value)| (*name, value as &dyn Display))
            .collect();
        voice.say(key, &values)
    }

    /// The object `--json` prints under `error`.
    pub fn json(&self, voice: Voice) -> Value {
        let mut error = json!({
            "code": self.name(),
            "message": self.message(voice),
            "next": self.next(voice),
        });
        if let Some(details) = &self.inner.details {
            error["details"] = details.clone();
        }
        error
    }

    /// Tells the person or the program, and gives the exit status.
    pub fn report(&self, voice: Voice, json: bool) -> ExitCode {
        match &self.inner.words {
            _ if json => print_line(
                &mut std::io::stdout(),
                &json!({ "error": self.json(voice) }).to_string(),
            ),
            Words::Parser { printed, .. } => print_line(&mut std::io::stderr(), printed),
            _ => {
                let text = voice.say(
                    "failure",
                    &[("message", &self.message(voice)), ("next", &self.next(voice))],
                );
                print_line(&mut std::io::stderr(), &printable(&text));
            }
        }
        ExitCode::from(self.exit() as u8)
    }
}

/// Key of what to do about a code.
pub(crate) fn next_key(name: &str) -> String {
    format!("next.{name}")
}

macro_rules! from_engine {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::of(Words::Engine(Fault::from(&error)))
            }
        })+
    };
}

from_engine!(
    sotay_engine::AdmitError,
    sotay_engine::AgeError,
    sotay_engine::CallError,
    sotay_engine::CoverError,
    sotay_engine::CreateUnitError,
    sotay_engine::EnrolTextError,
    sotay_engine::HallError,
    sotay_engine::JoinError,
    sotay_engine::BranchError,
    sotay_engine::CreateFromPackError,
    sotay_engine::RemoteError,
    sotay_engine::RemovalError,
    sotay_engine::SecretaryError,
    sotay_engine::RootError,
    sotay_engine::RootSignError,
    sotay_engine::NameRelaysError,
    sotay_engine::OpenError,
    sotay_engine::SyncError,
    sotay_engine::LibraryError,
    sotay_engine::PublishDirectiveError,
    sotay_engine::QuizError,
    sotay_engine::RecordingError,
    sotay_engine::study::library::ImportError,
    sotay_engine::study::library::TableError,
    sotay_engine::seal::VerifyFault,
);

impl From<SealError> for Failure {
    fn from(error: SealError) -> Self {
        Self::from(DeviceError::from(error))
    }
}

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        let failure = Self::of(Words::Engine(Fault::from(&error)));
        match error {
            DeviceError::Command(CommandError::Blocked { items }) => {
                failure.details(json!({ "items": items }))
            }
            _ => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotay_engine::handbook::Lang;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_codes_have_one_name() {
        let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
    }

    #[test]
    fn a_failure_of_the_engine_keeps_its_code_and_words_and_says_what_to_type() {
        let failure = Failure::from(DeviceError::NoUnit);
        assert_eq!((failure.name(), failure.exit()), ("no_unit", Exit::Input));
        for lang in [Lang::Vi, Lang::En] {
            let error = failure.json(Voice { lang });
            assert!(!error["message"].as_str().unwrap().is_empty());
            assert!(error["next"].as_str().unwrap().contains("sotay join"), "{error}");
        }
    }

    #[test]
    fn a_failure_of_the_engine_without_advice_of_ours_has_the_engines() {
        let failure = Failure::from(DeviceError::NoIdentity);
        assert_eq!(failure.exit(), Exit::Storage);
        assert!(!failure.next(Voice { lang: Lang::En }).is_empty());
        assert!(!failure.next(Voice { lang: Lang::En }).starts_with("next."));
    }

    #[test]
    fn values_stand_in_the_words() {
        let failure = Failure::new(Code::NoMember).with("text", "Ông Ba");
        for lang in [Lang::Vi, Lang::En] {
            let (message, next) = (failure.message(Voice { lang }), failure.next(Voice { lang }));
            assert!(
                message.contains("Ông Ba") && !message.contains('{') && !next.contains('{'),
                "{message} {next}"
            );
        }
    }
}
