//! What a program that is not ours can send with the keys of a phone that was admitted: payloads by hand, sealed and
//! signed as they should be.

use std::io::Read;

use rand::SeedableRng;
use rand::rngs::StdRng;
use sha2::{Digest, Sha256};
use sotay_document::crdt::{ROOT, ReadDoc, Transactable};
use sotay_document::{Actor, Document, Run, encode_runs};
use sotay_engine::handbook::{DocKind, fixture};
use sotay_feed::cbor::{Reader, Writer};
use sotay_feed::limits::ENVELOPE_BYTES_MAX;
use sotay_feed::{DeviceId, DocId, Draft, Envelope, Kind, Space, SpaceKind, Verified};
use sotay_store::{Batch, Bucket, Budget, Store};
use sotay_vault::{KeyRing, open_body, seal_body};

use crate::branch::Phone;

/// Room of a payload, well within an envelope.
pub const ROOM: usize = 48 * 1024;
const ZSTD: u64 = 1;

/// `count` changes of one actor to a document that nobody else has changed: each puts a value into a map that no screen
/// of this version shows. Actors of one nonce are one actor.
pub fn changes(doc: DocId, actor: Actor, values: impl IntoIterator<Item = i64>) -> Vec<Vec<u8>> {
    let genesis = DocKind::Meeting.genesis(doc, 1).unwrap();
    let mut document = Document::new(doc, &genesis, actor).unwrap();
    let mut put = |value: i64| {
        let change = document.edit(fixture::START_MS, |tx| {
            let (_, map) = tx.get(ROOT, "links")?.expect("a container of the genesis");
            tx.put(&map, "x", value)
        });
        change.unwrap().1.expect("every value is another one").bytes
    };
    values.into_iter().map(&mut put).collect()
}

/// The payloads of such changes.
pub fn runs(doc: DocId, kind: u8, schema: u16, changes: &[Vec<u8>]) -> Vec<Vec<u8>> {
    encode_runs(doc, kind, schema, changes, ROOM).unwrap()
}

/// What is written differently than by the honest program.
#[derive(Debug, Clone, Copy, Default)]
pub struct Altered {
    pub seq: Option<u64>,
    pub start_op: Option<u64>,
}

/// The payload of one change with other numbers in it. Hashes are made to fit: only the numbers are wrong.
pub fn altered(doc: DocId, raw: &[u8], altered: Altered) -> Vec<u8> {
    let honest = runs(doc, DocKind::Meeting.number(), 1, &[raw.to_vec()]).remove(0);
    let mut run = Head::read(&honest);
    let mut body = Leb(&run.body);
    let mut out = Vec::new();
    let others = body.number();
    put(&mut out, others);
    out.extend_from_slice(body.take(others as usize * 16));
    put(&mut out, body.number());
    let seq = body.number();
    put(&mut out, altered.seq.unwrap_or(seq));
    let counter = body.signed();
    put_signed(&mut out, altered.start_op.map_or(counter, |start| start as i64));
    out.extend_from_slice(body.0);
    run.body = out;
    run.tails = vec![rehashed(raw, altered)];
    run.method = 0;
    run.write()
}

/// SHA-256 of the chunk with the same numbers altered.
fn rehashed(raw: &[u8], altered: Altered) -> [u8; 32] {
    let mut chunk = Leb(&raw[9..]);
    chunk.number();
    let mut data = Vec::new();
    let deps = chunk.number();
    put(&mut data, deps);
    data.extend_from_slice(chunk.take(deps as usize * 32));
    let actor = chunk.number();
    put(&mut data, actor);
    data.extend_from_slice(chunk.take(actor as usize));
    let (seq, start_op) = (chunk.number(), chunk.number());
    put(&mut data, altered.seq.unwrap_or(seq));
    put(&mut data, altered.start_op.unwrap_or(start_op));
    data.extend_from_slice(chunk.0);
    let mut head = vec![1];
    put(&mut head, data.len() as u64);
    Sha256::new()
        .chain_update(head)
        .chain_update(data)
        .finalize()
        .into()
}

/// A run that claims one change and holds `len` zeros, in a few dozen kilobytes.
pub fn bomb(doc: DocId, actor: Actor, len: u64) -> Vec<u8> {
    let mut body = Vec::new();
    let mut encoder = zstd::stream::write::Encoder::new(&mut body, 3).unwrap();
    std::io::copy(&mut std::io::repeat(0).take(len), &mut encoder).unwrap();
    encoder.finish().unwrap();
    assert!(body.len() < ROOM, "{} bytes travel", body.len());
    let kind = u64::from(DocKind::Meeting.number());
    let actor = *actor.as_bytes();
    Head {
        doc,
        kind,
        schema: 1,
        actor,
        count: 1,
        tails: vec![[7; 32]],
        method: ZSTD,
        body,
    }
    .write()
}

/// A run's payload taken apart (P11.3).
struct Head {
    doc: DocId,
    kind: u64,
    schema: u64,
    actor: [u8; 16],
    count: u64,
    tails: Vec<[u8; 32]>,
    method: u64,
    body: Vec<u8>,
}

