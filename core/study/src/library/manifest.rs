//! How a document is published: one small manifest that is signed, and parts that carry its text.
//!
//! ```text
//! manifest = [version, type, code, issuer, [y, m, d], title, alias / null,
//!             [[link kind, code, issuer / null, [y, m, d] / null], …],
//!             [[blob hash, size, media type, name], …],
//!             content hash, sections, paragraphs, [[part hash, part size], …]]
//! part     = version byte ‖ zstd( [record, …] )
//! record   = [0, section kind, level, number, heading] / [1, paragraph kind, label, text]
//! content hash = BLAKE3( "sotay/v1/document-content" ‖ 0x00 ‖ every record, canonical, in order )
//! id           = BLAKE3( "sotay/v1/document-id" ‖ 0x00 ‖ [code, issuer, [y, m, d], content hash] )
//! ```
//! The manifest and every part fit into one envelope each. The manifest names the parts by hash, so its signature
//! covers the text; a reader that has no parts yet can already list the document. Golden vector: `tests/vectors`.

use super::document::*;
use crate::wire::{Reader, WireError, Writer, only_canonical};

/// Version of the manifest and of the parts.
pub const MANIFEST_VERSION: u64 = 1;
/// Largest manifest, in bytes: fits an envelope of 64 KiB with room for its header.
pub const MAX_MANIFEST_BYTES: usize = 48 * 1024;
/// Largest part as transported, in bytes.
pub const MAX_PART_BYTES: usize = 48 * 1024;
/// Largest part when unpacked, in bytes.
pub const MAX_PART_RAW_BYTES: usize = 128 * 1024;
/// Most parts of one document.
pub const MAX_PARTS: usize = 256;

/// How much text goes into one part before the next begins, in bytes.
const PART_FILL_BYTES: usize = 80 * 1024;
const ZSTD_LEVEL: i32 = 19;
const MEDIA_TYPE_CHARS: usize = 100;

/// Everything about a document but its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// See [`Document::kind`].
    pub kind: String,
    /// See [`Document::code`].
    pub code: String,
    /// See [`Document::issuer`].
    pub issuer: String,
    /// See [`Document::date`].
    pub date: Date,
    /// See [`Document::title`].
    pub title: String,
    /// See [`Document::alias`].
    pub alias: Option<String>,
    /// See [`Document::links`].
    pub links: Vec<Link>,
    /// See [`Document::blobs`].
    pub blobs: Vec<Blob>,
    /// Hash of the text with its structure.
    pub content_hash: Hash,
    /// Number of sections.
    pub sections: usize,
    /// Number of paragraphs: the total that reading progress is shown against.
    pub paragraphs: usize,
    /// The parts, in order.
    pub parts: Vec<PartRef>,
}

/// Names one part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartRef {
    /// BLAKE3 of the part as transported.
    pub hash: Hash,
    /// Its size in bytes as transported.
    pub size: u32,
}

/// A document ready to be signed and sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Published {
    /// The manifest, canonical.
    pub manifest: Vec<u8>,
    /// The parts that the manifest names, in the same order.
    pub parts: Vec<Vec<u8>>,
}

/// Why a document cannot be published. The publisher's to mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// A field is longer or a list larger than allowed.
    #[error("{0} is over its limit")]
    OverLimit(&'static str),
    /// A field that identifies the document is empty.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// The text could not be packed: our bug or an exhausted machine.
    #[error("the text could not be packed")]
    Pack,
}

/// Why a document could not be put together from its manifest and parts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssembleError {
    /// Another number of parts than the manifest names; nothing is wrong, some have not arrived.
    #[error("{found} of {wanted} parts")]
    PartsMissing {
        /// Parts given.
        found: usize,
        /// Parts named.
        wanted: usize,
    },
    /// A part is not the one the manifest names.
    #[error("part {0} has another hash")]
    WrongPart(usize),
    /// A part is malformed although its hash is right: the publisher's fault.
    #[error("part {0}: {1}")]
    Part(usize, WireError),
    /// The text is not the one the manifest promises: the publisher's fault.
    #[error("the content hash does not match")]
    WrongContent,
}

fn write_date(w: &mut Writer, date: Date) {
    w.array(3)
        .uint(date.year.into())
        .uint(date.month.into())
        .uint(date.day.into());
}

fn read_date(r: &mut Reader<'_>) -> Result<Date, WireError> {
    r.tuple(3, "date")?;
    let (y, m, d) = (r.uint(9999, "year")?, r.uint(12, "month")?, r.uint(31, "day")?);
    Date::new(y as u16, m as u8, d as u8).ok_or(WireError::Malformed("date"))
}

