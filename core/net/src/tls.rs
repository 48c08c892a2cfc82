//! Who is at the other end: Ed25519 raw public keys on both sides (RFC 7250, P12.3), TLS 1.3 only.
//!
//! The device's signing key is its TLS identity, so no further login exists. A phone pins the relay's key. A relay
//! accepts every well-formed key: who may read or write what is decided later, from membership records.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::AlwaysResolvesClientRawPublicKeys;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, GetRandomFailed, KeyProvider, SecureRandom, WebPkiSupportedAlgorithms, ring,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerMisbehaved, SignatureScheme,
};
use sotay_feed::{DeviceKeys, SignKey};
use zeroize::Zeroizing;

/// The application protocol: one name per breaking change of the framing or of the session (P12.2).
pub const ALPN: &[u8] = b"sotay/1";

/// DER of SubjectPublicKeyInfo of an Ed25519 key (RFC 8410 §4) up to its 32 bytes.
const SPKI_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
/// DER of PKCS#8 version 1 of an Ed25519 seed (RFC 8410 §7) up to its 32 bytes.
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// What proves this end's key in a handshake. Holds the secret inside the TLS library; prints nothing.
#[derive(Clone)]
pub(crate) struct Identity(Arc<CertifiedKey>);

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(…)")
    }
}

impl Identity {
    pub(crate) fn new(keys: &DeviceKeys) -> Self {
        let mut pkcs8 = Zeroizing::new([0; PKCS8_PREFIX.len() + 32]);
        pkcs8[..PKCS8_PREFIX.len()].copy_from_slice(&PKCS8_PREFIX);
        pkcs8[PKCS8_PREFIX.len()..].copy_from_slice(&*keys.sign_seed());
        let der = PrivatePkcs8KeyDer::from(&pkcs8[..]);
        let signer =
            ring::sign::any_eddsa_type(&der).expect("a fixed prefix and 32 bytes are an Ed25519 key");
        let spki = CertificateDer::from(spki(&keys.public().sign));
        Self(Arc::new(CertifiedKey::new(vec![spki], signer)))
    }
}

fn spki(key: &SignKey) -> Vec<u8> {
    [&SPKI_PREFIX[..], key.as_bytes()].concat()
}

/// The key of a presented SubjectPublicKeyInfo: exactly the Ed25519 form, and a strong point.
pub(crate) fn key_of(spki: &[u8]) -> Option<SignKey> {
    let bytes: [u8; 32] = spki.strip_prefix(&SPKI_PREFIX)?.try_into().ok()?;
    SignKey::from_bytes(bytes).ok()
}

/// What keys and signatures there are: Ed25519 and nothing else. Named one by one and not taken from the library's own
/// provider, so that a phone carries no code and no tables of curves and of RSA that no connection uses (decision 0181).
static SIGNATURES: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[webpki::ring::ED25519],
    mapping: &[(SignatureScheme::ED25519, &[webpki::ring::ED25519])],
};

/// Randomness of the system, and Ed25519 keys.
#[derive(Debug)]
struct Primitives;

impl SecureRandom for Primitives {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        use ::ring::rand::SecureRandom as _;
        ::ring::rand::SystemRandom::new()
            .fill(bytes)
            .map_err(|_| GetRandomFailed)
    }
}

impl KeyProvider for Primitives {
    fn load_private_key(&self, key: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        match &key {
            PrivateKeyDer::Pkcs8(der) => ring::sign::any_eddsa_type(der),
            _ => Err(Error::General("only Ed25519 keys in PKCS#8 are used here".into())),
        }
    }
}

/// AES-128 first (cheapest with hardware), ChaCha20 for phones without; X25519 only: the two datagrams of a
/// post-quantum ClientHello cost a second at 20 % loss, and payloads do not rely on this layer for secrecy.
fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            ring::cipher_suite::TLS13_AES_128_GCM_SHA256,
            ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![ring::kx_group::X25519],
        signature_verification_algorithms: SIGNATURES,
        secure_random: &Primitives,
        key_provider: &Primitives,
    }
}

