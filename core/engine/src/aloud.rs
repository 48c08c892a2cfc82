//! Reading aloud as an app does it: screens steer from any thread, the platform's voice reports from another.
//!
//! A [`Reader`] decides what comes next; this puts it behind a lock, calls the voice outside of it and one call after the
//! other, and notes in the reading progress how far the holder has listened.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sotay_study::library::Hash;
use sotay_study::speech::{Heard, Reader, ReaderState, SpeechFailed, SpeechOutput, SpeechProfile, Utterance};

use crate::device::LibraryError;
use crate::engine::{CallError, Engine};

/// A voice that any thread may call: Android's TextToSpeech, AVSpeechSynthesizer, espeak-ng. It may call the
/// [`Aloud`] back from within.
pub trait Voice: Send + Sync {
    /// Begins to speak and may return before it has finished. After the words it keeps silent for the utterance's pause;
    /// then [`Aloud::finished`] is called with the utterance's number.
    fn speak(&self, utterance: &Utterance) -> Result<(), SpeechFailed>;
    /// Falls silent at once. What was being spoken is not reported as finished.
    fn stop(&self);
}

/// Why reading aloud cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum AloudError {
    /// The voice refused or failed; the reader is paused at the sentence it stood at.
    #[error(transparent)]
    Voice(#[from] SpeechFailed),
    /// The document cannot be read, or progress not be noted.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The profile was closed.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// What is heard, for a screen that highlights it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    /// What the reader does.
    pub state: ReaderState,
    /// The line that is heard now, or would be heard next; nothing at the end.
    pub heard: Option<Heard>,
    /// Paragraphs of the document that were heard to their end.
    pub furthest: usize,
}

enum Act {
    Speak(Utterance),
    Stop,
}

/// What the reader wants of the voice, kept until no lock is held.
struct Wishes<'a>(&'a mut VecDeque<Act>);

impl SpeechOutput for Wishes<'_> {
    fn speak(&mut self, utterance: &Utterance) -> Result<(), SpeechFailed> {
        self.0.push_back(Act::Speak(utterance.clone()));
        Ok(())
    }

    fn stop(&mut self) {
        self.0.push_back(Act::Stop);
    }
}

struct Inside {
    reader: Reader,
    wishes: VecDeque<Act>,
    /// Somebody is calling the voice and will carry out what is wished meanwhile.
    acting: bool,
    /// When the reader was last seen speaking.
    since: Option<Instant>,
    /// Time of listening that was not noted yet.
    listened: Duration,
    /// Paragraphs and section that were noted last.
    noted: (usize, Option<usize>),
}

/// A document that is read aloud.
pub struct Aloud {
    engine: Arc<Engine>,
    document: Hash,
    voice: Arc<dyn Voice>,
    inside: Mutex<Inside>,
}

impl Aloud {
    /// A reader of the sections from `first` to `last`, counted from 0; without a first one it begins where the holder
    /// stopped reading, without a last one it goes to the end. It is silent until [`Aloud::play`].
    pub fn open(
        engine: Arc<Engine>,
        document: Hash,
        first: Option<usize>,
        last: Option<usize>,
        profile: SpeechProfile,
        voice: Arc<dyn Voice>,
    ) -> Result<Self, AloudError> {
        let (text, read) = engine.call(move |device, _| {
            let text = device.document(document)?;
            let read = device.reading_of(document)?;
            Ok::<_, LibraryError>((text, read.furthest as usize))
        })??;
        let first = first.unwrap_or_else(|| text.section_of(read).unwrap_or(0));
        let last = last.unwrap_or(text.sections.len().saturating_sub(1));
        let inside = Inside {
            reader: Reader::new(text, first..=last, profile),
            wishes: VecDeque::new(),
            acting: false,
            since: None,
            listened: Duration::ZERO,
            noted: (0, None),
        };
        Ok(Self {
            engine,
            document,
            voice,
            inside: Mutex::new(inside),
        })
    }

    /// What is heard.
    pub fn listening(&self) -> Listening {
        listening(&self.lock().reader)
    }

