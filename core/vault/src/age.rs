//! Files encrypted with a passphrase in the age format, version 1 (<https://age-encryption.org/v1>), as `age -p` writes them
//! and `age -d` reads them: scrypt for the passphrase, HKDF-SHA-256, HMAC-SHA-256, ChaCha20-Poly1305 in chunks (decision
//! 0145 says why the format is written here and not taken from a crate).

use chacha20poly1305::aead::Aead;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce};
use data_encoding::BASE64_NOPAD;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use rand_core::CryptoRng;
use sha2::Sha256;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Bytes of a passphrase.
pub const AGE_PASSPHRASE_BYTES_MAX: usize = 1024;
/// scrypt work factor of new files: 2^17 blocks of 1 KiB, 128 MiB for half a second on a phone.
pub const AGE_WORK_FACTOR: u8 = 17;
/// The greatest work factor that is read: more would let a file exhaust a phone.
pub const AGE_WORK_FACTOR_MAX: u8 = 18;

const INTRO: &[u8] = b"age-encryption.org/v1\n";
const SCRYPT_LABEL: &[u8] = b"age-encryption.org/v1/scrypt";
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;

/// Why an age file does not open, or a passphrase is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AgeError {
    /// An empty passphrase, or one over [`AGE_PASSPHRASE_BYTES_MAX`].
    #[error("a passphrase has 1 to {AGE_PASSPHRASE_BYTES_MAX} bytes")]
    Passphrase,
    /// Not an age file that was encrypted with a passphrase alone.
    #[error("this is not an age file with a passphrase")]
    Format,
    /// Its work factor is over [`AGE_WORK_FACTOR_MAX`].
    #[error("the file asks for a work factor of {0}")]
    WorkFactor(u8),
    /// Another passphrase, or altered bytes.
    #[error("the passphrase is wrong or the file was changed")]
    Forged,
}

/// Encrypts with a passphrase.
pub fn age_seal(passphrase: &str, plaintext: &[u8], rng: &mut dyn CryptoRng) -> Result<Vec<u8>, AgeError> {
    seal_with(passphrase, plaintext, AGE_WORK_FACTOR, rng)
}

fn seal_with(
    passphrase: &str,
    plaintext: &[u8],
    work: u8,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, AgeError> {
    let passphrase = checked(passphrase)?;
    let (mut file_key, mut salt, mut nonce) = (Zeroizing::new([0; 16]), [0; 16], [0; 16]);
    rng.fill_bytes(&mut file_key[..]);
    rng.fill_bytes(&mut salt);
    rng.fill_bytes(&mut nonce);
    let wrap = wrap_key(&passphrase, &salt, work);
    let wrapped = cipher(&wrap)
        .encrypt(&Nonce::default(), &file_key[..])
        .expect("a short plaintext");
    let mut out = INTRO.to_vec();
    let stanza = format!(
        "-> scrypt {} {work}\n{}\n---",
        BASE64_NOPAD.encode(&salt),
        BASE64_NOPAD.encode(&wrapped)
    );
    out.extend_from_slice(stanza.as_bytes());
    let mac = header_mac(&file_key[..], &out).finalize().into_bytes();
    out.push(b' ');
    out.extend_from_slice(BASE64_NOPAD.encode(&mac).as_bytes());
    out.push(b'\n');
    out.extend_from_slice(&nonce);
    let cipher = cipher(&derive(&file_key[..], &nonce, b"payload"));
    let mut chunks = plaintext.chunks(CHUNK).peekable();
    let mut number = 0;
    loop {
        let chunk = chunks.next().unwrap_or_default();
        let last = chunks.peek().is_none();
        let sealed = cipher.encrypt(&chunk_nonce(number, last), chunk);
        out.extend_from_slice(&sealed.expect("a chunk is short"));
        if last {
            return Ok(out);
        }
        number += 1;
    }
}

/// Opens a file that was encrypted with a passphrase.
pub fn age_open(passphrase: &str, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, AgeError> {
    let passphrase = checked(passphrase)?;
    let header = Header::read(file)?;
    if header.work > AGE_WORK_FACTOR_MAX {
        return Err(AgeError::WorkFactor(header.work));
    }
    let wrap = wrap_key(&passphrase, &header.salt, header.work);
    let opened = cipher(&wrap).decrypt(&Nonce::default(), &header.wrapped[..]);
    let file_key = Zeroizing::new(opened.map_err(|_| AgeError::Forged)?);
    let file_key: &[u8; 16] = file_key[..].try_into().map_err(|_| AgeError::Forged)?;
    header_mac(file_key, header.signed)
        .verify_slice(&header.mac)
        .map_err(|_| AgeError::Forged)?;
    let (nonce, mut rest) = header.payload.split_first_chunk::<16>().ok_or(AgeError::Format)?;
    let cipher = cipher(&derive(file_key, nonce, b"payload"));
    let mut plaintext = Zeroizing::new(Vec::with_capacity(rest.len()));
    let mut number = 0;
    loop {
        let last = rest.len() <= CHUNK + TAG;
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK + TAG));
        let opened = cipher.decrypt(&chunk_nonce(number, last), chunk);
        let opened = Zeroizing::new(opened.map_err(|_| AgeError::Forged)?);
        // Only a file of nothing ends in an empty chunk.
        if opened.is_empty() && number > 0 {
            return Err(AgeError::Forged);
        }
        plaintext.extend_from_slice(&opened);
        if last {
            return Ok(plaintext);
        }
        rest = after;
        number += 1;
    }
}

