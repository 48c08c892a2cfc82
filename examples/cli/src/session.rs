//! One run of the program: language, form of output, and the profile's engine while a command needs it.

use std::path::{Path, PathBuf};

use sotay_engine::{Engine, OpenError, Options, Pack, ProfileDevice, ProfileError};

use crate::args::Global;
use crate::client::ClientFile;
use crate::failure::Failure;
use crate::voice::Voice;

/// What every command is given.
pub(crate) struct Session {
    pub voice: Voice,
    pub json: bool,
    folder: PathBuf,
}

impl Session {
    pub fn new(global: &Global) -> Self {
        Self {
            voice: Voice { lang: global.lang },
            json: global.json,
            folder: global.profile.clone(),
        }
    }

    /// Opens the profile. While it is open no other program can.
    pub fn open(&self) -> Result<Phone, Failure> {
        let engine = Engine::open(&self.folder).map_err(|error| self.failed(error))?;
        Ok(Phone {
            engine,
            folder: self.folder.clone(),
        })
    }

    /// Opens the profile, or makes one called `label` if the folder holds none.
    pub fn open_or_create(&self, label: &str) -> Result<Phone, Failure> {
        let engine = match Engine::open(&self.folder) {
            Err(OpenError::Profile(ProfileError::Missing(_))) => Engine::create(&self.folder, label),
            opened => opened,
        };
        let engine = engine.map_err(|error| self.failed(error))?;
        Ok(Phone {
            engine,
            folder: self.folder.clone(),
        })
    }

    /// Makes the profile of a new branch's secretary.
    pub fn create_from_pack(&self, label: &str, pack: &Pack) -> Result<Phone, Failure> {
        let made = Engine::create_from_pack(&self.folder, label, pack, Options::default());
        let engine = made.map_err(|error| Failure::from(error).with("folder", self.folder.display()))?;
        Ok(Phone {
            engine,
            folder: self.folder.clone(),
        })
    }

    fn failed(&self, error: OpenError) -> Failure {
        Failure::from(error).with("folder", self.folder.display())
    }
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
