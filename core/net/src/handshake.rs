//! The relay's part of a QUIC handshake. Once it is done only what the connection still needs is kept: the secrets of later
//! keys and the key that the phone proved. TLS's own state, 4 KB a phone, goes (decision 0114).
//!
//! Everything cryptographic is rustls'; this is the seam that quinn leaves for it, as `quinn_proto::crypto::rustls` fills it.

use std::any::Any;
use std::io::Cursor;
use std::sync::Arc;

use quinn::crypto::rustls::QuicServerConfig;
use quinn_proto::crypto::{
    ExportKeyingMaterialError, KeyPair, Keys, PacketKey, ServerConfig, Session, UnsupportedVersion,
};
use quinn_proto::transport_parameters::TransportParameters;
use quinn_proto::{ConnectionId, Side, TransportError, TransportErrorCode};
use rustls::quic::{KeyChange, PacketKeySet, Secrets, ServerConnection, Version};
use sotay_feed::SignKey;

use crate::tls;

/// The one version of QUIC that is spoken (RFC 9000 §15).
pub(crate) const QUIC_VERSION: u32 = 1;
/// TLS alert `unexpected_message` (RFC 8446 §6).
const ALERT_UNEXPECTED_MESSAGE: u8 = 10;

/// TLS settings of a relay, for QUIC.
pub(crate) struct Tls {
    /// For what is the same for every connection.
    quic: Arc<QuicServerConfig>,
    config: Arc<rustls::ServerConfig>,
}

impl Tls {
    pub(crate) fn new(config: rustls::ServerConfig) -> Self {
        let config = Arc::new(config);
        let quic = QuicServerConfig::try_from(config.clone());
        Self {
            quic: Arc::new(quic.expect("AES-128-GCM is among the suites, as QUIC asks")),
            config,
        }
    }

    fn phone(self: Arc<Self>, params: &TransportParameters) -> Phone {
        let mut ours = Vec::new();
        params.write(&mut ours);
        let tls = ServerConnection::new(self.config.clone(), Version::V1, ours)
            .expect("the settings are those of TLS 1.3 without early data");
        Phone {
            settings: self,
            tls: Some(Box::new(tls)),
            next: None,
            key: None,
        }
    }
}

impl ServerConfig for Tls {
    fn initial_keys(&self, version: u32, dst_cid: &ConnectionId) -> Result<Keys, UnsupportedVersion> {
        self.quic.initial_keys(version, dst_cid)
    }

    fn retry_tag(&self, version: u32, orig_dst_cid: &ConnectionId, packet: &[u8]) -> [u8; 16] {
        self.quic.retry_tag(version, orig_dst_cid, packet)
    }

    fn start_session(self: Arc<Self>, version: u32, params: &TransportParameters) -> Box<dyn Session> {
        debug_assert_eq!(version, QUIC_VERSION, "the endpoint speaks no other");
        Box::new(self.phone(params))
    }
}

/// One connection's keys.
struct Phone {
    settings: Arc<Tls>,
    /// Until the handshake is done.
    tls: Option<Box<ServerConnection>>,
    /// Of the keys after the present ones; from the moment on in which TLS gives the first keys for data.
    next: Option<Secrets>,
    /// What the phone proved; once the handshake is done.
    key: Option<SignKey>,
}

impl Phone {
    /// Of a handshake that is done nothing more is said by either side: no tickets are given.
    fn let_go(&mut self) {
        if let Some(tls) = self.tls.take_if(|tls| !tls.is_handshaking()) {
            self.key = proven(&tls);
        }
    }
}

fn proven(tls: &ServerConnection) -> Option<SignKey> {
    tls::key_of(tls.peer_certificates()?.first()?)
}

fn packet_keys(keys: PacketKeySet) -> KeyPair<Box<dyn PacketKey>> {
    KeyPair {
        local: Box::new(keys.local),
        remote: Box::new(keys.remote),
    }
}

