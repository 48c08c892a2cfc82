/// The documents of the unit beside its meetings: tasks, fees, ratings, resolutions, reports, directives, page templates.
/// Points are in hundredths, money in đồng, months `2025-05`, days `2025-05-20`.
public final class Records: Sendable {
    private let raw: RawRecords

    init(_ raw: RawRecords) {
        self.raw = raw
    }

    /// What contradicts itself in a document: that of `ReviewItemView.meeting`, which may be any.
    public func review(_ document: String, language: Language = .vi) async throws -> ReviewView {
        let raw = raw
        return try await io { try raw.review(document: document, language: language) }
    }

    /// Settles an item of a document's review list by one of its options.
    public func settle(_ document: String, item: String, pick: String) async throws {
        let raw = raw
        try await io { try raw.settle(document: document, item: item, pick: pick) }
    }

    /// Undoes what this phone did last in a document; never lines of the ledger, reports or choices.
    @discardableResult
    public func undo(_ document: String, language: Language = .vi) async throws -> UndoneView {
        let raw = raw
        return try await io { try raw.undo(document: document, language: language) }
    }

    /// All tasks of a year, by deadline.
    public func tasks(_ year: Int32) async throws -> [TaskView] {
        let raw = raw
        return try await io { try raw.tasks(year: year) }
    }

    /// Carries out a command about a task; gives the id of the task it added.
    @discardableResult
    public func changeTask(_ year: Int32, _ command: TaskCommand) async throws -> String? {
        let raw = raw
        return try await io { try raw.changeTask(year: year, command: command) }
    }

    /// Makes tasks of the conclusions of a meeting that have none yet; gives how many.
    @discardableResult
    public func tasksOfMeeting(_ meeting: String) async throws -> Int {
        let raw = raw
        return try await io { Int(try raw.tasksOfMeeting(meeting: meeting)) }
    }

    /// The ledger of a year. The committee only.
    public func fees(_ year: Int32) async throws -> FeesView {
        let raw = raw
        return try await io { try raw.fees(year: year) }
    }

    /// A month of the ledger: who owes what, who paid, who has not. The committee only.
    public func feeMonth(_ month: String) async throws -> FeeMonthView {
        let raw = raw
        return try await io { try raw.feeMonth(month: month) }
    }

    /// Carries out commands to the ledger as one change, all or nothing; gives the id of the line that each one added.
    @discardableResult
    public func changeFees(_ year: Int32, _ commands: FeeCommand...) async throws -> [String?] {
        let raw = raw
        return try await io { try raw.changeFees(year: year, commands: commands) }
    }

    /// The criteria of a year: those in force on its last day.
    public func criteria(_ year: Int32) async throws -> CriteriaView {
        let raw = raw
        return try await io { try raw.criteria(year: year) }
    }

    /// Everybody who was rated in a year. The committee only.
    public func ratings(_ year: Int32) async throws -> [RatingCardView] {
        let raw = raw
        return try await io { try raw.ratings(year: year) }
    }

    /// Carries out a command about the ratings; gives the id of the evidence it added.
    @discardableResult
    public func changeRating(_ year: Int32, _ command: RatingCommand) async throws -> String? {
        let raw = raw
        return try await io { try raw.changeRating(year: year, command: command) }
    }

    /// All resolutions, newest first.
    public func resolutions() async throws -> [ResolutionView] {
        let raw = raw
        return try await io { try raw.resolutions() }
    }

    /// A resolution by its id.
    public func resolution(_ id: String) async throws -> ResolutionView {
        let raw = raw
        return try await io { try raw.resolution(id: id) }
    }

    /// Begins a resolution, of a meeting or by itself; gives its id. Officers only.
    public func newResolution(title: String, meeting: String? = nil) async throws -> String {
        let raw = raw
        return try await io { try raw.newResolution(title: title, meeting: meeting) }
    }

    /// Carries out commands as one change, all or nothing; gives the id of what each one added.
    @discardableResult
    public func changeResolution(_ id: String, _ commands: ResolutionCommand...) async throws -> [String?] {
        let raw = raw
        return try await io { try raw.changeResolution(id: id, commands: commands) }
    }

    /// Issues a resolution; refused while an item of its review list blocks.
    public func issueResolution(_ id: String) async throws {
        let raw = raw
        try await io { try raw.issueResolution(id: id) }
    }

    /// A resolution as a file, as it stands; with `template`, by one's own.
    public func resolutionPaper(_ id: String, form: PaperForm, template: String? = nil) async throws -> PaperFile {
        let raw = raw
        return try await io { try raw.resolutionPaper(id: id, form: form, source: template) }
    }

