//! What one phone does, without threads, sockets or a clock.
//!
//! A [`Device`] owns a replica, the keys and the open documents of one profile. Every call is synchronous: it changes
//! the store in one transaction, or changes nothing and says why. The time is passed in (milliseconds since 1970 UTC;
//! it is shown, it never decides), randomness comes from the generator given when the device was opened. The worker
//! thread of [`crate::Engine`] drives one device; the simulator in `tests/` drives many in one thread.

mod above;
mod absorb;
mod acts;
mod answers;
mod apart;
mod books;
mod broadcasts;
mod cards;
mod care;
mod clocks;
mod covers;
mod custody;
mod diary;
mod directives;
mod dispatch;
mod enrol;
mod export_text;
mod feedback;
mod guests;
mod hall;
mod handing;
mod history;
mod home;
mod home_view;
mod hosting;
mod images;
mod inbox;
mod late;
mod lessons;
mod letters;
mod library;
mod links;
mod meetings;
mod moving;
mod newcomers;
mod paper;
mod passes;
mod passing;
mod people;
mod personal;
mod policy;
mod publishing;
mod quizzes;
mod readings;
mod receipts;
mod relays;
mod removal;
mod reports;
mod rereading;
mod rest;
mod rooted;
mod roster;
mod sealing;
mod seals;
mod sharing;
mod studied;
mod templates;
mod tend;
mod unit_names;
mod units;
mod void;
mod void_study;
mod waiting;
mod withheld;
mod witness;
mod year;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use rand::CryptoRng;
use sotay_document::Image;
use sotay_feed::{DeviceId, DeviceKeys, DocId, InOrder, MemberId, Space, SpaceKind, UnitId};
use sotay_membership::Membership;
use sotay_store::{Batch, Put, Store, StoreError};
use sotay_sync::{Policy, Replica, Role};
use sotay_vault::KeyRing;
use sotay_vault::keyvault::KeyVault;

pub use above::{Origin, UpperLine};
pub use answers::{DeliveredBelow, ReportAnswer};
pub use broadcasts::{AirState, BroadcastLine};
pub use cards::{CONTACT_LINE_BYTES_MAX, Contact, ErasedPerson};
pub use care::{AccessLine, ConsentLine, OPENED_ITEMS_MAX, Opened, PURPOSE_BYTES_MAX, RETENTION_MONTHS_MAX};
pub use covers::{
    COVERED_SPACES, CoverError, CoverLine, CoverSigner, CoverState, Difference, DraftedCover, StopReason,
    Weight,
};
pub use custody::VaultError;
pub use diary::{DIARY_PAGE_MAX, DiaryLine, DiaryPage, Undone};
pub use directives::{DirectiveEntry, PublishDirectiveError};
pub use enrol::{AdmitError, AdmitRequest, JoinError};
pub use feedback::{NewFeedback, OwnFeedback, OwnState};
pub use guests::{GUEST_MEETINGS_MAX, GuestAsk, GuestLine, GuestPage};
pub use hall::{HALL_LETTER_BYTES_MAX, HALL_REQUESTS_MAX, HallAdmission, HallEntry, HallError};
pub use handing::KEYS_ABOVE_MAX;
pub use history::HistoryLine;
pub use home::{CreateUnitError, NewUnit};
pub use home_view::HomeView;
pub use hosting::{STRANGERS_MAX, VISITORS_MAX, VISITS_EACH_MAX, VisitorLine};
pub use late::{LateLine, LateWhat};
pub use lessons::{Judged, Sheet};
pub use library::{LibraryEntry, LibraryError};
pub use links::{LinkId, LinkOutput, SpaceStatus};
pub use meetings::{MeetingHeading, MinutesText};
pub use moving::{Left, MoveLine, NewMove};
pub use paper::PageError;
pub use passes::HallRequest;
pub use passing::{PassedLine, ReplyFromAbove};
pub use personal::{EXPORT_VERSION, PersonalData, SealedExport};
pub use policy::{RemoteError, SecretaryError};
pub use publishing::{PublishFileError, PublishedFile};
pub use quizzes::{DueQuestion, HandedIn, QuizEntry, QuizError, StudyOverview};
pub use relays::NameRelaysError;
pub use removal::{DeviceLine, KeyChange, RemovalError, Whom};
pub use rooted::{Carried, RootError};
pub use roster::{
    LINES_PER_CHANGE_MAX, MemberDevice, MemberLine, NewMember, OFFSET_MINUTES, UnitCard, today,
};
pub use sealing::SealError;
pub use seals::{OfficialShown, OutsideShown, SealShown, SealStatus, SealsView};
pub use units::{BranchError, BranchLine, FOLLOWED_UNITS_MAX, FoundedBranch, NewBranch};

