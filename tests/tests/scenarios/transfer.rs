//! Scenario 6: a transfer that the branch learns of after it has met, over real devices and the real relay.

use sotay_engine::handbook::meeting::{Ballot, MeetingKind};
use sotay_engine::handbook::roster::{Activity, Command as Roster};
use sotay_engine::{Reason, Whom};

use super::*;

/// Place of M21's phone in the branch.
const M21: usize = 3;

fn document() -> sotay_engine::study::library::Document {
    law_of(
        "Điều 1. Phạm vi\nLuật này quy định dân chủ ở cơ sở.\nĐiều 2. Giải thích\nCộng đồng dân cư ở thôn.\n",
    )
}

/// The branch met on 5 May with M21 present and voting for; 31 for, one against, one other.
fn met() -> Hall {
    let (evening, members) = evening(|branch| {
        let doc = branch.begin(P3);
        branch.begin(P1);
        branch.begin(P2);
        branch.on(P3, doc, 1, Command::Open);
        branch.take_attendance(doc);
        doc
    });
    let mut hall = evening.copy(&members);
    hall.admit(21, "M21", 81);
    hall.sync_all(&[P1, P2, P3]);
    let doc = hall.doc;
    let motion = hall.branch.phones[P3].fresh_id();
    let add = Command::AddMotion {
        id: motion,
        agenda: None,
        text: "Thông qua phương án làm đường ngõ 7.".into(),
        method: Method::OpenElectronic,
        need: Need::Majority,
        place: Place::Last,
    };
    hall.branch.on(P3, doc, 60, add);
    hall.branch.on(P3, doc, 61, Command::OpenVote { id: motion });
    let absent = [14, 22, 28, 31, 36];
    let voters: Vec<usize> = (1..=38).filter(|number| !absent.contains(number)).collect();
    for (place, &number) in voters.iter().enumerate() {
        let ballot = match place {
            0 => Ballot::Other,
            1 => Ballot::Against,
            _ => Ballot::For,
        };
        let member = hall.branch.member(number);
        hall.branch.on(
            P3,
            doc,
            62,
            Command::Vote {
                motion,
                member,
                ballot,
                how: How::Helper,
            },
        );
    }
    hall.branch.on(P3, doc, 95, Command::Close);
    hall.sync_all(&[P1, P2, P3]);
    hall.sync(M21);
    hall
}

#[test]
fn scenario_6_a_transfer_learnt_late_changes_no_minutes_and_is_shown_beside_them() {
    for order in ORDERS {
        let mut hall = met();
        let before = hall.converged();
        assert_eq!(before.view.attendance.counts.must_attend_present, 35);
        let outcome = before.view.motions[0].outcome.unwrap();
        assert_eq!((outcome.counts.for_, outcome.base), (31, 38));
        assert!(before.review.open().is_empty());

        let m21 = hall.branch.member(21);
        let transfer = Roster::SetActivity {
            member: m21,
            activity: Activity::Transferred,
            from: day("2025-05-01"),
        };
        hall.branch.phones[P3].roster(&transfer, at(7 * 24 * 60)).unwrap();
        hall.sync_all(&order);
        hall.sync_all(&order);

        let after = hall.converged();
        assert_eq!(after.minutes, before.minutes, "the minutes are as they were");
        let open = after.review.open();
        assert_eq!(open.len(), 1);
        assert_eq!(
            (open[0].id.clone(), open[0].severity),
            (format!("left/{m21}"), Severity::Info)
        );
        let said = hall.say_item(&open[0]);
        assert!(
            said.ends_with("nếu loại: có mặt 34/39, tán thành 30/37"),
            "{said}"
        );

        // From June on M21 is not on the list.
        let june = hall.branch.phones[P3]
            .new_meeting(
                MeetingKind::Regular,
                Some("2025-06".parse().unwrap()),
                Some(day("2025-06-05")),
                at(8 * 24 * 60),
            )
            .unwrap();
        hall.branch.phones[P3]
            .meeting(june, &Command::Open, at(8 * 24 * 60))
            .unwrap();
        let view = hall.branch.phones[P3].meeting_view(june).unwrap();
        assert_eq!((view.roll.lines().len(), view.line(m21)), (41, None));
    }
}

#[test]
fn scenario_6_the_transferred_member_s_phone_gets_nothing_new_and_keeps_its_own_study() {
    let mut hall = met();
    let id = hall.branch.phones[P3].publish_documents(&[document()]).unwrap()[0];
    hall.sync(P3);
    hall.sync(M21);
    hall.branch.phones[M21].read_on(id, 2, 90).unwrap();
    hall.sync(M21);
    let member = hall.branch.member(21);
    hall.branch.phones[P3]
        .revoke(Whom::Member(member), Reason::LEFT)
        .unwrap();
    let doc = hall.doc;
    hall.branch
        .on(P3, doc, 99, Command::SetPlace("Nhà văn hóa thôn An Lạc".into()));
    hall.branch.phones[P3]
        .new_meeting(
            MeetingKind::Regular,
            Some("2025-06".parse().unwrap()),
            None,
            at(9 * 24 * 60),
        )
        .unwrap();
    hall.sync(P3);
    hall.sync(M21);
    hall.sync(M21);
    let phone = &mut hall.branch.phones[M21];
    assert_eq!(phone.meetings().unwrap().len(), 1, "June's meeting never came");
    assert!(phone.meeting_view(doc).unwrap().place.value.is_none());
    let read = phone.library().unwrap()[0].read;
    assert_eq!((read.furthest, read.seconds), (2, 90));
}
