//! What letters between a unit and the one above it say, as rows, and how they are written (P15).
//!
//! Rows of [`Bucket::Dispatch`] begin with a letter and the unit below, whose `report` space the letters travel in.

use sotay_feed::{Kind, Space, SpaceKind, UnitId};
use sotay_handbook::dispatch::{Delivered, PassedUp, ReportWord, Transfer, TransferStep};
use sotay_handbook::feedback::FeedbackReply;
use sotay_handbook::{HandbookEvent, reports_id};
use sotay_membership::{Held, rank};
use sotay_store::{Bucket, Put, Store, Stored};

use super::Device;
use super::absorb::Haul;
use super::library::tagged;
use crate::error::DeviceError;
use crate::event::{Event, SetAside};

/// Form of a dispatch: how far documents from above have come (P15.5).
pub(super) const DELIVERED: u8 = 1;
/// What became of a report (P15.4).
pub(super) const WORD: u8 = 2;
/// Feedback passed up (P15.6).
pub(super) const PASSED: u8 = 3;
/// What became of feedback that was passed up (P15.7).
pub(super) const REPLY: u8 = 4;
/// A step of a member's move (P15.8).
pub(super) const TRANSFER: u8 = 5;

/// Rows of one kind of letter of a unit.
pub(super) fn rows(letter: u8, unit: UnitId) -> Vec<u8> {
    [&[letter], &unit.as_bytes()[..]].concat()
}

fn row(letter: u8, unit: UnitId, key: &[&[u8]], stored: &Stored, value: &[u8]) -> Put {
    Put {
        bucket: Bucket::Dispatch,
        key: [rows(letter, unit), key.concat()].concat(),
        value: Some([stored.device.as_bytes(), value].concat()),
    }
}

/// Whether a device was an office of the unit itself, or of the level above it.
fn office(held: &[Held], above: bool) -> bool {
    held.iter().any(|held| match above {
        true => held.rank <= rank::PARENT,
        false => (rank::SECRETARY..=rank::DEPUTY).contains(&held.rank),
    })
}

impl<S: Store> Device<S> {
    /// Takes in a letter of the `report` space of a unit: this one, or one below.
    pub(super) fn read_letter(
        &mut self,
        space: &Space,
        stored: &Stored,
        (form, bytes): (u8, &[u8]),
        haul: &mut Haul,
    ) -> Result<(), SetAside> {
        if space.kind != SpaceKind::Report {
            return Err(SetAside::Unreadable);
        }
        let membership = self.membership_of(space.unit).map_err(|_| SetAside::NotAllowed)?;
        let held = membership.held_at(stored.device, space, stored.seq, stored.id);
        let (unit, id) = (space.unit, stored.id);
        let unreadable = |_| SetAside::Unreadable;
        let mut year = None;
        let (above, put) = match form {
            DELIVERED => {
                let month = Delivered::decode(bytes).map_err(unreadable)?.month.to_string();
                let key = [month.as_bytes(), stored.device.as_bytes()];
                (false, row(DELIVERED, unit, &key, stored, bytes))
            }
            WORD => {
                year = Some(ReportWord::decode(bytes).map_err(unreadable)?.month.year());
                (true, row(WORD, unit, &[id.as_bytes()], stored, bytes))
            }
            PASSED => {
                let item = PassedUp::decode(bytes).map_err(unreadable)?.item;
                haul.feedback = true;
                (
                    false,
                    row(PASSED, unit, &[item.as_bytes(), id.as_bytes()], stored, bytes),
                )
            }
            REPLY => {
                let (public, reply) = bytes.split_first().ok_or(SetAside::Unreadable)?;
                let item = FeedbackReply::decode(reply).map_err(unreadable)?.item;
                if *public > 1 {
                    return Err(SetAside::Unreadable);
                }
                haul.feedback = true;
                (
                    true,
                    row(REPLY, unit, &[item.as_bytes(), id.as_bytes()], stored, bytes),
                )
            }
            TRANSFER => {
                let transfer = Transfer::decode(bytes).map_err(unreadable)?;
                year = Some(transfer.from.month().year());
                let above = matches!(
                    transfer.step,
                    TransferStep::Recorded | TransferStep::Refused | TransferStep::Expected
                );
                let key = [transfer.id.as_bytes(), &id.as_bytes()[..]];
                (above, row(TRANSFER, unit, &key, stored, bytes))
            }
            _ => return Err(SetAside::Unreadable),
        };
        if !office(&held, above) {
            return Err(SetAside::NotAllowed);
        }
        haul.puts.push(put);
        if let Some(year) = year {
            self.events.push_back(Event::Handbook {
                doc: reports_id(unit, year),
                event: HandbookEvent::Report,
            });
        }
        Ok(())
    }

    /// The letters of a kind of a unit: key after the unit, writer and content.
    pub(super) fn letters<T>(
        &self,
        letter: u8,
        unit: UnitId,
        read: impl Fn(sotay_feed::DeviceId, &[u8]) -> Option<T>,
    ) -> Result<Vec<T>, DeviceError> {
        let all = self.replica.store().list(Bucket::Dispatch, &rows(letter, unit))?;
        let parse = |row: &[u8]| {
            let (device, bytes) = row.split_first_chunk()?;
            read(sotay_feed::DeviceId::from_bytes(*device), bytes)
        };
        all.iter()
            .map(|(_, row)| parse(row).ok_or(DeviceError::damaged("letters")))
            .collect()
    }

