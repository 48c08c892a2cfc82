//! The library and everything that is learnt from it.

mod broadcasts;
mod delivery;
mod library;
mod pick;
mod publish;
mod questions;
mod quiz;
mod reading;
mod review_file;
mod search;
mod speech;
mod taking;

pub(super) use broadcasts::run as broadcasts;
pub(super) use library::run as library;
pub(super) use quiz::{quiz, study};
pub(super) use reading::{read, speak};
pub(super) use search::{ask, search};
pub(super) use speech::run as speech;
