//! Making and opening an epoch (P6.1, P6.4).

use rand_core::CryptoRng;
use sotay_feed::limits::EPOCH_RECIPIENTS_MAX;
use sotay_feed::{BoxKey, DeviceId, DeviceKeys, EpochId, SpaceId};
use sotay_membership::EpochRecord;
use sotay_membership::limits::EPOCH_PREVIOUS_MAX;

use crate::{EpochKey, OpenError, open_box, seal_box};

const BOX_CONTEXT: &[u8] = b"sotay/v1/epoch-box\0";

/// Why no epoch can be made. Nobody's fault but a limit's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NewEpochError {
    /// More readers than one record holds.
    #[error("{0} readers are more than {EPOCH_RECIPIENTS_MAX}")]
    Readers(usize),
    /// More predecessors than one record names.
    #[error("{0} predecessors are more than {EPOCH_PREVIOUS_MAX}")]
    Previous(usize),
    /// No reader whose key can be sealed to.
    #[error("an epoch needs a reader")]
    Nobody,
}

/// The box of one epoch cannot be moved into another one or to another device.
fn box_context(space: &SpaceId, commitment: &[u8; 32], device: DeviceId) -> Vec<u8> {
    [BOX_CONTEXT, space.as_bytes(), commitment, device.as_bytes()].concat()
}

/// A new key of a space and the record that hands it to its readers.
///
/// A reader whose box key is of low order gets no box: refusing the whole epoch would let one bad key stop every
/// rotation, and the device harms only itself.
pub fn new_epoch(
    space: &SpaceId,
    previous: impl IntoIterator<Item = EpochId>,
    readers: &[(DeviceId, BoxKey)],
    rng: &mut dyn CryptoRng,
) -> Result<(EpochKey, EpochRecord), NewEpochError> {
    let key = EpochKey::generate(rng);
    let record = box_epoch(space, previous, &key, readers, rng)?;
    Ok((key, record))
}

/// Another record of an epoch that exists: the same key, boxed to more readers.
pub fn box_epoch(
    space: &SpaceId,
    previous: impl IntoIterator<Item = EpochId>,
    key: &EpochKey,
    readers: &[(DeviceId, BoxKey)],
    rng: &mut dyn CryptoRng,
) -> Result<EpochRecord, NewEpochError> {
    let mut record = EpochRecord {
        space: *space,
        previous: previous.into_iter().collect(),
        commitment: key.commitment(),
        boxes: Default::default(),
    };
    if readers.len() > EPOCH_RECIPIENTS_MAX {
        return Err(NewEpochError::Readers(readers.len()));
    }
    if record.previous.len() > EPOCH_PREVIOUS_MAX {
        return Err(NewEpochError::Previous(record.previous.len()));
    }
    for (device, to) in readers {
        let context = box_context(space, &record.commitment, *device);
        if let Ok(sealed) = seal_box(to, &context, key.as_bytes(), rng) {
            record.boxes.insert(*device, sealed);
        }
    }
    if record.boxes.is_empty() {
        return Err(NewEpochError::Nobody);
    }
    Ok(record)
}

