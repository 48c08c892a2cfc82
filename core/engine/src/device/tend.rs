//! What an officer's phone does about keys by itself, whenever it has seen something new: a new epoch where none is left to
//! write under, and boxes for readers who may lack a key (P6.3).

use sotay_feed::Space;
use sotay_membership::Record;
use sotay_store::Store;
use sotay_vault::box_epoch;

use super::Device;
use super::acts::Acts;
use crate::error::DeviceError;

impl<S: Store> Device<S> {
    /// Rotates and hands out keys where that is due. Nothing due: no work, no write.
    pub(super) fn tend_keys(&mut self) -> Result<(), DeviceError> {
        let home = self.home()?.clone();
        if self.membership()?.may_be_served(self.id()).is_err() {
            return Ok(());
        }
        let private = Space::private(home.unit, home.member);
        let mut acts = self.begin_acts()?;
        self.rekey_unclean(&mut acts)?;
        let mut spaces = self.rotatable(&acts.membership)?;
        spaces.push(private);
        for space in spaces {
            self.hand_out(&mut acts, &space)?;
        }
        if acts.is_empty() {
            return Ok(());
        }
        self.commit_acts(acts, Vec::new())
    }

    /// Boxes epochs whose key this device holds to readers who may lack them.
    fn hand_out(&mut self, acts: &mut Acts, space: &Space) -> Result<(), DeviceError> {
        let id = space.id();
        for (epoch, mut devices) in acts.membership.lacking(space) {
            devices.retain(|(device, _)| *device != self.id());
            let Some(key) = acts.ring.get(id.tag(), epoch).cloned() else {
                continue;
            };
            // A device whose box key nothing can be sealed to is passed over, every time.
            if let Ok(record) = box_epoch(&id, [], &key, &devices, &mut *self.rng) {
                let keys = std::sync::Arc::clone(&self.keys);
                self.act(acts, &keys, &Record::Epoch(record), &[])?;
            }
        }
        Ok(())
    }
}