struct Header<'f> {
    salt: [u8; 16],
    work: u8,
    wrapped: [u8; 32],
    /// What the MAC is over: everything up to and with the three hyphens.
    signed: &'f [u8],
    mac: [u8; 32],
    payload: &'f [u8],
}

impl<'f> Header<'f> {
    fn read(file: &'f [u8]) -> Result<Self, AgeError> {
        let mut at = INTRO.len();
        if !file.starts_with(INTRO) {
            return Err(AgeError::Format);
        }
        let mut line = || {
            let rest = &file[at..];
            let end = rest.iter().take(256).position(|&byte| byte == b'\n');
            let line = std::str::from_utf8(&rest[..end.ok_or(AgeError::Format)?]);
            at += end.unwrap_or(0) + 1;
            line.map_err(|_| AgeError::Format)
        };
        let (stanza, body, end) = (line()?, line()?, line()?);
        let mut words = stanza
            .strip_prefix("-> scrypt ")
            .ok_or(AgeError::Format)?
            .split(' ');
        let salt = fixed(words.next().unwrap_or_default())?;
        let work = words.next().unwrap_or_default();
        let number: u8 = work.parse().map_err(|_| AgeError::Format)?;
        if words.next().is_some() || number.to_string() != work || number == 0 {
            return Err(AgeError::Format);
        }
        let mac = end.strip_prefix("--- ").ok_or(AgeError::Format)?;
        Ok(Self {
            salt,
            work: number,
            wrapped: fixed(body)?,
            signed: &file[..at - end.len() - 1 + 3],
            mac: fixed(mac)?,
            payload: &file[at..],
        })
    }
}

fn fixed<const N: usize>(text: &str) -> Result<[u8; N], AgeError> {
    let bytes = BASE64_NOPAD
        .decode(text.as_bytes())
        .map_err(|_| AgeError::Format)?;
    bytes.try_into().map_err(|_| AgeError::Format)
}

/// The same passphrase in one form, however a keyboard composes letters.
fn checked(passphrase: &str) -> Result<Zeroizing<String>, AgeError> {
    if passphrase.is_empty() || passphrase.len() > AGE_PASSPHRASE_BYTES_MAX {
        return Err(AgeError::Passphrase);
    }
    Ok(Zeroizing::new(passphrase.nfc().collect()))
}

