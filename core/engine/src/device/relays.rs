//! Who serves the unit: the list that its officers sign, and the order in which this phone tries.

use std::sync::Arc;

use sotay_membership::limits::{RELAY_ADDRESS_BYTES_MAX, RELAYS_MAX};
use sotay_membership::{Denied, Record, RelayAddress as Listed, RelayRecord, rank};
use sotay_net::{RelayAddress, in_order, key_text};
use sotay_store::Store;

use super::Device;
use crate::error::DeviceError;

/// Why the relays of the unit were not named. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum NameRelaysError {
    /// Over [`RELAYS_MAX`].
    #[error("{count} relays are more than the {RELAYS_MAX} a unit may name")]
    TooMany {
        /// How many were given.
        count: usize,
    },
    /// Host and port are over [`RELAY_ADDRESS_BYTES_MAX`].
    #[error(
        "a relay's host name of {len} bytes with its port is over the limit of {RELAY_ADDRESS_BYTES_MAX}"
    )]
    AddressTooLong {
        /// Bytes of host and port.
        len: usize,
    },
    /// The device could not.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl<S: Store> Device<S> {
    /// Signs the list of the relays that serve the unit, each with its pinned key; it takes the place of the list before.
    /// An empty one says that no relay serves it. For officers (P5.8).
    pub fn name_relays(&mut self, relays: &[RelayAddress]) -> Result<(), NameRelaysError> {
        if relays.len() > RELAYS_MAX {
            return Err(NameRelaysError::TooMany { count: relays.len() });
        }
        let mut listed = Vec::new();
        for relay in relays {
            let text = relay.to_string();
            let address = text.split('#').next().unwrap_or_default().to_owned();
            if address.len() > RELAY_ADDRESS_BYTES_MAX {
                return Err(NameRelaysError::AddressTooLong { len: address.len() });
            }
            listed.push(Listed {
                address,
                key: relay.key(),
            });
        }
        let membership = self.membership().map_err(NameRelaysError::Device)?;
        membership.may_be_served(self.id()).map_err(DeviceError::from)?;
        let rank = membership
            .standing(self.id())
            .map_or(u8::MAX, |standing| standing.rank);
        if rank > rank::DEPUTY {
            return Err(DeviceError::from(Denied::Rank).into());
        }
        let serial = membership.relays().map_or(0, |record| record.serial);
        let record = RelayRecord {
            serial: serial.saturating_add(1),
            relays: listed,
        };
        let mut acts = self.begin_acts()?;
        let keys = Arc::clone(&self.keys);
        self.act(&mut acts, &keys, &Record::Relay(record), &[])?;
        Ok(self.commit_acts(acts, Vec::new())?)
    }

    /// The relays of the list in force, as they were signed. What is no address a phone could use is left out.
    pub fn named_relays(&self) -> Result<Vec<RelayAddress>, DeviceError> {
        let listed = self.membership()?.relays();
        let relays = listed.into_iter().flat_map(|record| &record.relays);
        Ok(relays
            .filter_map(|listed| {
                format!("{}#{}", listed.address, key_text(&listed.key))
                    .parse()
                    .ok()
            })
            .collect())
    }

    /// The same in the order in which this phone tries them (P12.9).
    pub fn relays_to_try(&self) -> Result<Vec<RelayAddress>, DeviceError> {
        Ok(in_order(&self.home()?.unit, self.named_relays()?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::*;
    use super::*;

    fn relay(number: u8) -> RelayAddress {
        let key = sotay_feed::DeviceKeys::from_seeds([number; 32], [number; 32])
            .public()
            .sign;
        RelayAddress::new(&format!("relay{number}.example"), 7843, key).unwrap()
    }

    #[test]
    fn the_newest_list_of_an_officer_counts_and_every_phone_of_the_unit_tries_in_one_order() {
        let mut secretary = branch(1);
        assert!(secretary.named_relays().unwrap().is_empty());
        secretary.name_relays(&[relay(1)]).unwrap();
        let list = [relay(3), relay(1), relay(2)];
        secretary.name_relays(&list).unwrap();
        assert_eq!(secretary.named_relays().unwrap(), list);
        let member = join(&mut secretary, 2, "P4", rank::MEMBER);
        assert_eq!(member.named_relays().unwrap(), list);
        assert_eq!(
            member.relays_to_try().unwrap(),
            secretary.relays_to_try().unwrap()
        );
        secretary.name_relays(&[]).unwrap();
        assert!(secretary.named_relays().unwrap().is_empty());
    }

    #[test]
    fn a_member_names_no_relays_and_an_officer_not_one_too_many() {
        let mut secretary = branch(1);
        let mut member = join(&mut secretary, 2, "P4", rank::MEMBER);
        let refused = member.name_relays(&[relay(1)]);
        assert!(matches!(
            refused,
            Err(NameRelaysError::Device(DeviceError::Denied(Denied::Rank)))
        ));
        let many: Vec<RelayAddress> = (1..=RELAYS_MAX as u8 + 1).map(relay).collect();
        secretary.name_relays(&many[1..]).unwrap();
        let refused = secretary.name_relays(&many);
        assert!(matches!(refused, Err(NameRelaysError::TooMany { count }) if count == RELAYS_MAX + 1));
        let label = "a".repeat(63);
        let host = [&label[..], &label, &label, &label[..61]].join(".");
        let long = RelayAddress::new(&host, 7843, relay(1).key()).unwrap();
        let refused = secretary.name_relays(&[long]);
        assert!(
            matches!(refused, Err(NameRelaysError::AddressTooLong { len: 258 })),
            "{refused:?}"
        );
    }
}
