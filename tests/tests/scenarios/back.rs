//! Scenario 8: a phone comes back after three weeks, when the minutes were sealed and the report was sent.

use sotay_engine::handbook::review::ReviewKind;
use sotay_engine::handbook::{EntryId, Month};
use sotay_engine::seal::SealId;
use sotay_engine::{NewFeedback, SealStatus};

use super::*;

const DAY_MINUTES: i64 = 24 * 60;

fn may() -> Month {
    "2025-05".parse().unwrap()
}

/// 35 present, 4 excused, M30 absent without a reason, 2 exempt; closed; P2 has seen nothing but its beginning.
fn held() -> Hall {
    let (evening, members) = evening(|branch| branch.begin(P1));
    let mut hall = evening.copy(&members);
    hall.sync_all(&[P1, P2, P3]);
    let doc = hall.doc;
    hall.branch
        .on(P1, doc, 1, Command::SetPlace("Nhà văn hóa thôn An Lạc".into()));
    hall.branch
        .on(P1, doc, 1, Command::SetChair(hall.branch.member(1)));
    hall.branch
        .on(P1, doc, 1, Command::SetClerk(hall.branch.member(3)));
    hall.branch.on(P1, doc, 1, Command::Open);
    let absent = [14, 22, 28, 36, 30, 39, 40];
    let present = (1..=42).filter(|number| !absent.contains(number));
    let call = How::RollCall;
    hall.branch
        .mark((P1, doc, 2), present, State::Present, call, None);
    hall.branch
        .mark((P1, doc, 3), [14, 22, 28, 36], State::Excused, call, Some("ốm"));
    hall.branch.mark((P1, doc, 4), [30], State::Unexcused, call, None);
    hall.branch
        .mark((P1, doc, 5), [39, 40], State::Exempt, call, None);
    hall.branch.on(P1, doc, 90, Command::Close);
    hall.sync(P1);
    hall.sync(P3);
    hall
}

impl Hall {
    /// The secretary proposes, the minute-taker signs.
    fn both_sign(&mut self, seal: SealId, minute: i64) {
        self.sync(P3);
        self.sync(P1);
        let doc = self.doc;
        self.branch.phones[P1].countersign(doc, seal, at(minute)).unwrap();
        self.sync(P1);
        self.sync(P3);
    }

    fn figures(&mut self, phone: usize) -> Option<(u32, String)> {
        let proposal = self.branch.phones[phone].report_proposal(may()).unwrap();
        proposal.map(|proposal| (proposal.revision, proposal.facts.meetings[0].attendance()))
    }
}

#[test]
fn scenario_8_back_after_three_weeks_with_twelve_items_a_late_excuse_and_a_second_revision() {
    let mut hall = held();
    let doc = hall.doc;
    let seal = hall.branch.phones[P3].propose_seal(doc, at(100)).unwrap();
    hall.both_sign(seal, 101);
    let sealed = hall.branch.phones[P3].minutes(doc).unwrap();
    let sent = hall.branch.phones[P3].send_report(may(), at(110)).unwrap();
    assert_eq!(
        (sent.revision, sent.facts.meetings[0].attendance().as_str()),
        (1, "35/4/1/2")
    );
    hall.sync(P3);

    // Three weeks without a network on P2.
    let written: Vec<(EntryId, i64)> = (0..12)
        .map(|number| {
            let when = at((number + 1) * 40 * 60);
            let new = NewFeedback {
                topic: format!("Việc {number}").as_str().into(),
                text: format!("Ý kiến thứ {number} ghi trong ba tuần.").as_str().into(),
                named: true,
                ..NewFeedback::default()
            };
            (hall.branch.phones[P2].submit_feedback(&new, when).unwrap(), when)
        })
        .collect();
    let back = 21 * DAY_MINUTES;
    hall.branch.mark(
        (P2, doc, back),
        [30],
        State::Excused,
        How::RollCall,
        Some("chăm con ốm"),
    );
    hall.sync_all(&[P2, P3, P1]);
    hall.sync_all(&[P2, P3, P1]);

    // Twelve items, once each, with their own times, for everybody of the committee.
    for phone in [P1, P2, P3] {
        let list = hall.branch.phones[phone].feedback(at(200)).unwrap();
        let mut seen: Vec<(EntryId, i64)> = list.iter().map(|view| (view.item.id, view.item.at_ms)).collect();
        seen.sort_by_key(|(_, when)| *when);
        assert_eq!(seen, written, "P{}", phone + 1);
    }
    // The sealed minutes stand; M30 waits beside them, and nothing is sent or proposed by itself.
    let shown = hall.converged();
    assert_eq!(shown.minutes, sealed);
    let m30 = hall.branch.member(30);
    for phone in [P1, P2, P3] {
        let late = hall.branch.phones[phone].seals(doc).unwrap().late;
        assert_eq!(late.len(), 1);
        assert_eq!(late[0].id, format!("attendance/{m30}"));
    }
    let item = format!("attendance/{m30}");
    assert_eq!(shown.review.get(&item).unwrap().kind, ReviewKind::AttendanceTwice);
    // The items of feedback are news; attendance is reported as it was sealed.
    let as_sealed = Some((2, "35/4/1/2".to_owned()));
    assert_eq!(hall.figures(P3), as_sealed);

    hall.choose(&item, "vắng có lý do", back + 10);
    let addendum = hall.branch.phones[P3]
        .propose_addendum(doc, at(back + 11))
        .unwrap();
    assert_eq!(hall.figures(P3), as_sealed, "one signature is not enough");
    hall.both_sign(addendum, back + 12);
    hall.sync_all(&[P2, P3, P1]);
    let shown = hall.converged();
    assert_eq!((&shown.minutes, shown.review.blocks()), (&sealed, false));
    for phone in [P1, P2, P3] {
        let seals = hall.branch.phones[phone].seals(doc).unwrap();
        assert!(seals.late.is_empty());
        let added = seals.seals.iter().find(|seal| seal.addendum).unwrap();
        assert_eq!(added.status, SealStatus::Standing);
        let text = hall.branch.phones[phone].sealed_text(doc, addendum).unwrap();
        assert!(text.contains("chăm con ốm"), "{text}");
    }

    for phone in [P2, P3] {
        assert_eq!(hall.figures(phone), Some((2, "35/5/0/2".to_owned())));
        let reports = hall.branch.phones[phone].reports(2025).unwrap();
        assert_eq!(reports.sent, std::slice::from_ref(&sent), "proposed, not sent");
    }
    let model = hall.branch.phones[P3].report_model(may(), None).unwrap().unwrap();
    assert!((model.revision, model.sent) == (2, false));
    assert!(model.meetings[0].sealed);
}
