//! The library of the unit: documents, reading progress, search, answers, delivery, broadcasts, publishing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sotay_engine::study::broadcast::{Broadcast, WatchLink};
use sotay_engine::study::library::{Details, Link, Report, SectionKind};
use sotay_engine::study::speech::{SpeechProfile, prepare, speak};
use sotay_engine::{Engine, Fault, LibraryError, RecordingError, describe_recording, take_in_recording};

use crate::aloud::{OutputVoice, Reader, SpeechOutput};
use crate::call::tell;
use crate::error::{HandbookError, OrFault, guarded};
use crate::library_view::*;
use crate::study_kinds::{LinkKind, SharedMark, SpeechRegion};

/// What a document does to another one.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct DocumentLink {
    /// What.
    pub kind: LinkKind,
    /// The other document's code.
    pub code: String,
    /// Its day, where the code recurs.
    #[uniffi(default = None)]
    pub date: Option<String>,
}

/// A file to publish, and what the officer says of it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NewDocument {
    /// Where it is: .docx, PDF, HTML or plain text.
    pub path: String,
    /// Type: `HD`, `Nghị quyết`, or own words.
    pub kind: String,
    /// Code: `12-HD/BTCTW`.
    pub code: String,
    /// Who issued it.
    pub issuer: String,
    /// Day of issue.
    pub date: String,
    /// Title.
    pub title: String,
    /// What it does to others.
    #[uniffi(default)]
    pub links: Vec<DocumentLink>,
}

/// A broadcast to announce.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct NewBroadcast {
    /// When it begins, in seconds since 1970 UTC.
    pub start: i64,
    /// Minutes it lasts.
    pub minutes: u32,
    /// Its title.
    pub title: String,
    /// Where to watch.
    #[uniffi(default)]
    pub links: Vec<WatchLinkView>,
    /// A file whose name, size and hash are announced with it. The file itself travels some other way.
    #[uniffi(default = None)]
    pub recording: Option<String>,
}

/// What was understood of a published file: the officer reads it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PublishedView {
    /// The document.
    pub id: String,
    /// Sections that are articles.
    pub articles: u32,
    /// All sections.
    pub sections: u32,
    /// Paragraphs.
    pub paragraphs: u32,
    /// Characters.
    pub characters: u64,
    /// The code found in the head of the text.
    pub found_code: Option<String>,
    /// The day found there.
    pub found_date: Option<String>,
    /// What deserves a look, by name: `code_differs`, `no_headings`, …
    pub warnings: Vec<String>,
}

/// The library of an opened handbook. Cheap; holds no state of its own.
#[derive(uniffi::Object)]
pub struct Library {
    pub(crate) engine: Arc<Engine>,
}

#[uniffi::export]
impl Library {
    /// The documents, newest first.
    pub fn documents(&self) -> Result<Vec<DocumentEntry>, HandbookError> {
        tell(&self.engine, |device, _| {
            Ok::<_, LibraryError>(device.library()?.iter().map(entry).collect())
        })
    }

    /// The contents of a document.
    pub fn contents(&self, document: String) -> Result<Vec<SectionHeading>, HandbookError> {
        let id = parse_hash(&document, "document")?;
        tell(&self.engine, move |device, _| {
            let document = device.document(id)?;
            let all = 0..document.sections.len();
            Ok::<_, LibraryError>(all.map(|at| heading(&document, at)).collect())
        })
    }

    /// One section of a document, counted from 0.
    pub fn section(&self, document: String, number: u32) -> Result<SectionView, HandbookError> {
        let id = parse_hash(&document, "document")?;
        let found = tell(&self.engine, move |device, _| {
            let document = device.document(id)?;
            let at = number as usize;
            Ok::<_, LibraryError>((at < document.sections.len()).then(|| section(&document, at)))
        })?;
        found.ok_or_else(|| Fault::malformed("section").into())
    }

    /// Searches. Words with or without marks, codes, articles, raw Telex and VNI keystrokes are understood; the last word
    /// may be a beginning.
    pub fn search(&self, query: String, limit: u32) -> Result<SearchResults, HandbookError> {
        let results = tell(&self.engine, move |device, _| {
            device.search(&query, limit as usize)
        })?;
        Ok(SearchResults {
            hits: results.hits.into_iter().map(hit).collect(),
            note: results.note.map(note),
        })
    }

