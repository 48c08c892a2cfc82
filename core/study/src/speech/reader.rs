//! Reading a document aloud: which sentence is spoken now, what comes next, and how far the listener has come.
//!
//! The platform's voice is a [`SpeechOutput`]; a [`Reader`] gives it one sentence after the other and keeps the one that is
//! heard for highlighting. It has no clock and no thread: the voice says when it has finished ([`Reader::finished`]).

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use super::{PauseKind, SentenceId, SpeechProfile, prepare};
use crate::library::Document;

/// A voice: Android's TextToSpeech, AVSpeechSynthesizer, espeak-ng.
pub trait SpeechOutput {
    /// Begins to speak and may return before it has finished. After the words it keeps silent for the utterance's pause;
    /// then its owner calls [`Reader::finished`] with the utterance's number.
    fn speak(&mut self, utterance: &Utterance) -> Result<(), SpeechFailed>;

    /// Falls silent at once. What was being spoken is not reported as finished.
    fn stop(&mut self);
}

/// The voice cannot speak: there is none for Vietnamese, or the platform refuses. Nothing is lost; the reader stands where
/// it stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the voice cannot speak")]
pub struct SpeechFailed;

/// One thing to say.
#[derive(Clone, PartialEq, Eq)]
pub struct Utterance {
    /// Counts up; a report about another one than the last is out of date.
    pub number: u64,
    /// What to say, in words.
    pub text: String,
    /// Silence after it.
    pub pause: Duration,
}

impl std::fmt::Debug for Utterance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Utterance({}, {} bytes)", self.number, self.text.len())
    }
}

/// What is heard now, for highlighting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The section, counted from 0.
    pub section: usize,
    /// The sentence in the section's text; `None` for its heading.
    pub sentence: Option<(SentenceId, Range<usize>)>,
}

/// What a reader does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReaderState {
    /// Nothing is spoken; [`Reader::play`] goes on with the sentence that was not finished.
    Paused,
    /// A sentence is spoken.
    Speaking,
    /// Everything was spoken.
    Ended,
}

struct Line {
    heard: Heard,
    spoken: String,
    pause: Duration,
    /// Paragraphs of the document that are heard when this line was.
    reached: usize,
}

/// Reads sections of a document aloud.
pub struct Reader {
    document: Document,
    profile: SpeechProfile,
    sections: RangeInclusive<usize>,
    /// The section whose lines are prepared: a document of 300 pages is prepared as it is read.
    section: usize,
    lines: Vec<Line>,
    at: usize,
    number: u64,
    state: ReaderState,
    furthest: usize,
}

impl Reader {
    /// A reader of these sections, counted from 0; those that the document does not have are left out.
    pub fn new(document: Document, sections: RangeInclusive<usize>, profile: SpeechProfile) -> Self {
        let last = (*sections.end()).min(document.sections.len().saturating_sub(1));
        let first = *sections.start();
        let mut reader = Self {
            furthest: 0,
            sections: first..=last,
            section: first,
            lines: Vec::new(),
            at: 0,
            number: 0,
            state: ReaderState::Paused,
            document,
            profile,
        };
        reader.prepare();
        if reader.lines.is_empty() {
            reader.state = ReaderState::Ended;
        }
        reader
    }

    /// What it does.
    pub fn state(&self) -> ReaderState {
        self.state
    }

    /// What is heard now or would be heard next.
    pub fn heard(&self) -> Option<&Heard> {
        let line = self
            .lines
            .get(self.at)
            .filter(|_| self.state != ReaderState::Ended);
        line.map(|line| &line.heard)
    }

    /// Paragraphs of the document up to the last one heard to its end: what reading progress notes. 0 before the first.
    pub fn furthest(&self) -> usize {
        self.furthest
    }

    /// The document that is read.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The voice could not speak an utterance after all: the reader pauses there. Late reports change nothing.
    pub fn refused(&mut self, number: u64) {
        if self.state == ReaderState::Speaking && number == self.number {
            self.state = ReaderState::Paused;
        }
    }

    /// Speaks, from the sentence that stands highlighted.
    pub fn play(&mut self, output: &mut dyn SpeechOutput) -> Result<(), SpeechFailed> {
        if self.state == ReaderState::Paused {
            self.speak(output)?;
        }
        Ok(())
    }

    /// Falls silent; [`Reader::play`] begins the same sentence again.
    pub fn pause(&mut self, output: &mut dyn SpeechOutput) {
        if self.state == ReaderState::Speaking {
            output.stop();
            self.state = ReaderState::Paused;
        }
    }

    /// The voice has finished an utterance; the next one is spoken. Late reports about earlier ones change nothing.
    pub fn finished(&mut self, number: u64, output: &mut dyn SpeechOutput) -> Result<(), SpeechFailed> {
        if self.state != ReaderState::Speaking || number != self.number {
            return Ok(());
        }
        if let Some(line) = self.lines.get(self.at) {
            self.furthest = self.furthest.max(line.reached);
        }
        if self.step_on() {
            self.speak(output)
        } else {
            Ok(())
        }
    }

