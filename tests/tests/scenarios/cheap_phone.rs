//! Scenario 12: a cheap phone that never sees the internet. It is enrolled by texts, gets everything from the secretary's
//! phone, over a link that breaks, and then searches, asks and reads aloud by itself.

use sotay_engine::study::answers::NOT_FOUND;
use sotay_engine::study::speech::{Region, SpeechProfile, speak};
use sotay_feed::Space;
use sotay_store::{Budget, Store};
use sotay_tests::pump::{PhoneTalk, meet};

use super::*;

const CHEAP: usize = 3;
/// What a QR code of the largest size holds in bytes at correction level M (ISO/IEC 18004, version 40).
const QR_BYTES: usize = 2331;

/// Twenty articles of a law.
fn law() -> String {
    let mut text = String::from(
        "Điều 1. Ban Thanh tra nhân dân\n1. Ban Thanh tra nhân dân ở xã do Hội nghị Nhân dân bầu, nhiệm kỳ là 02 năm.\n",
    );
    for (article, (_, words)) in (2..=20).zip(SPEECHES_P1.iter().chain(&SPEECHES_P2).cycle()) {
        text.push_str(&format!(
            "Điều {article}. Nội dung nhân dân bàn số {article}\n1. {words}\n2. Khoản {article}.\n"
        ));
    }
    text
}

/// May's meeting, written on three phones that have not met since; M21's phone was enrolled an hour before, by two texts
/// and without internet.
fn evening_of_may() -> Hall {
    let (evening, members) = evening(|branch| branch.begin(P3));
    let mut hall = evening.copy(&members);
    hall.admit(21, "M21", 31);
    let (doc, branch) = (hall.doc, &mut hall.branch);
    branch.begin(P1);
    branch.begin(P2);
    branch.on(P3, doc, 1, Command::SetPlace("Nhà văn hóa thôn An Lạc".into()));
    branch.on(P3, doc, 1, Command::Open);
    branch.take_attendance(doc);
    for (speaker, text) in SPEECHES_P1 {
        branch.speak(P1, doc, speaker, text);
    }
    for (speaker, text) in SPEECHES_P2 {
        branch.speak(P2, doc, speaker, text);
    }
    for (text, deadline, responsible) in CONCLUSIONS_P3 {
        branch.conclude(P3, doc, text, deadline, responsible);
    }
    branch.phones[P3].publish_documents(&[law_of(&law())]).unwrap();
    hall
}

impl Hall {
    fn meets(&mut self, caller: usize, host: usize, bytes: u64) -> PhoneTalk {
        assert!(caller != host);
        self.links += 1;
        let [caller, host] = self.branch.phones.get_disjoint_mut([caller, host]).unwrap();
        meet(caller, host, self.links, at(120), bytes).unwrap()
    }

    /// Bytes of the envelopes that one phone holds and another one lacks, of what that one may read.
    fn missing(&self, on: usize, from: usize) -> u64 {
        let [lacks, holds] = [on, from].map(|phone| self.branch.phones[phone].replica());
        let all = Budget {
            count: usize::MAX,
            bytes: usize::MAX,
        };
        let readable = |space: &Space| {
            let membership = holds.membership(space.unit).unwrap();
            membership.may_read(self.branch.phones[on].id(), space).is_ok()
        };
        let spaces = holds.spaces().into_iter().filter(readable);
        let pages = spaces.map(|space| {
            let have = lacks.store().frontier(&space.id()).unwrap();
            holds.store().missing(&space.id(), &have, 0, all).unwrap()
        });
        pages
            .flat_map(|page| page.envelopes)
            .map(|stored| stored.bytes.len() as u64)
            .sum()
    }
}

