//! Old Vietnamese encodings: TCVN3 (fonts `.Vn…`), VNI (fonts `VNI-…`) and Windows-1258.
//!
//! Such text arrives as the Latin-1 characters that share its bytes. Which encoding it is, is told by the font where a
//! format has fonts; otherwise by which reading yields the most Vietnamese syllables.

use super::Encoding;
use crate::text::{clean, is_syllable, tokens};

/// TCVN3: Latin-1 character → Vietnamese letter. Capitals with tones are the same bytes set in a font of capitals.
const TCVN3: &[(char, char)] = &[
    ('µ', 'à'),
    ('¸', 'á'),
    ('¶', 'ả'),
    ('·', 'ã'),
    ('¹', 'ạ'),
    ('¨', 'ă'),
    ('»', 'ằ'),
    ('¾', 'ắ'),
    ('¼', 'ẳ'),
    ('½', 'ẵ'),
    ('Æ', 'ặ'),
    ('©', 'â'),
    ('Ç', 'ầ'),
    ('Ê', 'ấ'),
    ('È', 'ẩ'),
    ('É', 'ẫ'),
    ('Ë', 'ậ'),
    ('®', 'đ'),
    ('Ì', 'è'),
    ('Ð', 'é'),
    ('Î', 'ẻ'),
    ('Ï', 'ẽ'),
    ('Ñ', 'ẹ'),
    ('ª', 'ê'),
    ('Ò', 'ề'),
    ('Õ', 'ế'),
    ('Ó', 'ể'),
    ('Ô', 'ễ'),
    ('Ö', 'ệ'),
    ('×', 'ì'),
    ('Ý', 'í'),
    ('Ø', 'ỉ'),
    ('Ü', 'ĩ'),
    ('Þ', 'ị'),
    ('ß', 'ò'),
    ('ã', 'ó'),
    ('á', 'ỏ'),
    ('â', 'õ'),
    ('ä', 'ọ'),
    ('«', 'ô'),
    ('å', 'ồ'),
    ('è', 'ố'),
    ('æ', 'ổ'),
    ('ç', 'ỗ'),
    ('é', 'ộ'),
    ('¬', 'ơ'),
    ('ê', 'ờ'),
    ('í', 'ớ'),
    ('ë', 'ở'),
    ('ì', 'ỡ'),
    ('î', 'ợ'),
    ('ï', 'ù'),
    ('ó', 'ú'),
    ('ñ', 'ủ'),
    ('ò', 'ũ'),
    ('ô', 'ụ'),
    ('\u{ad}', 'ư'),
    ('õ', 'ừ'),
    ('ø', 'ứ'),
    ('ö', 'ử'),
    ('÷', 'ữ'),
    ('ù', 'ự'),
    ('ú', 'ỳ'),
    ('ý', 'ý'),
    ('û', 'ỷ'),
    ('ü', 'ỹ'),
    ('þ', 'ỵ'),
    ('¡', 'Ă'),
    ('¢', 'Â'),
    ('§', 'Đ'),
    ('£', 'Ê'),
    ('¤', 'Ô'),
    ('¥', 'Ơ'),
    ('¦', 'Ư'),
];

/// VNI letters of one character, lower case.
const VNI_LETTERS: &[(char, char)] = &[
    ('í', 'í'),
    ('ì', 'ì'),
    ('æ', 'ỉ'),
    ('ó', 'ĩ'),
    ('ò', 'ị'),
    ('ô', 'ơ'),
    ('ö', 'ư'),
    ('î', 'ỵ'),
    ('ñ', 'đ'),
];

/// VNI marks after a vowel, lower case: the combining marks they stand for.
const VNI_MARKS: &[(char, &str)] = &[
    ('ù', "\u{301}"),
    ('ø', "\u{300}"),
    ('û', "\u{309}"),
    ('õ', "\u{303}"),
    ('ï', "\u{323}"),
    ('â', "\u{302}"),
    ('á', "\u{302}\u{301}"),
    ('à', "\u{302}\u{300}"),
    ('å', "\u{302}\u{309}"),
    ('ã', "\u{302}\u{303}"),
    ('ä', "\u{323}\u{302}"),
    ('ê', "\u{306}"),
    ('é', "\u{306}\u{301}"),
    ('è', "\u{306}\u{300}"),
    ('ú', "\u{306}\u{309}"),
    ('ü', "\u{306}\u{303}"),
    ('ë', "\u{323}\u{306}"),
];

