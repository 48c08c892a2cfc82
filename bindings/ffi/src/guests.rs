//! Guests: phones that are shown the minutes of one meeting and nothing else.

use sotay_engine::GuestAsk;

use crate::branch::Branch;
use crate::call::tell;
use crate::error::{HandbookError, parse};

/// Whom an officer lets into a meeting.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct GuestAdmission {
    /// The text that the guest's phone handed over.
    pub request: String,
    /// The meeting.
    pub meeting: String,
    /// The guest's name; members see it.
    pub name: String,
    /// Relay addresses to pass on.
    #[uniffi(default)]
    pub relays: Vec<String>,
}

/// A guest's phone.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct GuestPhoneView {
    /// The phone; its grant ends by [`Branch::remove_phone`].
    pub device: String,
    /// Its label.
    pub label: String,
    /// The guest's name, if known here.
    pub name: Option<String>,
    /// The meeting.
    pub meeting: String,
    /// Whether the guest is let in now.
    pub open: bool,
}

/// What a guest reads.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct GuestPageView {
    /// The meeting.
    pub meeting: String,
    /// The minutes.
    pub text: String,
    /// SHA-256 of the text, in hexadecimal: compare it with that of the minutes.
    pub sha256: String,
    /// Whether this is the text that was sealed.
    pub sealed: bool,
}

#[uniffi::export]
impl Branch {
    /// Lets a phone read one meeting, and nothing else; gives the invitation to hand back, as text. Officers only.
    pub fn admit_guest(&self, guest: GuestAdmission) -> Result<String, HandbookError> {
        let admission = GuestAsk {
            request: guest.request,
            meeting: parse(&guest.meeting, "meeting")?,
            name: guest.name,
            relays: guest.relays,
        };
        tell(&self.engine, move |device, now| {
            device
                .admit_guest(&admission, now)
                .map(|invitation| invitation.to_text())
        })
    }

    /// The phones of guests, by meeting.
    pub fn guests(&self) -> Result<Vec<GuestPhoneView>, HandbookError> {
        let all = tell(&self.engine, |device, _| device.guests())?;
        let view = |line: sotay_engine::GuestLine| GuestPhoneView {
            device: line.device.to_string(),
            label: line.label,
            name: line.name,
            meeting: line.meeting.to_string(),
            open: line.open,
        };
        Ok(all.into_iter().map(view).collect())
    }

    /// What this phone, a guest's, was shown last; none while nothing has come.
    pub fn guest_page(&self) -> Result<Option<GuestPageView>, HandbookError> {
        let page = tell(&self.engine, |device, _| device.guest_page())?;
        Ok(page.map(|page| GuestPageView {
            meeting: page.meeting.to_string(),
            text: page.text,
            sha256: page.sha256,
            sealed: page.sealed,
        }))
    }
}
