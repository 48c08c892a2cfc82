//! Sessions of this device. A link is one connection that the caller carries bytes for: it hands frames in, and takes
//! frames out with [`Device::next_output`] until there are none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sotay_feed::{InOrder, Kind, SignKey, Space, SpaceKind};
use sotay_store::Store;
use sotay_sync::{
    CloseCode, CloseReason, FirstContact, Output, Role, Session, SessionConfig, SessionError, SessionEvent,
    SessionStats, SyncStatus, status,
};

use super::Device;
use crate::error::DeviceError;
use crate::event::Event;

/// A connection, as its carrier numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// What the carrier of a link has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkOutput {
    /// Send this frame.
    Frame(Arc<[u8]>),
    /// The first exchange of all spaces is complete; everything that was new is applied.
    CaughtUp,
    /// Close the connection; nothing more comes.
    Close(CloseReason),
}

/// Status of one space towards one relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceStatus {
    /// The space.
    pub space: Space,
    /// What is known of the relay.
    pub status: SyncStatus,
}

#[derive(Default)]
pub(super) struct Links {
    sessions: BTreeMap<LinkId, Link>,
    /// The phones that connected to this one.
    pub(super) hosted: BTreeMap<LinkId, SignKey>,
    /// Links for which there was no place.
    turned_away: BTreeSet<LinkId>,
    /// The time of the last call, for the receipts that follow from what came in it.
    now: i64,
    finished: SessionStats,
}

/// How often one exchange goes on with what follows from what it brought: keys that are handed out, spaces that open with
/// a grant, letters that are answered. Phones that found always something to answer each other would never hang up.
pub(super) const TURNS_MAX: u8 = 6;

struct Link {
    session: Session,
    out: std::collections::VecDeque<LinkOutput>,
    caught_up: bool,
    /// Of a link that ends with its exchange: how often it has gone on already.
    turns: Option<u8>,
    /// Something was received since documents were last brought up to date.
    fresh: bool,
}

impl<S: Store> Device<S> {
    /// A connection to a relay is up: seals what is pending and prepares the first flight.
    pub fn link_up(&mut self, link: LinkId, relay: SignKey, live: bool, now: i64) -> Result<(), DeviceError> {
        self.connect(link, relay, live, FirstContact::Frontier, now)
    }

    /// A connection to another phone of the unit is up, on which that one accepts ([`Device::link_accept`]). The two
    /// often hold the same already, so a digest is asked about first.
    pub fn link_up_to_phone(
        &mut self,
        link: LinkId,
        phone: SignKey,
        live: bool,
        now: i64,
    ) -> Result<(), DeviceError> {
        self.connect(link, phone, live, FirstContact::Digest, now)
    }

    fn connect(
        &mut self,
        link: LinkId,
        peer: SignKey,
        live: bool,
        first: FirstContact,
        now: i64,
    ) -> Result<(), DeviceError> {
        self.links.now = now;
        self.catch_up()?;
        self.flush()?;
        self.show_guests()?;
        self.acknowledge(now)?;
        let mut spaces = self.wanted_spaces()?;
        spaces.extend(self.followed.next_spaces());
        let mut session = Session::connect(SessionConfig {
            role: Role::Device,
            peer,
            spaces,
            live,
            first,
        });
        if !live {
            session.hold();
        }
        self.begin(link, session, (!live).then_some(0), now)
    }

    /// What every session of this device opens, beside some of the units below.
    fn wanted_spaces(&self) -> Result<Vec<Space>, DeviceError> {
        let mut spaces = self.synced_spaces()?;
        spaces.extend(self.spaces_above());
        Ok(spaces)
    }

    /// Another phone has connected to this one; its carrier proved its key. It gets what it may read of what is here, as
    /// from a relay, and what it brings is taken in. What comes over one link is offered on all others at once, so a
    /// phone that hosts a meeting keeps the whole room in step. When there is no place for it ([`super::VISITORS_MAX`]) the
    /// only output is to close.
    pub fn link_accept(&mut self, link: LinkId, phone: SignKey, now: i64) -> Result<(), DeviceError> {
        self.links.now = now;
        if self.is_full_for(&phone) {
            self.links.turned_away.insert(link);
            return Ok(());
        }
        self.catch_up()?;
        self.flush()?;
        let session = Session::accept(SessionConfig {
            role: Role::Device,
            peer: phone,
            spaces: Vec::new(),
            live: true,
            first: FirstContact::default(),
        });
        self.links.hosted.insert(link, phone);
        self.events.push_back(Event::Visitors);
        self.begin(link, session, None, now)
    }

