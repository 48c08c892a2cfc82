//! The word of one officer for a phone that is admitted from afar (clause E9): what is to be granted, signed by the
//! officer's phone. Another officer's phone checks it and admits.

use data_encoding::BASE64URL_NOPAD;
use sotay_feed::cbor::{Reader, Writer};
use sotay_feed::{DeviceId, DeviceKeys, MemberId, SignKey, UnitId};
use sotay_membership::Flags;

use crate::enrolment::{EnrolTextError, unarmour};

/// Bytes of a join request's text.
const REQUEST_BYTES_MAX: usize = 1024;
const PREFIX: &str = "sotay-endorse-1:";
const CONTEXT: &str = "sotay/v1/endorsement";
const VERSION: u64 = 1;

/// What is to be granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endorsed {
    pub unit: UnitId,
    pub member: MemberId,
    pub rank: u8,
    pub flags: Flags,
    /// The request of the phone, as it came.
    pub request: String,
}

/// The same with an officer's signature. It holds once the key of `by` has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endorsement {
    pub endorsed: Endorsed,
    pub by: DeviceId,
    signature: [u8; 64],
}

impl Endorsement {
    pub fn sign(endorsed: Endorsed, keys: &DeviceKeys) -> Self {
        let mut endorsement = Self {
            endorsed,
            by: keys.id(),
            signature: [0; 64],
        };
        endorsement.signature = keys.sign_detached(CONTEXT, &endorsement.signed_part());
        endorsement
    }

    /// Whether this key signed it.
    pub fn holds(&self, key: &SignKey) -> bool {
        key.device_id() == self.by && key.verify_detached(CONTEXT, &self.signed_part(), &self.signature)
    }

    fn signed_part(&self) -> Vec<u8> {
        let Endorsed {
            unit,
            member,
            rank,
            flags,
            request,
        } = &self.endorsed;
        let mut writer = Writer::new();
        writer
            .array(7)
            .uint(VERSION)
            .bytes(unit.as_bytes())
            .bytes(member.as_bytes())
            .uint(u64::from(*rank))
            .uint(u64::from(flags.bits()))
            .text(request)
            .bytes(self.by.as_bytes());
        writer.into_bytes()
    }

    pub fn to_text(&self) -> String {
        let mut bytes = self.signed_part();
        bytes.extend_from_slice(&self.signature);
        format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes))
    }

    pub fn from_text(text: &str) -> Result<Self, EnrolTextError> {
        let bytes = unarmour(text, "officer's endorsement", PREFIX)?;
        let split = bytes.len().checked_sub(64).ok_or(EnrolTextError::Damaged)?;
        let (part, signature) = bytes.split_at(split);
        let mut reader = Reader::new(part);
        reader.array(7)?;
        let version = reader.uint()?;
        if version != VERSION {
            return Err(EnrolTextError::Version(version));
        }
        let endorsed = Endorsed {
            unit: UnitId::from_bytes(reader.fixed()?),
            member: MemberId::from_bytes(reader.fixed()?),
            rank: reader.small()?,
            flags: Flags::from_bits(reader.small()?).map_err(|_| EnrolTextError::Damaged)?,
            request: reader.text(REQUEST_BYTES_MAX)?.to_owned(),
        };
        let endorsement = Self {
            endorsed,
            by: DeviceId::from_bytes(reader.fixed()?),
            signature: signature.try_into().map_err(|_| EnrolTextError::Damaged)?,
        };
        reader.finish(&endorsement.signed_part())?;
        Ok(endorsement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(n: u8) -> DeviceKeys {
        DeviceKeys::from_seeds([n; 32], [n; 32])
    }

    fn endorsed(request: &str) -> Endorsed {
        Endorsed {
            unit: UnitId::from_bytes([1; 32]),
            member: MemberId::from_bytes([2; 16]),
            rank: 4,
            flags: Flags {
                committee: true,
                probationary: false,
            },
            request: request.to_owned(),
        }
    }

    #[test]
    fn an_endorsement_reads_back_and_holds_for_its_signer_and_its_content_alone() {
        let signed = Endorsement::sign(endorsed("sotay-join-1:AAAA"), &keys(1));
        let read = Endorsement::from_text(&signed.to_text()).unwrap();
        assert_eq!(read, signed);
        assert!(read.holds(&keys(1).public().sign));
        assert!(!read.holds(&keys(2).public().sign));
        let mut other = read.clone();
        other.endorsed.rank = 3;
        assert!(!other.holds(&keys(1).public().sign));
        let mut renamed = read;
        renamed.by = keys(2).id();
        assert!(!renamed.holds(&keys(2).public().sign));
    }

    #[test]
    fn one_letter_short_a_long_request_and_another_text_are_refused() {
        let text = Endorsement::sign(endorsed(&"x".repeat(REQUEST_BYTES_MAX)), &keys(1)).to_text();
        assert!(Endorsement::from_text(&text).is_ok());
        assert!(Endorsement::from_text(&text[..text.len() - 2]).is_err());
        let long = Endorsement::sign(endorsed(&"x".repeat(REQUEST_BYTES_MAX + 1)), &keys(1)).to_text();
        assert_eq!(Endorsement::from_text(&long), Err(EnrolTextError::TooLong));
        assert!(matches!(
            Endorsement::from_text("sotay-join-1:AA"),
            Err(EnrolTextError::Prefix { .. })
        ));
    }

    proptest! {
        #[test]
        fn garbage_is_no_endorsement(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let text = [PREFIX, &BASE64URL_NOPAD.encode(&bytes)].concat();
            if let Ok(read) = Endorsement::from_text(&text) {
                prop_assert!(!read.holds(&keys(1).public().sign));
            }
        }
    }
}
