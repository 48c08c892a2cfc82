//! The root of an organisation, offline (clause E8): keys on three machines, and papers that go from one to the next to be
//! signed. Nothing here needs a profile or a network.
//!
//! ```text
//! key   = "sotay-root-key-1:" ‖ base64url( sealed [1, seed 32] ) under a code, like a pack
//! paper = "sotay-root-1:" ‖ base64url( [1, [[unit 32, name, form, bytes] …], [[key 32, [signature 64 …]] …]] )
//! form  = 0 the clear part of a genesis, 1 an act of the root without signatures
//! card  = "sotay-committee-1:" ‖ base64url( [1, unit 32, name, [[signing key 32, box key 32] …]] )
//! ```

use std::collections::BTreeMap;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use rand::CryptoRng;
use serde::Serialize;
use sotay_feed::cbor::{Reader, Writer};
use sotay_feed::{BoxKey, DeviceId, DeviceKeys, DevicePublic, EnvelopeId, Kind, SignKey, UnitId};
use sotay_membership::limits::{AUTHORITIES_MAX, ROOT_ACT_BYTES_MAX, ROOT_KEYS_MAX};
use sotay_membership::{Genesis, Record, RootAct, RootId, RootPolicy, RootSignatures};
use sotay_vault::{open_body, seal_body};
use zeroize::Zeroizing;

use crate::enrolment::{EnrolTextError, unarmour};
use crate::pack::{PACK_NAME_BYTES_MAX, PackCode};

/// Records on one paper: four for each branch of a province that is moved as a whole.
pub const ROOT_PAPER_RECORDS_MAX: usize = 40_000;
/// Bytes of a paper's text.
pub const ROOT_PAPER_BYTES_MAX: usize = 64 * 1024 * 1024;
const KEY_PREFIX: &str = "sotay-root-key-1:";
const KEY_CONTEXT: &str = "sotay/v1/root-key";
const KEY_SEAL_CONTEXT: &[u8] = b"sotay/v1/root-key\0";
const BOX_CONTEXT: &str = "sotay/v1/root-box";
const PAPER_PREFIX: &str = "sotay-root-1:";
const CARD_PREFIX: &str = "sotay-committee-1:";
const CARD_CHECK_CONTEXT: &str = "sotay/v1/committee-check-code";
const VERSION: u64 = 1;
const GENESIS: u64 = 0;
const ACT: u64 = 1;

/// One key of the root. It rests as a text sealed under a code; keep both apart.
pub struct RootKey {
    seed: Zeroizing<[u8; 32]>,
    keys: DeviceKeys,
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RootKey")
    }
}

impl RootKey {
    /// A new one.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut seed[..]);
        Self::of(seed)
    }

    fn of(seed: Zeroizing<[u8; 32]>) -> Self {
        // Nothing is ever sealed to a root key; the pair of keys wants a second half.
        let keys = DeviceKeys::from_seeds(*seed, blake3::derive_key(BOX_CONTEXT, &seed[..]));
        Self { seed, keys }
    }

    /// The public key.
    pub fn public(&self) -> SignKey {
        self.keys.public().sign
    }

    /// The text to keep, sealed under a code.
    pub fn to_text(&self, code: &PackCode, rng: &mut dyn CryptoRng) -> String {
        let mut writer = Writer::new();
        writer.array(2).uint(VERSION).bytes(&self.seed[..]);
        let plain = Zeroizing::new(writer.into_bytes());
        let sealed = seal_body(KEY_SEAL_CONTEXT, &code.key(KEY_CONTEXT), &plain, rng);
        format!("{KEY_PREFIX}{}", BASE64URL_NOPAD.encode(&sealed))
    }

    /// Opens the text. A wrong code and a damaged text cannot be told apart.
    pub fn from_text(text: &str, code: &PackCode) -> Result<Self, EnrolTextError> {
        let sealed = unarmour(text, "root key", KEY_PREFIX)?;
        let plain = open_body(KEY_SEAL_CONTEXT, &code.key(KEY_CONTEXT), &sealed)
            .map_err(|_| EnrolTextError::Damaged)?;
        let mut reader = Reader::new(&plain);
        reader.array(2)?;
        let version = reader.uint()?;
        if version != VERSION {
            return Err(EnrolTextError::Version(version));
        }
        Ok(Self::of(Zeroizing::new(reader.fixed()?)))
    }
}

