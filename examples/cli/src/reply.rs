//! What a command says: one JSON object for programs, text for people.

use std::io::Write;

use serde_json::Value;

/// A command that happened.
#[derive(Debug)]
pub(crate) struct Reply {
    /// For programs.
    pub value: Value,
    /// For people.
    pub text: String,
    /// For people, beside the text: goes to standard error, so that the text can be piped into a file.
    pub aside: Option<String>,
}

impl Reply {
    /// A reply without aside.
    pub fn new(value: Value, text: impl Into<String>) -> Self {
        Self {
            value,
            text: text.into(),
            aside: None,
        }
    }

    /// A reply of a command that has written everything itself.
    pub fn silent() -> Self {
        Self::new(Value::Null, "")
    }

    /// Prints it.
    pub fn print(&self, json: bool) {
        if self.value.is_null() {
            return;
        }
        if json {
            print_line(&mut std::io::stdout(), &self.value.to_string());
            return;
        }
        print_line(&mut std::io::stdout(), &printable(&self.text));
        if let Some(aside) = &self.aside {
            print_line(&mut std::io::stderr(), &printable(aside));
        }
    }
}

/// Prints a text with exactly one line feed at its end. A reader that went away (`| head`) is no error.
pub(crate) fn print_line(out: &mut impl Write, text: &str) {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Names and texts come from other phones: control characters that would steer the terminal are shown as `�`.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_cannot_steer_the_terminal() {
        assert_eq!(
            printable("Lê\u{1b}[2JVăn\u{9b}An\nhai\r"),
            "Lê\u{fffd}[2JVăn\u{fffd}An\nhai\u{fffd}"
        );
    }

    #[test]
    fn a_line_ends_in_one_line_feed() {
        let mut out = Vec::new();
        print_line(&mut out, "biên bản\n");
        print_line(&mut out, "xong");
        assert_eq!(String::from_utf8(out).unwrap(), "biên bản\nxong\n");
    }
}
