//! Personal data: what the committee knows of members, who opened it, what they consented to, what is erased, and a member's
//! own data as a file.

use sotay_engine::handbook::Date;
use sotay_engine::{AccessLine, ConsentLine, Contact, Opened};

use crate::branch::Branch;
use crate::call::{ask, tell};
use crate::error::{HandbookError, OrFault, parse, parse_opt};
use crate::kinds::Language;

/// What the committee knows of a member beside the name. Every line may be empty.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ContactView {
    /// Telephone.
    #[uniffi(default = "")]
    pub phone: String,
    /// Day of birth, as people write it.
    #[uniffi(default = "")]
    pub born: String,
    /// Number of the party card.
    #[uniffi(default = "")]
    pub card: String,
    /// Anything else that has to be known.
    #[uniffi(default = "")]
    pub note: String,
}

/// What was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum OpenedData {
    /// What the committee knows of a member.
    Contact,
    /// Feedback to the committee.
    Feedback,
    /// All personal data of a member, for an export.
    Export,
}

/// Somebody opened personal data.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct AccessView {
    /// When, by the clock of the phone that opened it; milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// What.
    pub what: OpenedData,
    /// Whose data, if it is one member's.
    pub member: Option<String>,
    /// How many items of feedback.
    pub items: u32,
    /// The phone.
    pub device: String,
    /// Its holder.
    pub by: Option<String>,
}

/// What a member consented to, or took back.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ConsentView {
    /// The member.
    pub member: String,
    /// To what.
    pub purpose: String,
    /// Given, or taken back.
    pub given: bool,
    /// The day.
    pub day: String,
    /// When it was recorded, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// The phone that recorded it.
    pub device: String,
}

/// What an erasure did.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ErasedView {
    /// Cards whose bodies are gone here, and will be wherever the record comes.
    pub cards: u32,
    /// Whether a name of an earlier version of this software remains in the records: that one cannot be erased.
    pub old_name_remains: bool,
}

/// How long personal data is kept after somebody has left.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct RetentionView {
    /// In months; none while nobody has set a rule.
    pub months: Option<u32>,
    /// Members whose data is to be erased by that rule and is still here.
    pub due: Vec<String>,
}

/// A member's data as two files of the age format, under the passphrase that was given.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ExportFiles {
    /// For programs; its name ends in `.json.age`.
    pub json: Vec<u8>,
    /// For people; its name ends in `.txt.age`.
    pub text: Vec<u8>,
}

fn contact_view(contact: Contact) -> ContactView {
    ContactView {
        phone: contact.phone,
        born: contact.born,
        card: contact.card,
        note: contact.note,
    }
}

fn access_view(line: AccessLine) -> AccessView {
    AccessView {
        at_ms: line.at_ms,
        what: match line.what {
            Opened::Contact => OpenedData::Contact,
            Opened::Feedback => OpenedData::Feedback,
            Opened::Export => OpenedData::Export,
        },
        member: line.member.map(|member| member.to_string()),
        items: u32::try_from(line.items).unwrap_or(u32::MAX),
        device: line.device.to_string(),
        by: line.by.map(|member| member.to_string()),
    }
}

fn consent_view(line: ConsentLine) -> ConsentView {
    ConsentView {
        member: line.member.to_string(),
        purpose: line.purpose,
        given: line.given,
        day: line.day,
        at_ms: line.at_ms,
        device: line.device.to_string(),
    }
}

#[uniffi::export]
impl Branch {
    /// Writes what the committee knows of a member; an empty one takes it back. What was written before is erased.
    pub fn set_contact(&self, member: String, contact: ContactView) -> Result<(), HandbookError> {
        let member = parse(&member, "member")?;
        let contact = Contact {
            phone: contact.phone,
            born: contact.born,
            card: contact.card,
            note: contact.note,
        };
        tell(&self.engine, move |device, _| {
            device.set_contact(member, &contact)
        })
    }

