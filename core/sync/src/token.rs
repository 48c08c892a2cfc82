//! The resume token (P9.3): a place in one database's arrival order of one space. Opaque to the device that keeps it.

use sotay_feed::SpaceId;
use sotay_store::{Arrival, Store, StoreError};

/// `database(8) ‖ arrival number(8, big endian) ‖ arrival chain(8)`. Whoever holds it has everything up to that arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token([u8; Token::LEN]);

impl Token {
    /// Length in bytes.
    pub const LEN: usize = 24;

    /// The bytes as they travel.
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes as they travel.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The token that stands for `arrival` in this store.
    pub fn of<S: Store>(store: &S, arrival: Arrival) -> Self {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&store.database_id().0[..8]);
        bytes[8..16].copy_from_slice(&arrival.number.to_be_bytes());
        bytes[16..].copy_from_slice(&arrival.chain);
        Self(bytes)
    }

    /// The arrival number it stands for, if this store went through exactly that arrival.
    pub fn resolve<S: Store>(&self, store: &S, space: &SpaceId) -> Result<Option<u64>, StoreError> {
        let (mut number, mut chain) = ([0; 8], [0; 8]);
        number.copy_from_slice(&self.0[8..16]);
        chain.copy_from_slice(&self.0[16..]);
        let arrival = Arrival {
            number: u64::from_be_bytes(number),
            chain,
        };
        let ours = self.0[..8] == store.database_id().0[..8];
        Ok((ours && store.passed(space, arrival)?).then_some(arrival.number))
    }
}
