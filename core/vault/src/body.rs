//! Sealed bodies of envelopes (P6.5).
//!
//! ```text
//! body      = nonce(24) ‖ XChaCha20-Poly1305(body key, nonce, additional data = header, plaintext)
//! plaintext = length(u32 little-endian) ‖ payload ‖ zero bytes
//! ```

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use rand_core::CryptoRng;
use sotay_feed::limits::{PAD_BELOW_BYTES, PAD_BUCKET_BYTES};
use zeroize::Zeroizing;

use crate::{EpochKey, OpenError};

pub(crate) const NONCE_LEN: usize = 24;
pub(crate) const TAG_LEN: usize = 16;
const LENGTH_LEN: usize = 4;

/// Bytes of plaintext that a payload takes: its length, itself, and zeros up to the bucket.
fn padded_len(payload_len: usize) -> usize {
    let bare = LENGTH_LEN + payload_len;
    if bare < PAD_BELOW_BYTES {
        bare.next_multiple_of(PAD_BUCKET_BYTES)
    } else {
        bare
    }
}

/// Bytes of the body that holds a payload of this length.
pub fn sealed_len(payload_len: usize) -> usize {
    NONCE_LEN + padded_len(payload_len) + TAG_LEN
}

/// Encrypts a payload into the body of the envelope with this header.
///
/// # Panics
/// If the payload is 4 GiB or longer, which no envelope could carry.
pub fn seal_body(header_bytes: &[u8], key: &EpochKey, payload: &[u8], rng: &mut dyn CryptoRng) -> Vec<u8> {
    let mut plaintext = Zeroizing::new(vec![0; padded_len(payload.len())]);
    let length = u32::try_from(payload.len()).expect("a payload fits an envelope");
    plaintext[..LENGTH_LEN].copy_from_slice(&length.to_le_bytes());
    plaintext[LENGTH_LEN..][..payload.len()].copy_from_slice(payload);
    seal(&key.body_key(), header_bytes, &plaintext, rng)
}

/// Decrypts the body of the envelope with this header. Wrong padding is refused, so that a payload has one form only.
pub fn open_body(header_bytes: &[u8], key: &EpochKey, body: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let plaintext = open(&key.body_key(), header_bytes, body)?;
    let (length, rest) = plaintext.split_first_chunk().ok_or(OpenError::Padding)?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > rest.len() || plaintext.len() != padded_len(length) {
        return Err(OpenError::Padding);
    }
    let (payload, padding) = rest.split_at(length);
    if padding.iter().any(|&byte| byte != 0) {
        return Err(OpenError::Padding);
    }
    Ok(Zeroizing::new(payload.to_vec()))
}

/// `nonce ‖ ciphertext` under a random nonce: 24 bytes are enough never to repeat one.
pub(crate) fn seal(key: &[u8; 32], context: &[u8], plaintext: &[u8], rng: &mut dyn CryptoRng) -> Vec<u8> {
    let mut nonce = [0; NONCE_LEN];
    rng.fill_bytes(&mut nonce);
    let payload = Payload {
        msg: plaintext,
        aad: context,
    };
    let sealed = XChaCha20Poly1305::new(key.into())
        .encrypt(&XNonce::from(nonce), payload)
        .expect("only fails beyond 256 GiB");
    [&nonce[..], &sealed].concat()
}