fn section_record(section: &Section) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(5)
        .uint(0)
        .uint(section.kind.number().into())
        .uint(section.level.into());
    w.text(&section.number).text(&section.heading);
    w.finish()
}

fn paragraph_record(paragraph: &Paragraph) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(4)
        .uint(1)
        .uint(paragraph.kind.number().into())
        .text(&paragraph.label)
        .text(&paragraph.text);
    w.finish()
}

fn records(sections: &[Section]) -> impl Iterator<Item = Vec<u8>> + '_ {
    sections.iter().flat_map(|section| {
        std::iter::once(section_record(section)).chain(section.paragraphs.iter().map(paragraph_record))
    })
}

pub(super) fn content_hash(sections: &[Section]) -> Hash {
    let all: Vec<u8> = records(sections).flatten().collect();
    Hash::of("sotay/v1/document-content", &all)
}

pub(super) fn document_id(code: &str, issuer: &str, date: Date, content: Hash) -> Hash {
    let mut w = Writer::new();
    w.array(4).text(code).text(issuer);
    write_date(&mut w, date);
    w.bytes(&content.0);
    Hash::of("sotay/v1/document-id", &w.finish())
}

/// What [`PartRef::hash`] is of: the part as transported.
pub fn part_hash(bytes: &[u8]) -> Hash {
    Hash::of("sotay/v1/document-part", bytes)
}

/// Packs a document. The same document gives the same manifest and parts with the same version of zstd; readers never
/// depend on that.
pub fn publish(document: &Document) -> Result<Published, PublishError> {
    check(document)?;
    let mut parts = Vec::new();
    let mut open: Vec<Vec<u8>> = Vec::new();
    let mut filled = 0;
    for record in records(&document.sections) {
        if filled + record.len() > PART_FILL_BYTES {
            pack(&std::mem::take(&mut open), &mut parts)?;
            filled = 0;
        }
        filled += record.len();
        open.push(record);
    }
    pack(&open, &mut parts)?;
    if parts.len() > MAX_PARTS {
        return Err(PublishError::OverLimit("parts"));
    }
    let manifest = Manifest {
        kind: document.kind.clone(),
        code: document.code.clone(),
        issuer: document.issuer.clone(),
        date: document.date,
        title: document.title.clone(),
        alias: document.alias.clone(),
        links: document.links.clone(),
        blobs: document.blobs.clone(),
        content_hash: document.content_hash(),
        sections: document.sections.len(),
        paragraphs: document.paragraph_count(),
        parts: parts
            .iter()
            .map(|p| PartRef {
                hash: part_hash(p),
                size: p.len() as u32,
            })
            .collect(),
    };
    let bytes = manifest.encode();
    if bytes.len() > MAX_MANIFEST_BYTES {
        return Err(PublishError::OverLimit("manifest"));
    }
    Ok(Published {
        manifest: bytes,
        parts,
    })
}

/// Text that hardly compresses is split until it fits.
fn pack(records: &[Vec<u8>], parts: &mut Vec<Vec<u8>>) -> Result<(), PublishError> {
    if records.is_empty() {
        return Ok(());
    }
    let mut head = Writer::new();
    head.array(records.len());
    let mut raw = head.finish();
    records.iter().for_each(|record| raw.extend_from_slice(record));
    let packed = zstd::bulk::compress(&raw, ZSTD_LEVEL).map_err(|_| PublishError::Pack)?;
    if packed.len() >= MAX_PART_BYTES && records.len() > 1 {
        let (a, b) = records.split_at(records.len() / 2);
        pack(a, parts)?;
        return pack(b, parts);
    }
    parts.push([&[MANIFEST_VERSION as u8], packed.as_slice()].concat());
    Ok(())
}

