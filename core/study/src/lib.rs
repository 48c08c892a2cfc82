//! Study: the library of documents, reading progress, quizzes, search, answers and speech text.
//!
//! All of it works with no network. The crate reads no clock and draws no randomness: times and seeds are passed in.

pub mod answers;
pub mod broadcast;
pub mod delivery;
pub mod library;
pub mod quiz;
pub mod reading;
pub mod search;
pub mod speech;
pub mod text;

mod wire;

pub use wire::WireError;