    /// Opens what the committee knows of a member. That it was opened, by whom and when, is recorded first.
    pub fn open_contact(&self, member: String) -> Result<Option<ContactView>, HandbookError> {
        let member = parse(&member, "member")?;
        let contact = tell(&self.engine, move |device, now| device.open_contact(member, now))?;
        Ok(contact.map(contact_view))
    }

    /// The members of whom the committee knows more than the name.
    pub fn contacts(&self) -> Result<Vec<String>, HandbookError> {
        let all = tell(&self.engine, |device, _| device.contacts())?;
        Ok(all.iter().map(ToString::to_string).collect())
    }

    /// Erases the name of a member and all that the committee knows of them, here at once and on every phone and relay that
    /// the record reaches. It cannot be undone. Officers only.
    pub fn erase_person(&self, member: String) -> Result<ErasedView, HandbookError> {
        let member = parse(&member, "member")?;
        let erased = tell(&self.engine, move |device, _| device.erase_person(member))?;
        Ok(ErasedView {
            cards: u32::try_from(erased.cards).unwrap_or(u32::MAX),
            old_name_remains: erased.old_name_remains,
        })
    }

    /// Who opened personal data, newest first. The committee only; a member's own lines are in that member's export.
    pub fn accesses(&self) -> Result<Vec<AccessView>, HandbookError> {
        let all = tell(&self.engine, |device, _| device.accesses())?;
        Ok(all.into_iter().map(access_view).collect())
    }

    /// Records that a member consented to something on a day, or took it back.
    pub fn record_consent(
        &self,
        member: String,
        purpose: String,
        given: bool,
        day: String,
    ) -> Result<(), HandbookError> {
        let member = parse(&member, "member")?;
        let day: Date = parse(&day, "day")?;
        tell(&self.engine, move |device, now| {
            device.record_consent(member, &purpose, given, day, now)
        })
    }

    /// What was consented to, by one member or by all, oldest first; what was taken back stays listed.
    pub fn consents(&self, member: Option<String>) -> Result<Vec<ConsentView>, HandbookError> {
        let member = parse_opt(member.as_ref(), "member")?;
        let all = tell(&self.engine, move |device, _| device.consents(member))?;
        Ok(all.into_iter().map(consent_view).collect())
    }

    /// Sets how many months personal data is kept after somebody has left.
    pub fn set_retention(&self, months: u32) -> Result<(), HandbookError> {
        tell(&self.engine, move |device, now| device.set_retention(months, now))
    }

    /// That rule, and whose data is due by it.
    pub fn retention(&self) -> Result<RetentionView, HandbookError> {
        ask(&self.engine, |device, now| {
            let due = device.retention_due(now).or_fault()?;
            Ok(RetentionView {
                months: device.retention().or_fault()?,
                due: due.iter().map(ToString::to_string).collect(),
            })
        })
    }

    /// Everything this phone holds about its holder, as text to read on the screen.
    pub fn own_data(&self, language: Language) -> Result<String, HandbookError> {
        ask(&self.engine, move |device, now| {
            Ok(device.own_data(now).or_fault()?.text(language))
        })
    }

    /// The holder's data, or on an officer's phone that of a member who asks for it, sealed under a passphrase. That a
    /// member's data was exported is recorded for the committee first.
    pub fn export_data(
        &self,
        member: Option<String>,
        passphrase: String,
        language: Language,
    ) -> Result<ExportFiles, HandbookError> {
        let member = parse_opt(member.as_ref(), "member")?;
        ask(&self.engine, move |device, now| {
            let data = match member {
                None => device.own_data(now),
                Some(member) => device.data_of(member, now),
            };
            let files = device
                .seal_export(&data.or_fault()?, &passphrase, language)
                .or_fault()?;
            Ok(ExportFiles {
                json: files.json,
                text: files.text,
            })
        })
    }
}
