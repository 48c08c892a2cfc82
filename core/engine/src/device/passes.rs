//! Joining by what an officer's phone shows (clauses E6 and E7): a ticket, or the code of a hall. Everything else comes from a
//! relay or in a file of welcome, and is held against the code.

use sotay_feed::{DeviceKeys, EnvelopeId, Space, SpaceKind};
use sotay_membership::Grant;
use sotay_store::{Bucket, Put, Store};
use sotay_vault::seal_box;

use super::Device;
use super::enrol::{JoinError, granted};
use super::home::Home;
use crate::codes::{HallCode, Pass, Ticket, hints, open_welcome, seal_welcome};
use crate::enrolment::{CLOCK_SKEW_SECONDS, Invitation, JoinRequest, seconds};
use crate::error::DeviceError;

/// The pass of a phone that waits for its unit's records, in [`Bucket::Profile`].
const JOINING: &[u8] = b"joining";

pub(super) fn joining_put(pass: Option<&Pass>) -> Put {
    Put {
        bucket: Bucket::Profile,
        key: JOINING.to_vec(),
        value: pass.map(|pass| pass.to_text().into_bytes()),
    }
}

/// A request to a hall: the text to carry, and what people compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HallRequest {
    /// Sealed for the officer who opened the hall.
    pub letter: Vec<u8>,
    /// Six digits, to be read out.
    pub check_code: String,
}

impl<S: Store> Device<S> {
    /// The small answer to a phone that was just admitted, to be shown as a QR code, and the file of welcome that goes with it
    /// when there is no relay.
    pub fn ticket(&mut self, invitation: &Invitation) -> (Ticket, Vec<u8>) {
        let mut key = [0; 16];
        self.rng.fill_bytes(&mut key);
        let ticket = Ticket {
            unit: invitation.unit,
            grant: invitation.grant,
            key,
            relays: hints(&invitation.relays),
        };
        let file = seal_welcome(ticket.unit, &key, &invitation.bundle, &mut *self.rng);
        (ticket, file)
    }

    /// Takes what was scanned from an officer's phone: this phone now waits for the records of the unit, from a relay or in a
    /// file of welcome. Another one may be scanned instead until they are here.
    pub fn begin_join(&mut self, pass: &Pass, now: i64) -> Result<(), JoinError> {
        if self.home.is_some() {
            return Err(JoinError::Already);
        }
        if let Pass::Hall(code) = pass {
            open_at(code, now)?;
        }
        self.write(vec![joining_put(Some(pass))])
            .map_err(DeviceError::from)?;
        self.replica
            .know_space(Space::of(pass.unit(), SpaceKind::Roll))
            .map_err(DeviceError::from)?;
        Ok(())
    }

    /// What this phone waits for, if it scanned something and is not admitted yet.
    pub fn joining(&self) -> Result<Option<Pass>, DeviceError> {
        if self.home.is_some() {
            return Ok(None);
        }
        let Some(text) = self.replica.store().get(Bucket::Profile, JOINING)? else {
            return Ok(None);
        };
        let pass = std::str::from_utf8(&text)
            .ok()
            .and_then(|text| Pass::from_text(text).ok());
        pass.map(Some)
            .ok_or(DeviceError::damaged("code that was scanned"))
    }

    /// Joins by the file of welcome that belongs to the scanned code.
    pub fn accept_welcome(&mut self, file: &[u8]) -> Result<(), JoinError> {
        if self.home.is_some() {
            return Err(JoinError::Already);
        }
        let pass = self.joining()?.ok_or(JoinError::NoPass)?;
        let records = open_welcome(&pass, file)?;
        self.join_unit(pass.unit(), &records, &wanted(&pass))
    }

    /// Joins when the relay has brought the grant; called whenever something was received.
    pub(super) fn finish_joining(&mut self) -> Result<(), DeviceError> {
        let Some(pass) = self.joining()? else {
            return Ok(());
        };
        let unit = pass.unit();
        let membership = self.replica.membership(unit);
        let member = membership.and_then(|membership| granted(membership, self.id(), &wanted(&pass)));
        match member {
            Some(member) => self.settle_in(Home { unit, member }),
            None => Ok(()),
        }
    }

    /// Asks to be admitted to the hall whose code was scanned. Only the phone that opened the hall can read it.
    pub fn hall_request(&mut self, code: &HallCode, now: i64) -> Result<HallRequest, JoinError> {
        self.begin_join(&Pass::Hall(code.clone()), now)?;
        let keys: &DeviceKeys = &self.keys;
        let hall = Some(*code.seal.as_bytes());
        let request = JoinRequest::made(keys, &self.label, Some(seconds(now)), hall, &mut *self.rng)?;
        let letter = seal_box(&code.seal, &code.context(), &request.to_bytes(), &mut *self.rng)
            .map_err(|_| JoinError::HallClosed)?;
        Ok(HallRequest {
            letter,
            check_code: request.check_code(),
        })
    }
}

/// Whether a hall takes requests at `now`, as far as this phone's clock can tell.
fn open_at(code: &HallCode, now: i64) -> Result<(), JoinError> {
    if seconds(now) > code.until.saturating_add(CLOCK_SKEW_SECONDS.unsigned_abs()) {
        Err(JoinError::HallClosed)
    } else {
        Ok(())
    }
}

fn wanted(pass: &Pass) -> impl Fn(EnvelopeId, &Grant) -> bool {
    let ticket = match pass {
        Pass::Ticket(ticket) => Some(ticket.grant),
        Pass::Hall(_) => None,
    };
    move |id, _| ticket.is_none_or(|grant| grant == id)
}
