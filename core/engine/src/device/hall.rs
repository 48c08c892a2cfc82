//! Admitting a whole branch with one code on the wall (clause E7). Requests come sealed to a key made for this hall, as
//! files; the officer admits those whose six digits a person reads out; one file of welcome serves everybody.

use serde::Serialize;
use sotay_feed::cbor::{CborError, Reader, Writer};
use sotay_feed::{DeviceId, DeviceKeys, InOrder, Space, SpaceKind};
use sotay_membership::{Denied, State, rank};
use sotay_store::{Bucket, Put, Store};
use sotay_vault::open_box;
use zeroize::Zeroizing;

use super::Device;
use super::enrol::{AdmitError, AdmitRequest};
use crate::codes::{HALL_SECONDS, HallCode, hints, seal_welcome};
use crate::enrolment::{CLOCK_SKEW_SECONDS, EnrolTextError, JoinRequest, seconds};
use crate::error::DeviceError;

/// Requests that one hall keeps: more than any branch has members.
pub const HALL_REQUESTS_MAX: usize = 256;
/// Bytes of one letter to a hall.
pub const HALL_LETTER_BYTES_MAX: usize = 1024;

const HALL: &[u8] = b"hall-open";
const ASKS: &[u8] = b"hall-ask";
const VERSION: u64 = 1;

/// Why a hall did not do what was asked. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum HallError {
    /// No hall is open on this phone.
    #[error("no hall is open on this phone")]
    NotOpen,
    /// Its two hours are over, or a letter came after them.
    #[error("the hall is closed")]
    Closed,
    /// The letter was sealed for another hall, or was changed.
    #[error("this letter is not for this hall")]
    OtherHall,
    /// [`HALL_REQUESTS_MAX`] requests wait already.
    #[error("{HALL_REQUESTS_MAX} requests wait already; admit or close first")]
    Full,
    /// No request has these digits.
    #[error("no request has these digits")]
    NoSuchCode,
    /// Several requests have these digits: the phones have to ask anew.
    #[error("{0} requests have these digits")]
    Ambiguous(usize),
    /// The request in it cannot be used.
    #[error(transparent)]
    Request(#[from] EnrolTextError),
    /// The phone was not admitted.
    #[error(transparent)]
    Admit(#[from] AdmitError),
    /// Anything that can happen to every call.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// A phone that asks to be admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HallEntry {
    /// What its holder reads out.
    pub check_code: String,
    /// What it is called.
    pub label: String,
    /// The phone, in hexadecimal.
    #[serde(serialize_with = "crate::text_of")]
    pub device: DeviceId,
}

/// Whom to admit, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HallAdmission {
    /// The six digits; spaces do not matter.
    pub check_code: String,
    /// Roster line, rank and flags; its text is not looked at.
    pub ask: AdmitRequest,
}

struct Hall {
    keys: DeviceKeys,
    code: HallCode,
}

impl Hall {
    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut writer = Writer::new();
        writer
            .array(4)
            .uint(VERSION)
            .bytes(&self.keys.sign_seed()[..])
            .bytes(&self.keys.seal_secret()[..])
            .bytes(&self.code.to_bytes());
        Zeroizing::new(writer.into_bytes())
    }

    fn decode(bytes: &[u8]) -> Result<Self, EnrolTextError> {
        let mut reader = Reader::new(bytes);
        reader.array(4)?;
        let at = reader.position();
        if reader.uint()? != VERSION {
            return Err(CborError::Malformed { at }.into());
        }
        let (sign, seal) = (Zeroizing::new(reader.fixed()?), Zeroizing::new(reader.fixed()?));
        let hall = Self {
            keys: DeviceKeys::from_seeds(*sign, *seal),
            code: HallCode::from_bytes(reader.bytes(4096)?)?,
        };
        reader.finish(&hall.encode())?;
        Ok(hall)
    }
}

fn put(key: Vec<u8>, value: Option<Vec<u8>>) -> Put {
    Put {
        bucket: Bucket::Profile,
        key,
        value,
    }
}

fn ask_key(device: DeviceId) -> Vec<u8> {
    [ASKS, device.as_bytes()].concat()
}

