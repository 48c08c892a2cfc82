//! Branch AL-42 on real devices: the fixture of the acceptance scenarios, made the way people make it — a founder, a
//! roster, phones that are admitted without a network.

use rand::SeedableRng;
use rand::rngs::StdRng;
use sotay_engine::handbook::fixture::{self, NAMES};
use sotay_engine::handbook::meeting::{Command, How, MeetingKind, Person, Place, State};
use sotay_engine::handbook::roster::{Activity, Role, Standing};
use sotay_engine::handbook::{Date, EntryId, Lang, Message};
use sotay_engine::{AdmitRequest, Device, NewMember, NewUnit};
use sotay_feed::{DocId, MemberId};
use sotay_store::Store;

/// 19:30 on 5 May 2025 in Viet Nam: the meeting begins.
pub const START_MS: i64 = fixture::START_MS;
/// Days before, when the phones are enrolled.
const ENROLLED_MS: i64 = START_MS - 7 * 86_400_000;

/// All orders of three phones.
pub const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
/// P1 of the clerk, P2 of the deputy, P3 of the secretary: places in [`Branch::phones`].
pub const P1: usize = 0;
/// See [`P1`].
pub const P2: usize = 1;
/// See [`P1`].
pub const P3: usize = 2;

/// Who is excused, and why.
pub const EXCUSED: [(usize, &str); 4] = [
    (14, "ốm"),
    (22, "đi công tác"),
    (28, "chăm người nhà nằm viện"),
    (36, "họp trên xã"),
];
/// Who is absent without a reason.
pub const UNEXCUSED: usize = 31;
/// Who need not attend.
pub const EXEMPT: [usize; 2] = [39, 40];

/// Three phones and the members they know.
pub struct Branch<S: Store> {
    /// P1, P2, P3.
    pub phones: Vec<Device<S>>,
    /// M01 to M42, in order.
    pub members: Vec<MemberId>,
}

/// Where in a person's evening something happens.
pub fn at(minute: i64) -> i64 {
    START_MS + minute * 60_000
}

/// A day.
pub fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

/// The members but the founder, as the roster wants them.
pub fn new_members() -> Vec<NewMember> {
    (2..=42)
        .map(|number| NewMember {
            role: match number {
                2 => Role::Deputy,
                3 | 4 => Role::CommitteeMember,
                _ => Role::Member,
            },
            standing: if number > 40 {
                Standing::Probationary
            } else {
                Standing::Full
            },
            activity: if EXEMPT.contains(&number) {
                Activity::Exempt
            } else {
                Activity::Attending
            },
            ..NewMember::named(NAMES[number - 1])
        })
        .collect()
}

/// The unit of AL-42.
pub fn new_unit() -> NewUnit {
    NewUnit {
        name: "CHI BỘ THÔN AN LẠC".to_owned(),
        upper: "ĐẢNG ỦY XÃ TÂN AN".to_owned(),
        founder: NAMES[0].to_owned(),
        since: Some(day(fixture::FROM)),
    }
}

impl<S: Store> Branch<S> {
    /// Founds the branch on P3 and admits P2 and P1. The stores are those of P1, P2, P3.
    pub fn found(stores: [S; 3], seed: u64) -> Self {
        let mut phones: Vec<Device<S>> = stores
            .into_iter()
            .zip(1u64..)
            .map(|(store, number)| {
                let rng = Box::new(StdRng::seed_from_u64(seed * 100 + number));
                Device::create(store, &format!("P{number}"), rng).expect("a profile is made")
            })
            .collect();
        let secretary = &mut phones[P3];
        secretary
            .create_unit(&new_unit(), ENROLLED_MS)
            .expect("the unit is founded");
        let founder = secretary.member().expect("the founder is a member");
        let from = day(fixture::FROM);
        let others = secretary
            .add_members(&new_members(), from, ENROLLED_MS)
            .expect("the roster is made");
        let members: Vec<MemberId> = [founder].into_iter().chain(others).collect();
        let mut branch = Self { phones, members };
        branch.admit(P2, 2, 3, false);
        branch.admit(P1, 3, 4, true);
        branch
    }