impl Session for Phone {
    fn initial_keys(&self, dst_cid: &ConnectionId, _: Side) -> Keys {
        let keys = self.settings.quic.initial_keys(QUIC_VERSION, dst_cid);
        keys.unwrap_or_else(|_| unreachable!("the version is one of those that are spoken"))
    }

    /// Nobody asks: one protocol is spoken, and names of servers mean nothing.
    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        None
    }

    /// A [`SignKey`], once the handshake is done.
    fn peer_identity(&self) -> Option<Box<dyn Any>> {
        self.key.map(|key| -> Box<dyn Any> { Box::new(key) })
    }

    fn early_crypto(&self) -> Option<(Box<dyn quinn_proto::crypto::HeaderKey>, Box<dyn PacketKey>)> {
        None
    }

    fn early_data_accepted(&self) -> Option<bool> {
        None
    }

    fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
    }

    fn read_handshake(&mut self, buf: &[u8]) -> Result<bool, TransportError> {
        let Some(tls) = &mut self.tls else {
            // TLS knows a change of keys here, which QUIC forbids (RFC 9001 §6), and nothing else.
            return Err(failed(
                TransportErrorCode::crypto(ALERT_UNEXPECTED_MESSAGE),
                "a message of the handshake after its end",
            ));
        };
        if let Err(error) = tls.read_hs(buf) {
            let code = match tls.alert() {
                Some(alert) => TransportErrorCode::crypto(alert.into()),
                None => TransportErrorCode::PROTOCOL_VIOLATION,
            };
            return Err(failed(code, &error.to_string()));
        }
        Ok(false)
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        let theirs = self.tls.as_ref().and_then(|tls| tls.quic_transport_parameters());
        let read = |bytes| TransportParameters::read(Side::Server, &mut Cursor::new(bytes));
        Ok(theirs.map(read).transpose()?)
    }

    fn write_handshake(&mut self, buf: &mut Vec<u8>) -> Option<Keys> {
        let change = self.tls.as_mut()?.write_hs(buf);
        let keys = match change {
            None => {
                if buf.is_empty() {
                    self.let_go();
                }
                return None;
            }
            Some(KeyChange::Handshake { keys }) => keys,
            Some(KeyChange::OneRtt { keys, next }) => {
                self.next = Some(next);
                keys
            }
        };
        Some(Keys {
            header: KeyPair {
                local: Box::new(keys.local.header),
                remote: Box::new(keys.remote.header),
            },
            packet: packet_keys(PacketKeySet {
                local: keys.local.packet,
                remote: keys.remote.packet,
            }),
        })
    }

    fn next_1rtt_keys(&mut self) -> Option<KeyPair<Box<dyn PacketKey>>> {
        Some(packet_keys(self.next.as_mut()?.next_packet_keys()))
    }

    fn is_valid_retry(&self, _: &ConnectionId, _: &[u8], _: &[u8]) -> bool {
        // A relay sends them and gets none.
        false
    }

    fn export_keying_material(
        &self,
        _: &mut [u8],
        _: &[u8],
        _: &[u8],
    ) -> Result<(), ExportKeyingMaterialError> {
        // Nothing here is bound to the channel.
        Err(ExportKeyingMaterialError)
    }
}

