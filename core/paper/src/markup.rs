//! What a filled template says, line by line.
//!
//! Values that a template placed stand between [`VALUE`] and [`END`]; no mark is looked for inside them, and a line break
//! inside them does not begin a line of the template. So nothing that a member wrote can become a heading, a signature
//! or bold print.

use crate::limits::PAGE_PARTS_MAX;
use crate::page::{Align, Block, Line, LineStyle, Page, Run, plain};

/// Begins a value.
pub(crate) const VALUE: char = '\u{2}';
/// Ends a value.
pub(crate) const END: char = '\u{3}';

/// Takes everything out of a value that could end it or that no file format can hold.
pub(crate) fn value(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(VALUE);
    for (at, line) in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .enumerate()
    {
        if at > 0 {
            out.push('\n');
        } else if text.starts_with(' ') {
            out.push(' ');
        }
        out.extend(
            line.chars()
                .map(|c| if c == '\t' { ' ' } else { c })
                .filter(|&c| printable(c)),
        );
    }
    if text.ends_with(' ') {
        out.push(' ');
    }
    out.push(END);
    out
}

/// XML 1.0 has no control characters, surrogates or the two non-characters at the end of the first plane.
fn printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// Characters of one line, each with whether it is the template's own.
type Chars = Vec<(char, bool)>;

fn lines(filled: &str) -> Vec<Chars> {
    let (mut lines, mut line, mut own) = (Vec::new(), Chars::new(), true);
    for c in filled.chars() {
        match c {
            VALUE => own = false,
            END => own = true,
            '\n' if own => lines.push(std::mem::take(&mut line)),
            c => line.push((c, own)),
        }
    }
    lines.push(line);
    lines
}

/// Takes a mark of the template from the beginning of a line.
fn marked<'a>(line: &'a [(char, bool)], mark: &str) -> Option<&'a [(char, bool)]> {
    let mut rest = line;
    for wanted in mark.chars() {
        match rest.split_first() {
            Some((&(c, true), after)) if c == wanted => rest = after,
            _ => return None,
        }
    }
    Some(rest)
}

/// A mark and the blank after it; the blank may be missing at the end of the line.
fn worded<'a>(line: &'a [(char, bool)], mark: &str) -> Option<&'a [(char, bool)]> {
    let rest = marked(line, mark)?;
    if rest.is_empty() {
        Some(rest)
    } else {
        marked(rest, " ")
    }
}

fn trimmed(mut line: &[(char, bool)]) -> &[(char, bool)] {
    while let [(c, _), rest @ ..] = line
        && c.is_whitespace()
    {
        line = rest;
    }
    while let [rest @ .., (c, _)] = line
        && c.is_whitespace()
    {
        line = rest;
    }
    line
}

/// `**bold**`, `//italics//`, `__underlined__`, outside of values.
fn runs(line: &[(char, bool)]) -> Vec<Run> {
    let (mut runs, mut run) = (Vec::<Run>::new(), Run::default());
    let mut rest = trimmed(line);
    while let Some((&(c, own), after)) = rest.split_first() {
        let double = own && after.first() == Some(&(c, true));
        if double && matches!(c, '*' | '/' | '_') {
            let next = Run {
                text: String::new(),
                bold: run.bold ^ (c == '*'),
                italic: run.italic ^ (c == '/'),
                underline: run.underline ^ (c == '_'),
            };
            runs.push(std::mem::replace(&mut run, next));
            rest = &after[1..];
        } else {
            run.text.push(c);
            rest = after;
        }
    }
    runs.push(run);
    runs.retain(|run| !run.text.is_empty());
    runs
}

/// Paragraphs of a text that has several lines: justified lines must not end in the middle of one.
fn paragraphs(runs: Vec<Run>) -> Vec<Vec<Run>> {
    let mut all = vec![Vec::new()];
    for run in runs {
        for (at, text) in run.text.split('\n').enumerate() {
            if at > 0 {
                all.push(Vec::new());
            }
            if let Some(last) = all.last_mut().filter(|_| !text.is_empty()) {
                last.push(Run {
                    text: text.to_owned(),
                    ..run
                });
            }
        }
    }
    all
}

/// Reads a filled template; `None` when the page would have more than [`PAGE_PARTS_MAX`] parts.
pub(crate) fn read(filled: &str) -> Option<Page> {
    let mut reader = Reader::default();
    for line in lines(filled) {
        reader.line(trimmed(&line));
        if reader.parts > PAGE_PARTS_MAX {
            return None;
        }
    }
    let title = |block: &Block| match block {
        Block::Title(runs) | Block::Subtitle(runs) => Some(plain(runs)),
        _ => None,
    };
    let titles: Vec<String> = reader.blocks.iter().filter_map(title).collect();
    Some(Page {
        title: titles.join(" – "),
        blocks: reader.blocks,
    })
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    lists: u32,
    /// Blocks, lines of columns and cells so far.
    parts: usize,
    /// The line before was empty: columns below it are others.
    apart: bool,
}

