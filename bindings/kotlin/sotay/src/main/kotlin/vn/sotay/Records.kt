package vn.sotay

/**
 * The documents of the unit beside its meetings: tasks, fees, ratings, resolutions, reports, directives, page templates.
 * Points are in hundredths, money in đồng, months `2025-05`, days `2025-05-20`.
 */
class Records internal constructor(private val raw: RawRecords) {
    /** What contradicts itself in a document: that of [ReviewItemView.meeting], which may be any. */
    suspend fun review(document: String, language: Language = Language.VI): ReviewView = io { raw.review(document, language) }

    /** Settles an item of a document's review list by one of its options. */
    suspend fun settle(document: String, item: String, pick: String) = io { raw.settle(document, item, pick) }

    /** Undoes what this phone did last in a document; never lines of the ledger, reports or choices. */
    suspend fun undo(document: String, language: Language = Language.VI): UndoneView = io { raw.undo(document, language) }

    /** All tasks of a year, by deadline. */
    suspend fun tasks(year: Int): List<TaskView> = io { raw.tasks(year) }

    /** Carries out a command about a task; gives the id of the task it added. */
    suspend fun changeTask(year: Int, command: TaskCommand): String? = io { raw.changeTask(year, command) }

    /** Makes tasks of the conclusions of a meeting that have none yet; gives how many. */
    suspend fun tasksOfMeeting(meeting: String): Int = io { raw.tasksOfMeeting(meeting).toInt() }

    /** The ledger of a year. The committee only. */
    suspend fun fees(year: Int): FeesView = io { raw.fees(year) }

    /** A month of the ledger: who owes what, who paid, who has not. The committee only. */
    suspend fun feeMonth(month: String): FeeMonthView = io { raw.feeMonth(month) }

    /** Carries out commands to the ledger as one change, all or nothing; gives the id of the line that each one added. */
    suspend fun changeFees(year: Int, vararg commands: FeeCommand): List<String?> = io { raw.changeFees(year, commands.asList()) }

    /** The criteria of a year: those in force on its last day. */
    suspend fun criteria(year: Int): CriteriaView = io { raw.criteria(year) }

    /** Everybody who was rated in a year. The committee only. */
    suspend fun ratings(year: Int): List<RatingCardView> = io { raw.ratings(year) }

    /** Carries out a command about the ratings; gives the id of the evidence it added. */
    suspend fun changeRating(year: Int, command: RatingCommand): String? = io { raw.changeRating(year, command) }

    /** All resolutions, newest first. */
    suspend fun resolutions(): List<ResolutionView> = io { raw.resolutions() }

    /** A resolution by its id. */
    suspend fun resolution(id: String): ResolutionView = io { raw.resolution(id) }

    /** Begins a resolution, of a meeting or by itself; gives its id. Officers only. */
    suspend fun newResolution(title: String, meeting: String? = null): String = io { raw.newResolution(title, meeting) }

    /** Carries out commands as one change, all or nothing; gives the id of what each one added. */
    suspend fun changeResolution(id: String, vararg commands: ResolutionCommand): List<String?> =
        io { raw.changeResolution(id, commands.asList()) }

    /** Issues a resolution; refused while an item of its review list blocks. */
    suspend fun issueResolution(id: String) = io { raw.issueResolution(id) }

    /** A resolution as a file, as it stands; with [template], by one's own. */
    suspend fun resolutionPaper(id: String, form: PaperForm, template: String? = null): PaperFile =
        io { raw.resolutionPaper(id, form, template) }

    /** The reports of a year that were sent, by month and revision. */
    suspend fun reports(year: Int): List<SentReportView> = io { raw.reports(year) }

    /** What a month's report would say now; null when the last one that was sent says the same. */
    suspend fun reportProposal(month: String, language: Language = Language.VI): ReportProposalView? =
        io { raw.reportProposal(month, language) }

    /** The months of a year whose report is to be sent, for the first time or anew. */
    suspend fun reportsDue(year: Int, language: Language = Language.VI): List<ReportProposalView> = io { raw.reportsDue(year, language) }

    /** Sends a month's report as it would be now. Officers only. */
    suspend fun sendReport(month: String): SentReportView = io { raw.sendReport(month) }

    /** A month's report as a file: a revision that was sent, or what would be sent now; null when there is none. */
    suspend fun reportPaper(month: String, form: PaperForm, revision: UInt? = null, template: String? = null): PaperFile? =
        io { raw.reportPaper(month, revision, form, template) }

    /** What became of the reports of a year: of this unit, or of one below. */
    suspend fun reportAnswers(year: Int, unit: String? = null): List<ReportAnswerView> = io { raw.reportAnswers(unit, year) }

    /** The reports of a year that a unit below has sent, as far as they have come. */
    suspend fun reportsOf(unit: String, year: Int): List<SentReportView> = io { raw.reportsOf(unit, year) }

    /** On the level above: opens a report of a unit below, which the unit is told. */
    suspend fun openReport(unit: String, month: String, revision: UInt): List<SentReportView> = io { raw.openReport(unit, month, revision) }

    /** On the level above: accepts a report, or returns it with a remark. */
    suspend fun answerReport(unit: String, month: String, revision: UInt, accepted: Boolean, remark: String = "") =
        io { raw.answerReport(unit, month, revision, accepted, remark) }

    /** All directives known here; each says whether it is in force on a day, today if none is given. */
    suspend fun directives(on: String? = null): List<DirectiveView> = io { raw.directives(on) }

    /** Publishes a directive, the text of a JSON file, to everybody in the unit. Officers only. */
    suspend fun publishDirective(json: String): DirectiveView = io { raw.publishDirective(json) }

    /**
     * Withdraws a directive or a page template of this unit, named by its SHA-256 or the beginning of that, and gives its
     * name; what held before holds again. Officers only.
     */
    suspend fun withdrawDirective(sha256: String): String = io { raw.withdrawDirective(sha256) }

    /**
     * The page templates that were published and not withdrawn; each says whether it is in force on a day, today if none is
     * given. Where none is, pages are made with the one that ships.
     */
    suspend fun pageTemplates(on: String? = null): List<PageTemplateView> = io { raw.pageTemplates(on) }

    /** The shipped template as it is published, with [since] and [name] in its second line: to begin one's own with. */
    suspend fun shippedPageTemplate(sort: PageSort, since: String, name: String): String = io { raw.shippedPageTemplate(sort, since, name) }

    /** Checks a page template as publishing it would, and publishes nothing; throws the reason when it does not fit. */
    suspend fun checkPageTemplate(source: String): PageTemplateHead = io { raw.checkPageTemplate(source) }

    /** Publishes a page template, the text of a file, to everybody in the unit and below it. Officers only. */
    suspend fun publishPageTemplate(source: String): PageTemplateHead = io { raw.publishPageTemplate(source) }

    /**
     * The text of a template that was published, withdrawn or not, by its SHA-256 or the beginning that a page shows: passed
     * to [Meeting.paper] it makes an old page again. Null if none is known by it, or more than one.
     */
    suspend fun pageTemplateSource(sha256: String): String? = io { raw.pageTemplateSource(sha256) }
}
