//! The storage contract. One call is one transaction; when it returns, what it wrote is durable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sotay_feed::{DeviceId, Envelope, EnvelopeId, Frontier, Kind, SpaceId, Tip, Verified};

use crate::{Copied, Dropped, Log};

/// Identity of one database file: 16 random bytes made when it was created. A database that was deleted and made
/// anew, or another relay's, has another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatabaseId(pub [u8; 16]);

/// A place in the order in which one database received the envelopes of one space.
///
/// `chain` commits to everything up to it: `chain(n) = first 8 bytes of BLAKE3(chain(n-1) ‖ envelope id)`, starting
/// from eight zero bytes. A database that was set back and went on with other envelopes has other chains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Arrival {
    /// 1 for the first envelope of the space; 0 stands before it.
    pub number: u64,
    /// Running commitment.
    pub chain: [u8; 8],
}

/// Envelopes of one space in one database: beyond any honest use, and what the SQLite layout has room for.
pub const ARRIVALS_PER_SPACE_MAX: u64 = u32::MAX as u64;

impl Arrival {
    /// Where the envelope with this id stands when it arrives next.
    #[must_use]
    pub fn next(&self, id: EnvelopeId) -> Arrival {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.chain);
        hasher.update(id.as_bytes());
        let mut chain = [0; 8];
        chain.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Arrival {
            number: self.number + 1,
            chain,
        }
    }
}

/// An envelope as the store holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// Arrival number in its space.
    pub arrival: u64,
    /// The writing device.
    pub device: DeviceId,
    /// Place in the feed.
    pub seq: u64,
    /// What it carries.
    pub kind: Kind,
    /// Its id.
    pub id: EnvelopeId,
    /// All bytes, as received.
    pub bytes: Arc<[u8]>,
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            arrival,
            device,
            seq,
            kind,
            id,
            bytes,
        } = self;
        write!(
            f,
            "Stored({arrival}: {kind} {device:?}#{seq} {id:?} {} bytes)",
            bytes.len()
        )
    }
}

impl Stored {
    /// The envelope as it stands at an arrival number.
    pub fn new(arrival: u64, envelope: &Envelope) -> Self {
        let header = envelope.header();
        Self {
            arrival,
            device: header.device,
            seq: header.seq,
            kind: header.kind,
            id: envelope.id(),
            bytes: envelope.bytes().clone(),
        }
    }
}

/// Small records beside the envelopes, by purpose. The number is the one in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Bucket {
    /// Who this database belongs to: keys, unit, roles.
    Profile = 0,
    /// Space definitions: space id → encoded [`sotay_feed::Space`].
    Space = 1,
    /// Epoch keys of the key ring.
    EpochKey = 2,
    /// Document snapshots by document id.
    Snapshot = 3,
    /// Raw changes since the snapshot: document id ‖ number.
    Tail = 4,
    /// Changes whose dependencies have not arrived: document id ‖ change hash.
    Orphan = 5,
    /// Local changes not yet sealed into an envelope: document id ‖ number.
    Pending = 6,
    /// How far the envelopes of a space have been applied to documents.
    Applied = 7,
    /// What is known of a relay or peer: relay key ‖ space.
    Peer = 8,
    /// Envelopes that were refused, with the reason, for the person who wrote them.
    Quarantine = 9,
    /// Display names and other personal data by member.
    Person = 10,
    /// Index of documents: document id → kind, space, period.
    Document = 11,
    /// A relay's pins and permissions.
    Relay = 12,
    /// Documents of the library, and parts of those that are not complete yet.
    Library = 13,
    /// Reading marks, attempts and notes of the holder.
    Study = 14,
    /// Seals of texts: what was sealed, who signed, and which phones have handed in what they wrote.
    Seal = 15,
    /// Feedback: what the committee received, what the holder wrote, the keys and slots of the inbox.
    Inbox = 16,
    /// Letters between a unit and the one above it.
    Dispatch = 17,
    /// Envelopes of which only what verifies may be kept: envelope id → nothing. A store holds to it by itself: a record
    /// here erases the body of the envelope in the same commit, and one that comes later is stored without its body. The
    /// records are never deleted. See [`sotay_feed::Envelope::erase`].
    Erased = 18,
    /// What relays signed, and proofs that one of them signed two histories.
    Checkpoint = 19,
}

