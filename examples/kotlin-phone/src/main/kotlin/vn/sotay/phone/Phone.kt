package vn.sotay.phone

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.first
import vn.sotay.AttendanceState
import vn.sotay.Handbook
import vn.sotay.MeetingCommand
import vn.sotay.MeetingStep
import vn.sotay.SotayException
import vn.sotay.Sync
import vn.sotay.plainMember

/** What a line asked for makes no sense; [message] says how it is written. */
class BadLine(message: String) : Exception(message)

/**
 * A phone that is spoken to in lines, one command each; `help` lists them. Screens are read from the same models that an app
 * binds its views to.
 */
class Phone(private val handbook: Handbook, private val scope: CoroutineScope) {
    private val home by lazy { HomeModel(handbook, scope) }
    private val review by lazy { ReviewModel(handbook, scope) }
    private val feedback by lazy { FeedbackModel(handbook, scope) }
    private val hall by lazy { HallModel(handbook, scope) }
    private val relays = HashMap<String, SyncModel>()
    private var meeting: MeetingModel? = null
    private val library = LibraryLines(handbook, scope)

    /** Carries out a line; gives what to print. */
    suspend fun say(line: String): List<String> {
        val word = line.substringBefore(' ').trim()
        val rest = line.substringAfter(' ', "").trim()
        return when (word) {
            "help" -> HELP.lines()
            "found" -> found(rest)
            "members" -> members(rest)
            "request" -> listOf(handbook.branch.joinRequest().text)
            "admit" -> admit(rest)
            "accept" -> handbook.branch.accept(rest)
            "home" -> home()
            "begin" -> begin(rest)
            "place" -> acted { it.apply(MeetingCommand.SetPlace(rest)) }
            "start" -> acted { it.apply(MeetingCommand.SetStart(rest)) }
            "end" -> acted { it.apply(MeetingCommand.SetEnd(rest)) }
            "chair" -> numbers(rest).single().let { chair -> acted { it.apply(MeetingCommand.SetChair(chair)) } }
            "clerk" -> numbers(rest).single().let { clerk -> acted { it.apply(MeetingCommand.SetClerk(clerk)) } }
            "open" -> acted { it.step(MeetingStep.OPENED) }
            "close" -> acted { it.step(MeetingStep.CLOSED) }
            "agenda" -> acted { it.apply(MeetingCommand.AddAgenda(rest)) }
            "mark" -> mark(rest)
            "speech" -> speech(rest)
            "conclusion" -> conclusion(rest)
            "view" -> view()
            "review" -> review()
            "minutes" -> current().minutes().text.lines()
            "sha256" -> listOf(current().minutes().sha256)
            "feedback" -> feedback(rest)
            "answer" -> reply(rest)
            "sync" -> sync(rest)
            "host" -> hosting { it.host(rest.ifEmpty { Sync.ANY_PORT }) } + listOfNotNull(hall.screen.read().address)
            "hall" -> hallLines()
            "visit" -> hosting { it.visit(rest) }
            "leave" -> hosting { it.leave(rest) }
            else -> library.say(word, rest) ?: throw BadLine("no such command: $word; try help")
        }
    }

    private suspend fun found(rest: String): List<String> {
        val parts = parts(rest, 4, "found UNIT | UPPER | FOUNDER | SINCE")
        return listOf(handbook.branch.create(parts[0], parts[1], parts[2], parts[3]))
    }

    private suspend fun members(rest: String): List<String> {
        if (rest.isNotEmpty()) {
            val (since, names) = parts(rest, 2, "members SINCE | NAME; NAME; …")
            handbook.branch.addMembers(names.split(';').map { plainMember(it.trim()) }, since)
        }
        return handbook.branch.members().map { "${it.number}. ${it.name ?: "?"}" }
    }

    private suspend fun admit(rest: String): List<String> {
        val (request, number, rank) = parts(rest, 3, "admit REQUEST | NUMBER | RANK")
        return listOf(handbook.branch.admit(request, numbers(number).single(), rank.toUByteOrNull() ?: throw BadLine("RANK is 2, 3 or 4")))
    }

    private suspend fun home(): List<String> {
        val content = home.screen.read()
        val card = content.card
        val (role, actions) = content.home.run { role to actions.joinToString("; ") { it.label } }
        return listOf("${card.name} · ${card.memberName ?: "?"} · ${card.label} · $role", "review: ${content.home.reviewOpen}", "now: $actions") +
            content.meetings.map { "${it.month ?: it.date ?: it.id} · ${it.phase ?: "-"}" }
    }

    private suspend fun begin(rest: String): List<String> {
        val (month, day) = parts(rest, 2, "begin MONTH | DAY")
        val id = home.begin(month, day) ?: throw BadLine(home.screen.shown.value.notice?.text.orEmpty())
        meeting = MeetingModel(handbook, id, scope)
        return listOf(id)
    }

    private suspend fun mark(rest: String): List<String> {
        val parts = rest.split('|').map(String::trim)
        val state = STATES[parts[0]] ?: throw BadLine("mark ${STATES.keys.joinToString("/")} | NUMBERS | REASON")
        val members = numbers(parts.getOrElse(1) { "" })
        return acted { it.mark(members, state, parts.getOrNull(2)) }
    }

    private suspend fun speech(rest: String): List<String> {
        val (number, text) = parts(rest, 2, "speech NUMBER | TEXT")
        val member = numbers(number).single()
        return acted { it.speech(member, text) }
    }

