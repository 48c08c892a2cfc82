//! Joining by codes to scan: the answer to one phone, and the code on the wall for a whole hall.

use sotay_engine::{Fault, HallAdmission, HallCode, HallEntry, Pass, letter_text, read_letter};

use crate::branch::{Admission, Branch, JoinRequestView, request_view};
use crate::call::{ask, tell};
use crate::error::{HandbookError, OrFault};

/// What an officer's phone shows to be scanned.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PassView {
    /// The text to show as a QR code or send.
    pub code: String,
    /// Whether it is the code of a hall, for everybody there; otherwise it answers one phone.
    pub hall: bool,
    /// The unit, in hexadecimal.
    pub unit: String,
    /// Relays that will know the grant, best first.
    pub relays: Vec<String>,
    /// Until when a hall takes requests, in seconds since 1970 UTC.
    pub until: Option<u64>,
}

/// What an officer hands to one phone.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct TicketView {
    /// To be shown as a QR code, with nothing but capitals, digits and `-:`.
    pub code: String,
    /// The file of welcome that goes with it when there is no relay.
    pub welcome: Vec<u8>,
}

/// What scanning did.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ScannedView {
    /// What was scanned. This phone now waits for the records of the unit: from one of its relays, or in a file of welcome.
    pub shown: PassView,
    /// Of a hall: the request to carry to the officer's phone, which alone can read it.
    pub letter: Option<String>,
    /// Of a hall: six digits for the holder to read out.
    pub check_code: Option<String>,
}

/// A phone that asks to be admitted in a hall.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct HallEntryView {
    /// What its holder reads out.
    pub check_code: String,
    /// What it is called.
    pub label: String,
    /// The phone, in hexadecimal.
    pub device: String,
}

fn pass_view(pass: &Pass) -> PassView {
    PassView {
        code: pass.to_text(),
        hall: matches!(pass, Pass::Hall(_)),
        unit: pass.unit().to_string(),
        relays: pass.relays().iter().map(ToString::to_string).collect(),
        until: match pass {
            Pass::Ticket(_) => None,
            Pass::Hall(code) => Some(code.until),
        },
    }
}

fn hall_view(code: HallCode) -> PassView {
    pass_view(&Pass::Hall(code))
}

fn entry_view(entry: HallEntry) -> HallEntryView {
    HallEntryView {
        check_code: entry.check_code,
        label: entry.label,
        device: entry.device.to_string(),
    }
}

#[uniffi::export]
impl Branch {
    /// [`Branch::join_request`] to be scanned: short, good for ten minutes and once.
    pub fn shown_request(&self) -> Result<JoinRequestView, HandbookError> {
        let request = tell(&self.engine, |device, now| device.shown_request(now))?;
        Ok(request_view(&request))
    }

    /// [`Branch::admit`], with an answer that is small enough to be scanned.
    pub fn admit_by_code(&self, admission: Admission) -> Result<TicketView, HandbookError> {
        let admitting = admission.read()?;
        ask(&self.engine, move |device, now| {
            let invitation = admitting.carry_out(device, now).or_fault()?;
            let (ticket, welcome) = device.ticket(&invitation);
            Ok(TicketView {
                code: ticket.to_text(),
                welcome,
            })
        })
    }

    /// Takes what was scanned from an officer's phone. Another code may be scanned instead until the records are here.
    pub fn scan(&self, code: String) -> Result<ScannedView, HandbookError> {
        ask(&self.engine, move |device, now| {
            let pass = Pass::from_text(&code).or_fault()?;
            let request = match &pass {
                Pass::Ticket(_) => {
                    device.begin_join(&pass, now).or_fault()?;
                    None
                }
                Pass::Hall(hall) => Some(device.hall_request(hall, now).or_fault()?),
            };
            Ok(ScannedView {
                shown: pass_view(&pass),
                letter: request.as_ref().map(|request| letter_text(&request.letter)),
                check_code: request.map(|request| request.check_code),
            })
        })
    }

    /// What this phone has scanned, while it waits for the records of the unit.
    pub fn joining(&self) -> Result<Option<PassView>, HandbookError> {
        let pass = tell(&self.engine, |device, _| device.joining())?;
        Ok(pass.as_ref().map(pass_view))
    }

    /// Joins by the file of welcome that belongs to the scanned code.
    pub fn accept_welcome(&self, file: Vec<u8>) -> Result<(), HandbookError> {
        tell(&self.engine, move |device, _| device.accept_welcome(&file))
    }

    /// Opens a hall for two hours: the code to put on the wall. A hall that was open on this phone is closed. Officers only.
    pub fn open_hall(&self, relays: Vec<String>) -> Result<PassView, HandbookError> {
        tell(&self.engine, move |device, now| device.open_hall(&relays, now)).map(hall_view)
    }

    /// The code of the hall that is open on this phone.
    pub fn hall(&self) -> Result<PassView, HandbookError> {
        tell(&self.engine, |device, _| device.hall()).map(hall_view)
    }

    /// Ends the hall: its key and the requests that wait are deleted. Who was admitted stays admitted.
    pub fn close_hall(&self) -> Result<(), HandbookError> {
        tell(&self.engine, |device, _| device.close_hall())
    }

    /// Takes a letter to this hall in; taking one twice changes nothing. Take all letters in before anybody reads digits out:
    /// who hears them could make a request with the same ones.
    pub fn take_hall_letter(&self, letter: String) -> Result<HallEntryView, HandbookError> {
        ask(&self.engine, move |device, now| {
            let letter = read_letter(&letter).or_fault()?;
            device.take_hall_letter(&letter, now).or_fault().map(entry_view)
        })
    }

    /// The phones that wait in the hall, by label.
    pub fn hall_requests(&self) -> Result<Vec<HallEntryView>, HandbookError> {
        let all = tell(&self.engine, |device, _| device.hall_requests())?;
        Ok(all.into_iter().map(entry_view).collect())
    }

    /// Admits the one phone whose holder reads these six digits out. The request of the admission is not looked at.
    pub fn admit_in_hall(
        &self,
        check_code: String,
        admission: Admission,
    ) -> Result<HallEntryView, HandbookError> {
        if admission.reads_from.is_some() {
            return Err(Fault::malformed("reads_from").into());
        }
        let admission = HallAdmission {
            check_code,
            ask: admission.read()?.ask,
        };
        tell(&self.engine, move |device, now| {
            device.admit_in_hall(&admission, now)
        })
        .map(entry_view)
    }

    /// The file of welcome for everybody who was admitted in the hall.
    pub fn hall_welcome(&self) -> Result<Vec<u8>, HandbookError> {
        tell(&self.engine, |device, _| device.hall_welcome())
    }
}
