//! Device keys: an Ed25519 key that signs and an X25519 key that opens boxes.

use std::fmt;

use ed25519_dalek::Signer;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::DeviceId;

/// Why bytes are not a usable public key. The fault is with whoever sent them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a point on the curve, or one of small order.
    #[error("not a valid signing key")]
    Sign,
    /// The all-zero or another low-order X25519 point.
    #[error("not a valid box key")]
    Box,
}

/// The public half of a device's signing key, checked to be a strong curve point.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignKey([u8; 32]);

/// The public half of a device's box key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoxKey([u8; 32]);

/// Both public halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DevicePublic {
    /// Verifies this device's envelopes; also its TLS identity.
    pub sign: SignKey,
    /// Seals boxes to this device.
    pub seal: BoxKey,
}

impl SignKey {
    /// Accepts only canonical points that are not of small order (no two keys verify one signature).
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KeyError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::Sign)?;
        if key.is_weak() {
            Err(KeyError::Sign)
        } else {
            Ok(Self(bytes))
        }
    }

    /// The key as it travels.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// First 8 bytes of BLAKE3 of the key (P1.1).
    pub fn device_id(&self) -> DeviceId {
        let mut id = [0; 8];
        id.copy_from_slice(&blake3::hash(&self.0).as_bytes()[..8]);
        DeviceId::from_bytes(id)
    }

    /// Strict verification: malleable signatures and small-order points fail (RFC 8032 with the checks of
    /// "Taming the many EdDSAs"). Never the batch form, which accepts a different set.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        ed25519_dalek::VerifyingKey::from_bytes(&self.0).is_ok_and(|key| {
            key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature))
                .is_ok()
        })
    }
}

impl BoxKey {
    /// Refuses the all-zero key; other low-order points are refused when a box is sealed to them.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KeyError> {
        if bytes == [0; 32] {
            Err(KeyError::Box)
        } else {
            Ok(Self(bytes))
        }
    }

    /// The key as it travels.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignKey({:?})", self.device_id())
    }
}

impl fmt::Debug for BoxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxKey(…)")
    }
}

/// Both key pairs of a device. Wiped when dropped; `Debug` shows the device id only.
pub struct DeviceKeys {
    sign: ed25519_dalek::SigningKey,
    seal_secret: Zeroizing<[u8; 32]>,
    public: DevicePublic,
}

impl DeviceKeys {
    /// New keys from the operating system's or a test's generator.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let (mut sign, mut seal) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        rng.fill_bytes(&mut *sign);
        rng.fill_bytes(&mut *seal);
        Self::from_seeds(*sign, *seal)
    }

    /// The keys that these two secrets stand for, e.g. as read back from a key vault.
    pub fn from_seeds(sign_seed: [u8; 32], seal_secret: [u8; 32]) -> Self {
        let sign = ed25519_dalek::SigningKey::from_bytes(&sign_seed);
        let seal = x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(seal_secret));
        let public = DevicePublic {
            sign: SignKey(sign.verifying_key().to_bytes()),
            seal: BoxKey(seal.to_bytes()),
        };
        Self {
            sign,
            seal_secret: Zeroizing::new(seal_secret),
            public,
        }
    }

    /// Both public halves.
    pub fn public(&self) -> DevicePublic {
        self.public
    }

    /// The device these keys are.
    pub fn id(&self) -> DeviceId {
        self.public.sign.device_id()
    }

    /// Secret seed of the signing key, for a key vault and for the TLS identity.
    pub fn sign_seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.sign.to_bytes())
    }

    /// Secret of the box key, for a key vault and for opening boxes.
    pub fn seal_secret(&self) -> &Zeroizing<[u8; 32]> {
        &self.seal_secret
    }

    pub(crate) fn sign_message(&self, message: &[u8]) -> [u8; 64] {
        self.sign.sign(message).to_bytes()
    }

    /// Signs bytes that are not an envelope (a join request, an invitation). `context` keeps uses apart and must not
    /// contain a zero byte.
    pub fn sign_detached(&self, context: &str, message: &[u8]) -> [u8; 64] {
        self.sign_message(&detached(context, message))
    }
}

impl SignKey {
    /// Checks what [`DeviceKeys::sign_detached`] made.
    pub fn verify_detached(&self, context: &str, message: &[u8], signature: &[u8; 64]) -> bool {
        self.verify(&detached(context, message), signature)
    }
}

/// The signed bytes of a detached signature: `context ‖ 0x00 ‖ message`.
fn detached(context: &str, message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(context.len() + 1 + message.len());
    bytes.extend_from_slice(context.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(message);
    bytes
}

impl fmt::Debug for DeviceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sign: _,
            seal_secret: _,
            public: _,
        } = self;
        write!(f, "DeviceKeys({:?})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_keys_shows_no_secret() {
        let keys = DeviceKeys::from_seeds([0x5a; 32], [0x5b; 32]);
        let text = format!("{keys:?} {:?}", keys.public());
        assert!(
            !text.contains("5a5a") && !text.contains("5b5b") && !text.contains("90"),
            "{text}"
        );
    }

    #[test]
    fn small_order_points_are_no_keys() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(SignKey::from_bytes(identity), Err(KeyError::Sign));
        assert_eq!(SignKey::from_bytes([0; 32]), Err(KeyError::Sign));
        assert_eq!(BoxKey::from_bytes([0; 32]), Err(KeyError::Box));
    }

    #[test]
    fn detached_signature_holds_only_in_its_context() {
        let keys = DeviceKeys::from_seeds([1; 32], [2; 32]);
        let signature = keys.sign_detached("sotay/v1/join", b"hello");
        let key = keys.public().sign;
        assert!(key.verify_detached("sotay/v1/join", b"hello", &signature));
        assert!(!key.verify_detached("sotay/v1/invite", b"hello", &signature));
        assert!(!key.verify_detached("sotay/v1/join", b"hallo", &signature));
    }
}