impl<S: Store> Device<S> {
    /// Opens a hall for two hours: the code to put on the wall. A hall that was open on this phone is closed.
    pub fn open_hall(&mut self, relays: &[String], now: i64) -> Result<HallCode, HallError> {
        let membership = self.membership()?;
        let officer = membership
            .standing(self.id())
            .is_some_and(|standing| standing.state == State::Active && standing.rank <= rank::DEPUTY);
        if !officer {
            return Err(DeviceError::from(Denied::Rank).into());
        }
        let keys = DeviceKeys::generate(&mut *self.rng);
        let mut key = [0; 16];
        self.rng.fill_bytes(&mut key);
        let code = HallCode {
            unit: self.home()?.unit,
            seal: keys.public().seal,
            key,
            until: seconds(now) + HALL_SECONDS,
            relays: hints(relays),
        };
        let hall = Hall { keys, code };
        let mut puts = self.closing_puts()?;
        puts.push(put(HALL.to_vec(), Some(hall.encode().to_vec())));
        self.write(puts).map_err(DeviceError::from)?;
        Ok(hall.code)
    }

    /// The code of the hall that is open on this phone.
    pub fn hall(&self) -> Result<HallCode, HallError> {
        Ok(self.open_hall_row()?.code)
    }

    /// Ends the hall: its key and the requests that wait are deleted. Who was admitted stays admitted.
    pub fn close_hall(&mut self) -> Result<(), HallError> {
        self.open_hall_row()?;
        let puts = self.closing_puts()?;
        Ok(self.write(puts).map_err(DeviceError::from)?)
    }

    fn closing_puts(&self) -> Result<Vec<Put>, DeviceError> {
        let asks = self.replica.store().list(Bucket::Profile, ASKS)?;
        let mut puts: Vec<Put> = asks.into_iter().map(|(key, _)| put(key, None)).collect();
        puts.push(put(HALL.to_vec(), None));
        Ok(puts)
    }

    fn open_hall_row(&self) -> Result<Hall, HallError> {
        let row = self
            .replica
            .store()
            .get(Bucket::Profile, HALL)
            .map_err(DeviceError::from)?;
        let row = Zeroizing::new(row.ok_or(HallError::NotOpen)?);
        Hall::decode(&row).map_err(|_| DeviceError::damaged("open hall").into())
    }

    fn hall_at(&self, now: i64) -> Result<Hall, HallError> {
        let hall = self.open_hall_row()?;
        if seconds(now) > hall.code.until + CLOCK_SKEW_SECONDS.unsigned_abs() {
            return Err(HallError::Closed);
        }
        Ok(hall)
    }

    /// Takes a letter to this hall in. The newest one of a phone counts; taking one twice changes nothing.
    ///
    /// Take all letters in before anybody reads digits out: who hears them could make a request with the same ones.
    pub fn take_hall_letter(&mut self, letter: &[u8], now: i64) -> Result<HallEntry, HallError> {
        let hall = self.hall_at(now)?;
        if letter.len() > HALL_LETTER_BYTES_MAX {
            return Err(EnrolTextError::TooLong.into());
        }
        let bytes = open_box(&hall.keys, &hall.code.context(), letter).map_err(|_| HallError::OtherHall)?;
        let request = JoinRequest::from_bytes(&bytes)?;
        if request.hall.as_ref() != Some(hall.code.seal.as_bytes()) {
            return Err(HallError::OtherHall);
        }
        let made = request.made.unwrap_or(0);
        if made > hall.code.until + CLOCK_SKEW_SECONDS.unsigned_abs() {
            return Err(HallError::Closed);
        }
        let device = request.keys.sign.device_id();
        let key = ask_key(device);
        let waiting = self
            .replica
            .store()
            .list(Bucket::Profile, ASKS)
            .map_err(DeviceError::from)?;
        let known = waiting.iter().find(|(known, _)| *known == key);
        if known.is_none() && waiting.len() >= HALL_REQUESTS_MAX {
            return Err(HallError::Full);
        }
        let newer = known
            .and_then(|(_, row)| JoinRequest::from_bytes(row).ok())
            .filter(|known| known.made >= request.made);
        if let Some(newer) = newer {
            return Ok(entry(&newer));
        }
        self.write(vec![put(key, Some(bytes.to_vec()))])
            .map_err(DeviceError::from)?;
        Ok(entry(&request))
    }

