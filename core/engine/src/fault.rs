//! Every error of this crate as an app shows it: a stable code, whose fault it is, what to do next, and words in
//! Vietnamese and English. Texts carry no name and no content of a document.

mod authority;
mod covers;
mod records;
mod study;

use std::time::Duration;

use sotay_handbook::{Catalogue, CommandError, Lang, Message, Nameless};
use sotay_membership::Denied;
use sotay_membership::limits::RELAYS_MAX;
use sotay_net::{BindError, ConnectError};
use sotay_store::StoreError;
use sotay_vault::keyvault::{KeyVaultError, PIN_BYTES_MAX, PIN_CHARS_MIN, PinRefused};
use sotay_vault::{AGE_PASSPHRASE_BYTES_MAX, AgeError};

use crate::device::{
    AdmitError, BranchError, CreateUnitError, HallError, JoinError, NameRelaysError, PageError,
    PublishDirectiveError, RemovalError, VaultError,
};
use crate::engine::{CallError, CreateFromPackError, HostError, OpenError, SyncError};
use crate::enrolment::{EnrolTextError, NotFresh};
use crate::error::{DeviceError, NextAction, store_action, vault_action};
use crate::listen::SubscribeError;
use crate::lock::LockError;
use crate::profile::ProfileError;
use crate::task::SyncTaskError;

/// The words of the codes of this file.
const WORDS: &str = include_str!("../data/faults.tsv");

static CATALOGUE: Catalogue = Catalogue::new(&[
    WORDS,
    study::WORDS,
    records::WORDS,
    authority::WORDS,
    covers::WORDS,
]);

/// Whose fault it is, or where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// What was given does not fit.
    Input,
    /// The role of this phone's holder does not allow it.
    NotAllowed,
    /// Disk, folder or database.
    Storage,
    /// The vault that keeps the keys.
    Vault,
    /// Network or relay.
    Network,
    /// It was cancelled.
    Cancelled,
    /// The handbook was shut down.
    Stopped,
    /// A mistake of ours.
    Internal,
}

/// An error, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Whose fault.
    pub kind: FaultKind,
    /// Stable name, for programs.
    pub code: &'static str,
    /// What to do next.
    pub action: NextAction,
    values: Vec<(&'static str, String)>,
    message: Option<Message>,
}

impl Fault {
    /// A fault with the words of its code.
    fn new(kind: FaultKind, code: &'static str, action: NextAction) -> Self {
        Self {
            kind,
            code,
            action,
            values: Vec::new(),
            message: None,
        }
    }

    fn input(code: &'static str) -> Self {
        Self::new(FaultKind::Input, code, NextAction::ChangeInput)
    }

    fn internal(place: &'static str) -> Self {
        Self::new(FaultKind::Internal, "internal", NextAction::Report).with("place", place)
    }

    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.values.push((name, value.to_string()));
        self
    }

    /// A text that should be an id, a date or a time is none. `what` names the parameter.
    pub fn malformed(what: &'static str) -> Self {
        Self::input("malformed").with("what", what)
    }

    /// What happened, in words.
    pub fn text(&self, lang: Lang) -> String {
        if let Some(message) = &self.message {
            return message.text(lang, &Nameless);
        }
        let mut text = words(self.code, lang).to_owned();
        for (name, value) in &self.values {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }
}

/// What to do next, in words.
pub fn action_text(action: NextAction, lang: Lang) -> &'static str {
    let key = match action {
        NextAction::RetryLater => "next.retry_later",
        NextAction::ChangeInput => "next.change_input",
        NextAction::AskOfficer => "next.ask_officer",
        NextAction::EnrolAgain => "next.enrol_again",
        NextAction::Update => "next.update",
        NextAction::Report => "next.report",
    };
    words(key, lang)
}

fn words(key: &str, lang: Lang) -> &'static str {
    CATALOGUE.text(key, lang).unwrap_or_default()
}

