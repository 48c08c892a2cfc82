//! One conversation between two replicas, as a state machine (P9): frames, ticks and local changes in; frames and
//! events out. It owns no socket and reads no clock.
//!
//! The driver's loop: feed one input, then [`Session::poll`] until it gives `None`; come back at
//! [`Session::deadline`]. What `poll` gives was durable before it was queued.

mod accept;
mod connect;
mod incoming;
mod link;
mod opened;
mod proofs;
mod served;
mod shared;
mod witness;

use std::sync::Arc;

use sotay_feed::{DeviceId, EnvelopeId, Frontier, SignKey, Space};
use sotay_store::{Store, StoreError};

use crate::fault::{CloseCode, DenyReason, PeerFault, RefuseReason};
use crate::limits::STORE_RETRY_SECONDS;
use crate::message::{DenyScope, Message, Role};
use crate::replica::Replica;
use crate::status::SyncStatus;

use accept::Acceptor;
use connect::Connector;
use link::Link;
pub use shared::{SharedFrame, SharedItems};

/// What a connecting side says of a space for which it has no token (P9.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FirstContact {
    /// All it holds: one round trip. Right for a relay, which usually holds more.
    #[default]
    Frontier,
    /// A digest: next to nothing when both hold the same, one more round trip when not. Right for another phone.
    Digest,
}

/// How a session is set up.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// What this end is.
    pub role: Role,
    /// The other end's key, as its carrier proved.
    pub peer: SignKey,
    /// The connecting side: what to open, in sync order, own units first. Rolls are moved to the front.
    pub spaces: Vec<Space>,
    /// The connecting side: stay subscribed once everything is exchanged, instead of closing.
    pub live: bool,
    /// The connecting side: what to say when there is no token.
    pub first: FirstContact,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseReason {
    /// The code.
    pub code: CloseCode,
    /// Seconds after which to come back, if known.
    pub retry_after: Option<u32>,
}

/// What happened, in the order in which it became durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    /// The other end said what it is.
    Hello {
        /// Its role.
        role: Role,
        /// Its clock, milliseconds since 1970.
        now: i64,
    },
    /// Accepting side: a space was opened, or one that was denied is served from now on. Ask for
    /// [`Session::subscriptions`] anew.
    Opened {
        /// The space.
        space: Space,
    },
    /// Envelopes were stored.
    Received {
        /// Their space.
        space: Space,
        /// How many.
        count: usize,
        /// Their bytes.
        bytes: u64,
        /// Arrival number before the first of them: what [`SharedItems::since`] wants.
        after: u64,
    },
    /// The other side holds more than before. Connecting side only.
    Acked {
        /// The space.
        space: Space,
        /// All the other side is known to hold.
        frontier: Frontier,
    },
    /// The other side did not store one of ours.
    Refused {
        /// Its space.
        space: Space,
        /// Its author; zero when the other side could not read it.
        device: DeviceId,
        /// Its number; 0 when the other side could not read it.
        seq: u64,
        /// Its id.
        id: EnvelopeId,
        /// Why.
        reason: RefuseReason,
    },
    /// We did not store one of theirs.
    Rejected {
        /// Its space.
        space: Space,
        /// Its author; zero when it could not be read.
        device: DeviceId,
        /// Its number; 0 when it could not be read.
        seq: u64,
        /// Its id.
        id: EnvelopeId,
        /// Why.
        reason: RefuseReason,
        /// The envelope itself, verified, where it proves a fork.
        proof: Option<Arc<[u8]>>,
    },
    /// The other side does not serve a space, or only takes what we push.
    PeerRefusedSpace {
        /// The space.
        space: Space,
        /// How much is denied.
        scope: DenyScope,
        /// Why.
        reason: DenyReason,
    },
    /// The status of a space towards the other side changed. Connecting side only.
    Status {
        /// The space.
        space: Space,
        /// The new status.
        status: SyncStatus,
    },
    /// A relay, this one or one that another phone follows, has signed two histories of a space. The proof is kept, see
    /// [`crate::two_histories`]; told once.
    TwoHistories {
        /// The space.
        space: Space,
        /// The relay.
        relay: SignKey,
    },
    /// A device wrote two histories of a space, which was not known here before: an envelope or a proof that came shows it. The
    /// proof is kept and handed on.
    Forked {
        /// The space.
        space: Space,
        /// The device.
        device: DeviceId,
    },
    /// Everything both sides had when the session began has been exchanged, acknowledged and written down.
    CaughtUp,
    /// The other side closed.
    Closed(CloseReason),
}

