//! What a phone wrote into a meeting after its place in the unit had ended: set apart, on the review list, and settled by
//! an officer.

use sotay_engine::handbook::review::{APART_PREFIX, LEAVE_OUT, TAKE_OVER};
use sotay_engine::{Reason, Whom};

use super::*;

const LATE: &str = "Ý kiến ghi khi đã bị gỡ quyền.";
const IN_TIME: &str = "Ý kiến ghi khi còn quyền.";

/// P1 wrote twice; the secretary had seen the first when removing the phone, the deputy holds both.
fn removed() -> (Hall, String) {
    let (evening, members) = evening(|branch| {
        let doc = branch.begin(P3);
        branch.on(P3, doc, 1, Command::SetChair(branch.member(1)));
        branch.on(P3, doc, 1, Command::SetClerk(branch.member(2)));
        branch.on(P3, doc, 1, Command::Open);
        doc
    });
    let mut hall = evening.copy(&members);
    let doc = hall.doc;
    hall.sync_all(&[P3, P1, P2]);
    hall.branch.speak(P1, doc, 5, IN_TIME);
    hall.sync_all(&[P1, P3, P2]);
    hall.branch.speak(P1, doc, 5, LATE);
    hall.branch
        .mark((P1, doc, 31), [5], State::Present, How::RollCall, None);
    hall.sync(P1);
    hall.sync(P2);
    let gone = hall.branch.phones[P1].id();
    hall.branch.phones[P3]
        .revoke(Whom::Device(gone), Reason::MISUSE)
        .unwrap();
    hall.together();
    (hall, format!("{APART_PREFIX}{gone}"))
}

impl Hall {
    /// The two that are left meet the relay, and show the same.
    fn together(&mut self) -> Shown {
        for phone in [P3, P2, P3, P2] {
            self.sync(phone);
        }
        let (p2, p3) = (self.shown(P2), self.shown(P3));
        assert!(p2 == p3, "P2 and P3 differ");
        p3
    }

    fn speeches(&self, shown: &Shown) -> Vec<String> {
        shown
            .view
            .speeches
            .iter()
            .map(|speech| speech.text.to_string())
            .collect()
    }
}

#[test]
fn what_a_removed_phone_wrote_blocks_the_seal_until_an_officer_leaves_it_out() {
    let (mut hall, item) = removed();
    let doc = hall.doc;
    let shown = hall.together();
    assert_eq!(hall.speeches(&shown), [IN_TIME]);
    assert_eq!(shown.blocking(), [item.as_str()]);
    let found = shown.review.get(&item).unwrap();
    assert_eq!(found.kind, ReviewKind::WrittenAfterRemoval);
    assert_eq!(
        hall.say_item(found),
        "P1 của Lê Quang Vinh đã bị gỡ quyền nhưng còn ghi 2 thay đổi vào biên bản này (lần cuối 20:01 ngày \
         05/05/2025); phần ghi sau đó để riêng, chưa tính"
    );
    let english = found.text(Lang::En, hall.branch.phones[P3].names());
    assert!(
        english.contains("had been removed and still wrote 2 changes"),
        "{english}"
    );
    assert_eq!(found.marks[0].device, hall.branch.phones[P1].id());
    assert!(matches!(
        hall.branch.phones[P3].propose_seal(doc, at(100)),
        Err(SealError::Device(DeviceError::Command(
            CommandError::Blocked { .. }
        )))
    ));
    assert!(
        hall.branch.phones[P3]
            .settle(doc, &item, "other", at(100))
            .is_err()
    );

    hall.branch.phones[P3]
        .settle(doc, &item, LEAVE_OUT, at(101))
        .unwrap();
    let shown = hall.together();
    assert!(!shown.review.blocks());
    assert_eq!(shown.review.settled()[0].id, item);
    assert_eq!(hall.speeches(&shown), [IN_TIME]);
    hall.branch.phones[P3].propose_seal(doc, at(102)).unwrap();
}

#[test]
fn what_a_removed_phone_wrote_counts_everywhere_once_an_officer_takes_it_over() {
    use rand::SeedableRng;
    let (mut hall, item) = removed();
    let doc = hall.doc;
    hall.branch.phones[P2]
        .settle(doc, &item, TAKE_OVER, at(101))
        .unwrap();
    let shown = hall.shown(P2);
    assert_eq!(hall.speeches(&shown), [IN_TIME, LATE]);
    let shown = hall.together();
    assert_eq!(hall.speeches(&shown), [IN_TIME, LATE]);
    assert_eq!(
        shown.view.line(hall.branch.member(5)).unwrap().state,
        State::Present
    );
    assert!(shown.review.get(&item).is_none() && !shown.review.blocks());
    for phone in [P2, P3] {
        assert_eq!(hall.branch.phones[phone].late().unwrap(), []);
    }
    // A phone admitted later, and one started again, see the same.
    hall.admit(9, "M09", 91);
    hall.sync(P3);
    hall.sync(3);
    assert!(hall.shown(3) == shown);
    let store = hall.branch.phones.remove(P2).into_store();
    let rng = Box::new(rand::rngs::StdRng::seed_from_u64(5));
    hall.branch.phones.insert(P2, Device::open(store, rng).unwrap());
    assert!(hall.shown(P2) == shown);
}
