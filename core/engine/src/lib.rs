//! What an app embeds: profiles, commands, views, events, status and background sync.
//!
//! [`Engine`] opens a profile and runs a [`Device`] on its own thread; the app calls it, reads views, and fetches
//! [`Event`]s. Every command is durable when it returns, with or without a network.

mod aloud;
mod background;
mod codes;
mod device;
mod endorsement;
mod engine;
mod enrolment;
mod error;
mod event;
mod fault;
mod listed;
mod listen;
mod lock;
mod options;
mod pack;
mod profile;
mod recording;
mod rooted;
mod task;
mod worker;

pub use aloud::{Aloud, AloudError, Listening, Voice};
pub use codes::{
    CODE_RELAYS_MAX, HALL_SECONDS, HallCode, Pass, Ticket, WELCOME_BYTES_MAX, WELCOME_MAGIC, letter_text,
    read_letter,
};
pub use device::NameRelaysError;
pub use device::{
    AccessLine, CONTACT_LINE_BYTES_MAX, ConsentLine, Contact, ErasedPerson, OPENED_ITEMS_MAX, Opened,
    PURPOSE_BYTES_MAX, RETENTION_MONTHS_MAX,
};
pub use device::{
    AdmitError, AdmitRequest, AirState, CreateUnitError, Device, DueQuestion, HandedIn, HistoryLine,
    JoinError, LINES_PER_CHANGE_MAX, LibraryEntry, LibraryError, LinkId, LinkOutput, MeetingHeading,
    MemberDevice, MemberLine, MinutesText, NewMember, NewUnit, OFFSET_MINUTES, PageError, QuizEntry,
    QuizError, SHARED_MARKS_MAX, SharedMark, SpaceStatus, StudyOverview, UnitCard, VaultError, today,
};
pub use device::{
    BranchError, BranchLine, BroadcastLine, FOLLOWED_UNITS_MAX, FoundedBranch, KEYS_ABOVE_MAX, NewBranch,
    Origin, UpperLine,
};
pub use device::{
    COVERED_SPACES, CoverError, CoverLine, CoverSigner, CoverState, Difference, DraftedCover, StopReason,
    Weight,
};
pub use device::{Carried, RootError, TemplateEntry};
pub use device::{
    DIARY_PAGE_MAX, DiaryLine, DiaryPage, DirectiveEntry, HomeView, PublishDirectiveError, ReviewedDocument,
    Undone,
};
pub use device::{DeliveredBelow, Left, MoveLine, NewMove, PassedLine, ReplyFromAbove, ReportAnswer};
pub use device::{DeviceLine, KeyChange, LateLine, LateWhat, RemovalError, Whom};
pub use device::{EXPORT_VERSION, PersonalData, SealedExport};
pub use device::{ForkLine, RelayProof, RelayWord};
pub use device::{GUEST_MEETINGS_MAX, GuestAsk, GuestLine, GuestPage};
pub use device::{
    HALL_LETTER_BYTES_MAX, HALL_REQUESTS_MAX, HallAdmission, HallEntry, HallError, HallRequest,
};
pub use device::{Judged, PublishFileError, PublishedFile, Sheet};
pub use device::{NewFeedback, OwnFeedback, OwnState};
pub use device::{OfficialShown, OutsideShown, SealError, SealShown, SealStatus, SealsView};
pub use device::{RemoteError, SecretaryError};
pub use device::{STRANGERS_MAX, VISITORS_MAX, VISITS_EACH_MAX, VisitorLine};
pub use engine::{
    CallError, CreateFromPackError, Engine, HostError, Hosted, OpenError, SHUTDOWN_WAIT, SyncError,
    SyncReport, new_root_key,
};
pub use enrolment::{
    CLOCK_SKEW_SECONDS, EnrolTextError, INVITATION_BYTES_MAX, Invitation, JoinRequest, LABEL_BYTES_MAX,
    NotFresh, RELAY_HINT_BYTES_MAX, RELAY_HINTS_MAX, REQUEST_GOOD_SECONDS,
};
pub use error::{DeviceError, NextAction, store_action, vault_action};
pub use event::{Event, SetAside};
pub use fault::{Fault, FaultKind, action_text};
pub use listen::{
    BATCH_EVENTS_MAX, BATCH_GAP, LISTENER_FAILURES_MAX, LISTENERS_MAX, Listener, ListenerFailed,
    SubscribeError, Subscription, SubscriptionStats,
};
pub use lock::{KEY_FILE, LockError, LockState, PIN_TRIES_FREE, PIN_TRIES_MAX};
pub use options::{Connectivity, Network, Options};
pub use pack::{PACK_ENVELOPES_MAX, PACK_NAME_BYTES_MAX, Pack, PackCode};
pub use profile::{DATABASE_FILE, INDEX_FILE, ProfileError};
pub use recording::{RecordingError, describe_recording, take_in_recording};
pub use rooted::{
    CommitteeCard, ROOT_PAPER_BYTES_MAX, ROOT_PAPER_RECORDS_MAX, RootDeed, RootEntry, RootItem, RootKey,
    RootPaper, RootSignError, root_policy, root_public_from_text, root_public_text,
};
pub use sotay_feed as feed;
pub use sotay_handbook as handbook;
pub use sotay_membership::{
    CoverId, Denied, Flags, Reason, RootId, RootPolicy, State, UnitKind, UnitPolicy, seal,
};
pub use sotay_net::{AddressError, BindError, ConnectError, LinkError, RelayAddress, key_text};
pub use sotay_paper as paper;
pub use sotay_store::StoreError;
pub use sotay_study as study;
pub use sotay_sync::{CloseCode, DenyReason, RefuseReason, SessionStats, SyncStatus};
pub use sotay_vault::keyvault;
pub use sotay_vault::{AGE_PASSPHRASE_BYTES_MAX, AgeError, age_open};
pub use task::{SyncOutcome, SyncPhase, SyncProgress, SyncTask, SyncTaskError};
pub use worker::EVENTS_WAITING_MAX;

/// A device whose store is the database of a profile folder: what [`Engine::call`] hands to its closure.
pub type ProfileDevice = Device<sotay_store::SqliteStore>;

fn text_of<T: std::fmt::Display, S: serde::Serializer>(id: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}
