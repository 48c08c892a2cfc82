//! What a sync costs: bytes and round trips, counted, and times of this machine, as ratios where it matters.
//!
//! `cargo run --release -p sotay-tests --example bench_sync`

use std::time::Instant;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sotay_engine::feed::{DeviceKeys, DocId, SignKey};
use sotay_engine::handbook::meeting::{Command, MeetingKind, Person, Place};
use sotay_engine::handbook::{EntryId, Month};
use sotay_engine::{AdmitRequest, Device, LinkId, LinkOutput, NewMember, NewUnit, SessionStats};
use sotay_store::{DatabaseId, MemoryStore, Store};
use sotay_sync::{FirstContact, Output, Policy, Replica, Role, Session, SessionConfig};

const NOW: i64 = 1_778_000_000_000;
const BURST_CHARS: usize = 25;
/// Letters drawn at random: the worst text to compress. Real sentences cost about the same in short runs, less in long ones.
const LETTERS: &str = "aăâbcdđeêghiklmnoôơpqrstuưvxyáàảãạấầẩẫậéèẻẽẹếềểễệóòỏõọốồổỗộớờởỡợúùủũụứừửữự     ";

type Phone = Device<MemoryStore>;

struct Relay {
    replica: Replica<MemoryStore>,
    key: SignKey,
}

impl Relay {
    fn new() -> Self {
        let store = MemoryStore::new(DatabaseId([9; 16]));
        let replica = Replica::open(store, Role::Relay, Policy::Any).expect("an empty store opens");
        Self {
            replica,
            key: DeviceKeys::from_seeds([1; 32], [2; 32]).public().sign,
        }
    }

    /// One sync: everything in both directions, then close.
    fn sync(&mut self, phone: &mut Phone) -> SessionStats {
        let link = LinkId(1);
        let peer = phone.keys().public().sign;
        let mut session = Session::accept(SessionConfig {
            role: Role::Relay,
            peer,
            spaces: Vec::new(),
            live: false,
            first: FirstContact::Frontier,
        });
        session
            .start(&mut self.replica, NOW)
            .expect("memory does not fail");
        phone
            .link_up(link, self.key, false, NOW)
            .expect("memory does not fail");
        loop {
            let mut moved = false;
            while let Some(output) = phone.next_output(link) {
                moved = true;
                if let LinkOutput::Frame(frame) = output {
                    session
                        .on_frame(&mut self.replica, &frame, NOW)
                        .expect("an honest phone");
                }
            }
            while let Some(output) = session.poll() {
                moved = true;
                if let Output::Frame(frame) = output {
                    phone.link_frame(link, &frame, NOW).expect("an honest relay");
                }
            }
            if !moved {
                break;
            }
        }
        let stats = phone.link_stats(link).unwrap_or_default();
        phone.link_down(link).expect("memory does not fail");
        stats
    }
}

fn phone(seed: u64, label: &str) -> Phone {
    let store = MemoryStore::new(DatabaseId([seed as u8; 16]));
    Device::create(store, label, Box::new(StdRng::seed_from_u64(seed))).expect("a new profile")
}

fn branch() -> Phone {
    let mut phone = phone(1, "P3");
    let new = NewUnit {
        name: "Chi bộ thôn An Lạc".to_owned(),
        upper: "Đảng bộ xã Đông Phong".to_owned(),
        founder: "Nguyễn Văn Bình".to_owned(),
        since: "2026-01-01".parse().ok(),
    };
    phone.create_unit(&new, NOW).expect("a new branch");
    phone
}

fn join(secretary: &mut Phone, seed: u64) -> Phone {
    let mut joiner = phone(seed, &format!("M{seed}"));
    let from = "2026-01-01".parse().expect("a day");
    let name = NewMember::named(&format!("Đảng viên {seed}"));
    let member = secretary.add_members(&[name], from, NOW).expect("a new member")[0];
    let ask = AdmitRequest {
        request: joiner.join_request().expect("a label").to_text(),
        member,
        rank: 4,
        committee: false,
        probationary: false,
        relays: Vec::new(),
    };
    let invitation = secretary.admit(&ask, NOW).expect("an admission");
    joiner.accept(&invitation).expect("an invitation that holds");
    joiner
}