    /// Goes to the next sentence, spoken or not.
    pub fn next(&mut self, output: &mut dyn SpeechOutput) -> Result<(), SpeechFailed> {
        self.turn(output, Self::step_on)
    }

    /// Goes to the sentence before.
    pub fn previous(&mut self, output: &mut dyn SpeechOutput) -> Result<(), SpeechFailed> {
        self.turn(output, Self::step_back)
    }

    fn turn(
        &mut self,
        output: &mut dyn SpeechOutput,
        step: impl Fn(&mut Self) -> bool,
    ) -> Result<(), SpeechFailed> {
        let spoke = self.state == ReaderState::Speaking;
        self.pause(output);
        if step(self) && spoke {
            self.speak(output)
        } else {
            Ok(())
        }
    }

    fn speak(&mut self, output: &mut dyn SpeechOutput) -> Result<(), SpeechFailed> {
        // Paused until the voice has taken it: a voice that fails leaves the reader where it was.
        self.state = ReaderState::Paused;
        let Some(line) = self.lines.get(self.at) else {
            return Ok(());
        };
        self.number += 1;
        let utterance = Utterance {
            number: self.number,
            text: line.spoken.clone(),
            pause: line.pause,
        };
        output.speak(&utterance)?;
        self.state = ReaderState::Speaking;
        Ok(())
    }

    /// Whether there was a next sentence.
    fn step_on(&mut self) -> bool {
        if self.at + 1 < self.lines.len() {
            self.at += 1;
            return true;
        }
        while self.section < *self.sections.end() {
            self.section += 1;
            self.prepare();
            if !self.lines.is_empty() {
                return true;
            }
        }
        self.state = ReaderState::Ended;
        false
    }

    /// Always somewhere to go: before the first sentence stands the first sentence.
    fn step_back(&mut self) -> bool {
        if self.state == ReaderState::Ended {
            self.state = ReaderState::Paused;
        } else if self.at > 0 {
            self.at -= 1;
        } else if self.section > *self.sections.start() {
            self.section -= 1;
            self.prepare();
            self.at = self.lines.len().saturating_sub(1);
        }
        true
    }

    /// The lines of the section: its heading, then its sentences.
    fn prepare(&mut self) {
        (self.lines, self.at) = (Vec::new(), 0);
        let Some(section) = self.document.sections.get(self.section) else {
            return;
        };
        let before: usize = self.document.sections[..self.section]
            .iter()
            .map(|s| s.paragraphs.len())
            .sum();
        let heading = heading(&self.document, self.section);
        for sentence in prepare(&heading, &self.profile) {
            self.lines.push(Line {
                heard: Heard {
                    section: self.section,
                    sentence: None,
                },
                spoken: sentence.spoken,
                pause: PauseKind::Paragraph.duration(),
                reached: before,
            });
        }
        let text = section.text();
        let sentences = prepare(&text, &self.profile);
        for (at, sentence) in sentences.iter().enumerate() {
            let paragraph = sentence.sentence.id.paragraph as usize;
            let ends = sentences
                .get(at + 1)
                .is_none_or(|next| next.sentence.id.paragraph as usize > paragraph);
            self.lines.push(Line {
                heard: Heard {
                    section: self.section,
                    sentence: Some((sentence.sentence.id, sentence.sentence.range.clone())),
                },
                spoken: sentence.spoken.clone(),
                pause: sentence.sentence.closing.duration(),
                reached: match at + 1 == sentences.len() {
                    true => before + section.paragraphs.len(),
                    false => before + paragraph + usize::from(ends),
                },
            });
        }
        self.lines.retain(|line| !line.spoken.trim().is_empty());
    }
}

/// How a section is announced: its own label, then its heading.
fn heading(document: &Document, section: usize) -> String {
    let section = &document.sections[section];
    if section.heading.is_empty() {
        section.label()
    } else {
        format!("{}. {}", section.label(), section.heading)
    }
}

// Documents to read are imported here.
#[cfg(all(test, feature = "publishing"))]
mod tests {
    use super::*;
    use crate::library::{Date, Details, import};

    /// Keeps what it was given; fails when told to.
    #[derive(Default)]
    struct Voice {
        said: Vec<Utterance>,
        stops: usize,
        broken: bool,
    }

    impl SpeechOutput for Voice {
        fn speak(&mut self, utterance: &Utterance) -> Result<(), SpeechFailed> {
            if self.broken {
                return Err(SpeechFailed);
            }
            self.said.push(utterance.clone());
            Ok(())
        }

        fn stop(&mut self) {
            self.stops += 1;
        }
    }

