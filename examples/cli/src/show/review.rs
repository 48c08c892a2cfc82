//! The review list.

use sotay_engine::handbook::Names;
use sotay_engine::handbook::review::{ReviewItem, ReviewList, Severity};

use crate::voice::Voice;

/// The open items, numbered, with their options, and how many were settled.
pub(crate) fn review(voice: Voice, list: &ReviewList, names: &dyn Names) -> String {
    let mut out = match (list.open().len(), list.blocking().count()) {
        (0, _) => voice.say("review.none", &[]),
        (open, blocking) => voice.say("review.heading", &[("open", &open), ("blocking", &blocking)]),
    };
    for (at, item) in list.open().iter().enumerate() {
        out.push('\n');
        out.push_str(&review_item(voice, at + 1, item, names));
    }
    if !list.settled().is_empty() {
        out.push('\n');
        out.push_str(&voice.say("review.settled_count", &[("count", &list.settled().len())]));
    }
    out
}

/// One item with its options.
fn review_item(voice: Voice, number: usize, item: &ReviewItem, names: &dyn Names) -> String {
    let weight = match item.severity {
        Severity::Block => voice.say("review.block", &[]),
        Severity::Warn => voice.say("review.warn", &[]),
        Severity::Info => voice.say("review.info", &[]),
    };
    let mut out = format!("{number}. [{weight}] {}", item.text(voice.lang, names));
    for (at, option) in item.options.iter().enumerate() {
        let label = voice.message(&option.label, names);
        out.push_str(&format!("\n   {number} {}  {label}", at + 1));
    }
    out
}