    /// Writes letters into the `report` space of this unit or one below, and takes them in.
    pub(super) fn write_letters(
        &mut self,
        unit: UnitId,
        letters: &[(u8, Vec<u8>)],
    ) -> Result<(), DeviceError> {
        if letters.is_empty() {
            return Ok(());
        }
        let payloads = letters
            .iter()
            .map(|(form, bytes)| (Kind::DISPATCH, tagged(*form, bytes)));
        let space = Space::of(unit, SpaceKind::Report);
        self.publish(&space, payloads.collect(), Vec::new())?;
        self.absorb()
    }

    /// A unit below that this device follows.
    pub(super) fn below(&self, unit: UnitId) -> Result<UnitId, DeviceError> {
        self.followed
            .units
            .contains_key(&unit)
            .then_some(unit)
            .ok_or(DeviceError::NoUnit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::handing::tests::below;
    use crate::device::quizzes::tests::meet as sync;
    use crate::device::tests::{NOW, branch};
    use proptest::prelude::*;
    use sotay_handbook::EntryId;
    use sotay_handbook::dispatch::{ReportStep, TransferKind};
    use sotay_handbook::feedback::FeedbackStatus;
    use sotay_handbook::roster::Standing;
    use sotay_store::MemoryStore;

    fn transfer(step: TransferStep) -> Vec<u8> {
        let transfer = Transfer {
            id: EntryId::from_bytes([3; 16]),
            kind: TransferKind::Official,
            step,
            member: None,
            name: "Trần Thị Hoa".into(),
            standing: Standing::Full,
            from: "2026-05-01".parse().unwrap(),
            until: None,
            place: "".into(),
            at_ms: NOW,
        };
        transfer.encode()
    }

    /// A kind of letter and its bytes.
    type Golden = (u8, Vec<u8>);

    fn letters() -> ([Golden; 4], [Golden; 3]) {
        let month = "2026-05".parse().unwrap();
        let word = ReportWord {
            month,
            revision: 1,
            sender: sotay_feed::DeviceId::from_bytes([1; 8]),
            step: ReportStep::Accepted,
            remark: None,
            at_ms: NOW,
        };
        let reply = FeedbackReply {
            item: EntryId::from_bytes([2; 16]),
            status: FeedbackStatus::Answered,
            text: None,
            at_ms: NOW,
        };
        let passed = PassedUp {
            item: EntryId::from_bytes([2; 16]),
            at_ms: NOW,
            topic: "".into(),
            text: "x".into(),
            name: None,
            passed_ms: NOW,
        };
        let delivered = Delivered {
            month,
            below: None,
            members: 1,
            documents: Default::default(),
        };
        (
            [
                (WORD, word.encode()),
                (REPLY, [&[0], &reply.encode()[..]].concat()),
                (TRANSFER, transfer(TransferStep::Recorded)),
                (TRANSFER, transfer(TransferStep::Expected)),
            ],
            [
                (PASSED, passed.encode()),
                (DELIVERED, delivered.encode()),
                (TRANSFER, transfer(TransferStep::Asked)),
            ],
        )
    }

    /// Why each letter was set aside on the phone that wrote it; `None` for one that was taken.
    fn write(
        device: &mut Device<MemoryStore>,
        space: Space,
        (form, bytes): &(u8, Vec<u8>),
    ) -> Option<SetAside> {
        while device.next_event().is_some() {}
        let payload = tagged(*form, bytes);
        device
            .publish(&space, vec![(Kind::DISPATCH, payload)], Vec::new())
            .unwrap();
        device.absorb().unwrap();
        std::iter::from_fn(|| device.next_event()).find_map(|event| match event {
            Event::SetAside { reason, .. } => Some(reason),
            _ => None,
        })
    }

    #[test]
    fn a_letter_of_the_wrong_office_or_form_is_set_aside() {
        let mut upper = branch(81);
        let mut secretary = below(&mut upper);
        let unit = secretary.unit().unwrap();
        let (report, main) = (
            Space::of(unit, SpaceKind::Report),
            Space::of(unit, SpaceKind::Main),
        );
        let (from_above, from_below) = letters();
        for letter in &from_above {
            assert_eq!(write(&mut secretary, report, letter), Some(SetAside::NotAllowed));
        }
        for letter in &from_below {
            assert_eq!(write(&mut secretary, report, letter), None);
            assert_eq!(write(&mut secretary, main, letter), Some(SetAside::Unreadable));
            let cut = (letter.0, letter.1[1..].to_vec());
            assert_eq!(write(&mut secretary, report, &cut), Some(SetAside::Unreadable));
        }
        let public = (REPLY, [&[2], &from_above[1].1[1..]].concat());
        assert_eq!(write(&mut secretary, report, &public), Some(SetAside::Unreadable));
        assert_eq!(
            write(&mut secretary, report, &(9, Vec::new())),
            Some(SetAside::Unreadable)
        );
        // The branch's roll goes up, and with it the key of its reports.
        sync(&mut secretary, &mut upper);
        for letter in &from_above {
            assert_eq!(write(&mut upper, report, letter), None);
        }
        for letter in &from_below {
            assert_eq!(write(&mut upper, report, letter), Some(SetAside::NotAllowed));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn garbage_of_every_form_is_set_aside_without_a_panic(
            form in 0..8_u8,
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
        ) {
            let mut secretary = branch(82);
            let report = secretary.space(SpaceKind::Report).unwrap();
            prop_assert_eq!(write(&mut secretary, report, &(form, bytes)), Some(SetAside::Unreadable));
        }
    }
}