fn wrap_key(passphrase: &str, salt: &[u8; 16], work: u8) -> Zeroizing<[u8; 32]> {
    let params = scrypt::Params::new(work, 8, 1).expect("a work factor from 1 to 18");
    let salt = [SCRYPT_LABEL, salt].concat();
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(passphrase.as_bytes(), &salt, &params, &mut key[..]).expect("a key of 32 bytes");
    key
}

fn derive(file_key: &[u8], salt: &[u8], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(salt), file_key)
        .expand(info, &mut key[..])
        .expect("a key of 32 bytes");
    key
}

fn cipher(key: &[u8; 32]) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(key.into())
}

fn header_mac(file_key: &[u8], header: &[u8]) -> Hmac<Sha256> {
    let key = derive(file_key, &[], b"header");
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(&key[..]).expect("any length");
    mac.update(header);
    mac
}

/// Eleven bytes of counter, one that marks the last chunk.
fn chunk_nonce(number: u64, last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[3..11].copy_from_slice(&number.to_be_bytes());
    nonce[11] = u8::from(last);
    Nonce::from(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    const WORK: u8 = 4;

    fn sealed(plaintext: &[u8]) -> Vec<u8> {
        seal_with("mật khẩu", plaintext, WORK, &mut StdRng::seed_from_u64(1)).unwrap()
    }

    #[test]
    fn a_file_that_the_age_program_wrote_is_read() {
        let file = include_bytes!("../vectors/export.age");
        assert_eq!(
            &age_open("ba con bò", file).unwrap()[..],
            "Lê Văn An\n".as_bytes()
        );
        assert_eq!(age_open("ba con gà", file), Err(AgeError::Forged));
    }

    #[test]
    fn what_is_written_is_read_at_every_length_around_a_chunk() {
        for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7] {
            let plaintext: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let file = sealed(&plaintext);
            assert_eq!(age_open("mật khẩu", &file).unwrap()[..], plaintext, "{len}");
            let decomposed: String = "mật khẩu".nfd().collect();
            assert!(age_open(&decomposed, &file).is_ok());
        }
    }

    #[test]
    fn no_byte_can_be_changed_or_left_out() {
        let file = sealed(b"name");
        for at in 0..file.len() {
            let mut other = file.clone();
            other[at] ^= 1;
            assert!(age_open("mật khẩu", &other).is_err(), "byte {at}");
            assert!(age_open("mật khẩu", &file[..at]).is_err(), "{at} bytes");
        }
        let long = sealed(&vec![7; 2 * CHUNK]);
        assert_eq!(
            age_open("mật khẩu", &long[..long.len() - CHUNK - TAG]),
            Err(AgeError::Forged),
            "a chunk was left out"
        );
    }

    #[test]
    fn passphrases_and_work_factors_over_their_limits_and_other_files_are_refused() {
        let mut rng = StdRng::seed_from_u64(1);
        let seal = |passphrase: &str, rng: &mut StdRng| seal_with(passphrase, b"x", WORK, rng).map(drop);
        assert_eq!(seal("", &mut rng), Err(AgeError::Passphrase));
        assert_eq!(seal(&"x".repeat(AGE_PASSPHRASE_BYTES_MAX), &mut rng), Ok(()));
        assert_eq!(
            seal(&"x".repeat(AGE_PASSPHRASE_BYTES_MAX + 1), &mut rng),
            Err(AgeError::Passphrase)
        );
        let text = String::from_utf8_lossy(&sealed(b"")).into_owned();
        let (before, after) = text.split_once(" 4\n").unwrap();
        let with = |work: &str| format!("{before} {work}\n{after}").into_bytes();
        assert_eq!(age_open("x", &with("19")), Err(AgeError::WorkFactor(19)));
        for work in ["0", "04", "300", "", "4 4"] {
            assert_eq!(age_open("x", &with(work)), Err(AgeError::Format), "{work:?}");
        }
        assert_eq!(age_open("x", b"age-encryption.org/v2\n"), Err(AgeError::Format));
    }

    proptest! {
        #[test]
        fn garbage_is_no_file(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(age_open("x", &bytes).is_err());
            prop_assert!(age_open("x", &[INTRO, &bytes].concat()).is_err());
        }
    }
}
