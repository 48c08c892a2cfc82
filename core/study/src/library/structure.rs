//! Recognises the structure of a text: parts, chapters, articles, clauses, points.

use super::document::{MAX_PARAGRAPH_BYTES, MAX_TITLE_CHARS, Paragraph, ParagraphKind, Section, SectionKind};
use super::heading::{Line, is_heading_text, is_upper, read, roman_value};
use super::report::Warning;

/// A text without headings is cut into pieces of about this size, in bytes, so that a search result points near the
/// passage.
const WHOLE_PIECE_BYTES: usize = 6_000;

/// The sections found and what was odd about them.
pub(super) struct Structure {
    pub(super) sections: Vec<Section>,
    pub(super) warnings: Vec<Warning>,
}

/// Recognises the structure of lines that went through [`crate::text::clean_line`].
pub(super) fn recognise(lines: &[String]) -> Structure {
    let lines: Vec<String> = lines
        .iter()
        .filter(|l| !l.is_empty())
        .flat_map(|l| split_long(l))
        .collect();
    let has_articles = lines.iter().any(|line| is_article(line));
    let mut builder = Builder {
        has_articles,
        ..Builder::default()
    };
    let mut i = 0;
    while i < lines.len() {
        let line = &lines[i];
        let next = lines.get(i + 1).map(String::as_str);
        i += if builder.line(line, next) { 2 } else { 1 };
    }
    builder.finish()
}

fn is_article(line: &str) -> bool {
    matches!(
        read(line),
        Line::Heading {
            kind: SectionKind::Article,
            ..
        }
    )
}

/// A line without line breaks, as some HTML has, is cut at sentence ends so that no paragraph is over its limit.
fn split_long(line: &str) -> Vec<String> {
    let mut rest = line;
    let mut out = Vec::new();
    while rest.len() > MAX_PARAGRAPH_BYTES / 2 {
        let window = floor_boundary(rest, MAX_PARAGRAPH_BYTES / 2);
        let cut = [". ", "; ", " "]
            .iter()
            .find_map(|m| rest[..window].rfind(m).map(|at| at + m.len()))
            .unwrap_or(window);
        out.push(rest[..cut].trim_end().to_owned());
        rest = rest[cut..].trim_start();
    }
    out.push(rest.to_owned());
    out
}

fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}

#[derive(Default)]
struct Builder {
    has_articles: bool,
    sections: Vec<Section>,
    warnings: Vec<Warning>,
    last_article: u32,
    /// The last number seen at each depth of `1.`, `1.1.`, `1.1.1.` in a text without articles.
    counters: Vec<u32>,
    /// Inside curly quotes that were opened and not yet closed: an amended text is quoted there.
    quoted: bool,
    attached: bool,
}

impl Builder {
    /// Takes one line; answers whether the next line was taken too, as the heading's words.
    fn line(&mut self, line: &str, next: Option<&str>) -> bool {
        let quoted = self.quoted;
        self.follow_quotes(line);
        if quoted {
            self.paragraph(ParagraphKind::Plain, String::new(), line);
            return false;
        }
        match read(line) {
            Line::Heading {
                kind: SectionKind::Article,
                number,
                heading,
            } => self.article(line, number, heading),
            Line::Heading {
                kind,
                number,
                heading,
            } => {
                if kind == SectionKind::Part && self.has_articles && !heading_word(line) {
                    self.paragraph(ParagraphKind::Plain, String::new(), line);
                    return false;
                }
                // "CHƯƠNG III" alone: its words stand on the next line, in capitals.
                let words = next.filter(|n| heading.is_empty() && is_upper(n) && read(n) == Line::Text);
                self.counters.clear();
                self.section(kind, number, words.unwrap_or(heading));
                return words.is_some();
            }
            Line::Numbered { number, rest } if self.has_articles => {
                let _ = rest;
                self.paragraph(ParagraphKind::Clause, number, line);
            }
            Line::Numbered { number, rest } => self.numbered(line, number, rest),
            Line::Inner { kind, label } => self.paragraph(kind, label, line),
            Line::Text => self.paragraph(ParagraphKind::Plain, String::new(), line),
        }
        false
    }

    fn follow_quotes(&mut self, line: &str) {
        for c in line.chars() {
            match c {
                '“' => self.quoted = true,
                '”' => self.quoted = false,
                _ => {}
            }
        }
    }