#[test]
fn scenario_12_a_cheap_phone_gets_the_meeting_from_another_phone_over_a_link_that_breaks() {
    let mut hall = evening_of_may();
    for phone in [P1, P2, P1] {
        assert!(hall.meets(phone, P3, u64::MAX).caught_up);
    }
    // The request to join fits a QR code.
    let request = hall.branch.phones[CHEAP].join_request().unwrap().to_text();
    assert!(request.len() <= QR_BYTES, "{} bytes", request.len());

    hall.branch.phones[P3].flush().unwrap();
    let missing = hall.missing(CHEAP, P3);
    let first = hall.meets(CHEAP, P3, missing * 2 / 5);
    assert!(!first.caught_up, "the link broke");
    let left = hall.missing(CHEAP, P3);
    assert!(
        left < missing,
        "what came before stays: {left} of {missing}, {first:?}"
    );
    let second = hall.meets(CHEAP, P3, u64::MAX);
    assert!(second.caught_up);
    assert_eq!(hall.missing(CHEAP, P3), 0);
    let received = first.to_caller + second.to_caller;
    println!(
        "missing {missing} B, received {} + {} B",
        first.to_caller, second.to_caller
    );
    assert!(received * 10 <= missing * 13, "{received} of {missing}");
    // Nothing new: a digest says so.
    let third = hall.meets(CHEAP, P3, u64::MAX);
    assert!(third.caught_up && third.to_caller < 400, "{third:?}");

    let same = |hall: &mut Hall, phone: usize| {
        let doc = hall.doc;
        let device = &mut hall.branch.phones[phone];
        (
            device.meeting_view(doc).unwrap(),
            device.review(doc).unwrap(),
            device.minutes(doc).unwrap(),
        )
    };
    let shown = same(&mut hall, CHEAP);
    assert_eq!((shown.0.speeches.len(), shown.0.conclusions.len()), (12, 4));
    assert!(shown == same(&mut hall, P3));

    let phone = &mut hall.branch.phones[CHEAP];
    let hits = phone.search("Ban Thanh tra nhân dân", 5).unwrap().hits;
    assert!(!hits.is_empty());
    assert!(
        phone
            .ask("Ban Thanh tra nhân dân được bầu mấy năm một lần?")
            .unwrap()
            .found()
    );
    let nothing = phone.ask("Giá vé tàu cao tốc lên sao Hỏa là bao nhiêu?").unwrap();
    assert!(!nothing.found(), "an honest {NOT_FOUND:?}");
    let aloud = speak(
        "Điều 5 khoản 2, Luật số 10/2022/QH15 có hiệu lực từ 01/7/2023.",
        &SpeechProfile::new(Region::Northern),
    );
    assert!(
        aloud.starts_with("Điều năm khoản hai") && aloud.contains("tháng bảy"),
        "{aloud}"
    );
}

#[test]
fn phones_in_a_room_pass_on_at_once_what_one_of_them_brings_to_the_host() {
    let mut hall = evening_of_may();
    let doc = hall.doc;
    let (now, keys) = (at(120), hall.branch.phones[P3].keys().public().sign);
    let [p1, p2] = [P1, P2].map(|phone| sotay_engine::LinkId(phone as u64));
    for (phone, link) in [(P1, p1), (P2, p2)] {
        hall.branch.phones[phone]
            .link_up_to_phone(link, keys, true, now)
            .unwrap();
        let key = hall.branch.phones[phone].keys().public().sign;
        hall.branch.phones[P3].link_accept(link, key, now).unwrap();
    }
    hall.carry(&[(P1, p1), (P2, p2)]);
    for phone in [P1, P2, P3] {
        assert_eq!(
            hall.branch.phones[phone]
                .meeting_view(doc)
                .unwrap()
                .speeches
                .len(),
            12
        );
    }
    // Everybody stays connected; P1 says something more, and P2 sees it without asking.
    hall.branch.speak(P1, doc, 5, "Xin bổ sung một ý.");
    hall.branch.phones[P1].push_local().unwrap();
    hall.carry(&[(P1, p1), (P2, p2)]);
    for phone in [P1, P2, P3] {
        assert_eq!(
            hall.branch.phones[phone]
                .meeting_view(doc)
                .unwrap()
                .speeches
                .len(),
            13
        );
    }
    hall.converged();
}

impl Hall {
    /// Carries frames between P3, which hosts, and its visitors, until nobody has anything to say.
    fn carry(&mut self, visitors: &[(usize, sotay_engine::LinkId)]) {
        use sotay_engine::LinkOutput;
        let mut idle = false;
        while !std::mem::replace(&mut idle, true) {
            for &(visitor, link) in visitors {
                for (from, to) in [(visitor, P3), (P3, visitor)] {
                    while let Some(output) = self.branch.phones[from].next_output(link) {
                        idle = false;
                        if let LinkOutput::Frame(frame) = output {
                            self.branch.phones[to].link_frame(link, &frame, at(120)).unwrap();
                        }
                    }
                }
            }
        }
    }
}