/// What a session wants done, in order.
#[derive(Debug, Clone)]
pub enum Output {
    /// Send this frame.
    Frame(Arc<[u8]>),
    /// Tell whoever is interested.
    Event(SessionEvent),
    /// Close the carrier; nothing follows.
    Close(CloseReason),
}

/// What a session has moved. Frame bytes include the four bytes of length that every carrier puts before a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SessionStats {
    /// Bytes of frames queued for sending.
    pub bytes_out: u64,
    /// Bytes of frames taken in.
    pub bytes_in: u64,
    /// Frames sent.
    pub frames_out: u64,
    /// Frames taken in.
    pub frames_in: u64,
    /// Envelopes sent.
    pub envelopes_out: u64,
    /// Envelopes taken in.
    pub envelopes_in: u64,
    /// Bytes of the envelopes sent, part of `bytes_out`.
    pub envelope_bytes_out: u64,
    /// Bytes of the envelopes taken in, part of `bytes_in`.
    pub envelope_bytes_in: u64,
    /// Connecting side: the longest chain of requests that had to wait for the answer to the one before it.
    pub round_trips: u32,
}

/// Why an input could not be dealt with. The session is over; poll it for what is still to be sent.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The other side broke the protocol.
    #[error("the peer misbehaved: {0}")]
    Peer(#[from] PeerFault),
    /// Our storage failed. Nothing of this input was acknowledged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// More than [`sotay_feed::limits::SPACES_PER_SESSION_MAX`] spaces in the configuration. Our own mistake.
    #[error("{0} spaces are too many for one session")]
    TooManySpaces(usize),
}

/// One end of a conversation.
#[derive(Debug)]
pub struct Session {
    link: Link,
    side: Side,
}

#[derive(Debug)]
enum Side {
    Connect(Connector),
    Accept(Acceptor),
}

impl Session {
    /// The end that opens spaces.
    pub fn connect(config: SessionConfig) -> Self {
        let link = Link::new(config.role);
        Self {
            side: Side::Connect(Connector::new(config)),
            link,
        }
    }

    /// The end that serves them: a relay, or a phone that others found.
    pub fn accept(config: SessionConfig) -> Self {
        Self {
            link: Link::new(config.role),
            side: Side::Accept(Acceptor::new(&config)),
        }
    }

    /// Begins: the connecting side's first flight is ready afterwards.
    pub fn start<S: Store>(&mut self, replica: &mut Replica<S>, now: i64) -> Result<(), SessionError> {
        self.link.begin(now);
        let result = match &mut self.side {
            Side::Connect(side) => side.start(&mut self.link, replica, now),
            Side::Accept(_) => Ok(()),
        };
        self.end_on_error(result)
    }

    /// Takes one frame. On a closed session it does nothing.
    pub fn on_frame<S: Store>(
        &mut self,
        replica: &mut Replica<S>,
        frame: &[u8],
        now: i64,
    ) -> Result<(), SessionError> {
        if self.link.closed() {
            return Ok(());
        }
        let result = self.take(replica, frame, now);
        self.end_on_error(result)
    }

    fn take<S: Store>(
        &mut self,
        replica: &mut Replica<S>,
        frame: &[u8],
        now: i64,
    ) -> Result<(), SessionError> {
        self.link.heard(frame, now);
        let message = Message::decode(frame)?;
        self.link.check_order(&message)?;
        match message {
            Message::Hello(hello) => {
                self.link.greeted(hello);
                if let Side::Accept(_) = self.side {
                    self.link.say_hello(now);
                }
                Ok(())
            }
            Message::Close(close) => {
                self.link.peer_closed(close);
                Ok(())
            }
            Message::Skipped(_) => Ok(()),
            message => match &mut self.side {
                Side::Connect(side) => side.on_message(&mut self.link, replica, message, frame.len(), now),
                Side::Accept(side) => side.on_message(&mut self.link, replica, message, frame.len(), now),
            },
        }
    }

    /// Looks at the deadline.
    pub fn on_tick<S: Store>(&mut self, replica: &mut Replica<S>, now: i64) -> Result<(), SessionError> {
        if self.deadline().is_none_or(|(at, _)| now < at) {
            return Ok(());
        }
        let result = match &mut self.side {
            Side::Connect(side) => side.timed_out(&mut self.link, replica),
            Side::Accept(_) => Ok(()),
        };
        self.link.close(CloseCode::Timeout, None);
        self.end_on_error(result)
    }