impl From<&StoreError> for Fault {
    fn from(error: &StoreError) -> Self {
        let storage = |code| Self::new(FaultKind::Storage, code, store_action(error));
        match error {
            StoreError::Full => storage("disk_full"),
            StoreError::Busy => storage("profile_in_use"),
            StoreError::ReadOnly => storage("read_only"),
            StoreError::Corrupt(_) => storage("database_damaged"),
            StoreError::Newer { .. } => storage("database_newer"),
            StoreError::Foreign => storage("database_foreign"),
            StoreError::WrongKey => storage("database_key"),
            StoreError::NoCipher => storage("no_cipher"),
            StoreError::TooLarge { .. } => storage("record_too_large"),
            // No phone keeps its data on a server; a database shared with others is a relay's.
            StoreError::Io(_) | StoreError::Unreachable | StoreError::Moved => storage("storage_failed"),
        }
    }
}

impl From<&VaultError> for Fault {
    fn from(error: &VaultError) -> Self {
        let code = match error {
            VaultError::Missing => "vault_missing",
            VaultError::Vault(KeyVaultError::Locked) => "vault_locked",
            VaultError::Vault(KeyVaultError::Gone) => "vault_key_gone",
            VaultError::Vault(KeyVaultError::Forged) => "vault_forged",
            VaultError::Vault(KeyVaultError::TooLarge { .. }) => "vault_limit",
            VaultError::Vault(KeyVaultError::Failed(_)) => "vault_failed",
        };
        Self::new(FaultKind::Vault, code, vault_action(error))
    }
}

impl From<&LockError> for Fault {
    fn from(error: &LockError) -> Self {
        let action = error.next_action();
        let vault = |code| Self::new(FaultKind::Vault, code, action);
        let seconds = |wait: &Duration| wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        match error {
            LockError::PinMissing => vault("pin_missing"),
            LockError::PinWrong { left, wait } => vault("pin_wrong")
                .with("left", left)
                .with("seconds", seconds(wait)),
            LockError::PinWait { wait } => vault("pin_wait").with("seconds", seconds(wait)),
            LockError::PinSpent => vault("pin_spent"),
            LockError::PinRefused(PinRefused::TooShort) => {
                Self::input("pin_short").with("least", PIN_CHARS_MIN)
            }
            LockError::PinRefused(PinRefused::TooLong) => {
                Self::input("pin_long").with("limit", PIN_BYTES_MAX)
            }
            LockError::PinRefused(PinRefused::TooEasy) => Self::input("pin_easy"),
            LockError::OlderCopy => vault("older_copy"),
            LockError::Vault(error) => error.into(),
            LockError::Damaged => vault("key_file_damaged"),
            LockError::Newer(_) => vault("database_newer"),
            LockError::Io(_) => Self::new(FaultKind::Storage, "storage_failed", action),
        }
    }
}

impl From<&ProfileError> for Fault {
    fn from(error: &ProfileError) -> Self {
        let in_use = || Self::new(FaultKind::Storage, "profile_in_use", NextAction::RetryLater);
        match error {
            ProfileError::Missing(_) => Self::input("no_profile"),
            ProfileError::Exists(_) => Self::input("profile_exists"),
            ProfileError::InUse(_) => in_use(),
            ProfileError::Folder { reason, .. } => {
                Self::new(FaultKind::Storage, "folder", NextAction::ChangeInput).with("reason", reason)
            }
            ProfileError::Store(error) => error.into(),
        }
    }
}

impl From<&OpenError> for Fault {
    fn from(error: &OpenError) -> Self {
        match error {
            OpenError::Profile(error) => error.into(),
            OpenError::Device(error) => error.into(),
            OpenError::Lock(error) => error.into(),
            OpenError::System(_) => Self::new(FaultKind::Internal, "system", error.next_action()),
        }
    }
}

impl From<&Denied> for Fault {
    fn from(denied: &Denied) -> Self {
        let code = match denied {
            Denied::Revoked => "phone_removed",
            Denied::Suspended => "phone_suspended",
            Denied::UnknownDevice | Denied::NotGranted | Denied::Forked | Denied::BeyondCutOff => {
                "not_active"
            }
            Denied::Rank
            | Denied::NotMember
            | Denied::Probationary
            | Denied::WrongKind
            | Denied::WrongSpace => "not_allowed",
        };
        Self::new(FaultKind::NotAllowed, code, NextAction::AskOfficer)
    }
}