/// A committee as it shows itself to the level above: its unit and the phones of its officers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitteeCard {
    /// The committee's unit.
    pub unit: UnitId,
    /// Its name.
    pub name: String,
    /// The phones of its officers, at most as many as a genesis may name.
    pub phones: Vec<DevicePublic>,
}

impl CommitteeCard {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(4)
            .uint(VERSION)
            .bytes(self.unit.as_bytes())
            .text(&self.name)
            .array(self.phones.len());
        for phone in &self.phones {
            writer
                .array(2)
                .bytes(phone.sign.as_bytes())
                .bytes(phone.seal.as_bytes());
        }
        writer.into_bytes()
    }

    /// The text to hand over.
    pub fn to_text(&self) -> String {
        format!("{CARD_PREFIX}{}", BASE64URL_NOPAD.encode(&self.encode()))
    }

    /// Reads the text.
    pub fn from_text(text: &str) -> Result<Self, EnrolTextError> {
        let bytes = unarmour(text, "committee's card", CARD_PREFIX)?;
        let mut reader = Reader::new(&bytes);
        reader.array(4)?;
        version(reader.uint()?)?;
        let (unit, name) = (
            UnitId::from_bytes(reader.fixed()?),
            reader.text(PACK_NAME_BYTES_MAX)?.to_owned(),
        );
        let count = reader.array_up_to(AUTHORITIES_MAX)?;
        let mut phones = Vec::with_capacity(count);
        for _ in 0..count {
            reader.array(2)?;
            phones.push(DevicePublic {
                sign: SignKey::from_bytes(reader.fixed()?)?,
                seal: BoxKey::from_bytes(reader.fixed()?)?,
            });
        }
        let card = Self { unit, name, phones };
        reader.finish(&card.encode())?;
        Ok(card)
    }

    /// Six digits that both sides compare aloud.
    pub fn check_code(&self) -> String {
        let hash = blake3::derive_key(CARD_CHECK_CONTEXT, &self.encode());
        let number = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) % 1_000_000;
        format!("{:03} {:03}", number / 1000, number % 1000)
    }
}

/// What is to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootItem {
    /// A unit that begins.
    Found(Genesis),
    /// An act of the root; its own signatures are empty.
    Act(RootAct),
}

/// One record on a paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootEntry {
    /// The unit it is for.
    pub unit: UnitId,
    /// The unit's name, for those who sign.
    pub name: String,
    /// What is signed.
    pub item: RootItem,
}

/// What a record does, in a form to be shown before it is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum RootDeed {
    /// Founds a unit under this root.
    Found {
        /// The root's hash, in hexadecimal.
        root: String,
        /// Signatures it asks for.
        threshold: u8,
        /// Keys it has.
        keys: usize,
    },
    /// Gives a phone the rank of the level above.
    Appoint {
        /// The phone, in hexadecimal.
        #[serde(serialize_with = "crate::text_of")]
        phone: DeviceId,
    },
    /// Ends a right.
    Dismiss {
        /// The grant or seat, in hexadecimal.
        #[serde(serialize_with = "crate::text_of")]
        right: EnvelopeId,
    },
    /// Moves the unit below another one.
    Move {
        /// The new unit above, in hexadecimal.
        #[serde(serialize_with = "crate::text_of")]
        parent: UnitId,
    },
}

impl RootEntry {
    fn message(&self) -> (&'static str, Vec<u8>) {
        match &self.item {
            RootItem::Found(_) => RootPolicy::genesis_message(&self.unit),
            RootItem::Act(act) => act.message(&self.unit),
        }
    }

    /// What it does.
    pub fn deed(&self) -> RootDeed {
        match &self.item {
            RootItem::Found(genesis) => {
                let policy = genesis.root_policy.as_ref();
                RootDeed::Found {
                    root: policy.map(|policy| policy.id().to_string()).unwrap_or_default(),
                    threshold: policy.map_or(0, |policy| policy.threshold),
                    keys: policy.map_or(0, |policy| policy.keys.len()),
                }
            }
            RootItem::Act(act) => match &*act.record {
                Record::Grant(grant) => RootDeed::Appoint {
                    phone: grant.device(),
                },
                Record::Revoke(revoke) => RootDeed::Dismiss { right: revoke.grant },
                Record::Reparent(reparent) => RootDeed::Move {
                    parent: reparent.parent,
                },
                // No other record is an act of the root.
                _ => RootDeed::Dismiss {
                    right: EnvelopeId::ZERO,
                },
            },
        }
    }
}