    /// When to call [`Session::on_tick`], milliseconds since 1970, and what is being waited for.
    pub fn deadline(&self) -> Option<(i64, &'static str)> {
        let waiting = match &self.side {
            Side::Connect(side) => side.waiting(),
            Side::Accept(_) => false,
        };
        self.link.deadline(waiting)
    }

    /// Envelopes were stored that did not come through this session. `shared` is encoded once for all sessions; this
    /// one sends its frames as they are whenever it has sent everything before them and none of it came from here.
    pub fn on_stored<S: Store>(
        &mut self,
        replica: &mut Replica<S>,
        shared: &SharedItems,
    ) -> Result<(), SessionError> {
        if self.link.closed() {
            return Ok(());
        }
        let result = match &mut self.side {
            Side::Connect(side) => side.on_local(&mut self.link, replica, shared.space()),
            Side::Accept(side) => side.on_stored(&mut self.link, replica, shared),
        };
        self.end_on_error(result)
    }

    /// Own envelopes were appended to a space, or others arrived by another way: offers them at once.
    pub fn on_local<S: Store>(
        &mut self,
        replica: &mut Replica<S>,
        space: &Space,
    ) -> Result<(), SessionError> {
        if self.link.closed() {
            return Ok(());
        }
        let result = match &mut self.side {
            Side::Connect(side) => side.on_local(&mut self.link, replica, space),
            Side::Accept(side) => side.on_local(&mut self.link, replica, space),
        };
        self.end_on_error(result)
    }

    /// The connecting side: a session that does not stay live waits, once everything is exchanged, until whoever drives it
    /// closes it, so that what follows from what came still goes.
    pub fn hold(&mut self) {
        if let Side::Connect(side) = &mut self.side {
            side.hold();
        }
    }

    /// The connecting side: opens those of these spaces that are not open, as many as a session has room for.
    pub fn open_more<S: Store>(
        &mut self,
        replica: &mut Replica<S>,
        spaces: &[Space],
    ) -> Result<(), SessionError> {
        if self.link.closed() {
            return Ok(());
        }
        let result = match &mut self.side {
            Side::Connect(side) => side.open_more(&mut self.link, replica, spaces),
            Side::Accept(_) => Ok(()),
        };
        self.end_on_error(result)
    }

    /// The connecting side: whether both ends have, of everything that is open, all that they are going to have.
    pub fn is_settled(&self) -> bool {
        match &self.side {
            Side::Connect(side) => side.is_settled(&self.link),
            Side::Accept(_) => false,
        }
    }

    /// Ends the session from this side: draining, blocked, busy.
    pub fn close(&mut self, code: CloseCode, retry_after: Option<u32>) {
        self.link.close(code, retry_after);
    }

    /// What was stored on behalf of this session was lost before it was durable: drops everything that is queued, and
    /// closes so that the other side comes back and offers it again. See [`crate::Group`].
    pub fn abandon(&mut self) {
        self.link.forget_queued();
        self.link.close(CloseCode::Storage, Some(STORE_RETRY_SECONDS));
    }

    /// Whether nothing further will be queued.
    pub fn is_closed(&self) -> bool {
        self.link.closed()
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.link.poll()
    }

    /// What was moved so far.
    pub fn stats(&self) -> SessionStats {
        self.link.stats()
    }

    /// Accepting side: the open spaces whose envelopes this session wants, rolls of their units included.
    pub fn subscriptions(&self) -> Vec<Space> {
        match &self.side {
            Side::Connect(_) => Vec::new(),
            Side::Accept(side) => side.subscriptions(),
        }
    }

    /// Accepting side: how a space stands with the device at the other end, as far as it said. `Unknown` on the
    /// connecting side, for a space that is not open, and where the device may not read.
    pub fn peer_status<S: Store>(
        &self,
        replica: &Replica<S>,
        space: &Space,
    ) -> Result<SyncStatus, StoreError> {
        match &self.side {
            Side::Connect(_) => Ok(SyncStatus::Unknown),
            Side::Accept(side) => side.peer_status(&self.link, replica, space),
        }
    }

    fn end_on_error(&mut self, result: Result<(), SessionError>) -> Result<(), SessionError> {
        match &result {
            Ok(()) => {}
            Err(SessionError::Peer(fault)) => self.link.close(CloseCode::Fault(fault.code()), None),
            Err(SessionError::Store(_)) => self.link.close(CloseCode::Storage, Some(STORE_RETRY_SECONDS)),
            Err(SessionError::TooManySpaces(_)) => self.link.close(CloseCode::Done, None),
        }
        result
    }
}
