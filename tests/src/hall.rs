//! AL-42 with its three phones and a relay in one thread: what tests about who may do what begin with.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_engine::handbook::meeting::Command;
use sotay_engine::{AdmitRequest, Device, Pass};
use sotay_feed::limits::SEQ_MAX;
use sotay_feed::{DeviceId, DocId, EnvelopeId, Kind, Space, SpaceKind, SpaceTag, Tip};
use sotay_membership::{Grant, Reason, Record, Revoke, Validity};
use sotay_store::{DatabaseId, MemoryStore};

use crate::branch::{Branch, P1, P2, P3};
use crate::covers::write;
use crate::pump;
use crate::shard::Shard;

/// A phone of these tests.
pub type Phone = Device<MemoryStore>;

/// The store of a phone or relay with this number.
pub fn store(number: u8) -> MemoryStore {
    MemoryStore::new(DatabaseId([number; 16]))
}

/// A phone that belongs to nobody yet.
pub fn stranger(number: u8, label: &str) -> Phone {
    let rng = Box::new(StdRng::seed_from_u64(u64::from(number)));
    Device::create(store(number), label, rng).expect("a profile is made")
}

/// A cut-off that accepts everything.
pub fn everything() -> Tip {
    Tip {
        seq: SEQ_MAX,
        id: EnvelopeId::ZERO,
    }
}

/// Three phones, and further ones from place 3 on; one relay; the meeting of May.
pub struct Hall {
    /// The phones and members.
    pub branch: Branch<MemoryStore>,
    /// The relay.
    pub relay: Shard<MemoryStore>,
    /// May's meeting, begun by the secretary.
    pub doc: DocId,
    now: i64,
    links: u64,
}

impl Hall {
    /// The branch is founded, its meeting begun, and everybody knows of it. Phones sync at `now`.
    pub fn open(seed: u64, now: i64) -> Self {
        let mut branch = Branch::found([store(1), store(2), store(3)], seed);
        let doc = branch.begin(P3);
        branch.on(P3, doc, 1, Command::SetPlace("Nhà văn hóa".into()));
        let mut hall = Self {
            branch,
            relay: Shard::open(store(9)).expect("an empty store"),
            doc,
            now,
            links: 0,
        };
        for phone in [P3, P2, P1, P3] {
            hall.sync(phone);
        }
        hall
    }

    /// A whole exchange of one of the phones.
    pub fn sync(&mut self, phone: usize) {
        self.links += 1;
        pump::sync(
            &mut self.branch.phones[phone],
            &mut self.relay,
            self.links,
            self.now,
        );
    }

    /// Admits one more phone of a member by a ticket, which brings no records: whatever the phone shows it gets from a relay
    /// or from phones it meets. The secretary's phone syncs. Gives back its place among the phones.
    pub fn admit_by_ticket(&mut self, member: usize, number: u8, rank: u8, now: i64) -> usize {
        let mut phone = stranger(number, &format!("Q{number}"));
        let ask = AdmitRequest {
            request: phone.join_request().expect("keys").to_text(),
            member: self.branch.member(member),
            rank,
            committee: false,
            probationary: false,
            relays: Vec::new(),
        };
        let secretary = &mut self.branch.phones[P3];
        let invitation = secretary.admit(&ask, now).expect("an officer admits");
        let (ticket, _) = secretary.ticket(&invitation);
        phone
            .begin_join(&Pass::Ticket(ticket), now)
            .expect("a ticket of its own");
        self.branch.phones.push(phone);
        self.sync(P3);
        self.branch.phones.len() - 1
    }

    /// Ends a phone's grant by the secretary's hand, with cut-offs that no honest program would choose.
    pub fn revoke_with(&mut self, device: DeviceId, cutoffs: BTreeMap<SpaceTag, Tip>) {
        let secretary = &mut self.branch.phones[P3];
        let unit = secretary.unit().expect("a branch");
        let membership = secretary.replica().membership(unit).expect("its roll");
        let valid = |(_, _, grant, validity): &(EnvelopeId, DeviceId, &Grant, Validity)| {
            grant.device() == device && *validity == Validity::Valid
        };
        let (grant, ..) = membership.grants().find(valid).expect("a grant");
        let record = Record::Revoke(Revoke {
            grant,
            reason: Reason::MISUSE,
            cutoffs,
        });
        let roll = Space::of(unit, SpaceKind::Roll);
        write(secretary, &roll, Kind::REVOKE, None, &record.encode());
        // As after a crash: the program finds the record in its database.
        self.reopen(P3);
    }

    /// Closes a phone's profile and opens it again.
    pub fn reopen(&mut self, phone: usize) {
        let old = std::mem::replace(&mut self.branch.phones[phone], stranger(200, "x"));
        let rng = Box::new(StdRng::seed_from_u64(4242));
        self.branch.phones[phone] = Device::open(old.into_store(), rng).expect("a profile opens");
    }

    /// A whole exchange of a phone that is none of the branch's.
    pub fn sync_other(&mut self, phone: &mut Phone) {
        self.links += 1;
        pump::sync(phone, &mut self.relay, self.links, self.now);
    }

    /// The minutes as a phone has them.
    pub fn minutes(&mut self, phone: usize, doc: DocId) -> String {
        self.branch.phones[phone].minutes(doc).expect("a meeting").text
    }
}
