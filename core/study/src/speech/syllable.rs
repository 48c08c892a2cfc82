//! Is this run of letters a Vietnamese syllable? It tells "ĐẢNG" (a word in capitals) from "GRDP" (an abbreviation).

use unicode_normalization::UnicodeNormalization;

/// Two-letter and three-letter onsets stand before their own beginnings, so that the longest is tried first.
const ONSETS: [&str; 28] = [
    "ngh", "ng", "nh", "th", "tr", "ch", "gh", "gi", "kh", "ph", "qu", "b", "c", "d", "đ", "g", "h", "k",
    "l", "m", "n", "p", "r", "s", "t", "v", "x", "",
];

/// Every rhyme in use, without its tone.
const RHYMES: &str = "a ac ach ai am an ang anh ao ap at au ay ăc ăm ăn ăng ăp ăt âc âm ân âng âp ât âu ây \
    e ec em en eng eo ep et ê êch êm ên êng ênh êp êt êu i ia ich iêc iêm iên iêng iêp iêt iêu im in inh ip it iu \
    o oa oac oach oai oam oan oang oanh oao oap oat oay oăc oăm oăn oăng oăt oc oe oen oeo oet oi om on ong ooc oong \
    op ot ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt u ua uân uâng uât uây uê uêch uênh uêu uc ui um un ung uôc uôi \
    uôm uôn uông uôt uơ up ut uy uya uych uynh uyên uyêt uyt uyu ư ưa ưc ưi ưm ưn ưng ươc ươi ươm ươn ương ươp ươt \
    ươu ưt ưu y yêm yên yêng yêt yêu ynh ych yt";

/// True when `word` (any case, NFC) can be read as one Vietnamese syllable.
pub(super) fn is_syllable(word: &str) -> bool {
    let toneless: String = word
        .nfd()
        .filter(|c| !matches!(c, '\u{300}' | '\u{301}' | '\u{303}' | '\u{309}' | '\u{323}'))
        .nfc()
        .flat_map(char::to_lowercase)
        .collect();
    ONSETS.iter().any(|onset| {
        toneless
            .strip_prefix(onset)
            .is_some_and(|rhyme| RHYMES.split_whitespace().any(|known| known == rhyme))
    })
}

#[cfg(test)]
mod tests {
    use super::is_syllable;

    #[test]
    fn words_of_official_headings_are_syllables() {
        for word in
            "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM ĐẢNG UỶ QUYẾT NGHỊ QUỐC GIÁM SÁT KHUYẾN NGUYỄN THUỶ GIỮ Ở Ý"
                .split(' ')
        {
            assert!(is_syllable(word), "{word}");
        }
    }

    #[test]
    fn abbreviations_and_roman_numerals_are_not_syllables() {
        for word in "GRDP UBND HĐND BCH QR III XIII TW CCB X HTX B".split(' ') {
            assert!(!is_syllable(word), "{word}");
        }
    }
}
