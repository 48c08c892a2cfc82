//! Web pages, through the tokenizer of html5ever: text in order, a line for each block.

use super::plain::{decode, unmangle};
use super::{Encoding, Extracted, ImportError, Warning};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, CharacterTokens, EndTag, StartTag, TagToken, Token, TokenSink, TokenSinkResult, Tokenizer,
    TokenizerOpts, states::RawKind,
};
use std::cell::RefCell;

/// Elements whose content is no text of the document.
const SKIPPED: [&str; 9] = [
    "script", "style", "noscript", "template", "head", "nav", "select", "textarea", "svg",
];
/// Elements that stand inside a line; every other one begins a new line.
const INLINE: [&str; 24] = [
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "em", "font", "i", "ins", "mark", "q", "s",
    "small", "span", "strong", "sub", "sup", "tt", "u", "var", "wbr",
];

pub(super) fn extract(bytes: &[u8]) -> Result<Extracted, ImportError> {
    let (text, encoding) = decode_page(bytes)?;
    let sink = Sink::default();
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(text.as_str()));
    // The tokenizer stops for scripts; ours are skipped, so it is simply fed on.
    while !input.is_empty() {
        let _ = tokenizer.feed(&input);
    }
    tokenizer.end();
    let state = tokenizer.sink.0.into_inner();
    let mut lines = state.lines;
    lines.push(state.line);
    let (text, converted) = unmangle(lines.join("\n"));
    let mut warnings = Vec::new();
    if let Some(from) =
        converted.or(Some(encoding).filter(|e| !matches!(e, Encoding::Utf8 | Encoding::Utf16)))
    {
        warnings.push(Warning::Converted { from, pieces: 1 });
    }
    if state.pictures > 0 {
        warnings.push(Warning::PicturesLeftOut {
            count: state.pictures,
        });
    }
    Ok(Extracted {
        lines: text.lines().map(str::to_owned).collect(),
        margins: Vec::new(),
        warnings,
    })
}

/// The declared character set counts unless the bytes are valid UTF-8 anyway.
fn decode_page(bytes: &[u8]) -> Result<(String, Encoding), ImportError> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]).to_lowercase();
    let declared = head.split_once("charset=").map(|(_, rest)| {
        let label = rest.trim_start_matches(['"', '\'', ' ']);
        let end = label
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
            .unwrap_or(label.len());
        label[..end].to_owned()
    });
    if declared.as_deref() == Some("windows-1258") && std::str::from_utf8(bytes).is_err() {
        let (text, _, _) = encoding_rs::WINDOWS_1258.decode(bytes);
        return Ok((text.into_owned(), Encoding::Windows1258));
    }
    decode(bytes)
}

#[derive(Default)]
struct State {
    lines: Vec<String>,
    line: String,
    skipping: Vec<String>,
    pictures: usize,
}

#[derive(Default)]
struct Sink(RefCell<State>);

impl State {
    fn break_line(&mut self) {
        if !self.line.trim().is_empty() {
            self.lines.push(std::mem::take(&mut self.line));
        }
        self.line.clear();
    }
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut state = self.0.borrow_mut();
        match token {
            CharacterTokens(text) if state.skipping.is_empty() => {
                // A line end in the source is only a space; lines come from elements.
                state.line.push_str(&text.replace(['\n', '\r'], " "));
            }
            TagToken(tag) => {
                let name: &str = &tag.name;
                match tag.kind {
                    StartTag if SKIPPED.contains(&name) && !tag.self_closing => {
                        state.skipping.push(name.to_owned());
                        return match name {
                            "script" => TokenSinkResult::RawData(RawKind::ScriptData),
                            "style" => TokenSinkResult::RawData(RawKind::Rawtext),
                            _ => TokenSinkResult::Continue,
                        };
                    }
                    // A page that never closes its head still has a body.
                    StartTag if name == "body" => state.skipping.clear(),
                    EndTag if state.skipping.iter().any(|s| s == name) => {
                        while state.skipping.pop().is_some_and(|open| open != name) {}
                    }
                    StartTag if name == "img" => state.pictures += usize::from(state.skipping.is_empty()),
                    _ if !INLINE.contains(&name) => state.break_line(),
                    _ => {}
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}
