//! Splits cleaned text into words and numbers, keeping their places.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A run of letters, possibly ending in digits (`QH15`, `bie6n`).
    Word,
    /// A number, possibly with decimals and a percent sign.
    Number,
}

/// One word or number of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// The characters as they stand.
    pub raw: &'a str,
    /// Byte offset of `raw` in the text.
    pub start: usize,
    /// Word or number.
    pub kind: TokenKind,
    /// For numbers the one spelling they are compared by: no leading zeros, no thousand dots, decimal comma, `%`
    /// attached (`05` → `5`, `1.500` → `1500`, `0.5 %` → `0,5%`). For words the same as `raw`.
    pub value: std::borrow::Cow<'a, str>,
}

impl Token<'_> {
    /// Byte offset just after the token.
    pub fn end(&self) -> usize {
        self.start + self.raw.len()
    }
}

/// Splits text that went through [`super::clean`].
///
/// Hyphens, slashes and all punctuation separate; a decimal point or comma between digits does not. A run of digits
/// followed by letters is two tokens (`12HD`), letters followed by digits are one (`QH15`).
pub fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    Tokens { text, at: 0 }
}

struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let rest = &self.text[self.at..];
        let skip = rest.find(char::is_alphanumeric)?;
        let start = self.at + skip;
        let rest = &self.text[start..];
        let first = rest.chars().next()?;
        let (len, kind) = if first.is_ascii_digit() {
            (number_len(rest), TokenKind::Number)
        } else {
            let len = rest
                .find(|c: char| !c.is_alphanumeric() && !is_mark(c))
                .unwrap_or(rest.len());
            (len, TokenKind::Word)
        };
        let raw = &rest[..len];
        self.at = start + len;
        let value = match kind {
            TokenKind::Word => raw.into(),
            TokenKind::Number => canonical_number(raw).into(),
        };
        Some(Token {
            raw,
            start,
            kind,
            value,
        })
    }
}

/// The length in bytes of the number at the start of `text`, its percent sign included.
fn number_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut end = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    while end + 1 < bytes.len() && matches!(bytes[end], b'.' | b',') && bytes[end + 1].is_ascii_digit() {
        end += 1;
        end += bytes[end..].iter().take_while(|b| b.is_ascii_digit()).count();
    }
    let after = &text[end..];
    if after.starts_with('%') {
        end + 1
    } else if after.starts_with(" %") {
        end + 2
    } else {
        end
    }
}

fn canonical_number(raw: &str) -> String {
    let (digits, percent) = match raw.strip_suffix('%') {
        Some(body) => (body.trim_end(), "%"),
        None => (raw, ""),
    };
    let groups: Vec<&str> = digits.split(['.', ',']).collect();
    let separators: Vec<char> = digits.chars().filter(|c| !c.is_ascii_digit()).collect();
    let trimmed = |s: &str| {
        let t = s.trim_start_matches('0');
        if t.is_empty() {
            "0".to_owned()
        } else {
            t.to_owned()
        }
    };
    let thousands = |mark: char| {
        separators.iter().all(|&c| c == mark)
            && groups[0].len() <= 3
            && groups[1..].iter().all(|g| g.len() == 3)
    };
    let body = match separators.as_slice() {
        [] => trimmed(digits),
        // "0,125" is a decimal in Vietnamese; "1.500" and "1.500.000" are thousands.
        [',' | '.'] if !thousands('.') => format!("{},{}", trimmed(groups[0]), groups[1]),
        _ if thousands('.') => trimmed(&groups.concat()),
        // "1.500.000,5"
        [dots @ .., ','] if dots.iter().all(|&c| c == '.') => {
            let (whole, decimals) = groups.split_at(groups.len() - 1);
            format!("{},{}", trimmed(&whole.concat()), decimals[0])
        }
        // "25.7.2016", "1.1.2": a date or a heading number, not a quantity.
        _ => digits.to_owned(),
    };
    body + percent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        tokens(text).map(|t| t.value.into_owned()).collect()
    }

    #[test]
    fn codes_split_at_their_separators() {
        assert_eq!(values("12-HD/BTCTW"), ["12", "HD", "BTCTW"]);
        assert_eq!(values("10/2022/QH15"), ["10", "2022", "QH15"]);
        assert_eq!(values("12HD"), ["12", "HD"]);
    }

    #[test]
    fn decimals_stay_whole_and_thousands_lose_their_dots() {
        assert_eq!(
            values("0,5% 0.5 % 1.500 đồng 1.500.000,5 (20%)"),
            ["0,5%", "0,5%", "1500", "đồng", "1500000,5", "20%"]
        );
        assert_eq!(
            values("ngày 25.7.2016, mục 2.1."),
            ["ngày", "25.7.2016", "mục", "2,1"]
        );
    }

    #[test]
    fn leading_zeros_do_not_matter() {
        assert_eq!(values("05-NQ 000 007"), ["5", "NQ", "0", "7"]);
    }

    #[test]
    fn offsets_point_at_the_characters() {
        let text = "«Điều 5.» nghi\u{323}!";
        for token in tokens(text) {
            assert_eq!(&text[token.start..token.end()], token.raw);
        }
        assert_eq!(tokens(text).count(), 3);
    }

    #[test]
    fn only_punctuation_has_no_tokens() {
        assert_eq!(tokens("?!… — % //").count(), 0);
    }

    proptest::proptest! {
        #[test]
        fn tokens_of_any_text_lie_in_order_inside_it(text in "\\PC{0,80}") {
            let mut last = 0;
            for token in tokens(&text) {
                proptest::prop_assert!(token.start >= last && !token.raw.is_empty());
                last = token.end();
            }
            proptest::prop_assert!(last <= text.len());
        }

        #[test]
        fn numbers_of_any_shape_have_one_spelling(text in "[0-9.,%]{1,24}") {
            for token in tokens(&text) {
                if token.kind == TokenKind::Number {
                    let again: Vec<String> = values(&token.value);
                    proptest::prop_assert_eq!(again.len(), 1);
                }
            }
        }
    }
}