    fn article(&mut self, line: &str, number: String, heading: &str) {
        let count: u32 = number
            .trim_end_matches(|c: char| !c.is_ascii_digit())
            .parse()
            .unwrap_or(0);
        let inserted = count == self.last_article && number.ends_with(char::is_lowercase);
        if count == 1 && self.last_article > 0 {
            self.attachment();
        } else if count <= self.last_article && !inserted {
            self.warnings.push(Warning::ArticleOutOfOrder { number });
            self.paragraph(ParagraphKind::Plain, String::new(), line);
            return;
        } else if count > self.last_article + 1 {
            self.warnings.push(Warning::ArticleMissing {
                from: self.last_article + 1,
                to: count - 1,
            });
        }
        self.last_article = count;
        if heading.chars().count() > MAX_TITLE_CHARS {
            self.section(SectionKind::Article, number, "");
            self.paragraph(ParagraphKind::Plain, String::new(), heading);
        } else {
            self.section(SectionKind::Article, number, heading);
        }
    }

    /// Articles that begin anew at 1: a decision puts a regulation in force. The capitals before it are its title.
    fn attachment(&mut self) {
        let mut title: Vec<String> = Vec::new();
        if let Some(last) = self.sections.last_mut() {
            while let Some(p) = last.paragraphs.pop_if(|p| is_upper(&p.text) && title.len() < 4) {
                title.insert(0, p.text);
            }
        }
        let within = self.sections.len();
        // A chapter heading that came just before article 1 belongs to the attachment.
        let chapter = self
            .sections
            .pop_if(|s| s.kind != SectionKind::Article && s.paragraphs.is_empty());
        self.attached = false;
        self.section(SectionKind::Attachment, String::new(), &title.join(" "));
        self.attached = true;
        if let Some(mut chapter) = chapter {
            chapter.level = self.level(chapter.kind, &chapter.number);
            self.sections.push(chapter);
        }
        self.warnings.push(Warning::ArticlesBeginAnew { section: within });
    }

    fn numbered(&mut self, line: &str, number: String, rest: &str) {
        let groups: Vec<u32> = number.split('.').filter_map(|g| g.parse().ok()).collect();
        let depth = groups.len();
        let last = self.counters.get(depth - 1).copied().unwrap_or(0);
        let own = groups[depth - 1];
        let parent_fits = groups[..depth - 1]
            .iter()
            .enumerate()
            .all(|(i, g)| self.counters.get(i) == Some(g));
        // A number out of sequence begins a sentence, not a section ("25. …" of a list continued elsewhere).
        if own != last + 1 || !parent_fits {
            self.paragraph(ParagraphKind::Clause, number, line);
            return;
        }
        self.counters.truncate(depth - 1);
        self.counters.push(own);
        if is_heading_text(rest) {
            self.section(SectionKind::Numbered, number, rest);
        } else {
            self.section(SectionKind::Numbered, number.clone(), "");
            self.paragraph(ParagraphKind::Clause, number, line);
        }
    }

    fn level(&self, kind: SectionKind, number: &str) -> u8 {
        let base = match kind {
            SectionKind::Attachment | SectionKind::Preamble | SectionKind::Whole | SectionKind::Named => {
                return 0;
            }
            SectionKind::Part => 0,
            SectionKind::Chapter => 1,
            SectionKind::Division => 2,
            SectionKind::Subdivision => 3,
            SectionKind::Article => 4,
            SectionKind::Numbered => 4 + number.matches('.').count() as u8,
        };
        base + u8::from(self.attached)
    }

    fn section(&mut self, kind: SectionKind, number: String, heading: &str) {
        let level = self.level(kind, &number);
        let heading: String = heading.chars().take(MAX_TITLE_CHARS).collect();
        self.sections.push(Section {
            kind,
            level,
            number,
            heading,
            paragraphs: Vec::new(),
        });
    }

    fn paragraph(&mut self, kind: ParagraphKind, label: String, text: &str) {
        if self.sections.is_empty() {
            self.section(SectionKind::Preamble, String::new(), "");
        }
        if let Some(section) = self.sections.last_mut() {
            section.paragraphs.push(Paragraph {
                kind,
                label,
                text: text.to_owned(),
            });
        }
    }

