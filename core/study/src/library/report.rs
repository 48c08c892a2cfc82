//! What was understood of a document: shown to the officer before publishing.

use super::document::{Date, ParagraphKind, SectionKind};
use super::import::{Encoding, Format};
use std::collections::BTreeMap;

/// Something odd that does not stop an import. The officer looks at it before publishing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Warning {
    /// An article's number is not above the one before; the line was kept as text.
    ArticleOutOfOrder {
        /// The number found.
        number: String,
    },
    /// Numbers of articles are missing in the count.
    ArticleMissing {
        /// First missing number.
        from: u32,
        /// Last missing number.
        to: u32,
    },
    /// Articles begin anew at 1: taken for an attachment.
    ArticlesBeginAnew {
        /// Index of the section before which it happened.
        section: usize,
    },
    /// A quotation was opened and not closed; headings after it were kept as text.
    QuoteNotClosed,
    /// No headings were found; the text is one section or numbered pieces.
    NoHeadings,
    /// Text in an old Vietnamese encoding was converted; names and figures deserve a look.
    Converted {
        /// The encoding.
        from: Encoding,
        /// Pieces of text converted.
        pieces: usize,
    },
    /// Some pages gave no text: pictures of text, perhaps.
    PagesWithoutText {
        /// Page numbers, counted from 1.
        pages: Vec<u32>,
    },
    /// Pictures and drawings were left out.
    PicturesLeftOut {
        /// How many.
        count: usize,
    },
    /// Characters that could not be read were replaced by U+FFFD.
    UnreadableCharacters {
        /// How many.
        count: usize,
    },
    /// The text names another code than the officer gave.
    CodeDiffers {
        /// The code found in the text.
        found: String,
    },
    /// The text names another date than the officer gave.
    DateDiffers {
        /// The date found in the text.
        found: Date,
    },
}

impl Warning {
    /// The name of the kind, for programs: it never changes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ArticleOutOfOrder { .. } => "article_out_of_order",
            Self::ArticleMissing { .. } => "article_missing",
            Self::ArticlesBeginAnew { .. } => "articles_begin_anew",
            Self::QuoteNotClosed => "quote_not_closed",
            Self::NoHeadings => "no_headings",
            Self::Converted { .. } => "converted",
            Self::PagesWithoutText { .. } => "pages_without_text",
            Self::PicturesLeftOut { .. } => "pictures_left_out",
            Self::UnreadableCharacters { .. } => "unreadable_characters",
            Self::CodeDiffers { .. } => "code_differs",
            Self::DateDiffers { .. } => "date_differs",
        }
    }
}

/// What was understood of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The format that was read.
    pub format: Format,
    /// Number of sections of each kind.
    pub sections: BTreeMap<SectionKind, usize>,
    /// Number of paragraphs of each kind.
    pub paragraphs: BTreeMap<ParagraphKind, usize>,
    /// Characters of text.
    pub characters: usize,
    /// The code found in the head of the text, if any.
    pub found_code: Option<String>,
    /// The date found in the head of the text, if any.
    pub found_date: Option<Date>,
    /// What deserves a look.
    pub warnings: Vec<Warning>,
}
