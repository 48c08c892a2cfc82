//! Actors: who Automerge thinks wrote a change, bound to the device that signed the envelope.

use std::fmt;

use sotay_feed::DeviceId;

/// Length of every actor id in bytes.
pub const ACTOR_LEN: usize = 16;

/// `device id (8) ‖ nonce (8)`: one per device and process start (P11.2).
///
/// A restored backup that went on writing under its old actor would repeat sequence numbers for ever, so every start
/// draws a new nonce. The gate admits a change only from the device its actor begins with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Actor([u8; ACTOR_LEN]);

impl Actor {
    /// The actor of a device; `nonce` is drawn anew at every process start.
    pub fn new(device: DeviceId, nonce: [u8; 8]) -> Self {
        let mut bytes = [0; ACTOR_LEN];
        bytes[..8].copy_from_slice(device.as_bytes());
        bytes[8..].copy_from_slice(&nonce);
        Self(bytes)
    }

    /// Takes the bytes as they are.
    pub const fn from_bytes(bytes: [u8; ACTOR_LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; ACTOR_LEN] {
        &self.0
    }

    /// The device it is bound to.
    pub fn device(&self) -> DeviceId {
        let mut device = [0; 8];
        device.copy_from_slice(&self.0[..8]);
        DeviceId::from_bytes(device)
    }

    pub(crate) fn from_automerge(actor: &automerge::ActorId) -> Option<Self> {
        actor.to_bytes().try_into().ok().map(Self)
    }

    pub(crate) fn to_automerge(self) -> automerge::ActorId {
        automerge::ActorId::from(self.0)
    }
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Actor({:?})", self.device())
    }
}
