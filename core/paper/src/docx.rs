//! A page as .docx: WordprocessingML (ECMA-376, transitional) in a zip archive.
//!
//! Every look is a named style, so that an office changes it in one place. The archive has no dates: equal pages are equal
//! files. Why no library writes it: `docs/decisions/0085-pages-are-blocks.md`.

use std::io::{Cursor, Write};

use quick_xml::escape::escape;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::page::{Align, Block, Line, LineStyle, Page, Run};

const MAIN: &str = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml";
const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const STYLES: &str = include_str!("../data/styles.xml");

/// Width between the margins of A4 (210 − 30 − 15 mm) in twentieths of a point.
const TEXT_WIDTH: usize = 9354;
/// Of it, the left column of letterhead and signatures.
const LEFT_WIDTH: usize = 4209;

/// The archive cannot be made. A mistake of this software: the page is in memory.
#[derive(Debug, thiserror::Error)]
#[error("the .docx archive cannot be written")]
pub struct DocxError;

impl Page {
    /// The page as the bytes of a .docx file.
    pub fn docx(&self) -> Result<Vec<u8>, DocxError> {
        let lists = self.blocks.iter().filter_map(|block| match block {
            Block::Item { list, .. } => Some(*list),
            _ => None,
        });
        let lists = lists.max().unwrap_or(0);
        let parts = [
            ("[Content_Types].xml", content_types()),
            ("_rels/.rels", package_relations()),
            ("docProps/core.xml", properties(&self.title)),
            ("word/_rels/document.xml.rels", document_relations()),
            ("word/document.xml", document(&self.blocks)),
            ("word/styles.xml", STYLES.to_owned()),
            ("word/numbering.xml", numbering(lists)),
            ("word/header1.xml", header()),
        ];
        archive(&parts).map_err(|_| DocxError)
    }
}

