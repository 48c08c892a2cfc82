//! What the other end did not take, and what is no longer known of it.

use sotay_feed::limits::SEQ_MAX;
use sotay_feed::{SpaceKind, UnitId};
use sotay_store::Store;
use tracing::debug;

use super::{Connector, commit};
use crate::fault::RefuseReason;
use crate::limits::QUARANTINE_RECORDS_MAX;
use crate::message::Refuse;
use crate::quarantine::{Quarantined, RefusedBy};
use crate::replica::Replica;
use crate::session::link::Link;
use crate::session::opened::{Opened, roll_digest};
use crate::session::{SessionError, SessionEvent};

impl Connector {
    /// One of ours was not stored there. Nothing more of that feed is offered in this session; with another roll it
    /// is offered again.
    pub(super) fn on_refuse<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &mut Replica<S>,
        refuse: Refuse,
    ) -> Result<(), SessionError> {
        let peer = self.peer;
        let opened = self.opened(refuse.tag)?;
        let ours = replica.store().at(&opened.id, refuse.device, refuse.seq.max(1))?;
        let Some(ours) = ours.filter(|ours| ours.id == refuse.id) else {
            debug!(space = ?refuse.tag, "the peer refused an envelope that was not offered");
            return Ok(());
        };
        let slot = replica.is_slot(&opened.space, refuse.device);
        // Another phone has put a letter into this slot: whoever wrote this one uses another, and nobody is to blame.
        let taken = slot && matches!(refuse.reason, RefuseReason::Fork { .. });
        // A gap follows from a refusal before it, or from a relay that was set back and will say so.
        if !matches!(refuse.reason, RefuseReason::Gap { .. }) {
            opened.outbox.theirs.raise(refuse.device, SEQ_MAX);
            opened.held_back |= !taken;
            if taken && opened.record.others.get(refuse.device) == 0 {
                opened.record.others.raise(refuse.device, refuse.seq);
                opened.dirty = true;
            }
            if slot && refuse.reason.is_passing() {
                let first = opened.not_taken.unwrap_or(u64::MAX);
                opened.not_taken = Some(first.min(ours.arrival));
            }
        }
        if !refuse.reason.is_passing() && !taken {
            if opened.record.refused.get(refuse.device) == 0 {
                opened.record.refused.raise(refuse.device, refuse.seq);
            }
            opened.record.refused_under = Some(roll_digest(replica, opened.space.unit)?);
            let record = Quarantined {
                by: RefusedBy::Peer,
                tag: refuse.tag,
                device: refuse.device,
                seq: refuse.seq,
                id: refuse.id,
                reason: refuse.reason,
            };
            let mut puts = vec![opened.record.put(&peer, &opened.space)];
            let room = replica.quarantine.len() < QUARANTINE_RECORDS_MAX;
            if room || replica.quarantine.contains_key(&record.key()) {
                puts.push(record.put());
            }
            commit(replica, puts)?;
            if room {
                replica.quarantine.insert(record.key(), record.reason);
            }
            opened.dirty = false;
        }
        link.event(SessionEvent::Refused {
            space: opened.space,
            device: refuse.device,
            seq: refuse.seq,
            id: refuse.id,
            reason: refuse.reason,
        });
        Ok(())
    }

    /// The other end was set back, or has another database: of the letters it holds nothing is known, but what it says from
    /// here on.
    pub(super) fn doubt_all(&mut self, link: &Link) {
        if std::mem::replace(&mut self.set_back, true) {
            return;
        }
        let of_inboxes = |opened: &&mut Opened| opened.space.kind == SpaceKind::Inbox;
        for opened in self.spaces.values_mut().filter(of_inboxes) {
            opened.doubt_letters();
            if opened.outbox.open && !opened.healing {
                opened.begin_pushing(link);
            }
        }
    }

    /// Another roll is a reason to offer again what was refused under the old one.
    pub(super) fn roll_changed<S: Store>(
        &mut self,
        link: &mut Link,
        replica: &Replica<S>,
        unit: UnitId,
    ) -> Result<(), SessionError> {
        for tag in &self.order {
            let Some(opened) = self.spaces.get_mut(tag) else {
                continue;
            };
            if opened.space.unit == unit && (opened.held_back || !opened.record.refused.is_empty()) {
                opened.forget_refusals(replica)?;
                if opened.outbox.open {
                    opened.begin_pushing(link);
                    opened.pump(link, replica)?;
                }
            }
        }
        Ok(())
    }
}