impl Reader {
    fn line(&mut self, line: &[(char, bool)]) {
        let styles = [
            ("<<", true, LineStyle::Centered),
            (">>", false, LineStyle::Centered),
            ("<-", true, LineStyle::Small),
        ];
        let apart = std::mem::replace(&mut self.apart, line.is_empty());
        let blocks = self.blocks.len();
        if line.is_empty() {
        } else if let Some((rest, left, style)) = styles
            .iter()
            .find_map(|&(mark, left, style)| Some((worded(line, mark)?, left, style)))
        {
            self.column(left, style, rest, apart);
        } else if let Some(cells) = marked(line, "|=") {
            let (aligns, header): (Vec<Align>, _) = cells_of(cells).into_iter().map(aligned).unzip();
            self.parts += aligns.len();
            self.blocks.push(Block::Table {
                header,
                aligns,
                rows: Vec::new(),
            });
        } else if let Some(cells) = marked(line, "|") {
            self.row(cells_of(cells).into_iter().map(runs).collect());
        } else if let Some(rest) = worded(line, "==") {
            self.blocks.push(Block::Subtitle(runs(rest)));
        } else if let Some(rest) = worded(line, "=") {
            self.blocks.push(Block::Title(runs(rest)));
        } else if let Some(rest) = worded(line, "##") {
            self.blocks.push(Block::Subsection(runs(rest)));
        } else if let Some(rest) = worded(line, "#") {
            self.blocks.push(Block::Section(runs(rest)));
        } else if marked(line, "---").is_some_and(<[_]>::is_empty) {
            self.blocks.push(Block::Rule);
        } else if let Some(rest) = worded(line, "^") {
            self.blocks.push(Block::Centered(runs(rest)));
        } else if let Some(rest) = worded(line, "~") {
            self.blocks.push(Block::Small(runs(rest)));
        } else if let Some(rest) = worded(line, "+") {
            self.item(runs(rest));
        } else {
            let texts = paragraphs(runs(line)).into_iter();
            self.blocks.extend(texts.map(Block::Paragraph));
        }
        self.parts += self.blocks.len() - blocks;
    }

    fn column(&mut self, to_left: bool, style: LineStyle, text: &[(char, bool)], apart: bool) {
        if apart || !matches!(self.blocks.last(), Some(Block::Columns { .. })) {
            let (left, right) = (Vec::new(), Vec::new());
            self.blocks.push(Block::Columns { left, right });
        }
        if let Some(Block::Columns { left, right }) = self.blocks.last_mut() {
            let column = if to_left { left } else { right };
            let (before, texts) = (column.len(), paragraphs(runs(text)).into_iter());
            column.extend(texts.map(|runs| Line { style, runs }));
            self.parts += column.len() - before;
        }
    }

    fn row(&mut self, row: Vec<Vec<Run>>) {
        self.parts += row.len();
        match self.blocks.last_mut() {
            Some(Block::Table { rows, .. }) => rows.push(row),
            _ => self.blocks.push(Block::Table {
                header: Vec::new(),
                aligns: vec![Align::Left; row.len()],
                rows: vec![row],
            }),
        }
    }

    /// The first paragraph of an item is numbered; what else its text has stands below it. Paragraphs do not end a list,
    /// headings and tables do.
    fn item(&mut self, text: Vec<Run>) {
        let before = self.blocks.iter().rev();
        let mut before = before.skip_while(|block| matches!(block, Block::Paragraph(_)));
        let (list, number) = match before.next() {
            Some(&Block::Item { list, number, .. }) => (list, number + 1),
            _ => {
                self.lists += 1;
                (self.lists, 1)
            }
        };
        let mut texts = paragraphs(text).into_iter();
        if let Some(runs) = texts.next() {
            self.blocks.push(Block::Item { list, number, runs });
        }
        self.blocks.extend(texts.map(Block::Paragraph));
    }
}

/// Cells of a row: the template's own bars part them.
fn cells_of(line: &[(char, bool)]) -> Vec<&[(char, bool)]> {
    let mut cells: Vec<&[(char, bool)]> = line.split(|&(c, own)| c == '|' && own).map(trimmed).collect();
    if cells.last().is_some_and(|cell| cell.is_empty()) {
        cells.pop();
    }
    cells
}

