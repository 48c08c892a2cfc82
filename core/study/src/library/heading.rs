//! Recognises one line: is it a heading, a clause, a point, or running text?

use super::document::{ParagraphKind, SectionKind};

/// A heading longer than this is running text that happens to begin with a number, in characters.
const MAX_HEADING_CHARS: usize = 220;
/// A numbered heading of a text without articles is shorter than this, in characters.
const MAX_NUMBERED_CHARS: usize = 160;

/// What a line begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A heading with its number and the words after it.
    Heading {
        kind: SectionKind,
        number: String,
        heading: &'a str,
    },
    /// `1.`, `2.1.`, `1.1-`: a clause inside an article, otherwise perhaps a heading.
    Numbered { number: String, rest: &'a str },
    /// `a)`, `đ)`, `- …`, `(1) …`.
    Inner { kind: ParagraphKind, label: String },
    /// Anything else.
    Text,
}

/// Reads the start of a line. `Điều 5 của Luật này …` and `Chương trình công tác …` are running text, and
/// `Điều 1 (Khoản 2): …` cites another document.
pub(super) fn read(line: &str) -> Line<'_> {
    if let Some(found) = article(line)
        .or_else(|| container(line))
        .or_else(|| roman_part(line))
    {
        return found;
    }
    if let Some((number, rest)) = numbered(line) {
        return Line::Numbered { number, rest };
    }
    match inner(line) {
        Some((kind, label)) => Line::Inner { kind, label },
        None => Line::Text,
    }
}

/// Whether a numbered line reads as a heading: short, and not a sentence.
pub(super) fn is_heading_text(rest: &str) -> bool {
    let length = rest.chars().count();
    length > 0 && length <= MAX_NUMBERED_CHARS && !rest.ends_with(['.', ';', ':', ',', '!', '?'])
}

/// Whether the letters of the line are all capitals, and there are some.
pub(super) fn is_upper(line: &str) -> bool {
    line.chars().any(char::is_alphabetic) && !line.chars().any(char::is_lowercase)
}

fn article(line: &str) -> Option<Line<'_>> {
    let rest = line
        .strip_prefix("Điều ")
        .or_else(|| line.strip_prefix("ĐIỀU "))?
        .trim_start();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || digits > 4 {
        return None;
    }
    let mut end = digits;
    // "Điều 5a": one letter put between two articles by an amendment.
    if let Some(letter) = rest[digits..].chars().next().filter(|c| c.is_lowercase()) {
        end += letter.len_utf8();
    }
    let (number, after) = rest.split_at(end);
    let heading = match after.trim_start().chars().next() {
        None => "",
        Some('.' | ':') => after.trim_start()[1..].trim(),
        Some('-' | '–') if after.starts_with(' ') => {
            after.trim_start().trim_start_matches(['-', '–']).trim()
        }
        Some(_) => return None,
    };
    let number = number.trim_start_matches('0').to_owned();
    (!number.is_empty()).then_some(Line::Heading {
        kind: SectionKind::Article,
        number,
        heading,
    })
}

fn container(line: &str) -> Option<Line<'_>> {
    const WORDS: [(&str, &str, SectionKind); 4] = [
        ("Phần ", "PHẦN ", SectionKind::Part),
        ("Chương ", "CHƯƠNG ", SectionKind::Chapter),
        ("Tiểu mục ", "TIỂU MỤC ", SectionKind::Subdivision),
        ("Mục ", "MỤC ", SectionKind::Division),
    ];
    let (rest, kind) = WORDS.iter().find_map(|(word, capitals, kind)| {
        let rest = line.strip_prefix(word).or_else(|| line.strip_prefix(capitals))?;
        Some((rest.trim_start(), *kind))
    })?;
    let rest = rest
        .strip_prefix("thứ ")
        .or_else(|| rest.strip_prefix("THỨ "))
        .unwrap_or(rest);
    let end = rest.find([' ', '.', ':', '-', '–']).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    let number = container_number(word)?;
    let heading = after.trim_start_matches([' ', '.', ':', '-', '–']).trim();
    let separated = after.trim_start().starts_with(['.', ':', '-', '–']) || heading.is_empty();
    let short = heading.chars().count() <= MAX_HEADING_CHARS;
    // "Mục 3 Chương II Luật này quy định…" is a sentence; "MỤC 3 CÔNG KHAI" is a heading.
    ((separated || is_upper(heading)) && short).then_some(Line::Heading {
        kind,
        number,
        heading,
    })
}

