//! A unit's roll, written by devices with real keys: what the tests of this crate put into a membership.

#![allow(dead_code, reason = "every test file uses its own part")]

use std::collections::BTreeMap;
use std::sync::Mutex;

use sotay_feed::{
    DeviceId, DeviceKeys, Draft, Envelope, EnvelopeId, Kind, MemberId, Space, SpaceKind, Tip, UnitId,
    Verified,
};
use sotay_membership::{
    Authority, Flags, Genesis, Grant, Lift, Membership, Reason, Record, Revoke, RootAct, RootPolicy, State,
    Suspend, UnitKind, Validity,
};

/// A device by name: everything about it follows from the name. Kept, because making keys takes longer than signing.
pub fn device(name: &str) -> &'static DeviceKeys {
    static KEYS: Mutex<BTreeMap<String, &'static DeviceKeys>> = Mutex::new(BTreeMap::new());
    let mut keys = KEYS.lock().expect("no test panics while it holds this");
    keys.entry(name.to_owned()).or_insert_with(|| {
        let seed = |what: &str| *blake3::hash(format!("{what} {name}").as_bytes()).as_bytes();
        Box::leak(Box::new(DeviceKeys::from_seeds(seed("sign"), seed("seal"))))
    })
}

pub fn id(name: &str) -> DeviceId {
    device(name).id()
}

/// The member a device belongs to: its name up to the slash.
pub fn member(name: &str) -> MemberId {
    let person = name.split('/').next().expect("split gives one part at least");
    let mut id = [0; 16];
    id.copy_from_slice(&blake3::hash(person.as_bytes()).as_bytes()[..16]);
    MemberId::from_bytes(id)
}

/// A root of three keys, of which two have to sign.
pub fn root_policy() -> RootPolicy {
    RootPolicy {
        threshold: 2,
        keys: ["root/1", "root/2", "root/3"]
            .map(|name| device(name).public().sign)
            .into(),
    }
}

/// An act that two of the three keys have signed: which two depends on its number.
pub fn signed_act(unit: &UnitId, serial: u64, record: Record) -> RootAct {
    let mut act = RootAct::new(serial, record).expect("an act of the root");
    let (context, message) = act.message(unit);
    for name in ["root/1", "root/2", "root/3"] {
        let left_out = ["root/1", "root/2", "root/3"][serial as usize % 3];
        if name != left_out {
            let keys = device(name);
            act.signatures
                .insert(keys.public().sign, keys.sign_detached(context, &message));
        }
    }
    act
}

/// A roll and its feeds.
#[derive(Clone)]
pub struct Roll {
    pub genesis: Genesis,
    pub roll: Space,
    tips: BTreeMap<DeviceId, Tip>,
    pub all: Vec<Verified<Envelope>>,
}

impl Roll {
    /// A unit with these authorities; the last one writes the genesis.
    pub fn found(authorities: &[(u8, &str)]) -> Self {
        let seat = |&(rank, name): &(u8, &str)| Authority {
            rank,
            keys: device(name).public(),
        };
        let genesis = Genesis {
            unit_kind: UnitKind::BRANCH,
            parent: Some(UnitId::from_bytes([1; 32])),
            authorities: authorities.iter().map(seat).collect(),
            root_policy: None,
            nonce: [2; 16],
            claimed_ms: 0,
        };
        let mut roll = Self {
            roll: Space::of(genesis.unit_id(), SpaceKind::Roll),
            tips: BTreeMap::new(),
            all: Vec::new(),
            genesis: genesis.clone(),
        };
        let founder = authorities.last().expect("a unit has a founder").1;
        roll.write(founder, &Record::Genesis(genesis));
        roll
    }

    /// A unit under a root of several keys, founded by a device of rank 1.
    pub fn found_under(policy: RootPolicy) -> Self {
        let mut genesis = Self::found(&[(1, "founder")]).genesis;
        genesis.root_policy = Some(policy);
        let mut roll = Self {
            roll: Space::of(genesis.unit_id(), SpaceKind::Roll),
            tips: BTreeMap::new(),
            all: Vec::new(),
            genesis: genesis.clone(),
        };
        roll.write("founder", &Record::Genesis(genesis));
        roll
    }