    fn begin(
        &mut self,
        link: LinkId,
        mut session: Session,
        turns: Option<u8>,
        now: i64,
    ) -> Result<(), DeviceError> {
        let started = session.start(&mut self.replica, now);
        let entry = Link {
            session,
            out: Default::default(),
            caught_up: false,
            turns,
            fresh: false,
        };
        self.links.sessions.insert(link, entry);
        self.after(link, started)
    }

    /// What sessions open: the spaces this device reads, and the inbox, into which it may write without reading it.
    fn synced_spaces(&self) -> Result<Vec<Space>, DeviceError> {
        // Admitted, and without the records that say so: the roll comes first, everything else with the next session.
        if let Some(pass) = self.joining()? {
            return Ok(vec![Space::of(pass.unit(), SpaceKind::Roll)]);
        }
        let mut spaces = self.spaces()?;
        let inbox = self.space(SpaceKind::Inbox)?;
        let membership = self.membership()?;
        let writes = membership.may_write(self.id(), &inbox, Kind::INBOX, 1).is_ok();
        if writes && membership.may_be_served(self.id()).is_ok() && !spaces.contains(&inbox) {
            spaces.push(inbox);
            spaces.in_order();
        }
        Ok(spaces)
    }

    /// Moves what a session queued, then tells whether the store failed. A peer that misbehaved has been told by the
    /// session itself, which closes.
    fn after(&mut self, link: LinkId, result: Result<(), SessionError>) -> Result<(), DeviceError> {
        self.pump(link)?;
        match result {
            Ok(()) => Ok(()),
            Err(SessionError::Store(error)) => Err(error.into()),
            Err(SessionError::Peer(fault)) => {
                tracing::warn!(%fault, "the other end of a link misbehaved");
                Ok(())
            }
            Err(SessionError::TooManySpaces(_)) => Err(DeviceError::Internal("spaces of a session")),
        }
    }

    /// A frame came in. When the other end misbehaves the link is closed by an output; only the store can fail here.
    pub fn link_frame(&mut self, link: LinkId, frame: &[u8], now: i64) -> Result<(), DeviceError> {
        self.links.now = now;
        let Some(entry) = self.links.sessions.get_mut(&link) else {
            return Ok(());
        };
        let result = entry.session.on_frame(&mut self.replica, frame, now);
        self.after(link, result)
    }

    /// A deadline of the link has passed.
    pub fn link_tick(&mut self, link: LinkId, now: i64) -> Result<(), DeviceError> {
        let Some(entry) = self.links.sessions.get_mut(&link) else {
            return Ok(());
        };
        let result = entry.session.on_tick(&mut self.replica, now);
        self.after(link, result)
    }

    /// When the link wants to be woken, and why.
    pub fn link_deadline(&self, link: LinkId) -> Option<(i64, &'static str)> {
        self.links
            .sessions
            .get(&link)
            .and_then(|entry| entry.session.deadline())
    }

    /// The connection is gone. What was received and stored is applied.
    pub fn link_down(&mut self, link: LinkId) -> Result<(), DeviceError> {
        self.links.turned_away.remove(&link);
        if self.links.hosted.remove(&link).is_some() {
            self.events.push_back(Event::Visitors);
        }
        let Some(entry) = self.links.sessions.remove(&link) else {
            return Ok(());
        };
        self.links.finished = sum(self.links.finished, entry.session.stats());
        self.absorb()
    }

    /// What to do next for a link.
    pub fn next_output(&mut self, link: LinkId) -> Option<LinkOutput> {
        if self.links.turned_away.remove(&link) {
            return Some(LinkOutput::Close(super::hosting::FULL));
        }
        self.links.sessions.get_mut(&link)?.out.pop_front()
    }

    #[cfg(test)]
    pub(super) fn has_gone_on(&mut self, link: LinkId, turns: u8) {
        self.links.sessions.get_mut(&link).expect("a link").turns = Some(turns);
    }

    /// How the phone at the other end of a link that it opened stands in a space, as far as it said.
    pub(super) fn visitor_status(&self, link: LinkId, space: &Space) -> Result<SyncStatus, DeviceError> {
        let session = self.links.sessions.get(&link).map(|entry| &entry.session);
        let status = session.map(|session| session.peer_status(&self.replica, space));
        Ok(status.transpose()?.unwrap_or(SyncStatus::Unknown))
    }

    /// The links that are up.
    pub fn links(&self) -> Vec<LinkId> {
        self.links.sessions.keys().copied().collect()
    }

    /// Bytes, envelopes and round trips of one link so far.
    pub fn link_stats(&self, link: LinkId) -> Option<SessionStats> {
        self.links.sessions.get(&link).map(|entry| entry.session.stats())
    }

