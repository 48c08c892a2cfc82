//! What a unit has decided about its keys and doors; admission from afar on the word of two officers, and from a day on.

use sotay_engine::feed::{DeviceId, UnitId};
use sotay_engine::handbook::Date;
use sotay_engine::{Invitation, UnitPolicy};

use crate::branch::{Admission, Branch};
use crate::call::{ask, tell};
use crate::error::{HandbookError, OrFault, parse, parse_opt};
use crate::phones::{KeyChangeView, key_change};

/// What a unit has decided; off until its secretary says otherwise, and seen by every member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct UnitPolicyView {
    /// Keys of what all members read are entrusted to the level above, for when every phone of the secretary's is lost.
    pub keys_above: bool,
    /// Phones may be admitted from afar, on the word of two officers.
    pub from_afar: bool,
}

fn text(invitation: &Invitation) -> String {
    invitation.to_text()
}

#[uniffi::export]
impl Branch {
    /// What this unit has decided.
    pub fn unit_policy(&self) -> Result<UnitPolicyView, HandbookError> {
        let policy = tell(&self.engine, |device, _| device.unit_policy())?;
        Ok(UnitPolicyView {
            keys_above: policy.escrow,
            from_afar: policy.remote,
        })
    }

    /// Decides anew. When the level above is no longer to hold keys there is a new one at once; what it has of the time before it
    /// can read. The secretary only.
    pub fn set_unit_policy(&self, policy: UnitPolicyView) -> Result<KeyChangeView, HandbookError> {
        let policy = UnitPolicy {
            escrow: policy.keys_above,
            remote: policy.from_afar,
        };
        tell(&self.engine, move |device, _| device.set_unit_policy(policy)).map(key_change)
    }

    /// The word of one officer that a phone may be admitted from afar, as text for another officer, who admits it. Relays,
    /// `replaces` and `reads_from` of the admission are not looked at.
    pub fn endorse(&self, admission: Admission) -> Result<String, HandbookError> {
        let request = admission.read()?.ask;
        tell(&self.engine, move |device, _| device.endorse(&request))
    }

    /// Admits a phone from afar that another officer has endorsed; gives the invitation to hand back, as text.
    pub fn admit_endorsed(&self, endorsement: String, relays: Vec<String>) -> Result<String, HandbookError> {
        tell(&self.engine, move |device, now| {
            device
                .admit_endorsed(&endorsement, relays, now)
                .map(|invitation| text(&invitation))
        })
    }

    /// On the level above: puts a new phone in the place of the secretary's phones of a branch, when all of them were lost; gives
    /// the invitation. It gets the keys that the branch has entrusted to the level above; else it begins with new ones.
    pub fn replace_secretary(
        &self,
        branch: String,
        request: String,
        relays: Vec<String>,
    ) -> Result<String, HandbookError> {
        let branch: UnitId = parse(&branch, "branch")?;
        tell(&self.engine, move |device, now| {
            device
                .replace_secretary(branch, &request, relays, now)
                .map(|invitation| text(&invitation))
        })
    }

    /// Hands a phone that reads from a day on the keys it was not given: all that this phone has, or those of a day or later.
    /// The phone then opens by itself what it could not. Officers only.
    pub fn widen_phone(&self, device: String, from: Option<String>) -> Result<KeyChangeView, HandbookError> {
        let id: DeviceId = parse(&device, "device")?;
        let from: Option<Date> = parse_opt(from.as_ref(), "from")?;
        tell(&self.engine, move |device, _| device.widen(id, from)).map(key_change)
    }

    /// The day from which on this phone reads; none when it reads everything that its rank allows.
    pub fn reads_from(&self) -> Result<Option<String>, HandbookError> {
        ask(&self.engine, |device, _| {
            Ok(device.reads_from().or_fault()?.map(|day| day.to_string()))
        })
    }
}
