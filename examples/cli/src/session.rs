//! One run of the program: language, form of output, and the profile's engine while a command needs it.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_engine::keyvault::{Cost, FileVault, KeyVault, OpenVaultError};
use sotay_engine::{DeviceError, Engine, LockState, OpenError, Options, Pack, ProfileDevice, ProfileError};
use zeroize::Zeroizing;

use crate::args::{Global, PASSPHRASE_VARIABLE, PIN_VARIABLE};
use crate::client::ClientFile;
use crate::failure::{Code, Failure};
use crate::voice::Voice;

/// What every command is given.
pub(crate) struct Session {
    pub voice: Voice,
    pub json: bool,
    folder: PathBuf,
    vault_file: Option<PathBuf>,
    /// Opened once: it takes a good part of a second, and may ask.
    vault: OnceCell<Arc<FileVault>>,
}

impl Session {
    pub fn new(global: &Global) -> Self {
        Self {
            voice: Voice { lang: global.lang },
            json: global.json,
            folder: global.profile.clone(),
            vault_file: global.vault.clone(),
            vault: OnceCell::new(),
        }
    }

    /// Opens the profile of a phone that belongs to a unit; one that does not is told so, whatever else there would be to say.
    /// While it is open no other program can.
    pub fn open(&self) -> Result<Phone, Failure> {
        let phone = self.open_any()?;
        if phone.run(|device, _| Ok(device.unit().is_none()))? {
            return Err(DeviceError::NoUnit.into());
        }
        Ok(phone)
    }

    /// Opens the profile of any phone, also of one that belongs to no unit yet.
    pub fn open_any(&self) -> Result<Phone, Failure> {
        self.phone(Engine::open_with(&self.folder, self.present()?))
    }

    /// Opens the profile, or makes one called `label` if the folder holds none.
    pub fn open_or_create(&self, label: &str) -> Result<Phone, Failure> {
        let options = self.present()?;
        let engine = match Engine::open_with(&self.folder, options.clone()) {
            Err(OpenError::Profile(ProfileError::Missing(_))) => {
                Engine::create_with(&self.folder, label, options)
            }
            opened => opened,
        };
        self.phone(engine)
    }

    /// Makes the profile of a new branch's secretary.
    pub fn create_from_pack(&self, label: &str, pack: &Pack) -> Result<Phone, Failure> {
        let made = Engine::create_from_pack(&self.folder, label, pack, self.present()?);
        let engine = made.map_err(|error| Failure::from(error).with("folder", self.folder.display()))?;
        Ok(Phone {
            engine,
            folder: self.folder.clone(),
        })
    }

    /// How the profile is locked.
    pub fn lock_state(&self) -> Result<LockState, Failure> {
        Engine::lock_state(&self.folder, &self.vault_only()?).map_err(|error| self.failed(error))
    }

    /// Puts the profile under a PIN, or another one.
    pub fn set_pin(&self, pin: &str) -> Result<(), Failure> {
        Engine::set_pin(&self.folder, &self.present()?, pin).map_err(|error| self.failed(error))
    }

    /// Takes its PIN away.
    pub fn remove_pin(&self) -> Result<(), Failure> {
        Engine::remove_pin(&self.folder, &self.present()?).map_err(|error| self.failed(error))
    }

    /// A secret from an environment variable, or typed at the terminal, unseen; twice when it is a new one.
    pub fn secret(&self, variable: &str, question: &str, twice: bool) -> Result<Zeroizing<String>, Failure> {
        if let Ok(secret) = std::env::var(variable) {
            return Ok(Zeroizing::new(secret));
        }
        let ask = |question| {
            let typed = rpassword::prompt_password(format!("{}: ", self.voice.say(question, &[])));
            let typed = typed.map_err(|_| Failure::new(Code::CannotAsk).with("variable", variable));
            Ok::<_, Failure>(Zeroizing::new(typed?))
        };
        let secret = ask(question)?;
        if twice && *ask("ask.again")? != *secret {
            return Err(Failure::new(Code::TypedTwice));
        }
        Ok(secret)
    }

    /// Vault and PIN as the profile asks for them now.
    fn present(&self) -> Result<Options, Failure> {
        let mut options = self.vault_only()?;
        let asks = |options: &Options| Engine::lock_state(&self.folder, options).is_ok_and(|state| state.pin);
        if std::env::var_os(PIN_VARIABLE).is_some() || asks(&options) {
            options.pin = Some(self.secret(PIN_VARIABLE, "ask.pin", false)?);
        }
        Ok(options)
    }

    fn vault_only(&self) -> Result<Options, Failure> {
        let mut options = Options::default();
        if let Some(path) = &self.vault_file {
            let vault = match self.vault.get() {
                Some(vault) => Arc::clone(vault),
                None => Arc::new(self.open_vault(path)?),
            };
            options.vault = Some(Arc::clone(self.vault.get_or_init(|| vault)) as Arc<dyn KeyVault>);
        }
        Ok(options)
    }

    fn open_vault(&self, path: &Path) -> Result<FileVault, Failure> {
        let new = !path.exists();
        let passphrase = self.secret(PASSPHRASE_VARIABLE, "ask.passphrase", new)?;
        let rng = Box::new(system_rng()?);
        let vault = if new {
            FileVault::create(path, &passphrase, Cost::STANDARD, rng)
        } else {
            FileVault::open(path, &passphrase, rng)
        };
        vault.map_err(|error| match error {
            OpenVaultError::Passphrase => Failure::new(Code::WrongPassphrase).with("file", path.display()),
            other => Failure::new(Code::VaultFile)
                .with("file", path.display())
                .with("reason", other),
        })
    }

    fn phone(&self, engine: Result<Engine, OpenError>) -> Result<Phone, Failure> {
        Ok(Phone {
            engine: engine.map_err(|error| self.failed(error))?,
            folder: self.folder.clone(),
        })
    }

    fn failed(&self, error: OpenError) -> Failure {
        Failure::from(error).with("folder", self.folder.display())
    }
}

fn system_rng() -> Result<StdRng, Failure> {
    StdRng::try_from_rng(&mut rand::rngs::SysRng)
        .map_err(|_| Failure::new(Code::Mistake).with("place", "random"))
}

/// An open profile.
pub(crate) struct Phone {
    pub engine: Engine,
    folder: PathBuf,
}

impl Phone {
    /// Runs `f` on the device; its second argument is the time in milliseconds since 1970 UTC.
    pub fn run<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut ProfileDevice, i64) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.engine.call(f)?
    }

    /// What this program remembers beside the profile.
    pub fn client(&self) -> Result<ClientFile, Failure> {
        ClientFile::read(&self.folder)
    }

    /// The profile folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}