fn container_number(word: &str) -> Option<String> {
    const ORDINALS: [&str; 10] = [
        "nhất", "hai", "ba", "tư", "năm", "sáu", "bảy", "tám", "chín", "mười",
    ];
    let lower = word.to_lowercase();
    if let Some(at) = ORDINALS.iter().position(|o| *o == lower) {
        return Some(roman(at as u32 + 1));
    }
    let arabic = word.len() <= 3 && !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    let letter = word.len() == 1 && word.bytes().all(|b| b.is_ascii_uppercase());
    (arabic || letter || roman_value(word).is_some()).then(|| word.to_owned())
}

fn roman_part(line: &str) -> Option<Line<'_>> {
    let end = line.find(|c: char| !c.is_ascii_uppercase())?;
    let (number, after) = line.split_at(end);
    roman_value(number)?;
    let after = after.trim_start();
    if !after.starts_with(['-', '–', '.', '/', ')']) {
        return None;
    }
    let heading = after.trim_start_matches(['-', '–', '.', '/', ')', ' ']);
    // "C. Mác" is a name, "D. Nội dung" a lettered list; Roman parts are written in capitals or are short.
    let fits = is_upper(heading)
        || (is_heading_text(heading) && number.chars().all(|c| matches!(c, 'I' | 'V' | 'X')));
    (fits && heading.chars().count() <= MAX_HEADING_CHARS).then(|| Line::Heading {
        kind: SectionKind::Part,
        number: number.to_owned(),
        heading,
    })
}

fn numbered(line: &str) -> Option<(String, &str)> {
    let end = line
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(line.len());
    let (number, after) = line.split_at(end);
    let bare = number.trim_end_matches('.');
    let shaped = bare
        .split('.')
        .all(|group| !group.is_empty() && group.len() <= 2 && !group.starts_with('0'));
    let marked = number.ends_with('.') || after.trim_start().starts_with(['-', '–', ')', '/']);
    if !shaped || !marked || bare.split('.').count() > 4 {
        return None;
    }
    let rest = after
        .trim_start()
        .trim_start_matches(['-', '–', ')', '/'])
        .trim_start();
    // A range ("1-3 người") or a date ("1/5/2024") is no number of a clause; nor is "12-HD/BTCTW".
    let spaced = number.ends_with('.') || after.trim_start_matches(['-', '–', ')', '/']).starts_with(' ');
    (spaced && !rest.is_empty()).then(|| (bare.to_owned(), rest))
}

fn inner(line: &str) -> Option<(ParagraphKind, String)> {
    let mut chars = line.chars();
    let first = chars.next()?;
    let second = chars.next();
    if matches!(first, '-' | '–' | '+' | '•' | '*' | '·')
        && second.is_some_and(|c| c == ' ' || c.is_alphabetic())
    {
        return Some((ParagraphKind::Item, first.to_string()));
    }
    if first == '(' {
        let (label, _) = line[1..].split_once(')')?;
        let short = (1..=3).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric());
        return short.then(|| (ParagraphKind::Item, label.to_owned()));
    }
    let letter =
        first.is_lowercase() && matches!(second, Some(')' | '.')) && matches!(chars.next(), Some(' '));
    letter.then(|| (ParagraphKind::Point, first.to_string()))
}

/// The value of a Roman number below 50, in capitals and in its one spelling (`IIII` and `VX` are words).
pub(crate) fn roman_value(word: &str) -> Option<u32> {
    let shaped = word.len() <= 7 && word.bytes().all(|b| matches!(b, b'I' | b'V' | b'X' | b'L'));
    if shaped {
        (1..50).find(|value| roman(*value) == word)
    } else {
        None
    }
}