fn meeting(phone: &mut Phone, month: &str) -> DocId {
    let month: Month = month.parse().expect("a month");
    phone
        .new_meeting(MeetingKind::Regular, Some(month), Some(month.first()), NOW)
        .expect("a meeting")
}

/// A speech that grows burst by burst, as somebody types it. A new one begins every 1,500 characters.
fn type_bursts(phone: &mut Phone, doc: DocId, count: usize) {
    let speaker = Person::Member(phone.member().expect("a holder"));
    let letters: Vec<char> = LETTERS.chars().collect();
    let mut rng = StdRng::seed_from_u64(count as u64);
    let mut entry: Option<(EntryId, String)> = None;
    for _ in 0..count {
        let burst: String = (0..BURST_CHARS)
            .map(|_| letters[rng.random_range(0..letters.len())])
            .collect();
        let (id, text) = entry.take().unwrap_or_else(|| (phone.fresh_id(), String::new()));
        let command = if text.is_empty() {
            Command::AddSpeech {
                id,
                speaker,
                agenda: None,
                text: burst.as_str().into(),
                place: Place::Last,
            }
        } else {
            Command::EditSpeech {
                id,
                text: format!("{text}{burst}").as_str().into(),
            }
        };
        phone.meeting(doc, &command, NOW).expect("an edit");
        let text = text + &burst;
        entry = (text.chars().count() < 1_500).then_some((id, text));
    }
}

fn main() {
    let mut relay = Relay::new();
    let mut secretary = branch();
    let mut member = join(&mut secretary, 2);
    let doc = meeting(&mut secretary, "2026-05");
    relay.sync(&mut secretary);
    let first = relay.sync(&mut member);
    println!(
        "first contact of a member:      {} round trips, {} B up, {} B down",
        first.round_trips, first.bytes_out, first.bytes_in
    );

    let spaces = member.sync_status(&relay.key).expect("a status").len() as u64;
    let idle = relay.sync(&mut member);
    let both = idle.bytes_out + idle.bytes_in;
    println!(
        "nothing new, {spaces} spaces:          {} round trip, {both} B in both directions = {} B a space (limit 300)",
        idle.round_trips,
        both / spaces
    );

    for count in [1_usize, 50, 1_000] {
        type_bursts(&mut secretary, doc, count);
        let up = relay.sync(&mut secretary);
        let started = Instant::now();
        let down = relay.sync(&mut member);
        let took = started.elapsed();
        println!(
            "{count:>5} bursts of {BURST_CHARS} characters:   {} round trip, {} envelopes, {} B down = {:.1} B each on the wire; \
             up {} B; received and applied in {took:.1?}",
            down.round_trips,
            down.envelopes_in,
            down.bytes_in,
            down.bytes_in as f64 / count as f64,
            up.bytes_out,
        );
    }
    year(&mut relay, &mut secretary);
}

/// A year of a branch, then a phone that was admitted in January and never synced since.
fn year(relay: &mut Relay, secretary: &mut Phone) {
    let from = "2026-01-01".parse().expect("a day");
    let names: Vec<NewMember> = (0..40)
        .map(|n| NewMember::named(&format!("Đảng viên số {n}")))
        .collect();
    let mut late = join(secretary, 3);
    secretary.add_members(&names, from, NOW).expect("members");
    for month in 1..=12 {
        let doc = meeting(secretary, &format!("2026-{month:02}"));
        type_bursts(secretary, doc, 220);
        relay.sync(secretary);
    }
    let started = Instant::now();
    let stats = relay.sync(&mut late);
    let took = started.elapsed();
    let stored: u64 = relay
        .replica
        .store()
        .spaces()
        .expect("memory does not fail")
        .iter()
        .map(|space| {
            relay
                .replica
                .store()
                .space_bytes(space)
                .expect("memory does not fail")
        })
        .sum();
    println!(
        "a year (12 meetings, 2,640 bursts, 40 members): {} round trips, {} envelopes, {} B down, received and applied in \
         {took:.1?}; the relay holds {stored} B",
        stats.round_trips, stats.envelopes_in, stats.bytes_in
    );
    let sheets = late.meetings().expect("meetings");
    let started = Instant::now();
    for sheet in &sheets {
        let _view = late.meeting_view(sheet.doc).expect("a view");
    }
    println!(
        "opening {} meetings' views:  {:.2?} each",
        sheets.len(),
        started.elapsed() / sheets.len().max(1) as u32
    );
}
