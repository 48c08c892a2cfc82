//! From stored envelopes to documents: open, admit through the gate, apply in one batch per document, remember.
//!
//! Envelopes are durable before this runs; a cursor per space says how far they have been applied. A crash in between
//! is healed by running it again, because every step is idempotent.

use std::collections::{BTreeMap, BTreeSet};

use sotay_document::{GateError, Run, Touched};
use sotay_feed::{
    DeviceId, DocId, Envelope, EnvelopeId, InOrder, IntoTree, Kind, MemberId, Space, SpaceKind, UnitId,
};
use sotay_handbook::{DocKind, HandbookEvent, Place, events, place_of};
use sotay_membership::Record;
use sotay_membership::seal::SealId;
use sotay_store::{Bucket, Budget, Put, Store, Stored};
use sotay_vault::{KeyRing, open_body, open_epoch, open_key_ring};

use super::Device;
use super::books::{BookKey, orphan_key, orphan_put};
use super::home::{SEALED, ring_puts};
use super::people::PersonRecord;
use super::rereading::{Form, aside_put};
use super::waiting::{applied_put, full_put, locked_put, unit_space};
use crate::error::DeviceError;
use crate::event::{Event, SetAside};

pub(super) const PAGE: Budget = Budget {
    count: 4096,
    bytes: 8 << 20,
};

/// A run with where it came from.
struct Arrived {
    envelope: EnvelopeId,
    arrival: u64,
    author: DeviceId,
    /// From a copy that counts.
    covered: bool,
    run: Run,
}

/// Envelopes of one pass, sorted by what they change.
#[derive(Default)]
pub(super) struct Haul {
    runs: BTreeMap<DocId, (BookKey, Vec<Arrived>)>,
    pub(super) people: Vec<(EnvelopeId, PersonRecord)>,
    /// Sensitive cards, with whose they are.
    pub(super) contacts: Vec<(EnvelopeId, MemberId, Vec<u8>)>,
    /// Cards that an erasure names.
    pub(super) erased: Vec<EnvelopeId>,
    pub(super) puts: Vec<Put>,
    library: bool,
    /// Documents with changes that do not count.
    late: BTreeSet<DocId>,
    pub(super) sealed: BTreeSet<SealId>,
    pub(super) feedback: bool,
    /// Copies that count, once one was looked at.
    copies: Option<BTreeSet<EnvelopeId>>,
}

impl Haul {
    pub(super) fn carry_names(&mut self, names: Vec<(EnvelopeId, PersonRecord)>) {
        self.people.extend(names);
    }

    /// The copies that count; read once for all of the haul.
    pub(super) fn counting_copies(
        &mut self,
        read: impl FnOnce() -> BTreeSet<EnvelopeId>,
    ) -> &BTreeSet<EnvelopeId> {
        self.copies.get_or_insert_with(read)
    }

    fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.people.is_empty() && self.puts.is_empty() && self.erased.is_empty()
    }
}

impl<S: Store> Device<S> {
    /// Applies everything that is stored and not applied yet. Nothing new: no work, no write.
    pub(super) fn absorb(&mut self) -> Result<(), DeviceError> {
        if self.home.is_none() {
            return self.finish_joining();
        }
        let judged_anew = self.absorb_roll(self.space(SpaceKind::Roll)?)? | self.forked;
        let above_anew = self.absorb_rolls_above(judged_anew)?;
        for space in self.spaces()? {
            if space.kind != SpaceKind::Roll {
                self.absorb_space(&space)?;
            }
        }
        self.take_up_keys()?;
        for unit in self.units_above() {
            self.absorb_space(&Space::of(unit, SpaceKind::Broadcast))?;
        }
        let below: Vec<_> = self.followed.units.keys().copied().collect();
        let mut rolls = false;
        for unit in below {
            rolls |= self.absorb_roll(Space::of(unit, SpaceKind::Roll))?;
            self.absorb_space(&Space::of(unit, SpaceKind::Report))?;
        }
        if rolls {
            self.accept_moved()?;
        }
        if judged_anew || above_anew {
            self.sweep_study()?;
        }
        if judged_anew {
            self.sweep()?;
            self.tend_keys()?;
            self.forked = false;
        }
        Ok(())
    }

