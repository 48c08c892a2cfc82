//! The root object: one opened profile.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sotay_engine::{Engine, Options, keyvault};
use zeroize::Zeroizing;

use crate::branch::Branch;
use crate::changes::{ChangeSubscription, ListenerAdapter};
use crate::error::{HandbookError, OrFault, guarded};
use crate::feedback::Feedback;
use crate::library::Library;
use crate::meeting::{Meeting, parse_doc};
use crate::platform::{ChangeListener, Connectivity, ConnectivityAdapter, KeyVault, VaultAdapter};
use crate::records::Records;
use crate::study::Study;
use crate::sync::Sync;

/// What an existing profile is opened with.
#[derive(uniffi::Record)]
pub struct OpenConfig {
    /// Folder of the profile; one profile is one person on one phone.
    pub folder: String,
    /// Vault that wraps the secret keys; without one they rest in the database.
    #[uniffi(default = None)]
    pub vault: Option<Arc<dyn KeyVault>>,
    /// Tells whether there is a network; without one the network is tried.
    #[uniffi(default = None)]
    pub connectivity: Option<Arc<dyn Connectivity>>,
    /// Whether relays are followed over a metered network.
    #[uniffi(default = true)]
    pub follow_when_metered: bool,
    /// The PIN: what a new profile gets, and what opens one that has a PIN. A profile without one passes it over.
    #[uniffi(default = None)]
    pub pin: Option<String>,
    /// After so many milliseconds without [`Handbook::touch`] the profile locks itself; never, if not given.
    #[uniffi(default = None)]
    pub lock_after_ms: Option<u64>,
}

/// What a new profile is made with.
#[derive(uniffi::Record)]
pub struct CreateConfig {
    /// Folder to make it in; made if it is missing.
    pub folder: String,
    /// What lists call this phone, 64 bytes at most; no personal data.
    pub label: String,
    /// Vault that wraps the secret keys; without one they rest in the database.
    #[uniffi(default = None)]
    pub vault: Option<Arc<dyn KeyVault>>,
    /// Tells whether there is a network; without one the network is tried.
    #[uniffi(default = None)]
    pub connectivity: Option<Arc<dyn Connectivity>>,
    /// Whether relays are followed over a metered network.
    #[uniffi(default = true)]
    pub follow_when_metered: bool,
    /// The PIN: what a new profile gets, and what opens one that has a PIN. A profile without one passes it over.
    #[uniffi(default = None)]
    pub pin: Option<String>,
    /// After so many milliseconds without [`Handbook::touch`] the profile locks itself; never, if not given.
    #[uniffi(default = None)]
    pub lock_after_ms: Option<u64>,
}

/// Folder and options of a profile that there is.
pub(crate) fn options_of(config: OpenConfig) -> (String, Options) {
    let options = Options {
        vault: config
            .vault
            .map(|vault| Arc::new(VaultAdapter(vault)) as Arc<dyn keyvault::KeyVault>),
        connectivity: config
            .connectivity
            .map(|platform| Arc::new(ConnectivityAdapter(platform)) as Arc<dyn sotay_engine::Connectivity>),
        follow_when_metered: config.follow_when_metered,
        pin: config.pin.map(Zeroizing::new),
        lock_after: config.lock_after_ms.map(Duration::from_millis),
    };
    (config.folder, options)
}

impl CreateConfig {
    /// Folder, label and options.
    pub(crate) fn read(self) -> (String, String, Options) {
        let (folder, options) = options_of(OpenConfig {
            folder: self.folder,
            vault: self.vault,
            connectivity: self.connectivity,
            follow_when_metered: self.follow_when_metered,
            pin: self.pin,
            lock_after_ms: self.lock_after_ms,
        });
        (folder, self.label, options)
    }
}

/// Where [`Handbook::provoke_panic`] panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum PanicPlace {
    /// On the thread that calls.
    Bridge,
    /// On the engine's worker.
    Worker,
}

/// An opened profile. Its methods may be called from any thread; each waits for its result, which takes milliseconds, so
/// call them off the thread that draws. What it changed is durable when it returns, with or without a network.
#[derive(uniffi::Object)]
pub struct Handbook {
    pub(crate) engine: Arc<Engine>,
}

pub(crate) fn opened(engine: Engine) -> Arc<Handbook> {
    Arc::new(Handbook {
        engine: Arc::new(engine),
    })
}

/// Opens the profile in a folder.
// A function and not a constructor: the generators of Kotlin and Swift give `Handbook` another name, but not in constructors.
#[uniffi::export]
pub fn open_handbook(config: OpenConfig) -> Result<Arc<Handbook>, HandbookError> {
    guarded(|| {
        let (folder, options) = options_of(config);
        Engine::open_with(Path::new(&folder), options)
            .map(opened)
            .or_fault()
    })
}

