//! AL-42 with its three phones and a relay in one thread: what tests about who may do what begin with.

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_engine::Device;
use sotay_store::{DatabaseId, MemoryStore};

use crate::branch::Branch;
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

/// Three phones, and further ones from place 3 on; one relay.
pub struct Hall {
    /// The phones and members.
    pub branch: Branch<MemoryStore>,
    /// The relay.
    pub relay: Shard<MemoryStore>,
    links: u64,
}

impl Hall {
    /// The branch is founded; nobody has synced yet.
    pub fn found(seed: u64) -> Self {
        Self {
            branch: Branch::found([store(1), store(2), store(3)], seed),
            relay: Shard::open(store(9)).expect("an empty store"),
            links: 0,
        }
    }

    /// A whole exchange of one of the phones.
    pub fn sync(&mut self, phone: usize, now: i64) {
        self.links += 1;
        pump::sync(&mut self.branch.phones[phone], &mut self.relay, self.links, now);
    }

    /// A whole exchange of a phone that is none of the branch's.
    pub fn sync_other(&mut self, phone: &mut Phone, now: i64) {
        self.links += 1;
        pump::sync(phone, &mut self.relay, self.links, now);
    }
}
