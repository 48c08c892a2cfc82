//! What a frame of envelopes brought, on either end.

use std::collections::BTreeSet;
use std::sync::Arc;

use sotay_feed::{DeviceId, Envelope, EnvelopeId, Space, SpaceTag};

use super::SessionEvent;
use super::link::Link;
use crate::admit::Admitted;
use crate::fault::RefuseReason;
use crate::message::{Items, Message, Refuse};

/// The envelopes of one frame, and answers for what is none.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    pub(super) envelopes: Vec<Envelope>,
    unreadable: Vec<Refuse>,
    /// They were shown as the proof of a fork: that they contradict is no refusal.
    proof: bool,
}

impl Incoming {
    /// Splits a frame.
    pub(super) fn decode(items: &Items<'_>) -> Self {
        let mut incoming = Self::default();
        for bytes in &items.envelopes {
            match Envelope::decode(bytes) {
                Ok(envelope) => incoming.envelopes.push(envelope),
                Err(error) => incoming.unreadable.push(Refuse {
                    tag: items.tag,
                    device: DeviceId::ZERO,
                    seq: 0,
                    id: EnvelopeId::from_bytes(*blake3::hash(bytes).as_bytes()),
                    reason: error.into(),
                }),
            }
        }
        incoming
    }

    /// The two envelopes of a proof.
    pub(super) fn proof(envelopes: Vec<Envelope>) -> Self {
        Self {
            envelopes,
            proof: true,
            ..Self::default()
        }
    }

    /// Whether anything must be asked for again, so that no token may stand for this frame. `given_up`: feeds of which
    /// an envelope was refused for good before; what follows there is a gap for ever.
    pub(super) fn asks_again(&self, answers: &[Admitted], mut given_up: BTreeSet<DeviceId>) -> bool {
        let mut again = !self.unreadable.is_empty();
        for (envelope, answer) in self.envelopes.iter().zip(answers) {
            let Admitted::Refused(reason) = answer else {
                continue;
            };
            let device = envelope.header().device;
            if reason.is_final() {
                given_up.insert(device);
            }
            again |= !given_up.contains(&device);
        }
        again
    }

    /// Tells what became of a batch: events, and a `Refuse` for each that was not stored, but not to whoever shows a proof.
    /// Whether any was stored.
    pub(super) fn report(&self, link: &mut Link, space: &Space, answers: &[Admitted]) -> bool {
        let tag = space.id().tag();
        let (mut count, mut bytes, mut after) = (0, 0, None);
        for (envelope, answer) in self.envelopes.iter().zip(answers) {
            match answer {
                Admitted::Stored(arrival) => {
                    count += 1;
                    bytes += envelope.bytes().len() as u64;
                    after.get_or_insert(arrival.number - 1);
                }
                Admitted::Duplicate => {}
                Admitted::Refused(reason) => {
                    let fork = matches!(reason, RefuseReason::Fork { .. });
                    let told = self.proof && (fork || matches!(reason, RefuseReason::Gap { .. }));
                    let refuse = refuse_of(tag, envelope, *reason);
                    if !told {
                        link.send(&Message::Refuse(refuse));
                    }
                    reject(link, space, refuse, fork.then(|| Arc::clone(envelope.bytes())));
                }
            }
        }
        for refuse in &self.unreadable {
            link.send(&Message::Refuse(*refuse));
            reject(link, space, *refuse, None);
        }
        if let Some(after) = after {
            link.event(SessionEvent::Received {
                space: *space,
                count,
                bytes,
                after,
            });
        }
        count > 0
    }
}

fn reject(link: &mut Link, space: &Space, refuse: Refuse, proof: Option<Arc<[u8]>>) {
    link.event(SessionEvent::Rejected {
        space: *space,
        device: refuse.device,
        seq: refuse.seq,
        id: refuse.id,
        reason: refuse.reason,
        proof,
    });
}

fn refuse_of(tag: SpaceTag, envelope: &Envelope, reason: RefuseReason) -> Refuse {
    let header = envelope.header();
    Refuse {
        tag,
        device: header.device,
        seq: header.seq,
        id: envelope.id(),
        reason,
    }
}