/// Makes a new profile in a folder. A failure leaves none behind.
#[uniffi::export]
pub fn create_handbook(config: CreateConfig) -> Result<Arc<Handbook>, HandbookError> {
    guarded(|| {
        let (folder, label, options) = config.read();
        Engine::create_with(Path::new(&folder), &label, options)
            .map(opened)
            .or_fault()
    })
}

#[uniffi::export]
impl Handbook {
    /// This phone's id, in hexadecimal.
    pub fn device(&self) -> Result<String, HandbookError> {
        guarded(|| self.engine.call(|device, _| device.id().to_string()).or_fault())
    }

    /// The unit.
    pub fn branch(&self) -> Result<Arc<Branch>, HandbookError> {
        Ok(Arc::new(Branch {
            engine: Arc::clone(&self.engine),
        }))
    }

    /// A meeting by its id. Whether there is one shows at the first call on it.
    pub fn meeting(&self, id: String) -> Result<Arc<Meeting>, HandbookError> {
        Ok(Arc::new(Meeting {
            engine: Arc::clone(&self.engine),
            doc: parse_doc(&id)?,
        }))
    }

    /// Tasks, fees, ratings, resolutions, reports, directives.
    pub fn records(&self) -> Result<Arc<Records>, HandbookError> {
        Ok(Arc::new(Records {
            engine: Arc::clone(&self.engine),
        }))
    }

    /// Feedback.
    pub fn feedback(&self) -> Result<Arc<Feedback>, HandbookError> {
        Ok(Arc::new(Feedback {
            engine: Arc::clone(&self.engine),
        }))
    }

    /// Syncing.
    pub fn sync(&self) -> Result<Arc<Sync>, HandbookError> {
        Ok(Arc::new(Sync {
            engine: Arc::clone(&self.engine),
        }))
    }

    /// The library.
    pub fn library(&self) -> Result<Arc<Library>, HandbookError> {
        Ok(Arc::new(Library {
            engine: Arc::clone(&self.engine),
        }))
    }

    /// Quizzes and repetition.
    pub fn study(&self) -> Result<Arc<Study>, HandbookError> {
        Ok(Arc::new(Study {
            engine: Arc::clone(&self.engine),
        }))
    }

    /// Calls a listener with every change from now on.
    pub fn subscribe(
        &self,
        listener: Arc<dyn ChangeListener>,
    ) -> Result<Arc<ChangeSubscription>, HandbookError> {
        guarded(|| {
            let subscription = self
                .engine
                .subscribe(Arc::new(ListenerAdapter(listener)))
                .or_fault()?;
            Ok(Arc::new(ChangeSubscription(subscription)))
        })
    }

    /// The app left the screen and the system gives it `budget_ms` more; then connections close by themselves.
    pub fn enter_background(&self, budget_ms: u64) -> Result<(), HandbookError> {
        guarded(|| {
            self.engine
                .enter_background(Duration::from_millis(budget_ms))
                .or_fault()
        })
    }

    /// The app must not use the network now.
    pub fn suspend(&self) -> Result<(), HandbookError> {
        guarded(|| {
            self.engine.suspend();
            Ok(())
        })
    }

    /// The app is in front again: followed relays are tried at once.
    pub fn resume(&self) -> Result<(), HandbookError> {
        guarded(|| {
            self.engine.resume();
            Ok(())
        })
    }

    /// The phone has another network: connections move to it, pauses end.
    pub fn network_changed(&self) -> Result<(), HandbookError> {
        guarded(|| {
            self.engine.network_changed();
            Ok(())
        })
    }

    /// The system is short of memory: open documents leave it and are read again when needed.
    pub fn low_memory(&self) -> Result<(), HandbookError> {
        guarded(|| self.engine.low_memory().or_fault())
    }

    /// Closes connections, finishes what was called, closes the database. A second call does nothing; every other call
    /// then fails with `stopped`.
    pub fn shutdown(&self) -> Result<(), HandbookError> {
        guarded(|| {
            self.engine.shutdown();
            Ok(())
        })
    }

    /// For tests of apps and wrappers: panics, so that one sees an error and not a crash. Nothing is lost by it.
    pub fn provoke_panic(&self, place: PanicPlace) -> Result<(), HandbookError> {
        guarded(|| match place {
            PanicPlace::Bridge => panic!("provoked by the app"),
            PanicPlace::Worker => self.engine.call(|_, _| panic!("provoked by the app")).or_fault(),
        })
    }
}
