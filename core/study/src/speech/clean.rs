//! What goes in: one line in NFC without invisible characters. What comes out: words with tidy spaces and pauses.

use unicode_normalization::UnicodeNormalization;

/// Characters that show nothing and must not part a word: soft hyphen, zero-width and direction marks, BOM, variation selectors.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

/// NFC, invisible characters gone, look-alikes (dashes, full-width forms, fractions, Ð for Đ) brought to one form.
pub(super) fn clean(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !is_invisible(*c)) {
        match c {
            '\n' => plain.push('\n'),
            _ if c.is_control() || c.is_whitespace() => plain.push(' '),
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '÷' => plain.push('-'),
            '\u{FF01}'..='\u{FF5E}' => plain.extend(char::from_u32(c as u32 - 0xFEE0)),
            // Old fonts put the Icelandic eth and the African D where đ belongs.
            'Ð' | 'Ɖ' => plain.push('Đ'),
            'ð' => plain.push('đ'),
            'º' | '˚' => plain.push('°'),
            '℃' => plain.push_str("°C"),
            '…' => plain.push_str("..."),
            '′' => plain.push('\''),
            '″' => plain.push_str("''"),
            '⁄' | '∕' => plain.push('/'),
            '¼' => plain.push_str(" 1/4"),
            '½' => plain.push_str(" 1/2"),
            '¾' => plain.push_str(" 3/4"),
            '⅓' => plain.push_str(" 1/3"),
            '⅔' => plain.push_str(" 2/3"),
            '⁰' => plain.push('0'),
            '¹' => plain.push('1'),
            '²' => plain.push('2'),
            '³' => plain.push('3'),
            '⁴'..='⁹' => plain.extend(char::from_digit(c as u32 - 0x2070, 10)),
            _ => plain.push(c),
        }
    }
    plain.nfc().collect()
}

/// Lower case with every byte offset kept: a letter whose lower case has another length stays as it is.
pub(super) fn lower_in_place(text: &str) -> String {
    text.chars()
        .map(|c| {
            let mut lower = c.to_lowercase();
            match (lower.next(), lower.next()) {
                (Some(l), None) if l.len_utf8() == c.len_utf8() => l,
                _ => c,
            }
        })
        .collect()
}

/// One space between words, none before a mark, one mark where several met, no pause at either end; NFC.
pub(super) fn tidy(spoken: &str) -> String {
    let mut out = String::with_capacity(spoken.len());
    let mut gap = false;
    for c in spoken.nfc() {
        if c == ' ' {
            gap = true;
        } else if matches!(c, ',' | ';' | ':' | '.' | '!' | '?') {
            let before = out.chars().next_back();
            match (before, c) {
                (None, _) => {}
                (Some(','), ',') => {}
                (Some(','), _) => {
                    out.pop();
                    out.push(c);
                }
                (Some(';' | ':' | '.' | '!' | '?'), ',' | ';' | ':' | '.') => {}
                _ => out.push(c),
            }
            gap = c == ',' || gap;
        } else {
            if gap && !out.is_empty() {
                out.push(' ');
            }
            gap = false;
            out.push(c);
        }
    }
    while out.ends_with([',', ' ']) {
        out.pop();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_hyphens_and_zero_width_marks_leave_no_trace() {
        assert_eq!(clean("ph\u{AD}ương\u{200B} án\u{FEFF}"), "phương án");
    }

    #[test]
    fn combining_marks_parted_by_an_invisible_character_still_compose() {
        assert_eq!(clean("nghi\u{200D}\u{323}"), "nghị");
    }

    #[test]
    fn pauses_that_meet_become_one() {
        assert_eq!(tidy(" , a , , b ,. "), "a, b.");
        assert_eq!(tidy("a : , b , "), "a: b");
    }
}