fn failed(code: TransportErrorCode, reason: &str) -> TransportError {
    TransportError {
        code,
        frame: None,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::Identity;
    use quinn::crypto::rustls::QuicClientConfig;
    use quinn_proto::crypto::ClientConfig;
    use sotay_feed::DeviceKeys;

    fn device(number: u8) -> DeviceKeys {
        DeviceKeys::from_seeds([number; 32], [number; 32])
    }

    fn defaults() -> TransportParameters {
        TransportParameters::read(Side::Server, &mut Cursor::new([])).unwrap()
    }

    fn relay() -> Phone {
        let tls = Arc::new(Tls::new(tls::server(&Identity::new(&device(1)))));
        tls.phone(&defaults())
    }

    fn phone() -> Box<dyn Session> {
        let (config, _) = tls::client(&Identity::new(&device(2)), device(1).public().sign);
        let config = Arc::new(QuicClientConfig::try_from(config).unwrap());
        let session = config.start_session(QUIC_VERSION, "relay.invalid", &defaults());
        session.unwrap()
    }

    /// Everything that one end has to say, with the keys that it got on the way.
    fn said(by: &mut dyn Session) -> (Vec<Vec<u8>>, Vec<Keys>) {
        let (mut words, mut keys) = (Vec::new(), Vec::new());
        loop {
            let mut bytes = Vec::new();
            let next = by.write_handshake(&mut bytes);
            if bytes.is_empty() && next.is_none() {
                return (words, keys);
            }
            keys.extend(next);
            words.extend((!bytes.is_empty()).then_some(bytes));
        }
    }

    /// A handshake that is done, and the keys for data of both ends.
    fn shaken() -> (Phone, Box<dyn Session>, [Keys; 2]) {
        let (mut relay, mut phone) = (relay(), phone());
        let mut keys = [Vec::new(), Vec::new()];
        for _ in 0..2 {
            let (words, got) = said(&mut *phone);
            keys[1].extend(got);
            for bytes in words {
                relay.read_handshake(&bytes).unwrap();
            }
            let (words, got) = said(&mut relay);
            keys[0].extend(got);
            for bytes in words {
                phone.read_handshake(&bytes).unwrap();
            }
        }
        assert!(!phone.is_handshaking());
        (relay, phone, keys.map(|mut keys| keys.pop().unwrap()))
    }

    fn seals(by: &dyn PacketKey, to: &dyn PacketKey) {
        let header = b"head";
        let mut packet = [&header[..], b"four frames", &[0; 16]].concat();
        by.encrypt(7, &mut packet, header.len());
        let mut sealed = bytes::BytesMut::from(&packet[header.len()..]);
        to.decrypt(7, header, &mut sealed).unwrap();
        assert_eq!(&sealed[..], b"four frames");
    }

    #[test]
    fn of_a_handshake_that_is_done_the_proven_key_and_later_keys_are_kept_and_nothing_else() {
        let (mut relay, mut phone, [ours, theirs]) = shaken();
        assert!(relay.tls.is_none() && !relay.is_handshaking());
        let key = relay.peer_identity().unwrap().downcast::<SignKey>().unwrap();
        assert_eq!(*key, device(2).public().sign);
        seals(&*theirs.packet.local, &*ours.packet.remote);
        seals(&*ours.packet.local, &*theirs.packet.remote);
        for _ in 0..3 {
            let (ours, theirs) = (relay.next_1rtt_keys().unwrap(), phone.next_1rtt_keys().unwrap());
            seals(&*theirs.local, &*ours.remote);
            seals(&*ours.local, &*theirs.remote);
        }
        assert!(size_of::<Phone>() <= 256, "{}", size_of::<Phone>());
    }

    #[test]
    fn before_a_phone_has_signed_nothing_is_proven() {
        let mut relay = relay();
        let (hello, _) = said(&mut *phone());
        relay.read_handshake(&hello[0]).unwrap();
        assert!(relay.transport_parameters().unwrap().is_some());
        let (_, keys) = said(&mut relay);
        assert_eq!(keys.len(), 2, "of the handshake, and for what the relay sends");
        assert!(relay.is_handshaking() && relay.peer_identity().is_none());
    }

    #[test]
    fn words_after_the_end_of_a_handshake_and_garbage_in_it_are_errors_with_the_alert_of_tls() {
        let (mut done, ..) = shaken();
        let late = done.read_handshake(&[24, 0, 0, 1, 0]).unwrap_err();
        assert_eq!(late.code, TransportErrorCode::crypto(ALERT_UNEXPECTED_MESSAGE));
        // Neither a record nor a message: an alert or a fault of the protocol, never a panic.
        for garbage in [&[24, 0, 0, 1, 0][..], &[1, 0, 0, 1, 0], &[0xff; 64]] {
            assert!(relay().read_handshake(garbage).is_err(), "{garbage:?}");
        }
    }
}