    /// Whether there was anything new.
    ///
    /// Membership records were evaluated when they were stored; here their sealed parts are opened.
    pub(super) fn absorb_roll(&mut self, roll: Space) -> Result<bool, DeviceError> {
        let head = self.replica.store().head(&roll.id())?.number;
        let after = self.applied(&roll.id())?;
        if after == head {
            return Ok(false);
        }
        // What memory holds never runs ahead of the disk: a key that was not stored has to be found again.
        let ring = self.keys_on_record(&roll, after)?;
        let mut puts = vec![applied_put(&roll.id(), head)];
        if ring.len() > self.ring.len() {
            puts.extend(ring_puts(&self.ring, &ring)?);
        }
        self.write(puts)?;
        self.ring = ring;
        self.events.push_back(Event::Membership);
        if self.home()?.unit == roll.unit {
            for kind in SEALED {
                self.replica.know_space(Space::of(roll.unit, kind))?;
            }
            for space in self.guest_spaces(self.membership()?)? {
                self.replica.know_space(space)?;
            }
        }
        Ok(true)
    }

    /// The ring with the keys that records of a roll hold for this device, of grants after an arrival.
    pub(super) fn keys_on_record(&self, roll: &Space, mut after: u64) -> Result<KeyRing, DeviceError> {
        let mut ring = self.ring.clone();
        loop {
            let page = self.replica.store().since(&roll.id(), after, PAGE)?;
            after = page.upto;
            for stored in &page.envelopes {
                self.read_roll(stored, &mut ring);
            }
            if !page.more {
                break;
            }
        }
        self.open_epochs(roll.unit, &mut ring)?;
        Ok(ring)
    }

