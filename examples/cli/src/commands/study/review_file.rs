//! The file in which a person reviews drafted questions: TOML, one `[[question]]` each, `accepted = false` until read.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sotay_engine::OFFSET_MINUTES;
use sotay_engine::handbook::LocalTime;
use sotay_engine::study::library::Hash;
use sotay_engine::study::quiz::{Citation, Draft, ExamRules, Package, Question, Task};

use super::taking::{decimal, thousandths};
use crate::failure::{Code, Failure};
use crate::pick;

/// Bytes of the file.
pub(super) const REVIEW_BYTES_MAX: usize = 2 * 1024 * 1024;

const HEAD: &str = "\
# Đọc từng câu, so với đoạn trích (quote), sửa nếu cần, rồi đặt accepted = true. Chỉ những câu ấy được phát hành.
# Read every question against its passage (quote), correct it, then set accepted = true. Only those are published.
#
# Kỳ thi / an exam:
# [exam]
# opens = \"2026-12-05T07:00\"
# closes = \"2026-12-06T22:00\"
# attempts = 1
# minutes = 30

";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    exam: Option<ExamForm>,
    #[serde(default, rename = "question")]
    questions: Vec<QuestionForm>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExamForm {
    opens: String,
    closes: String,
    attempts: u32,
    minutes: Option<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionForm {
    accepted: bool,
    text: String,
    /// `one`, `several`, `truth` or `number`.
    task: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    choices: Vec<String>,
    /// Numbers of the right choices counted from 1; `true` or `false`; or the right number.
    right: Vec<String>,
    #[serde(default)]
    explanation: String,
    quote: String,
    label: String,
    section: u32,
    document: String,
}

/// The text of the file for these drafts.
pub(super) fn write(title: &str, drafts: &[Draft]) -> Result<String, Failure> {
    let questions = drafts
        .iter()
        .map(|draft| question_form(draft.question()))
        .collect();
    let form = Form {
        title: title.to_owned(),
        exam: None,
        questions,
    };
    let text =
        toml::to_string_pretty(&form).map_err(|_| Failure::new(Code::Mistake).with("place", "draft"))?;
    Ok(format!("{HEAD}{text}"))
}

/// The accepted questions of a file.
pub(super) fn read(text: &str, file: &str) -> Result<Package, Failure> {
    let bad = |reason: String| {
        Failure::new(Code::ReviewFile)
            .with("file", file)
            .with("reason", reason)
    };
    let form: Form = toml::from_str(text).map_err(|error| bad(error.message().to_owned()))?;
    let exam = form.exam.as_ref().map(exam_rules).transpose()?;
    let mut questions = Vec::new();
    for (at, form) in form
        .questions
        .iter()
        .enumerate()
        .filter(|(_, form)| form.accepted)
    {
        questions.push(question(form).ok_or_else(|| bad(format!("[[question]] {}", at + 1)))?);
    }
    if questions.is_empty() {
        return Err(Failure::new(Code::NothingAccepted)
            .with("file", file)
            .with("count", form.questions.len()));
    }
    Ok(Package {
        title: form.title,
        questions,
        exam,
    })
}

fn exam_rules(form: &ExamForm) -> Result<ExamRules, Failure> {
    let epoch = LocalTime::from_ms(0, OFFSET_MINUTES)
        .ok_or_else(|| Failure::new(Code::Mistake).with("place", "epoch"))?;
    let seconds = |text: &str| Ok::<_, Failure>(epoch.minutes_until(pick::time(text, None)?) * 60);
    Ok(ExamRules {
        opens: seconds(&form.opens)?,
        closes: seconds(&form.closes)?,
        attempts: form.attempts,
        minutes: form.minutes,
    })
}

fn question_form(question: &Question) -> QuestionForm {
    let number = |at: &u8| (at + 1).to_string();
    let (task, right) = match &question.task {
        Task::One { right, .. } => ("one", vec![number(right)]),
        Task::Several { right, .. } => ("several", right.iter().map(number).collect()),
        Task::Truth { right } => ("truth", vec![right.to_string()]),
        Task::Number { right, .. } => ("number", vec![decimal(*right)]),
    };
    QuestionForm {
        accepted: false,
        text: question.text.clone(),
        task: task.to_owned(),
        choices: question.choices().to_vec(),
        right,
        explanation: question.explanation.clone(),
        quote: question.citation.quote.clone(),
        label: question.citation.label.clone(),
        section: question.citation.section,
        document: question.citation.document.to_string(),
    }
}

fn question(form: &QuestionForm) -> Option<Question> {
    let at = |text: &String| text.parse::<u8>().ok()?.checked_sub(1);
    let choices = form.choices.clone();
    let task = match (form.task.as_str(), &form.right[..]) {
        ("one", [right]) => Task::One {
            choices,
            right: at(right)?,
        },
        ("several", rights) => Task::Several {
            choices,
            right: rights.iter().map(at).collect::<Option<BTreeSet<u8>>>()?,
        },
        ("truth", [right]) => Task::Truth {
            right: right.parse().ok()?,
        },
        ("number", [right]) => Task::Number {
            right: thousandths(right)?,
            tolerance: 0,
        },
        _ => return None,
    };
    Some(Question {
        text: form.text.clone(),
        task,
        explanation: form.explanation.clone(),
        citation: Citation {
            document: Hash::parse(&form.document)?,
            section: form.section,
            label: form.label.clone(),
            quote: form.quote.clone(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sotay_engine::study::library::{Date, Details, import};
    use sotay_engine::study::quiz::drafts;

    #[test]
    fn what_was_drafted_is_read_back_only_where_a_person_accepted_it() {
        let details = Details {
            kind: "HD".to_owned(),
            code: "1-HD/X".to_owned(),
            issuer: "X".to_owned(),
            date: Date::new(2024, 1, 1).unwrap(),
            title: "T".to_owned(),
            alias: None,
            links: Vec::new(),
            blobs: Vec::new(),
        };
        let text = "Điều 1. Hội nghị\nHội nghị họp khi có mặt ít nhất 30 ngày kể từ khi thông báo cho đảng viên.\n\
                    Điều 2. Phiếu\nPhiếu được giữ trong thời hạn 45 ngày kể từ khi kết thúc hội nghị chi bộ.\n\
                    Điều 3. Sổ\nSổ được nộp cho đảng ủy xã chậm nhất 60 ngày kể từ khi kết thúc năm công tác.\n";
        let document = import(text.as_bytes(), "a.txt", details).unwrap().document;
        let made = drafts(&document, 1, 9);
        assert!(!made.is_empty());
        let file = write("Ôn tập", &made).unwrap();
        assert_eq!(read(&file, "f").unwrap_err().name(), "nothing_accepted");
        let package = read(&file.replace("accepted = false", "accepted = true"), "f").unwrap();
        let wanted: Vec<Question> = made.iter().map(|draft| draft.question().clone()).collect();
        assert_eq!((package.title.as_str(), package.questions), ("Ôn tập", wanted));
        assert_eq!(read("title = 3", "f").unwrap_err().name(), "review_file");
    }
}
