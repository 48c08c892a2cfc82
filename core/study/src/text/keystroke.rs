//! Reads raw Telex and VNI keystrokes, as they arrive when the input method was off.
//!
//! Both decoders answer `None` for a word that holds no keystroke of their method or that does not come out as one
//! Vietnamese syllable. The caller decides whether the reading makes sense: it keeps it only if the text holds the word.

use super::validity::{CODAS, ONSETS};
use unicode_normalization::UnicodeNormalization;

/// Longest word, in bytes, that is looked at: the longest syllable (`nghiêng`) takes ten keys in either method.
const MAX_KEYS: usize = 14;

const GRAVE: char = '\u{300}';
const ACUTE: char = '\u{301}';
const TILDE: char = '\u{303}';
const HOOK: char = '\u{309}';
const DOT: char = '\u{323}';

/// Decodes Telex: `nghij` → `nghị`, `ddangr` → `đảng`, `quyeets` → `quyết`. Lower-case out.
pub fn telex(word: &str) -> Option<String> {
    let mut letters = Letters::start(word)?;
    let mut used = false;
    for c in word.chars() {
        let c = c.to_ascii_lowercase();
        let done = match c {
            's' => letters.tone(Some(ACUTE)),
            'f' => letters.tone(Some(GRAVE)),
            'r' => letters.tone(Some(HOOK)),
            'x' => letters.tone(Some(TILDE)),
            'j' => letters.tone(Some(DOT)),
            'z' => letters.tone(None),
            'w' => letters.horn_or_breve() || letters.push_horned_u(),
            'd' => letters.stroke(),
            'a' | 'e' | 'o' => letters.circumflex(Some(c)),
            _ => false,
        };
        if done {
            used = true;
        } else {
            letters.push(c);
        }
    }
    if used { letters.finish() } else { None }
}

/// Decodes VNI: `bie6n` → `biên`, `d9a3ng` → `đảng`. Lower-case out.
pub fn vni(word: &str) -> Option<String> {
    let mut letters = Letters::start(word)?;
    let mut used = false;
    for c in word.chars() {
        let done = match c {
            '0' => letters.tone(None),
            '1' => letters.tone(Some(ACUTE)),
            '2' => letters.tone(Some(GRAVE)),
            '3' => letters.tone(Some(HOOK)),
            '4' => letters.tone(Some(TILDE)),
            '5' => letters.tone(Some(DOT)),
            '6' => letters.circumflex(None),
            '7' => letters.mark_last(&['o', 'u'], 'ơ', 'ư'),
            '8' => letters.breve(),
            '9' => letters.stroke(),
            _ => {
                letters.push(c.to_ascii_lowercase());
                continue;
            }
        };
        if !done {
            return None;
        }
        used = true;
    }
    if used { letters.finish() } else { None }
}

/// The letters typed so far, without the tone, which is placed at the end.
struct Letters {
    out: Vec<char>,
    tone: Option<char>,
}

fn is_vowel(c: char) -> bool {
    matches!(
        c,
        'a' | 'ă' | 'â' | 'e' | 'ê' | 'i' | 'o' | 'ô' | 'ơ' | 'u' | 'ư' | 'y'
    )
}

