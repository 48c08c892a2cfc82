//! Asking questions in a terminal: one is shown, one line is read, until all are answered or the input ends.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read};

use sotay_engine::study::quiz::{Given, Question, QuestionId, Task};

use crate::failure::{Code, Failure};
use crate::files::STDIN;
use crate::pick::folded;
use crate::reply::{print_line, printable};
use crate::session::Session;
use crate::show;

/// Bytes of one answer.
const ANSWER_BYTES_MAX: usize = 4096;

/// A question with its choices in the order shown.
pub(super) struct Asked<'a> {
    pub question: &'a Question,
    pub order: Vec<u8>,
}

/// Asks; `told` is called with every answer as soon as it was given. A line that is no answer is asked for again; an
/// empty one leaves the question out.
pub(super) fn ask(
    session: &Session,
    asked: &[Asked<'_>],
    mut told: impl FnMut(&Question, &Given) -> Result<(), Failure>,
) -> Result<BTreeMap<QuestionId, Given>, Failure> {
    let mut lines = io::stdin().lock();
    let mut given = BTreeMap::new();
    'questions: for (at, one) in asked.iter().enumerate() {
        say(
            session,
            &show::question(session.voice, at + 1, asked.len(), one.question, &one.order),
        );
        loop {
            let mut line = Vec::new();
            let read = lines
                .by_ref()
                .take(ANSWER_BYTES_MAX as u64)
                .read_until(b'\n', &mut line);
            let read = read.map_err(|error| {
                Failure::new(Code::FileUnreadable)
                    .with("file", STDIN)
                    .with("reason", error)
            })?;
            if read == 0 {
                break 'questions;
            }
            let text = folded(&String::from_utf8_lossy(&line));
            if text.is_empty() {
                continue 'questions;
            }
            if let Some(answer) = answer(one, &text) {
                told(one.question, &answer)?;
                given.insert(one.question.id(), answer);
                continue 'questions;
            }
            say(session, &session.voice.say("quiz.not_an_answer", &[]));
        }
    }
    Ok(given)
}

/// Shows a line to a person; programs read the reply only.
pub(super) fn say(session: &Session, text: &str) {
    if !session.json {
        print_line(&mut io::stdout(), &printable(text));
    }
}

/// Letters as shown become choices as the package counts them.
fn answer(asked: &Asked<'_>, text: &str) -> Option<Given> {
    let choice = |letter: char| {
        let at = u32::from(letter).checked_sub(u32::from('a'))?;
        asked.order.get(at as usize).copied()
    };
    match &asked.question.task {
        Task::One { .. } | Task::Several { .. } => {
            let letters = text.chars().filter(|c| !matches!(c, ' ' | ',' | ';'));
            letters
                .map(choice)
                .collect::<Option<BTreeSet<u8>>>()
                .filter(|ticked| !ticked.is_empty())
                .map(Given::Choices)
        }
        Task::Truth { .. } => match text {
            "đ" | "đúng" | "true" | "t" => Some(Given::Truth(true)),
            "s" | "sai" | "false" | "f" => Some(Given::Truth(false)),
            _ => None,
        },
        Task::Number { .. } => thousandths(text).map(Given::Number),
    }
}

/// Reads `7`, `7,5` or `-0.125` as thousandths.
pub(super) fn thousandths(text: &str) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, part) = digits.split_once([',', '.']).unwrap_or((digits, ""));
    if part.len() > 3
        || !digits
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b',' | b'.'))
    {
        return None;
    }
    let value = whole
        .parse::<i64>()
        .ok()?
        .checked_mul(1000)?
        .checked_add(format!("{part:0<3}").parse().ok()?)?;
    Some(if negative { -value } else { value })
}

/// Thousandths as people write them: `7,5`.
pub(super) fn decimal(thousandths: i64) -> String {
    let sign = if thousandths < 0 { "-" } else { "" };
    let value = thousandths.unsigned_abs();
    let part = format!("{:03}", value % 1000);
    let part = part.trim_end_matches('0');
    let mark = if part.is_empty() { "" } else { "," };
    format!("{sign}{}{mark}{part}", value / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_typed_with_comma_or_point_and_printed_with_a_comma() {
        for (text, value) in [("7", 7000), ("7,5", 7500), ("-0.125", -125), ("0,5", 500)] {
            assert_eq!(thousandths(text), Some(value), "{text}");
            assert_eq!(decimal(value), text.replace('.', ","));
        }
        for text in ["", "-", "a", "1,2345", "1,2,3", "+5", "99999999999999999999"] {
            assert_eq!(thousandths(text), None, "{text}");
        }
    }
}