    fn admit(&mut self, phone: usize, holder: usize, rank: u8, committee: bool) {
        let request = self.phones[phone].join_request().expect("a request").to_text();
        let ask = AdmitRequest {
            request,
            member: self.member(holder),
            rank,
            committee,
            probationary: false,
            relays: Vec::new(),
        };
        let invitation = self.phones[P3].admit(&ask, ENROLLED_MS).expect("it is admitted");
        self.phones[phone].accept(&invitation).expect("it is accepted");
    }

    /// M01 is 1.
    pub fn member(&self, number: usize) -> MemberId {
        self.members[number - 1]
    }

    /// Begins May's meeting on a phone.
    pub fn begin(&mut self, phone: usize) -> DocId {
        let (month, date) = ("2025-05".parse().expect("a month"), day(fixture::MEETING_DAY));
        let begun = self.phones[phone].new_meeting(MeetingKind::Regular, Some(month), Some(date), at(0));
        begun.expect("the meeting is begun")
    }

    /// Carries out a command that must succeed.
    pub fn on(&mut self, phone: usize, doc: DocId, minute: i64, command: Command) {
        self.phones[phone]
            .meeting(doc, &command, at(minute))
            .unwrap_or_else(|error| panic!("P{}: {command:?}: {error}", phone + 1));
    }

    /// Marks members by their numbers.
    pub fn mark(
        &mut self,
        (phone, doc, minute): (usize, DocId, i64),
        numbers: impl IntoIterator<Item = usize>,
        state: State,
        how: How,
        reason: Option<&str>,
    ) {
        let members = numbers.into_iter().map(|number| self.member(number)).collect();
        self.on(
            phone,
            doc,
            minute,
            Command::Mark {
                members,
                state,
                how,
                reason: reason.map(Into::into),
            },
        );
    }

    /// P1 marks M01–M20, P2 M21–M42: 35 present (33 full, 2 probationary), 4 excused, 1 unexcused, 2 exempt.
    pub fn take_attendance(&mut self, doc: DocId) {
        let absent: Vec<usize> = EXCUSED
            .iter()
            .map(|(number, _)| *number)
            .chain([UNEXCUSED])
            .chain(EXEMPT)
            .collect();
        for (phone, range) in [(P1, 1..=20), (P2, 21..=42)] {
            let present: Vec<usize> = range.clone().filter(|number| !absent.contains(number)).collect();
            self.mark((phone, doc, 2), present, State::Present, How::RollCall, None);
            for (number, reason) in EXCUSED.iter().filter(|(number, _)| range.contains(number)) {
                self.mark(
                    (phone, doc, 3),
                    [*number],
                    State::Excused,
                    How::RollCall,
                    Some(reason),
                );
            }
        }
        self.mark((P2, doc, 3), [UNEXCUSED], State::Unexcused, How::RollCall, None);
        self.mark((P2, doc, 4), EXEMPT, State::Exempt, How::RollCall, None);
    }

    /// A speech at the end of the list.
    pub fn speak(&mut self, phone: usize, doc: DocId, speaker: usize, text: &str) -> EntryId {
        let id = self.phones[phone].fresh_id();
        let speaker = Person::Member(self.member(speaker));
        let place = Place::Last;
        self.on(
            phone,
            doc,
            30,
            Command::AddSpeech {
                id,
                speaker,
                agenda: None,
                text: text.into(),
                place,
            },
        );
        id
    }

    /// A conclusion at the end of the list.
    pub fn conclude(
        &mut self,
        phone: usize,
        doc: DocId,
        text: &str,
        deadline: Option<&str>,
        responsible: &[usize],
    ) -> EntryId {
        let id = self.phones[phone].fresh_id();
        let responsible = responsible.iter().map(|number| self.member(*number)).collect();
        let deadline = deadline.map(day);
        let command = Command::AddConclusion {
            id,
            agenda: None,
            text: text.into(),
            deadline,
            responsible,
            place: Place::Last,
        };
        self.on(phone, doc, 80, command);
        id
    }
}

/// A message in Vietnamese, as a phone shows it.
pub fn say<S: Store>(device: &Device<S>, message: &Message) -> String {
    message.text(Lang::Vi, device.names())
}
