//! Cuts the text of a section into sentences, each a verbatim piece of it.

use std::ops::Range;

/// Longest piece that is quoted, in bytes; a longer sentence is cut at its semicolons.
const LONG_SENTENCE_BYTES: usize = 600;

/// Byte ranges of the sentences, in order. The marks of clauses and points (`1.`, `a)`, `-`) are left outside.
pub(crate) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end().len();
        let body = start + mark_len(&text[start..end]);
        cut(text, body..end, &mut found);
        start += line.len();
    }
    found
}

/// The length of a clause's or point's mark with the space after it.
fn mark_len(line: &str) -> usize {
    let Some((mark, rest)) = line.split_once(' ') else {
        return 0;
    };
    let bare = mark
        .trim_end_matches(['.', ')', '-', '/'])
        .trim_start_matches('(');
    let number = bare
        .split('.')
        .all(|g| !g.is_empty() && g.len() <= 2 && g.bytes().all(|b| b.is_ascii_digit()));
    let letter = bare.chars().count() == 1 && bare.chars().all(char::is_lowercase);
    let marked = mark.ends_with(['.', ')', '-', '/']) && (number || letter);
    let dash = matches!(mark, "-" | "–" | "+" | "•" | "*");
    if (marked || dash) && !rest.trim().is_empty() {
        mark.len() + 1
    } else {
        0
    }
}

fn cut(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let mut start = range.start;
    let mut push = |from: usize, to: usize| {
        let piece = &text[from..to];
        let lead = piece.len() - piece.trim_start().len();
        let range = from + lead..from + piece.trim_end().len();
        if text[range.clone()].chars().any(char::is_alphanumeric) {
            split_long(text, range, found);
        }
    };
    for (i, c) in text[range.clone()].char_indices() {
        let at = range.start + i + c.len_utf8();
        if matches!(c, '.' | '!' | '?' | '…') && ends_here(text, range.start + i, at, range.end) {
            push(start, at);
            start = at;
        }
    }
    push(start, range.end);
}

/// A full stop ends a sentence only before a space and a capital letter or a quote, and not after an abbreviation of
/// one or two letters or a number (`TP. Hồ Chí Minh`, `C. Mác`, `Mẫu số 3. Biên bản`).
fn ends_here(text: &str, mark: usize, after: usize, end: usize) -> bool {
    let rest = &text[after..end];
    let next = rest.trim_start().chars().next();
    let begins =
        next.is_none_or(|c| c.is_uppercase() || matches!(c, '"' | '“' | '(' | '-') || c.is_ascii_digit());
    let spaced = rest.is_empty() || rest.starts_with(' ');
    let word = text[..mark]
        .rsplit([' ', '\n', '(', '"', '“'])
        .next()
        .unwrap_or("");
    let short = word.chars().count() <= 2 && word.starts_with(char::is_uppercase);
    spaced && begins && (!short || rest.trim().is_empty())
}

fn split_long(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    if range.len() <= LONG_SENTENCE_BYTES {
        found.push(range);
        return;
    }
    let mut start = range.start;
    for (i, _) in text[range.clone()].match_indices("; ") {
        let at = range.start + i + 1;
        found.push(start..at);
        start = at + 1;
    }
    found.push(start..range.end);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_of(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn sentences_end_at_full_stops_and_lines_without_their_marks() {
        assert_eq!(
            cut_of("1. Chi bộ họp. Ghi biên bản!\na) Điểm một;\n- Gạch đầu dòng\n2.1. Có 0,5% và 1.500 đồng"),
            [
                "Chi bộ họp.",
                "Ghi biên bản!",
                "Điểm một;",
                "Gạch đầu dòng",
                "Có 0,5% và 1.500 đồng"
            ]
        );
    }

    #[test]
    fn abbreviations_do_not_end_a_sentence() {
        assert_eq!(
            cut_of("Ở TP. Hồ Chí Minh. C. Mác viết. Hết"),
            ["Ở TP. Hồ Chí Minh.", "C. Mác viết.", "Hết"]
        );
    }

    #[test]
    fn a_very_long_sentence_is_cut_at_its_semicolons() {
        let text = format!(
            "{}; {}",
            "một hai ".repeat(60).trim(),
            "ba bốn ".repeat(60).trim()
        );
        assert_eq!(cut_of(&text).len(), 2);
    }

    proptest::proptest! {
        #[test]
        fn every_sentence_is_a_piece_of_the_text_and_no_word_is_lost(
            text in "((1\\. |a\\) |- )?([A-ZĐa-zơ]{1,8}[ .;!?]{1,2}){0,12}\n){0,5}"
        ) {
            let mut last = 0;
            for range in sentences(&text) {
                proptest::prop_assert!(range.start >= last && range.end <= text.len());
                proptest::prop_assert!(text.get(range.clone()).is_some());
                last = range.end;
            }
            let words = |s: &str| s.split(|c: char| !c.is_alphanumeric()).filter(|w| w.len() > 1).count();
            let kept: usize = cut_of(&text).iter().map(|s| words(s)).sum();
            proptest::prop_assert_eq!(kept, words(&text));
        }
    }
}
