//! Word documents: an archive of XML parts, read with zip and quick-xml.

use super::legacy;
use super::numbering::{Level, Numbering};
use super::{Encoding, Extracted, ImportError, MAX_UNPACKED_BYTES, Warning};
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use zip::ZipArchive;
use zip::result::ZipError;

const BODY: &str = "word/document.xml";
const STYLES: &str = "word/styles.xml";
const NUMBERS: &str = "word/numbering.xml";
/// Page headers and footers that are looked at for stamps.
const MARGINS: [&str; 6] = [
    "word/header1.xml",
    "word/header2.xml",
    "word/header3.xml",
    "word/footer1.xml",
    "word/footer2.xml",
    "word/footer3.xml",
];

pub(super) fn extract(bytes: &[u8]) -> Result<Extracted, ImportError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| classify(&e))?;
    let mut budget = MAX_UNPACKED_BYTES;
    let body = part(&mut archive, BODY, &mut budget)?.ok_or(ImportError::BrokenArchive)?;
    let mut words = Words::default();
    if let Some(xml) = part(&mut archive, NUMBERS, &mut budget)? {
        read_numbering(&xml, &mut words.numbering)?;
    }
    if let Some(xml) = part(&mut archive, STYLES, &mut budget)? {
        read_styles(&xml, &mut words)?;
    }
    words.read(&body, BODY)?;
    let lines = std::mem::take(&mut words.lines);
    for name in MARGINS {
        if let Some(xml) = part(&mut archive, name, &mut budget)? {
            words.read(&xml, name)?;
        }
    }
    let mut warnings: Vec<Warning> = words
        .converted
        .iter()
        .map(|(from, pieces)| Warning::Converted {
            from: *from,
            pieces: *pieces,
        })
        .collect();
    if words.pictures > 0 {
        warnings.push(Warning::PicturesLeftOut {
            count: words.pictures,
        });
    }
    Ok(Extracted {
        lines,
        margins: words.lines,
        warnings,
    })
}

fn classify(error: &ZipError) -> ImportError {
    match error {
        ZipError::InvalidPassword => ImportError::PasswordProtected,
        ZipError::UnsupportedArchive(text) if *text == ZipError::PASSWORD_REQUIRED => {
            ImportError::PasswordProtected
        }
        _ => ImportError::BrokenArchive,
    }
}

/// Reads one part as text; `None` if the archive has no such part.
fn part(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    name: &str,
    budget: &mut u64,
) -> Result<Option<String>, ImportError> {
    let file = match archive.by_name(name) {
        Ok(file) => file,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(classify(&error)),
    };
    let mut bytes = Vec::new();
    file.take(*budget + 1)
        .read_to_end(&mut bytes)
        .map_err(|_| ImportError::BrokenArchive)?;
    if bytes.len() as u64 > *budget {
        return Err(ImportError::TooLarge);
    }
    *budget -= bytes.len() as u64;
    let (text, _, bad) = encoding_rs::UTF_8.decode(&bytes);
    if bad {
        Err(ImportError::BrokenArchive)
    } else {
        Ok(Some(text.into_owned()))
    }
}

