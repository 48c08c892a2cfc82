//! Letters without name whose slot somebody else used as well, over real devices: each reaches the committee once, or its writer
//! sees that it has not.

use std::collections::BTreeSet;

use sotay_engine::feed::DeviceId;
use sotay_engine::handbook::EntryId;
use sotay_engine::{Event, OwnFeedback, OwnState, RefuseReason};
use sotay_store::Store;
use sotay_tests::pump::meet;

use super::feedback::{M11, M12, M13, hall};
use super::*;

/// The phone that is admitted last.
const NEW: usize = 6;

impl Hall {
    /// Admitted in the hall: it has met no relay, and knows of nobody's letters.
    fn newcomer(&mut self) {
        self.admit(14, "M14", 64);
        assert_eq!(self.branch.phones.len(), NEW + 1);
    }

    fn letters(&mut self, phone: usize, count: usize) -> Vec<EntryId> {
        let text = |at| format!("Ý kiến {at} của máy {phone}");
        (0..count)
            .map(|at| self.write_in(phone, &text(at), false, 10 + at as i64))
            .collect()
    }

    /// As [`Hall::sync`], but that slots were used by others as well is no fault. How many letters found theirs used.
    fn sync_letters(&mut self, phone: usize) -> usize {
        self.links += 1;
        let device = &mut self.branch.phones[phone];
        sync(device, &mut self.relay, self.links, at(200));
        let rejected = self.relay.take_rejected();
        for (_, reason) in &rejected {
            assert!(matches!(reason, RefuseReason::Fork { .. }), "{reason:?}");
        }
        rejected.len()
    }

    fn meet(&mut self, caller: usize, host: usize) {
        self.links += 1;
        let [caller, host] = self.branch.phones.get_disjoint_mut([caller, host]).unwrap();
        let talk = meet(caller, host, self.links, at(150), u64::MAX).unwrap();
        assert!(talk.caught_up);
    }

    fn own(&self, phone: usize, id: EntryId) -> OwnFeedback {
        let own = self.branch.phones[phone].own_feedback().unwrap();
        own.into_iter().find(|own| own.item.id == id).unwrap()
    }

    fn acknowledged(&self, phone: usize, ids: &[EntryId]) -> usize {
        let acknowledged = |id: &&EntryId| self.own(phone, **id).acknowledged;
        ids.iter().filter(acknowledged).count()
    }

    /// The slots in which a device has seen two letters.
    fn contested<S: Store>(store: &S) -> BTreeSet<DeviceId> {
        let forks = store.forks().unwrap();
        forks.iter().map(|fork| fork.device).collect()
    }

    /// All phones of the committee have exactly these items, each once, and no phone of anybody is under suspicion.
    fn committee_has(&mut self, ids: &[EntryId]) {
        let mut wanted = ids.to_vec();
        wanted.sort();
        for phone in [P1, P2, P3] {
            let list = self.branch.phones[phone].feedback(at(300)).unwrap();
            let mut there: Vec<EntryId> = list.iter().map(|view| view.item.id).collect();
            there.sort();
            assert_eq!(there, wanted, "P{}", phone + 1);
        }
        for phone in &mut self.branch.phones {
            assert_eq!(phone.forks().unwrap(), []);
            while let Some(event) = phone.next_event() {
                let alarm = matches!(event, Event::Forked { .. } | Event::Refused { .. });
                assert!(!alarm, "{event:?}");
            }
        }
    }
}

#[test]
fn letters_of_a_newcomer_whose_slots_were_used_before_it_met_the_relay_all_arrive() {
    let mut hall = hall();
    hall.newcomer();
    let mut ids = hall.letters(NEW, 7);
    ids.extend(hall.letters(M11, 7));
    hall.sync_letters(M11);
    assert!(hall.sync_letters(NEW) > 0, "they drew one slot");
    for phone in [P3, P1, P2, NEW, P3, P1, P2] {
        hall.sync_letters(phone);
    }
    hall.committee_has(&ids);
    assert_eq!(hall.acknowledged(NEW, &ids[..7]), 7);
    assert_eq!(hall.acknowledged(M11, &ids[7..]), 7);
}

#[test]
fn a_letter_is_acknowledged_when_a_relay_or_a_phone_of_the_committee_holds_it_and_not_before() {
    let mut hall = hall();
    for named in [false, true] {
        let id = hall.write_in(M12, "Quỹ làm đường cần công khai.", named, 10);
        let own = |hall: &Hall, id| {
            let own = hall.own(M12, id);
            (own.state, own.acknowledged)
        };
        assert_eq!(own(&hall, id), (OwnState::Waiting, false));
        hall.meet(M12, M13);
        assert_eq!(
            own(&hall, id),
            (OwnState::Sent, false),
            "a member's phone carries it"
        );
        hall.meet(M12, P2);
        assert_eq!(own(&hall, id), (OwnState::Sent, true), "the committee has it");
        hall.branch.phones[M12].withdraw_feedback(id).unwrap();
        assert_eq!(
            own(&hall, id),
            (OwnState::Withdrawn, false),
            "not that it was taken back"
        );
        hall.sync(M12);
        assert_eq!(own(&hall, id), (OwnState::Withdrawn, true));
        let id = hall.write_in(M12, "Đèn đường hỏng.", named, 11);
        hall.sync(M12);
        assert_eq!(own(&hall, id), (OwnState::Sent, true), "a relay has it");
    }
}

