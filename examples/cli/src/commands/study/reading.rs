//! `read` and `speak`.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use sotay_engine::LibraryEntry;
use sotay_engine::study::library::{Document, Hash};
use sotay_engine::study::reading::Shown;
use sotay_engine::study::speech::{PauseKind, Region, SpeechProfile, prepare};

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
            (Some(section), _) => paragraphs_of(&document, pick::section(&document, section)?),
            (None, Some(to)) => reached.min(to as usize)..document.paragraph_count().min(to as usize),
            (None, None) if args.done => 0..0,
            (None, None) => section_at(&document, reached)
                .map_or(0..0, |section| reached..paragraphs_of(&document, section).end),
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

/// The paragraphs of a section, counted through the whole document.
fn paragraphs_of(document: &Document, section: usize) -> std::ops::Range<usize> {
    let before: usize = document.sections[..section]
        .iter()
        .map(|s| s.paragraphs.len())
        .sum();
    before..before + document.sections[section].paragraphs.len()
}

/// The section that holds a paragraph.
fn section_at(document: &Document, paragraph: usize) -> Option<usize> {
    (0..document.sections.len()).find(|section| paragraphs_of(document, *section).contains(&paragraph))
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
                section_at(&document, entry.read.furthest as usize).unwrap_or(0)
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
        let profile = SpeechProfile::new(self.args.region);
        let mut progress = entry.read;
        for at in stretch {
            let section = &document.sections[at];
            let began = Instant::now();
            self.line(&format!("\n{}", show::section_heading(document, at)));
            for sentence in prepare(&show::section_heading(document, at), &profile) {
                self.say(&sentence.spoken, PauseKind::Paragraph)?;
            }
            let text = section.text();
            for sentence in prepare(&text, &profile) {
                // The sentence that is heard is the one that stands highlighted.
                self.line(&format!("▶ {}", &text[sentence.sentence.range.clone()]));
                self.say(&sentence.spoken, sentence.sentence.closing)?;
            }
            let furthest = u32::try_from(paragraphs_of(document, at).end).unwrap_or(u32::MAX);
            progress = self.note(entry.id, furthest, began.elapsed())?;
        }
        Ok(progress)
    }

    fn note(&self, id: Hash, furthest: u32, heard: Duration) -> Result<Shown, Failure> {
        let seconds = u32::try_from(heard.as_secs()).unwrap_or(u32::MAX);
        self.phone
            .run(move |device, _| Ok(device.read_on(id, furthest, seconds)?))
    }

    /// One sentence, then the rest after it.
    fn say(&self, spoken: &str, closing: PauseKind) -> Result<(), Failure> {
        let program = &self.args.program;
        let failed = |error: std::io::Error| {
            Failure::new(Code::NoSpeaker)
                .with("program", program.display())
                .with("reason", error)
        };
        let voice = match self.args.region {
            Region::Northern => "vi",
            Region::Southern => "vi-vn-x-south",
        };
        let mut speaker = Command::new(program)
            .args(["-v", voice, "-s", &self.args.rate.to_string(), "--stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let written = speaker
            .stdin
            .take()
            .map_or(Ok(()), |mut pipe| pipe.write_all(spoken.as_bytes()));
        let ended = speaker.wait().map_err(failed)?;
        if !ended.success() {
            return Err(Failure::new(Code::NoSpeaker)
                .with("program", program.display())
                .with("reason", ended));
        }
        written.map_err(failed)?;
        std::thread::sleep(closing.duration());
        Ok(())
    }
}