/// Reads Latin-1 characters as TCVN3.
pub(super) fn from_tcvn3(text: &str, capitals: bool) -> String {
    let letter = |c: char| TCVN3.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to);
    let read = text.chars().map(letter);
    if capitals {
        read.flat_map(char::to_uppercase).collect()
    } else {
        read.collect()
    }
}

/// Reads Latin-1 characters as VNI.
pub(super) fn from_vni(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut vowel = false;
    for c in text.chars() {
        let lower = c.to_lowercase().next().unwrap_or(c);
        if vowel && let Some((_, marks)) = VNI_MARKS.iter().find(|(from, _)| *from == lower) {
            out.push_str(marks);
            vowel = false;
            continue;
        }
        let mut letter = VNI_LETTERS
            .iter()
            .find(|(from, _)| *from == lower)
            .map_or(lower, |(_, to)| *to);
        // 'ô' and 'ö' are ơ and ư and may take a mark themselves.
        vowel = matches!(letter, 'a' | 'e' | 'o' | 'u' | 'y' | 'ơ' | 'ư');
        if c.is_uppercase() {
            letter = letter.to_uppercase().next().unwrap_or(letter);
        } else if lower == c && letter == lower {
            letter = c;
        }
        out.push(letter);
    }
    clean_keeping_lines(&out)
}

fn clean_keeping_lines(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    text.nfc().collect()
}

/// The encoding that a font name tells, and whether the font shows capitals only.
pub(super) fn font_encoding(font: &str) -> Option<(Encoding, bool)> {
    let lower = font.trim().to_ascii_lowercase();
    if lower.starts_with(".vn") {
        return Some((Encoding::Tcvn3, lower.ends_with('h')));
    }
    lower.starts_with("vni-").then_some((Encoding::VniWindows, false))
}

/// Reads `text` as `encoding`.
pub(super) fn convert(text: &str, encoding: Encoding, capitals: bool) -> String {
    match encoding {
        Encoding::Tcvn3 => from_tcvn3(text, capitals),
        Encoding::VniWindows => from_vni(text),
        Encoding::Utf8 | Encoding::Utf16 | Encoding::Windows1258 => text.to_owned(),
    }
}

/// How Vietnamese a text reads: words with characters beyond ASCII that are syllables, and all such words.
fn syllables(text: &str) -> (usize, usize) {
    let text = clean(text);
    let marked = tokens(&text).filter(|t| !t.raw.is_ascii());
    marked.fold((0, 0), |(good, all), t| {
        (good + usize::from(is_syllable(t.raw)), all + 1)
    })
}

/// Marked words needed before the reading of a text is doubted.
const MIN_MARKED_WORDS: usize = 3;

/// Which old encoding the characters of `text` are in, if reading it so makes it clearly more Vietnamese.
pub(super) fn detect(text: &str) -> Option<Encoding> {
    let sample: String = text.chars().take(SAMPLE_CHARS).collect();
    // Only Latin-1 letters occur in such text; a single letter like ế or ư proves Unicode.
    let (as_is, words) = syllables(&sample);
    let best = [Encoding::Tcvn3, Encoding::VniWindows]
        .into_iter()
        .map(|e| {
            let (good, all) = syllables(&convert(&sample, e, false));
            (good * 1000 / all.max(1), e)
        })
        .max_by_key(|(share, _)| *share)?;
    let now = as_is * 1000 / words.max(1);
    (words >= MIN_MARKED_WORDS && best.0 > 600 && best.0 > now + 300).then_some(best.1)
}

/// Characters that are looked at to tell the encoding.
const SAMPLE_CHARS: usize = 20_000;

