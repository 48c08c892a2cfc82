//! The bridge to Kotlin, Swift and Python: shapes over `sotay-engine`, no rules of its own.
//!
//! One root object, [`Handbook`], with cheap sub-handles; records for views, enums for commands, changes and states, one
//! error. Everything returns a `Result`, and a panic in here becomes [`HandbookError::Internal`]. What apps use are the
//! wrappers in `bindings/kotlin`, `bindings/swift` and `bindings/python`; see `docs/EMBEDDING.md`.

mod afar;
mod aloud;
mod branch;
mod call;
mod changes;
mod commands;
mod convert;
mod diary;
mod directives;
mod error;
mod feedback;
mod fees;
mod guests;
mod handbook;
mod home;
mod hosting;
mod joining;
mod kinds;
mod levels;
mod library;
mod library_view;
mod lock;
mod logging;
mod meeting;
mod meeting_view;
mod moves;
mod page_templates;
mod paper;
mod personal;
mod phones;
mod platform;
mod rating;
mod record_kinds;
mod records;
mod reports;
mod resolution;
mod roots;
mod roster;
mod seals;
mod study;
mod study_kinds;
mod study_view;
mod sync;
mod tasks;
mod translate;
mod unit_names;
mod vault;

pub use afar::UnitPolicyView;
pub use aloud::{HeardView, Reader, ReaderView, SpeechOutput, SpeechRefusal, Utterance};
pub use branch::*;
pub use changes::{
    Change, ChangePlace, ChangeSubscription, DocumentPart, PACKED_BYTES, PackedChanges, SubscriptionStats,
};
pub use commands::{EntryPlace, MeetingCommand, Tally, Who};
pub use diary::{DiaryLineView, DiaryPageView, UndoneView};
pub use directives::DirectiveView;
pub use error::{ErrorDetail, HandbookError};
pub use feedback::*;
pub use fees::*;
pub use guests::{GuestAdmission, GuestPageView, GuestPhoneView};
pub use handbook::{CreateConfig, Handbook, OpenConfig, PanicPlace, create_handbook, open_handbook};
pub use home::{HomeActionView, HomeView, home_actions};
pub use hosting::{HostView, VisitorView};
pub use joining::{HallEntryView, PassView, ScannedView, TicketView};
pub use kinds::*;
pub use levels::*;
pub use library::{
    DocumentLink, Library, NewBroadcast, NewDocument, PublishedView, SpokenSentenceView, speech_sentences,
    speech_text,
};
pub use library_view::{
    Answers, BroadcastView, DeliveryView, DocumentEntry, FileView, PublisherView, QuoteView, ReaderMark,
    ReadingView, SearchHit, SearchNote, SearchResults, SectionHeading, SectionView, SentenceView,
    SupersededView, WatchLinkView,
};
pub use lock::{LockStateView, lock_state, remove_pin, set_pin};
pub use logging::{LogLevel, LogLine, LogSink, set_log_sink};
pub use meeting::{
    HistoryLineView, Meeting, MinutesView, ReviewItemView, ReviewOption, ReviewSubject, ReviewView,
};
pub use meeting_view::*;
pub use moves::{LeftView, MoveStepView, MoveView, NewMove, OrderedMove};
pub use page_templates::{PageTemplateHead, PageTemplateView};
pub use paper::{PaperFile, PaperForm};
pub use personal::*;
pub use phones::{KeyChangeView, NotCountedView, PhoneState, PhoneView, RemovalReason};
pub use platform::{ChangeListener, Connectivity, KeyVault, VaultRefusal};
pub use rating::*;
pub use record_kinds::*;
pub use records::Records;
pub use reports::*;
pub use resolution::*;
pub use roots::*;
pub use roster::RosterCommand;
pub use seals::*;
pub use study::Study;
pub use study_kinds::*;
pub use study_view::{
    AskedKind, AskedQuestion, AttemptView, ChoiceView, DueQuestionView, ExamRules, ExamStanding, ExamState,
    GivenAnswer, JudgedQuestion, NewQuiz, PassageView, QuizAnswer, QuizMarks, QuizQuestion, QuizResult,
    QuizSheet, QuizTask, QuizView, RepeatResult, StudyOverviewView,
};
pub use sync::{SpaceState, SpaceStatus, Sync, SyncProgress, SyncReport, SyncTask};
pub use tasks::*;
pub use unit_names::UnitNameView;
pub use vault::open_passphrase_vault;

uniffi::setup_scaffolding!("sotay_ffi");

/// Version of the library, to compare with that of the wrapper.
#[uniffi::export]
pub fn library_version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// What to do next, in words of a language.
#[uniffi::export]
pub fn next_action_text(action: NextAction, language: Language) -> String {
    sotay_engine::action_text(action, language).to_owned()
}

/// What went wrong, in words of a language.
#[uniffi::export]
pub fn error_text(detail: ErrorDetail, language: Language) -> String {
    match language {
        Language::Vi => detail.vi,
        Language::En => detail.en,
    }
}
