//! The three keys of one syllable.

use unicode_normalization::UnicodeNormalization;

/// The three keys of one word. The canonical key is for comparing only: its tone stands at the end as a combining
/// mark, so it is not text to show.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Keys {
    /// Lower-case NFC.
    pub exact: String,
    /// Letters with their shapes (â, ơ, đ), final y as i, the tone mark last.
    pub canonical: String,
    /// Bare letters, đ as d, final y as i.
    pub folded: String,
    /// Bare letters, đ as d, y left alone: what a prefix typed without marks is compared with.
    pub bare: String,
    /// Letters with their shapes and without the tone: what a prefix typed with shapes is compared with.
    pub shape: String,
    /// The tone mark, if any.
    pub tone: Option<char>,
}

/// Whether the character, after canonical decomposition, carries a Vietnamese mark.
fn is_tone(c: char) -> bool {
    matches!(c, '\u{300}' | '\u{301}' | '\u{303}' | '\u{309}' | '\u{323}')
}

fn is_shape(c: char) -> bool {
    matches!(c, '\u{302}' | '\u{306}' | '\u{31b}')
}

fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

/// Whether a word, in any case and form, has a mark that plain typing would lose (a tone, a shape, or đ).
pub fn has_marks(word: &str) -> bool {
    word.nfd()
        .any(|c| is_tone(c) || is_shape(c) || c == 'đ' || c == 'Đ')
}

/// Computes the keys of one word. Total: a word that is no Vietnamese syllable gets keys as well.
pub fn keys(word: &str) -> Keys {
    let exact: String = word.chars().flat_map(char::to_lowercase).nfc().collect();
    if exact.is_ascii() {
        let folded = final_i(&exact);
        return Keys {
            canonical: folded.clone(),
            folded,
            bare: exact.clone(),
            shape: exact.clone(),
            exact,
            tone: None,
        };
    }
    let mut tone = None;
    let mut shaped = String::with_capacity(exact.len() + 4);
    let mut bare = String::with_capacity(exact.len());
    for c in exact.nfd() {
        if is_tone(c) {
            tone = Some(c);
            continue;
        }
        shaped.push(c);
        if c == 'đ' {
            bare.push('d');
        } else if !is_shape(c) {
            bare.push(c);
        }
    }
    let shape: String = shaped.nfc().collect();
    let mut canonical = final_i(&shape);
    canonical.extend(tone);
    Keys {
        canonical,
        folded: final_i(&bare),
        bare,
        shape,
        exact,
        tone,
    }
}

/// The syllables of which the whole rhyme is one letter may be spelt with i or y (`kỷ`, `kỉ`; `quý`, `quí`).
fn final_i(word: &str) -> String {
    let Some(onset) = word.strip_suffix('y') else {
        return word.to_owned();
    };
    let free = onset == "qu" || !onset.chars().any(is_vowel);
    if free && onset.chars().all(|c| c.is_alphabetic()) {
        format!("{onset}i")
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_places_of_the_tone_mark_share_the_canonical_key() {
        for (a, b) in [
            ("hòa", "hoà"),
            ("ủy", "uỷ"),
            ("khỏe", "khoẻ"),
            ("HÓA", "hoá"),
            ("xóa", "xoá"),
        ] {
            assert_eq!(keys(a).canonical, keys(b).canonical, "{a} {b}");
            assert_ne!(keys(a).exact, keys(b).exact);
        }
    }

    #[test]
    fn final_i_and_y_share_the_canonical_key_only_where_spelling_is_free() {
        for (a, b) in [
            ("kỷ", "kỉ"),
            ("lý", "lí"),
            ("tỷ", "tỉ"),
            ("quý", "quí"),
            ("Mỹ", "mĩ"),
        ] {
            assert_eq!(keys(a).canonical, keys(b).canonical, "{a} {b}");
        }
        for (a, b) in [("thúy", "thúi"), ("tay", "tai"), ("ủy", "ủi")] {
            assert_ne!(keys(a).canonical, keys(b).canonical, "{a} {b}");
        }
    }

    #[test]
    fn different_tones_and_shapes_stay_different_until_folded() {
        assert_ne!(keys("bàn").canonical, keys("bản").canonical);
        assert_ne!(keys("đường").canonical, keys("dương").canonical);
        for word in ["bàn", "bản", "BAN", "bẩn"] {
            assert_eq!(keys(word).folded, "ban");
        }
        assert_eq!(keys("Đường").folded, "duong");
        assert_eq!(keys("tuyệt").folded, "tuyet");
        assert_eq!(keys("ở").folded, "o");
    }

    #[test]
    fn decomposed_and_composed_words_have_equal_keys() {
        assert_eq!(keys("nghi\u{323}"), keys("nghị"));
        assert_eq!(keys("quyê\u{301}t"), keys("quyết"));
    }

    #[test]
    fn marks_are_seen_in_any_case_and_form() {
        assert!(has_marks("Đ") && has_marks("nghi\u{323}") && has_marks("ư"));
        assert!(!has_marks("nghi") && !has_marks("12-HD/BTCTW"));
    }

    proptest::proptest! {
        #[test]
        fn keys_of_any_text_do_not_panic_and_folding_is_stable(word in "\\PC{0,20}") {
            let once = keys(&word);
            proptest::prop_assert_eq!(&keys(&once.exact).canonical, &once.canonical);
        }
    }
}
