//! Records of the library: documents, sections, hits, answers, figures, broadcasts.

use sotay_engine::study::answers::{NOT_FOUND, Quote};
use sotay_engine::study::library::{Blob, Date, Document, Hash, Superseded};
use sotay_engine::study::reading::Shown;
use sotay_engine::study::search::{Hit, Note};
use sotay_engine::study::speech::{PauseKind, sentences};
use sotay_engine::{AirState, BroadcastLine, LibraryEntry, Origin};

use crate::study_kinds::{LinkKind, SharedMark};

/// Who published something.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PublisherView {
    /// The unit, in hexadecimal.
    pub unit: String,
    /// How many levels above this unit; 0 is this unit itself, or one that stands no longer above it.
    pub steps: u8,
    /// Its name, as far as it is known here.
    pub name: Option<String>,
}

/// What another document did to this one: shown as a banner.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SupersededView {
    /// What was done.
    pub by: LinkKind,
    /// Code of the document that did it.
    pub code: String,
    /// Its day.
    pub date: String,
}

/// A file beside a document or a broadcast. Nothing fetches it by itself: show the size, and let the member decide.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct FileView {
    /// BLAKE3 of its bytes, in hexadecimal.
    pub hash: String,
    /// Bytes.
    pub size: u64,
    /// Media type.
    pub media_type: String,
    /// Name to show; never a path.
    pub name: String,
}

/// How far the holder has read a document: the most on any of the holder's phones. Nobody else sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct ReadingView {
    /// Paragraphs reached.
    pub furthest: u32,
    /// Paragraphs of the document.
    pub total: u32,
    /// Per cent; 100 only when every paragraph was reached.
    pub percent: u32,
    /// Seconds of reading and listening.
    pub seconds: u64,
    /// Whether the holder said that it is done.
    pub finished: bool,
}

/// A line of the library.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct DocumentEntry {
    /// Its id, in hexadecimal.
    pub id: String,
    /// Code: `12-HD/BTCTW`. Codes recur; show the day beside it.
    pub code: String,
    /// Day of issue.
    pub date: String,
    /// Type, as the publisher named it.
    pub kind: String,
    /// Who issued it.
    pub issuer: String,
    /// Title.
    pub title: String,
    /// Number of sections.
    pub sections: u32,
    /// Number of paragraphs.
    pub paragraphs: u32,
    /// Whether the whole text has arrived.
    pub complete: bool,
    /// What other documents did to it, newest first. Only amended, it is still in force.
    pub superseded: Vec<SupersededView>,
    /// Files that belong to it.
    pub files: Vec<FileView>,
    /// What the holder has read of it.
    pub reading: ReadingView,
    /// The unit that published it: this one, or one above.
    pub publisher: PublisherView,
}

/// A line of the contents of a document.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SectionHeading {
    /// The section, counted from 0.
    pub number: u32,
    /// Depth in the tree, 0 at the top.
    pub level: u8,
    /// How it is cited: `Điều 5`.
    pub label: String,
    /// Its heading; may be empty.
    pub heading: String,
    /// Its first paragraph, counted from 0 through the whole document.
    pub first_paragraph: u32,
    /// Its paragraphs.
    pub paragraphs: u32,
}

/// A sentence of a section. `begin` and `end` count UTF-16 units of the section's text, as Java strings and `NSString` do;
/// in Vietnamese text they are characters, too.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SentenceView {
    /// Stable name; changes when the wording does.
    pub id: String,
    /// Its paragraph in the section, counted from 0.
    pub paragraph: u32,
    /// Where it begins.
    pub begin: u32,
    /// Where it ends.
    pub end: u32,
}

/// A section to show.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SectionView {
    /// Its place and name.
    pub place: SectionHeading,
    /// The text: paragraphs, one a line.
    pub text: String,
    /// Its sentences: what is highlighted while it is read aloud.
    pub sentences: Vec<SentenceView>,
}