impl Bucket {
    /// Every bucket.
    pub const ALL: [Bucket; 20] = [
        Bucket::Profile,
        Bucket::Space,
        Bucket::EpochKey,
        Bucket::Snapshot,
        Bucket::Tail,
        Bucket::Orphan,
        Bucket::Pending,
        Bucket::Applied,
        Bucket::Peer,
        Bucket::Quarantine,
        Bucket::Person,
        Bucket::Document,
        Bucket::Relay,
        Bucket::Library,
        Bucket::Study,
        Bucket::Seal,
        Bucket::Inbox,
        Bucket::Dispatch,
        Bucket::Erased,
        Bucket::Checkpoint,
    ];
}

/// One record to write, or to delete when `value` is `None`.
#[derive(Clone, PartialEq, Eq)]
pub struct Put {
    /// Which bucket.
    pub bucket: Bucket,
    /// Key, at most [`KEY_BYTES_MAX`] bytes.
    pub key: Vec<u8>,
    /// New value, at most [`VALUE_BYTES_MAX`] bytes, or `None` to delete.
    pub value: Option<Vec<u8>>,
}

/// Key and value of a record, as [`Store::list`] returns them.
pub type KeyValue = (Vec<u8>, Vec<u8>);

/// Bytes of a record's key.
pub const KEY_BYTES_MAX: usize = 256;
/// Bytes of a record's value.
pub const VALUE_BYTES_MAX: usize = 64 * 1024 * 1024;

impl Put {
    /// From now on nobody keeps the body of this envelope, see [`Bucket::Erased`].
    pub fn erase(id: EnvelopeId) -> Self {
        Self {
            bucket: Bucket::Erased,
            key: id.as_bytes().to_vec(),
            value: Some(Vec::new()),
        }
    }

    /// The envelope whose body this record erases.
    pub fn erases(&self) -> Option<EnvelopeId> {
        let erases = self.bucket == Bucket::Erased && self.value.is_some();
        EnvelopeId::from_slice(&self.key).filter(|_| erases)
    }

    /// Refuses keys over [`KEY_BYTES_MAX`] and values over [`VALUE_BYTES_MAX`].
    pub fn check_limits(&self) -> Result<(), StoreError> {
        let check = |len, limit| {
            if len > limit {
                Err(StoreError::TooLarge { len, limit })
            } else {
                Ok(())
            }
        };
        check(self.key.len(), KEY_BYTES_MAX)?;
        check(self.value.as_ref().map_or(0, Vec::len), VALUE_BYTES_MAX)
    }
}

impl std::fmt::Debug for Put {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values may be keys or personal data.
        let Self { bucket, key, value } = self;
        write!(
            f,
            "Put({bucket:?}, key of {} bytes, {:?})",
            key.len(),
            value.as_ref().map(Vec::len)
        )
    }
}

/// Everything that becomes durable together.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Envelopes to append, in order. Each must continue its feed; see [`Outcome`].
    pub envelopes: Vec<Verified<Envelope>>,
    /// Records to write.
    pub puts: Vec<Put>,
    /// Those of `envelopes` that may follow their feed's tip though numbers between are missing, because whoever commits
    /// knows that a cover lets them be missing (P3.4). A leap over nothing is judged as every envelope.
    pub leaps: BTreeSet<EnvelopeId>,
}

/// What became of one envelope of a batch. Anything but `Stored` left the feed as it was and does not fail the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Appended; its place in the arrival order.
    Stored(Arrival),
    /// The same bytes were there already, or its number is below the tip and no longer held, or never was (P3.4).
    Duplicate,
    /// Earlier envelopes of the feed are missing.
    Gap {
        /// The number that would be next.
        expected: u64,
    },
    /// Another envelope holds its place, or its predecessor is another one: kept as evidence, not appended.
    Fork {
        /// Highest number at which the two histories are proven to have parted: its own, or one less when it names
        /// another predecessor.
        seq: u64,
    },
}

