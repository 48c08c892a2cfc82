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

    /// The database it is a place of.
    pub(crate) fn database(&self) -> &[u8] {
        &self.0[..8]
    }

    /// The arrival number, whether or not any store went through it.
    pub fn number(&self) -> u64 {
        let mut number = [0; 8];
        number.copy_from_slice(&self.0[8..16]);
        u64::from_be_bytes(number)
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
        let mut chain = [0; 8];
        chain.copy_from_slice(&self.0[16..]);
        let arrival = Arrival {
            number: self.number(),
            chain,
        };
        let ours = self.database() == &store.database_id().0[..8];
        Ok((ours && store.passed(space, arrival)?).then_some(arrival.number))
    }
}
