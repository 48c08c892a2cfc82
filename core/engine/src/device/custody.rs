//! Where the secret keys of a profile rest: in its database, or wrapped by the vault of the phone (decision 0060).
//!
//! With a vault the database holds `[1, label, wrapped]` under another name, so a version of this software that knows no
//! vault finds no keys instead of wrong ones. Labels are drawn per profile: one vault serves all profiles of an app.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use rand::CryptoRng;
use sotay_feed::DeviceKeys;
use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_store::{Bucket, Put, Store};
use sotay_vault::keyvault::{KeyVault, KeyVaultError, LABEL_BYTES_MAX};
use zeroize::Zeroizing;

use crate::error::DeviceError;

const VERSION: u64 = 1;
/// Bytes that a vault may make of the 64 bytes of a pair of keys.
const WRAPPED_BYTES_MAX: usize = 4096;
/// Names in [`Bucket::Profile`] under which a vault may have wrapped keys.
const ALL: [&[u8]; 2] = [super::home::DEVICE_KEYS, super::home::ROOT_KEYS];

/// Why the keys of a profile are out of reach.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The keys were wrapped by a vault, and the profile is opened without one. The caller's fault.
    #[error("the keys of this profile are in a vault, and no vault was given")]
    Missing,
    /// The vault did not do what it was asked.
    #[error(transparent)]
    Vault(#[from] KeyVaultError),
}

/// The vault of a profile, if it has one.
#[derive(Clone, Default)]
pub(super) struct Custody(pub Option<Arc<dyn KeyVault>>);

impl Custody {
    /// The row that keeps a pair of keys.
    pub fn put(&self, name: &[u8], keys: &DeviceKeys, rng: &mut dyn CryptoRng) -> Result<Put, DeviceError> {
        let secret = Zeroizing::new([&keys.sign_seed()[..], &keys.seal_secret()[..]].concat());
        let Some(vault) = &self.0 else {
            return Ok(row(name.to_vec(), Some(secret.to_vec())));
        };
        let mut nonce = [0; 8];
        rng.fill_bytes(&mut nonce);
        let label = format!(
            "sotay/{}/{}",
            String::from_utf8_lossy(name),
            HEXLOWER.encode(&nonce)
        );
        let wrapped = vault.wrap(&label, &secret).map_err(VaultError::from)?;
        Ok(row(wrapped_name(name), Some(encode(&label, &wrapped))))
    }

    /// The keys under a name, if there are any.
    pub fn read<S: Store>(&self, store: &S, name: &[u8]) -> Result<Option<DeviceKeys>, DeviceError> {
        if let Some(bytes) = store.get(Bucket::Profile, &wrapped_name(name))? {
            let (label, wrapped) = decode(&bytes).map_err(|_| DeviceError::damaged("wrapped keys"))?;
            let vault = self.0.as_ref().ok_or(VaultError::Missing)?;
            let secret = vault.unwrap(&label, &wrapped).map_err(VaultError::from)?;
            return keys_of(&secret).map(Some);
        }
        let bytes = store.get(Bucket::Profile, name)?.map(Zeroizing::new);
        bytes.map(|secret| keys_of(&secret)).transpose()
    }

    /// Rows that put keys which rest in the open into the vault; none when there is nothing to do.
    pub fn take_in<S: Store>(&self, store: &S, rng: &mut dyn CryptoRng) -> Result<Vec<Put>, DeviceError> {
        let mut puts = Vec::new();
        if self.0.is_some() {
            for name in ALL {
                if let Some(secret) = store.get(Bucket::Profile, name)?.map(Zeroizing::new) {
                    puts.push(self.put(name, &keys_of(&secret)?, rng)?);
                    puts.push(row(name.to_vec(), None));
                }
            }
        }
        Ok(puts)
    }
}

fn row(key: Vec<u8>, value: Option<Vec<u8>>) -> Put {
    Put {
        bucket: Bucket::Profile,
        key,
        value,
    }
}

fn wrapped_name(name: &[u8]) -> Vec<u8> {
    [name, b"-wrapped"].concat()
}

fn keys_of(secret: &[u8]) -> Result<DeviceKeys, DeviceError> {
    let (sign, seal) = secret.split_at_checked(32).ok_or(DeviceError::damaged("keys"))?;
    let seed = |part: &[u8]| <[u8; 32]>::try_from(part).map_err(|_| DeviceError::damaged("keys"));
    Ok(DeviceKeys::from_seeds(seed(sign)?, seed(seal)?))
}

fn encode(label: &str, wrapped: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(3).uint(VERSION).text(label).bytes(wrapped);
    writer.into_bytes()
}