/// A durable transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// One for each envelope of the batch, in order.
    pub outcomes: Vec<Outcome>,
}

/// How much a range query may return; at least one envelope is returned if any matches.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Envelopes at most.
    pub count: usize,
    /// Sum of their bytes at most.
    pub bytes: usize,
}

/// Part of a range, in arrival order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The envelopes.
    pub envelopes: Vec<Stored>,
    /// Arrival number up to which the range has been looked at: continue after it. It is the head of the space when
    /// nothing more follows.
    pub upto: u64,
    /// Whether more follows.
    pub more: bool,
}

/// Proof that the history of a device forked: `other` against what the feed holds at `other`'s number or, when it names
/// another predecessor, at the number before. One per feed is kept, that with the lowest number.
#[derive(Clone, PartialEq, Eq)]
pub struct ForkEvidence {
    /// The space.
    pub space: SpaceId,
    /// The device.
    pub device: DeviceId,
    /// Number at which the histories part.
    pub seq: u64,
    /// The envelope that was not appended.
    pub other: Arc<[u8]>,
}

impl std::fmt::Debug for ForkEvidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            space,
            device,
            seq,
            other,
        } = self;
        write!(
            f,
            "ForkEvidence({space:?} {device:?}#{seq} {} bytes)",
            other.len()
        )
    }
}

/// Why the store could not do what was asked. The environment's fault, never the peer's.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room on the disk, or a space at [`ARRIVALS_PER_SPACE_MAX`]. Nothing of the call was written.
    #[error("the disk is full")]
    Full,
    /// Another process holds the database.
    #[error("the database is in use by another process")]
    Busy,
    /// A database server does not answer. Whether a commit that ended so took effect is not known.
    #[error("the database server does not answer")]
    Unreachable,
    /// Another process wrote the same space at the same moment, so that what was judged no longer holds: judge again.
    #[error("another process wrote the same space at the same moment")]
    Moved,
    /// The file or file system cannot be written.
    #[error("the database cannot be written")]
    ReadOnly,
    /// A page does not hold what it should; restore from a backup or enrol again.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// Written by a newer version of this software.
    #[error("the database has version {found}, this program reads up to {known}")]
    Newer {
        /// Version in the file.
        found: u32,
        /// Newest version this build reads.
        known: u32,
    },
    /// Not a database of this software.
    #[error("the file is not a Sổ Tay database")]
    Foreign,
    /// The key that was given does not open the file: it belongs to another file, or the file is damaged at its beginning.
    #[error("the key does not open the database")]
    WrongKey,
    /// A key was given and this build has plain SQLite, which would write in the open. Nothing was written.
    #[error("this build cannot encrypt databases")]
    NoCipher,
    /// A key or value over its limit: our own mistake, or a document past its limit.
    #[error("a record of {len} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its length.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// Anything else the operating system reports.
    #[error("storage failed: {0}")]
    Io(String),
}

/// What other processes that share a database wrote since the owner of a store last asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    /// Spaces that gained envelopes, with the arrival number up to which they were known here.
    pub spaces: BTreeMap<SpaceId, u64>,
    /// Spaces in which a fork was proven.
    pub forked: BTreeSet<SpaceId>,
    /// Buckets in which records were written.
    pub records: BTreeSet<Bucket>,
    /// News may have been missed: anything may have changed.
    pub anything: bool,
}

impl News {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Where envelopes and records live. Synchronous: one call, one transaction; a write is on disk when it returns.
///
/// Exactly one thread owns a store. All range reads are in arrival order. A database that several processes share is
/// seen as it was when a space was first read; [`Store::news`] brings it forward.
pub trait Store: Send {
    /// Identity of this database.
    fn database_id(&self) -> DatabaseId;

    /// Appends and writes, all or nothing; one [`Outcome`] per envelope.
    fn commit(&mut self, batch: Batch) -> Result<Committed, StoreError>;

