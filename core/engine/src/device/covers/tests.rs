//! What one cover has room for, and which feeds find none.

use sotay_feed::{Envelope, Space, SpaceKind};
use sotay_handbook::meeting::{Command, MeetingKind, Person, Place};
use sotay_store::{Budget, MemoryStore, Store};

use super::super::tests::{NOW, branch, join};
use super::super::{Device, today};
use super::plan::Room;
use super::{CoverError, DraftedCover};

const LATER: i64 = NOW + 90 * 24 * 3_600_000;

fn hand(from: &Device<MemoryStore>, to: &mut Device<MemoryStore>, space: &Space) {
    let all = Budget {
        count: usize::MAX,
        bytes: usize::MAX,
    };
    let page = from.replica.store().since(&space.id(), 0, all).unwrap();
    let envelopes = page
        .envelopes
        .iter()
        .map(|stored| Envelope::decode(&stored.bytes).unwrap());
    to.replica.admit(space, envelopes.collect(), Vec::new()).unwrap();
    to.absorb().unwrap();
}

/// A secretary's phone with two feeds: twenty envelopes of its own and ten of a deputy's.
fn two_feeds() -> (Device<MemoryStore>, Space) {
    let mut secretary = branch(1);
    let mut deputy = join(&mut secretary, 2, "P2", 3);
    let (month, day) = ("2026-06".parse().unwrap(), "2026-06-05".parse().unwrap());
    let doc = secretary
        .new_meeting(MeetingKind::Regular, Some(month), Some(day), NOW)
        .unwrap();
    secretary.flush().unwrap();
    let main = secretary.space(SpaceKind::Main).unwrap();
    hand(&secretary, &mut deputy, &main);
    for (device, times) in [(&mut deputy, 10), (&mut secretary, 20)] {
        for time in 0..times {
            let speech = Command::AddSpeech {
                id: device.fresh_id(),
                speaker: Person::Member(device.member().unwrap()),
                agenda: None,
                text: format!("Câu thứ {time}").as_str().into(),
                place: Place::Last,
            };
            device.meeting(doc, &speech, NOW + time).unwrap();
            device.flush().unwrap();
        }
    }
    hand(&deputy, &mut secretary, &main);
    (secretary, main)
}

fn made(room: Room) -> Result<DraftedCover, CoverError> {
    let (mut secretary, main) = two_feeds();
    let plans = secretary.plan_feeds(&main, today(LATER), LATER)?;
    secretary.make_cover(&main, plans, room, LATER)
}

#[test]
fn what_finds_no_room_is_told_and_the_feeds_that_save_most_come_first() {
    let whole = made(Room::default()).unwrap();
    assert_eq!((whole.feeds, whole.left), (2, 0));
    let one = Room {
        feeds: 1,
        ..Room::default()
    };
    let one = made(one).unwrap();
    assert_eq!((one.feeds, one.left), (1, 1));
    assert!(one.drops.envelopes >= 20, "the secretary's: {one:?}");
    // One byte less than what both need.
    let (mut secretary, main) = two_feeds();
    let plans = secretary.plan_feeds(&main, today(LATER), LATER).unwrap();
    secretary
        .make_cover(&main, plans, Room::default(), LATER)
        .unwrap();
    let needed = secretary.membership().unwrap().covers(&main.id())[0]
        .cover
        .encode()
        .len();
    let small = Room {
        bytes: Some(needed),
        ..Room::default()
    };
    let small = made(small).unwrap();
    assert_eq!((small.feeds, small.left), (1, 1));
    let none = Room {
        bytes: Some(100),
        ..Room::default()
    };
    assert!(matches!(made(none), Err(CoverError::Nothing)));
    let none = Room {
        copies: 0,
        ..Room::default()
    };
    assert!(matches!(made(none), Err(CoverError::Nothing)));
}

#[test]
fn a_feed_that_keeps_more_ranges_than_a_cover_may_is_covered_as_far_as_they_reach() {
    let (mut secretary, main) = two_feeds();
    // Names between the changes: a range each.
    for time in 0..12 {
        let name = format!("Người thứ {time}");
        secretary
            .add_members(&[super::super::NewMember::named(&name)], today(NOW), NOW + time)
            .unwrap();
        secretary.flush().unwrap();
    }
    let plans = secretary.plan_feeds(&main, today(LATER), LATER).unwrap();
    let whole = secretary
        .make_cover(&main, plans, Room::default(), LATER)
        .unwrap();
    let mut secretary = {
        let (mut again, _) = two_feeds();
        for time in 0..12 {
            let name = format!("Người thứ {time}");
            again
                .add_members(&[super::super::NewMember::named(&name)], today(NOW), NOW + time)
                .unwrap();
            again.flush().unwrap();
        }
        again
    };
    let plans = secretary.plan_feeds(&main, today(LATER), LATER).unwrap();
    let few = Room {
        ranges: 3,
        ..Room::default()
    };
    let few = secretary.make_cover(&main, plans, few, LATER).unwrap();
    assert_eq!(few.feeds, 2);
    assert!(few.drops.envelopes < whole.drops.envelopes, "{few:?} {whole:?}");
}