pub use witness::{ForkLine, RelayProof, RelayWord};

pub use sharing::{SHARED_MARKS_MAX, SharedMark};
pub use templates::TemplateEntry;
pub use year::ReviewedDocument;

use crate::enrolment::LABEL_BYTES_MAX;
use crate::error::DeviceError;
use crate::event::Event;
use books::Book;
use custody::Custody;
use directives::Directives;
use home::Home;
use library::Library;
use links::Links;
use people::People;
use readings::Readings;

/// One phone (or desktop profile): replica, keys, documents, sessions.
pub struct Device<S: Store> {
    replica: Replica<S>,
    rng: Box<dyn CryptoRng + Send>,
    keys: Arc<DeviceKeys>,
    custody: Custody,
    label: String,
    home: Option<Home>,
    followed: units::Followed,
    ring: KeyRing,
    books: BTreeMap<DocId, Book>,
    /// Of documents that are not open.
    images: BTreeMap<DocId, Image>,
    readings: Readings,
    /// Meetings of which a step was recorded since this phone last looked whether to hand in.
    ended: BTreeSet<DocId>,
    people: People,
    library: Library,
    directives: Directives,
    handing: handing::Handing,
    links: Links,
    events: VecDeque<Event>,
    /// A fork became known since this phone judged last what counts.
    forked: bool,
    forms: rereading::Forms,
}

impl<S: Store> Device<S> {
    /// Makes a new identity in an empty store. `label` is what lists call this phone; it is no personal data.
    pub fn create(store: S, label: &str, rng: Box<dyn CryptoRng + Send>) -> Result<Self, DeviceError> {
        Self::create_with(store, label, rng, None)
    }

    /// The same; the secret keys are wrapped by the vault, if there is one.
    pub fn create_with(
        mut store: S,
        label: &str,
        mut rng: Box<dyn CryptoRng + Send>,
        vault: Option<Arc<dyn KeyVault>>,
    ) -> Result<Self, DeviceError> {
        check_label(label)?;
        let keys = DeviceKeys::generate(&mut *rng);
        let custody = Custody(vault);
        let puts = vec![
            custody.put(home::DEVICE_KEYS, &keys, &mut *rng)?,
            home::label_put(label),
        ];
        store.commit(Batch {
            envelopes: Vec::new(),
            puts,
            ..Batch::default()
        })?;
        Self::open_with(store, rng, custody.0)
    }

    /// Opens the identity that a store holds.
    pub fn open(store: S, rng: Box<dyn CryptoRng + Send>) -> Result<Self, DeviceError> {
        Self::open_with(store, rng, None)
    }

    /// The same, with the vault that wrapped the secret keys. Keys that rest in the open are put into the vault.
    pub fn open_with(
        store: S,
        rng: Box<dyn CryptoRng + Send>,
        vault: Option<Arc<dyn KeyVault>>,
    ) -> Result<Self, DeviceError> {
        Self::open_reading(store, rng, vault, rereading::Forms::default())
    }