impl Letters {
    fn start(word: &str) -> Option<Self> {
        let fits = word.len() <= MAX_KEYS && word.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| Self {
            out: Vec::with_capacity(word.len()),
            tone: None,
        })
    }

    fn push(&mut self, c: char) {
        self.out.push(c);
    }

    /// A tone key counts only after a vowel; before it, it is a consonant (`s` of `sinh`).
    /// Taking a tone away (`z`, `0`) counts only after one was set.
    fn tone(&mut self, tone: Option<char>) -> bool {
        let counts = self.out.iter().any(|&c| is_vowel(c)) && (tone.is_some() || self.tone.is_some());
        if counts {
            self.tone = tone;
        }
        counts
    }

    /// The vowel `which` (any of a, e, o when `None`) nearest to the end gets its circumflex.
    fn circumflex(&mut self, which: Option<char>) -> bool {
        let position = self.out.iter().rposition(|&c| match which {
            Some(v) => c == v,
            None => matches!(c, 'a' | 'e' | 'o'),
        });
        let Some(at) = position else { return false };
        self.out[at] = match self.out[at] {
            'a' => 'â',
            'e' => 'ê',
            _ => 'ô',
        };
        true
    }

    /// Telex `w`: `uo` → `ươ`, `a` → `ă`, `o` → `ơ`, `u` → `ư`, wherever the vowel stands.
    fn horn_or_breve(&mut self) -> bool {
        self.mark_last(&['o', 'u'], 'ơ', 'ư') || self.breve()
    }

    fn push_horned_u(&mut self) -> bool {
        let free = !self.out.iter().any(|&c| is_vowel(c));
        if free {
            self.out.push('ư');
        }
        free
    }

    fn mark_last(&mut self, which: &[char], o: char, u: char) -> bool {
        if let Some(at) = self
            .out
            .windows(2)
            .rposition(|w| matches!(w, ['u' | 'ư', 'o' | 'ơ']))
        {
            // "quơ" keeps its u: there it belongs to the consonant.
            let after_q = at > 0 && self.out[at - 1] == 'q';
            let changed = self.out[at + 1] == 'o' || (self.out[at] == 'u' && !after_q);
            self.out[at + 1] = 'ơ';
            if !after_q {
                self.out[at] = 'ư';
            }
            return changed;
        }
        let Some(at) = self.out.iter().rposition(|c| which.contains(c)) else {
            return false;
        };
        // In "oa" the w belongs to the a ("hoawcj" is "hoặc"); in "ua" it belongs to the u ("muaw" is "mưa").
        if self.out[at] == 'o' && self.out.get(at + 1) == Some(&'a') {
            return false;
        }
        self.out[at] = if self.out[at] == 'o' { o } else { u };
        true
    }

    fn breve(&mut self) -> bool {
        let Some(at) = self.out.iter().rposition(|&c| c == 'a') else {
            return false;
        };
        self.out[at] = 'ă';
        true
    }

    fn stroke(&mut self) -> bool {
        let first = self.out.first() == Some(&'d');
        if first {
            self.out[0] = 'đ';
        }
        first
    }

    /// Puts the tone on some vowel (its place does not matter to the keys) and checks the shape of a syllable.
    fn finish(self) -> Option<String> {
        let first = self.out.iter().position(|&c| is_vowel(c))?;
        let skip_q = usize::from(first > 0 && self.out[first - 1] == 'q' && self.out[first] == 'u');
        let nucleus = first + skip_q;
        let vowels = self.out[nucleus.min(self.out.len())..]
            .iter()
            .take_while(|c| is_vowel(**c))
            .count();
        let tail: String = self.out[nucleus + vowels..].iter().collect();
        let head: String = self.out[..nucleus].iter().collect();
        if vowels == 0 || vowels > 3 || !CODAS.contains(&tail.as_str()) || !ONSETS.contains(&head.as_str()) {
            return None;
        }
        let group = &self.out[nucleus..nucleus + vowels];
        let shaped = group
            .iter()
            .rposition(|c| matches!(c, 'ă' | 'â' | 'ê' | 'ô' | 'ơ' | 'ư'));
        let at = nucleus
            + shaped.unwrap_or(if vowels > 1 && tail.is_empty() {
                vowels - 2
            } else {
                vowels - 1
            });
        let mut word = String::new();
        for (i, c) in self.out.iter().enumerate() {
            word.push(*c);
            if i == at {
                word.extend(self.tone);
            }
        }
        Some(word.nfc().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telex_keystrokes_become_words() {
        for (keys, word) in [
            ("nghij", "nghị"),
            ("quyeets", "quyết"),
            ("thangs", "tháng"),
            ("ddangr", "đảng"),
            ("phis", "phí"),
            ("dduwowngf", "đường"),
            ("dduowngf", "đường"),
            ("ngwowif", "người"),
            ("nguowif", "người"),
            ("tuw", "tư"),
            ("hoas", "hóa"),
            ("uyr", "ủy"),
            ("giaos", "giáo"),
            ("vieetj", "việt"),
            ("DDieeuf", "điều"),
            ("hoawcj", "hoặc"),
            ("bieenr", "biển"),
            ("quys", "quý"),
            ("luaatj", "luật"),
            ("muwa", "mưa"),
        ] {
            assert_eq!(telex(keys).as_deref(), Some(word), "{keys}");
        }
    }

    #[test]
    fn telex_leaves_words_of_other_languages_alone() {
        for word in [
            "offline", "camera", "thang", "chi", "BTCTW", "online", "QH15", "quiz",
        ] {
            assert_eq!(telex(word), None, "{word}");
        }
    }

    #[test]
    fn vni_keystrokes_become_words() {
        for (keys, word) in [
            ("bie6n", "biên"),
            ("ba3n", "bản"),
            ("d9a3ng", "đảng"),
            ("phi1", "phí"),
            ("d9u7o7ng2", "đường"),
            ("d9uo7ng2", "đường"),
            ("nghi5", "nghị"),
            ("quye6t1", "quyết"),
            ("d9ie62u", "điều"),
            ("a8n", "ăn"),
        ] {
            assert_eq!(vni(keys).as_deref(), Some(word), "{keys}");
        }
    }

    #[test]
    fn vni_leaves_codes_and_plain_words_alone() {
        for word in ["bien", "QH15", "H9", "BTCTW"] {
            assert_eq!(vni(word), None, "{word}");
        }
    }

    proptest::proptest! {
        #[test]
        fn decoding_any_keys_does_not_panic(word in "[a-zA-Z0-9]{0,20}") {
            let _ = (telex(&word), vni(&word));
        }
    }
}
