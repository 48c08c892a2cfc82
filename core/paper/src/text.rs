//! A page as plain text, for a terminal or a message.

use crate::page::{Block, Page, Run, plain};

impl Page {
    /// The page as plain text: LF, one empty line between parts, columns one after the other.
    pub fn text(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for block in &self.blocks {
            match block {
                Block::Columns { left, right } => {
                    for column in [left, right] {
                        let lines = column.iter().map(|line| plain(&line.runs));
                        let lines: Vec<String> = lines.filter(|line| !line.trim().is_empty()).collect();
                        parts.extend((!lines.is_empty()).then(|| lines.join("\n")));
                    }
                }
                Block::Rule => {}
                Block::Item { number, runs, .. } => parts.push(format!("{number}. {}", plain(runs))),
                Block::Table { header, rows, .. } => {
                    let row = |cells: &[Vec<Run>]| {
                        let cells: Vec<String> = cells.iter().map(|cell| plain(cell)).collect();
                        cells.join("\t").replace('\n', " ")
                    };
                    let header = (!header.is_empty()).then(|| row(header));
                    let rows: Vec<String> = header
                        .into_iter()
                        .chain(rows.iter().map(|cells| row(cells)))
                        .collect();
                    parts.push(rows.join("\n"));
                }
                Block::Title(runs)
                | Block::Subtitle(runs)
                | Block::Section(runs)
                | Block::Subsection(runs)
                | Block::Paragraph(runs)
                | Block::Centered(runs)
                | Block::Small(runs) => parts.push(plain(runs)),
            }
        }
        parts.join("\n\n") + "\n"
    }
}
