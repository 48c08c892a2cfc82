//! A carrier in memory for two-session tests: it carries flights of frames and can be cut after any frame.

use std::collections::VecDeque;
use std::sync::Arc;

use sotay_store::Store;

use crate::replica::Replica;
use crate::session::{CloseReason, Output, Session, SessionError, SessionEvent};

/// A session together with what it put out.
#[derive(Debug)]
pub struct End {
    /// The session.
    pub session: Session,
    /// Everything it told, in order.
    pub events: Vec<SessionEvent>,
    /// How it ended.
    pub closed: Option<CloseReason>,
    /// The error that ended it.
    pub error: Option<SessionError>,
    outgoing: VecDeque<Arc<[u8]>>,
}

/// What [`carry`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Carried {
    /// Frames delivered.
    pub frames: usize,
    /// Flights: frames that were under way in one direction at the same time. Two make a round trip.
    pub flights: usize,
}

impl End {
    /// Wraps a session.
    pub fn new(session: Session) -> Self {
        Self {
            session,
            events: Vec::new(),
            closed: None,
            error: None,
            outgoing: VecDeque::new(),
        }
    }

    /// Starts the session.
    pub fn start<S: Store>(&mut self, replica: &mut Replica<S>, now: i64) {
        let result = self.session.start(replica, now);
        self.note(result);
    }

    /// Hands a frame to the session.
    pub fn deliver<S: Store>(&mut self, replica: &mut Replica<S>, frame: &[u8], now: i64) {
        let result = self.session.on_frame(replica, frame, now);
        self.note(result);
    }

    /// Notes an error and takes what the session put out.
    pub fn note(&mut self, result: Result<(), SessionError>) {
        if let Err(error) = result {
            self.error.get_or_insert(error);
        }
        while let Some(output) = self.session.poll() {
            match output {
                Output::Frame(frame) => self.outgoing.push_back(frame),
                Output::Event(event) => self.events.push(event),
                Output::Close(reason) => self.closed = Some(reason),
            }
        }
    }

    /// Frames waiting to be carried.
    pub fn take_frames(&mut self) -> Vec<Arc<[u8]>> {
        self.outgoing.drain(..).collect()
    }

    /// Whether an event of this shape was told.
    pub fn told(&self, shape: impl Fn(&SessionEvent) -> bool) -> bool {
        self.events.iter().any(shape)
    }
}

/// Carries frames to and fro, a flight at a time, until both are quiet or `frames_max` frames were delivered; what was
/// under way then is lost.
pub fn carry<A: Store, B: Store>(
    a: (&mut End, &mut Replica<A>),
    b: (&mut End, &mut Replica<B>),
    now: i64,
    frames_max: usize,
) -> Carried {
    let ((end_a, replica_a), (end_b, replica_b)) = (a, b);
    let mut carried = Carried::default();
    end_a.note(Ok(()));
    end_b.note(Ok(()));
    loop {
        let (to_b, to_a) = (end_a.take_frames(), end_b.take_frames());
        if to_b.is_empty() && to_a.is_empty() {
            return carried;
        }
        carried.flights += 1;
        for frame in to_b {
            if carried.frames == frames_max {
                return carried;
            }
            carried.frames += 1;
            end_b.deliver(replica_b, &frame, now);
        }
        for frame in to_a {
            if carried.frames == frames_max {
                return carried;
            }
            carried.frames += 1;
            end_a.deliver(replica_a, &frame, now);
        }
    }
}