    /// The branch most tests are about: parent `up`, secretary with two phones, two deputies, two members.
    pub fn branch() -> (Self, BTreeMap<&'static str, EnvelopeId>) {
        let mut roll = Self::found(&[(0, "root"), (1, "up")]);
        let mut grants = BTreeMap::new();
        for (by, rank, to) in [
            ("up", 2, "sec/1"),
            ("up", 2, "sec/2"),
            ("sec/1", 3, "dep"),
            ("sec/1", 3, "two"),
            ("dep", 4, "an/1"),
            ("dep", 4, "an/2"),
            ("dep", 4, "binh"),
        ] {
            grants.insert(to, roll.grant(by, rank, to));
        }
        (roll, grants)
    }

    pub fn unit(&self) -> UnitId {
        self.roll.unit
    }

    pub fn space(&self, kind: SpaceKind) -> Space {
        Space::of(self.unit(), kind)
    }

    /// The end of a device's feed in the roll.
    pub fn tip(&self, who: &str) -> Tip {
        self.tips[&id(who)]
    }

    pub fn write(&mut self, who: &str, record: &Record) -> EnvelopeId {
        self.write_body(who, record.kind(), &record.encode())
    }

    pub fn write_body(&mut self, who: &str, kind: Kind, body: &[u8]) -> EnvelopeId {
        let keys = device(who);
        let tip = self.tips.get(&keys.id()).copied();
        let space = self.roll.id();
        let envelope = Draft::next(keys, kind, &space, tip)
            .sign(keys, &space, body)
            .unwrap();
        self.tips.insert(keys.id(), envelope.tip());
        self.all.push(envelope);
        self.all.last().expect("just pushed").id()
    }

    /// An envelope at any place of a feed. Membership looks at places, not at the chain.
    pub fn write_at(&mut self, who: &str, seq: u64, kind: Kind, body: &[u8]) -> EnvelopeId {
        let tip = (seq > 1).then(|| Tip {
            seq: seq - 1,
            id: EnvelopeId::from_bytes([1; 32]),
        });
        match tip {
            Some(tip) => self.tips.insert(id(who), tip),
            None => self.tips.remove(&id(who)),
        };
        self.write_body(who, kind, body)
    }

    pub fn grant(&mut self, by: &str, rank: u8, to: &str) -> EnvelopeId {
        self.grant_with(by, rank, to, Flags::default())
    }

    pub fn grant_with(&mut self, by: &str, rank: u8, to: &str, flags: Flags) -> EnvelopeId {
        self.write(by, &Record::Grant(grant(rank, to, flags)))
    }

    /// Revokes with the given last accepted places; spaces not named accept nothing.
    pub fn revoke(&mut self, by: &str, grant: EnvelopeId, cuts: &[(Space, Tip)]) -> EnvelopeId {
        let cutoffs = cuts.iter().map(|(space, tip)| (space.id().tag(), *tip)).collect();
        self.write(
            by,
            &Record::Revoke(Revoke {
                grant,
                reason: Reason::NONE,
                cutoffs,
            }),
        )
    }

    pub fn suspend(&mut self, by: &str, device: &str) -> EnvelopeId {
        let record = Suspend {
            device: id(device),
            reason: Reason::LOST,
        };
        self.write(by, &Record::Suspend(record))
    }

    pub fn lift(&mut self, by: &str, suspend: EnvelopeId) -> EnvelopeId {
        self.write(by, &Record::Lift(Lift { suspend }))
    }

    pub fn membership(&self) -> Membership {
        let mut membership = Membership::new(self.unit());
        for envelope in &self.all {
            membership.insert(envelope).unwrap();
        }
        membership
    }
}

pub fn grant(rank: u8, to: &str, flags: Flags) -> Grant {
    Grant {
        member: member(to),
        rank,
        flags,
        keys: device(to).public(),
        scope: None,
        from_ms: 0,
    }
}

/// A place in a feed of a space nobody looks into.
pub fn tip(seq: u64) -> Tip {
    Tip {
        seq,
        id: EnvelopeId::from_bytes([seq as u8; 32]),
    }
}

pub fn state(membership: &Membership, name: &str) -> State {
    membership.standing(id(name)).expect("on record").state
}

pub fn fate(membership: &Membership, grant: EnvelopeId) -> Validity {
    membership
        .grants()
        .find(|(id, ..)| *id == grant)
        .expect("on record")
        .3
}

/// Every order of a few late records gives the same answer.
pub fn in_any_order(roll: &Roll, check: impl Fn(&Membership)) {
    check(&roll.membership());
    for turn in 1..roll.all.len() {
        let mut turned = roll.clone();
        turned.all.rotate_left(turn);
        check(&turned.membership());
        turned.all.reverse();
        check(&turned.membership());
    }
}