    /// The phones that wait, by label.
    pub fn hall_requests(&self) -> Result<Vec<HallEntry>, HallError> {
        self.open_hall_row()?;
        let mut entries: Vec<HallEntry> = self.asks()?.iter().map(entry).collect();
        entries.in_order_by(|a, b| (&a.label, a.device).cmp(&(&b.label, b.device)));
        Ok(entries)
    }

    fn asks(&self) -> Result<Vec<JoinRequest>, DeviceError> {
        let rows = self.replica.store().list(Bucket::Profile, ASKS)?;
        rows.iter()
            .map(|(_, row)| {
                JoinRequest::from_bytes(row).map_err(|_| DeviceError::damaged("requests of a hall"))
            })
            .collect()
    }

    /// Admits the one phone whose holder reads these digits out.
    pub fn admit_in_hall(&mut self, admission: &HallAdmission, now: i64) -> Result<HallEntry, HallError> {
        self.hall_at(now)?;
        let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
        let wanted = digits(&admission.check_code);
        let asks = self.asks()?;
        let fitting: Vec<&JoinRequest> = asks
            .iter()
            .filter(|ask| digits(&ask.check_code()) == wanted)
            .collect();
        let request = match fitting[..] {
            [] => return Err(HallError::NoSuchCode),
            [one] => one,
            _ => return Err(HallError::Ambiguous(fitting.len())),
        };
        // It was made for this hall, which is open: how long ago does not matter.
        self.admit_request(request, &admission.ask, (None, None), now)?;
        self.write(vec![put(ask_key(request.keys.sign.device_id()), None)])
            .map_err(DeviceError::from)?;
        Ok(entry(request))
    }

    /// The file of welcome for everybody who was admitted, under the key of the code on the wall: the roll, and what all
    /// members read. What officers read beyond that comes with their first sync.
    pub fn hall_welcome(&mut self) -> Result<Vec<u8>, HallError> {
        let hall = self.open_hall_row()?;
        self.flush()?;
        let unit = self.home()?.unit;
        let spaces =
            [SpaceKind::Roll, SpaceKind::Main, SpaceKind::Broadcast].map(|kind| Space::of(unit, kind));
        let bundle = self.bundle_of(&spaces)?;
        Ok(seal_welcome(unit, &hall.code.key, &bundle, &mut *self.rng))
    }
}

#[cfg(test)]
impl<S: Store> Device<S> {
    /// What a letter holds, as the officer's phone sees it.
    pub(super) fn hall_letter_for_tests(&self, letter: &[u8]) -> Vec<u8> {
        let hall = self.open_hall_row().unwrap();
        open_box(&hall.keys, &hall.code.context(), letter)
            .unwrap()
            .to_vec()
    }
}

fn entry(request: &JoinRequest) -> HallEntry {
    HallEntry {
        check_code: request.check_code(),
        label: request.label.clone(),
        device: request.keys.sign.device_id(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sotay_feed::UnitId;

    fn hall() -> Hall {
        let keys = DeviceKeys::from_seeds([1; 32], [2; 32]);
        let code = HallCode {
            unit: UnitId::from_bytes([3; 32]),
            seal: keys.public().seal,
            key: [4; 16],
            until: 5,
            relays: Vec::new(),
        };
        Hall { keys, code }
    }

    #[test]
    fn the_row_of_an_open_hall_has_the_written_form_and_round_trips() {
        let (bytes, code) = (hall().encode(), hall().code.to_bytes());
        let expected = format!(
            "84015820{}5820{}58{:02x}{}",
            "01".repeat(32),
            "02".repeat(32),
            code.len(),
            data_encoding::HEXLOWER.encode(&code)
        );
        assert_eq!(data_encoding::HEXLOWER.encode(&bytes), expected);
        assert!(Hall::decode(&bytes).is_ok_and(|read| read.code == hall().code));
        for len in 0..bytes.len() {
            assert!(Hall::decode(&bytes[..len]).is_err(), "{len}");
        }
        let mut newer = bytes.to_vec();
        newer[1] = 2;
        assert!(Hall::decode(&newer).is_err());
    }

    proptest! {
        #[test]
        fn garbage_is_no_hall(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Hall::decode(&bytes).is_err());
        }
    }
}