    /// Last envelope of a feed.
    fn tip(&self, space: &SpaceId, device: DeviceId) -> Result<Option<Tip>, StoreError>;

    /// Number of the tip of every feed of a space: what is below it is held, was dropped, or was leaped over.
    fn frontier(&self, space: &SpaceId) -> Result<Frontier, StoreError>;

    /// The newest arrival of a space; number 0 when it holds nothing.
    fn head(&self, space: &SpaceId) -> Result<Arrival, StoreError>;

    /// Whether this database went through exactly that arrival (number 0 with a zero chain always matches).
    fn passed(&self, space: &SpaceId, arrival: Arrival) -> Result<bool, StoreError>;

    /// Envelopes of a space that arrived after `after`.
    fn since(&self, space: &SpaceId, after: u64, budget: Budget) -> Result<Page, StoreError>;

    /// The same, leaving out what `have` already holds.
    fn missing(
        &self,
        space: &SpaceId,
        have: &Frontier,
        after: u64,
        budget: Budget,
    ) -> Result<Page, StoreError>;

    /// Drops the envelopes of a space with these authors and numbers: their bytes, place and id are gone, and only the chain of arrivals still knows that
    /// something came. Tip, head, frontier and what [`Store::passed`] says stay. Durable when it returns, and any part of
    /// it done alone is a valid state. What is not held is passed over, and so is what has to stay: the tip, and numbers at
    /// or above that of a proven fork, which need what they contradict.
    fn drop_envelopes(&mut self, space: &SpaceId, places: &[(DeviceId, u64)]) -> Result<Dropped, StoreError>;

    /// Arrivals after `after` with their chains, those that were dropped included: for whoever copies the database.
    fn log(&self, space: &SpaceId, after: u64, budget: Budget) -> Result<Log, StoreError>;

    /// Appends arrivals as another database has them, with what was dropped there, in one transaction. `false`, and nothing
    /// is written: a row does not continue what is here. An envelope may leap in its feed; that its signature and the
    /// place of the first row ([`Log::before`]) are right is for the caller to see to.
    fn follow(&mut self, space: &SpaceId, rows: &[Copied]) -> Result<bool, StoreError>;

    /// One envelope by its place in its feed; `None` also when it was dropped.
    fn at(&self, space: &SpaceId, device: DeviceId, seq: u64) -> Result<Option<Stored>, StoreError>;

    /// One envelope by its id; `None` also when it was dropped.
    fn envelope(&self, id: EnvelopeId) -> Result<Option<Stored>, StoreError>;

    /// Bytes of all envelopes of a space.
    fn space_bytes(&self, space: &SpaceId) -> Result<u64, StoreError>;

    /// All spaces that hold an envelope, by id.
    fn spaces(&self) -> Result<Vec<SpaceId>, StoreError>;

    /// Forks seen so far, by space and device.
    fn forks(&self) -> Result<Vec<ForkEvidence>, StoreError>;

    /// A record.
    fn get(&self, bucket: Bucket, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// All records of a bucket whose key starts with `prefix`, by key.
    fn list(&self, bucket: Bucket, prefix: &[u8]) -> Result<Vec<KeyValue>, StoreError>;

    /// Whether other processes may write the same database. What they write is told by [`Store::news`].
    fn is_shared(&self) -> bool {
        false
    }

    /// What other processes wrote since the last call; from here on it is seen.
    fn news(&mut self) -> Result<News, StoreError> {
        Ok(News::default())
    }

    /// Keeps other processes from writing a space until the next [`Store::commit`] or [`Store::release`]. `false`: one
    /// of them is writing it now, and `wait` was not asked for. Nobody may wait while holding another space, lest two
    /// wait for each other. What they wrote before is told by [`Store::news`].
    fn hold(&mut self, space: &SpaceId, wait: bool) -> Result<bool, StoreError> {
        let _ = (space, wait);
        Ok(true)
    }

    /// Bytes that the database takes on the server it is on. `None`: it is no server's; look at its file.
    fn server_bytes(&self) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    /// Ends every [`Store::hold`] without writing.
    fn release(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}
