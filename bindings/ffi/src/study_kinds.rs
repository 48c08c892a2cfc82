//! Closed lists of library, quizzes and reading aloud that cross the bridge as they are; see [`crate::kinds`].

pub use sotay_engine::study::library::LinkKind;
pub use sotay_engine::study::quiz::Rating as AnswerRating;
pub use sotay_engine::study::speech::{ReaderState, Region as SpeechRegion};
pub use sotay_engine::{AirState, SharedMark};

/// What one document does to another.
#[uniffi::remote(Enum)]
pub enum LinkKind {
    /// The other is no longer in force; this one stands in its place.
    Replaces,
    /// Parts of the other are changed by this one.
    Amends,
    /// The other is withdrawn without a successor.
    Withdraws,
}

/// What a member tells the unit of a document.
#[uniffi::remote(Enum)]
pub enum SharedMark {
    /// Nothing, or nothing any more.
    Withdrawn,
    /// That it is here.
    Received,
    /// That it is read.
    Done,
}

/// What a reader aloud does.
#[uniffi::remote(Enum)]
pub enum ReaderState {
    /// Nothing is spoken; playing goes on with the sentence that was not finished.
    Paused,
    /// A sentence is spoken.
    Speaking,
    /// Everything was spoken.
    Ended,
}

/// Whose everyday number words are spoken.
#[uniffi::remote(Enum)]
pub enum SpeechRegion {
    /// "một nghìn không trăm linh năm".
    Northern,
    /// "một ngàn không trăm lẻ năm".
    Southern,
}

/// How well a right answer was known.
#[uniffi::remote(Enum)]
pub enum AnswerRating {
    /// Not known.
    Again,
    /// Known with difficulty.
    Hard,
    /// Known.
    Good,
    /// Known without thinking.
    Easy,
}

/// Where a broadcast stands in time.
#[uniffi::remote(Enum)]
pub enum AirState {
    /// Over.
    Over,
    /// Running.
    Now,
    /// Among the next to begin.
    Next,
    /// After the next.
    Later,
}