const SUPPORTED: &str = "the provider has TLS 1.3 suites";

/// Accepts one key and no other.
#[derive(Debug)]
pub(crate) struct Pin {
    expected: SignKey,
    other_shown: AtomicBool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Pin {
    /// Whether the other side showed a key other than the pinned one.
    pub(crate) fn other_shown(&self) -> bool {
        self.other_shown.load(Ordering::Relaxed)
    }
}

/// TLS settings of a phone for one relay key, and the pin to ask afterwards.
pub(crate) fn client(identity: &Identity, relay: SignKey) -> (rustls::ClientConfig, Arc<Pin>) {
    let provider = provider();
    let pin = Arc::new(Pin {
        expected: relay,
        other_shown: AtomicBool::new(false),
        algorithms: provider.signature_verification_algorithms,
    });
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect(SUPPORTED)
        .dangerous()
        .with_custom_certificate_verifier(pin.clone())
        .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(
            identity.0.clone(),
        )));
    config.alpn_protocols = vec![ALPN.to_vec()];
    // Resumption saves no round trip without early data, and early data can be replayed (decision 0040).
    config.resumption = rustls::client::Resumption::disabled();
    (config, pin)
}

/// TLS settings of a relay.
pub(crate) fn server(identity: &Identity) -> rustls::ServerConfig {
    let provider = provider();
    let any = AnyDevice(provider.signature_verification_algorithms);
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect(SUPPORTED)
        .with_client_cert_verifier(Arc::new(any))
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(
            identity.0.clone(),
        )));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config
}

const NOT_A_KEY: Error = Error::InvalidCertificate(CertificateError::BadEncoding);
const ONLY_TLS13: Error = Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedCipherSuite);

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = key_of(end_entity).ok_or(NOT_A_KEY)?;
        if shown == self.expected {
            Ok(ServerCertVerified::assertion())
        } else {
            self.other_shown.store(true, Ordering::Relaxed);
            Err(Error::InvalidCertificate(
                CertificateError::ApplicationVerificationFailure,
            ))
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(ONLY_TLS13)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let spki = SubjectPublicKeyInfoDer::from(cert.as_ref());
        verify_tls13_signature_with_raw_key(message, &spki, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

/// Accepts every well-formed key whose owner signs the handshake.
#[derive(Debug)]
struct AnyDevice(WebPkiSupportedAlgorithms);

impl ClientCertVerifier for AnyDevice {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        key_of(end_entity).ok_or(NOT_A_KEY)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(ONLY_TLS13)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let spki = SubjectPublicKeyInfoDer::from(cert.as_ref());
        verify_tls13_signature_with_raw_key(message, &spki, dss, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_raw_public_key_form_of_44_bytes() {
        let key = DeviceKeys::from_seeds([1; 32], [2; 32]).public().sign;
        let der = spki(&key);
        assert_eq!(der.len(), 44);
        assert_eq!(key_of(&der), Some(key));
        let identity = Identity::new(&DeviceKeys::from_seeds([1; 32], [2; 32]));
        assert_eq!(identity.0.key.public_key().unwrap().as_ref(), der);
    }

    #[test]
    fn other_algorithms_weak_points_and_cut_keys_are_no_keys() {
        let key = DeviceKeys::from_seeds([1; 32], [2; 32]).public().sign;
        let good = spki(&key);
        for len in 0..good.len() {
            assert_eq!(key_of(&good[..len]), None, "{len} bytes");
        }
        assert_eq!(key_of(&[&good[..], &[0]].concat()), None);
        let mut x25519 = good.clone();
        x25519[8] = 0x6e;
        assert_eq!(key_of(&x25519), None);
        assert_eq!(key_of(&[&SPKI_PREFIX[..], &[0; 32]].concat()), None);
    }

    #[test]
    fn debug_of_an_identity_shows_no_secret() {
        let identity = Identity::new(&DeviceKeys::from_seeds([0x5a; 32], [2; 32]));
        assert_eq!(format!("{identity:?}"), "Identity(…)");
    }
}
