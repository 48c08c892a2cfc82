//! `tasks`, `fees`, `rating`, `resolution`, `report`, `directives`: the documents of a year; `home` and `undo`.

mod directives;
mod fees;
mod home;
mod rating;
mod report;
mod resolution;
mod tasks;
mod undo;

pub(super) use directives::run as directives;
pub(super) use fees::run as fees;
pub(super) use home::run as home;
pub(super) use rating::run as rating;
pub(super) use report::run as report;
pub(super) use resolution::run as resolution;
pub(super) use tasks::run as tasks;
pub(super) use undo::run as undo;

use sotay_engine::handbook::Month;
use sotay_engine::today;

use crate::failure::Failure;
use crate::pick;

/// The month that was typed, or this one.
fn month(typed: Option<&str>, now: i64) -> Result<Month, Failure> {
    typed.map_or_else(|| Ok(today(now).month()), pick::month)
}