    fn read_roll(&self, stored: &Stored, ring: &mut KeyRing) {
        let Ok(envelope) = Envelope::decode(&stored.bytes) else {
            return;
        };
        let Ok((record, clear)) = Record::decode(stored.kind, envelope.body()) else {
            return;
        };
        if let Record::Grant(grant) = record
            && grant.keys == self.keys.public()
        {
            let Some(home) = &self.home else { return };
            match open_key_ring(&self.keys, &home.unit, &envelope.body()[clear..]) {
                Ok(Some(granted)) => ring.extend(granted),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "key ring of a grant to this device"),
            }
        }
    }

    /// Keys of all epochs that have a box for this device. Every epoch on record is looked at, not only new ones: a grant
    /// that names another recipient may come after the epoch, and until then the recipient is a ghost.
    fn open_epochs(&self, unit: UnitId, ring: &mut KeyRing) -> Result<(), DeviceError> {
        let (home, membership) = (self.home()?, self.membership_of(unit)?);
        let shown = membership
            .guest_documents()
            .into_iter()
            .map(|doc| Space::guest(unit, doc));
        let spaces = SEALED.map(|kind| Space::of(unit, kind)).into_iter().chain(shown);
        for space in spaces.chain([Space::private(home.unit, home.member)]) {
            let id = space.id();
            let granted = membership.ever_readers(&space);
            for (_, device, record, _) in membership.epoch_records(&id) {
                if ring.get(id.tag(), record.epoch()).is_some() || !record.boxes.contains_key(&self.id()) {
                    continue;
                }
                match open_epoch(record, &self.keys, &granted) {
                    Ok(key) => drop(ring.insert(id.tag(), key)),
                    Err(error) => tracing::warn!(%error, maker = ?device, "epoch refused"),
                }
            }
        }
        Ok(())
    }

    fn absorb_space(&mut self, space: &Space) -> Result<(), DeviceError> {
        let id = space.id();
        let head = self.replica.store().head(&id)?.number;
        let mut after = self.applied(&id)?;
        let mut haul = Haul::default();
        self.retry_locked(space, &mut haul)?;
        self.weigh_copies(space, &mut haul)?;
        if space.kind == SpaceKind::Inbox {
            self.read_forked_letters(space, &mut haul)?;
        }
        while after < head {
            let page = self.replica.store().since(&id, after, PAGE)?;
            after = page.upto;
            for stored in page.envelopes {
                self.sort_in(space, stored, &mut haul);
            }
            if !page.more {
                break;
            }
        }
        if after == self.applied(&id)? && haul.is_empty() {
            return Ok(());
        }
        haul.puts.push(applied_put(&id, after.max(head)));
        self.land_in(space, haul)
    }

    /// Lands what came of one space, and what follows from it for documents that wait.
    pub(super) fn land_in(&mut self, space: &Space, haul: Haul) -> Result<(), DeviceError> {
        let docs: BTreeSet<DocId> = haul.runs.keys().chain(&haul.late).copied().into_set();
        let disputed = self.land(haul)?;
        self.retry_full(space)?;
        self.remake(space, &disputed)?;
        self.vouch(space, &docs)
    }

    /// One envelope into the haul. What cannot be opened yet is remembered; what can never be used is set aside.
    pub(super) fn sort_in(&mut self, space: &Space, stored: Stored, haul: &mut Haul) {
        let id = space.id();
        if self.forms.lacks(Form::Kind(stored.kind)) {
            return self.set_aside(&stored, SetAside::UnknownKind, haul);
        }
        if matches!(space.kind, SpaceKind::Main | SpaceKind::Committee)
            && matches!(stored.kind, Kind::SEAL | Kind::RECEIPT)
        {
            return self.read_seal(space, &stored, haul);
        }
        if space.kind == SpaceKind::Inbox && stored.kind == Kind::INBOX {
            return self.read_inbox(space, &stored, haul);
        }
        if stored.kind == Kind::SNAPSHOT && matches!(space.kind, SpaceKind::Main | SpaceKind::Committee) {
            return self.read_carried(space, &stored, haul);
        }
        if stored.kind == Kind::ERASE {
            return self.read_erasure(&stored, haul);
        }
        let read_here = match stored.kind {
            Kind::CHANGE => true,
            // Names are those of the own unit.
            Kind::PERSON => space.kind == SpaceKind::Main,
            Kind::CARD => matches!(space.kind, SpaceKind::Main | SpaceKind::Committee),
            Kind::CARE => space.kind == SpaceKind::Committee,
            Kind::PUBLICATION => space.kind == SpaceKind::Broadcast,
            Kind::STUDY => matches!(space.kind, SpaceKind::Private | SpaceKind::Main),
            Kind::INBOX => matches!(space.kind, SpaceKind::Main | SpaceKind::Committee),
            Kind::DISPATCH => matches!(space.kind, SpaceKind::Main | SpaceKind::Report),
            _ => false,
        };
        if !read_here {
            return self.set_aside(&stored, SetAside::UnknownKind, haul);
        }
        let Ok(envelope) = Envelope::decode(&stored.bytes) else {
            return;
        };
        if envelope.is_erased() {
            return;
        }
        let Some(key) = self.ring.get(id.tag(), envelope.header().epoch) else {
            haul.puts
                .push(locked_put(&id, stored.arrival, Some(envelope.header().epoch)));
            return;
        };
        let Ok(payload) = open_body(envelope.header_bytes(), key, envelope.body()) else {
            return self.set_aside(&stored, SetAside::Unreadable, haul);
        };
        let form = payload.first().map(|form| Form::Payload(stored.kind, *form));
        if form.is_some_and(|form| self.forms.lacks(form)) {
            return self.set_aside(&stored, SetAside::Unreadable, haul);
        }
        let membership = self.membership_of(space.unit);
        if membership.is_ok_and(|membership| membership.may_admit(&envelope, space).is_err()) {
            let doc = Run::decode(&payload)
                .ok()
                .filter(|_| stored.kind == Kind::CHANGE)
                .map(|run| run.doc);
            haul.late.extend(doc);
            haul.puts.push(Self::left_out(id.tag(), &stored, doc));
            return self.set_aside(&stored, SetAside::NotAllowed, haul);
        }
        let rows = match stored.kind {
            Kind::PERSON => return self.read_person(&stored, &payload, haul),
            Kind::DISPATCH => return self.read_dispatch(space, &stored, &envelope, &payload, haul),
            Kind::CARD if space.kind == SpaceKind::Main => {
                return self.read_name_card(&stored, &payload, haul);
            }
            Kind::CARD => return self.read_contact_card(&stored, &payload, haul),
            Kind::CARE => return self.read_care(&stored, &payload, haul),
            Kind::INBOX => return self.read_about_inbox(space, &stored, &payload, haul),
            Kind::PUBLICATION => {
                let own = self.unit() == Some(space.unit);
                Some(self.library.learn_publication((space.unit, own), &payload))
            }
            Kind::STUDY if space.kind == SpaceKind::Main => return self.read_shared(&stored, &payload, haul),
            Kind::STUDY => Some(self.library.learn_study(&payload).map(|row| vec![row])),
            _ => None,
        };
        if let Some(rows) = rows {
            match rows {
                Some(puts) => {
                    haul.puts.extend(puts);
                    haul.library = true;
                }
                None => self.set_aside(&stored, SetAside::Unreadable, haul),
            }
            return;
        }
        match Run::decode(&payload) {
            Ok(run) => self.take_run(space, &stored, stored.device, run, haul),
            Err(_) => self.set_aside(&stored, SetAside::Unreadable, haul),
        }
    }

    /// Changes of a document by one author, who is the writer of the envelope or whom an officer copied.
    pub(super) fn take_run(
        &mut self,
        space: &Space,
        stored: &Stored,
        author: DeviceId,
        run: Run,
        haul: &mut Haul,
    ) {
        let readable = |key: &BookKey| {
            key.kind.knows(key.schema) && !self.forms.lacks(Form::Document(key.kind, key.schema))
        };
        let Some(key) = BookKey::of(space.kind, &run).filter(readable) else {
            return self.set_aside(stored, SetAside::UnknownDocument, haul);
        };
        let known = haul.runs.get(&key.doc).map(|(known, _)| *known);
        let known = known.or_else(|| self.known_document(key.doc).ok().flatten());
        if !known.map_or_else(|| self.can_be(space.unit, &key), |known| known == key) {
            return self.set_aside(stored, SetAside::OtherDocument, haul);
        }
        let covered = haul
            .copies
            .as_ref()
            .is_some_and(|copies| copies.contains(&stored.id));
        let (_, runs) = haul.runs.entry(key.doc).or_insert((key, Vec::new()));
        runs.push(Arrived {
            envelope: stored.id,
            arrival: stored.arrival,
            author,
            covered,
            run,
        });
    }

    /// The document that a run makes known, where it may.
    pub(super) fn key_of(&self, space: &Space, run: &Run) -> Option<BookKey> {
        let key = BookKey::of(space.kind, run)?;
        (key.kind.knows(key.schema) && self.can_be(space.unit, &key)).then_some(key)
    }

    /// Whether a document of this id may be of this kind and in this space. Everybody can compute the ids of the roster
    /// and of meetings to come: without this, whoever wrote first would decide what they are, and could make the
    /// committee's phones publish its minutes where everybody reads.
    fn can_be(&self, unit: UnitId, key: &BookKey) -> bool {
        match (place_of(unit, key.doc), key.kind, key.space) {
            (Some(Place::Main(kind)), _, SpaceKind::Main)
            | (Some(Place::Committee(kind)), _, SpaceKind::Committee)
            | (Some(Place::Report(kind)), _, SpaceKind::Report) => kind == key.kind,
            (Some(_), ..) => false,
            (None, DocKind::Meeting, SpaceKind::Main | SpaceKind::Committee) => true,
            (None, DocKind::Resolution, SpaceKind::Main) => true,
            (None, ..) => false,
        }
    }

    fn read_shared(&mut self, stored: &Stored, payload: &[u8], haul: &mut Haul) {
        let author = self.membership().ok().and_then(|m| m.standing(stored.device));
        match self
            .library
            .shared
            .learn(author.and_then(|author| author.member), stored, payload)
        {
            Some(row) => {
                haul.library |= row.is_some();
                haul.puts.extend(row);
            }
            None => self.set_aside(stored, SetAside::Unreadable, haul),
        }
    }

    pub(super) fn set_aside(&mut self, stored: &Stored, reason: SetAside, haul: &mut Haul) {
        tracing::warn!(kind = %stored.kind, device = ?stored.device, seq = stored.seq, ?reason, "set aside");
        haul.puts.push(aside_put(&stored.id, Some(reason)));
        self.events.push_back(Event::SetAside {
            envelope: stored.id,
            device: stored.device,
            reason,
        });
    }

    /// Applies the haul, one batch per document, and makes it durable with the cursor.
    /// Gives back documents in which a copy that counts found its place taken.
    pub(super) fn land(&mut self, haul: Haul) -> Result<BTreeSet<DocId>, DeviceError> {
        let docs: Vec<DocId> = haul.runs.keys().copied().collect();
        let landed = self.try_land(haul);
        if landed.is_err() {
            // Documents that took in what was not stored would take it for known when it comes again.
            docs.iter().for_each(|doc| drop(self.books.remove(doc)));
            self.library.reload(self.replica.store())?;
        }
        landed
    }

    fn try_land(&mut self, haul: Haul) -> Result<BTreeSet<DocId>, DeviceError> {
        let mut disputed = BTreeSet::new();
        let mut puts = haul.puts;
        let mut people = self.people.clone();
        let before = puts.len();
        puts.extend(
            haul.people
                .into_iter()
                .filter_map(|(id, record)| people.learn(id, record)),
        );
        let cards = self.settle_cards(haul.contacts, haul.erased, &mut puts, &mut people)?;
        let names = cards || puts.len() > before;
        let mut touched: Vec<(BookKey, Vec<Touched>)> = Vec::new();
        let unit = self.home()?.unit;
        for (key, mut runs) in haul.runs.into_values() {
            let book = self.book(key)?;
            // What copies hold came first in its feed.
            runs.in_order_by_key(|arrived: &Arrived| !arrived.covered);
            let origins: Vec<(EnvelopeId, u64, DeviceId, bool)> = runs
                .iter()
                .map(|from| (from.envelope, from.arrival, from.author, from.covered))
                .collect();
            let runs = runs.into_iter().map(|arrived| (arrived.author, arrived.run));
            let applied = book.document.apply(runs.collect());
            puts.extend(book.persist(applied.admitted.iter().map(|change| &change[..])));
            puts.extend(applied.orphans.iter().map(|orphan| orphan_put(key.doc, orphan)));
            puts.extend(applied.released.iter().map(|hash| Put {
                bucket: Bucket::Orphan,
                key: orphan_key(key.doc, hash),
                value: None,
            }));
            for refused in &applied.refused {
                let origin = refused.origin.and_then(|(run, _)| origins.get(run).copied());
                if let (GateError::OrphansFull, Some((_, arrival, ..))) = (refused.error, origin) {
                    puts.push(full_put(&unit_space(unit, key.space), arrival, true));
                    continue;
                }
                if origin.is_some_and(|(.., covered)| covered) {
                    disputed.insert(key.doc);
                }
                tracing::warn!(doc = ?key.doc, error = %refused.error, "change refused at the gate");
                // The gate of a later version may let it in.
                puts.extend(origin.map(|(envelope, ..)| aside_put(&envelope, Some(SetAside::Refused))));
                self.events.push_back(Event::ChangeRefused {
                    doc: key.doc,
                    device: origin.map(|(_, _, author, _)| author),
                });
            }
            touched.push((key, applied.touched));
        }
        self.write(puts)?;
        self.people = people;
        for (key, touched) in touched {
            self.announce(key, &touched);
        }
        if names {
            self.events.push_back(Event::Names);
        }
        if haul.library {
            self.reload_directives()?;
            self.events.push_back(Event::Library);
        }
        if haul.feedback {
            self.events.push_back(Event::Feedback);
        }
        self.announce_seals(haul.sealed)?;
        Ok(disputed)
    }

    /// Tells listeners what an edit or a merge touched.
    pub(super) fn announce(&mut self, key: BookKey, touched: &[Touched]) {
        for event in events(key.kind, touched) {
            if event == HandbookEvent::Phase {
                self.ended.insert(key.doc);
            }
            self.events.push_back(Event::Handbook { doc: key.doc, event });
        }
    }
}