/// Opens what [`seal`] made.
pub(crate) fn open(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (nonce, sealed) = sealed
        .split_first_chunk::<NONCE_LEN>()
        .filter(|(_, sealed)| sealed.len() >= TAG_LEN)
        .ok_or(OpenError::Truncated)?;
    let payload = Payload {
        msg: sealed,
        aad: context,
    };
    XChaCha20Poly1305::new(key.into())
        .decrypt(&XNonce::from(*nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| OpenError::Forged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn key() -> EpochKey {
        EpochKey::from_bytes(&[7; 32])
    }

    fn rng() -> StdRng {
        StdRng::seed_from_u64(1)
    }

    /// Gives the bytes 0, 1, 2, … so that a vector can be made by other software.
    struct Counting(u8);

    impl rand_core::TryRng for Counting {
        type Error = std::convert::Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            rand_core::utils::next_word_via_fill(self)
        }

        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            rand_core::utils::next_word_via_fill(self)
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            for byte in bytes {
                *byte = self.0;
                self.0 = self.0.wrapping_add(1);
            }
            Ok(())
        }
    }

    impl rand_core::TryCryptoRng for Counting {}

    #[test]
    fn a_body_is_the_golden_vector() {
        let sealed = seal_body(b"header", &key(), b"minutes", &mut Counting(0));
        let hex = data_encoding::HEXLOWER.encode(&sealed);
        assert_eq!(hex, include_str!("../vectors/body.hex").trim());
    }

    #[test]
    fn another_key_header_or_byte_does_not_open() {
        let sealed = seal_body(b"header", &key(), b"minutes", &mut rng());
        let other = EpochKey::from_bytes(&[8; 32]);
        assert_eq!(open_body(b"header", &other, &sealed), Err(OpenError::Forged));
        assert_eq!(open_body(b"heades", &key(), &sealed), Err(OpenError::Forged));
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert_eq!(
                open_body(b"header", &key(), &bad),
                Err(OpenError::Forged),
                "byte {at}"
            );
        }
    }

    #[test]
    fn one_byte_short_at_every_length_does_not_open() {
        let sealed = seal_body(b"header", &key(), b"minutes", &mut rng());
        for len in 0..sealed.len() {
            let expected = match len {
                0..40 => OpenError::Truncated,
                _ => OpenError::Forged,
            };
            assert_eq!(
                open_body(b"header", &key(), &sealed[..len]),
                Err(expected),
                "{len} bytes"
            );
        }
    }

    #[test]
    fn short_payloads_share_buckets_and_long_ones_are_not_padded() {
        let overhead = NONCE_LEN + TAG_LEN;
        for (payload, plaintext) in [
            (0, 256),
            (252, 256),
            (253, 512),
            (4091, 4096),
            (4092, 4096),
            (4093, 4097),
            (60_000, 60_004),
        ] {
            assert_eq!(sealed_len(payload), overhead + plaintext, "{payload}");
            let sealed = seal_body(b"", &key(), &vec![1; payload], &mut rng());
            assert_eq!(sealed.len(), sealed_len(payload));
            assert_eq!(open_body(b"", &key(), &sealed).unwrap().len(), payload);
        }
    }

    #[test]
    fn padding_that_is_not_zero_or_not_the_buckets_is_refused() {
        let with = |plaintext: &[u8]| {
            let sealed = seal(&key().body_key(), b"", plaintext, &mut rng());
            open_body(b"", &key(), &sealed)
        };
        let good = |len: u32, size: usize| {
            let mut plaintext = vec![0; size];
            plaintext[..4].copy_from_slice(&len.to_le_bytes());
            plaintext
        };
        assert!(with(&good(5, 256)).is_ok());
        let mut marked = good(5, 256);
        marked[255] = 1;
        for bad in [
            marked,
            good(5, 512),
            good(5, 255),
            good(253, 256),
            good(u32::MAX, 256),
            vec![0; 3],
        ] {
            assert_eq!(with(&bad), Err(OpenError::Padding));
        }
    }

    proptest! {
        #[test]
        fn every_payload_round_trips(payload in proptest::collection::vec(any::<u8>(), 0..5000), seed in any::<u64>()) {
            let mut rng = StdRng::seed_from_u64(seed);
            let sealed = seal_body(b"header", &key(), &payload, &mut rng);
            prop_assert_eq!(sealed.len(), sealed_len(payload.len()));
            prop_assert_eq!(&open_body(b"header", &key(), &sealed).unwrap()[..], &payload[..]);
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(open_body(b"header", &key(), &bytes).is_err());
        }
    }
}