/// Opens one's own box of an epoch and proves that it holds the key that the epoch commits to.
///
/// `granted` are the devices that any grant on record names for the space (`Membership::ever_readers`): an epoch with
/// any other recipient is refused, so nobody reads along unseen.
pub fn open_epoch(
    record: &EpochRecord,
    keys: &DeviceKeys,
    granted: &[DeviceId],
) -> Result<EpochKey, OpenError> {
    if let Some(ghost) = record.boxes.keys().find(|device| !granted.contains(device)) {
        return Err(OpenError::Ghost(*ghost));
    }
    let sealed = record.boxes.get(&keys.id()).ok_or(OpenError::NotRecipient)?;
    let context = box_context(&record.space, &record.commitment, keys.id());
    let opened = open_box(keys, &context, sealed)?;
    let bytes: &[u8; EpochKey::LEN] = opened[..].try_into().map_err(|_| OpenError::Commitment)?;
    let key = EpochKey::from_bytes(bytes);
    if key.commitment() == record.commitment {
        Ok(key)
    } else {
        Err(OpenError::Commitment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use sotay_feed::{Draft, Kind, Space, SpaceKind, Tip, UnitId};

    fn rng() -> StdRng {
        StdRng::seed_from_u64(1)
    }

    fn keys(n: u64) -> DeviceKeys {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&n.to_le_bytes());
        DeviceKeys::from_seeds(seed, seed)
    }

    fn space() -> SpaceId {
        Space::of(UnitId::from_bytes([1; 32]), SpaceKind::Main).id()
    }

    fn readers(numbers: std::ops::Range<u64>) -> Vec<(DeviceId, BoxKey)> {
        numbers.map(|n| (keys(n).id(), keys(n).public().seal)).collect()
    }

    fn ids(readers: &[(DeviceId, BoxKey)]) -> Vec<DeviceId> {
        readers.iter().map(|(device, _)| *device).collect()
    }

    #[test]
    fn every_reader_gets_the_same_key() {
        let readers = readers(0..3);
        let (key, record) = new_epoch(&space(), [], &readers, &mut rng()).unwrap();
        assert_eq!(record.epoch(), key.id());
        for n in 0..3 {
            assert_eq!(open_epoch(&record, &keys(n), &ids(&readers)), Ok(key.clone()));
        }
        let stranger = open_epoch(&record, &keys(9), &ids(&readers));
        assert_eq!(stranger, Err(OpenError::NotRecipient));
    }

    #[test]
    fn an_epoch_with_a_ghost_recipient_is_refused() {
        let readers = readers(0..3);
        let (_, record) = new_epoch(&space(), [], &readers, &mut rng()).unwrap();
        let granted = ids(&readers[..2]);
        let ghost = readers[2].0;
        assert_eq!(
            open_epoch(&record, &keys(0), &granted),
            Err(OpenError::Ghost(ghost))
        );
    }

    #[test]
    fn a_box_with_another_key_than_committed_is_refused() {
        let readers = readers(0..2);
        let (_, mut record) = new_epoch(&space(), [], &readers, &mut rng()).unwrap();
        let context = box_context(&space(), &record.commitment, keys(1).id());
        for other in [&[9; 32][..], &[9; 31], &[]] {
            let sealed = seal_box(&readers[1].1, &context, other, &mut rng()).unwrap();
            record.boxes.insert(keys(1).id(), sealed);
            let opened = open_epoch(&record, &keys(1), &ids(&readers));
            assert_eq!(opened, Err(OpenError::Commitment));
        }
        assert!(open_epoch(&record, &keys(0), &ids(&readers)).is_ok());
    }

    #[test]
    fn a_box_moved_to_another_epoch_device_or_space_does_not_open() {
        let readers = readers(0..2);
        let (_, one) = new_epoch(&space(), [], &readers, &mut rng()).unwrap();
        let (_, mut two) = new_epoch(&space(), [], &readers, &mut StdRng::seed_from_u64(2)).unwrap();
        two.boxes.insert(keys(0).id(), one.boxes[&keys(0).id()].clone());
        assert_eq!(open_epoch(&two, &keys(0), &ids(&readers)), Err(OpenError::Forged));
        two.boxes.insert(keys(0).id(), two.boxes[&keys(1).id()].clone());
        assert_eq!(open_epoch(&two, &keys(0), &ids(&readers)), Err(OpenError::Forged));
        let mut moved = one.clone();
        moved.space = Space::of(UnitId::from_bytes([1; 32]), SpaceKind::Committee).id();
        assert_eq!(
            open_epoch(&moved, &keys(0), &ids(&readers)),
            Err(OpenError::Forged)
        );
    }

    #[test]
    fn another_record_of_an_epoch_hands_the_same_key_to_more_readers() {
        let (first, more) = (readers(0..2), readers(2..3));
        let (key, record) = new_epoch(&space(), [], &first, &mut rng()).unwrap();
        let second = box_epoch(&space(), [], &key, &more, &mut rng()).unwrap();
        assert_eq!(second.epoch(), record.epoch());
        assert_eq!(open_epoch(&second, &keys(2), &ids(&more)).unwrap(), key);
        assert_eq!(
            box_epoch(&space(), [], &key, &[], &mut rng()),
            Err(NewEpochError::Nobody)
        );
    }

    #[test]
    fn a_reader_with_a_bad_key_is_left_out_and_stops_nobody() {
        let mut low = [0; 32];
        low[0] = 1;
        let bad = (DeviceId::from_bytes([9; 8]), BoxKey::from_bytes(low).unwrap());
        let all = [readers(0..1), vec![bad]].concat();
        let (_, record) = new_epoch(&space(), [], &all, &mut rng()).unwrap();
        assert_eq!(record.boxes.keys().copied().collect::<Vec<_>>(), [keys(0).id()]);
        assert_eq!(
            new_epoch(&space(), [], &[bad], &mut rng()),
            Err(NewEpochError::Nobody)
        );
    }

    #[test]
    fn readers_and_predecessors_keep_to_their_limits() {
        let one = readers(0..1)[0];
        let many: Vec<_> = (0..=EPOCH_RECIPIENTS_MAX as u64)
            .map(|n| (DeviceId::from_bytes(n.to_be_bytes()), one.1))
            .collect();
        assert_eq!(
            new_epoch(&space(), [], &many, &mut rng()),
            Err(NewEpochError::Readers(EPOCH_RECIPIENTS_MAX + 1))
        );
        let previous = (0..=EPOCH_PREVIOUS_MAX as u64).map(|n| EpochId::from_bytes(n.to_be_bytes()));
        assert_eq!(
            new_epoch(&space(), previous, &[one], &mut rng()),
            Err(NewEpochError::Previous(EPOCH_PREVIOUS_MAX + 1))
        );
    }

    #[test]
    fn the_largest_epoch_fits_an_envelope() {
        let one = readers(0..1)[0].1;
        let many: Vec<_> = (0..EPOCH_RECIPIENTS_MAX as u64)
            .map(|n| (DeviceId::from_bytes(n.to_be_bytes()), one))
            .collect();
        let previous = (0..EPOCH_PREVIOUS_MAX as u64).map(|n| EpochId::from_bytes(n.to_be_bytes()));
        let (_, record) = new_epoch(&space(), previous, &many, &mut rng()).unwrap();
        let envelope = Draft::next(&keys(0), Kind::EPOCH, &space(), None)
            .sign(&keys(0), &space(), &record.encode())
            .unwrap();
        println!("{EPOCH_RECIPIENTS_MAX} devices: {} bytes", envelope.bytes().len());
    }

    #[test]
    fn an_epoch_of_sixty_members_with_two_devices_takes_at_most_twelve_kilobytes() {
        let readers = readers(0..120);
        let (_, record) = new_epoch(&space(), [EpochId::ZERO], &readers, &mut rng()).unwrap();
        let tip = Tip {
            seq: 1000,
            id: sotay_feed::EnvelopeId::from_bytes([1; 32]),
        };
        let envelope = Draft::next(&keys(0), Kind::EPOCH, &space(), Some(tip))
            .sign(&keys(0), &space(), &record.encode())
            .unwrap();
        println!("120 devices: {} bytes", envelope.bytes().len());
        assert!(
            envelope.bytes().len() <= 12_000,
            "{} bytes",
            envelope.bytes().len()
        );
    }
}
