//! What only the platform can answer or take: key store, network, log. Apps implement these; every method may fail.

use std::sync::Arc;

use sotay_engine::keyvault::{self, KeyVaultError as Refusal};
use zeroize::Zeroizing;

use crate::changes::PackedChanges;
use crate::error::HandbookError;
use crate::kinds::{NetworkState, VaultLevel};

/// What a key store says when it does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
#[uniffi::export(Debug, Display)]
pub enum VaultRefusal {
    /// The person has to unlock the phone or confirm first.
    #[error("the vault is locked")]
    Locked,
    /// The key was destroyed, or the phone was reset: enrol again.
    #[error("the key is gone")]
    Gone,
    /// The wrapped bytes were altered, or belong to another label.
    #[error("the wrapped bytes do not belong to this key")]
    Forged,
    /// The key store failed or refuses.
    #[error("the vault refuses")]
    Refused,
}

impl From<uniffi::UnexpectedUniFFICallbackError> for VaultRefusal {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Refused
    }
}

impl From<VaultRefusal> for Refusal {
    fn from(refusal: VaultRefusal) -> Self {
        match refusal {
            VaultRefusal::Locked => Self::Locked,
            VaultRefusal::Gone => Self::Gone,
            VaultRefusal::Forged => Self::Forged,
            VaultRefusal::Refused => Self::Failed(std::io::ErrorKind::Other),
        }
    }
}

impl From<Refusal> for VaultRefusal {
    fn from(error: Refusal) -> Self {
        match error {
            Refusal::Locked => Self::Locked,
            Refusal::Gone => Self::Gone,
            Refusal::Forged => Self::Forged,
            Refusal::TooLarge { .. } | Refusal::Failed(_) => Self::Refused,
        }
    }
}

/// Wraps secrets under keys that never leave it: Android Keystore, Secure Enclave, or [`crate::open_passphrase_vault`]. Called
/// while a profile is opened and while a unit is founded; must not call the handbook back.
#[uniffi::export(rust, foreign)]
pub trait KeyVault: Send + Sync {
    /// How well the keys are protected.
    fn level(&self) -> Result<VaultLevel, VaultRefusal>;
    /// Encrypts a secret under the key of a label, which is made on first use.
    fn wrap(&self, label: String, secret: Vec<u8>) -> Result<Vec<u8>, VaultRefusal>;
    /// Decrypts what `wrap` made under the same label.
    fn unwrap(&self, label: String, wrapped: Vec<u8>) -> Result<Vec<u8>, VaultRefusal>;
    /// Destroys the key of a label. Destroying twice is no error.
    fn destroy(&self, label: String) -> Result<(), VaultRefusal>;
}

/// Asked before every connection that nobody waits for. Quick, from any thread; on an error nothing is known.
#[uniffi::export(rust, foreign)]
pub trait Connectivity: Send + Sync {
    /// The network now.
    fn network(&self) -> Result<NetworkState, HandbookError>;
}

/// Told of every change, in order, from one thread of the engine, in batches.
#[uniffi::export(rust, foreign)]
pub trait ChangeListener: Send + Sync {
    /// Changes, oldest first; the first batch of a subscription is `Change.Start` alone. An error is counted; after
    /// several in a row the listener is dropped.
    fn on_changes(&self, batch: PackedChanges) -> Result<(), HandbookError>;
}

/// A vault of the app as the engine's.
pub(crate) struct VaultAdapter(pub Arc<dyn KeyVault>);

impl keyvault::KeyVault for VaultAdapter {
    fn level(&self) -> keyvault::Level {
        // A vault that cannot even say how good it is counts as the weakest.
        self.0.level().unwrap_or(keyvault::Level::Software)
    }

    fn wrap(&self, label: &str, secret: &[u8]) -> Result<Vec<u8>, Refusal> {
        Ok(self.0.wrap(label.to_owned(), secret.to_vec())?)
    }

    fn unwrap(&self, label: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        Ok(Zeroizing::new(self.0.unwrap(label.to_owned(), wrapped.to_vec())?))
    }

    fn destroy(&self, label: &str) -> Result<(), Refusal> {
        Ok(self.0.destroy(label.to_owned())?)
    }
}

/// The app's view of the network as the engine's.
pub(crate) struct ConnectivityAdapter(pub Arc<dyn Connectivity>);

impl sotay_engine::Connectivity for ConnectivityAdapter {
    fn network(&self) -> NetworkState {
        self.0.network().unwrap_or_default()
    }
}
