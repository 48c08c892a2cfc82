//! What a signed snapshot saves: a year of a branch at the relay, and what a phone that joins fetches, before and after two
//! officers signed and the relay dropped what they signed for.
//!
//! `cargo run --release -p sotay-tests --example bench_snapshot`

use std::time::Instant;

use sotay_engine::{AdmitRequest, Pass, today};
use sotay_feed::{Space, SpaceKind};
use sotay_store::{DatabaseId, MemoryStore};
use sotay_tests::branch::{Branch, P1, P2, P3};
use sotay_tests::covers::{held, prune};
use sotay_tests::hall::stranger;
use sotay_tests::pump::{Talk, sync};
use sotay_tests::shard::Shard;
use sotay_tests::year::{live, live_typed};

/// A day after the year, milliseconds since 1970.
const AFTER: i64 = 1_800_000_000_000;

type Relay = Shard<MemoryStore>;

fn memory(number: u8) -> MemoryStore {
    MemoryStore::new(DatabaseId([number; 16]))
}

fn main() {
    println!("minutes are written and sent at the end of each evening:");
    year(false);
    println!("phones are connected while they write:");
    year(true);
}

/// Exchanges that are not measured.
struct Links(u64);

impl Links {
    fn sync(&mut self, branch: &mut Branch<MemoryStore>, relay: &mut Relay, phones: &[usize]) -> Talk {
        let mut last = Talk::default();
        for phone in phones {
            self.0 += 1;
            last = sync(&mut branch.phones[*phone], relay, self.0, AFTER);
        }
        last
    }
}

fn year(typed: bool) {
    let mut branch = Branch::found([1, 2, 3].map(memory), 9);
    let mut relay = Shard::open(memory(99)).expect("a relay");
    let mut links = Links(0);
    let exchange = |branch: &mut Branch<MemoryStore>| {
        links.sync(branch, &mut relay, &[P1, P3, P1]);
    };
    match typed {
        true => live_typed(&mut branch, 7, exchange),
        false => live(&mut branch, 7, exchange),
    };
    links.sync(&mut branch, &mut relay, &[P2, P1, P3, P2]);
    weigh("  at the relay", &branch, &relay);
    join("  who joins", &mut branch, &mut relay, &mut links, 7);
    links.sync(&mut branch, &mut relay, &[P2, P1]);
    for kind in [SpaceKind::Main, SpaceKind::Committee] {
        let began = Instant::now();
        let phone = &mut branch.phones[P3];
        let drafted = phone.draft_cover(kind, today(AFTER), AFTER).expect("a cover");
        let drafting = began.elapsed();
        links.sync(&mut branch, &mut relay, &[P3, P2]);
        let began = Instant::now();
        branch.phones[P2].sign_cover(drafted.id).expect("signed");
        println!(
            "  {kind:?}: {} envelopes in {} copies; drafted in {drafting:.1?}, compared and signed in {:.1?}",
            drafted.drops.envelopes,
            drafted.copies.envelopes,
            began.elapsed()
        );
        links.sync(&mut branch, &mut relay, &[P2, P3, P1]);
    }
    weigh("  with copies", &branch, &relay);
    let unit = branch.phones[P3].unit().expect("a unit");
    prune(&mut relay, unit);
    weigh("  after pruning", &branch, &relay);
    join("  who joins then", &mut branch, &mut relay, &mut links, 8);
}

fn weigh(what: &str, branch: &Branch<MemoryStore>, relay: &Relay) {
    let unit = branch.phones[P3].unit().expect("a unit");
    let (mut count, mut bytes) = (0, 0);
    for kind in [
        SpaceKind::Roll,
        SpaceKind::Main,
        SpaceKind::Committee,
        SpaceKind::Inbox,
        SpaceKind::Report,
    ] {
        let stored = held(relay.replica().store(), &Space::of(unit, kind));
        count += stored.len();
        bytes += stored.iter().map(|stored| stored.bytes.len()).sum::<usize>();
    }
    println!("{what}: {count} envelopes, {} KB", bytes / 1000);
}

/// A phone of a deputy, who reads everything, from the ticket to the first whole exchange.
fn join(what: &str, branch: &mut Branch<MemoryStore>, relay: &mut Relay, links: &mut Links, number: u8) {
    let mut phone = stranger(70 + number, "new");
    let ask = AdmitRequest {
        request: phone.join_request().expect("a request").to_text(),
        member: branch.member(usize::from(number)),
        rank: 3,
        committee: false,
        probationary: false,
        relays: Vec::new(),
    };
    let invitation = branch.phones[P3].admit(&ask, AFTER).expect("admitted");
    // A ticket brings no records: everything comes from the relay.
    let (ticket, _) = branch.phones[P3].ticket(&invitation);
    phone.begin_join(&Pass::Ticket(ticket), AFTER).expect("taken in");
    branch.phones.push(phone);
    links.sync(branch, relay, &[P3]);
    let (place, began) = (branch.phones.len() - 1, Instant::now());
    // The roll first; then it knows what else there is.
    let talks = [(); 2].map(|()| links.sync(branch, relay, &[place]));
    let sum = |of: fn(&Talk) -> u64| talks.iter().map(of).sum::<u64>();
    println!(
        "{what}: receives {} envelopes, {} KB in {} round trips, all read after {:.0?}",
        sum(|talk| talk.stats.envelopes_in),
        sum(|talk| talk.stats.bytes_in) / 1000,
        sum(|talk| u64::from(talk.stats.round_trips)),
        began.elapsed()
    );
}