fn check(d: &Document) -> Result<(), PublishError> {
    let long = |text: &str, max: usize| text.chars().count() > max;
    for (text, what) in [
        (&d.kind, "type"),
        (&d.code, "code"),
        (&d.issuer, "issuer"),
        (&d.title, "title"),
    ] {
        if text.trim().is_empty() {
            return Err(PublishError::Empty(what));
        }
    }
    let heading = |s: &Section| long(&s.heading, MAX_TITLE_CHARS) || long(&s.number, MAX_NAME_CHARS);
    let paragraph = |p: &Paragraph| p.text.len() > MAX_PARAGRAPH_BYTES || long(&p.label, MAX_NAME_CHARS);
    let text_bytes: usize = d
        .sections
        .iter()
        .flat_map(|s| &s.paragraphs)
        .map(|p| p.text.len())
        .sum();
    let over = [
        (
            "code",
            long(&d.code, MAX_CODE_CHARS) || d.links.iter().any(|l| long(&l.code, MAX_CODE_CHARS)),
        ),
        ("type", long(&d.kind, MAX_NAME_CHARS)),
        ("issuer", long(&d.issuer, MAX_NAME_CHARS)),
        (
            "issuer",
            d.links
                .iter()
                .any(|l| l.issuer.as_deref().is_some_and(|i| long(i, MAX_NAME_CHARS))),
        ),
        ("title", long(&d.title, MAX_TITLE_CHARS)),
        (
            "alias",
            d.alias.as_deref().is_some_and(|a| long(a, MAX_CODE_CHARS)),
        ),
        ("links", d.links.len() > MAX_LINKS),
        ("blobs", d.blobs.len() > MAX_BLOBS),
        ("blob name", d.blobs.iter().any(|b| long(&b.name, MAX_NAME_CHARS))),
        (
            "media type",
            d.blobs.iter().any(|b| long(&b.media_type, MEDIA_TYPE_CHARS)),
        ),
        ("sections", d.sections.len() > MAX_SECTIONS),
        ("heading", d.sections.iter().any(heading)),
        ("paragraphs", d.paragraph_count() > MAX_PARAGRAPHS),
        (
            "paragraph",
            d.sections.iter().flat_map(|s| &s.paragraphs).any(paragraph),
        ),
        ("text", text_bytes > MAX_TEXT_BYTES),
    ];
    match over.iter().find(|(_, over)| *over) {
        Some((what, _)) => Err(PublishError::OverLimit(what)),
        None => Ok(()),
    }
}

impl Manifest {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(13)
            .uint(MANIFEST_VERSION)
            .text(&self.kind)
            .text(&self.code)
            .text(&self.issuer);
        write_date(&mut w, self.date);
        w.text(&self.title)
            .optional_text(self.alias.as_deref())
            .array(self.links.len());
        for link in &self.links {
            w.array(4)
                .uint(link.kind.number().into())
                .text(&link.code)
                .optional_text(link.issuer.as_deref());
            match link.date {
                Some(date) => write_date(&mut w, date),
                None => {
                    w.null();
                }
            }
        }
        w.array(self.blobs.len());
        for blob in &self.blobs {
            w.array(4)
                .bytes(&blob.hash.0)
                .uint(blob.size)
                .text(&blob.media_type)
                .text(&blob.name);
        }
        w.bytes(&self.content_hash.0)
            .uint(self.sections as u64)
            .uint(self.paragraphs as u64);
        w.array(self.parts.len());
        for part in &self.parts {
            w.array(2).bytes(&part.hash.0).uint(part.size.into());
        }
        w.finish()
    }

    /// Reads canonical bytes; every other spelling of the same value is refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut r = Reader::new(bytes, MAX_MANIFEST_BYTES)?;
        r.tuple(13, "manifest")?;
        r.version(MANIFEST_VERSION)?;
        let kind = r.text(MAX_NAME_CHARS, "type")?;
        let code = r.text(MAX_CODE_CHARS, "code")?;
        let issuer = r.text(MAX_NAME_CHARS, "issuer")?;
        let date = read_date(&mut r)?;
        let title = r.text(MAX_TITLE_CHARS, "title")?;
        let alias = r.optional_text(MAX_CODE_CHARS, "alias")?;
        let links = (0..r.array(MAX_LINKS, "links")?)
            .map(|_| read_link(&mut r))
            .collect::<Result<_, _>>()?;
        let blobs = (0..r.array(MAX_BLOBS, "blobs")?)
            .map(|_| read_blob(&mut r))
            .collect::<Result<_, _>>()?;
        let content_hash = Hash(r.hash("content hash")?);
        let sections = r.uint(MAX_SECTIONS as u64, "sections")? as usize;
        let paragraphs = r.uint(MAX_PARAGRAPHS as u64, "paragraphs")? as usize;
        let mut parts = Vec::new();
        for _ in 0..r.array(MAX_PARTS, "parts")? {
            r.tuple(2, "part")?;
            let hash = Hash(r.hash("part hash")?);
            parts.push(PartRef {
                hash,
                size: r.uint(MAX_PART_BYTES as u64, "part size")? as u32,
            });
        }
        let read = Self {
            kind,
            code,
            issuer,
            date,
            title,
            alias,
            links,
            blobs,
            content_hash,
            sections,
            paragraphs,
            parts,
        };
        only_canonical(bytes, &read.encode())?;
        Ok(read)
    }

    /// The identity of the document: code, issuer, date and content hash.
    pub fn id(&self) -> Hash {
        document_id(&self.code, &self.issuer, self.date, self.content_hash)
    }

    /// Puts the document together. `parts` in the order of [`Manifest::parts`].
    pub fn assemble(&self, parts: &[Vec<u8>]) -> Result<Document, AssembleError> {
        if parts.len() != self.parts.len() {
            return Err(AssembleError::PartsMissing {
                found: parts.len(),
                wanted: self.parts.len(),
            });
        }
        let mut sections = Vec::new();
        for (i, (part, named)) in parts.iter().zip(&self.parts).enumerate() {
            if part_hash(part) != named.hash {
                return Err(AssembleError::WrongPart(i));
            }
            unpack(part, &mut sections).map_err(|error| AssembleError::Part(i, error))?;
        }
        let document = Document {
            kind: self.kind.clone(),
            code: self.code.clone(),
            issuer: self.issuer.clone(),
            date: self.date,
            title: self.title.clone(),
            alias: self.alias.clone(),
            sections,
            links: self.links.clone(),
            blobs: self.blobs.clone(),
        };
        let counted = (document.sections.len(), document.paragraph_count());
        if document.content_hash() != self.content_hash || counted != (self.sections, self.paragraphs) {
            return Err(AssembleError::WrongContent);
        }
        Ok(document)
    }
}

