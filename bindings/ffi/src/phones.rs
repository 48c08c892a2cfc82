//! Phones of the unit: which there are, and what is done about one that was lost or whose holder left.

use sotay_engine::feed::DeviceId;
use sotay_engine::{DeviceLine, Flags, KeyChange, ProfileDevice, Reason, RemovalError, State, Whom};

use crate::branch::Branch;
use crate::call::ask;
use crate::error::{HandbookError, OrFault, parse};
use crate::kinds::SpaceKind;

/// What holds of a phone now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum PhoneState {
    /// It may do what its rank allows.
    Active,
    /// Set aside by an officer, until lifted.
    Suspended,
    /// It wrote two histories and is stopped there.
    Forked,
    /// Its grants were ended.
    Revoked,
    /// It was granted only by those who could not.
    NotGranted,
}

/// A phone that was ever admitted.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PhoneView {
    /// The phone.
    pub device: String,
    /// Its label.
    pub label: String,
    /// Its holder.
    pub member: String,
    /// The holder's name, if known here.
    pub name: Option<String>,
    /// Rank of its best grant: 2 secretary, 3 deputy, 4 member.
    pub rank: u8,
    /// Whether a holder of rank 4 sits on the committee.
    pub committee: bool,
    /// What holds now.
    pub state: PhoneState,
    /// Whether it is this phone.
    pub own: bool,
}

/// Why a phone is removed or set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum RemovalReason {
    /// The holder left the unit.
    Left,
    /// Lost or stolen.
    Lost,
    /// Somebody else used it, or it was used against the rules.
    Misuse,
}

/// What a removal or a suspension did.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct KeyChangeView {
    /// The phones concerned.
    pub devices: Vec<String>,
    /// Parts of the handbook that have a new key from now on.
    pub rekeyed: Vec<SpaceKind>,
}

fn phone(line: DeviceLine) -> PhoneView {
    PhoneView {
        device: line.device.to_string(),
        label: line.label,
        member: line.member.to_string(),
        name: line.name,
        rank: line.rank,
        committee: line.committee,
        state: match line.state {
            State::Active => PhoneState::Active,
            State::Suspended => PhoneState::Suspended,
            State::Forked => PhoneState::Forked,
            State::Revoked => PhoneState::Revoked,
            State::NotGranted => PhoneState::NotGranted,
        },
        own: line.own,
    }
}

fn reason(why: RemovalReason) -> Reason {
    match why {
        RemovalReason::Left => Reason::LEFT,
        RemovalReason::Lost => Reason::LOST,
        RemovalReason::Misuse => Reason::MISUSE,
    }
}

/// Something that a phone wrote after its removal, or beyond what it might: it is kept and does not count.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NotCountedView {
    /// The envelope, in hexadecimal.
    pub envelope: String,
    /// The phone that wrote it.
    pub device: String,
    /// Its label.
    pub label: String,
    /// Name of its holder, if known.
    pub name: Option<String>,
    /// Number in what the phone wrote.
    pub seq: u64,
    /// The document; none for what belongs to none: a name, something published, a mark or an attempt.
    pub doc: Option<String>,
}

pub(crate) fn key_change(change: KeyChange) -> KeyChangeView {
    KeyChangeView {
        devices: change.devices.iter().map(ToString::to_string).collect(),
        rekeyed: change.rekeyed,
    }
}

impl Branch {
    fn change(
        &self,
        device: &str,
        f: impl FnOnce(&mut ProfileDevice, DeviceId, i64) -> Result<KeyChange, RemovalError> + Send + 'static,
    ) -> Result<KeyChangeView, HandbookError> {
        let id: DeviceId = parse(device, "device")?;
        ask(&self.engine, move |device, now| {
            f(device, id, now).or_fault().map(key_change)
        })
    }
}

#[uniffi::export]
impl Branch {
    /// Every phone that was ever admitted, by member.
    pub fn phones(&self) -> Result<Vec<PhoneView>, HandbookError> {
        ask(&self.engine, |device, _| {
            let lines = device.devices().or_fault()?;
            Ok(lines.into_iter().map(phone).collect())
        })
    }

    /// Ends a phone's grants for good: what it wrote so far stays, later writing does not count, and what it could read
    /// gets new keys.
    pub fn remove_phone(&self, device: String, why: RemovalReason) -> Result<KeyChangeView, HandbookError> {
        let reason = reason(why);
        self.change(&device, move |own, id, _| own.revoke(Whom::Device(id), reason))
    }

    /// Sets a phone aside until lifted: no relay serves it. A deputy may do it even to the secretary's stolen phone.
    pub fn suspend_phone(&self, device: String, why: RemovalReason) -> Result<KeyChangeView, HandbookError> {
        let reason = reason(why);
        self.change(&device, move |own, id, _| own.suspend(id, reason))
    }

    /// Ends every suspension of a phone.
    pub fn lift_phone(&self, device: String) -> Result<KeyChangeView, HandbookError> {
        self.change(&device, |own, id, _| own.lift(id))
    }

    /// Changes what a phone may do: its grants end and another one follows, in one step.
    pub fn regrade_phone(
        &self,
        device: String,
        rank: u8,
        committee: bool,
        probationary: bool,
    ) -> Result<KeyChangeView, HandbookError> {
        let flags = Flags {
            committee,
            probationary,
        };
        self.change(&device, move |own, id, now| own.regrade(id, rank, flags, now))
    }

    /// New keys for every part of the handbook that this phone may give them to: once a year, or when a key may have leaked.
    pub fn rotate_keys(&self) -> Result<KeyChangeView, HandbookError> {
        ask(&self.engine, |device, _| {
            device.rotate().or_fault().map(key_change)
        })
    }

    /// What phones wrote after their removal, or beyond what they might: kept, and not counted.
    pub fn not_counted(&self) -> Result<Vec<NotCountedView>, HandbookError> {
        ask(&self.engine, |device, _| {
            let lines = device.late().or_fault()?;
            Ok(lines
                .into_iter()
                .map(|line| NotCountedView {
                    envelope: line.envelope.to_string(),
                    device: line.device.to_string(),
                    label: line.label,
                    name: line.name,
                    seq: line.seq,
                    doc: line.doc,
                })
                .collect())
        })
    }
}
