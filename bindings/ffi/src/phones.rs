//! Phones of the unit: which there are, and what is done about one that was lost or whose holder left.

use sotay_engine::feed::DeviceId;
use sotay_engine::{DeviceLine, KeyChange, ProfileDevice, Reason, RemovalError, State, Whom};

use crate::branch::Branch;
use crate::error::{HandbookError, OrFault, guarded, parse};
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

impl Branch {
    fn change(
        &self,
        device: &str,
        f: impl FnOnce(&mut ProfileDevice, DeviceId) -> Result<KeyChange, RemovalError> + Send + 'static,
    ) -> Result<KeyChangeView, HandbookError> {
        guarded(|| {
            let id: DeviceId = parse(device, "device")?;
            let change = self.engine.call(move |device, _| f(device, id)).or_fault()?;
            let change = change.or_fault()?;
            Ok(KeyChangeView {
                devices: change.devices.iter().map(ToString::to_string).collect(),
                rekeyed: change.rekeyed,
            })
        })
    }
}

#[uniffi::export]
impl Branch {
    /// Every phone that was ever admitted, by member.
    pub fn phones(&self) -> Result<Vec<PhoneView>, HandbookError> {
        guarded(|| {
            let lines = self.engine.call(|device, _| device.devices()).or_fault()?;
            Ok(lines.or_fault()?.into_iter().map(phone).collect())
        })
    }

    /// Ends a phone's grants for good: what it wrote so far stays, later writing does not count, and what it could read
    /// gets new keys.
    pub fn remove_phone(&self, device: String, why: RemovalReason) -> Result<KeyChangeView, HandbookError> {
        let reason = reason(why);
        self.change(&device, move |own, id| own.revoke(Whom::Device(id), reason))
    }

    /// Sets a phone aside until lifted: no relay serves it. A deputy may do it even to the secretary's stolen phone.
    pub fn suspend_phone(&self, device: String, why: RemovalReason) -> Result<KeyChangeView, HandbookError> {
        let reason = reason(why);
        self.change(&device, move |own, id| own.suspend(id, reason))
    }

    /// Ends every suspension of a phone.
    pub fn lift_phone(&self, device: String) -> Result<KeyChangeView, HandbookError> {
        self.change(&device, |own, id| own.lift(id))
    }
}
