//! `read` and `speak`.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::json;
use sotay_engine::LibraryEntry;
use sotay_engine::study::library::{Document, Hash};
use sotay_engine::study::reading::Shown;
use sotay_engine::study::speech::{Reader, Region, SpeechFailed, SpeechOutput, SpeechProfile, Utterance};

use super::pick;
use crate::args::{Read, Speak};
use crate::failure::{Code, Failure};
use crate::reply::{Reply, print_line, printable};
use crate::session::{Phone, Session};
use crate::show;

/// Sections that are shown or spoken: the first one and the last one.
type Stretch = std::ops::RangeInclusive<usize>;

pub(in crate::commands) fn read(session: &Session, args: Read) -> Result<Reply, Failure> {
    let voice = session.voice;
    session.open()?.run(move |device, _| {
        let entry = pick::document(device, &args.document)?;
        let document = device.document(entry.id)?;
        // Paragraphs to show, counted from 0 through the whole document.
        let reached = entry.read.furthest as usize;
        let shown = match (&args.section, args.to) {
            (Some(section), _) => document.paragraphs_of(pick::section(&document, section)?),
            (None, Some(to)) => reached.min(to as usize)..document.paragraph_count().min(to as usize),
            (None, None) if args.done => 0..0,
            (None, None) => document
                .section_of(reached)
                .map_or(0..0, |section| reached..document.paragraphs_of(section).end),
        };
        let mut progress = entry.read;
        if !shown.is_empty() || args.seconds > 0 {
            let furthest = u32::try_from(shown.end).unwrap_or(u32::MAX);
            progress = device.read_on(entry.id, furthest, args.seconds)?;
        }
        if args.done {
            progress = device.finish_reading(entry.id)?;
        }
        let at_end = shown.is_empty() && !args.done;
        let value = json!({
            "doc": entry.manifest.alias.clone().unwrap_or_else(|| entry.id.to_string()),
            "id": entry.id.to_string(),
            "paragraphs": show::paragraphs_json(&document, shown.clone()),
            "progress": show::progress_json(&progress),
        });
        let mut text = vec![show::document_heading(voice, &entry)];
        if !shown.is_empty() {
            text.push(show::paragraphs(&document, shown));
        }
        if at_end {
            text.push(voice.say("read.at_end", &[]));
        }
        text.push(show::progress(voice, &progress));
        Ok(Reply::new(value, text.join("\n\n")))
    })
}

pub(in crate::commands) fn speak(session: &Session, args: Speak) -> Result<Reply, Failure> {
    let voice = session.voice;
    let phone = session.open()?;
    let (name, wanted) = (args.document.clone(), args.section.clone());
    let (entry, document, stretch) = phone.run(move |device, _| {
        let entry = pick::document(device, &name)?;
        let document = device.document(entry.id)?;
        let stretch = match wanted {
            Some(section) => {
                let section = pick::section(&document, &section)?;
                section..=section
            }
            None => {
                document.section_of(entry.read.furthest as usize).unwrap_or(0)
                    ..=document.sections.len().saturating_sub(1)
            }
        };
        Ok((entry, document, stretch))
    })?;
    let player = Player {
        session,
        phone: &phone,
        args: &args,
    };
    player.line(&show::document_heading(voice, &entry));
    let progress = player.play(&entry, &document, stretch)?;
    let value = json!({ "id": entry.id.to_string(), "progress": show::progress_json(&progress) });
    Ok(Reply::new(value, show::progress(voice, &progress)))
}

struct Player<'a> {
    session: &'a Session,
    phone: &'a Phone,
    args: &'a Speak,
}

impl Player<'_> {
    fn line(&self, text: &str) {
        if !self.session.json {
            print_line(&mut std::io::stdout(), &printable(text));
        }
    }

    /// Speaks sections one after the other; what was heard is noted after each.
    fn play(&self, entry: &LibraryEntry, document: &Document, stretch: Stretch) -> Result<Shown, Failure> {
        let texts: Vec<String> = document.sections.iter().map(|section| section.text()).collect();
        let profile = SpeechProfile::new(self.args.region);
        let mut reader = Reader::new(document.clone(), stretch, profile);
        let mut voice = Speaker::new(self.args);
        let (mut progress, mut began, mut section) = (entry.read, Instant::now(), None);
        while let Some(heard) = reader.heard().cloned() {
            if section.replace(heard.section) != Some(heard.section) {
                progress = self.note(entry.id, &reader, &mut began, progress)?;
                self.line(&format!("\n{}", show::section_heading(document, heard.section)));
            }
            if let Some((_, range)) = heard.sentence {
                // The sentence that is heard is the one that stands highlighted.
                self.line(&format!("▶ {}", &texts[heard.section][range]));
            }
            let spoken = match voice.spoken {
                None => reader.play(&mut voice),
                Some(number) => reader.finished(number, &mut voice),
            };
            spoken.map_err(|_| voice.failure())?;
        }
        self.note(entry.id, &reader, &mut began, progress)
    }

    /// Notes what was heard since it was noted last.
    fn note(
        &self,
        id: Hash,
        reader: &Reader,
        began: &mut Instant,
        progress: Shown,
    ) -> Result<Shown, Failure> {
        let heard = std::mem::replace(began, Instant::now()).elapsed();
        let seconds = u32::try_from(heard.as_secs()).unwrap_or(u32::MAX);
        let furthest = u32::try_from(reader.furthest()).unwrap_or(u32::MAX);
        if furthest == 0 {
            return Ok(progress);
        }
        self.phone
            .run(move |device, _| Ok(device.read_on(id, furthest, seconds)?))
    }
}

/// A program that is called as espeak-ng is.
struct Speaker<'a> {
    args: &'a Speak,
    /// Number of the utterance spoken last.
    spoken: Option<u64>,
    reason: String,
}

impl<'a> Speaker<'a> {
    fn new(args: &'a Speak) -> Self {
        Self {
            args,
            spoken: None,
            reason: String::new(),
        }
    }

    fn failure(&self) -> Failure {
        Failure::new(Code::NoSpeaker)
            .with("program", self.args.program.display())
            .with("reason", &self.reason)
    }

    fn say(&self, text: &str) -> Result<(), String> {
        let voice = match self.args.region {
            Region::Northern => "vi",
            Region::Southern => "vi-vn-x-south",
        };
        let mut speaker = Command::new(&self.args.program)
            .args(["-v", voice, "-s", &self.args.rate.to_string(), "--stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let written = speaker
            .stdin
            .take()
            .map_or(Ok(()), |mut pipe| pipe.write_all(text.as_bytes()));
        let ended = speaker.wait().map_err(|error| error.to_string())?;
        if !ended.success() {
            return Err(ended.to_string());
        }
        written.map_err(|error| error.to_string())
    }
}

impl SpeechOutput for Speaker<'_> {
    /// The program ends when it has spoken, so this returns then.
    fn speak(&mut self, utterance: &Utterance) -> Result<(), SpeechFailed> {
        self.spoken = Some(utterance.number);
        if let Err(reason) = self.say(&utterance.text) {
            self.reason = reason;
            return Err(SpeechFailed);
        }
        std::thread::sleep(utterance.pause);
        Ok(())
    }

    /// Nothing to stop: a sentence is over when `speak` returns.
    fn stop(&mut self) {}
}