/// Why a paper was not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootSignError {
    /// The key has signed this paper already.
    #[error("this key has signed already")]
    Twice,
    /// The paper founds a unit under a root that this key is none of.
    #[error("this key is none of the root's")]
    OtherRoot,
}

/// Records of the root on their way from key to key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RootPaper {
    /// The records.
    pub entries: Vec<RootEntry>,
    /// For each key that has signed: a signature for each record.
    signatures: BTreeMap<SignKey, Vec<[u8; 64]>>,
}

impl RootPaper {
    /// A paper nobody has signed.
    pub fn new(entries: Vec<RootEntry>) -> Self {
        Self {
            entries,
            signatures: BTreeMap::new(),
        }
    }

    /// How many keys have signed.
    pub fn signed(&self) -> usize {
        self.signatures.len()
    }

    /// Signs every record.
    pub fn sign(&mut self, key: &RootKey) -> Result<(), RootSignError> {
        if self.signatures.contains_key(&key.public()) {
            return Err(RootSignError::Twice);
        }
        let foreign = |entry: &RootEntry| match &entry.item {
            RootItem::Found(genesis) => {
                let policy = genesis.root_policy.as_ref();
                policy.is_none_or(|policy| !policy.keys.contains(&key.public()))
            }
            RootItem::Act(_) => false,
        };
        if self.entries.iter().any(foreign) {
            return Err(RootSignError::OtherRoot);
        }
        let sign = |entry: &RootEntry| {
            let (context, message) = entry.message();
            key.keys.sign_detached(context, &message)
        };
        let all = self.entries.iter().map(sign).collect();
        self.signatures.insert(key.public(), all);
        Ok(())
    }

    /// The signatures on a record.
    pub fn signatures_of(&self, entry: usize) -> RootSignatures {
        let of = |(key, all): (&SignKey, &Vec<[u8; 64]>)| Some((*key, *all.get(entry)?));
        self.signatures.iter().filter_map(of).collect()
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.array(3).uint(VERSION).array(self.entries.len());
        for entry in &self.entries {
            writer.array(4).bytes(entry.unit.as_bytes()).text(&entry.name);
            match &entry.item {
                RootItem::Found(genesis) => writer.uint(GENESIS).bytes(&genesis.encode()),
                RootItem::Act(act) => writer.uint(ACT).bytes(&act.encode()),
            };
        }
        writer.array(self.signatures.len());
        for (key, all) in &self.signatures {
            writer.array(2).bytes(key.as_bytes()).array(all.len());
            for signature in all {
                writer.bytes(signature);
            }
        }
        writer.into_bytes()
    }

    /// The text, for a file.
    pub fn to_text(&self) -> String {
        format!("{PAPER_PREFIX}{}", BASE64URL_NOPAD.encode(&self.encode()))
    }

    /// Reads the text. Whether the signatures hold shows when they are used.
    pub fn from_text(text: &str) -> Result<Self, EnrolTextError> {
        let joined: String = text.split_whitespace().collect();
        if joined.len() > ROOT_PAPER_BYTES_MAX {
            return Err(EnrolTextError::TooLong);
        }
        let data = joined.strip_prefix(PAPER_PREFIX).ok_or(EnrolTextError::Prefix {
            expected: "paper of the root",
            prefix: PAPER_PREFIX,
        })?;
        let bytes = BASE64URL_NOPAD
            .decode(data.as_bytes())
            .map_err(|_| EnrolTextError::Damaged)?;
        let mut reader = Reader::new(&bytes);
        reader.array(3)?;
        version(reader.uint()?)?;
        let count = reader.array_up_to(ROOT_PAPER_RECORDS_MAX)?;
        let entries = (0..count)
            .map(|_| read_entry(&mut reader))
            .collect::<Result<Vec<_>, _>>()?;
        let mut signatures = BTreeMap::new();
        for _ in 0..reader.array_up_to(ROOT_KEYS_MAX)? {
            reader.array(2)?;
            let key = SignKey::from_bytes(reader.fixed()?)?;
            let given = reader.array_up_to(ROOT_PAPER_RECORDS_MAX)?;
            if given != count {
                return Err(EnrolTextError::Damaged);
            }
            let all = (0..given)
                .map(|_| reader.bytes(64)?.try_into().map_err(|_| EnrolTextError::Damaged))
                .collect::<Result<Vec<_>, EnrolTextError>>()?;
            signatures.insert(key, all);
        }
        let paper = Self { entries, signatures };
        reader.finish(&paper.encode())?;
        Ok(paper)
    }
}

