//! Is a word shaped like a Vietnamese syllable? Tells which old encoding a text was written in.

use super::syllable::keys;

/// Initial consonants.
pub(super) const ONSETS: &[&str] = &[
    "", "b", "c", "ch", "d", "đ", "g", "gh", "gi", "h", "k", "kh", "l", "m", "n", "ng", "ngh", "nh", "p",
    "ph", "qu", "r", "s", "t", "th", "tr", "v", "x",
];

/// Final consonants.
pub(super) const CODAS: &[&str] = &["", "c", "ch", "m", "n", "ng", "nh", "p", "t"];

/// Vowel groups with their shapes, without tones.
const NUCLEI: &[&str] = &[
    "a", "ă", "â", "e", "ê", "i", "o", "ô", "ơ", "u", "ư", "y", "ai", "ao", "au", "ay", "âu", "ây", "eo",
    "êu", "ia", "iê", "iêu", "iu", "oa", "oai", "oao", "oay", "oă", "oe", "oeo", "oi", "oo", "ôi", "ơi",
    "ua", "uâ", "uây", "uê", "ui", "uô", "uôi", "uơ", "uy", "uya", "uyê", "uyu", "ưa", "ươ", "ươi", "ươu",
    "ưi", "ưu", "yê", "yêu",
];

/// Whether a word, in any case and form, is a possible Vietnamese syllable.
pub fn is_syllable(word: &str) -> bool {
    let keys = keys(word);
    let shape = keys.shape.as_str();
    let fits = |onset: &str| {
        shape.strip_prefix(onset).is_some_and(|rime| {
            CODAS.iter().any(|coda| {
                rime.strip_suffix(coda)
                    .is_some_and(|nucleus| NUCLEI.contains(&nucleus))
            })
        })
    };
    // "gì", "gìn": the i of the onset is the vowel as well.
    let gi = shape.starts_with("gi") && fits("g");
    let marks = word.chars().flat_map(char::to_lowercase).count();
    marks <= MAX_SYLLABLE_CHARS && (gi || ONSETS.iter().any(|onset| fits(onset)))
}

/// `nghiêng` has seven letters; decomposed marks may double that.
const MAX_SYLLABLE_CHARS: usize = 14;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllables_are_told_from_other_words() {
        for word in [
            "nghiêng",
            "Đảng",
            "quyết",
            "gì",
            "giữ",
            "khuỷu",
            "ủy",
            "yêu",
            "hoặc",
            "ƯƠNG",
            "nghi\u{323}",
        ] {
            assert!(is_syllable(word), "{word}");
        }
        for word in ["§¶ng", "thµnh", "offline", "BTCTW", "ñaûng", "zalo", "12", ""] {
            assert!(!is_syllable(word), "{word}");
        }
    }
}