/// Why there is no result, or not every one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum SearchNote {
    /// The query holds no letter or digit.
    NoWords,
    /// Nothing in the library fits.
    NothingFits,
    /// The query is so long that its end was passed over.
    WordsPassedOver,
}

/// One result of a search.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SearchHit {
    /// The document.
    pub document: String,
    /// Its code.
    pub code: String,
    /// Its day.
    pub date: String,
    /// The section, counted from 0.
    pub number: u32,
    /// How the section is cited.
    pub section: String,
    /// Title of document and section.
    pub title: String,
    /// The piece of the text that fits best.
    pub snippet: String,
    /// What other documents did to it.
    pub superseded: Vec<SupersededView>,
}

/// Results, best first.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SearchResults {
    /// The results.
    pub hits: Vec<SearchHit>,
    /// What there is to say of them.
    pub note: Option<SearchNote>,
}

/// An answer: a sentence that stands word for word in the section it cites.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct QuoteView {
    /// The sentence; show it in quotation marks.
    pub quote: String,
    /// The document.
    pub document: String,
    /// Its code.
    pub code: String,
    /// Its day.
    pub date: String,
    /// The section, counted from 0.
    pub number: u32,
    /// How the section is cited.
    pub section: String,
    /// Title of document and section.
    pub title: String,
    /// What other documents did to it.
    pub superseded: Vec<SupersededView>,
}

/// Answers to a question, best first; none when nothing on this phone answers it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Answers {
    /// Three at most.
    pub quotes: Vec<QuoteView>,
    /// What to say where there is no answer: "Không tìm thấy trong các văn bản trên máy".
    pub message: Option<String>,
}

/// What members told of a document, as figures without persons.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct DeliveryView {
    /// The document.
    pub document: String,
    /// Members of today's list.
    pub members: u32,
    /// Those who told that they have it.
    pub received: u32,
    /// Those who told that they are done; none where so few told anything that it would name persons.
    pub done: Option<u32>,
}

/// What one member told of a document. For officers.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ReaderMark {
    /// Who, in hexadecimal.
    pub member: String,
    /// Name, if known here.
    pub name: Option<String>,
    /// What.
    pub mark: SharedMark,
}

/// Where to watch a broadcast.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct WatchLinkView {
    /// What to show.
    pub label: String,
    /// The address: `https` or `http`.
    pub url: String,
}

/// A broadcast of online television.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct BroadcastView {
    /// When it begins, in seconds since 1970 UTC.
    pub start: i64,
    /// Minutes it lasts.
    pub minutes: u32,
    /// Its title.
    pub title: String,
    /// Where it stands now.
    pub state: AirState,
    /// Where to watch; nothing streams by itself.
    pub links: Vec<WatchLinkView>,
    /// A recording to download, with its size.
    pub recording: Option<FileView>,
    /// The unit that announced it.
    pub publisher: PublisherView,
}

pub(crate) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn superseded(all: &[Superseded]) -> Vec<SupersededView> {
    let view = |one: &Superseded| SupersededView {
        by: one.by,
        code: one.code.clone(),
        date: one.date.to_string(),
    };
    all.iter().map(view).collect()
}

