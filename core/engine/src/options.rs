//! What an app gives when it opens a profile: what only the platform can answer.

use std::sync::Arc;
use std::time::Duration;

use sotay_vault::keyvault::KeyVault;
use zeroize::Zeroizing;

/// What the platform says about the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// Nothing is known: try.
    #[default]
    Unknown,
    /// There is none: trying would only wake the radio.
    Offline,
    /// There is one, and the person pays by the byte.
    Metered,
    /// There is one.
    Unmetered,
}

/// Asked before every connection that nobody waits for. Quick, from any thread.
pub trait Connectivity: Send + Sync {
    /// The network now.
    fn network(&self) -> Network;
}

/// What a profile is opened with.
#[derive(Clone)]
pub struct Options {
    /// Wraps the secret keys and the key of the database; without one, and without a PIN, they rest in the open.
    pub vault: Option<Arc<dyn KeyVault>>,
    /// The PIN of the profile: what a new one gets, and what opens one that has a PIN. A profile without one passes it over.
    pub pin: Option<Zeroizing<String>>,
    /// After so long without [`crate::Engine::touch`] the profile locks itself; by default never.
    pub lock_after: Option<Duration>,
    /// Tells whether there is a network.
    pub connectivity: Option<Arc<dyn Connectivity>>,
    /// Whether relays are followed over a metered network. A sync that was asked for takes place in any case.
    pub follow_when_metered: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            vault: None,
            pin: None,
            lock_after: None,
            connectivity: None,
            follow_when_metered: true,
        }
    }
}
