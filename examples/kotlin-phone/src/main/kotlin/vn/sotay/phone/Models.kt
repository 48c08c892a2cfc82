package vn.sotay.phone

import kotlinx.coroutines.CoroutineScope
import vn.sotay.AttendanceState
import vn.sotay.Change
import vn.sotay.FeedbackReplyView
import vn.sotay.FeedbackStatus
import vn.sotay.FeedbackView
import vn.sotay.Handbook
import vn.sotay.HomeView
import vn.sotay.MeetingCommand
import vn.sotay.MeetingHeading
import vn.sotay.MeetingKind
import vn.sotay.MeetingStep
import vn.sotay.MeetingView
import vn.sotay.MemberView
import vn.sotay.OwnFeedbackView
import vn.sotay.RecordedHow
import vn.sotay.ReviewItemView
import vn.sotay.SotayException
import vn.sotay.SpaceState
import vn.sotay.SpaceStatus
import vn.sotay.UnitCard
import vn.sotay.Who

/** The first screen. */
data class HomeContent(
    /** The unit and this phone in it. */
    val card: UnitCard,
    /** The meeting that is not closed yet, if there is one. */
    val current: MeetingHeading?,
    /** All meetings, newest first. */
    val meetings: List<MeetingHeading>,
    /** Role, phase of the meeting at hand, what can be done now, tasks, what waits. */
    val home: HomeView,
)

/** The first screen: unit, role, the meeting at hand, what can be done and what waits. */
class HomeModel(private val handbook: Handbook, scope: CoroutineScope) {
    /** What to draw. */
    val screen =
        Screen(handbook, scope, { it !is Change.Sync }) {
            val meetings = handbook.branch.meetings()
            HomeContent(
                card = handbook.branch.card(),
                current = meetings.firstOrNull { it.phase == null || it.phase!! < MeetingStep.CLOSED },
                meetings = meetings,
                home = handbook.home(),
            )
        }

    /** Begins the regular meeting of a month; gives its id, or null when the notice says why not. */
    suspend fun begin(month: String, day: String): String? {
        var id: String? = null
        screen.act { id = handbook.branch.newMeeting(MeetingKind.REGULAR, month, day) }
        return id
    }
}

/** A meeting's screen. */
data class MeetingContent(
    /** The whole meeting. */
    val view: MeetingView,
    /** Whether the minutes may not be sealed yet. */
    val blocked: Boolean,
)

/** The screen of one meeting, and what is done on it. */
class MeetingModel(handbook: Handbook, id: String, scope: CoroutineScope) {
    private val meeting = handbook.meeting(id)

    /** What to draw. */
    val screen =
        Screen(handbook, scope, { it == Change.Names || (it is Change.Document && it.doc == id) }) {
            MeetingContent(meeting.view(), meeting.review().blocks)
        }

    /** Any commands, as one change. */
    suspend fun apply(vararg commands: MeetingCommand) = screen.act { meeting.apply(*commands) }

    /** Takes a step in the meeting's life. */
    suspend fun step(step: MeetingStep) = apply(MeetingCommand.Step(step))

    /** Notes who is there and who is not. */
    suspend fun mark(members: List<String>, state: AttendanceState, reason: String? = null) =
        apply(MeetingCommand.Mark(members, state, RecordedHow.ROLL_CALL, reason))

    /** Notes what a member said. */
    suspend fun speech(member: String, text: String) = apply(MeetingCommand.AddSpeech(Who.Member(member), text))

    /** Text and SHA-256 of the minutes as they stand. */
    suspend fun minutes() = meeting.minutes()
}

/** The list of contradictions of all meetings. */
class ReviewModel(private val handbook: Handbook, scope: CoroutineScope) {
    /** What to draw: open items, worst first. */
    val screen = Screen(handbook, scope, { it is Change.Document || it == Change.Names }) { handbook.branch.reviewAll().sortedBy { it.severity } }

    /** Settles an item by one of its options. */
    suspend fun settle(item: ReviewItemView, pick: String) = screen.act { handbook.meeting(item.meeting).settle(item.id, pick) }
}

/** The screen of feedback. */
data class FeedbackContent(
    /** What was written on this phone, with its answers. */
    val own: List<OwnFeedbackView>,
    /** Answers that everybody reads. */
    val answers: List<FeedbackReplyView>,
    /** What the committee has received; null for who does not sit on it. */
    val received: List<FeedbackView>?,
)

/** What members write to the committee. */
class FeedbackModel(private val handbook: Handbook, scope: CoroutineScope) {
    /** What to draw. */
    val screen =
        Screen(handbook, scope, { it == Change.Feedback || it == Change.Names || it == Change.Membership }) {
            FeedbackContent(handbook.feedback.own(), handbook.feedback.publicAnswers(), received())
        }

    /** Writes; with [named] false nobody learns who wrote. Says whether it is on disk: keep the text in its field until then. */
    suspend fun write(topic: String, text: String, named: Boolean): Boolean = screen.act { handbook.feedback.submit(topic, text, named) }

    /** Takes an item of one's own back. */
    suspend fun withdraw(item: String): Boolean = screen.act { handbook.feedback.withdraw(item) }

    /** Answers: the writer alone, or the whole unit. */
    suspend fun answer(item: String, text: String, public: Boolean): Boolean =
        screen.act { handbook.feedback.answer(item, FeedbackStatus.ANSWERED, text, public) }

    private suspend fun received(): List<FeedbackView>? =
        try {
            handbook.feedback.received()
        } catch (_: SotayException.NotAllowed) {
            null
        }
}

/** How it stands with a relay; [UNKNOWN] when nothing is known, which is not the same as bad. */
enum class SyncMood { UNKNOWN, BEHIND, UNSENT, SYNCED }

/** The line about syncing. */
data class SyncContent(
    /** The least good of all spaces. */
    val mood: SyncMood,
    /** Space by space. */
    val spaces: List<SpaceStatus>,
    /** Changes that are in no envelope yet. */
    val pending: Long,
)

/** Syncing with one relay. */
class SyncModel(private val handbook: Handbook, private val relay: String, scope: CoroutineScope) {
    /** What to draw. */
    val screen =
        Screen(handbook, scope, { it is Change.Sync || it is Change.Document }) {
            val spaces = handbook.sync.status(relay)
            val pending = handbook.sync.pending()
            SyncContent(mood(spaces, pending), spaces, pending)
        }

    /** An exchange now; cancelling the coroutine ends it. */
    suspend fun now(): Boolean =
        screen.act {
            handbook.sync.once(relay)
            screen.refresh()
        }

    private fun mood(spaces: List<SpaceStatus>, pending: Long): SyncMood =
        when {
            spaces.isEmpty() || spaces.any { it.state is SpaceState.Unknown } -> SyncMood.UNKNOWN
            spaces.any { it.state is SpaceState.Behind } -> SyncMood.BEHIND
            pending > 0 || spaces.any { it.state is SpaceState.Ahead } -> SyncMood.UNSENT
            else -> SyncMood.SYNCED
        }
}

/** Members by what people call them: the number on the roster. */
fun List<MemberView>.numbered(number: Int): MemberView? = firstOrNull { it.number.toInt() == number }
