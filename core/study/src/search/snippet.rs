//! The piece of a section that a result shows.

use super::zone::placed;
use std::ops::Range;

/// Longest snippet, in characters.
pub(super) const SNIPPET_CHARS: usize = 240;
/// Characters before the match that are shown to begin at a sentence.
const LEAD_CHARS: usize = 90;

/// Cuts the stretch of `text` around the words `place` (positions as the index counts them). Verbatim but for an
/// ellipsis at a cut end and line feeds shown as spaces.
pub(super) fn snippet(text: &str, place: Option<(u32, u32)>) -> String {
    let whole = text.chars().count();
    if whole <= SNIPPET_CHARS {
        return text.replace('\n', " ");
    }
    let start = place.map_or(0, |(from, _)| {
        let tokens = placed(text);
        let at = tokens
            .iter()
            .find(|(position, _)| *position >= from)
            .map_or(0, |(_, t)| t.start);
        lead_in(text, at)
    });
    let range = start..cut(text, start);
    let mut out = String::new();
    if range.start > 0 {
        out.push('…');
    }
    out.push_str(&text[range.clone()].trim().replace('\n', " "));
    if range.end < text.len() {
        out.push('…');
    }
    out
}

/// Goes back to the start of the sentence, or at least of a word.
fn lead_in(text: &str, at: usize) -> usize {
    let earliest = text[..at]
        .char_indices()
        .rev()
        .take(LEAD_CHARS)
        .last()
        .map_or(at, |(i, _)| i);
    let window: Range<usize> = earliest..at;
    if earliest == 0 {
        return 0;
    }
    let lead = &text[window];
    let sentence = ["\n", ". ", "; ", "! ", "? "]
        .iter()
        .filter_map(|mark| lead.rfind(mark).map(|i| i + mark.len()))
        .max();
    earliest + sentence.or_else(|| lead.find(' ').map(|i| i + 1)).unwrap_or(0)
}

fn cut(text: &str, start: usize) -> usize {
    let rest = &text[start..];
    let Some((end, _)) = rest.char_indices().nth(SNIPPET_CHARS) else {
        return text.len();
    };
    start + rest[..end].rfind([' ', '\n']).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_shown_whole() {
        assert_eq!(
            snippet("Chi bộ họp.\nGhi biên bản.", Some((4, 5))),
            "Chi bộ họp. Ghi biên bản."
        );
    }

    #[test]
    fn a_long_text_is_cut_around_the_match_at_sentence_and_word() {
        let text = format!(
            "{} Đảng viên nộp giấy trong 30 ngày. {}",
            "Câu đầu rất dài.".repeat(40),
            "Câu sau.".repeat(60)
        );
        let at = placed(&text)
            .iter()
            .find(|(_, t)| t.raw == "giấy")
            .expect("there")
            .0;
        let shown = snippet(&text, Some((at, at + 4)));
        assert!(shown.contains("Đảng viên nộp giấy trong 30 ngày."), "{shown}");
        assert!(shown.starts_with('…') && shown.ends_with('…'));
        assert!(shown.chars().count() <= SNIPPET_CHARS + 2);
    }

    proptest::proptest! {
        #[test]
        fn every_snippet_but_its_ellipses_stands_in_the_text(text in "([a-zđơ]{1,6}[ .\n]{1,2}){0,80}", at in 0u32..200) {
            let shown = snippet(&text, Some((at, at + 2)));
            let inner = shown.trim_start_matches('…').trim_end_matches('…');
            proptest::prop_assert!(text.replace('\n', " ").contains(inner));
        }
    }
}
