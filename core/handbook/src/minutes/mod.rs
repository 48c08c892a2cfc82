//! Minutes: canonical text from a view and a template, and its hash.
//!
//! The text is in NFC with LF, in the fixed order of a Vietnamese biên bản, and depends on nothing but the view, the
//! names and the template: its SHA-256 is equal on every platform, and it is what a seal signs.

mod extract;
mod model;
mod template;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use sotay_document::nfc;

use crate::meeting::MeetingView;
use crate::message::Names;
use crate::policy::Policy;
use crate::words::Words;

pub use crate::template::TemplateError;
pub use model::Model;
pub use template::Template;

/// What stands above the minutes: names of organisations, which no document holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The upper body, e.g. `ĐẢNG ỦY XÃ TÂN AN`.
    pub upper: Words,
    /// The unit, e.g. `CHI BỘ THÔN AN LẠC`.
    pub unit: Words,
}

/// Rendered minutes.
#[derive(Clone, PartialEq, Eq)]
pub struct Minutes {
    text: String,
    sha256: [u8; 32],
}

impl Minutes {
    /// The canonical text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its SHA-256.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// Its SHA-256 in hexadecimal.
    pub fn sha256_hex(&self) -> String {
        HEXLOWER.encode(&self.sha256)
    }
}

impl std::fmt::Debug for Minutes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Minutes({} bytes, {}…)",
            self.text.len(),
            HEXLOWER.encode(&self.sha256[..4])
        )
    }
}

/// Renders the minutes of a meeting.
pub fn render(
    view: &MeetingView,
    heading: &Heading,
    policy: &Policy,
    names: &dyn Names,
    template: &Template,
) -> Result<Minutes, TemplateError> {
    let model = Model::of(view, heading, policy, names);
    let text = canonical(&template.fill(&model)?);
    let sha256 = Sha256::digest(text.as_bytes()).into();
    Ok(Minutes { text, sha256 })
}

/// NFC, LF, no space at the ends of lines, no two empty lines in a row, one LF at the end.
fn canonical(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = true;
    for line in nfc(text).lines() {
        let line = line.trim_end();
        if line.is_empty() && empty {
            continue;
        }
        empty = line.is_empty();
        out.push_str(line);
        out.push('\n');
    }
    let end = out.trim_end().len();
    out.truncate(end);
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_text_has_one_form() {
        assert_eq!(
            canonical("\r\n\nHo\u{323}p \r\n\r\n\r\nhai\t\n\n\n"),
            "Họp\n\nhai\n"
        );
        assert_eq!(canonical(&canonical("a \n\n\nb")), canonical("a \n\n\nb"));
        assert_eq!(canonical(""), "\n");
    }
}
