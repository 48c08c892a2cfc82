//! Quizzes: taking them, repeating them, drafting and publishing them.

use std::collections::BTreeMap;
use std::sync::Arc;

use sotay_engine::study::library::Hash;
use sotay_engine::study::quiz::{Attempt, Given, Package, QuestionId};
use sotay_engine::{Engine, Fault};

use crate::call::tell;
use crate::error::HandbookError;
use crate::library_view::{number, parse_hash};
use crate::study_kinds::AnswerRating;
use crate::study_view::*;

/// Quizzes and repetition of an opened handbook. Cheap; holds no state of its own.
#[derive(uniffi::Object)]
pub struct Study {
    pub(crate) engine: Arc<Engine>,
}

fn question_id(text: &str) -> Result<QuestionId, HandbookError> {
    let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok();
    let id = bytes.and_then(|bytes| QuestionId::try_from(bytes).ok());
    id.ok_or_else(|| Fault::malformed("question").into())
}

#[uniffi::export]
impl Study {
    /// The quizzes of the unit, by title.
    pub fn quizzes(&self) -> Result<Vec<QuizView>, HandbookError> {
        let all = tell(&self.engine, |device, now| device.quizzes(now / 1000))?;
        Ok(all.iter().map(quiz).collect())
    }

    /// Begins an attempt: the questions in the order they are to be shown. Nothing is written until `hand_in`. An exam that
    /// cannot be taken now is refused here.
    pub fn begin(&self, quiz: String) -> Result<QuizSheet, HandbookError> {
        let id = parse_hash(&quiz, "quiz")?;
        let sheet = tell(&self.engine, move |device, now| {
            device.begin_quiz(id, None, now / 1000)
        })?;
        Ok(QuizSheet {
            quiz: sheet.quiz.to_string(),
            title: sheet.title,
            seed: sheet.seed,
            started: sheet.started,
            questions: sheet
                .asked
                .iter()
                .map(|(question, order)| asked(question, order))
                .collect(),
        })
    }

    /// Hands in the answers to a sheet; questions without one were left out.
    pub fn hand_in(&self, sheet: QuizSheet, answers: Vec<QuizAnswer>) -> Result<QuizResult, HandbookError> {
        let mut given: BTreeMap<QuestionId, Given> = BTreeMap::new();
        for answer in answers {
            given.insert(question_id(&answer.question)?, answer.given.into());
        }
        let attempt = Attempt {
            started: sheet.started,
            finished: sheet.started,
            package: parse_hash(&sheet.quiz, "quiz")?,
            seed: sheet.seed,
            given,
        };
        let (handed_in, judged) = tell(&self.engine, move |device, now| {
            device.hand_in_sheet(attempt, now / 1000)
        })?;
        Ok(QuizResult {
            marks: handed_in.marks.into(),
            standing: handed_in.standing.map(standing),
            questions: judged.iter().map(judged_view).collect(),
        })
    }

    /// The holder's attempts at a quiz on all phones, in order of start.
    pub fn attempts(&self, quiz: String) -> Result<Vec<AttemptView>, HandbookError> {
        let id = parse_hash(&quiz, "quiz")?;
        let all = tell(&self.engine, move |device, _| device.attempts(id))?;
        let view = |(attempt, marks): &(Attempt, _)| AttemptView {
            started: attempt.started,
            finished: attempt.finished,
            marks: QuizMarks::from(*marks),
        };
        Ok(all.iter().map(view).collect())
    }

    /// The questions to repeat now, the longest overdue first. The holder's phones agree on them.
    pub fn due(&self) -> Result<Vec<DueQuestionView>, HandbookError> {
        let all = tell(&self.engine, |device, now| device.due(now / 1000))?;
        Ok(all.iter().map(due).collect())
    }

    /// Notes the answer to a repeated question, and how well a right answer was known.
    pub fn repeat(
        &self,
        question: String,
        given: GivenAnswer,
        felt: Option<AnswerRating>,
    ) -> Result<RepeatResult, HandbookError> {
        let id = question_id(&question)?;
        let given: Given = given.into();
        tell(&self.engine, move |device, now| {
            let right = device.repeat(id, &given, felt, now / 1000)?;
            let all = device.quizzes(now / 1000)?;
            let mut questions = all.iter().flat_map(|entry| &entry.package.questions);
            let asked = questions.find(|question| question.id() == id);
            Ok::<_, sotay_engine::QuizError>(RepeatResult {
                right,
                passage: asked.map(passage),
            })
        })
    }

    /// How the holder's learning stands, on all phones.
    pub fn overview(&self) -> Result<StudyOverviewView, HandbookError> {
        let all = tell(&self.engine, |device, now| device.study_overview(now / 1000))?;
        Ok(StudyOverviewView {
            documents: number(all.documents),
            begun: number(all.begun),
            finished: number(all.finished),
            seconds: all.seconds,
            quizzes: number(all.quizzes),
            attempts: number(all.attempts),
            questions: number(all.questions),
            due: number(all.due),
            next_due: all.next_due,
        })
    }

    /// Questions drafted from a document, each with its passage, for a person to read, change and drop. The same seed
    /// drafts the same ones. A library built for phones says `publishing_left_out`.
    pub fn draft(&self, document: String, seed: u64, limit: u32) -> Result<Vec<QuizQuestion>, HandbookError> {
        let id = parse_hash(&document, "document")?;
        let drafts = tell(&self.engine, move |device, _| {
            device.draft_quiz(id, seed, limit as usize)
        })?;
        Ok(drafts.into_iter().map(question).collect())
    }

    /// Publishes a quiz to everybody in the unit; gives its id. Officers only. Every question's passage has to stand in the
    /// library.
    pub fn publish(&self, quiz: NewQuiz) -> Result<String, HandbookError> {
        let questions = quiz.questions.into_iter().map(question_of);
        let package = Package {
            title: quiz.title,
            questions: questions.collect::<Result<_, HandbookError>>()?,
            exam: quiz.exam.map(Into::into),
        };
        let id: Hash = tell(&self.engine, move |device, _| device.publish_quiz(&package))?;
        Ok(id.to_string())
    }
}
