//! A document of the library: what it is called, its sections, and what it says of other documents.

use super::code::Code;
use sotay_feed::InOrder;
use std::fmt;

/// Longest code, in characters.
pub const MAX_CODE_CHARS: usize = 100;
/// Longest name of an issuer or of a type, in characters.
pub const MAX_NAME_CHARS: usize = 200;
/// Longest title or heading, in characters.
pub const MAX_TITLE_CHARS: usize = 1_000;
/// Most sections in one document.
pub const MAX_SECTIONS: usize = 8_000;
/// Most paragraphs in one document; a 300-page document has about 6,000.
pub const MAX_PARAGRAPHS: usize = 40_000;
/// Longest paragraph, in bytes.
pub const MAX_PARAGRAPH_BYTES: usize = 32 * 1024;
/// Most text in one document, in bytes.
pub const MAX_TEXT_BYTES: usize = 4 * 1024 * 1024;
/// Most links of one document.
pub const MAX_LINKS: usize = 64;
/// Most attached files of one document.
pub const MAX_BLOBS: usize = 64;

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Year, 1..=9999.
    pub year: u16,
    /// Month, 1..=12.
    pub month: u8,
    /// Day of the month.
    pub day: u8,
}

impl Date {
    /// A day that exists, or nothing.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => return None,
        };
        ((1..=9999).contains(&year) && (1..=days).contains(&day)).then_some(Self { year, month, day })
    }

    /// Reads `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || year.len() != 4 || month.len() != 2 || day.len() != 2 {
            return None;
        }
        Self::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// A 32-byte BLAKE3 hash. Prints short in `Debug`, whole in `Display`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Hashes `bytes` under a purpose, so that equal bytes with different purposes never have equal hashes.
    pub fn of(purpose: &str, bytes: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(purpose.as_bytes()).update(&[0]).update(bytes);
        Self(*hasher.finalize().as_bytes())
    }

    /// Reads 64 hexadecimal digits.
    pub fn parse(hex: &str) -> Option<Self> {
        blake3::Hash::from_hex(hex)
            .ok()
            .map(|hash| Self(*hash.as_bytes()))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a section is in the structure of its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SectionKind {
    /// What stands before the first heading.
    Preamble,
    /// A text that a decision puts in force and that counts its articles anew.
    Attachment,
    /// `Phần`, or a Roman number at the head of a Party text.
    Part,
    /// `Chương`.
    Chapter,
    /// `Mục`.
    Division,
    /// `Tiểu mục`.
    Subdivision,
    /// `Điều`.
    Article,
    /// `1.`, `2.1.`, `1.1-` in a text without articles.
    Numbered,
    /// The whole of a text without headings.
    Whole,
    /// A heading in the publisher's own words; the number holds the words.
    Named,
}

impl SectionKind {
    /// All kinds, in the order of their wire numbers.
    pub const ALL: [Self; 10] = [
        Self::Preamble,
        Self::Attachment,
        Self::Part,
        Self::Chapter,
        Self::Division,
        Self::Subdivision,
        Self::Article,
        Self::Numbered,
        Self::Whole,
        Self::Named,
    ];

    /// The number on the wire.
    pub fn number(self) -> u8 {
        Self::ALL.iter().position(|kind| *kind == self).unwrap_or(0) as u8
    }
}

/// What a paragraph is inside its section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParagraphKind {
    /// Running text.
    Plain,
    /// `Khoản`: begins with a number.
    Clause,
    /// `Điểm`: begins with a letter.
    Point,
    /// A dash, a plus or a bracketed number.
    Item,
}

impl ParagraphKind {
    /// All kinds, in the order of their wire numbers.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Clause, Self::Point, Self::Item];

    /// The number on the wire.
    pub fn number(self) -> u8 {
        Self::ALL.iter().position(|kind| *kind == self).unwrap_or(0) as u8
    }
}

/// One paragraph, as it stands, its own mark included.
#[derive(Clone, PartialEq, Eq)]
pub struct Paragraph {
    /// What it is.
    pub kind: ParagraphKind,
    /// Its number or letter without punctuation; empty for running text.
    pub label: String,
    /// The text, verbatim after [`crate::text::clean_line`].
    pub text: String,
}