fn decode(bytes: &[u8]) -> Result<(String, Vec<u8>), CborError> {
    let mut reader = Reader::new(bytes);
    reader.array(3)?;
    let at = reader.position();
    if reader.uint()? != VERSION {
        return Err(CborError::Malformed { at });
    }
    let label = reader.text(LABEL_BYTES_MAX)?.to_owned();
    let wrapped = reader.bytes(WRAPPED_BYTES_MAX)?.to_vec();
    reader.finish(&encode(&label, &wrapped))?;
    Ok((label, wrapped))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use sotay_store::{DatabaseId, MemoryStore};
    use sotay_vault::keyvault::Level;
    use std::sync::Mutex;

    use crate::device::Device;
    use crate::error::NextAction;

    /// A vault that does as it is told: XOR with one byte, or an error.
    #[derive(Default)]
    struct Obedient(Mutex<Option<KeyVaultError>>);

    impl Obedient {
        fn answer(&self, bytes: &[u8]) -> Result<Vec<u8>, KeyVaultError> {
            match &*self.0.lock().unwrap() {
                Some(error) => Err(error.clone()),
                None => Ok(bytes.iter().map(|byte| byte ^ 0x5a).collect()),
            }
        }
    }

    impl KeyVault for Obedient {
        fn level(&self) -> Level {
            Level::Software
        }

        fn wrap(&self, _: &str, secret: &[u8]) -> Result<Vec<u8>, KeyVaultError> {
            self.answer(secret)
        }

        fn unwrap(&self, _: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyVaultError> {
            self.answer(wrapped).map(Zeroizing::new)
        }

        fn destroy(&self, _: &str) -> Result<(), KeyVaultError> {
            Ok(())
        }
    }

    fn rng(seed: u64) -> Box<StdRng> {
        Box::new(StdRng::seed_from_u64(seed))
    }

    fn store() -> MemoryStore {
        MemoryStore::new(DatabaseId([7; 16]))
    }

    fn refused(result: Result<Device<MemoryStore>, DeviceError>) -> (VaultError, NextAction) {
        match result {
            Err(error @ DeviceError::Vault(_)) => {
                let action = error.next_action();
                let DeviceError::Vault(error) = error else {
                    unreachable!()
                };
                (error, action)
            }
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("opened"),
        }
    }

    #[test]
    fn a_profile_made_with_a_vault_opens_with_it_and_holds_no_key_in_the_open() {
        let vault: Arc<dyn KeyVault> = Arc::new(Obedient::default());
        let device = Device::create_with(store(), "P1", rng(1), Some(Arc::clone(&vault))).unwrap();
        let id = device.id();
        let secret = device.keys().sign_seed().to_vec();
        let store = device.into_store();
        let rows = store.list(Bucket::Profile, &[]).unwrap();
        assert!(
            rows.iter()
                .all(|(_, value)| !value.windows(32).any(|part| part == secret))
        );
        let again = Device::open_with(store, rng(2), Some(vault)).unwrap();
        assert_eq!(again.id(), id);
    }

    #[test]
    fn a_vault_that_is_locked_refuses_or_lost_its_key_is_told_with_what_to_do() {
        let vault = Arc::new(Obedient::default());
        let mut kept = Device::create_with(store(), "P1", rng(1), Some(vault.clone() as Arc<dyn KeyVault>))
            .unwrap()
            .into_store();
        let cases = [
            (KeyVaultError::Locked, NextAction::RetryLater),
            (KeyVaultError::Gone, NextAction::EnrolAgain),
            (KeyVaultError::Forged, NextAction::EnrolAgain),
            (
                KeyVaultError::Failed(std::io::ErrorKind::PermissionDenied),
                NextAction::RetryLater,
            ),
        ];
        for (error, action) in cases {
            *vault.0.lock().unwrap() = Some(error.clone());
            let copy = kept.clone();
            let told = refused(Device::open_with(
                copy,
                rng(2),
                Some(vault.clone() as Arc<dyn KeyVault>),
            ));
            assert_eq!(told, (VaultError::Vault(error), action));
        }
        *vault.0.lock().unwrap() = None;
        kept = Device::open_with(kept, rng(3), Some(vault as Arc<dyn KeyVault>))
            .unwrap()
            .into_store();
        assert_eq!(
            refused(Device::open(kept, rng(4))),
            (VaultError::Missing, NextAction::ChangeInput)
        );
    }

    #[test]
    fn a_vault_that_refuses_at_creation_leaves_the_store_empty() {
        let vault = Arc::new(Obedient(Mutex::new(Some(KeyVaultError::Locked))));
        let made = Device::create_with(store(), "P1", rng(1), Some(vault as Arc<dyn KeyVault>));
        assert_eq!(refused(made).0, VaultError::Vault(KeyVaultError::Locked));
    }

    #[test]
    fn keys_that_rested_in_the_open_move_into_a_vault_at_the_next_opening() {
        let device = Device::create(store(), "P1", rng(1)).unwrap();
        let id = device.id();
        let vault: Arc<dyn KeyVault> = Arc::new(Obedient::default());
        let moved = Device::open_with(device.into_store(), rng(2), Some(Arc::clone(&vault)))
            .unwrap()
            .into_store();
        assert_eq!(
            moved
                .get(Bucket::Profile, super::super::home::DEVICE_KEYS)
                .unwrap(),
            None
        );
        assert_eq!(Device::open_with(moved, rng(3), Some(vault)).unwrap().id(), id);
    }

    #[test]
    fn the_row_has_the_written_form_and_round_trips() {
        let bytes = encode("sotay/device-keys/00", &[1, 2, 3]);
        assert_eq!(
            HEXLOWER.encode(&bytes),
            "830174736f7461792f6465766963652d6b6579732f303043010203"
        );
        assert_eq!(
            decode(&bytes).unwrap(),
            ("sotay/device-keys/00".to_owned(), vec![1, 2, 3])
        );
        assert!(decode(&bytes[..bytes.len() - 1]).is_err());
        let mut newer = bytes.clone();
        newer[1] = 2;
        assert!(decode(&newer).is_err());
    }

    #[test]
    fn a_wrapped_key_over_the_limit_is_refused() {
        assert!(decode(&encode("l", &vec![0; WRAPPED_BYTES_MAX])).is_ok());
        assert!(decode(&encode("l", &vec![0; WRAPPED_BYTES_MAX + 1])).is_err());
    }

    proptest! {
        #[test]
        fn garbage_is_no_row(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = decode(&bytes);
        }
    }
}