    fn finish(mut self) -> Structure {
        if self.quoted {
            self.warnings.push(Warning::QuoteNotClosed);
        }
        if let [only] = self.sections.as_mut_slice()
            && only.kind == SectionKind::Preamble
        {
            let paragraphs = std::mem::take(&mut only.paragraphs);
            self.sections = whole(paragraphs);
            self.warnings.push(Warning::NoHeadings);
        }
        Structure {
            sections: self.sections,
            warnings: self.warnings,
        }
    }
}

/// `Phần …` in words, as against a bare Roman number, which inside a text with articles is an enumeration.
fn heading_word(line: &str) -> bool {
    line.split(' ')
        .next()
        .is_some_and(|word| roman_value(word.trim_end_matches(['.', '-', ')', '/'])).is_none())
}

fn whole(paragraphs: Vec<Paragraph>) -> Vec<Section> {
    let mut pieces: Vec<Vec<Paragraph>> = vec![Vec::new()];
    let mut size = 0;
    for paragraph in paragraphs {
        if size > 0 && size + paragraph.text.len() > WHOLE_PIECE_BYTES {
            pieces.push(Vec::new());
            size = 0;
        }
        size += paragraph.text.len();
        if let Some(piece) = pieces.last_mut() {
            piece.push(paragraph);
        }
    }
    let total = pieces.len();
    let section = |(i, paragraphs)| Section {
        kind: SectionKind::Whole,
        level: 0,
        number: if total == 1 {
            String::new()
        } else {
            format!("{}/{total}", i + 1)
        },
        heading: String::new(),
        paragraphs,
    };
    pieces.into_iter().enumerate().map(section).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn structure(text: &str) -> (Vec<String>, Vec<Warning>) {
        let lines: Vec<String> = text.lines().map(crate::text::clean_line).collect();
        let found = recognise(&lines);
        let shown = found
            .sections
            .iter()
            .map(|s| format!("{}:{}|{}|{}", s.level, s.label(), s.heading, s.paragraphs.len()));
        (shown.collect(), found.warnings)
    }

    #[test]
    fn a_law_is_chapters_articles_and_clauses() {
        let (found, warnings) = structure(
            "QUỐC HỘI\nChương I. QUY ĐỊNH CHUNG\nĐiều 1. Phạm vi\nLuật này.\nĐiều 2. Từ ngữ\n1. Cơ sở.\na) Xã;\n2. Khác.\nCHƯƠNG II\nTỔ CHỨC\nĐiều 3.\nChữ.",
        );
        assert_eq!(
            found,
            [
                "0:Phần mở đầu||1",
                "1:Chương I|QUY ĐỊNH CHUNG|0",
                "4:Điều 1|Phạm vi|1",
                "4:Điều 2|Từ ngữ|3",
                "1:Chương II|TỔ CHỨC|0",
                "4:Điều 3||1"
            ]
        );
        assert!(warnings.is_empty(), "{warnings:?}");
    }

    #[test]
    fn a_party_text_is_roman_parts_and_numbered_headings() {
        let (found, warnings) = structure(
            "I- TÌNH HÌNH\nTrong những năm qua.\nII- MỤC TIÊU\n1. Quan điểm\n(1) Xây dựng.\n2. Mục tiêu, chỉ tiêu\n2.1. Mục tiêu\nĐến năm 2035.\n2.2. Chỉ tiêu\n- GRDP 10%/năm.",
        );
        assert_eq!(
            found,
            [
                "0:Phần I|TÌNH HÌNH|1",
                "0:Phần II|MỤC TIÊU|0",
                "4:Mục 1|Quan điểm|1",
                "4:Mục 2|Mục tiêu, chỉ tiêu|0",
                "5:Mục 2.1|Mục tiêu|1",
                "5:Mục 2.2|Chỉ tiêu|1"
            ]
        );
        assert!(warnings.is_empty(), "{warnings:?}");
    }

    #[test]
    fn a_heading_that_cites_an_article_of_another_document_is_not_that_article() {
        let (found, _) = structure(
            "QUY ĐỊNH\n1- Điều 1 (Khoản 2): Tuổi đời\n1.1- Về tuổi đời\na) Phải đủ 18 tuổi.\n1.2- Về học vấn\nb) Có bằng.",
        );
        assert_eq!(
            found,
            [
                "0:Phần mở đầu||1",
                "4:Mục 1|Điều 1 (Khoản 2): Tuổi đời|0",
                "5:Mục 1.1|Về tuổi đời|1",
                "5:Mục 1.2|Về học vấn|1"
            ]
        );
    }

    #[test]
    fn articles_quoted_by_an_amendment_stay_text_of_the_amending_article() {
        let (found, warnings) = structure(
            "Điều 1. Sửa đổi\nĐiều 5 được sửa như sau:\n“Điều 5. Quyền\nĐiều 6. Nghĩa vụ\n1. Nội dung.”\nĐiều 2. Hiệu lực\nTừ ngày ký.",
        );
        assert_eq!(found, ["4:Điều 1|Sửa đổi|4", "4:Điều 2|Hiệu lực|1"]);
        assert!(warnings.is_empty(), "{warnings:?}");
    }

    #[test]
    fn a_regulation_put_in_force_by_a_decision_counts_its_articles_anew() {
        let (found, warnings) = structure(
            "Điều 1. Ban hành\nKèm theo.\nĐiều 2. Hiệu lực\nTừ ngày ký.\nQUY CHẾ\nLÀM VIỆC CỦA CHI ỦY\nChương I. CHUNG\nĐiều 1. Phạm vi\nQuy chế này.",
        );
        assert_eq!(
            found,
            [
                "4:Điều 1|Ban hành|1",
                "4:Điều 2|Hiệu lực|3",
                "0:Kèm theo||0",
                "2:Chương I|CHUNG|0",
                "5:Điều 1|Phạm vi|1"
            ]
        );
        assert_eq!(warnings.len(), 1);
    }

    #[test]
    fn missing_and_repeated_articles_are_reported() {
        let (found, warnings) = structure("Điều 1. A\nx.\nĐiều 4. B\ny.\nĐiều 3. C\nz.\nĐiều 4a. D\nt.");
        assert_eq!(found.len(), 3);
        assert_eq!(
            warnings,
            [
                Warning::ArticleMissing { from: 2, to: 3 },
                Warning::ArticleOutOfOrder { number: "3".into() }
            ]
        );
    }

    #[test]
    fn a_text_without_headings_is_one_whole_or_numbered_pieces() {
        let (found, warnings) = structure("Kính gửi các đồng chí.\nTrân trọng.");
        assert_eq!(
            (found, warnings),
            (vec!["0:Toàn văn||2".to_owned()], vec![Warning::NoHeadings])
        );
        let long = vec!["Câu văn dài. ".repeat(150); 10].join("\n");
        let (found, _) = structure(&long);
        assert_eq!(found.len(), 5, "{found:?}");
        assert!(found[0].starts_with("0:Toàn văn (1/5)"));
    }

    #[test]
    fn a_line_without_breaks_is_cut_below_the_paragraph_limit() {
        let lines = vec!["Một câu văn. ".repeat(20_000).trim().to_owned()];
        let found = recognise(&lines);
        let paragraphs: Vec<&Paragraph> = found.sections.iter().flat_map(|s| &s.paragraphs).collect();
        assert!(paragraphs.len() > 10 && paragraphs.iter().all(|p| p.text.len() <= MAX_PARAGRAPH_BYTES));
        let joined: Vec<&str> = paragraphs.iter().map(|p| p.text.as_str()).collect();
        assert_eq!(joined.join(" "), lines[0]);
    }

    proptest::proptest! {
        #[test]
        fn every_word_of_any_text_stands_in_some_section(
            lines in proptest::collection::vec("(Điều [0-9]{1,2}\\. |Chương [IVX]{1,2}\\. |[0-9]\\. |“|a\\) )?[a-zđA-Z ”]{0,20}", 0..20)
        ) {
            let lines: Vec<String> = lines.iter().map(|l| crate::text::clean_line(l)).collect();
            let found = recognise(&lines);
            let mut kept = String::new();
            for s in &found.sections {
                kept.push_str(&format!(" {} {} {} ", s.number, s.heading, s.text()));
            }
            for word in lines.iter().flat_map(|l| l.split([' ', '.', ')', '“', '”'])).filter(|w| w.len() > 5) {
                proptest::prop_assert!(kept.contains(word) || ["Chương", "Điều"].contains(&word), "{}", word);
            }
        }
    }
}
