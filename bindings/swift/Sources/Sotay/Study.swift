/// Quizzes and their repetition. Answers are private and agree on all phones of a member.
public final class Study: Sendable {
    /// Questions that are drafted where no number is given.
    public static let drafts = 20
    private let raw: RawStudy

    init(_ raw: RawStudy) {
        self.raw = raw
    }

    /// The quizzes of the unit, by title.
    public func quizzes() async throws -> [QuizView] {
        let raw = raw
        return try await io { try raw.quizzes() }
    }

    /// Begins an attempt: the questions in the order they are to be shown. Nothing is written until `handIn`.
    public func begin(_ quiz: String) async throws -> QuizSheet {
        let raw = raw
        return try await io { try raw.begin(quiz: quiz) }
    }

    /// Hands in the answers to a sheet; questions without one were left out.
    @discardableResult
    public func handIn(_ sheet: QuizSheet, answers: [QuizAnswer]) async throws -> QuizResult {
        let raw = raw
        return try await io { try raw.handIn(sheet: sheet, answers: answers) }
    }

    /// The holder's attempts at a quiz on all phones, in order of start.
    public func attempts(_ quiz: String) async throws -> [AttemptView] {
        let raw = raw
        return try await io { try raw.attempts(quiz: quiz) }
    }

    /// The questions to repeat now, the longest overdue first.
    public func due() async throws -> [DueQuestionView] {
        let raw = raw
        return try await io { try raw.due() }
    }

    /// Notes the answer to a repeated question, and how well a right answer was felt to be known.
    @discardableResult
    public func `repeat`(_ question: String, given: GivenAnswer, felt: AnswerRating? = nil) async throws -> RepeatResult {
        let raw = raw
        return try await io { try raw.`repeat`(question: question, given: given, felt: felt) }
    }

    /// How the holder's learning stands, on all phones.
    public func overview() async throws -> StudyOverviewView {
        let raw = raw
        return try await io { try raw.overview() }
    }

    /// Questions drafted from a document, each with its passage, for a person to read, change and drop. The same seed drafts the
    /// same ones. On a desktop: the library that ships inside phone apps says `publishing_left_out`.
    public func draft(_ document: String, seed: UInt64 = 1, limit: Int = Study.drafts) async throws -> [QuizQuestion] {
        let raw = raw
        return try await io { try raw.draft(document: document, seed: seed, limit: count(limit)) }
    }

    /// Publishes a quiz to everybody in the unit; gives its id. Officers only. Every passage has to stand in the library.
    @discardableResult
    public func publish(_ title: String, questions: [QuizQuestion], exam: ExamRules? = nil) async throws -> String {
        let raw = raw
        return try await io { try raw.publish(quiz: NewQuiz(title: title, questions: questions, exam: exam)) }
    }
}
