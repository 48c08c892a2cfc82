//! A relay that loses or withholds what it had acknowledged, towards real devices.

use sotay_engine::Event;
use sotay_feed::{DeviceId, SpaceKind};
use sotay_sync::{Gate, Offered};
use sotay_tests::shard::relay_key;

use super::{HOSTILE, PHONES, all_goes_on, scene, work};

/// Takes nothing of one author.
struct Withholds(DeviceId);

impl Gate for Withholds {
    fn allow(&mut self, offered: &Offered<'_>) -> Result<(), u32> {
        if offered.envelope.header().device == self.0 {
            Err(60)
        } else {
            Ok(())
        }
    }
}

struct TakesAll;

impl Gate for TakesAll {
    fn allow(&mut self, _: &Offered<'_>) -> Result<(), u32> {
        Ok(())
    }
}

#[test]
fn a_relay_that_takes_back_what_it_acknowledged_is_named_by_the_phone_it_acknowledged_it_to() {
    let (mut branch, doc) = scene();
    work(&mut branch, doc, "trước");
    branch.sync_all(&PHONES);
    branch.keep_relay("yesterday");
    work(&mut branch, doc, "giữa");
    branch.sync(1);
    // Back to yesterday, under the same name; what others wrote is taken, and what P1 hands over again is not.
    branch.set_relay_back("yesterday");
    let withheld = branch.phone(1).id();
    branch
        .relay()
        .replica_mut()
        .set_gate(Box::new(Withholds(withheld)));
    branch.sync(2);
    branch.events(1);
    branch.sync(1);
    let told = branch.events(1);
    assert!(
        told.iter()
            .any(|event| matches!(event, Event::TwoHistories { relay, .. } if *relay == relay_key())),
        "{told:?}"
    );
    let proofs = branch.phone(1).relay_proofs().unwrap();
    assert!(
        proofs
            .iter()
            .any(|proof| proof.space.kind == SpaceKind::Main && proof.relay == relay_key())
    );
    for phone in [2, 3, HOSTILE] {
        assert!(branch.phone(phone).relay_proofs().unwrap().is_empty());
    }
    branch.relay().replica_mut().set_gate(Box::new(TakesAll));
    all_goes_on(branch, doc);
}

#[test]
fn a_relay_that_keeps_its_word_is_accused_by_nobody() {
    let (mut branch, doc) = scene();
    for word in ["một", "hai", "ba"] {
        work(&mut branch, doc, word);
        branch.sync_all(&PHONES);
    }
    for phone in PHONES {
        assert!(branch.phone(phone).relay_proofs().unwrap().is_empty());
    }
}