impl fmt::Debug for Paragraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} ({} bytes)", self.kind, self.label, self.text.len())
    }
}

/// One section: a heading and the paragraphs up to the next heading. Sections stand in the order of the text;
/// a section is inside the nearest earlier one of a lower level.
#[derive(Clone, PartialEq, Eq)]
pub struct Section {
    /// What it is.
    pub kind: SectionKind,
    /// Depth in the tree, 0 at the top.
    pub level: u8,
    /// Number as counted (`5`, `5a`, `II`, `2.1`); own words for [`SectionKind::Named`]; may be empty.
    pub number: String,
    /// The heading without its number; may be empty.
    pub heading: String,
    /// The paragraphs that belong to no deeper section.
    pub paragraphs: Vec<Paragraph>,
}

impl fmt::Debug for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} {} level {} {:?}",
            self.kind, self.number, self.level, self.paragraphs
        )
    }
}

impl Section {
    /// How the section is cited on its own: `Điều 5`, `Chương II`, `Mục 2.1`, `Toàn văn`.
    pub fn label(&self) -> String {
        let word = match self.kind {
            SectionKind::Preamble => return "Phần mở đầu".to_owned(),
            SectionKind::Whole if self.number.is_empty() => return "Toàn văn".to_owned(),
            SectionKind::Whole => return format!("Toàn văn ({})", self.number),
            SectionKind::Named => return self.number.clone(),
            SectionKind::Attachment => return "Kèm theo".to_owned(),
            SectionKind::Part => "Phần",
            SectionKind::Chapter => "Chương",
            SectionKind::Division | SectionKind::Numbered => "Mục",
            SectionKind::Subdivision => "Tiểu mục",
            SectionKind::Article => "Điều",
        };
        format!("{word} {}", self.number)
    }

    /// The paragraphs joined by line feeds: the text that search and answers work on and that quotes stand in.
    pub fn text(&self) -> String {
        let lines: Vec<&str> = self.paragraphs.iter().map(|p| p.text.as_str()).collect();
        lines.join("\n")
    }
}

/// What one document does to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkKind {
    /// The other is no longer in force; this one stands in its place.
    Replaces,
    /// Parts of the other are changed by this one.
    Amends,
    /// The other is withdrawn without a successor.
    Withdraws,
}

impl LinkKind {
    /// All kinds, in the order of their wire numbers.
    pub const ALL: [Self; 3] = [Self::Replaces, Self::Amends, Self::Withdraws];

    /// The number on the wire.
    pub fn number(self) -> u8 {
        Self::ALL.iter().position(|kind| *kind == self).unwrap_or(0) as u8
    }
}

/// A link to another document, by code and, since codes recur, by issuer and date where known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// What is done to it.
    pub kind: LinkKind,
    /// The other document's code.
    pub code: String,
    /// Its issuer, if told.
    pub issuer: Option<String>,
    /// Its date, if told.
    pub date: Option<Date>,
}

/// A file that belongs to a document: the original PDF, a recording. Its size is shown before it is fetched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blob {
    /// BLAKE3 of the bytes.
    pub hash: Hash,
    /// Size in bytes.
    pub size: u64,
    /// Media type (`application/pdf`).
    pub media_type: String,
    /// File name to show.
    pub name: String,
}

/// A document of the library.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// The type, as the publisher names it: an abbreviation or a name of [`super::DocumentType`], or own words.
    pub kind: String,
    /// The code (`12-HD/BTCTW`). Not unique: codes recur in every term.
    pub code: String,
    /// Who issued it.
    pub issuer: String,
    /// When it was issued.
    pub date: Date,
    /// Its title.
    pub title: String,
    /// The publisher's own short name for this entry (a row of a table), shown instead of the id.
    pub alias: Option<String>,
    /// The text.
    pub sections: Vec<Section>,
    /// What it does to other documents.
    pub links: Vec<Link>,
    /// Files that belong to it.
    pub blobs: Vec<Blob>,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document {:?} ({} sections)", self.id(), self.sections.len())
    }
}

