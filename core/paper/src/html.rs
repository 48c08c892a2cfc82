//! A page as one HTML file: for reading on a screen and for printing on A4, without anything fetched from elsewhere.

use quick_xml::escape::escape;

use crate::page::{Align, Block, Line, LineStyle, Page, Run};

const STYLE: &str = include_str!("../data/page.css");

impl Page {
    /// The page as a whole HTML document in UTF-8.
    pub fn html(&self) -> String {
        let mut out = String::with_capacity(8 * 1024);
        out.push_str("<!DOCTYPE html>\n<html lang=\"vi\">\n<head>\n<meta charset=\"utf-8\">\n");
        out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
        out.push_str(&escape(self.title.as_str()));
        out.push_str("</title>\n<style>\n");
        out.push_str(STYLE);
        out.push_str("</style>\n</head>\n<body>\n<article>\n");
        self.blocks.iter().for_each(|block| write(&mut out, block));
        out.push_str("</article>\n</body>\n</html>\n");
        out
    }
}

fn write(out: &mut String, block: &Block) {
    match block {
        Block::Columns { left, right } => {
            out.push_str("<div class=\"columns\">\n");
            column(out, left);
            column(out, right);
            out.push_str("</div>\n");
        }
        Block::Title(text) => element(out, "h1", None, text),
        Block::Subtitle(text) => element(out, "p", Some("subtitle"), text),
        Block::Rule => out.push_str("<hr>\n"),
        Block::Section(text) => element(out, "h2", None, text),
        Block::Subsection(text) => element(out, "h3", None, text),
        Block::Paragraph(text) => element(out, "p", None, text),
        Block::Centered(text) => element(out, "p", Some("centered"), text),
        Block::Small(text) => element(out, "p", Some("small"), text),
        Block::Item { number, runs, .. } => {
            out.push_str(&format!("<p>{number}. "));
            runs_in(out, runs);
            out.push_str("</p>\n");
        }
        Block::Table { header, aligns, rows } => table(out, header, aligns, rows),
    }
}

fn column(out: &mut String, lines: &[Line]) {
    out.push_str("<div>\n");
    for line in lines {
        let class = match line.style {
            LineStyle::Centered => None,
            LineStyle::Small => Some("recipient"),
        };
        element(out, "p", class, &line.runs);
    }
    out.push_str("</div>\n");
}

fn table(out: &mut String, header: &[Vec<Run>], aligns: &[Align], rows: &[Vec<Vec<Run>>]) {
    let class = |column: usize| match aligns.get(column).copied().unwrap_or_default() {
        Align::Left => None,
        Align::Center => Some("center"),
        Align::Right => Some("right"),
    };
    let row = |out: &mut String, name: &str, cells: &[Vec<Run>]| {
        out.push_str("<tr>\n");
        for (at, cell) in cells.iter().enumerate() {
            element(out, name, class(at), cell);
        }
        out.push_str("</tr>\n");
    };
    out.push_str("<table>\n");
    if !header.is_empty() {
        out.push_str("<thead>\n");
        row(out, "th", header);
        out.push_str("</thead>\n");
    }
    out.push_str("<tbody>\n");
    rows.iter().for_each(|cells| row(out, "td", cells));
    out.push_str("</tbody>\n</table>\n");
}

fn element(out: &mut String, name: &str, class: Option<&str>, runs: &[Run]) {
    match class {
        Some(class) => out.push_str(&format!("<{name} class=\"{class}\">")),
        None => out.push_str(&format!("<{name}>")),
    }
    runs_in(out, runs);
    out.push_str(&format!("</{name}>\n"));
}

fn runs_in(out: &mut String, runs: &[Run]) {
    for run in runs {
        let looks = [(run.bold, "b"), (run.italic, "i"), (run.underline, "u")];
        let looks = looks.iter().filter(|(set, _)| *set).map(|(_, name)| *name);
        looks.clone().for_each(|name| out.push_str(&format!("<{name}>")));
        out.push_str(&escape(run.text.as_str()).replace('\n', "<br>"));
        looks.rev().for_each(|name| out.push_str(&format!("</{name}>")));
    }
}