/// Calls `f` for every event; empty elements come as a start and an end.
fn each_event(
    xml: &str,
    part: &'static str,
    mut f: impl FnMut(&Event<'_>) -> Result<(), quick_xml::Error>,
) -> Result<(), ImportError> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    loop {
        let event = reader.read_event();
        let broken = |reader: &Reader<&[u8]>| ImportError::BrokenXml {
            part,
            at: reader.error_position(),
        };
        match event {
            Ok(Event::Eof) => {
                // A file cut off in the middle of a paragraph ends without an error of its own.
                return if reader.buffer_position() == 0 {
                    Err(broken(&reader))
                } else {
                    Ok(())
                };
            }
            Ok(event) => f(&event).map_err(|_| broken(&reader))?,
            Err(_) => return Err(broken(&reader)),
        }
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, quick_xml::Error> {
    match element.try_get_attribute(name)? {
        Some(found) => Ok(Some(
            found.normalized_value(XmlVersion::Implicit1_0)?.into_owned(),
        )),
        None => Ok(None),
    }
}

fn read_numbering(xml: &str, numbering: &mut Numbering) -> Result<(), ImportError> {
    let (mut definition, mut level, mut list) = (String::new(), 0usize, String::new());
    each_event(xml, NUMBERS, |event| {
        let Event::Start(e) = event else { return Ok(()) };
        let value = attribute(e, "w:val")?.unwrap_or_default();
        let name = e.name();
        match name.as_ref() {
            "w:abstractNum" => definition = attribute(e, "w:abstractNumId")?.unwrap_or_default(),
            "w:lvl" => level = attribute(e, "w:ilvl")?.and_then(|v| v.parse().ok()).unwrap_or(0),
            "w:num" => list = attribute(e, "w:numId")?.unwrap_or_default(),
            "w:abstractNumId" => {
                numbering.lists.insert(list.clone(), value);
            }
            field @ ("w:start" | "w:numFmt" | "w:lvlText") => {
                let levels = numbering.definitions.entry(definition.clone()).or_default();
                let own = levels.entry(level).or_insert_with(|| Level {
                    start: 1,
                    ..Level::default()
                });
                match field {
                    "w:start" => own.start = value.parse().unwrap_or(1),
                    "w:numFmt" => own.format = value,
                    _ => own.text = value,
                }
            }
            _ => {}
        }
        Ok(())
    })
}

fn read_styles(xml: &str, words: &mut Words) -> Result<(), ImportError> {
    let (mut style, mut list, mut level, mut default_run) = (String::new(), None::<String>, 0usize, false);
    each_event(xml, STYLES, |event| {
        match event {
            Event::Start(e) => match e.name().as_ref() {
                "w:style" => {
                    style = attribute(e, "w:styleId")?.unwrap_or_default();
                    (list, level) = (None, 0);
                }
                "w:rPrDefault" => default_run = true,
                "w:ilvl" => level = attribute(e, "w:val")?.and_then(|v| v.parse().ok()).unwrap_or(0),
                "w:numId" => list = attribute(e, "w:val")?,
                "w:rFonts" => {
                    if let Some(font) = attribute(e, "w:ascii")? {
                        let place = if default_run { String::new() } else { style.clone() };
                        words.style_fonts.insert(place, font);
                    }
                }
                _ => {}
            },
            Event::End(e) => match e.name().as_ref() {
                "w:rPrDefault" => default_run = false,
                "w:style" => {
                    if let Some(list) = list.take() {
                        words
                            .numbering
                            .styles
                            .insert(std::mem::take(&mut style), (list, level));
                    }
                }
                _ => {}
            },
            _ => {}
        }
        Ok(())
    })
}

/// Elements whose content is not part of the text: deleted or moved away by tracked changes, or a second drawing of a
/// text box for old programs.
const SKIPPED: [&str; 5] = ["w:del", "w:moveFrom", "mc:Fallback", "w:instrText", "w:fldData"];

/// One open paragraph. Text boxes put paragraphs inside paragraphs, so they stack.
#[derive(Default)]
struct Paragraph {
    text: String,
    style: String,
    list: Option<(String, usize)>,
    run_font: Option<String>,
}

/// Collects the lines of a part.
#[derive(Default)]
struct Words {
    numbering: Numbering,
    /// Font by paragraph style; the empty name holds the default.
    style_fonts: BTreeMap<String, String>,
    lines: Vec<String>,
    open: Vec<Paragraph>,
    /// Rows of tables that are open, each with the number of lines its cells began at.
    rows: Vec<Vec<usize>>,
    skipping: usize,
    in_text: bool,
    converted: BTreeMap<Encoding, usize>,
    pictures: usize,
}

impl Words {
    fn read(&mut self, xml: &str, part: &'static str) -> Result<(), ImportError> {
        let mut depth = 0i64;
        each_event(xml, part, |event| {
            match event {
                Event::Start(e) => {
                    depth += 1;
                    self.start(e)?;
                }
                Event::End(e) => {
                    depth -= 1;
                    self.end(e.name().as_ref());
                }
                Event::Text(t) if self.in_text => self.push(&t.xml10_content()),
                Event::CData(t) if self.in_text => self.push(&t.xml10_content()),
                Event::GeneralRef(r) if self.in_text => {
                    if let Some(c) = r.resolve_char_ref()? {
                        self.push(c.encode_utf8(&mut [0; 4]));
                    } else if let Some(known) = quick_xml::escape::resolve_predefined_entity(r) {
                        self.push(known);
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        if depth != 0 {
            return Err(ImportError::BrokenXml {
                part,
                at: xml.len() as u64,
            });
        }
        Ok(())
    }

    fn start(&mut self, e: &BytesStart<'_>) -> Result<(), quick_xml::Error> {
        let name = e.name();
        let name = name.as_ref();
        if SKIPPED.contains(&name) || self.skipping > 0 {
            self.skipping += 1;
            return Ok(());
        }
        match name {
            "w:p" => self.open.push(Paragraph::default()),
            "w:tr" => self.rows.push(Vec::new()),
            "w:tc" => {
                let at = self.lines.len();
                if let Some(row) = self.rows.last_mut() {
                    row.push(at);
                }
            }
            "w:t" => self.in_text = true,
            "w:drawing" | "w:pict" => self.pictures += 1,
            "w:tab" | "w:br" | "w:cr" | "w:noBreakHyphen" => {
                if let Some(p) = self.open.last_mut() {
                    p.text.push(match name {
                        "w:tab" => ' ',
                        "w:noBreakHyphen" => '-',
                        _ => '\n',
                    });
                }
            }
            "w:r" => {
                if let Some(p) = self.open.last_mut() {
                    p.run_font = None;
                }
            }
            "w:pStyle" | "w:numId" | "w:ilvl" | "w:rFonts" => self.property(name, e)?,
            _ => {}
        }
        Ok(())
    }

    fn property(&mut self, name: &str, e: &BytesStart<'_>) -> Result<(), quick_xml::Error> {
        let value = attribute(e, if name == "w:rFonts" { "w:ascii" } else { "w:val" })?;
        let (Some(p), Some(value)) = (self.open.last_mut(), value) else {
            return Ok(());
        };
        match name {
            "w:pStyle" => {
                p.list = p
                    .list
                    .take()
                    .or_else(|| self.numbering.styles.get(&value).cloned());
                p.style = value;
            }
            "w:rFonts" => p.run_font = Some(value),
            "w:numId" => p.list = Some((value, p.list.as_ref().map_or(0, |(_, level)| *level))),
            _ => {
                let level = value.parse().unwrap_or(0);
                p.list = Some((p.list.take().map_or_else(String::new, |(list, _)| list), level));
            }
        }
        Ok(())
    }

    fn push(&mut self, text: &str) {
        let Some(p) = self.open.last_mut() else { return };
        let font = p
            .run_font
            .as_ref()
            .or_else(|| self.style_fonts.get(&p.style))
            .or_else(|| self.style_fonts.get(""));
        match font.and_then(|f| legacy::font_encoding(f)) {
            Some((encoding, capitals)) => {
                p.text.push_str(&legacy::convert(text, encoding, capitals));
                *self.converted.entry(encoding).or_default() += 1;
            }
            None => p.text.push_str(text),
        }
    }

    fn end(&mut self, name: &str) {
        if self.skipping > 0 {
            self.skipping -= 1;
            return;
        }
        match name {
            "w:t" => self.in_text = false,
            "w:p" => {
                let Some(p) = self.open.pop() else { return };
                let number = match &p.list {
                    Some((list, level)) if !p.text.trim().is_empty() => self.numbering.next(list, *level),
                    _ => String::new(),
                };
                self.lines.push(number + &p.text);
            }
            "w:tr" => {
                if let Some(cells) = self.rows.pop() {
                    self.close_row(&cells);
                }
            }
            _ => {}
        }
    }

    /// A row whose cells hold one line each is one line of the text; other rows stay as they are.
    fn close_row(&mut self, cells: &[usize]) {
        let Some(&first) = cells.first() else { return };
        let ends = cells.iter().skip(1).copied().chain([self.lines.len()]);
        let single = cells.iter().zip(ends).all(|(from, to)| to == from + 1);
        if cells.len() > 1 && single {
            let row: Vec<String> = self
                .lines
                .drain(first..)
                .filter(|l| !l.trim().is_empty())
                .collect();
            self.lines.push(row.join(" | "));
        }
    }
}