pub(crate) fn file(blob: &Blob) -> FileView {
    FileView {
        hash: blob.hash.to_string(),
        size: blob.size,
        media_type: blob.media_type.clone(),
        name: blob
            .name
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}

pub(crate) fn reading(shown: Shown) -> ReadingView {
    ReadingView {
        furthest: shown.furthest,
        total: shown.total,
        percent: shown.percent(),
        seconds: shown.seconds,
        finished: shown.finished,
    }
}

pub(crate) fn entry(entry: &LibraryEntry) -> DocumentEntry {
    let manifest = &entry.manifest;
    DocumentEntry {
        id: entry.id.to_string(),
        code: manifest.code.clone(),
        date: manifest.date.to_string(),
        kind: manifest.kind.clone(),
        issuer: manifest.issuer.clone(),
        title: manifest.title.clone(),
        sections: number(manifest.sections),
        paragraphs: number(manifest.paragraphs),
        complete: entry.complete,
        superseded: superseded(&entry.superseded),
        files: manifest.blobs.iter().map(file).collect(),
        reading: reading(entry.read),
        publisher: publisher(&entry.from),
    }
}

pub(crate) fn heading(document: &Document, section: usize) -> SectionHeading {
    let own = &document.sections[section];
    SectionHeading {
        number: number(section),
        level: own.level,
        label: document.citation(section),
        heading: own.heading.clone(),
        first_paragraph: number(document.paragraphs_of(section).start),
        paragraphs: number(own.paragraphs.len()),
    }
}

/// Bytes of a text as UTF-16 units of it.
pub(crate) fn utf16(text: &str, range: &std::ops::Range<usize>) -> (u32, u32) {
    let count = |piece: &str| number(piece.encode_utf16().count());
    let begin = count(&text[..range.start]);
    (begin, begin + count(&text[range.clone()]))
}

pub(crate) fn section(document: &Document, section: usize) -> SectionView {
    let text = document.sections[section].text();
    let view = sentences(&text).into_iter().map(|sentence| {
        let (begin, end) = utf16(&text, &sentence.range);
        SentenceView {
            id: sentence.id.to_string(),
            paragraph: sentence.id.paragraph,
            begin,
            end,
        }
    });
    let sentences = view.collect();
    SectionView {
        place: heading(document, section),
        sentences,
        text,
    }
}

pub(crate) fn note(note: Note) -> SearchNote {
    match note {
        Note::NoWords => SearchNote::NoWords,
        Note::NothingFits => SearchNote::NothingFits,
        Note::WordsPassedOver => SearchNote::WordsPassedOver,
    }
}

pub(crate) fn hit(hit: Hit) -> SearchHit {
    SearchHit {
        superseded: superseded(&hit.superseded),
        document: hit.doc,
        code: hit.code,
        date: hit.date.to_string(),
        number: hit.ordinal,
        section: hit.section,
        title: hit.title,
        snippet: hit.snippet,
    }
}

pub(crate) fn answers(quotes: Vec<Quote>) -> Answers {
    let view = |quote: Quote| QuoteView {
        superseded: superseded(&quote.superseded),
        quote: quote.quote,
        document: quote.doc,
        code: quote.code,
        date: quote.date.to_string(),
        number: quote.ordinal,
        section: quote.section,
        title: quote.title,
    };
    Answers {
        message: quotes.is_empty().then(|| NOT_FOUND.to_owned()),
        quotes: quotes.into_iter().map(view).collect(),
    }
}

pub(crate) fn publisher(from: &Origin) -> PublisherView {
    PublisherView {
        unit: from.unit.to_string(),
        steps: from.steps,
        name: from.name.clone(),
    }
}

pub(crate) fn broadcast(line: BroadcastLine) -> BroadcastView {
    let link = |link: &sotay_engine::study::broadcast::WatchLink| WatchLinkView {
        label: link.label.clone(),
        url: link.url.clone(),
    };
    let broadcast = line.broadcast;
    BroadcastView {
        start: broadcast.start,
        minutes: broadcast.minutes,
        state: line.state,
        links: broadcast.links.iter().map(link).collect(),
        recording: broadcast.recording.as_ref().map(file),
        title: broadcast.title,
        publisher: publisher(&line.from),
    }
}

pub(crate) fn pause_ms(kind: PauseKind) -> u32 {
    u32::try_from(kind.duration().as_millis()).unwrap_or(u32::MAX)
}

/// A day and an id of the library as apps pass them.
pub(crate) fn parse_date(text: &str) -> Result<Date, crate::error::HandbookError> {
    Date::parse(text).ok_or_else(|| sotay_engine::Fault::malformed("date").into())
}

pub(crate) fn parse_hash(text: &str, what: &'static str) -> Result<Hash, crate::error::HandbookError> {
    Hash::parse(text).ok_or_else(|| sotay_engine::Fault::malformed(what).into())
}
