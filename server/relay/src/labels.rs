//! Words for reasons, in metrics and in `docs/OPERATING.md`: closed lists, so that no label comes from outside.

use sotay_net::{HandshakeError, LinkError};
use sotay_sync::{CloseCode, DenyReason, RefuseReason};

/// How a handshake ended.
pub(crate) fn handshake_label(error: HandshakeError) -> &'static str {
    match error {
        HandshakeError::Timeout => "timeout",
        HandshakeError::Version => "version",
        HandshakeError::Key => "key",
        HandshakeError::Aborted => "aborted",
    }
}

/// How a connection ended.
pub(crate) fn link_label(error: &LinkError) -> &'static str {
    match error {
        LinkError::Closed(close) => close_label(CloseCode::from_number(close.code)),
        LinkError::Fault(_) => "bad-frame",
        LinkError::Idle => "idle",
        LinkError::Dropped | LinkError::Reset | LinkError::Aborted => "lost",
        LinkError::Local | LinkError::Unsendable { .. } => "closed-here",
    }
}

/// Why a session was closed.
pub(crate) fn close_label(code: CloseCode) -> &'static str {
    match code {
        CloseCode::Done => "done",
        CloseCode::Draining => "stopping",
        CloseCode::Busy => "busy",
        CloseCode::Timeout => "timeout",
        CloseCode::Storage => "storage",
        CloseCode::Blocked => "blocked",
        CloseCode::Fault(_) => "fault",
        CloseCode::Unknown(_) => "unknown",
    }
}

/// Why an envelope was not stored.
pub(crate) fn refuse_label(reason: RefuseReason) -> &'static str {
    match reason {
        RefuseReason::Malformed => "malformed",
        RefuseReason::TooLarge => "too-large",
        RefuseReason::Version => "version",
        RefuseReason::Space => "other-space",
        RefuseReason::Signature => "signature",
        RefuseReason::Record => "record",
        RefuseReason::Gap { .. } => "gap",
        RefuseReason::Fork { .. } => "fork",
        RefuseReason::TooManyFeeds => "too-many-feeds",
        RefuseReason::Quota { .. } => "quota",
        RefuseReason::Cover { .. } => "cover",
        RefuseReason::Denied(reason) => deny_label(reason),
        RefuseReason::Unknown(_) => "unknown",
    }
}

/// Why a space is not served.
pub(crate) fn deny_label(reason: DenyReason) -> &'static str {
    match reason {
        DenyReason::NotServed => "not-served",
        DenyReason::UnknownUnit => "unknown-unit",
        DenyReason::UnknownDevice => "unknown-device",
        DenyReason::Revoked => "revoked",
        DenyReason::Suspended => "suspended",
        DenyReason::Forked => "forked",
        DenyReason::Rank => "rank",
        DenyReason::NotMember => "not-member",
        DenyReason::WrongSpace => "wrong-space",
        DenyReason::BeyondCutOff => "beyond-cut-off",
        DenyReason::NotGranted => "not-granted",
        DenyReason::WrongKind => "wrong-kind",
        DenyReason::Probationary => "probationary",
        DenyReason::Unknown(_) => "unknown",
    }
}
