//! Letters between a unit and the one above it, in `report`, and what is handed on in `main` (P15).

use sotay_feed::{Envelope, Space};
use sotay_store::{Store, Stored};

use super::Device;
use super::absorb::Haul;
use super::handing::KEYS;
use crate::event::SetAside;

impl<S: Store> Device<S> {
    /// Takes in the payload of a dispatch. Forms that this version does not know are set aside.
    pub(super) fn read_dispatch(
        &mut self,
        space: &Space,
        stored: &Stored,
        envelope: &Envelope,
        payload: &[u8],
        haul: &mut Haul,
    ) {
        let read = match payload.split_first() {
            Some((&KEYS, bytes)) => self.read_keys(space, stored, envelope, bytes, haul),
            Some((form, bytes)) => self.read_letter(space, stored, (*form, bytes), haul),
            None => Err(SetAside::Unreadable),
        };
        if let Err(reason) = read {
            self.set_aside(stored, reason, haul);
        }
    }
}