    private suspend fun conclusion(rest: String): List<String> {
        val (text, deadline, responsible) = parts(rest, 3, "conclusion TEXT | DEADLINE | NUMBERS")
        val members = numbers(responsible)
        return acted { it.apply(MeetingCommand.AddConclusion(text, deadline = deadline.ifEmpty { null }, responsible = members)) }
    }

    private suspend fun view(): List<String> {
        val (view, blocked) = current().screen.read()
        val counts = view.counts
        return listOf(
            "${view.month ?: view.date ?: view.id} · ${view.place ?: "-"} · ${view.phase ?: "-"}",
            "attendance: ${counts.present}/${counts.excused}/${counts.unexcused}/${counts.exempt} of ${counts.total}",
            "speeches: ${view.speeches.size}, conclusions: ${view.conclusions.size}, blocked: $blocked",
        )
    }

    private suspend fun review(): List<String> = review.screen.read().map { "${it.severity}: ${it.text}" }

    private suspend fun feedback(rest: String): List<String> {
        if (rest.isNotEmpty()) {
            val (who, topic, text) = parts(rest, 3, "feedback named/nameless | TOPIC | TEXT")
            if (!feedback.write(topic, text, named = who == "named")) throw BadLine(feedback.screen.shown.value.notice?.text.orEmpty())
        }
        val content = feedback.screen.read()
        return content.own.map { "own: ${it.topic} · ${it.state} · ${it.answers.size}" } +
            content.received.orEmpty().map { "${it.number}. ${it.writer?.name ?: "-"}: ${it.topic}: ${it.text}" }
    }

    private suspend fun reply(rest: String): List<String> {
        val (number, who, text) = parts(rest, 3, "answer NUMBER | writer/all | TEXT")
        val item = feedback.screen.read().received.orEmpty().firstOrNull { it.number.toString() == number } ?: throw BadLine("no item $number")
        if (!feedback.answer(item.id, text, public = who == "all")) throw BadLine(feedback.screen.shown.value.notice?.text.orEmpty())
        return emptyList()
    }

    private suspend fun sync(relay: String): List<String> {
        val model = relays.getOrPut(relay) { SyncModel(handbook, relay, scope) }
        if (!model.now()) throw BadLine(model.screen.shown.value.notice?.text.orEmpty())
        val content = model.screen.read()
        return listOf("sync: ${content.mood}, pending: ${content.pending}")
    }

    private suspend fun hosting(action: suspend (HallModel) -> Boolean): List<String> {
        if (!action(hall)) throw BadLine(hall.screen.shown.value.notice?.text.orEmpty())
        return emptyList()
    }

    private suspend fun hallLines(): List<String> {
        val content = hall.screen.read()
        return listOf("hall: ${content.complete} of ${content.visitors.size}") +
            content.visitors.map { "${it.label} · ${it.name ?: "?"} · ${if (it.complete) "complete" else "behind"}" }
    }

    private suspend fun <T> Screen<T>.read(): T {
        refresh()
        return shown.first { it.content != null }.content!!
    }

    private fun current(): MeetingModel = meeting ?: throw BadLine("no meeting yet: begin MONTH | DAY")

    private suspend fun acted(action: suspend (MeetingModel) -> Boolean): List<String> {
        val model = current()
        if (!action(model)) throw BadLine(model.screen.shown.value.notice?.text.orEmpty())
        return emptyList()
    }

    /** Members of `1-20 23 25`. */
    private suspend fun numbers(text: String): List<String> {
        val all = handbook.branch.members()
        return text.split(' ').filter(String::isNotBlank).flatMap { word ->
            val ends = word.split('-').map { it.toIntOrNull() ?: throw BadLine("not a number: $word") }
            (ends.first()..ends.last()).map { number -> all.numbered(number)?.member ?: throw BadLine("no member $number") }
        }
    }

    private fun parts(text: String, count: Int, usage: String): List<String> =
        text.split('|').map(String::trim).also { if (it.size != count) throw BadLine(usage) }

    companion object {
        private val STATES =
            mapOf(
                "present" to AttendanceState.PRESENT,
                "excused" to AttendanceState.EXCUSED,
                "unexcused" to AttendanceState.UNEXCUSED,
                "exempt" to AttendanceState.EXEMPT,
            )

        /** All commands. */
        val HELP =
            """
            found UNIT | UPPER | FOUNDER | SINCE      members [SINCE | NAME; NAME; …]
            request      admit REQUEST | NUMBER | RANK      accept INVITATION
            home      begin MONTH | DAY      place TEXT      start TIME      end TIME      chair NUMBER      clerk NUMBER
            open      close      agenda TITLE      mark STATE | NUMBERS | REASON      speech NUMBER | TEXT
            conclusion TEXT | DEADLINE | NUMBERS      view      review      minutes      sha256
            feedback [named/nameless | TOPIC | TEXT]      answer NUMBER | writer/all | TEXT      sync HOST:PORT#KEY
            host [LISTEN]      hall      visit HOST:PORT#KEY      leave HOST:PORT#KEY      quit
            ${LibraryLines.HELP}
            """.trimIndent()
    }
}

/** What to print for a line: the answer and `ok`, or one line that begins with `error`. */
suspend fun Phone.answer(line: String): List<String> =
    try {
        say(line) + "ok"
    } catch (error: SotayException) {
        listOf("error ${error.text()}")
    } catch (error: BadLine) {
        listOf("error ${error.message}")
    }
