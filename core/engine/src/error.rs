//! What can go wrong in a device, whose fault it is, and what to do next.

use sotay_membership::Denied;
use sotay_store::StoreError;
use sotay_vault::keyvault::KeyVaultError;

use crate::device::{SealError, VaultError};

/// What an app should do about an error. It does not depend on the wording of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextAction {
    /// The same call may work later (disk freed, other program closed, network back).
    RetryLater,
    /// The input has to be changed by the person.
    ChangeInput,
    /// Somebody with a higher role has to do it.
    AskOfficer,
    /// This profile cannot go on: enrol this phone again.
    EnrolAgain,
    /// Update the app.
    Update,
    /// A mistake of this software: report it.
    Report,
}

/// Why a call on a device did not happen. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The database holds no identity: it was not made by this software or the making was interrupted.
    #[error("this profile holds no identity")]
    NoIdentity,
    /// The phone belongs to no unit yet: create one or join one.
    #[error("this phone belongs to no unit yet")]
    NoUnit,
    /// The disk or database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault that keeps this profile's keys did not give them.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A record of our own cannot be read.
    #[error("the profile's {0} cannot be read")]
    Damaged(&'static str),
    /// The role of this phone's holder does not allow it.
    #[error("this is not allowed: {0}")]
    Denied(#[from] Denied),
    /// No key of this space is known yet: sync first, or be admitted.
    #[error("this phone has no key for that part of the handbook yet")]
    NoKey,
    /// There is no such meeting.
    #[error("there is no such meeting")]
    NoMeeting,
    /// There is no such resolution.
    #[error("there is no such resolution")]
    NoResolution,
    /// There is no such member in the roster.
    #[error("there is no such member")]
    NoMember,
    /// What the command asks for does not fit the meeting as it is.
    #[error(transparent)]
    Command(#[from] sotay_handbook::CommandError),
    /// A name with nothing in it.
    #[error("a name cannot be empty")]
    EmptyName,
    /// A text is over its limit.
    #[error("a text of {len} bytes is over the limit of {limit}")]
    TooLong {
        /// Bytes given.
        len: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The edit is larger than one change may be: split it, e.g. a long text into several.
    #[error("too much for one edit; split it into several")]
    TooMuchAtOnce,
    /// An item of the review list that a seal would settle was not settled.
    #[error(transparent)]
    Seal(Box<SealError>),
    /// A mistake of ours, with where it happened.
    #[error("internal error in {0}")]
    Internal(&'static str),
}

impl From<SealError> for DeviceError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Device(error) => error,
            other => Self::Seal(Box::new(other)),
        }
    }
}

impl DeviceError {
    pub(crate) fn damaged(what: &'static str) -> Self {
        Self::Damaged(what)
    }

    /// What to do next.
    pub fn next_action(&self) -> NextAction {
        match self {
            Self::Store(error) => store_action(error),
            Self::Vault(error) => vault_action(error),
            Self::NoUnit
            | Self::NoMeeting
            | Self::NoResolution
            | Self::NoMember
            | Self::Command(_)
            | Self::EmptyName
            | Self::TooLong { .. }
            | Self::TooMuchAtOnce => NextAction::ChangeInput,
            Self::Seal(error) => crate::Fault::from(&**error).action,
            Self::Denied(_) => NextAction::AskOfficer,
            Self::NoKey => NextAction::RetryLater,
            Self::NoIdentity | Self::Damaged(_) => NextAction::EnrolAgain,
            Self::Internal(_) => NextAction::Report,
        }
    }
}

/// What to do about a failing store.
pub fn store_action(error: &StoreError) -> NextAction {
    match error {
        StoreError::Full
        | StoreError::Busy
        | StoreError::ReadOnly
        | StoreError::Unreachable
        | StoreError::Moved
        | StoreError::Io(_) => NextAction::RetryLater,
        StoreError::Corrupt(_) | StoreError::Foreign | StoreError::WrongKey => NextAction::EnrolAgain,
        StoreError::Newer { .. } => NextAction::Update,
        StoreError::TooLarge { .. } | StoreError::NoCipher => NextAction::Report,
    }
}

/// What to do about a vault that does not give the keys.
pub fn vault_action(error: &VaultError) -> NextAction {
    match error {
        VaultError::Missing => NextAction::ChangeInput,
        VaultError::Vault(KeyVaultError::Locked | KeyVaultError::Failed(_)) => NextAction::RetryLater,
        VaultError::Vault(KeyVaultError::Gone | KeyVaultError::Forged) => NextAction::EnrolAgain,
        VaultError::Vault(KeyVaultError::TooLarge { .. }) => NextAction::Report,
    }
}
