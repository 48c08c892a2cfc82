//! What both ends share: the queue of outputs, byte credit, statistics, deadlines.

use std::collections::VecDeque;
use std::sync::Arc;

use sotay_feed::{Frontier, SpaceId, SpaceTag};
use sotay_store::{Budget, Store, StoreError};

use super::{CloseReason, Output, SessionEvent, SessionStats};
use crate::fault::{CloseCode, PeerFault};
use crate::limits::{
    ANSWER_TIMEOUT_MS, CREDIT_BYTES, HELLO_TIMEOUT_MS, ITEMS_FIRST_BYTES, ITEMS_PER_FRAME_MAX,
    ITEMS_TARGET_BYTES,
};
use crate::message::{Close, Hello, Items, Message, Role, WANTS_CHECKPOINTS, WANTS_PROOFS};
use crate::token::Token;

/// Bytes that carriers put before each frame.
const FRAME_PREFIX_BYTES: u64 = 4;
/// A frame's bytes beside its envelopes, at most: heads of the envelopes, and the message itself.
const ITEMS_OVERHEAD_BYTES: u64 = 4 * 1024;

#[derive(Debug)]
pub(super) struct Link {
    role: Role,
    out: VecDeque<Output>,
    stats: SessionStats,
    greeted: bool,
    /// What the other end is, once it said so, and what it wants.
    peer: Option<(Role, u64)>,
    closed: bool,
    begun: i64,
    heard: i64,
    /// Bytes of `Items` frames sent, and of those acknowledged.
    items_sent: u64,
    items_acked: u64,
    /// Bytes of `Items` frames dealt with.
    pub(super) items_consumed: u64,
    /// Depth of the request whose answer is being dealt with.
    pub(super) depth: u32,
    /// Depth of the last `Items`.
    items_depth: u32,
}

impl Link {
    pub(super) fn new(role: Role) -> Self {
        Self {
            role,
            out: VecDeque::new(),
            stats: SessionStats::default(),
            greeted: false,
            peer: None,
            closed: false,
            begun: 0,
            heard: 0,
            items_sent: 0,
            items_acked: 0,
            items_consumed: 0,
            depth: 0,
            items_depth: 0,
        }
    }

    pub(super) fn begin(&mut self, now: i64) {
        self.begun = now;
        self.heard = now;
    }

    pub(super) fn closed(&self) -> bool {
        self.closed
    }

    pub(super) fn poll(&mut self) -> Option<Output> {
        let output = self.out.pop_front();
        if self.out.is_empty() {
            // A relay has thousands of sessions that say nothing for hours.
            self.out = VecDeque::new();
        }
        output
    }

    pub(super) fn stats(&self) -> SessionStats {
        self.stats
    }

    pub(super) fn heard(&mut self, frame: &[u8], now: i64) {
        self.heard = now;
        self.depth = 0;
        self.stats.frames_in += 1;
        self.stats.bytes_in += frame.len() as u64 + FRAME_PREFIX_BYTES;
    }

    /// `Hello` comes first and once (P9.1). A close needs no greeting: a busy relay says nothing else.
    pub(super) fn check_order(&self, message: &Message<'_>) -> Result<(), PeerFault> {
        match (message, self.greeted) {
            (Message::Hello(_), true) => Err(PeerFault::HelloTwice),
            (Message::Hello(_) | Message::Close(_), _) | (_, true) => Ok(()),
            (_, false) => Err(PeerFault::HelloMissing),
        }
    }

    pub(super) fn say_hello(&mut self, now: i64) {
        self.send(&Message::Hello(Hello {
            role: self.role,
            capabilities: WANTS_CHECKPOINTS | WANTS_PROOFS,
            now,
        }));
    }

    pub(super) fn greeted(&mut self, hello: Hello) {
        self.greeted = true;
        self.peer = Some((hello.role, hello.capabilities));
        self.event(SessionEvent::Hello {
            role: hello.role,
            now: hello.now,
        });
    }

    /// Whether the other end wants to have signed what it is told.
    pub(super) fn wants_checkpoints(&self) -> bool {
        self.wants(WANTS_CHECKPOINTS)
    }

    /// Whether the other end wants to be shown proofs of forks.
    pub(super) fn wants_proofs(&self) -> bool {
        self.wants(WANTS_PROOFS)
    }

    fn wants(&self, what: u64) -> bool {
        self.peer.is_some_and(|(_, wants)| wants & what != 0)
    }

    /// Whether two phones talk with each other, and both know what checkpoints are.
    pub(super) fn of_phones(&self) -> bool {
        let other = self.peer.map(|(role, _)| role);
        self.role == Role::Device && other == Some(Role::Device) && self.wants_checkpoints()
    }