impl From<&DeviceError> for Fault {
    fn from(error: &DeviceError) -> Self {
        let of = |kind, code| Self::new(kind, code, error.next_action());
        match error {
            DeviceError::NoIdentity => of(FaultKind::Storage, "no_identity"),
            DeviceError::NoUnit => of(FaultKind::Input, "no_unit"),
            DeviceError::Store(error) => error.into(),
            DeviceError::Vault(error) => error.into(),
            DeviceError::Damaged(what) => of(FaultKind::Storage, "profile_damaged").with("what", what),
            DeviceError::Denied(denied) => denied.into(),
            DeviceError::NoKey => of(FaultKind::Input, "no_key"),
            DeviceError::NoMeeting => of(FaultKind::Input, "no_meeting"),
            DeviceError::NoResolution => of(FaultKind::Input, "no_resolution"),
            DeviceError::NoMember => of(FaultKind::Input, "no_member"),
            DeviceError::Command(error) => error.into(),
            DeviceError::EmptyName => of(FaultKind::Input, "empty_name"),
            DeviceError::TooLong { len, limit } => of(FaultKind::Input, "too_long")
                .with("len", len)
                .with("limit", limit),
            DeviceError::TooMuchAtOnce => of(FaultKind::Input, "too_much_at_once"),
            DeviceError::Seal(error) => (&**error).into(),
            DeviceError::Internal(place) => Self::internal(place),
        }
    }
}

impl From<&CommandError> for Fault {
    fn from(error: &CommandError) -> Self {
        use FaultKind::{Input, Internal, NotAllowed, Storage};
        let (kind, code, action) = match error {
            CommandError::MembersOnly => (NotAllowed, "members_only", NextAction::AskOfficer),
            CommandError::OfficersOnly => (NotAllowed, "officers_only", NextAction::AskOfficer),
            CommandError::Unknown(_) => (Input, "unknown", NextAction::ChangeInput),
            CommandError::Exists(_) => (Input, "exists", NextAction::ChangeInput),
            CommandError::Empty(_) => (Input, "empty", NextAction::ChangeInput),
            CommandError::TooLong { .. } => (Input, "text_too_long", NextAction::ChangeInput),
            CommandError::TooMany { .. } => (Input, "too_many", NextAction::ChangeInput),
            CommandError::VoteOpen => (Input, "vote_open", NextAction::ChangeInput),
            CommandError::VoteNotOpen => (Input, "vote_not_open", NextAction::ChangeInput),
            CommandError::NobodyVotes => (Input, "nobody_votes", NextAction::ChangeInput),
            CommandError::OtherMethod => (Input, "other_method", NextAction::ChangeInput),
            CommandError::VotedAlready => (Input, "voted_already", NextAction::ChangeInput),
            CommandError::Removed(_) => (Input, "removed", NextAction::ChangeInput),
            CommandError::Sealed => (Input, "sealed", NextAction::ChangeInput),
            CommandError::Blocked { .. } => (Input, "blocked", NextAction::ChangeInput),
            CommandError::ReversedAlready => (Input, "reversed_already", NextAction::ChangeInput),
            CommandError::Issued => (Input, "issued", NextAction::ChangeInput),
            CommandError::NothingChanged => (Input, "nothing_changed", NextAction::ChangeInput),
            CommandError::Nameless => (Input, "nameless", NextAction::ChangeInput),
            CommandError::NothingToUndo => (Input, "nothing_to_undo", NextAction::ChangeInput),
            CommandError::CannotUndo(_) => (Input, "cannot_undo", NextAction::ChangeInput),
            CommandError::ChangedSince(_) => (Input, "changed_since", NextAction::ChangeInput),
            CommandError::Damaged => (Storage, "document_damaged", NextAction::Report),
            CommandError::Crdt(_) => (Internal, "crdt", NextAction::Report),
        };
        let mut fault = Self::new(kind, code, action);
        fault.message = Some(error.message());
        fault
    }
}