    /// Answers a question with sentences of the library, word for word, or honestly not at all.
    pub fn ask_question(&self, question: String) -> Result<Answers, HandbookError> {
        let answer = tell(&self.engine, move |device, _| device.ask(&question))?;
        Ok(answers(answer.answers))
    }

    /// Notes how many paragraphs of a document the holder has reached on this phone, and for how many more seconds.
    pub fn read_on(
        &self,
        document: String,
        furthest: u32,
        more_seconds: u32,
    ) -> Result<ReadingView, HandbookError> {
        let id = parse_hash(&document, "document")?;
        tell(&self.engine, move |device, _| {
            device.read_on(id, furthest, more_seconds)
        })
        .map(reading)
    }

    /// Notes that the holder is done with a document. Nobody else learns it; see `share`.
    pub fn finish_reading(&self, document: String) -> Result<ReadingView, HandbookError> {
        let id = parse_hash(&document, "document")?;
        tell(&self.engine, move |device, _| device.finish_reading(id)).map(reading)
    }

    /// Tells the unit about a document, or takes it back. Only when the member asks for it.
    pub fn share(&self, document: String, mark: SharedMark) -> Result<(), HandbookError> {
        let id = parse_hash(&document, "document")?;
        tell(&self.engine, move |device, _| device.share_reading(id, mark))
    }

    /// What the holder told of a document.
    pub fn shared(&self, document: String) -> Result<SharedMark, HandbookError> {
        let id = parse_hash(&document, "document")?;
        tell(&self.engine, move |device, _| device.shared_reading(id))
    }

    /// Figures of what members told, of every document.
    pub fn delivery(&self) -> Result<Vec<DeliveryView>, HandbookError> {
        let figures: BTreeMap<_, _> = tell(&self.engine, |device, now| device.delivery(now))?;
        let view = |(id, figures): (
            sotay_engine::study::library::Hash,
            sotay_engine::study::delivery::Figures,
        )| {
            DeliveryView {
                document: id.to_string(),
                members: number(figures.members),
                received: number(figures.delivered),
                done: figures.done.map(number),
            }
        };
        Ok(figures.into_iter().map(view).collect())
    }

    /// Who told what of a document. For officers only.
    pub fn readers(&self, document: String) -> Result<Vec<ReaderMark>, HandbookError> {
        let id = parse_hash(&document, "document")?;
        tell(&self.engine, move |device, _| {
            let told = device.readers_of(id)?;
            let names = device.names();
            let view = |(member, mark)| ReaderMark {
                name: names.member(member).map(str::to_owned),
                member: member.to_string(),
                mark,
            };
            Ok::<_, LibraryError>(told.into_iter().map(view).collect())
        })
    }

    /// A reader that speaks a document through a voice of the platform, silent until `play`. Sections are counted from 0;
    /// without a first one it begins where the holder stopped reading, without a last one it goes to the end.
    pub fn reader(
        &self,
        document: String,
        first: Option<u32>,
        last: Option<u32>,
        region: SpeechRegion,
        output: Arc<dyn SpeechOutput>,
    ) -> Result<Arc<Reader>, HandbookError> {
        let id = parse_hash(&document, "document")?;
        guarded(|| {
            let aloud = sotay_engine::Aloud::open(
                Arc::clone(&self.engine),
                id,
                first.map(|at| at as usize),
                last.map(|at| at as usize),
                SpeechProfile::new(region),
                Arc::new(OutputVoice(output)),
            );
            Ok(Arc::new(Reader(aloud.or_fault()?)))
        })
    }

    /// The broadcasts of the unit, in order of time.
    pub fn broadcasts(&self) -> Result<Vec<BroadcastView>, HandbookError> {
        let all = tell(&self.engine, |device, now| device.broadcast_lines(now / 1000))?;
        Ok(all.into_iter().map(broadcast).collect())
    }