/// Writes a number below 50 in Roman digits.
pub(crate) fn roman(mut value: u32) -> String {
    const STEPS: [(u32, &str); 6] = [(40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")];
    let mut out = String::new();
    for (step, digits) in STEPS {
        while value >= step {
            out.push_str(digits);
            value -= step;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heading(line: &str) -> Option<(SectionKind, String, String)> {
        match read(line) {
            Line::Heading {
                kind,
                number,
                heading,
            } => Some((kind, number, heading.to_owned())),
            _ => None,
        }
    }

    #[test]
    fn headings_of_laws_are_recognised() {
        for (line, kind, number, words) in [
            (
                "Điều 5. Quyền của công dân",
                SectionKind::Article,
                "5",
                "Quyền của công dân",
            ),
            ("Điều 1.", SectionKind::Article, "1", ""),
            ("Điều 05: Thi hành", SectionKind::Article, "5", "Thi hành"),
            ("ĐIỀU 12a. Bổ sung", SectionKind::Article, "12a", "Bổ sung"),
            (
                "Chương II. CỰU CHIẾN BINH",
                SectionKind::Chapter,
                "II",
                "CỰU CHIẾN BINH",
            ),
            ("CHƯƠNG III", SectionKind::Chapter, "III", ""),
            ("Mục 1. CÔNG KHAI", SectionKind::Division, "1", "CÔNG KHAI"),
            (
                "Tiểu mục 2. BAN THANH TRA",
                SectionKind::Subdivision,
                "2",
                "BAN THANH TRA",
            ),
            ("Phần thứ nhất", SectionKind::Part, "I", ""),
            ("PHẦN THỨ HAI: TỔ CHỨC", SectionKind::Part, "II", "TỔ CHỨC"),
            ("I- TÌNH HÌNH", SectionKind::Part, "I", "TÌNH HÌNH"),
            (
                "IV. Tổ chức thực hiện",
                SectionKind::Part,
                "IV",
                "Tổ chức thực hiện",
            ),
        ] {
            assert_eq!(
                heading(line),
                Some((kind, number.to_owned(), words.to_owned())),
                "{line}"
            );
        }
    }

    #[test]
    fn sentences_that_begin_like_headings_are_running_text() {
        for line in [
            "Điều 5 của Luật này quy định về quyền.",
            "Điều 1 (Khoản 2): Tuổi đời của người vào Đảng",
            "Điều lệ Đảng do Đại hội quyết định.",
            "Chương trình công tác gồm các nội dung cơ bản: mục đích, yêu cầu.",
            "Mục 3 Chương II Luật này quy định chi tiết.",
            "Phần lớn đảng viên tham dự.",
            "C. Mác là lãnh tụ của giai cấp vô sản.",
            "VÌ NƯỚC QUÊN THÂN",
        ] {
            assert_eq!(heading(line), None, "{line}");
        }
    }

    #[test]
    fn numbers_of_clauses_and_party_texts_are_read() {
        for (line, number, rest) in [
            ("1. Cơ sở là xã.", "1", "Cơ sở là xã."),
            ("1- Điều 1 (Khoản 2): Tuổi đời", "1", "Điều 1 (Khoản 2): Tuổi đời"),
            ("1.1- Về tuổi đời", "1.1", "Về tuổi đời"),
            ("2.1. Mục tiêu", "2.1", "Mục tiêu"),
            ("3) Việc khác", "3", "Việc khác"),
        ] {
            assert_eq!(
                read(line),
                Line::Numbered {
                    number: number.into(),
                    rest
                },
                "{line}"
            );
        }
        for line in [
            "1-3 người",
            "12-HD/BTCTW",
            "1/5/2024 là ngày",
            "2024. Năm",
            "0,5% lương",
            "10.000 đồng",
        ] {
            assert_eq!(read(line), Line::Text, "{line}");
        }
    }

    #[test]
    fn points_and_items_are_read() {
        assert_eq!(
            read("đ) Bàn giao"),
            Line::Inner {
                kind: ParagraphKind::Point,
                label: "đ".into()
            }
        );
        assert_eq!(
            read("- Phối hợp"),
            Line::Inner {
                kind: ParagraphKind::Item,
                label: "-".into()
            }
        );
        assert_eq!(
            read("(3) Đổi mới"),
            Line::Inner {
                kind: ParagraphKind::Item,
                label: "3".into()
            }
        );
        assert_eq!(read("(trừ các nội dung) khác"), Line::Text);
    }

    #[test]
    fn roman_numbers_have_one_spelling() {
        for value in 1..50 {
            assert_eq!(roman_value(&roman(value)), Some(value));
        }
        for word in ["IIII", "VX", "", "A", "IC", "LL"] {
            assert_eq!(roman_value(word), None, "{word}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_read_without_a_panic(line in "(Điều |Mục |Chương |[IVX]{1,3}|[0-9.]{1,6})?\\PC{0,40}") {
            let _ = read(&line);
        }
    }
}
