//! A vault in a file under a passphrase, for desktops and tests.

use std::path::Path;
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};
use sotay_engine::keyvault::{Cost, FileVault, KeyVault as _, OpenVaultError};
use sotay_engine::{Fault, VaultError};

use crate::error::{HandbookError, guarded};
use crate::kinds::VaultLevel;
use crate::platform::{KeyVault, VaultRefusal};

/// A software vault: one file, protected by a passphrase with Argon2id (64 MiB, three passes).
struct PassphraseVault(FileVault);

/// Opens the software vault in a file, or makes it if there is none. Takes a good part of a second on purpose.
#[uniffi::export]
pub fn open_passphrase_vault(path: String, passphrase: String) -> Result<Arc<dyn KeyVault>, HandbookError> {
    guarded(|| {
        let rng = StdRng::try_from_rng(&mut SysRng).map_err(|_| refused(&OpenVaultError::Cost))?;
        let path = Path::new(&path);
        let passphrase = zeroize::Zeroizing::new(passphrase);
        let vault = if path.exists() {
            FileVault::open(path, &passphrase, Box::new(rng))
        } else {
            FileVault::create(path, &passphrase, Cost::STANDARD, Box::new(rng))
        };
        vault
            .map(|vault| Arc::new(PassphraseVault(vault)) as Arc<dyn KeyVault>)
            .map_err(|error| refused(&error))
    })
}

fn refused(error: &OpenVaultError) -> HandbookError {
    let refusal = match error {
        OpenVaultError::Passphrase => sotay_engine::keyvault::KeyVaultError::Locked,
        OpenVaultError::Format(_) | OpenVaultError::Version(_) => {
            sotay_engine::keyvault::KeyVaultError::Forged
        }
        OpenVaultError::Io(kind) => sotay_engine::keyvault::KeyVaultError::Failed(*kind),
        OpenVaultError::Cost | OpenVaultError::Exists => {
            sotay_engine::keyvault::KeyVaultError::Failed(std::io::ErrorKind::Other)
        }
    };
    Fault::from(&VaultError::Vault(refusal)).into()
}

impl KeyVault for PassphraseVault {
    fn level(&self) -> Result<VaultLevel, VaultRefusal> {
        Ok(self.0.level())
    }

    fn wrap(&self, label: String, secret: Vec<u8>) -> Result<Vec<u8>, VaultRefusal> {
        let secret = zeroize::Zeroizing::new(secret);
        Ok(self.0.wrap(&label, &secret)?)
    }

    fn unwrap(&self, label: String, wrapped: Vec<u8>) -> Result<Vec<u8>, VaultRefusal> {
        Ok(self.0.unwrap(&label, &wrapped)?.to_vec())
    }

    fn destroy(&self, label: String) -> Result<(), VaultRefusal> {
        Ok(self.0.destroy(&label)?)
    }
}
