//! Reading aloud: a reader, and the voice that the platform lends it.

use std::sync::Arc;

use sotay_engine::study::speech::{SpeechFailed, Utterance as Said};
use sotay_engine::{Aloud, AloudError, Listening};

use crate::error::{HandbookError, OrFault, guarded};
use crate::library_view::{number, utf16};
use crate::study_kinds::ReaderState;

/// One thing to say.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Utterance {
    /// Hand it to `Reader.finished` when it was spoken.
    pub number: u64,
    /// What to say, in words.
    pub text: String,
    /// Silence after it, in milliseconds, before it counts as finished.
    pub pause_ms: u32,
}

/// The voice did not speak.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
#[uniffi::export(Debug, Display)]
pub enum SpeechRefusal {
    /// There is no Vietnamese voice, or the platform refuses.
    #[error("the voice cannot speak")]
    Refused,
}

impl From<uniffi::UnexpectedUniFFICallbackError> for SpeechRefusal {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Refused
    }
}

/// A voice: Android's TextToSpeech, AVSpeechSynthesizer, espeak-ng. Called one call after the other, under no lock, on the
/// thread that steers the reader; it may call the reader back. One that throws pauses the reader and hurts nobody else.
#[uniffi::export(rust, foreign)]
pub trait SpeechOutput: Send + Sync {
    /// Begins to speak and may return before it has finished. After the words and the pause, `Reader.finished` is called
    /// with the utterance's number.
    fn speak(&self, utterance: Utterance) -> Result<(), SpeechRefusal>;
    /// Falls silent at once. What was being spoken is not reported as finished.
    fn stop(&self) -> Result<(), SpeechRefusal>;
}

/// A voice of the app as the engine's.
pub(crate) struct OutputVoice(pub Arc<dyn SpeechOutput>);

impl sotay_engine::Voice for OutputVoice {
    fn speak(&self, said: &Said) -> Result<(), SpeechFailed> {
        let utterance = Utterance {
            number: said.number,
            text: said.text.clone(),
            pause_ms: u32::try_from(said.pause.as_millis()).unwrap_or(u32::MAX),
        };
        self.0.speak(utterance).map_err(|_| SpeechFailed)
    }

    fn stop(&self) {
        // One that cannot even fall silent has said so to its own app.
        let _ = self.0.stop();
    }
}

/// The line that is heard, for highlighting. `begin` and `end` count UTF-16 units of the section's text.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct HeardView {
    /// The section, counted from 0.
    pub section: u32,
    /// The sentence's stable name; none while the heading of the section is heard.
    pub sentence: Option<String>,
    /// Where it begins in the section's text.
    pub begin: u32,
    /// Where it ends.
    pub end: u32,
}

/// What a reader does and what is heard.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ReaderView {
    /// What it does.
    pub state: ReaderState,
    /// What is heard now or would be heard next; nothing at the end.
    pub heard: Option<HeardView>,
    /// Paragraphs of the document that were heard to their end.
    pub furthest: u32,
}

/// Reads a document aloud. Any thread may steer it. How far the holder has listened becomes reading progress at the end of
/// every section and whenever the voice rests.
#[derive(uniffi::Object)]
pub struct Reader(pub(crate) Aloud);

impl Reader {
    fn steer(
        &self,
        turn: impl FnOnce(&Aloud) -> Result<Listening, AloudError>,
    ) -> Result<ReaderView, HandbookError> {
        guarded(|| {
            let now = turn(&self.0).or_fault()?;
            let heard = now.heard.map(|heard| {
                let range = heard.sentence.as_ref().map(|(_, range)| range);
                let text = range.and_then(|_| self.0.text(heard.section));
                let (begin, end) = text
                    .zip(range)
                    .map_or((0, 0), |(text, range)| utf16(&text, range));
                HeardView {
                    section: number(heard.section),
                    sentence: heard.sentence.as_ref().map(|(id, _)| id.to_string()),
                    begin,
                    end,
                }
            });
            Ok(ReaderView {
                state: now.state,
                heard,
                furthest: number(now.furthest),
            })
        })
    }
}

#[uniffi::export]
impl Reader {
    /// What it does and what is heard.
    pub fn view(&self) -> Result<ReaderView, HandbookError> {
        self.steer(|aloud| Ok(aloud.listening()))
    }

    /// Speaks, from the sentence that stands highlighted.
    pub fn play(&self) -> Result<ReaderView, HandbookError> {
        self.steer(Aloud::play)
    }

    /// Falls silent; `play` begins the same sentence again.
    pub fn pause(&self) -> Result<ReaderView, HandbookError> {
        self.steer(Aloud::pause)
    }

    /// Goes to the next sentence, spoken or not.
    pub fn next(&self) -> Result<ReaderView, HandbookError> {
        self.steer(Aloud::next)
    }

    /// Goes to the sentence before.
    pub fn previous(&self) -> Result<ReaderView, HandbookError> {
        self.steer(Aloud::previous)
    }

    /// The voice has finished an utterance, its pause included: the next one is spoken. A report about an earlier one
    /// changes nothing.
    pub fn finished(&self, utterance: u64) -> Result<ReaderView, HandbookError> {
        self.steer(|aloud| aloud.finished(utterance))
    }
}
