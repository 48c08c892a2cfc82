//! `speech`: every line of standard input as it is to be spoken.

use std::io::{self, BufRead, Read, Write};

use serde_json::json;
use sotay_engine::study::speech::{SpeechProfile, speak};

use crate::args::SpokenLines;
use crate::failure::{Code, Failure};
use crate::files::STDIN;
use crate::reply::Reply;
use crate::session::Session;

/// Bytes of one line.
const LINE_BYTES_MAX: usize = 1024 * 1024;

pub(in crate::commands) fn run(session: &Session, args: SpokenLines) -> Result<Reply, Failure> {
    spoken(
        io::stdin().lock(),
        io::stdout().lock(),
        &SpeechProfile::new(args.region),
        session.json,
    )?;
    Ok(Reply::silent())
}

/// A line is written as soon as it was read: a voice can begin before the text ends.
fn spoken(
    mut lines: impl BufRead,
    mut out: impl Write,
    profile: &SpeechProfile,
    json: bool,
) -> Result<(), Failure> {
    let unreadable = |error| {
        Failure::new(Code::FileUnreadable)
            .with("file", STDIN)
            .with("reason", error)
    };
    loop {
        let mut line = Vec::new();
        let read = lines
            .by_ref()
            .take(LINE_BYTES_MAX as u64 + 2)
            .read_until(b'\n', &mut line);
        if read.map_err(|error: io::Error| unreadable(error))? == 0 {
            return Ok(());
        }
        let line = String::from_utf8(line).map_err(|_| Failure::new(Code::NotUtf8).with("file", STDIN))?;
        let line = line.trim_end_matches(['\n', '\r']);
        if line.len() > LINE_BYTES_MAX {
            return Err(Failure::new(Code::FileTooLarge)
                .with("file", STDIN)
                .with("limit", LINE_BYTES_MAX));
        }
        let said = speak(line, profile);
        let said = if json {
            json!({ "spoken": said }).to_string()
        } else {
            said
        };
        // A reader that went away is no error.
        if writeln!(out, "{said}").and_then(|()| out.flush()).is_err() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &[u8]) -> Result<String, Failure> {
        let mut out = Vec::new();
        spoken(text, &mut out, &SpeechProfile::default(), false)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn every_line_gives_a_line_and_escapes_are_letters() {
        assert_eq!(
            said("21 hộ\r\n\n24 hộ".as_bytes()).unwrap(),
            "hai mươi mốt hộ\n\nhai mươi tư hộ\n"
        );
        assert!(said(br"a\u0041").unwrap().contains('u'));
    }

    #[test]
    fn a_line_over_the_limit_and_bytes_that_are_no_text_are_refused() {
        assert_eq!(said(&[0xff, b'\n']).unwrap_err().name(), "not_utf8");
        assert_eq!(
            said(&vec![b'-'; LINE_BYTES_MAX + 1]).unwrap_err().name(),
            "file_too_large"
        );
        assert!(said(&vec![b'-'; LINE_BYTES_MAX]).is_ok());
    }
}