impl Document {
    /// The hash of the text with its structure: the same text has the same hash wherever it was imported.
    pub fn content_hash(&self) -> Hash {
        super::manifest::content_hash(&self.sections)
    }

    /// The identity: code, issuer, date and content hash.
    pub fn id(&self) -> Hash {
        super::manifest::document_id(&self.code, &self.issuer, self.date, self.content_hash())
    }

    /// What lists show as the document's key: the alias, or the id in hexadecimal digits.
    pub fn key(&self) -> String {
        self.alias.clone().unwrap_or_else(|| self.id().to_string())
    }

    /// Number of paragraphs, in the order reading progress counts them.
    pub fn paragraph_count(&self) -> usize {
        self.sections.iter().map(|section| section.paragraphs.len()).sum()
    }

    /// The paragraphs of a section, counted through the whole document. Empty for a section that is not there.
    pub fn paragraphs_of(&self, section: usize) -> std::ops::Range<usize> {
        let count = |sections: &[Section]| sections.iter().map(|s| s.paragraphs.len()).sum::<usize>();
        let before = count(&self.sections[..section.min(self.sections.len())]);
        let own = self.sections.get(section).map_or(0, |s| s.paragraphs.len());
        before..before + own
    }

    /// The section that holds a paragraph, counted through the whole document.
    pub fn section_of(&self, paragraph: usize) -> Option<usize> {
        (0..self.sections.len()).find(|section| self.paragraphs_of(*section).contains(&paragraph))
    }

    /// Indices of the sections that `index` lies in, outermost first.
    pub fn ancestors(&self, index: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let Some(section) = self.sections.get(index) else {
            return found;
        };
        let mut level = section.level;
        for (i, earlier) in self.sections[..index].iter().enumerate().rev() {
            if earlier.level < level {
                found.push(i);
                level = earlier.level;
            }
        }
        found.reverse();
        found
    }

    /// How section `index` is cited inside this document: articles by themselves, numbered headings with their part
    /// (`Phần II, Mục 2.1`), and everything in an attachment as such.
    pub fn citation(&self, index: usize) -> String {
        let Some(section) = self.sections.get(index) else {
            return String::new();
        };
        let mut words: Vec<String> = Vec::new();
        for i in self.ancestors(index) {
            let outer = &self.sections[i];
            let needed = match section.kind {
                SectionKind::Article => outer.kind == SectionKind::Attachment,
                SectionKind::Numbered => matches!(outer.kind, SectionKind::Attachment | SectionKind::Part),
                _ => true,
            };
            if needed {
                words.push(outer.label());
            }
        }
        words.push(section.label());
        words.join(", ")
    }
}

/// Why a document is shown under a banner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Superseded {
    /// What was done to it.
    pub by: LinkKind,
    /// Code of the document that did it.
    pub code: String,
    /// Date of the document that did it.
    pub date: Date,
}

