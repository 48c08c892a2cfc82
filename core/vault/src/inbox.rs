//! Boxes for the committee (P14.1): whoever holds an epoch key of the inbox opens them, everybody else can only write them.
//!
//! The key of the inbox follows from the epoch key, so the committee's key ring hands it on and a new epoch is a new key.

use rand_core::CryptoRng;
use sotay_feed::{BoxKey, DeviceKeys, SpaceId};
use zeroize::Zeroizing;

use crate::{EpochKey, OpenError, SealError, open_box, seal_box};

const SIGN_CONTEXT: &str = "sotay/v1/inbox-sign";
const SEAL_CONTEXT: &str = "sotay/v1/inbox-key";
const BOX_CONTEXT: &[u8] = b"sotay/v1/inbox\0";
const LENGTH_LEN: usize = 4;
/// Plaintexts are padded to a multiple of this many bytes, so that lengths tell little.
pub const INBOX_PAD_BYTES: usize = 1024;

/// The pair of keys of an epoch of the inbox.
fn keys(epoch: &EpochKey) -> DeviceKeys {
    let seed = |context| Zeroizing::new(blake3::derive_key(context, epoch.as_bytes()));
    DeviceKeys::from_seeds(*seed(SIGN_CONTEXT), *seed(SEAL_CONTEXT))
}

/// The public key to which members seal what only the committee may read.
pub fn inbox_key(epoch: &EpochKey) -> BoxKey {
    keys(epoch).public().seal
}

fn context(inbox: &SpaceId) -> Vec<u8> {
    [BOX_CONTEXT, inbox.as_bytes()].concat()
}

/// Seals for the committee. Nothing in the box says who did.
pub fn seal_for_inbox(
    inbox: &SpaceId,
    to: &BoxKey,
    payload: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, SealError> {
    let len = (LENGTH_LEN + payload.len()).next_multiple_of(INBOX_PAD_BYTES);
    let mut plaintext = Zeroizing::new(vec![0; len]);
    let length = u32::try_from(payload.len()).expect("a payload fits an envelope");
    plaintext[..LENGTH_LEN].copy_from_slice(&length.to_le_bytes());
    plaintext[LENGTH_LEN..][..payload.len()].copy_from_slice(payload);
    seal_box(to, &context(inbox), &plaintext, rng)
}

/// Opens what [`seal_for_inbox`] made. Wrong padding is refused, so that a payload has one form only.
pub fn open_from_inbox(
    inbox: &SpaceId,
    epoch: &EpochKey,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let plaintext = open_box(&keys(epoch), &context(inbox), sealed)?;
    let (length, rest) = plaintext.split_first_chunk().ok_or(OpenError::Padding)?;
    let length = u32::from_le_bytes(*length) as usize;
    let fits =
        length <= rest.len() && plaintext.len() == (LENGTH_LEN + length).next_multiple_of(INBOX_PAD_BYTES);
    if !fits || rest[length..].iter().any(|&byte| byte != 0) {
        return Err(OpenError::Padding);
    }
    Ok(Zeroizing::new(rest[..length].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BOX_OVERHEAD_BYTES;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use sotay_feed::{Space, SpaceKind, UnitId};

    fn inbox(n: u8) -> SpaceId {
        Space::of(UnitId::from_bytes([n; 32]), SpaceKind::Inbox).id()
    }

    fn rng() -> StdRng {
        StdRng::seed_from_u64(1)
    }

    #[test]
    fn the_committee_opens_what_a_member_sealed_and_nobody_else_does() {
        let (epoch, other) = (EpochKey::from_bytes(&[1; 32]), EpochKey::from_bytes(&[2; 32]));
        let sealed = seal_for_inbox(&inbox(1), &inbox_key(&epoch), "Đề nghị".as_bytes(), &mut rng()).unwrap();
        assert_eq!(
            &open_from_inbox(&inbox(1), &epoch, &sealed).unwrap()[..],
            "Đề nghị".as_bytes()
        );
        assert_eq!(
            open_from_inbox(&inbox(1), &other, &sealed),
            Err(OpenError::Forged)
        );
        assert_eq!(
            open_from_inbox(&inbox(2), &epoch, &sealed),
            Err(OpenError::Forged)
        );
    }

    #[test]
    fn the_key_of_an_epoch_is_the_published_one_and_unlike_its_other_keys() {
        let epoch = EpochKey::from_bytes(&[1; 32]);
        let key = inbox_key(&epoch);
        assert_eq!(inbox_key(&epoch), key);
        assert_ne!(key.as_bytes(), &epoch.commitment());
        assert_eq!(
            data_encoding::HEXLOWER.encode(key.as_bytes()),
            include_str!("../vectors/inbox-key.hex").trim()
        );
    }

    #[test]
    fn short_and_longer_words_give_boxes_of_one_length() {
        let to = inbox_key(&EpochKey::from_bytes(&[1; 32]));
        let len = |payload: usize| {
            seal_for_inbox(&inbox(1), &to, &vec![7; payload], &mut rng())
                .unwrap()
                .len()
        };
        assert_eq!(len(1), INBOX_PAD_BYTES + BOX_OVERHEAD_BYTES);
        assert_eq!(
            len(INBOX_PAD_BYTES - LENGTH_LEN),
            INBOX_PAD_BYTES + BOX_OVERHEAD_BYTES
        );
        assert_eq!(
            len(INBOX_PAD_BYTES - LENGTH_LEN + 1),
            2 * INBOX_PAD_BYTES + BOX_OVERHEAD_BYTES
        );
    }

    #[test]
    fn other_padding_is_refused() {
        let epoch = EpochKey::from_bytes(&[1; 32]);
        let seal = |plaintext: &[u8]| {
            seal_box(&inbox_key(&epoch), &context(&inbox(1)), plaintext, &mut rng()).unwrap()
        };
        let mut dirty = vec![0; INBOX_PAD_BYTES];
        dirty[INBOX_PAD_BYTES - 1] = 1;
        for bad in [&dirty[..], &[0; 8], &[9, 0, 0, 0]] {
            assert_eq!(
                open_from_inbox(&inbox(1), &epoch, &seal(bad)),
                Err(OpenError::Padding)
            );
        }
    }

    proptest! {
        #[test]
        fn garbage_never_opens(bytes in proptest::collection::vec(any::<u8>(), 0..2200)) {
            prop_assert!(open_from_inbox(&inbox(1), &EpochKey::from_bytes(&[1; 32]), &bytes).is_err());
        }
    }
}