    /// The same over all sessions since this device was opened.
    pub fn session_stats(&self) -> SessionStats {
        let open = self.links.sessions.values().map(|entry| entry.session.stats());
        open.fold(self.links.finished, sum)
    }

    /// What is known about a relay, space by space. Changes that wait to be sealed count as unsent.
    pub fn sync_status(&self, relay: &SignKey) -> Result<Vec<SpaceStatus>, DeviceError> {
        if self.joining()?.is_some() {
            return Ok(Vec::new());
        }
        let pending = self.pending_by_space()?;
        let mut all = Vec::new();
        for space in self.spaces()? {
            let mut status = status(&self.replica, relay, &space)?;
            if let (SyncStatus::Synced { .. }, Some(&(unsent, bytes))) = (&status, pending.get(&space.kind)) {
                status = SyncStatus::Ahead { unsent, bytes };
            }
            all.push(SpaceStatus { space, status });
        }
        Ok(all)
    }

    /// Hands what was just edited to all open links.
    pub fn push_local(&mut self) -> Result<(), DeviceError> {
        if self.links.sessions.is_empty() {
            Ok(())
        } else {
            self.flush()
        }
    }

    /// New own envelopes of a space exist: offer them on every link.
    pub(super) fn announce_local(&mut self, space: &Space) -> Result<(), DeviceError> {
        self.offer(space, None)
    }

    /// Offers what is new in a space on all links but the one it came from.
    fn offer(&mut self, space: &Space, from: Option<LinkId>) -> Result<(), DeviceError> {
        for link in self.links().into_iter().filter(|link| Some(*link) != from) {
            if let Some(entry) = self.links.sessions.get_mut(&link) {
                let result = entry.session.on_local(&mut self.replica, space);
                self.after(link, result)?;
            }
        }
        Ok(())
    }

    /// Moves outputs and events out of a session. Documents are brought up to date once per exchange: when the session
    /// has caught up, and after that with every frame that brought something.
    fn pump(&mut self, link: LinkId) -> Result<(), DeviceError> {
        let (mut due, mut first) = (false, false);
        let mut refused = Vec::new();
        let above = self.units_above();
        let (mut grown, mut forked, mut two_faced) = (BTreeSet::new(), Vec::new(), Vec::new());
        if let Some(entry) = self.links.sessions.get_mut(&link) {
            while let Some(output) = entry.session.poll() {
                match output {
                    Output::Frame(frame) => entry.out.push_back(LinkOutput::Frame(frame)),
                    Output::Close(reason) => entry.out.push_back(LinkOutput::Close(reason)),
                    Output::Event(event) => match event {
                        SessionEvent::Received { space, .. } => {
                            entry.fresh = true;
                            grown.insert(space);
                        }
                        SessionEvent::CaughtUp => {
                            first |= !entry.caught_up;
                            entry.caught_up = true;
                            entry.fresh = true;
                            // An exchange that ends is complete once nothing follows from it.
                            if entry.turns.is_none() {
                                entry.out.push_back(LinkOutput::CaughtUp);
                            }
                        }
                        SessionEvent::Refused {
                            space, id, reason, ..
                        } => refused.push((space, id, reason)),
                        SessionEvent::Status { space, status } => {
                            self.events.push_back(Event::Sync { space, status });
                        }
                        // Letters are put in without looking inside.
                        SessionEvent::PeerRefusedSpace { space, .. } if space.kind == SpaceKind::Inbox => {}
                        // This relay serves the branch and not the body above it; another one may.
                        SessionEvent::PeerRefusedSpace { space, .. } if above.contains(&space.unit) => {}
                        SessionEvent::PeerRefusedSpace { space, reason, .. } => {
                            self.events.push_back(Event::Denied { space, reason });
                        }
                        SessionEvent::Rejected {
                            space,
                            proof: Some(proof),
                            ..
                        } if space.kind == SpaceKind::Inbox => forked.push((space, proof)),
                        SessionEvent::TwoHistories { space, relay } => {
                            tracing::warn!("a relay has signed two histories of a space");
                            self.events.push_back(Event::TwoHistories { space, relay });
                        }
                        SessionEvent::Forked { space, device } => {
                            entry.fresh = true;
                            two_faced.push((space, device));
                        }
                        SessionEvent::Hello { .. }
                        | SessionEvent::Opened { .. }
                        | SessionEvent::Acked { .. }
                        | SessionEvent::Rejected { .. } => {}
                        // A visitor that does not stay says nothing but goodbye when everything is exchanged.
                        SessionEvent::Closed(_) => entry.caught_up = true,
                    },
                }
            }
            if entry.caught_up && entry.fresh {
                entry.fresh = false;
                due = true;
            }
        }
        let mut again = false;
        for (space, envelope, reason) in refused {
            // That two phones drew one slot is nobody's to look at: the letter goes by another.
            if space.kind == SpaceKind::Inbox && self.feedback_refused(envelope, reason)? {
                again = true;
            } else {
                self.events.push_back(Event::Refused { envelope, reason });
            }
        }
        if again {
            self.send_feedback()?;
        }
        for (space, device) in two_faced {
            self.note_fork(space, device);
        }
        for (space, letter) in forked {
            self.read_forked_letter(&space, &letter)?;
        }
        for space in &grown {
            self.offer(space, Some(link))?;
        }
        if due {
            self.absorb()?;
            self.hand_keys()?;
            self.acknowledge(self.links.now)?;
        }
        // Once in a session, so that typing on other phones does not make a page of every letter.
        if first {
            self.show_guests()?;
        }
        self.end_turn(link)
    }