/// What other documents (code, date, links of each) do to the document with this code, issuer and date, newest first.
/// Amended documents stay in force and are listed as well; the caller looks at [`Superseded::by`].
pub fn superseded<'a>(
    code: &str,
    issuer: &str,
    date: Date,
    others: impl IntoIterator<Item = (&'a str, Date, &'a [Link])>,
) -> Vec<Superseded> {
    let (own, own_issuer) = (Code::parse(code), super::kind::folded(issuer));
    let mut found: Vec<Superseded> = Vec::new();
    for (other_code, other_date, links) in others {
        for link in links {
            let same_issuer = link
                .issuer
                .as_deref()
                .is_none_or(|name| super::kind::folded(name) == own_issuer);
            // A document reaches only what was there before it, unless the link names the very date.
            let in_time = link.date.map_or(other_date > date, |named| named == date);
            if same_issuer && in_time && Code::parse(&link.code) == own {
                found.push(Superseded {
                    by: link.kind,
                    code: other_code.to_owned(),
                    date: other_date,
                });
            }
        }
    }
    found.in_order_by(|a, b| b.date.cmp(&a.date).then_with(|| a.cmp(b)));
    found.dedup();
    found
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn document(code: &str, date: &str, text: &str) -> Document {
        Document {
            kind: "HD".into(),
            code: code.into(),
            issuer: "Ban Tổ chức Trung ương".into(),
            date: Date::parse(date).expect("a day"),
            title: "Công tác đảng viên".into(),
            alias: None,
            sections: vec![Section {
                kind: SectionKind::Whole,
                level: 0,
                number: String::new(),
                heading: String::new(),
                paragraphs: vec![Paragraph {
                    kind: ParagraphKind::Plain,
                    label: String::new(),
                    text: text.into(),
                }],
            }],
            links: vec![],
            blobs: vec![],
        }
    }

    #[test]
    fn only_days_that_exist_are_dates() {
        assert_eq!(
            Date::parse("2024-02-29").map(|d| d.to_string()).as_deref(),
            Some("2024-02-29")
        );
        for bad in [
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-1-1",
            "0000-01-01",
            "2024-01-01-01",
            "x",
        ] {
            assert_eq!(Date::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_same_code_of_three_terms_has_three_identities() {
        let ids: std::collections::BTreeSet<Hash> = ["2012-05-17", "2018-07-06", "2022-06-06"]
            .iter()
            .map(|date| document("12-HD/BTCTW", date, "Chi bộ họp").id())
            .collect();
        assert_eq!(ids.len(), 3);
        let (a, b) = (
            document("1-HD/X", "2020-01-01", "một"),
            document("1-HD/X", "2020-01-01", "hai"),
        );
        assert_ne!(a.id(), b.id(), "another text is another document");
        let mut renamed = a.clone();
        renamed.title = "Tên khác".into();
        assert_eq!(a.id(), renamed.id());
    }

    fn links(others: &[Document]) -> impl Iterator<Item = (&str, Date, &[Link])> {
        others
            .iter()
            .map(|d| (d.code.as_str(), d.date, d.links.as_slice()))
    }

    #[test]
    fn a_replacement_reaches_the_earlier_document_only() {
        let mut newer = document("12-HD/BTCTW", "2022-06-06", "mới");
        newer.links = vec![Link {
            kind: LinkKind::Replaces,
            code: "12 hd/btctw".into(),
            issuer: None,
            date: None,
        }];
        let others = [newer];
        assert_eq!(
            superseded(
                "12-HD/BTCTW",
                "Ban Tổ chức Trung ương",
                Date::new(2018, 7, 6).unwrap(),
                links(&others)
            )
            .len(),
            1
        );
        assert!(
            superseded(
                "12-HD/BTCTW",
                "Ban Tổ chức Trung ương",
                Date::new(2022, 6, 6).unwrap(),
                links(&others)
            )
            .is_empty()
        );
        assert!(
            superseded(
                "13-HD/BTCTW",
                "Ban Tổ chức Trung ương",
                Date::new(2018, 7, 6).unwrap(),
                links(&others)
            )
            .is_empty()
        );
    }

    #[test]
    fn a_link_with_a_date_reaches_that_date_only() {
        let mut newer = document("20-HD/X", "2024-01-01", "mới");
        let date = Date::parse("2018-07-06");
        newer.links = vec![Link {
            kind: LinkKind::Withdraws,
            code: "12-HD/BTCTW".into(),
            issuer: None,
            date,
        }];
        let others = [newer];
        assert_eq!(
            superseded("12-HD/BTCTW", "X", Date::new(2018, 7, 6).unwrap(), links(&others))[0].by,
            LinkKind::Withdraws
        );
        assert!(superseded("12-HD/BTCTW", "X", Date::new(2012, 7, 6).unwrap(), links(&others)).is_empty());
    }

    #[test]
    fn debug_shows_no_text_of_the_document() {
        let shown = format!(
            "{:?} {:?}",
            document("1-HD/X", "2020-01-01", "kín đáo"),
            document("1", "2020-01-01", "kín đáo").sections
        );
        assert!(!shown.contains("kín"), "{shown}");
    }
}