    fn document() -> Document {
        let details = Details {
            kind: "QĐ".to_owned(),
            code: "33-QĐ/TU".to_owned(),
            issuer: "Tỉnh ủy".to_owned(),
            date: Date::new(2022, 2, 10).unwrap(),
            title: "Khung tiêu chí".to_owned(),
            alias: None,
            links: Vec::new(),
            blobs: Vec::new(),
        };
        let text = "Điều 1. Phạm vi\nChi bộ họp ngày 05/4. Có 38 đảng viên.\nBí thư chủ trì.\n\
                    Điều 2. Hiệu lực\nCó hiệu lực từ 1/7.\n";
        import(text.as_bytes(), "a.txt", details).unwrap().document
    }

    fn reader() -> (Reader, Voice) {
        (
            Reader::new(document(), 0..=9, SpeechProfile::default()),
            Voice::default(),
        )
    }

    fn last(voice: &Voice) -> u64 {
        voice.said.last().unwrap().number
    }

    #[test]
    fn sentences_are_spoken_one_after_the_other_and_the_heard_one_is_highlighted() {
        let (mut reader, mut voice) = reader();
        reader.play(&mut voice).unwrap();
        let mut highlighted = Vec::new();
        while reader.state() == ReaderState::Speaking {
            highlighted.push(reader.heard().cloned());
            let number = last(&voice);
            reader.finished(number, &mut voice).unwrap();
        }
        assert_eq!(highlighted.len(), voice.said.len());
        let texts: Vec<&str> = voice.said.iter().map(|said| said.text.as_str()).collect();
        assert!(texts.contains(&"Chi bộ họp ngày năm tháng tư."), "{texts:?}");
        assert!(texts[0].starts_with("Điều một"), "{texts:?}");
        assert!(voice.said.iter().all(|said| !said.pause.is_zero()));
        assert_eq!(reader.furthest(), document().paragraph_count());
        assert_eq!((reader.state(), reader.heard()), (ReaderState::Ended, None));
    }

    #[test]
    fn a_paragraph_counts_when_its_last_sentence_was_heard() {
        let (mut reader, mut voice) = reader();
        reader.play(&mut voice).unwrap();
        let mut furthest = Vec::new();
        for _ in 0..4 {
            let number = last(&voice);
            reader.finished(number, &mut voice).unwrap();
            furthest.push(reader.furthest());
        }
        assert_eq!(furthest.iter().copied().max(), Some(2), "{furthest:?}");
        assert!(furthest.windows(2).all(|pair| pair[0] <= pair[1]));
    }

    #[test]
    fn pausing_begins_the_same_sentence_again_and_late_reports_change_nothing() {
        let (mut reader, mut voice) = reader();
        reader.play(&mut voice).unwrap();
        let (first, heard) = (last(&voice), reader.heard().cloned());
        reader.pause(&mut voice);
        reader.finished(first, &mut voice).unwrap();
        assert_eq!((voice.stops, reader.heard().cloned()), (1, heard.clone()));
        reader.play(&mut voice).unwrap();
        reader.finished(first, &mut voice).unwrap();
        assert_eq!(reader.heard().cloned(), heard, "an old report moved the reader");
        assert_eq!(voice.said[0].text, voice.said[1].text);
    }

    #[test]
    fn one_goes_back_and_on_over_the_borders_of_sections() {
        let (mut reader, mut voice) = reader();
        let all = {
            let mut count = 0;
            while reader.state() != ReaderState::Ended {
                reader.next(&mut voice).unwrap();
                count += 1;
            }
            count
        };
        assert!(voice.said.is_empty(), "a paused reader speaks nothing");
        for _ in 0..all + 3 {
            reader.previous(&mut voice).unwrap();
        }
        assert_eq!(reader.heard().unwrap().section, 0);
        reader.play(&mut voice).unwrap();
        reader.next(&mut voice).unwrap();
        assert_eq!((voice.said.len(), voice.stops), (2, 1));
    }

    #[test]
    fn a_voice_that_fails_leaves_the_reader_where_it_was() {
        let (mut reader, mut voice) = reader();
        voice.broken = true;
        let heard = reader.heard().cloned();
        assert_eq!(reader.play(&mut voice), Err(SpeechFailed));
        assert_eq!(
            (reader.state(), reader.heard().cloned()),
            (ReaderState::Paused, heard)
        );
        voice.broken = false;
        reader.play(&mut voice).unwrap();
        assert_eq!(reader.state(), ReaderState::Speaking);
    }

    #[test]
    fn a_voice_that_refuses_later_pauses_the_reader_and_a_late_refusal_does_not() {
        let (mut reader, mut voice) = reader();
        reader.play(&mut voice).unwrap();
        let first = last(&voice);
        reader.finished(first, &mut voice).unwrap();
        reader.refused(first);
        assert_eq!(reader.state(), ReaderState::Speaking);
        let heard = reader.heard().cloned();
        reader.refused(last(&voice));
        assert_eq!(
            (reader.state(), reader.heard().cloned()),
            (ReaderState::Paused, heard)
        );
    }

    #[test]
    fn sections_that_are_not_there_are_read_as_nothing() {
        let reader = Reader::new(document(), 7..=9, SpeechProfile::default());
        assert_eq!((reader.state(), reader.heard()), (ReaderState::Ended, None));
    }
}