fn version(found: u64) -> Result<(), EnrolTextError> {
    if found == VERSION {
        Ok(())
    } else {
        Err(EnrolTextError::Version(found))
    }
}

fn read_entry(reader: &mut Reader<'_>) -> Result<RootEntry, EnrolTextError> {
    reader.array(4)?;
    let unit = UnitId::from_bytes(reader.fixed()?);
    let name = reader.text(PACK_NAME_BYTES_MAX)?.to_owned();
    let form = reader.uint()?;
    let bytes = reader.bytes(ROOT_ACT_BYTES_MAX * 2)?;
    let whole = |kind| match Record::decode(kind, bytes) {
        Ok((record, len)) if len == bytes.len() => Ok(record),
        _ => Err(EnrolTextError::Damaged),
    };
    let item = match form {
        GENESIS => match whole(Kind::GENESIS)? {
            Record::Genesis(genesis) if genesis.unit_id() == unit => RootItem::Found(genesis),
            _ => return Err(EnrolTextError::Damaged),
        },
        ACT => match whole(Kind::ROOT)? {
            Record::Root(act) if act.signatures.is_empty() => RootItem::Act(act),
            _ => return Err(EnrolTextError::Damaged),
        },
        _ => return Err(EnrolTextError::Damaged),
    };
    Ok(RootEntry { unit, name, item })
}

/// A public key of a root as text: 64 hexadecimal digits.
pub fn root_public_text(key: &SignKey) -> String {
    data_encoding::HEXLOWER.encode(key.as_bytes())
}

/// Reads what [`root_public_text`] wrote.
pub fn root_public_from_text(text: &str) -> Option<SignKey> {
    let bytes = HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).ok()?;
    SignKey::from_bytes(bytes.try_into().ok()?).ok()
}

