//! The walk over one cleaned line: at every position the first rule that recognises something speaks it.

use super::{
    Region, calendar, clean, clock, code, heads, identifier, punctuation, quantity, roman, share, word,
};

/// What the last rule spoke, for the rules that look back ("2020 - 2025", "Đại hội XI, XII").
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Said {
    /// Nothing that matters to what follows.
    Plain,
    /// A quantity with this value and this many digits before the comma.
    Number { value: f64, digits: usize },
    /// A day with its month.
    Date,
    /// A month with its year.
    Month,
    /// A time of day.
    Time,
    /// A Roman numeral.
    Roman,
}

/// One line on its way from written to spoken.
pub(super) struct Scan<'a> {
    /// The cleaned line.
    pub line: &'a str,
    /// The same in lower case, with the same byte offsets.
    pub lower: String,
    /// Byte offset of the next unread character.
    pub at: usize,
    /// What has been spoken so far.
    pub out: String,
    /// Whose number words are used.
    pub region: Region,
    /// What the last rule spoke, and where its source ended.
    pub said: (Said, usize),
}

impl<'a> Scan<'a> {
    pub(super) fn new(line: &'a str, region: Region) -> Self {
        let (lower, out) = (clean::lower_in_place(line), String::with_capacity(line.len() * 2));
        Self {
            line,
            lower,
            at: 0,
            out,
            region,
            said: (Said::Plain, 0),
        }
    }

    /// Speaks the whole line.
    pub(super) fn run(mut self, begins_line: bool) -> String {
        if begins_line {
            heads::line_start(&mut self);
        }
        while let Some(c) = self.next() {
            self.step(c);
        }
        self.out
    }

    fn step(&mut self, c: char) {
        let fresh = !self.previous().is_some_and(char::is_alphanumeric);
        if fresh && c.is_ascii_alphanumeric() && identifier::address(self) {
            return;
        }
        if c.is_ascii_digit() {
            let known = fresh
                && (code::document(self)
                    || identifier::number(self)
                    || calendar::date(self)
                    || clock::time(self)
                    || share::share(self));
            if !known {
                quantity::number(self);
            }
        } else if is_letter(c) {
            if !(fresh && (roman::numeral(self) || word::word(self))) {
                self.copy_word();
            }
        } else {
            punctuation::mark(self, c);
        }
    }

    /// The unread part of the line.
    pub(super) fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    /// The unread part in lower case.
    pub(super) fn lower_rest(&self) -> &str {
        &self.lower[self.at..]
    }

    /// The next character.
    pub(super) fn next(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The character before the next one.
    pub(super) fn previous(&self) -> Option<char> {
        self.line[..self.at].chars().next_back()
    }

    /// The read part in lower case, without the spaces, colons and brackets at its end.
    pub(super) fn context(&self) -> &str {
        self.lower[..self.at].trim_end_matches([' ', ':', '(', '"', '“'])
    }

    /// Like [`Scan::context`], with the members of an enumeration before this one taken off ("điểm a, b và" → "điểm").
    pub(super) fn list_context(&self, is_member: fn(char) -> bool) -> &str {
        let mut context = self.context();
        loop {
            let mut shorter = context.trim_end_matches([' ', ',', '-']);
            for joint in ["và", "hoặc"] {
                if ends_with_word(shorter, joint) {
                    shorter = shorter[..shorter.len() - joint.len()].trim_end();
                }
            }
            let member = shorter.trim_end_matches(is_member);
            if member.len() == shorter.len() || member.ends_with(char::is_alphanumeric) {
                return context;
            }
            context = member.trim_end();
        }
    }

    /// True when the words just read are one of `phrases`.
    pub(super) fn follows(&self, phrases: &[&str]) -> bool {
        ends_with_any(self.context(), phrases)
    }

    /// Speaks `words` for the next `source` bytes.
    pub(super) fn replace(&mut self, source: usize, words: &str, said: Said) {
        self.say(words);
        self.at += source;
        self.said = (said, self.at);
    }

    /// Adds words, apart from the word before.
    pub(super) fn say(&mut self, words: &str) {
        if self.out.ends_with(char::is_alphanumeric) && words.starts_with(char::is_alphanumeric) {
            self.out.push(' ');
        }
        self.out.push_str(words);
    }

    /// Passes the next word through as it is written; what was said before stays known, for a joint may be passed.
    pub(super) fn copy_word(&mut self) {
        let rest = self.rest();
        let source = leading_word(rest)
            .len()
            .max(self.next().map_or(0, char::len_utf8));
        self.say(&rest[..source]);
        self.at += source;
    }

    /// What was said just before, if only spaces lie between.
    pub(super) fn said_just_before(&self) -> Said {
        let between = self.line.get(self.said.1..self.at).unwrap_or("x");
        if between.trim_matches(' ').is_empty() {
            self.said.0
        } else {
            Said::Plain
        }
    }

    /// What was said before, if only a joint of an enumeration or a range lies between.
    pub(super) fn said_in_list(&self) -> Said {
        let between = self
            .lower
            .get(self.said.1..self.at)
            .unwrap_or("x")
            .trim_matches([' ', ',', ';']);
        if matches!(between, "" | "và" | "hoặc" | "đến" | "tới" | "-" | "/" | "&") {
            self.said.0
        } else {
            Said::Plain
        }
    }
}

/// A letter, or a mark that belongs to the letter before it.
pub(super) fn is_letter(c: char) -> bool {
    c.is_alphabetic() || unicode_normalization::char::is_combining_mark(c)
}

/// The letters at the beginning of `text`.
pub(super) fn leading_word(text: &str) -> &str {
    &text[..text.find(|c| !is_letter(c)).unwrap_or(text.len())]
}

/// The ASCII digits at the beginning of `text`.
pub(super) fn leading_digits(text: &str) -> &str {
    &text[..text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())]
}

/// True when `text` ends with `word`, and not inside a longer word.
pub(super) fn ends_with_word(text: &str, word: &str) -> bool {
    text.strip_suffix(word)
        .is_some_and(|before| !before.ends_with(char::is_alphanumeric))
}

/// True when `text` ends with one of `words`.
pub(super) fn ends_with_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| ends_with_word(text, word))
}

/// True when `text`, after spaces, begins with `word`, and not with a longer one.
pub(super) fn starts_with_word(text: &str, word: &str) -> bool {
    text.trim_start()
        .strip_prefix(word)
        .is_some_and(|after| !after.starts_with(char::is_alphanumeric))
}

/// True when `text`, after spaces, begins with one of `words`.
pub(super) fn starts_with_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| starts_with_word(text, word))
}