/// Reads bytes that are not UTF-8: the reading with the most syllables wins, if it is Vietnamese at all.
pub(super) fn decode_bytes(bytes: &[u8]) -> Option<(String, Encoding)> {
    let latin: String = bytes.iter().map(|b| char::from(*b)).collect();
    let (windows, _, _) = encoding_rs::WINDOWS_1258.decode(bytes);
    let candidates = [
        (clean_keeping_lines(&windows), Encoding::Windows1258),
        (from_tcvn3(&latin, false), Encoding::Tcvn3),
        (from_vni(&latin), Encoding::VniWindows),
    ];
    candidates
        .into_iter()
        .map(|(text, encoding)| {
            let (good, all) = syllables(&text.chars().take(SAMPLE_CHARS).collect::<String>());
            (good * 1000 / all.max(1), text, encoding)
        })
        .filter(|(share, _, _)| *share > 600)
        .max_by_key(|(share, _, _)| *share)
        .map(|(_, text, encoding)| (text, encoding))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tcvn3_is_read() {
        assert_eq!(
            from_tcvn3("§¶ng Céng s¶n ViÖt Nam", false),
            "Đảng Cộng sản Việt Nam"
        );
        assert_eq!(
            from_tcvn3("®¹i héi chi bé, ng\u{ad}êi", false),
            "đại hội chi bộ, người"
        );
        assert_eq!(from_tcvn3("NghÞ quyÕt", true), "NGHỊ QUYẾT");
    }

    #[test]
    fn vni_is_read() {
        assert_eq!(from_vni("Ñaûng Coäng saûn Vieät Nam"), "Đảng Cộng sản Việt Nam");
        assert_eq!(
            from_vni("ngöôøi, Chi boä, quyeát ñònh, kyû luaät"),
            "người, Chi bộ, quyết định, kỷ luật"
        );
        assert_eq!(from_vni("ÑAÛNG UÛY XAÕ"), "ĐẢNG ỦY XÃ");
    }

    #[test]
    fn every_letter_of_tcvn3_and_vni_is_in_its_table_once() {
        let letters: std::collections::BTreeSet<char> = TCVN3.iter().map(|(_, to)| *to).collect();
        assert_eq!((TCVN3.len(), letters.len()), (74, 74));
        let from: std::collections::BTreeSet<char> = TCVN3.iter().map(|(from, _)| *from).collect();
        assert_eq!(from.len(), 74);
    }

    #[test]
    fn the_encoding_is_told_by_which_reading_is_vietnamese() {
        assert_eq!(
            detect("Chi bé häp th\u{ad}êng kú mçi th¸ng mét lÇn"),
            Some(Encoding::Tcvn3)
        );
        assert_eq!(
            detect("Chi boä hoïp thöôøng kyø moãi thaùng moät laàn"),
            Some(Encoding::VniWindows)
        );
        assert_eq!(detect("Chi bộ họp thường kỳ mỗi tháng một lần"), None);
        assert_eq!(detect("plain English text, nothing more"), None);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_read_by_the_best_table() {
        let tcvn3 = b"Chi b\xe9 h\xe4p th\xad\xeang k\xfa m\xe7i th\xb8ng m\xe9t l\xc7n";
        assert_eq!(
            decode_bytes(tcvn3),
            Some((
                "Chi bộ họp thường kỳ mỗi tháng một lần".to_owned(),
                Encoding::Tcvn3
            ))
        );
        let (windows, _, _) =
            encoding_rs::WINDOWS_1258.encode("Chi bô\u{323} ho\u{323}p thươ\u{300}ng ky\u{300}");
        assert_eq!(
            decode_bytes(&windows),
            Some(("Chi bộ họp thường kỳ".to_owned(), Encoding::Windows1258))
        );
        assert_eq!(decode_bytes(&[0xff, 0x81, 0x8d, 0x90, 0x9d, 0xff, 0xfe]), None);
    }

    #[test]
    fn fonts_tell_their_encoding() {
        assert_eq!(font_encoding(".VnTimeH"), Some((Encoding::Tcvn3, true)));
        assert_eq!(font_encoding(".VnArial"), Some((Encoding::Tcvn3, false)));
        assert_eq!(font_encoding("VNI-Times"), Some((Encoding::VniWindows, false)));
        assert_eq!(font_encoding("Times New Roman"), None);
    }
}
