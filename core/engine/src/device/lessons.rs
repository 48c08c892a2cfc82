//! Taking a quiz: the sheet that is shown, and what came of it question by question.

use sotay_store::Store;
use sotay_study::library::Hash;
use sotay_study::quiz::{Attempt, ExamStatus, Given, Question, is_right};

use super::quizzes::{HandedIn, QuizError};
use super::{Device, QuizEntry};

/// A quiz as one attempt shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Package.
    pub quiz: Hash,
    /// Its title.
    pub title: String,
    /// What questions and choices were shuffled by.
    pub seed: u64,
    /// When it was begun, in seconds since 1970 UTC.
    pub started: i64,
    /// The questions in the order shown, each with its choices (as the package counts them) in the order shown.
    pub asked: Vec<(Question, Vec<u8>)>,
}

/// A question after it was answered, or left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The question.
    pub question: Question,
    /// Whether the answer is right; `None` without one.
    pub right: Option<bool>,
}

impl<S: Store> Device<S> {
    /// Begins an attempt at `now` (seconds since 1970 UTC): nothing is written until it is handed in. Questions of a
    /// document that is not in force any more are left out. A quiz without a question left and an exam that cannot be
    /// taken now are refused here, before anybody has worked on them. Without a seed the time is one.
    pub fn begin_quiz(&self, quiz: Hash, seed: Option<u64>, now: i64) -> Result<Sheet, QuizError> {
        let entry = self.quiz(quiz, now)?;
        if let Some(status) = entry
            .exam
            .filter(|status| !matches!(status, ExamStatus::Open { .. }))
        {
            return Err(QuizError::Exam(status));
        }
        if entry.retired.len() == entry.package.questions.len() {
            return Err(QuizError::Retired);
        }
        let seed = seed.unwrap_or(now.unsigned_abs());
        let shown = entry.package.shown(seed).questions;
        let standing = shown.into_iter().filter(|(id, _)| !entry.retired.contains(id));
        let asked = standing.filter_map(|(id, order)| {
            let mut questions = entry.package.questions.iter();
            let question = questions.find(|question| question.id() == id)?;
            Some((question.clone(), order))
        });
        Ok(Sheet {
            quiz,
            title: entry.package.title.clone(),
            seed,
            started: now,
            asked: asked.collect(),
        })
    }

    /// Hands an attempt in at `now` and says of every question that it was shown whether its answer is right.
    pub fn hand_in_sheet(
        &mut self,
        mut attempt: Attempt,
        now: i64,
    ) -> Result<(HandedIn, Vec<Judged>), QuizError> {
        // The phone's clock may have been set back meanwhile.
        attempt.finished = now.max(attempt.started);
        let entry = self.quiz(attempt.package, now)?;
        let judged = entry.package.shown(attempt.seed).questions.into_iter();
        let judged = judged.filter_map(|(id, _)| {
            let question = entry
                .package
                .questions
                .iter()
                .find(|question| question.id() == id)?;
            let given: Option<&Given> = attempt.given.get(&id);
            (given.is_some() || !entry.retired.contains(&id)).then(|| Judged {
                right: given.map(|given| is_right(&question.task, given)),
                question: question.clone(),
            })
        });
        let judged = judged.collect();
        Ok((self.hand_in(attempt)?, judged))
    }

    /// One quiz of the unit.
    pub fn quiz(&self, id: Hash, now: i64) -> Result<QuizEntry, QuizError> {
        let mut all = self.quizzes(now)?.into_iter();
        all.find(|entry| entry.id == id).ok_or(QuizError::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sotay_study::library::{Link, LinkKind};
    use sotay_study::quiz::{Citation, ExamRules, Package, Question, Task};

    use super::*;
    use crate::device::tests::{branch, law};

    fn package(document: Hash, exam: Option<ExamRules>) -> Package {
        let statement = |text: &str, right| Question {
            text: text.to_owned(),
            task: Task::Truth { right },
            explanation: String::from("Điều 1"),
            citation: Citation {
                document,
                section: 0,
                label: "Điều 1".to_owned(),
                quote: "dân chủ ở cơ sở".to_owned(),
            },
        };
        Package {
            title: "Hỏi nhanh".to_owned(),
            questions: vec![statement("Một?", true), statement("Hai?", false)],
            exam,
        }
    }

    #[test]
    fn a_sheet_is_judged_question_by_question_in_the_order_shown() {
        let mut secretary = branch(81);
        let id = secretary.publish_documents(&[law()]).unwrap()[0];
        let quiz = secretary.publish_quiz(&package(id, None)).unwrap();
        let sheet = secretary.begin_quiz(quiz, Some(7), 1_000).unwrap();
        let first = sheet.asked[0].0.id();
        let attempt = Attempt {
            started: sheet.started,
            finished: 0,
            package: quiz,
            seed: sheet.seed,
            given: BTreeMap::from([(first, Given::Truth(true))]),
        };
        // The clock was set back meanwhile.
        let (handed_in, judged) = secretary.hand_in_sheet(attempt, 10).unwrap();
        assert_eq!(judged.len(), 2);
        assert_eq!(judged[0].question, sheet.asked[0].0);
        assert_eq!((judged[0].right.is_some(), judged[1].right), (true, None));
        assert_eq!(handed_in.marks.total, 2);
        assert_eq!(secretary.attempts(quiz).unwrap()[0].0.finished, 1_000);
    }

    #[test]
    fn a_quiz_whose_document_is_withdrawn_and_an_exam_that_is_closed_are_not_begun() {
        let mut secretary = branch(82);
        let id = secretary.publish_documents(&[law()]).unwrap()[0];
        let quiz = secretary.publish_quiz(&package(id, None)).unwrap();
        let rules = ExamRules {
            opens: 100,
            closes: 200,
            attempts: 1,
            minutes: None,
        };
        let exam = secretary.publish_quiz(&package(id, Some(rules))).unwrap();
        let begun =
            |secretary: &Device<_>, now| secretary.begin_quiz(exam, None, now).map(|sheet| sheet.quiz);
        assert!(matches!(
            begun(&secretary, 99),
            Err(QuizError::Exam(ExamStatus::NotYet { .. }))
        ));
        assert_eq!(begun(&secretary, 100).unwrap(), exam);
        assert!(matches!(
            begun(&secretary, 200),
            Err(QuizError::Exam(ExamStatus::Closed))
        ));
        let mut later = law();
        later.code = "99/2025/QH15".to_owned();
        later.date.year += 1;
        later.links = vec![Link {
            kind: LinkKind::Withdraws,
            code: law().code,
            issuer: None,
            date: None,
        }];
        secretary.publish_documents(&[later]).unwrap();
        assert!(matches!(
            secretary.begin_quiz(quiz, None, 1_000),
            Err(QuizError::Retired)
        ));
    }
}
