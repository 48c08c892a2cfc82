//! The words of a query as they were meant: cleaned, split, and with raw Telex or VNI keystrokes decoded.

use super::vocabulary::Vocabulary;
use crate::library::document_types;
use crate::text::{Keys, TokenKind, clean, has_marks, keys, telex, tokens, vni};

/// One word of a query.
#[derive(Clone, Debug)]
pub(super) struct Typed {
    /// As typed.
    pub(super) raw: String,
    /// Keys of the word as meant.
    pub(super) keys: Keys,
    pub(super) kind: TokenKind,
    /// What stands between this word and the next.
    pub(super) after: String,
    /// Inside straight or curly quotes: the words must stand together.
    pub(super) quoted: bool,
}

impl Typed {
    pub(super) fn is_number(&self) -> bool {
        self.kind == TokenKind::Number
    }

    /// Whether the next word follows without a space: `12-HD`, `HD/BTCTW`, `12HD`.
    pub(super) fn tight(&self) -> bool {
        self.after.is_empty()
            || matches!(self.after.trim(), "-" | "/" | "–")
                && self.after.len() <= 3
                && !self.after.contains("  ")
    }

    pub(super) fn has_marks(&self) -> bool {
        has_marks(&self.keys.exact)
    }
}

/// A query as typed words.
#[derive(Clone, Debug, Default)]
pub(super) struct TypedQuery {
    pub(super) words: Vec<Typed>,
    /// Whether the last word may go on: no space was typed after it.
    pub(super) open: bool,
}

impl TypedQuery {
    /// Whether any word has marks: then words without marks are meant without marks.
    pub(super) fn has_marks(&self) -> bool {
        self.words.iter().any(Typed::has_marks)
    }
}

pub(super) fn read(query: &str, vocabulary: &Vocabulary) -> TypedQuery {
    let text = split_codes(&clean(query), vocabulary);
    let found: Vec<_> = tokens(&text).collect();
    let mut words = Vec::with_capacity(found.len());
    for (i, token) in found.iter().enumerate() {
        let next = found.get(i + 1).map_or(text.len(), |t| t.start);
        let before = &text[..token.start];
        let quotes = before.matches(['"', '“', '”']).count();
        words.push(Typed {
            raw: token.raw.to_owned(),
            keys: meant(token.raw, &token.value, token.kind, vocabulary),
            kind: token.kind,
            after: text[token.end()..next].to_owned(),
            quoted: quotes % 2 == 1 && text[token.end()..].contains(['"', '”']),
        });
    }
    let open = text.ends_with(char::is_alphanumeric);
    TypedQuery { words, open }
}

/// `HD12` is a type and a number, unless the index has the very word (`QH15`).
fn split_codes(text: &str, vocabulary: &Vocabulary) -> String {
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for token in tokens(text).filter(|t| t.kind == TokenKind::Word) {
        let digits = token
            .raw
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(token.raw.len());
        let (letters, number) = token.raw.split_at(digits);
        let shaped =
            letters.chars().count() > 1 && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let abbreviation = || {
            let folded = keys(letters).bare;
            document_types().any(|t| keys(t.abbreviation).bare == folded)
        };
        let unknown = || vocabulary.folded(&keys(token.raw).folded).next().is_none();
        if shaped && unknown() && abbreviation() {
            out.push_str(&text[end..token.start + digits]);
            out.push('-');
            end = token.start + digits;
        } else if text[..token.start].ends_with(|c: char| c.is_ascii_digit())
            && number.is_empty()
            && unknown()
            && let Some(kind) = glued_type(letters, vocabulary)
        {
            out.push_str(&text[end..token.start + kind]);
            out.push('/');
            end = token.start + kind;
        }
    }
    out.push_str(&text[end..]);
    out
}

/// The length of the type in `qdtu`, where the rest is the issuer of a code of the index.
fn glued_type(letters: &str, vocabulary: &Vocabulary) -> Option<usize> {
    let borders = letters.char_indices().map(|(at, _)| at).skip(1);
    let fits = |at: &usize| {
        let (kind, issuer) = letters.split_at(*at);
        let folded = keys(kind).bare;
        document_types().any(|t| keys(t.abbreviation).bare == folded)
            && vocabulary.folded(&keys(issuer).folded).next().is_some()
    };
    // The longest type: `cttw` is a `ct` of `tw`, and `cthu` no `c`.
    borders.filter(fits).last()
}

/// Words that name sections and need not stand in any text.
const LABEL_WORDS: [&str; 7] = ["điều", "khoản", "mục", "chương", "phần", "số", "năm"];

/// Raw keystrokes are decoded only if the word as typed is nowhere in the index and the decoded one is.
fn meant(raw: &str, value: &str, kind: TokenKind, vocabulary: &Vocabulary) -> Keys {
    let typed = keys(value);
    if kind == TokenKind::Number || vocabulary.folded(&typed.folded).next().is_some() {
        return typed;
    }
    let known = |word: &String| {
        let key = keys(word).canonical;
        vocabulary.canonical(&key).next().is_some()
            || LABEL_WORDS.iter().any(|label| keys(label).canonical == key)
    };
    let decoded = telex(raw).filter(known).or_else(|| vni(raw).filter(known));
    decoded.map_or(typed, |word| keys(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(words: &str) -> Vocabulary {
        let mut v = Vocabulary::default();
        for word in words.split(' ') {
            let id = v.intern(word);
            v.count(id, true);
        }
        v
    }

    fn meant_words(query: &str, v: &Vocabulary) -> String {
        let words: Vec<String> = read(query, v).words.into_iter().map(|w| w.keys.exact).collect();
        words.join(" ")
    }

    #[test]
    fn keystrokes_are_decoded_only_where_the_index_has_the_word() {
        let v = vocabulary("nghị quyết tháng biên bản đảng phí chi bộ của");
        assert_eq!(meant_words("nghij quyeets thangs 4", &v), "nghị quyết tháng 4");
        assert_eq!(meant_words("bie6n ba3n", &v), "biên bản");
        assert_eq!(meant_words("cuar chi bo", &v), "của chi bo");
        assert_eq!(meant_words("hoawcj", &v), "hoawcj", "not in the index");
    }

    #[test]
    fn a_word_of_the_index_is_never_taken_for_keystrokes() {
        let v = vocabulary("cas cá");
        assert_eq!(meant_words("cas", &v), "cas");
    }

    #[test]
    fn quotes_tightness_and_openness_are_noted() {
        let v = vocabulary("a");
        let q = read("12-HD/BTCTW \"bỏ phiếu\" kín", &v);
        let tight: Vec<bool> = q.words.iter().map(Typed::tight).collect();
        assert_eq!(tight, [true, true, false, false, false, true]);
        let quoted: Vec<bool> = q.words.iter().map(|w| w.quoted).collect();
        assert_eq!(quoted, [false, false, false, true, true, false]);
        assert!(q.open && !read("kín ", &v).open);
    }
}