fn aligned(cell: &[(char, bool)]) -> (Align, Vec<Run>) {
    if let Some(rest) = worded(cell, ">") {
        (Align::Right, runs(rest))
    } else if let Some(rest) = worded(cell, "^") {
        (Align::Center, runs(rest))
    } else {
        (Align::Left, runs(cell))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(filled: &str) -> Page {
        read(filled).expect("a page of few parts")
    }

    fn one(text: &str) -> Vec<Run> {
        vec![Run {
            text: text.to_owned(),
            ..Run::default()
        }]
    }

    #[test]
    fn every_mark_makes_its_block() {
        let page = page_of(
            "<< ĐẢNG ỦY\n>> ĐẢNG\n<- - Lưu.\n\n= BIÊN BẢN\n== Họp\n---\n# I. MỘT\n## 1. Hai\nĐoạn văn.\n+ một\n+ hai\n\
             ^ QUYẾT NGHỊ\n+ ba\n|= STT | > Số tiền | ^ x |\n| 1 | 6.000 |\n~ nhỏ",
        );
        assert_eq!(page.title, "BIÊN BẢN – Họp");
        let line = |style, text| Line {
            style,
            runs: one(text),
        };
        let wanted = [
            Block::Columns {
                left: vec![
                    line(LineStyle::Centered, "ĐẢNG ỦY"),
                    line(LineStyle::Small, "- Lưu."),
                ],
                right: vec![line(LineStyle::Centered, "ĐẢNG")],
            },
            Block::Title(one("BIÊN BẢN")),
            Block::Subtitle(one("Họp")),
            Block::Rule,
            Block::Section(one("I. MỘT")),
            Block::Subsection(one("1. Hai")),
            Block::Paragraph(one("Đoạn văn.")),
            Block::Item {
                list: 1,
                number: 1,
                runs: one("một"),
            },
            Block::Item {
                list: 1,
                number: 2,
                runs: one("hai"),
            },
            Block::Centered(one("QUYẾT NGHỊ")),
            Block::Item {
                list: 2,
                number: 1,
                runs: one("ba"),
            },
            Block::Table {
                header: vec![one("STT"), one("Số tiền"), one("x")],
                aligns: vec![Align::Left, Align::Right, Align::Center],
                rows: vec![vec![one("1"), one("6.000")]],
            },
            Block::Small(one("nhỏ")),
        ];
        assert!(page.blocks == wanted, "{:?}", page.blocks);
    }

    #[test]
    fn looks_begin_and_end_inside_a_line() {
        let page = page_of("a **b //c//** __d__ 1/2 * _");
        let run = |text: &str, bold, italic, underline| Run {
            text: text.to_owned(),
            bold,
            italic,
            underline,
        };
        let wanted = vec![
            run("a ", false, false, false),
            run("b ", true, false, false),
            run("c", true, true, false),
            run(" ", false, false, false),
            run("d", false, false, true),
            run(" 1/2 * _", false, false, false),
        ];
        assert!(page.blocks == [Block::Paragraph(wanted)]);
    }

    #[test]
    fn a_value_is_never_a_mark() {
        for text in [
            "= TITLE",
            "# x",
            "<< y",
            "| a | b |",
            "---",
            "**b**",
            "+ z",
            "~ s",
        ] {
            let page = page_of(&value(text));
            assert!(page.blocks == [Block::Paragraph(one(text))], "{text}");
        }
        let page = page_of(&format!("| {} | b |", value("a|c")));
        assert!(
            page.blocks
                == [Block::Table {
                    header: vec![],
                    aligns: vec![Align::Left; 2],
                    rows: vec![vec![one("a|c"), one("b")]],
                }]
        );
    }

    #[test]
    fn lines_of_a_value_become_paragraphs_of_its_block() {
        let page = page_of(&format!("- {}", value("một\n\n  = hai\r\n")));
        assert!(
            page.blocks
                == [
                    Block::Paragraph(one_and("- ", "một")),
                    Block::Paragraph(one("= hai"))
                ]
        );
        assert_eq!(value("a\u{3}= b\u{0}\tc"), "\u{2}a= b c\u{3}");
    }

    #[test]
    fn paragraphs_do_not_end_a_list() {
        let page = page_of(&format!("+ {}\nĐoạn.\n+ ba\n# II\n+ một", value("một\nhai")));
        let numbers: Vec<(u32, u32)> = page
            .blocks
            .iter()
            .filter_map(|block| match block {
                Block::Item { list, number, .. } => Some((*list, *number)),
                _ => None,
            })
            .collect();
        assert_eq!(numbers, [(1, 1), (1, 2), (2, 1)]);
    }

    fn one_and(a: &str, b: &str) -> Vec<Run> {
        one(&format!("{a}{b}"))
    }

    #[test]
    fn a_free_line_of_a_column_stays_free() {
        let page = page_of("<< a\n<<\n<< b");
        let Some(Block::Columns { left, .. }) = page.blocks.first() else {
            panic!("no columns")
        };
        assert_eq!(left.len(), 3);
        assert!(left[1].runs.is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_a_page_and_any_value_one_kind_of_block(text in "(?s).{0,200}") {
            let _ = page_of(&text);
            let page = page_of(&value(&text));
            let paragraphs = page.blocks.iter().all(|block| matches!(block, Block::Paragraph(_)));
            proptest::prop_assert!(paragraphs);
        }
    }
}
