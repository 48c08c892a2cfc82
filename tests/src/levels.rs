//! A province, a commune below it and a branch below that, with a member, and the relay that serves them all.

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_engine::study::library::{self, Details, Document, Link, import};
use sotay_engine::study::quiz::{Citation, Question, Task};
use sotay_engine::{AdmitRequest, Device, NewBranch, NewMember, NewUnit, Pack, UnitKind, today};
use sotay_feed::{MemberId, UnitId};
use sotay_store::{DatabaseId, MemoryStore};

use crate::pump;
use crate::shard::Shard;

/// The time of every call; shown, never deciding.
pub const NOW: i64 = 1_778_000_000_000;
/// Exchanges of everybody after which a key has come two levels down: at each level one phone must have written it before the
/// next one can.
const ROUNDS: usize = 6;

/// A store of its own for each phone.
pub fn store(number: u8) -> MemoryStore {
    MemoryStore::new(DatabaseId([number; 16]))
}

/// A generator of its own for each phone.
pub fn rng(seed: u8) -> Box<StdRng> {
    Box::new(StdRng::seed_from_u64(u64::from(seed)))
}

/// The phones, by these numbers, and whatever a test adds behind them.
pub struct Levels {
    /// The phones.
    pub phones: Vec<Device<MemoryStore>>,
    /// The relay.
    pub relay: Shard<MemoryStore>,
    /// The branch.
    pub branch: UnitId,
    link: u64,
}

/// An officer of the province.
pub const PROVINCE: usize = 0;
/// An officer of the commune below it.
pub const COMMUNE: usize = 1;
/// The secretary of the branch below that.
pub const BRANCH: usize = 2;
/// A member of the branch, by name Trần Thị Hoa.
pub const MEMBER: usize = 3;

fn found(upper: &mut Device<MemoryStore>, name: &str, level: UnitKind, number: u8) -> Device<MemoryStore> {
    let new = NewBranch {
        level,
        name: name.to_owned(),
        secretary: format!("Bí thư {name}"),
    };
    let founded = upper.found_branches(&[new], NOW).expect("a unit below");
    let (text, code) = &founded[0].packs[0];
    let pack = Pack::from_text(text, code).expect("a pack");
    Device::create_from_pack(store(number), "P1", rng(number), None, &pack, NOW).expect("a secretary's phone")
}

/// A member on the list, with a phone of this rank.
pub fn join(officer: &mut Device<MemoryStore>, number: u8, rank: u8) -> Device<MemoryStore> {
    let names = [NewMember::named("Trần Thị Hoa")];
    let on = officer.add_members(&names, today(NOW).month().first(), NOW);
    admit(officer, on.expect("on the list")[0], number, rank)
}

fn admit(officer: &mut Device<MemoryStore>, member: MemberId, number: u8, rank: u8) -> Device<MemoryStore> {
    let mut joiner = Device::create(store(number), "P4", rng(number)).expect("a phone");
    let ask = AdmitRequest {
        request: joiner.join_request().expect("a request").to_text(),
        member,
        rank,
        committee: false,
        probationary: false,
        relays: Vec::new(),
    };
    let invitation = officer.admit(&ask, NOW).expect("an invitation");
    joiner.accept(&invitation).expect("joined");
    joiner
}

impl Levels {
    /// Founded from the top down; nobody has met the relay.
    pub fn new() -> Self {
        let mut province = Device::create(store(1), "Tỉnh ủy", rng(1)).expect("a phone");
        let unit = NewUnit {
            name: "Đảng bộ tỉnh".to_owned(),
            upper: "Trung ương".to_owned(),
            founder: "Vũ Thị Hà".to_owned(),
            since: None,
        };
        province.create_unit(&unit, NOW).expect("a province");
        let mut commune = found(&mut province, "Đảng bộ xã", UnitKind::COMMITTEE, 2);
        let mut branch = found(&mut commune, "Chi bộ 1", UnitKind::BRANCH, 3);
        let member = join(&mut branch, 4, 4);
        Self {
            branch: branch.unit().expect("a branch"),
            phones: vec![province, commune, branch, member],
            relay: Shard::open(store(9)).expect("a relay"),
            link: 0,
        }
    }

    /// One phone meets the relay.
    pub fn sync(&mut self, phone: usize) {
        self.link += 1;
        pump::sync(&mut self.phones[phone], &mut self.relay, self.link, NOW);
    }

    /// Everybody meets the relay, from the top down and up again, until nothing is new.
    pub fn settle(&mut self) {
        for _ in 0..ROUNDS {
            (0..self.phones.len()).for_each(|phone| self.sync(phone));
        }
    }

    /// One more branch below the commune; its secretary's phone is the last one.
    pub fn add_branch(&mut self, name: &str) {
        let number = 50 + self.phones.len() as u8;
        let secretary = found(&mut self.phones[COMMUNE], name, UnitKind::BRANCH, number);
        self.phones.push(secretary);
    }

    /// A phone for somebody who is on the list of an officer's unit.
    pub fn join_as(&mut self, officer: usize, member: MemberId, number: u8) -> Device<MemoryStore> {
        admit(&mut self.phones[officer], member, number, 4)
    }
}

impl Default for Levels {
    fn default() -> Self {
        Self::new()
    }
}

/// A resolution; with links of a later day than without.
pub fn document(code: &str, title: &str, links: Vec<Link>) -> Document {
    let day = if links.is_empty() { 2 } else { 9 };
    let details = Details {
        kind: "Nghị quyết".to_owned(),
        code: code.to_owned(),
        issuer: "Tỉnh ủy".to_owned(),
        date: library::Date::new(2026, 3, day).expect("a day"),
        title: title.to_owned(),
        alias: None,
        links,
        blobs: Vec::new(),
    };
    let text = format!(
        "Điều 1. {title}\nMỗi chi bộ tổ chức học tập trong tháng ba.\nĐiều 2. Hiệu lực\nTừ ngày ký.\n"
    );
    import(text.as_bytes(), "nq.txt", details)
        .expect("a text")
        .document
}

/// A question whether `text` is right, about the first article of a document, which says `quote`.
pub fn statement(of: &Document, text: &str, right: bool, quote: &str) -> Question {
    Question {
        text: text.to_owned(),
        task: Task::Truth { right },
        explanation: String::new(),
        citation: Citation {
            document: of.id(),
            section: 0,
            label: "Điều 1".to_owned(),
            quote: quote.to_owned(),
        },
    }
}