    /// An exchange that is complete goes on with what follows from it, and ends when nothing does.
    fn end_turn(&mut self, link: LinkId) -> Result<(), DeviceError> {
        let complete = |entry: &&mut Link| {
            entry.caught_up
                && entry.turns.is_some()
                && entry.session.is_settled()
                && !entry.session.is_closed()
        };
        let Some(entry) = self.links.sessions.get_mut(&link).filter(complete) else {
            return Ok(());
        };
        let turn = entry.turns.map_or(0, |turns| turns + 1);
        entry.turns = Some(turn);
        if turn <= TURNS_MAX {
            self.flush_on()?;
            let spaces = self.wanted_spaces()?;
            let opened = match self.links.sessions.get_mut(&link) {
                Some(entry) => entry.session.open_more(&mut self.replica, &spaces),
                None => Ok(()),
            };
            if self.goes_on(link) {
                return self.after(link, opened);
            }
        }
        let Some(entry) = self.links.sessions.get_mut(&link) else {
            return Ok(());
        };
        entry.out.push_back(LinkOutput::CaughtUp);
        entry.session.close(CloseCode::Done, None);
        self.after(link, Ok(()))
    }

    fn goes_on(&self, link: LinkId) -> bool {
        let session = self.links.sessions.get(&link).map(|entry| &entry.session);
        session.is_some_and(|session| session.is_closed() || !session.is_settled())
    }
}

fn sum(a: SessionStats, b: SessionStats) -> SessionStats {
    SessionStats {
        bytes_out: a.bytes_out + b.bytes_out,
        bytes_in: a.bytes_in + b.bytes_in,
        frames_out: a.frames_out + b.frames_out,
        frames_in: a.frames_in + b.frames_in,
        envelopes_out: a.envelopes_out + b.envelopes_out,
        envelopes_in: a.envelopes_in + b.envelopes_in,
        envelope_bytes_out: a.envelope_bytes_out + b.envelope_bytes_out,
        envelope_bytes_in: a.envelope_bytes_in + b.envelope_bytes_in,
        round_trips: a.round_trips + b.round_trips,
    }
}

#[cfg(test)]
mod tests {
    use super::super::quizzes::tests::{meet, meet_after};
    use super::super::tests::{NOW, branch, device};
    use super::super::{AdmitRequest, NewMember, today};
    use super::*;
    use crate::codes::Pass;

    /// Whoever scanned a ticket knows its unit after the first turn, and opens everything with the second.
    #[test]
    fn an_exchange_that_went_on_often_enough_ends_and_the_next_one_does_the_rest() {
        for (before, complete) in [(0, true), (TURNS_MAX - 1, true), (TURNS_MAX, false)] {
            let mut secretary = branch(1);
            let mut phone = device(2, "P2");
            let names = [NewMember::named("Trần Thị Hoa")];
            let ask = AdmitRequest {
                request: phone.join_request().unwrap().to_text(),
                member: secretary.add_members(&names, today(NOW), NOW).unwrap()[0],
                rank: 4,
                committee: false,
                probationary: false,
                relays: Vec::new(),
            };
            let invitation = secretary.admit(&ask, NOW).unwrap();
            let (ticket, _) = secretary.ticket(&invitation);
            phone.begin_join(&Pass::Ticket(ticket), NOW).unwrap();
            secretary.flush().unwrap();
            meet_after(before, &mut phone, &mut secretary);
            assert_eq!(phone.unit(), secretary.unit());
            let members = |device: &mut Device<_>| device.members(today(NOW)).unwrap().len();
            assert_eq!(members(&mut phone) == 2, complete, "after {before} turns");
            meet(&mut phone, &mut secretary);
            assert_eq!(members(&mut phone), 2);
        }
    }
}