fn archive(parts: &[(&str, String)]) -> zip::result::ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    for (name, text) in parts {
        zip.start_file(*name, options)?;
        zip.write_all(text.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

fn content_types() -> String {
    let part = |name: &str, kind: &str| {
        format!("<Override PartName=\"/word/{name}.xml\" ContentType=\"{WORD}.{kind}+xml\"/>")
    };
    [
        XML,
        &format!("<Types xmlns=\"{PACKAGE}/content-types\">"),
        "<Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>",
        "<Default Extension=\"xml\" ContentType=\"application/xml\"/>",
        &part("document", "document.main"),
        &part("styles", "styles"),
        &part("numbering", "numbering"),
        &part("header1", "header"),
        "<Override PartName=\"/docProps/core.xml\" \
         ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/></Types>",
    ]
    .concat()
}

fn relations(list: &[(&str, &str, &str)]) -> String {
    let mut out = format!("{XML}<Relationships xmlns=\"{PACKAGE}/relationships\">");
    for (id, kind, target) in list {
        out.push_str(&format!(
            "<Relationship Id=\"{id}\" Type=\"{kind}\" Target=\"{target}\"/>"
        ));
    }
    out + "</Relationships>"
}

fn package_relations() -> String {
    let document = format!("{RELATIONS}/officeDocument");
    let properties = format!("{PACKAGE}/relationships/metadata/core-properties");
    relations(&[
        ("rId1", &document, "word/document.xml"),
        ("rId2", &properties, "docProps/core.xml"),
    ])
}

fn document_relations() -> String {
    let kind = |name: &str| format!("{RELATIONS}/{name}");
    relations(&[
        ("rId1", &kind("styles"), "styles.xml"),
        ("rId2", &kind("numbering"), "numbering.xml"),
        ("rId3", &kind("header"), "header1.xml"),
    ])
}

fn properties(title: &str) -> String {
    format!(
        "{XML}<cp:coreProperties xmlns:cp=\"{PACKAGE}/metadata/core-properties\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>{}</dc:title><dc:language>vi</dc:language>\
         </cp:coreProperties>",
        escape(title)
    )
}

/// One numbering for all lists, begun anew for each; the number stands in like the first line of a paragraph.
fn numbering(lists: u32) -> String {
    let mut out = format!(
        "{XML}<w:numbering {MAIN}><w:abstractNum w:abstractNumId=\"0\"><w:multiLevelType w:val=\"singleLevel\"/>\
         <w:lvl w:ilvl=\"0\"><w:start w:val=\"1\"/><w:numFmt w:val=\"decimal\"/><w:suff w:val=\"space\"/>\
         <w:lvlText w:val=\"%1.\"/><w:lvlJc w:val=\"left\"/><w:pPr><w:ind w:left=\"0\" w:firstLine=\"567\"/></w:pPr>\
         </w:lvl></w:abstractNum>"
    );
    for list in 1..=lists {
        out.push_str(&format!(
            "<w:num w:numId=\"{list}\"><w:abstractNumId w:val=\"0\"/><w:lvlOverride w:ilvl=\"0\">\
             <w:startOverride w:val=\"1\"/></w:lvlOverride></w:num>"
        ));
    }
    out + "</w:numbering>"
}

/// The number of the sheet; the first sheet has none.
fn header() -> String {
    format!(
        "{XML}<w:hdr {MAIN}><w:p><w:pPr><w:pStyle w:val=\"Header\"/></w:pPr><w:fldSimple w:instr=\" PAGE \">\
         <w:r><w:t>2</w:t></w:r></w:fldSimple></w:p></w:hdr>"
    )
}

fn document(blocks: &[Block]) -> String {
    let mut out = format!("{XML}<w:document {MAIN} xmlns:r=\"{RELATIONS}\"><w:body>");
    let mut after_table = false;
    let before = [&Block::Rule].into_iter().chain(blocks);
    let after = blocks.iter().skip(1).chain([&Block::Rule]);
    for ((block, before), after) in blocks.iter().zip(before).zip(after) {
        let table = matches!(block, Block::Columns { .. } | Block::Table { .. });
        if after_table && !table {
            // Room below a table; its own paragraphs have none.
            if let Block::Table { .. } = before {
                paragraph(&mut out, "TableEnd", "", &[]);
            }
        } else if table && after_table {
            // Two tables without a paragraph between them are one table to a word processor.
            paragraph(&mut out, "CellText", "", &[]);
        }
        after_table = table;
        match (block, after) {
            // Signatures never stand on a sheet without a line of what they sign.
            (Block::Paragraph(runs), Block::Columns { .. }) => {
                paragraph(&mut out, "BodyText", "<w:keepNext/>", runs);
            }
            _ => write(&mut out, block),
        }
    }
    if after_table {
        // A document ends with a paragraph.
        paragraph(&mut out, "CellText", "", &[]);
    }
    out.push_str(
        "<w:sectPr><w:headerReference w:type=\"default\" r:id=\"rId3\"/><w:pgSz w:w=\"11906\" w:h=\"16838\"/>\
         <w:pgMar w:top=\"1134\" w:right=\"851\" w:bottom=\"1134\" w:left=\"1701\" w:header=\"567\" w:footer=\"567\" \
         w:gutter=\"0\"/><w:titlePg/></w:sectPr></w:body></w:document>",
    );
    out
}

fn write(out: &mut String, block: &Block) {
    match block {
        Block::Columns { left, right } => columns(out, left, right),
        Block::Title(runs) => paragraph(out, "Title", "", runs),
        Block::Subtitle(runs) => paragraph(out, "Subtitle", "", runs),
        Block::Rule => {
            // As wide as it is long on paper: what the margins of the text leave, in the middle, 30 mm.
            let border = "<w:pBdr><w:top w:val=\"single\" w:sz=\"6\" w:space=\"1\" w:color=\"auto\"/></w:pBdr>\
                          <w:spacing w:before=\"80\" w:after=\"60\"/><w:ind w:left=\"3827\" w:right=\"3827\"/>";
            paragraph(out, "CellText", border, &[]);
        }
        Block::Section(runs) => paragraph(out, "Heading1", "", runs),
        Block::Subsection(runs) => paragraph(out, "Heading2", "", runs),
        Block::Paragraph(runs) => paragraph(out, "BodyText", "", runs),
        Block::Centered(runs) => paragraph(out, "Centered", "", runs),
        Block::Small(runs) => paragraph(out, "SmallPrint", "", runs),
        Block::Item { list, runs, .. } => {
            let number = format!("<w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"{list}\"/></w:numPr>");
            paragraph(out, "ListNumber", &number, runs);
        }
        Block::Table { header, aligns, rows } => table(out, header, aligns, rows),
    }
}

fn columns(out: &mut String, left: &[Line], right: &[Line]) {
    let widths = [LEFT_WIDTH, TEXT_WIDTH - LEFT_WIDTH];
    begin_table(out, "TableNormal", &widths);
    out.push_str("<w:tr><w:trPr><w:cantSplit/></w:trPr>");
    for (width, lines) in widths.iter().zip([left, right]) {
        begin_cell(out, *width);
        for line in lines {
            let style = match line.style {
                LineStyle::Centered => "ColumnLine",
                LineStyle::Small => "Recipient",
            };
            paragraph(out, style, "", &line.runs);
        }
        if lines.is_empty() {
            paragraph(out, "ColumnLine", "", &[]);
        }
        out.push_str("</w:tc>");
    }
    out.push_str("</w:tr></w:tbl>");
}

fn table(out: &mut String, header: &[Vec<Run>], aligns: &[Align], rows: &[Vec<Vec<Run>>]) {
    let count = rows
        .iter()
        .map(Vec::len)
        .chain([header.len(), 1])
        .max()
        .unwrap_or(1);
    let widths = widths(header, aligns, rows, count);
    begin_table(out, "TableGrid", &widths);
    let row = |out: &mut String, cells: &[Vec<Run>], head: bool| {
        out.push_str("<w:tr><w:trPr><w:cantSplit/>");
        out.push_str(if head {
            "<w:tblHeader/></w:trPr>"
        } else {
            "</w:trPr>"
        });
        for (at, width) in widths.iter().enumerate() {
            begin_cell(out, *width);
            let align = match (head, aligns.get(at).copied().unwrap_or_default()) {
                (true, _) | (false, Align::Center) => "<w:jc w:val=\"center\"/>",
                (false, Align::Right) => "<w:jc w:val=\"right\"/>",
                (false, Align::Left) => "",
            };
            let mut runs = cells.get(at).cloned().unwrap_or_default();
            runs.iter_mut().for_each(|run| run.bold |= head);
            paragraph(out, "CellText", align, &runs);
            out.push_str("</w:tc>");
        }
        out.push_str("</w:tr>");
    };
    if !header.is_empty() {
        row(out, header, true);
    }
    rows.iter().for_each(|cells| row(out, cells, false));
    out.push_str("</w:tbl>");
}

/// A wide letter of the text, in twentieths of a point, and what a cell keeps free at both sides.
const LETTER_WIDTH: usize = 155;
const CELL_MARGINS: usize = 240;

/// Every column gets room for its longest word, so that no word is broken; what is left is shared by the longest texts.
/// Long texts wrap, so their length counts only so far.
fn widths(header: &[Vec<Run>], aligns: &[Align], rows: &[Vec<Vec<Run>>], count: usize) -> Vec<usize> {
    let text = |cell: Option<&Vec<Run>>| -> String {
        cell.map_or_else(String::new, |runs| {
            runs.iter().map(|run| run.text.as_str()).collect()
        })
    };
    let longest = |at: usize, measure: &dyn Fn(&str) -> usize| -> usize {
        let cells = rows.iter().map(|cells| measure(&text(cells.get(at))));
        cells.chain([measure(&text(header.get(at)))]).max().unwrap_or(0)
    };
    let letters = |text: &str| text.chars().count();
    let word = |text: &str| text.split_whitespace().map(letters).max().unwrap_or(0);
    let least = |at| longest(at, &word).max(2) * LETTER_WIDTH + CELL_MARGINS;
    let share = |at: usize| {
        let most = if aligns.get(at) == Some(&Align::Left) {
            40
        } else {
            12
        };
        longest(at, &letters).clamp(4, most)
    };
    let leasts: Vec<usize> = (0..count).map(least).collect();
    let shares: Vec<usize> = (0..count).map(share).collect();
    let (needed, all) = (leasts.iter().sum::<usize>(), shares.iter().sum::<usize>());
    let mut widths: Vec<usize> = match TEXT_WIDTH.checked_sub(needed) {
        Some(free) => leasts
            .iter()
            .zip(&shares)
            .map(|(least, share)| least + free * share / all)
            .collect(),
        None => leasts.iter().map(|least| TEXT_WIDTH * least / needed).collect(),
    };
    let rest = TEXT_WIDTH - widths.iter().sum::<usize>();
    widths.iter_mut().take(1).for_each(|width| *width += rest);
    widths
}

fn begin_table(out: &mut String, style: &str, widths: &[usize]) {
    out.push_str(&format!(
        "<w:tbl><w:tblPr><w:tblStyle w:val=\"{style}\"/><w:tblW w:w=\"{TEXT_WIDTH}\" w:type=\"dxa\"/>\
         <w:tblLayout w:type=\"fixed\"/></w:tblPr><w:tblGrid>"
    ));
    for width in widths {
        out.push_str(&format!("<w:gridCol w:w=\"{width}\"/>"));
    }
    out.push_str("</w:tblGrid>");
}

fn begin_cell(out: &mut String, width: usize) {
    out.push_str(&format!(
        "<w:tc><w:tcPr><w:tcW w:w=\"{width}\" w:type=\"dxa\"/></w:tcPr>"
    ));
}

/// `extra` are properties beside the style, in the order of the schema.
fn paragraph(out: &mut String, style: &str, extra: &str, runs: &[Run]) {
    out.push_str(&format!(
        "<w:p><w:pPr><w:pStyle w:val=\"{style}\"/>{extra}</w:pPr>"
    ));
    for run in runs {
        out.push_str("<w:r>");
        if run.bold || run.italic || run.underline {
            out.push_str("<w:rPr>");
            let looks = [
                (run.bold, "<w:b/>"),
                (run.italic, "<w:i/>"),
                (run.underline, "<w:u w:val=\"single\"/>"),
            ];
            looks
                .iter()
                .filter(|(set, _)| *set)
                .for_each(|(_, look)| out.push_str(look));
            out.push_str("</w:rPr>");
        }
        for (at, line) in run.text.split('\n').enumerate() {
            if at > 0 {
                out.push_str("<w:br/>");
            }
            out.push_str(&format!("<w:t xml:space=\"preserve\">{}</w:t>", escape(line)));
        }
        out.push_str("</w:r>");
    }
    out.push_str("</w:p>");
}