impl From<&PublishDirectiveError> for Fault {
    fn from(error: &PublishDirectiveError) -> Self {
        match error {
            PublishDirectiveError::Directive(error) => Self::input("directive").with("reason", error),
            PublishDirectiveError::Template(error) => (&PageError::Template(error.clone())).into(),
            PublishDirectiveError::Withdrawn => Self::input("directive_withdrawn"),
            PublishDirectiveError::Unknown => Self::input("no_directive"),
            PublishDirectiveError::Device(error) => error.into(),
        }
    }
}

impl From<&CallError> for Fault {
    fn from(error: &CallError) -> Self {
        match error {
            CallError::Stopped => Self::new(FaultKind::Stopped, "stopped", NextAction::ChangeInput),
            CallError::Locked => Self::new(FaultKind::Stopped, "locked", NextAction::ChangeInput),
            CallError::Panicked => Self::internal("panic"),
        }
    }
}

impl From<&CreateUnitError> for Fault {
    fn from(error: &CreateUnitError) -> Self {
        match error {
            CreateUnitError::Already => Self::input("already_in_unit"),
            CreateUnitError::Device(error) => error.into(),
        }
    }
}

impl From<&EnrolTextError> for Fault {
    fn from(error: &EnrolTextError) -> Self {
        match error {
            EnrolTextError::Prefix { prefix, .. } => Self::input("other_text").with("begins", prefix),
            EnrolTextError::Version(_) => Self::new(FaultKind::Input, "newer_text", NextAction::Update),
            EnrolTextError::Damaged
            | EnrolTextError::Keys(_)
            | EnrolTextError::Signature
            | EnrolTextError::TooLong => Self::input("damaged_text"),
        }
    }
}

impl From<&AdmitError> for Fault {
    fn from(error: &AdmitError) -> Self {
        match error {
            AdmitError::Request(error) => error.into(),
            AdmitError::NotFresh(NotFresh::Stale(_)) => Self::input("stale_request"),
            AdmitError::NotFresh(NotFresh::Ahead(_)) => Self::input("clocks_apart"),
            AdmitError::Used => Self::input("used_request"),
            AdmitError::Already { .. } => Self::input("already_admitted"),
            AdmitError::Rank(rank) => Self::input("no_such_rank").with("rank", rank),
            AdmitError::Future => Self::input("day_in_future"),
            AdmitError::TooManyMeetings => Self::input("too_many_guest_meetings"),
            AdmitError::OtherHolder => Self::input("other_holder"),
            AdmitError::Device(error) => error.into(),
        }
    }
}

impl From<&BranchError> for Fault {
    fn from(error: &BranchError) -> Self {
        match error {
            BranchError::Pack(error) => error.into(),
            BranchError::FalsePack => Self::input("false_pack"),
            BranchError::TooMany => Self::input("too_many_branches"),
            BranchError::Device(error) => error.into(),
        }
    }
}

impl From<&CreateFromPackError> for Fault {
    fn from(error: &CreateFromPackError) -> Self {
        match error {
            CreateFromPackError::Open(error) => error.into(),
            CreateFromPackError::Branch(error) => error.into(),
        }
    }
}

impl From<&NameRelaysError> for Fault {
    fn from(error: &NameRelaysError) -> Self {
        match error {
            NameRelaysError::TooMany { .. } => Self::input("relays_named_over").with("limit", RELAYS_MAX),
            NameRelaysError::AddressTooLong { len } => Self::input("relay_name_too_long").with("len", len),
            NameRelaysError::Device(error) => error.into(),
        }
    }
}

impl From<&RemovalError> for Fault {
    fn from(error: &RemovalError) -> Self {
        match error {
            RemovalError::NoPhone => Self::input("no_phone"),
            RemovalError::Itself => Self::input("own_phone"),
            RemovalError::NotSuspended => Self::input("not_suspended"),
            RemovalError::Rank(rank) => Self::input("no_such_rank").with("rank", rank),
            RemovalError::Device(error) => error.into(),
        }
    }
}