    pub(super) fn deadline(&self, waiting: bool) -> Option<(i64, &'static str)> {
        if self.closed {
            None
        } else if !self.greeted {
            Some((self.begun.saturating_add(HELLO_TIMEOUT_MS), "hello"))
        } else if waiting || self.in_flight() > 0 {
            Some((self.heard.saturating_add(ANSWER_TIMEOUT_MS), "answer"))
        } else {
            None
        }
    }

    pub(super) fn heard_at(&self) -> i64 {
        self.heard
    }

    pub(super) fn event(&mut self, event: SessionEvent) {
        self.out.push_back(Output::Event(event));
    }

    pub(super) fn send(&mut self, message: &Message<'_>) {
        self.send_bytes(message.encode().into());
    }

    fn send_bytes(&mut self, frame: Arc<[u8]>) {
        self.stats.frames_out += 1;
        self.stats.bytes_out += frame.len() as u64 + FRAME_PREFIX_BYTES;
        self.out.push_back(Output::Frame(frame));
    }

    pub(super) fn close(&mut self, code: CloseCode, retry_after: Option<u32>) {
        if !self.closed {
            self.send(&Message::Close(Close { code, retry_after }));
            self.out
                .push_back(Output::Close(CloseReason { code, retry_after }));
            self.closed = true;
        }
    }

    /// Nothing of what is queued may leave.
    pub(super) fn forget_queued(&mut self) {
        self.out.clear();
        self.closed = false;
    }

    pub(super) fn peer_closed(&mut self, close: Close) {
        let reason = CloseReason {
            code: close.code,
            retry_after: close.retry_after,
        };
        self.event(SessionEvent::Closed(reason));
        self.out.push_back(Output::Close(reason));
        self.closed = true;
    }

    pub(super) fn took_envelopes(&mut self, envelopes: &[&[u8]]) {
        self.stats.envelopes_in += envelopes.len() as u64;
        self.stats.envelope_bytes_in += envelopes.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
    }

    /// The other side has dealt with that many bytes of `Items` frames (P9.7).
    pub(super) fn acked(&mut self, consumed: u64) -> Result<(), PeerFault> {
        if consumed < self.items_acked || consumed > self.items_sent {
            return Err(PeerFault::AckOutOfRange);
        }
        self.items_acked = consumed;
        Ok(())
    }

    /// The mark that an ack must reach to cover all that was sent so far.
    pub(super) fn mark(&self) -> u64 {
        self.items_sent
    }

    pub(super) fn covered(&self, mark: u64) -> bool {
        mark <= self.items_acked
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.items_sent - self.items_acked
    }

    fn has_credit(&self, frame_bytes: u64) -> bool {
        self.in_flight() + frame_bytes <= CREDIT_BYTES
    }

    /// How much the next `Items` frame gathers: little at first, so that a link that breaks early loses little.
    fn items_budget(&self) -> Budget {
        let sent = usize::try_from(self.items_sent).unwrap_or(usize::MAX);
        Budget {
            count: ITEMS_PER_FRAME_MAX,
            bytes: sent.clamp(ITEMS_FIRST_BYTES, ITEMS_TARGET_BYTES),
        }
    }

    fn answered(&mut self, depth: u32) {
        self.depth = depth;
        self.stats.round_trips = self.stats.round_trips.max(depth);
    }

    /// Sends a frame that was encoded once for many sessions; `false` when there is no credit for it.
    pub(super) fn send_shared(&mut self, frame: &Arc<[u8]>, envelopes: u64, envelope_bytes: u64) -> bool {
        if !self.has_credit(frame.len() as u64) {
            return false;
        }
        self.items_sent += frame.len() as u64;
        self.stats.envelopes_out += envelopes;
        self.stats.envelope_bytes_out += envelope_bytes;
        self.send_bytes(frame.clone());
        true
    }
}

/// Requests of one space that were not answered yet, in order; each with its depth: one more than that of the answer it
/// had to wait for.
#[derive(Debug, Default)]
pub(super) struct Requests {
    waiting: VecDeque<Request>,
    /// Depth of the last one that was answered.
    answered: u32,
}

#[derive(Debug)]
struct Request {
    depth: u32,
    /// [`Link::mark`] after an `Items`; `None` for an `Open`.
    mark: Option<u64>,
}

impl Requests {
    pub(super) fn opened(&mut self, link: &Link) {
        self.waiting.push_back(Request {
            depth: link.depth + 1,
            mark: None,
        });
    }

    pub(super) fn sent_items(&mut self, link: &mut Link) {
        link.items_depth = link.depth + 1;
        self.waiting.push_back(Request {
            depth: link.items_depth,
            mark: Some(link.mark()),
        });
    }

    fn open(&self) -> Option<usize> {
        self.waiting.iter().position(|request| request.mark.is_none())
    }