impl Head {
    fn read(payload: &[u8]) -> Self {
        let mut reader = Reader::new(payload);
        reader.array(9).unwrap();
        assert_eq!(reader.uint(), Ok(1), "version");
        let doc = DocId::from_bytes(reader.fixed().unwrap());
        let (kind, schema) = (reader.uint().unwrap(), reader.uint().unwrap());
        let (actor, count) = (reader.fixed().unwrap(), reader.uint().unwrap());
        let tails = reader.array_up_to(1).unwrap();
        let tails = (0..tails).map(|_| reader.fixed().unwrap()).collect();
        let method = reader.uint().unwrap();
        let body = reader.bytes(ENVELOPE_BYTES_MAX).unwrap();
        let body = if method == ZSTD {
            zstd::stream::decode_all(body).unwrap()
        } else {
            body.to_vec()
        };
        Self {
            doc,
            kind,
            schema,
            actor,
            count,
            tails,
            method,
            body,
        }
    }

    fn write(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(9)
            .uint(1)
            .bytes(self.doc.as_bytes())
            .uint(self.kind)
            .uint(self.schema);
        writer.bytes(&self.actor).uint(self.count).array(self.tails.len());
        for tail in &self.tails {
            writer.bytes(tail);
        }
        writer.uint(self.method).bytes(&self.body);
        writer.into_bytes()
    }
}

/// LEB128 numbers from the front.
struct Leb<'a>(&'a [u8]);

impl<'a> Leb<'a> {
    fn take(&mut self, len: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(len);
        self.0 = rest;
        head
    }

    fn groups(&mut self) -> &'a [u8] {
        let len = self.0.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
        self.take(len)
    }

    fn number(&mut self) -> u64 {
        self.groups()
            .iter()
            .rev()
            .fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f))
    }

    fn signed(&mut self) -> i64 {
        let groups = self.groups();
        let sign = if groups.last().unwrap() & 0x40 == 0 { 0 } else { -1 };
        groups
            .iter()
            .rev()
            .fold(sign, |value, byte| value << 7 | i64::from(byte & 0x7f))
    }
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_signed(out: &mut Vec<u8>, mut value: i64) {
    while !(-0x40..0x40).contains(&value) {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8 & 0x7f);
}

/// The key ring of a phone, as whoever holds the phone can read it.
fn ring(phone: &Phone) -> KeyRing {
    let rows = phone.replica().store().list(Bucket::EpochKey, b"ring").unwrap();
    assert!(!rows.is_empty());
    let mut ring = KeyRing::default();
    for (_, bytes) in rows {
        ring.extend(KeyRing::decode(&bytes).unwrap());
    }
    ring
}

fn space(phone: &Phone, kind: SpaceKind) -> Space {
    Space::of(phone.unit().unwrap(), kind)
}

/// The next envelope of a phone's feed in a space, with this payload, sealed under the key in use if there
/// is one.
pub fn letter(phone: &Phone, at: SpaceKind, kind: Kind, payload: &[u8]) -> Verified<Envelope> {
    let id = space(phone, at).id();
    let membership = phone.replica().membership(phone.unit().unwrap()).unwrap();
    let tip = phone.replica().store().tip(&id, phone.id()).unwrap();
    let draft = Draft::next(phone.keys(), kind, &id, tip);
    let Some(epoch) = membership.writing_epoch(&id) else {
        return draft.sign(phone.keys(), &id, payload).unwrap();
    };
    let draft = draft.in_epoch(epoch);
    let ring = ring(phone);
    let mut rng = StdRng::seed_from_u64(draft.header().seq);
    let key = ring
        .get(id.tag(), epoch)
        .expect("a phone has the keys of its spaces");
    let body = seal_body(&draft.header().encode(), key, payload, &mut rng);
    draft.sign(phone.keys(), &id, &body).unwrap()
}

/// Puts an envelope into the phone's own feed behind the back of its program; its next session offers it.
pub fn slip_in(phone: &mut Phone, envelope: Verified<Envelope>) {
    phone
        .store_mut()
        .commit(Batch {
            envelopes: vec![envelope],
            puts: Vec::new(),
            ..Batch::default()
        })
        .unwrap();
}

/// The runs that a device wrote to a document, as a reader finds them.
pub fn runs_of(phone: &Phone, author: DeviceId, doc: DocId) -> Vec<Run> {
    let id = space(phone, SpaceKind::Main).id();
    let all = Budget {
        count: usize::MAX,
        bytes: usize::MAX,
    };
    let page = phone.replica().store().since(&id, 0, all).unwrap();
    let ring = ring(phone);
    let run = |envelope: Envelope| {
        let key = ring.get(id.tag(), envelope.header().epoch)?;
        let payload = open_body(envelope.header_bytes(), key, envelope.body()).ok()?;
        Run::decode(&payload).ok().filter(|run| run.doc == doc)
    };
    let written = page
        .envelopes
        .iter()
        .filter(|stored| stored.device == author && stored.kind == Kind::CHANGE);
    written
        .filter_map(|stored| run(Envelope::decode(&stored.bytes).unwrap()))
        .collect()
}