    /// The text of a section of the document, as the ranges of [`Heard`] count it.
    pub fn text(&self, section: usize) -> Option<String> {
        let inside = self.lock();
        Some(inside.reader.document().sections.get(section)?.text())
    }

    /// Speaks, from the sentence that stands highlighted.
    pub fn play(&self) -> Result<Listening, AloudError> {
        self.steer(|reader, voice| reader.play(voice))
    }

    /// Falls silent; [`Aloud::play`] begins the same sentence again.
    pub fn pause(&self) -> Result<Listening, AloudError> {
        self.steer(|reader, voice| {
            reader.pause(voice);
            Ok(())
        })
    }

    /// Goes to the next sentence, spoken or not.
    pub fn next(&self) -> Result<Listening, AloudError> {
        self.steer(|reader, voice| reader.next(voice))
    }

    /// Goes to the sentence before.
    pub fn previous(&self) -> Result<Listening, AloudError> {
        self.steer(|reader, voice| reader.previous(voice))
    }

    /// The voice has finished an utterance, its pause included. Late reports about earlier ones change nothing.
    pub fn finished(&self, utterance: u64) -> Result<Listening, AloudError> {
        self.steer(|reader, voice| reader.finished(utterance, voice))
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn steer(
        &self,
        turn: impl FnOnce(&mut Reader, &mut Wishes<'_>) -> Result<(), SpeechFailed>,
    ) -> Result<Listening, AloudError> {
        let mut inside = self.lock();
        let Inside { reader, wishes, .. } = &mut *inside;
        turn(reader, &mut Wishes(wishes))?;
        inside.count_time();
        if inside.acting {
            // Called by the voice itself or beside it: whoever calls the voice goes on with what was wished.
            return Ok(listening(&inside.reader));
        }
        inside.acting = true;
        let mut failed = false;
        while let Some(act) = inside.wishes.pop_front() {
            drop(inside);
            let refused = self.act(act);
            inside = self.lock();
            if let Some(number) = refused {
                inside.reader.refused(number);
                failed = true;
            }
        }
        inside.acting = false;
        inside.count_time();
        let note = inside.due_note();
        let now = listening(&inside.reader);
        drop(inside);
        if let Some((furthest, seconds)) = note {
            let document = self.document;
            self.engine
                .call(move |device, _| device.read_on(document, furthest, seconds))??;
        }
        if failed {
            return Err(SpeechFailed.into());
        }
        Ok(now)
    }

    /// The number of the utterance that the voice refused. A voice that panics has refused.
    fn act(&self, act: Act) -> Option<u64> {
        match act {
            Act::Speak(utterance) => {
                let spoken = catch_unwind(AssertUnwindSafe(|| self.voice.speak(&utterance)));
                (!matches!(spoken, Ok(Ok(())))).then_some(utterance.number)
            }
            Act::Stop => {
                let _ = catch_unwind(AssertUnwindSafe(|| self.voice.stop()));
                None
            }
        }
    }
}

impl Inside {
    fn count_time(&mut self) {
        let now = Instant::now();
        if let Some(since) = self.since.take() {
            self.listened += now - since;
        }
        self.since = (self.reader.state() == ReaderState::Speaking).then_some(now);
    }

    /// What is to be noted now: at the end of every section and whenever the voice rests, not at every paragraph, for each
    /// note is a record that travels.
    fn due_note(&mut self) -> Option<(u32, u32)> {
        let furthest = self.reader.furthest();
        let section = self.reader.heard().map(|heard| heard.section);
        let rests = self.reader.state() != ReaderState::Speaking;
        if furthest <= self.noted.0 || !(rests || section != self.noted.1) {
            self.noted.1 = self.noted.1.or(section);
            return None;
        }
        self.noted = (furthest, section);
        let seconds = self.listened.as_secs();
        self.listened -= Duration::from_secs(seconds);
        let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        Some((number(furthest as u64), number(seconds)))
    }
}

fn listening(reader: &Reader) -> Listening {
    Listening {
        state: reader.state(),
        heard: reader.heard().cloned(),
        furthest: reader.furthest(),
    }
}

#[cfg(test)]
#[path = "aloud_tests.rs"]
mod tests;