    /// The reports of a year that were sent, by month and revision.
    public func reports(_ year: Int32) async throws -> [SentReportView] {
        let raw = raw
        return try await io { try raw.reports(year: year) }
    }

    /// What a month's report would say now; nil when the last one that was sent says the same.
    public func reportProposal(_ month: String, language: Language = .vi) async throws -> ReportProposalView? {
        let raw = raw
        return try await io { try raw.reportProposal(month: month, language: language) }
    }

    /// The months of a year whose report is to be sent, for the first time or anew.
    public func reportsDue(_ year: Int32, language: Language = .vi) async throws -> [ReportProposalView] {
        let raw = raw
        return try await io { try raw.reportsDue(year: year, language: language) }
    }

    /// Sends a month's report as it would be now. Officers only.
    @discardableResult
    public func sendReport(_ month: String) async throws -> SentReportView {
        let raw = raw
        return try await io { try raw.sendReport(month: month) }
    }

    /// A month's report as a file: a revision that was sent, or what would be sent now; nil when there is none.
    public func reportPaper(
        _ month: String, form: PaperForm, revision: UInt32? = nil, template: String? = nil
    ) async throws -> PaperFile? {
        let raw = raw
        return try await io { try raw.reportPaper(month: month, revision: revision, form: form, source: template) }
    }

    /// What became of the reports of a year: of this unit, or of one below.
    public func reportAnswers(_ year: Int32, unit: String? = nil) async throws -> [ReportAnswerView] {
        let raw = raw
        return try await io { try raw.reportAnswers(unit: unit, year: year) }
    }

    /// The reports of a year that a unit below has sent, as far as they have come.
    public func reports(of unit: String, _ year: Int32) async throws -> [SentReportView] {
        let raw = raw
        return try await io { try raw.reportsOf(unit: unit, year: year) }
    }

    /// On the level above: opens a report of a unit below, which the unit is told.
    @discardableResult
    public func openReport(of unit: String, month: String, revision: UInt32) async throws -> [SentReportView] {
        let raw = raw
        return try await io { try raw.openReport(unit: unit, month: month, revision: revision) }
    }

    /// On the level above: accepts a report, or returns it with a remark.
    public func answerReport(of unit: String, month: String, revision: UInt32, accepted: Bool, remark: String = "") async throws {
        let raw = raw
        try await io { try raw.answerReport(unit: unit, month: month, revision: revision, accepted: accepted, remark: remark) }
    }

    /// All directives known here; each says whether it is in force on a day, today if none is given.
    public func directives(on day: String? = nil) async throws -> [DirectiveView] {
        let raw = raw
        return try await io { try raw.directives(on: day) }
    }

    /// Publishes a directive, the text of a JSON file, to everybody in the unit. Officers only.
    @discardableResult
    public func publishDirective(_ json: String) async throws -> DirectiveView {
        let raw = raw
        return try await io { try raw.publishDirective(json: json) }
    }

    /// Withdraws a directive or a page template of this unit, named by its SHA-256 or the beginning of that, and gives its
    /// name; what held before holds again. Officers only.
    @discardableResult
    public func withdrawDirective(_ sha256: String) async throws -> String {
        let raw = raw
        return try await io { try raw.withdrawDirective(sha256: sha256) }
    }

    /// The page templates that were published and not withdrawn; each says whether it is in force on a day, today if none is
    /// given. Where none is, pages are made with the one that ships.
    public func pageTemplates(on day: String? = nil) async throws -> [PageTemplateView] {
        let raw = raw
        return try await io { try raw.pageTemplates(on: day) }
    }

    /// The shipped template as it is published, with `day` and `name` in its second line: to begin one's own with.
    public func shippedPageTemplate(_ sort: PageSort, since day: String, name: String) async throws -> String {
        let raw = raw
        return try await io { try raw.shippedPageTemplate(sort: sort, since: day, name: name) }
    }

    /// Checks a page template as publishing it would, and publishes nothing; throws the reason when it does not fit.
    @discardableResult
    public func checkPageTemplate(_ source: String) async throws -> PageTemplateHead {
        let raw = raw
        return try await io { try raw.checkPageTemplate(source: source) }
    }

    /// Publishes a page template, the text of a file, to everybody in the unit and below it. Officers only.
    @discardableResult
    public func publishPageTemplate(_ source: String) async throws -> PageTemplateHead {
        let raw = raw
        return try await io { try raw.publishPageTemplate(source: source) }
    }

    /// The text of a template that was published, withdrawn or not, by its SHA-256 or the beginning that a page shows: passed
    /// to `Meeting.paper` it makes an old page again. Nil if none is known by it, or more than one.
    public func pageTemplateSource(_ sha256: String) async throws -> String? {
        let raw = raw
        return try await io { try raw.pageTemplateSource(sha256: sha256) }
    }
}
