//! The file `profile.key` (S11).
//!
//! ```text
//! file    = [1, name(8), step, wrapped 0/1, content or what the vault made of it]
//! content = [1, step, opened, failed, last try (ms), 0, key(32)]       without a PIN
//!         | [1, step, opened, failed, last try (ms), 1, under-pin]     P7.5
//!         | [1, step, opened, failed, last try (ms), 2, null]          tries spent
//! ```

use std::io;
use std::path::Path;

use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_store::Key;
use sotay_vault::keyvault::{UnderPin, replace};
use zeroize::Zeroizing;

use super::LockError;

/// Name of the key file in a profile folder.
pub const KEY_FILE: &str = "profile.key";
/// Bytes of the key file.
pub(super) const FILE_BYTES_MAX: usize = 16 * 1024;

const VERSION: u64 = 1;

/// The file as it lies there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outer {
    /// Drawn when the file was made: one vault serves all profiles of an app.
    pub name: [u8; 8],
    /// Grows with every writing.
    pub step: u64,
    /// Whether a vault wrapped the content.
    pub wrapped: bool,
    pub sealed: Vec<u8>,
}

/// What it keeps.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub step: u64,
    /// How often the profile was opened.
    pub opened: u64,
    /// Wrong PINs in a row.
    pub failed: u32,
    /// When the last PIN was tried.
    pub last: i64,
    pub body: Body,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    Key(Key),
    UnderPin(UnderPin),
    Spent,
}

impl Outer {
    pub fn read(folder: &Path) -> Result<Option<Self>, LockError> {
        match std::fs::read(folder.join(KEY_FILE)) {
            Ok(bytes) if bytes.len() > FILE_BYTES_MAX => Err(LockError::Damaged),
            Ok(bytes) => Self::decode(&bytes).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub fn write(&self, folder: &Path) -> Result<(), LockError> {
        Ok(replace(&folder.join(KEY_FILE), &self.encode())?)
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(5)
            .uint(VERSION)
            .bytes(&self.name)
            .uint(self.step)
            .uint(u64::from(self.wrapped))
            .bytes(&self.sealed);
        writer.into_bytes()
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, LockError> {
        let mut reader = Reader::new(bytes);
        version(&mut reader, 5)?;
        let mut read = || -> Result<Self, CborError> {
            Ok(Self {
                name: reader.fixed()?,
                step: reader.uint()?,
                wrapped: reader.uint()? == 1,
                sealed: reader.bytes(FILE_BYTES_MAX)?.to_vec(),
            })
        };
        let outer = read().map_err(damaged)?;
        reader.finish(&outer.encode()).map_err(damaged)?;
        Ok(outer)
    }
}

impl Content {
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::new();
        writer
            .array(7)
            .uint(VERSION)
            .uint(self.step)
            .uint(self.opened)
            .uint(u64::from(self.failed))
            .int(self.last);
        match &self.body {
            Body::Key(key) => drop(writer.uint(0).bytes(key.bytes())),
            Body::UnderPin(under) => under.write(writer.uint(1)),
            Body::Spent => drop(writer.uint(2).null()),
        }
        Zeroizing::new(writer.into_bytes())
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, LockError> {
        let mut reader = Reader::new(bytes);
        version(&mut reader, 7)?;
        let mut read = || -> Result<Self, CborError> {
            Ok(Self {
                step: reader.uint()?,
                opened: reader.uint()?,
                failed: reader.small()?,
                last: reader.int()?,
                body: body(&mut reader)?,
            })
        };
        let content = read().map_err(damaged)?;
        reader.finish(&content.encode()).map_err(damaged)?;
        Ok(content)
    }
}

fn body(reader: &mut Reader<'_>) -> Result<Body, CborError> {
    let at = reader.position();
    match reader.uint()? {
        0 => Ok(Body::Key(Key::new(reader.fixed()?))),
        1 => Ok(Body::UnderPin(UnderPin::read(reader)?)),
        2 if reader.skip_null()? => Ok(Body::Spent),
        _ => Err(CborError::Malformed { at }),
    }
}

/// The version is judged before anything after it.
fn version(reader: &mut Reader<'_>, items: usize) -> Result<(), LockError> {
    let found = reader.array_up_to(usize::MAX).map_err(damaged)?;
    let version = reader.uint().map_err(damaged)?;
    if version != VERSION {
        return Err(LockError::Newer(version));
    }
    if found == items {
        Ok(())
    } else {
        Err(LockError::Damaged)
    }
}

fn damaged(_: CborError) -> LockError {
    LockError::Damaged
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    fn content(body: Body) -> Content {
        Content {
            step: 7,
            opened: 3,
            failed: 2,
            last: 1_000,
            body,
        }
    }

    #[test]
    fn the_file_has_the_written_form_and_round_trips() {
        let inner = content(Body::Key(Key::new([0x2b; 32])));
        let bytes = inner.encode();
        assert_eq!(
            HEXLOWER.encode(&bytes),
            format!("87010703021903e8005820{}", "2b".repeat(32))
        );
        assert_eq!(Content::decode(&bytes).unwrap(), inner);
        let spent = content(Body::Spent);
        assert_eq!(HEXLOWER.encode(&spent.encode()), "87010703021903e802f6");
        assert_eq!(Content::decode(&spent.encode()).unwrap(), spent);
        let outer = Outer {
            name: [1; 8],
            step: 7,
            wrapped: true,
            sealed: vec![9, 9],
        };
        assert_eq!(
            HEXLOWER.encode(&outer.encode()),
            "85014801010101010101010701420909"
        );
        assert_eq!(Outer::decode(&outer.encode()).unwrap(), outer);
    }

    #[test]
    fn a_newer_version_is_told_and_a_byte_less_or_more_is_damage() {
        let bytes = content(Body::Spent).encode();
        assert!(matches!(
            Content::decode(&bytes[..bytes.len() - 1]),
            Err(LockError::Damaged)
        ));
        let longer = [&bytes[..], &[0]].concat();
        assert!(matches!(Content::decode(&longer), Err(LockError::Damaged)));
        let mut newer = bytes.to_vec();
        newer[1] = 2;
        assert!(matches!(Content::decode(&newer), Err(LockError::Newer(2))));
    }

    #[test]
    fn a_file_over_the_limit_is_damage() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join(KEY_FILE);
        let mut outer = Outer {
            name: [1; 8],
            step: 1,
            wrapped: false,
            sealed: Vec::new(),
        };
        outer.sealed = vec![0; FILE_BYTES_MAX - outer.encode().len() - 2];
        std::fs::write(&path, outer.encode()).unwrap();
        assert_eq!(outer.encode().len(), FILE_BYTES_MAX);
        assert!(Outer::read(folder.path()).unwrap().is_some());
        outer.sealed.push(0);
        std::fs::write(&path, outer.encode()).unwrap();
        assert!(matches!(Outer::read(folder.path()), Err(LockError::Damaged)));
    }

    proptest! {
        #[test]
        fn garbage_is_no_key_file(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = Outer::decode(&bytes);
            let _ = Content::decode(&bytes);
        }
    }
}