#[test]
fn letters_that_others_carried_are_carried_on_when_their_slots_were_used() {
    let mut hall = hall();
    hall.newcomer();
    let mut ids = hall.letters(NEW, 7);
    ids.extend(hall.letters(M11, 4));
    ids.extend(hall.letters(M12, 4));
    // The newcomer never meets a relay: a phone of the hall carries what it wrote.
    hall.meet(NEW, M13);
    hall.sync_letters(M11);
    hall.sync_letters(M12);
    let found_used = hall.sync_letters(M13);
    assert!(found_used > 0, "one of the letters that were carried");
    for phone in [P3, M11, M12, M13, P3, P1, P2] {
        hall.sync_letters(phone);
    }
    hall.committee_has(&ids);
    assert_eq!(
        hall.acknowledged(NEW, &ids[..7]),
        0,
        "its writer has not heard of it"
    );
    // A letter that finds no slot free waits for the next ones.
    for phone in [NEW, P3, NEW, NEW, P3, P1, P2] {
        hall.sync_letters(phone);
    }
    assert_eq!(hall.acknowledged(NEW, &ids[..7]), 7);
    hall.committee_has(&ids);
}

#[test]
fn letters_of_many_in_a_hall_without_network_reach_the_committee_through_the_host() {
    let mut hall = hall();
    hall.newcomer();
    let mut ids = Vec::new();
    for phone in [M11, M12, M13, NEW] {
        ids.extend(hall.letters(phone, 4));
    }
    // P2 hosts; the phones come one after the other, and again.
    for phone in [M11, M12, M13, NEW, P3, M11, M12, M13, NEW, P3, P1] {
        hall.meet(phone, P2);
    }
    let contested = Hall::contested(hall.branch.phones[P2].replica().store());
    assert!(!contested.is_empty(), "they drew one slot");
    for (at, phone) in [M11, M12, M13, NEW].into_iter().enumerate() {
        assert_eq!(hall.acknowledged(phone, &ids[at * 4..at * 4 + 4]), 4, "{phone}");
    }
    hall.committee_has(&ids);
}

#[test]
fn a_phone_of_the_committee_that_was_admitted_by_file_has_both_letters_of_a_slot_once() {
    let mut hall = hall();
    let mut ids = hall.letters(M11, 7);
    ids.extend(hall.letters(M12, 7));
    for phone in [M11, M12, P3, M11, M12, M12, P3] {
        hall.sync_letters(phone);
    }
    let contested = Hall::contested(hall.branch.phones[P3].replica().store());
    assert!(!contested.is_empty(), "they drew one slot");
    hall.admit_as(15, "M15", 65, true);
    let list = hall.branch.phones.last_mut().unwrap().feedback(at(300)).unwrap();
    let mut there: Vec<EntryId> = list.iter().map(|view| view.item.id).collect();
    there.sort();
    ids.sort();
    assert_eq!(there, ids);
}

#[test]
fn taking_back_arrives_even_when_its_slot_was_used() {
    let mut hall = hall();
    let taken = hall.letters(M11, 5);
    for phone in [M11, P3, M11, M12] {
        hall.sync_letters(phone);
    }
    for id in &taken {
        hall.branch.phones[M11].withdraw_feedback(*id).unwrap();
    }
    let kept = hall.letters(M12, 8);
    hall.sync_letters(M12);
    assert!(hall.sync_letters(M11) > 0, "they drew one slot");
    for phone in [P3, M11, P3, M11, M11, P3, P1, P2] {
        hall.sync_letters(phone);
    }
    assert_eq!(hall.acknowledged(M11, &taken), 5);
    hall.committee_has(&kept);
}

#[test]
fn a_letter_that_found_every_slot_used_waits_and_says_so_and_can_be_taken_back_everywhere() {
    let mut hall = hall();
    hall.newcomer();
    // As many as there are slots.
    let ids = hall.letters(M11, 16);
    hall.sync_letters(M11);
    let [own] = hall.letters(NEW, 1)[..] else { panic!() };
    assert_eq!(hall.sync_letters(NEW), 16);
    let shown = hall.own(NEW, own);
    assert_eq!((shown.state, shown.acknowledged), (OwnState::Waiting, false));
    // The relay has kept it as the proof of a fork, so the committee may have it.
    hall.branch.phones[NEW].withdraw_feedback(own).unwrap();
    for phone in [P3, P1, P2, P3, NEW, NEW, P3, P1, P2] {
        hall.sync_letters(phone);
    }
    let shown = hall.own(NEW, own);
    assert_eq!((shown.state, shown.acknowledged), (OwnState::Withdrawn, true));
    hall.committee_has(&ids);
}
