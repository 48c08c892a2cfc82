//! The bridge to Kotlin, Swift and Python: shapes over `sotay-engine`, no rules of its own.
//!
//! One root object, [`Handbook`], with cheap sub-handles; records for views, enums for commands, changes and states, one
//! error. Everything returns a `Result`, and a panic in here becomes [`HandbookError::Internal`]. What apps use are the
//! wrappers in `bindings/kotlin`, `bindings/swift` and `bindings/python`; see `docs/EMBEDDING.md`.

mod branch;
mod changes;
mod commands;
mod convert;
mod error;
mod handbook;
mod kinds;
mod logging;
mod meeting;
mod meeting_view;
mod phones;
mod platform;
mod roster;
mod sync;
mod translate;
mod vault;

pub use branch::*;
pub use changes::{Change, ChangeSubscription, DocumentPart, SubscriptionStats};
pub use commands::{EntryPlace, MeetingCommand, Tally, Who};
pub use error::{ErrorDetail, HandbookError};
pub use handbook::{CreateConfig, Handbook, OpenConfig, PanicPlace, create_handbook, open_handbook};
pub use kinds::*;
pub use logging::{LogLevel, LogLine, LogSink, set_log_sink};
pub use meeting::{
    HistoryLineView, Meeting, MinutesView, ReviewItemView, ReviewOption, ReviewSubject, ReviewView,
};
pub use meeting_view::*;
pub use phones::{KeyChangeView, PhoneState, PhoneView, RemovalReason};
pub use platform::{ChangeListener, Connectivity, KeyVault, VaultRefusal};
pub use roster::RosterCommand;
pub use sync::{SpaceState, SpaceStatus, Sync, SyncProgress, SyncReport, SyncTask};
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