impl From<&JoinError> for Fault {
    fn from(error: &JoinError) -> Self {
        match error {
            JoinError::Invitation(error) => error.into(),
            JoinError::Already => Self::input("already_in_unit"),
            JoinError::OtherDevice => Self::input("other_phone"),
            JoinError::HallClosed => Self::input("hall_closed"),
            JoinError::NoPass => Self::input("no_pass"),
            JoinError::OtherUnit | JoinError::Refused(_) => Self::input("false_invitation"),
            JoinError::Bundle(_) => Self::input("damaged_text"),
            JoinError::Device(error) => error.into(),
        }
    }
}

impl From<&HallError> for Fault {
    fn from(error: &HallError) -> Self {
        match error {
            HallError::NotOpen => Self::input("hall_not_open"),
            HallError::Closed => Self::input("hall_closed"),
            HallError::OtherHall => Self::input("other_hall"),
            HallError::Full => Self::input("hall_full"),
            HallError::NoSuchCode => Self::input("no_such_digits"),
            HallError::Ambiguous(_) => Self::input("same_digits"),
            HallError::Request(error) => error.into(),
            HallError::Admit(error) => error.into(),
            HallError::Device(error) => error.into(),
        }
    }
}

impl From<&AgeError> for Fault {
    fn from(error: &AgeError) -> Self {
        match error {
            AgeError::Passphrase => Self::input("bad_passphrase").with("limit", AGE_PASSPHRASE_BYTES_MAX),
            AgeError::Format | AgeError::WorkFactor(_) => Self::input("not_an_export"),
            AgeError::Forged => Self::input("wrong_passphrase"),
        }
    }
}

impl From<&SyncError> for Fault {
    fn from(error: &SyncError) -> Self {
        let network = |code, action| Self::new(FaultKind::Network, code, action);
        match error {
            SyncError::Address(_) => Self::input("bad_relay"),
            SyncError::Unlisted => Self::new(FaultKind::Input, "no_relay_named", NextAction::AskOfficer),
            SyncError::Connect(error) => match error {
                ConnectError::Unreachable => network("unreachable", NextAction::RetryLater),
                ConnectError::Timeout => network("relay_silent", NextAction::RetryLater),
                ConnectError::WrongRelayKey => network("wrong_relay_key", NextAction::AskOfficer),
                ConnectError::Refused { .. } => network("relay_busy", NextAction::RetryLater),
                ConnectError::Version => network("relay_version", NextAction::Update),
                ConnectError::NotARelay => network("not_a_relay", NextAction::ChangeInput),
            },
            SyncError::Lost(_) => network("connection_lost", NextAction::RetryLater),
            SyncError::Closed(_) => network("session_closed", NextAction::RetryLater),
            SyncError::Timeout(limit) => {
                network("sync_timeout", NextAction::RetryLater).with("seconds", limit.as_secs())
            }
            SyncError::Device(error) => error.into(),
            SyncError::Call(error) => error.into(),
        }
    }
}

impl From<&HostError> for Fault {
    fn from(error: &HostError) -> Self {
        match error {
            HostError::Bind(BindError::InUse) => Self::input("port_in_use"),
            HostError::Bind(BindError::Denied) => Self::input("port_denied"),
            HostError::Bind(BindError::NotHere) => Self::input("not_this_phone"),
            HostError::Bind(BindError::Io(_)) => {
                Self::new(FaultKind::Network, "cannot_listen", NextAction::RetryLater)
            }
            HostError::Call(error) => error.into(),
        }
    }
}

impl From<&SyncTaskError> for Fault {
    fn from(error: &SyncTaskError) -> Self {
        match error {
            SyncTaskError::Cancelled => Self::new(FaultKind::Cancelled, "cancelled", NextAction::RetryLater),
            SyncTaskError::Failed(error) => error.into(),
        }
    }
}

impl From<&SubscribeError> for Fault {
    fn from(error: &SubscribeError) -> Self {
        match error {
            SubscribeError::Stopped => (&CallError::Stopped).into(),
            SubscribeError::TooMany => Self::input("too_many_listeners"),
            SubscribeError::NoThread => Self::new(FaultKind::Internal, "system", NextAction::RetryLater),
        }
    }
}

#[cfg(test)]
mod tests;