    /// Publishes a schedule of broadcasts: it replaces what earlier ones say of the days from its first to its last entry.
    /// Officers only.
    pub fn publish_broadcasts(&self, entries: Vec<NewBroadcast>) -> Result<(), HandbookError> {
        let link = |link: WatchLinkView| WatchLink {
            label: link.label,
            url: link.url,
        };
        // A recording is read here and not by the engine's worker: it may be a gigabyte.
        let read = |path: &String| describe_recording(Path::new(path)).or_fault();
        let entries = entries.into_iter().map(|new| {
            Ok(Broadcast {
                start: new.start,
                minutes: new.minutes,
                title: new.title,
                links: new.links.into_iter().map(link).collect(),
                recording: new.recording.as_ref().map(read).transpose()?,
            })
        });
        let entries: Vec<Broadcast> = guarded(|| entries.collect::<Result<_, HandbookError>>())?;
        tell(&self.engine, move |device, now| {
            device.publish_broadcasts(entries, now)
        })
    }

    /// Copies the file of a recording from where it came to where the app keeps it, if every byte of it is the published one;
    /// gives what was announced of it. `recording` is its hash, as the broadcast names it.
    pub fn take_in_recording(
        &self,
        recording: String,
        from: String,
        to: String,
    ) -> Result<FileView, HandbookError> {
        let hash = parse_hash(&recording, "recording")?;
        let blob = tell(&self.engine, move |device, _| device.recording(hash))?;
        guarded(|| {
            let blob = blob.ok_or(RecordingError::Unknown).or_fault()?;
            take_in_recording(&blob, Path::new(&from), Path::new(&to)).or_fault()?;
            Ok(file(&blob))
        })
    }

    /// Reads a file and publishes it to everybody in the unit. Officers only; a library built for phones says
    /// `publishing_left_out`.
    pub fn publish(&self, new: NewDocument) -> Result<PublishedView, HandbookError> {
        let links = new.links.iter().map(|link| {
            Ok(Link {
                kind: link.kind,
                code: link.code.clone(),
                issuer: None,
                date: link.date.as_deref().map(parse_date).transpose()?,
            })
        });
        let details = Details {
            links: links.collect::<Result<_, HandbookError>>()?,
            date: parse_date(&new.date)?,
            kind: new.kind,
            code: new.code,
            issuer: new.issuer,
            title: new.title,
            alias: None,
            blobs: Vec::new(),
        };
        let path = PathBuf::from(new.path);
        let published = tell(&self.engine, move |device, _| device.publish_file(&path, details))?;
        Ok(published_view(published.id.to_string(), &published.report))
    }
}

fn published_view(id: String, report: &Report) -> PublishedView {
    let articles = report.sections.get(&SectionKind::Article);
    PublishedView {
        id,
        articles: number(articles.copied().unwrap_or(0)),
        sections: number(report.sections.values().sum()),
        paragraphs: number(report.paragraphs.values().sum()),
        characters: report.characters as u64,
        found_code: report.found_code.clone(),
        found_date: report.found_date.map(|date| date.to_string()),
        warnings: report.warnings.iter().map(|one| one.code().to_owned()).collect(),
    }
}

/// A sentence for a voice.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SpokenSentenceView {
    /// Which sentence; counts as in [`SectionView`].
    pub sentence: SentenceView,
    /// What is spoken, in words.
    pub spoken: String,
    /// Silence after it, in milliseconds.
    pub pause_ms: u32,
}

/// A text as it is to be spoken: numbers, dates, codes and abbreviations in words. Line by line.
#[uniffi::export]
pub fn speech_text(text: String, region: SpeechRegion) -> Result<String, HandbookError> {
    guarded(|| Ok(speak(&text, &SpeechProfile::new(region))))
}

/// A text cut into sentences with stable ids, each with what is spoken.
#[uniffi::export]
pub fn speech_sentences(
    text: String,
    region: SpeechRegion,
) -> Result<Vec<SpokenSentenceView>, HandbookError> {
    guarded(|| {
        let all = prepare(&text, &SpeechProfile::new(region)).into_iter();
        let view = all.map(|spoken| {
            let (begin, end) = utf16(&text, &spoken.sentence.range);
            SpokenSentenceView {
                sentence: SentenceView {
                    id: spoken.sentence.id.to_string(),
                    paragraph: spoken.sentence.id.paragraph,
                    begin,
                    end,
                },
                pause_ms: pause_ms(spoken.sentence.closing),
                spoken: spoken.spoken,
            }
        });
        Ok(view.collect())
    })
}