/// The policy of these keys, and the root's hash. At least one signature and no more than there are keys.
pub fn root_policy(threshold: u8, keys: &[SignKey]) -> Option<(RootPolicy, RootId)> {
    let policy = RootPolicy {
        threshold,
        keys: keys.iter().copied().collect(),
    };
    let fits =
        threshold > 0 && usize::from(threshold) <= policy.keys.len() && keys.len() == policy.keys.len();
    (fits && keys.len() <= ROOT_KEYS_MAX).then(|| {
        let id = policy.id();
        (policy, id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use sotay_membership::{Authority, Reparent, UnitKind, rank};

    fn rng() -> StdRng {
        StdRng::seed_from_u64(1)
    }

    fn keys() -> [RootKey; 3] {
        let mut rng = rng();
        std::array::from_fn(|_| RootKey::generate(&mut rng))
    }

    fn genesis(keys: &[RootKey]) -> Genesis {
        let public: Vec<SignKey> = keys.iter().map(RootKey::public).collect();
        Genesis {
            unit_kind: UnitKind::PROVINCE,
            parent: None,
            authorities: vec![Authority {
                rank: rank::PARENT,
                keys: DeviceKeys::from_seeds([8; 32], [9; 32]).public(),
            }],
            root_policy: root_policy(2, &public).map(|(policy, _)| policy),
            nonce: [0; 16],
            claimed_ms: 0,
        }
    }

    fn paper(keys: &[RootKey]) -> RootPaper {
        let genesis = genesis(keys);
        let unit = genesis.unit_id();
        let act = RootAct::new(1, Record::Reparent(Reparent { parent: unit })).unwrap();
        let entry = |item| RootEntry {
            unit,
            name: "Đảng bộ tỉnh".to_owned(),
            item,
        };
        RootPaper::new(vec![entry(RootItem::Found(genesis)), entry(RootItem::Act(act))])
    }

    #[test]
    fn a_paper_goes_from_key_to_key_and_holds_once_two_of_three_have_signed() {
        let keys = keys();
        let mut paper = paper(&keys);
        let policy = genesis(&keys).root_policy.unwrap();
        let holds = |paper: &RootPaper| {
            (0..2).all(|entry| {
                let (context, message) = paper.entries[entry].message();
                policy
                    .check(context, &message, &paper.signatures_of(entry))
                    .is_ok()
            })
        };
        for (number, key) in [&keys[0], &keys[2]].into_iter().enumerate() {
            assert!(!holds(&paper));
            paper.sign(key).unwrap();
            assert_eq!(paper.signed(), number + 1);
            paper = RootPaper::from_text(&paper.to_text()).unwrap();
        }
        assert!(holds(&paper));
        assert_eq!(paper.sign(&keys[0]), Err(RootSignError::Twice));
        let stranger = RootKey::generate(&mut StdRng::seed_from_u64(9));
        assert_eq!(paper.sign(&stranger), Err(RootSignError::OtherRoot));
    }

    #[test]
    fn a_key_opens_with_its_code_alone() {
        let mut rng = rng();
        let (key, code, other) = (
            RootKey::generate(&mut rng),
            PackCode::generate(&mut rng),
            PackCode::generate(&mut rng),
        );
        let text = key.to_text(&code, &mut rng);
        assert_eq!(RootKey::from_text(&text, &code).unwrap().public(), key.public());
        assert_eq!(
            RootKey::from_text(&text, &other).err(),
            Some(EnrolTextError::Damaged)
        );
        assert_eq!(format!("{key:?}"), "RootKey");
    }

    #[test]
    fn a_card_reads_back_and_one_phone_over_the_limit_is_refused() {
        let card = |count: u8| CommitteeCard {
            unit: UnitId::from_bytes([1; 32]),
            name: "Đảng ủy xã".to_owned(),
            phones: (0..count)
                .map(|n| DeviceKeys::from_seeds([n + 1; 32], [n + 1; 32]).public())
                .collect(),
        };
        let full = card(AUTHORITIES_MAX as u8);
        assert_eq!(CommitteeCard::from_text(&full.to_text()), Ok(full.clone()));
        assert_ne!(full.check_code(), card(1).check_code());
        let key = full.phones[0].sign;
        assert_eq!(root_public_from_text(&root_public_text(&key)), Some(key));
        assert_eq!(root_public_from_text("00"), None);
        let more = card(AUTHORITIES_MAX as u8 + 1);
        assert_eq!(
            CommitteeCard::from_text(&more.to_text()),
            Err(EnrolTextError::TooLong)
        );
    }

    #[test]
    fn a_changed_letter_or_a_unit_that_is_not_the_genesis_makes_no_paper() {
        let keys = keys();
        let good = paper(&keys);
        let mut foreign = good.clone();
        foreign.entries[0].unit = UnitId::from_bytes([3; 32]);
        assert_eq!(
            RootPaper::from_text(&foreign.to_text()),
            Err(EnrolTextError::Damaged)
        );
        let text = good.to_text();
        assert!(RootPaper::from_text(&text[..text.len() - 3]).is_err());
        assert!(RootPaper::from_text("sotay-join-1:AAAA").is_err());
        let public: Vec<SignKey> = keys.iter().map(RootKey::public).collect();
        assert!(root_policy(0, &public).is_none() && root_policy(4, &public).is_none());
        assert!(root_policy(1, &[public[0], public[0]]).is_none(), "one key twice");
    }

    proptest! {
        #[test]
        fn garbage_is_no_text_of_the_root(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let text = |prefix: &str| [prefix, &BASE64URL_NOPAD.encode(&bytes)].concat();
            let code = PackCode::generate(&mut rng());
            prop_assert!(CommitteeCard::from_text(&text(CARD_PREFIX)).is_err());
            let _ = RootPaper::from_text(&text(PAPER_PREFIX));
            prop_assert!(RootKey::from_text(&text(KEY_PREFIX), &code).is_err());
        }
    }
}
