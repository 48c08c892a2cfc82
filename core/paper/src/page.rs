//! What stands on a page, whatever it is written as.

/// A document on paper.
#[derive(Clone, PartialEq, Eq)]
pub struct Page {
    /// What the file calls itself: the title in one line.
    pub title: String,
    /// What stands on it, from top to bottom.
    pub blocks: Vec<Block>,
}

impl Page {
    /// Adds a line of small print at the end.
    pub fn note(&mut self, text: String) {
        let run = Run {
            text,
            ..Run::default()
        };
        self.blocks.push(Block::Small(vec![run]));
    }

    /// Whether these words stand in one piece somewhere on it.
    pub fn says(&self, words: &str) -> bool {
        let text = |runs: &Vec<Run>| plain(runs).contains(words);
        self.blocks.iter().any(|block| match block {
            Block::Columns { left, right } => left.iter().chain(right).any(|line| text(&line.runs)),
            Block::Title(runs)
            | Block::Subtitle(runs)
            | Block::Section(runs)
            | Block::Subsection(runs)
            | Block::Paragraph(runs)
            | Block::Centered(runs)
            | Block::Item { runs, .. }
            | Block::Small(runs) => text(runs),
            Block::Table { header, rows, .. } => header.iter().chain(rows.iter().flatten()).any(text),
            Block::Rule => false,
        })
    }
}

/// Pages hold what was said in a meeting: only their size is shown.
impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Page({} blocks)", self.blocks.len())
    }
}

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Two columns without lines between them: the letterhead, or two signatures.
    Columns {
        /// Left column, line by line.
        left: Vec<Line>,
        /// Right column.
        right: Vec<Line>,
    },
    /// What sort of document it is, in capitals: `BIÊN BẢN`.
    Title(Vec<Run>),
    /// What it is about, below the title.
    Subtitle(Vec<Run>),
    /// A short line in the middle, below title and subtitle.
    Rule,
    /// Heading of a section.
    Section(Vec<Run>),
    /// Heading inside a section.
    Subsection(Vec<Run>),
    /// A paragraph, its first line standing in.
    Paragraph(Vec<Run>),
    /// A paragraph in the middle of the page.
    Centered(Vec<Run>),
    /// An item that a program numbers.
    Item {
        /// Which list it belongs to, counted from 1 on the page.
        list: u32,
        /// Its number in that list, counted from 1.
        number: u32,
        /// What it says.
        runs: Vec<Run>,
    },
    /// A table with lines.
    Table {
        /// First row, repeated at the top of every sheet; may be empty.
        header: Vec<Vec<Run>>,
        /// How each column stands.
        aligns: Vec<Align>,
        /// The other rows.
        rows: Vec<Vec<Cell>>,
    },
    /// Small print.
    Small(Vec<Run>),
}

/// A cell of a table.
pub type Cell = Vec<Run>;

/// A line of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How it stands.
    pub style: LineStyle,
    /// What it says; empty for a line left free.
    pub runs: Vec<Run>,
}

/// How a line of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineStyle {
    /// In the middle, at the size of the text.
    Centered,
    /// At the left, small: those who get the document.
    Small,
}

/// How a column of a table stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// Words.
    #[default]
    Left,
    /// Short marks.
    Center,
    /// Amounts.
    Right,
}

/// A stretch of text of one look.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Run {
    /// The text; LF begins a new line where the block allows one.
    pub text: String,
    /// In bold.
    pub bold: bool,
    /// In italics.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Run({} bytes)", self.text.len())
    }
}

/// The text of a few runs without their looks.
pub(crate) fn plain(runs: &[Run]) -> String {
    runs.iter().map(|run| run.text.as_str()).collect()
}