    /// An answer that no `Open` waits for follows from the `Items` under way, perhaps of the roll, or goes on with the
    /// last one.
    fn answer(&mut self, link: &mut Link, depth: Option<u32>) {
        let cause = if link.in_flight() > 0 {
            link.items_depth
        } else {
            self.answered
        };
        self.answered = depth.unwrap_or(cause);
        link.answered(self.answered);
    }

    /// `Open` or `Deny` came.
    pub(super) fn open_answered(&mut self, link: &mut Link) {
        let open = self.open().and_then(|at| self.waiting.remove(at));
        self.answer(link, open.map(|open| open.depth));
    }

    /// `Items` came: part of the answer to the oldest `Open`.
    pub(super) fn items_came(&mut self, link: &mut Link) {
        let open = self.open().map(|at| self.waiting[at].depth);
        self.answer(link, open.or(Some(self.answered)));
    }

    /// `Ack` came, for all `Items` that `link` has noted as acknowledged; or with a state, for an `Open`.
    pub(super) fn acked(&mut self, link: &mut Link, state: bool) {
        let mut depth = None;
        self.waiting.retain(|request| {
            let done = request.mark.is_some_and(|mark| link.covered(mark));
            if done {
                depth = depth.max(Some(request.depth));
            }
            !done
        });
        if depth.is_none() && state {
            depth = self
                .open()
                .and_then(|at| self.waiting.remove(at))
                .map(|open| open.depth);
        }
        self.answer(link, depth.or(Some(self.answered)));
    }
}

/// What has been offered of one space.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// What the other side holds or has in flight: never sent to it (P9.6).
    pub(super) theirs: Frontier,
    /// Arrivals of our own store up to here have been looked at.
    pub(super) cursor: u64,
    /// Nothing beyond this arrival is sent.
    pub(super) limit: Option<u64>,
    /// Whether the other side takes or gets anything at all.
    pub(super) open: bool,
    /// [`Link::mark`] after the last `Items` of this space.
    pub(super) mark: u64,
    /// Whether the last call to [`Outbox::pump`] reached the newest arrival.
    pub(super) at_head: bool,
    /// The last token given to or presented by the other side.
    pub(super) token: Option<Token>,
}

/// What a pump did.
pub(super) struct Pumped {
    pub(super) sent: bool,
}

impl Outbox {
    /// Starts anew with what the other side is known to hold.
    pub(super) fn reset(&mut self, theirs: Frontier, cursor: u64) {
        self.theirs = theirs;
        self.cursor = cursor;
        self.at_head = false;
        self.open = true;
    }

    /// Sends what the other side lacks, as far as the credit goes. `with_token`: this is the accepting side.
    pub(super) fn pump<S: Store>(
        &mut self,
        link: &mut Link,
        store: &S,
        id: &SpaceId,
        with_token: bool,
    ) -> Result<Pumped, StoreError> {
        let mut pumped = Pumped { sent: false };
        self.at_head = false;
        while self.open {
            let head = store.head(id)?;
            let end = self.limit.unwrap_or(head.number).min(head.number);
            if self.cursor >= end {
                self.at_head = true;
                break;
            }
            if !link.has_credit(ITEMS_TARGET_BYTES as u64 + ITEMS_OVERHEAD_BYTES) {
                break;
            }
            let mut page = store.missing(id, &self.theirs, self.cursor, link.items_budget())?;
            page.envelopes.retain(|stored| stored.arrival <= end);
            self.cursor = page.upto.max(self.cursor + 1);
            for stored in &page.envelopes {
                self.theirs.raise(stored.device, stored.seq);
            }
            if page.envelopes.is_empty() {
                continue;
            }
            let last = !page.more && with_token && self.limit.is_none();
            let token = last.then(|| Token::of(store, head));
            self.token = token.or(self.token);
            let envelopes: Vec<&[u8]> = page.envelopes.iter().map(|stored| &stored.bytes[..]).collect();
            let frame = encode_items(
                id.tag(),
                token,
                head.number.saturating_sub(self.cursor),
                &envelopes,
            );
            let bytes = envelopes.iter().map(|bytes| bytes.len() as u64).sum();
            link.send_shared(&frame, envelopes.len() as u64, bytes);
            self.mark = link.mark();
            pumped.sent = true;
        }
        Ok(pumped)
    }

    /// Forgets feeds that no future arrival can concern: an idle session costs next to nothing.
    pub(super) fn prune(&mut self, own: &Frontier) {
        self.theirs = self
            .theirs
            .iter()
            .filter(|&(device, seq)| seq > own.get(device))
            .collect();
    }
}

pub(super) fn encode_items(tag: SpaceTag, token: Option<Token>, left: u64, envelopes: &[&[u8]]) -> Arc<[u8]> {
    let items = Items {
        tag,
        token,
        left,
        envelopes: envelopes.to_vec(),
    };
    Message::Items(items).encode().into()
}