fn read_link(r: &mut Reader<'_>) -> Result<Link, WireError> {
    r.tuple(4, "link")?;
    let kind = LinkKind::ALL
        .get(r.uint(255, "link kind")? as usize)
        .ok_or(WireError::Malformed("link kind"))?;
    let code = r.text(MAX_CODE_CHARS, "code")?;
    let issuer = r.optional_text(MAX_NAME_CHARS, "issuer")?;
    let date = if r.null() { None } else { Some(read_date(r)?) };
    Ok(Link {
        kind: *kind,
        code,
        issuer,
        date,
    })
}

fn read_blob(r: &mut Reader<'_>) -> Result<Blob, WireError> {
    r.tuple(4, "blob")?;
    Ok(Blob {
        hash: Hash(r.hash("blob hash")?),
        size: r.uint(u64::MAX, "blob size")?,
        media_type: r.text(MEDIA_TYPE_CHARS, "media type")?,
        name: r.text(MAX_NAME_CHARS, "blob name")?,
    })
}

fn unpack(part: &[u8], sections: &mut Vec<Section>) -> Result<(), WireError> {
    if part.len() > MAX_PART_BYTES {
        return Err(WireError::TooLarge {
            size: part.len(),
            limit: MAX_PART_BYTES,
        });
    }
    let (version, packed) = part.split_first().ok_or(WireError::Malformed("part"))?;
    if u64::from(*version) != MANIFEST_VERSION {
        return Err(WireError::Version((*version).into()));
    }
    // The capacity is the limit: zstd refuses to write past it.
    let raw = zstd::bulk::decompress(packed, MAX_PART_RAW_BYTES)
        .map_err(|_| WireError::Malformed("packed text"))?;
    let mut r = Reader::new(&raw, MAX_PART_RAW_BYTES)?;
    for _ in 0..r.array(MAX_SECTIONS + MAX_PARAGRAPHS, "records")? {
        let fields = r.array(5, "record")?;
        let tag = r.uint(255, "record")?;
        match (tag, fields) {
            (0, 5) => {
                let kind = r.uint(255, "section kind")? as usize;
                sections.push(Section {
                    kind: *SectionKind::ALL
                        .get(kind)
                        .ok_or(WireError::Malformed("section kind"))?,
                    level: r.uint(255, "level")? as u8,
                    number: r.text(MAX_NAME_CHARS, "number")?,
                    heading: r.text(MAX_TITLE_CHARS, "heading")?,
                    paragraphs: Vec::new(),
                });
            }
            (1, 4) => {
                let kind = r.uint(255, "paragraph kind")? as usize;
                let kind = *ParagraphKind::ALL
                    .get(kind)
                    .ok_or(WireError::Malformed("paragraph kind"))?;
                let label = r.text(MAX_NAME_CHARS, "label")?;
                let text = r.text(MAX_PARAGRAPH_BYTES, "paragraph")?;
                let section = sections
                    .last_mut()
                    .ok_or(WireError::Malformed("paragraph outside a section"))?;
                section.paragraphs.push(Paragraph { kind, label, text });
            }
            _ => return Err(WireError::Malformed("record")),
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