    fn open_reading(
        mut store: S,
        mut rng: Box<dyn CryptoRng + Send>,
        vault: Option<Arc<dyn KeyVault>>,
        forms: rereading::Forms,
    ) -> Result<Self, DeviceError> {
        let custody = Custody(vault);
        let keys = custody
            .read(&store, home::DEVICE_KEYS)?
            .ok_or(DeviceError::NoIdentity)?;
        let puts = custody.take_in(&store, &mut *rng)?;
        if !puts.is_empty() {
            store.commit(Batch {
                envelopes: Vec::new(),
                puts,
                ..Batch::default()
            })?;
        }
        let label = home::read_label(&store)?;
        let home = home::read_home(&store)?;
        let ring = home::read_ring(&store)?;
        let followed = units::Followed::load(&store)?;
        let people = People::load(&store)?;
        let library = Library::load(&store)?;
        let directives = Directives::load(&store, &[])?;
        let replica = Replica::open(store, Role::Device, Policy::Any)?;
        let mut device = Self {
            keys: Arc::new(keys),
            custody,
            replica,
            rng,
            label,
            home,
            followed,
            ring,
            books: BTreeMap::new(),
            images: BTreeMap::new(),
            readings: Readings::default(),
            ended: BTreeSet::new(),
            people,
            library,
            directives,
            handing: handing::Handing::default(),
            links: Links::default(),
            events: VecDeque::new(),
            forked: false,
            forms,
        };
        device.reload_directives()?;
        device.handing.fresh = true;
        // Nothing says whether a fork was judged before a crash.
        device.forked = device.home.is_some() && !device.forks()?.is_empty();
        // It is tried again at the next opening; what was set aside is no reason to refuse this one.
        if let Err(error) = device.read_again() {
            tracing::warn!(%error, "what an earlier version set aside was not read again");
        }
        // A crash between receiving and applying leaves stored envelopes that no document has seen.
        device.catch_up()?;
        device.events.clear();
        Ok(device)
    }

    /// This device.
    pub fn id(&self) -> DeviceId {
        self.keys.id()
    }

    /// Its keys; the signing key is also its identity towards relays.
    pub fn keys(&self) -> &Arc<DeviceKeys> {
        &self.keys
    }

    /// What lists call this phone.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The unit it belongs to, once it has created or joined one.
    pub fn unit(&self) -> Option<UnitId> {
        self.home.as_ref().map(|home| home.unit)
    }

    /// Who its holder is in that unit.
    pub fn member(&self) -> Option<MemberId> {
        self.home.as_ref().map(|home| home.member)
    }

    /// The replica below, for inspection and tests.
    pub fn replica(&self) -> &Replica<S> {
        &self.replica
    }

    /// The store below, e.g. to make a faulty one fail.
    pub fn store_mut(&mut self) -> &mut S {
        self.replica.store_mut()
    }

    /// Gives the store back, e.g. to open it again as after a crash.
    pub fn into_store(self) -> S {
        self.replica.into_store()
    }

    /// Next thing that changed, oldest first.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Drops documents held in memory; they are read again from the store when next used. For use after a panic.
    pub fn forget_open_documents(&mut self) {
        self.books.clear();
        self.images.clear();
        self.readings = Readings::default();
    }

    fn home(&self) -> Result<&Home, DeviceError> {
        self.home.as_ref().ok_or(DeviceError::NoUnit)
    }

    fn membership(&self) -> Result<&Membership, DeviceError> {
        self.membership_of(self.home()?.unit)
    }

    /// The membership of this unit, or of one below.
    fn membership_of(&self, unit: UnitId) -> Result<&Membership, DeviceError> {
        self.replica.membership(unit).ok_or(DeviceError::NoUnit)
    }

    fn space(&self, kind: SpaceKind) -> Result<Space, DeviceError> {
        Ok(Space::of(self.home()?.unit, kind))
    }

    /// The spaces this device reads, in sync order.
    fn spaces(&self) -> Result<Vec<Space>, DeviceError> {
        let membership = self.membership()?;
        let home = self.home()?;
        let mut spaces = vec![
            Space::of(home.unit, SpaceKind::Roll),
            Space::private(home.unit, home.member),
        ];
        spaces.extend(home::SEALED.map(|kind| Space::of(home.unit, kind)));
        spaces.extend(self.guest_spaces(membership)?);
        spaces.retain(|space| space.kind == SpaceKind::Roll || membership.may_read(self.id(), space).is_ok());
        spaces.in_order();
        Ok(spaces)
    }

    fn write(&mut self, puts: Vec<Put>) -> Result<(), StoreError> {
        self.replica
            .store_mut()
            .commit(Batch {
                envelopes: Vec::new(),
                puts,
                ..Batch::default()
            })
            .map(|_| ())
    }
}

/// A label without letters could not be published, a longer one not be put into a join request.
fn check_label(label: &str) -> Result<(), DeviceError> {
    if label.trim().is_empty() {
        return Err(DeviceError::EmptyName);
    }
    let (len, limit) = (label.len(), LABEL_BYTES_MAX);
    if len > limit {
        Err(DeviceError::TooLong { len, limit })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod cards_tests;
#[cfg(test)]
mod passes_tests;
#[cfg(test)]
mod rereading_tests;
#[cfg(test)]
mod tests;
