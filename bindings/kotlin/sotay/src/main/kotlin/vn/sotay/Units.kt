package vn.sotay

/** Members who move between units: the unit they leave asks, the level above records, each unit enters it in its list. */
class Moves internal constructor(private val raw: RawBranch) {
    /** The moves of this unit, in and out, by their day. For officers. */
    suspend fun all(): List<MoveView> = io { raw.moves() }

    /** On the level above: the moves of the units below. */
    suspend fun below(): List<MoveView> = io { raw.movesBelow() }

    /** Asks the level above to record that a member moves; gives the id of the move. */
    suspend fun ask(new: NewMove): String = io { raw.askMove(new) }

    /** On the level above: records a move, from its day or another one, and tells the unit [to] whom to expect. */
    suspend fun record(id: String, to: String? = null, since: String? = null) = io { raw.recordMove(id, to, since) }

    /** On the level above: records a move that no unit asked for; gives its id. */
    suspend fun order(ordered: OrderedMove): String = io { raw.orderMove(ordered) }

    /** On the level above: refuses a move that a unit asked for. */
    suspend fun refuse(id: String) = io { raw.refuseMove(id) }

    /**
     * Enters in this list that a member leaves, as recorded above. Of a move for good the member's phones are removed once the day
     * has come; doing it again does what was left. [member] says who is meant where the letters do not.
     */
    suspend fun leave(id: String, member: String? = null): LeftView = io { raw.leave(id, member) }

    /** Enters somebody in this list whom the level above told this unit to expect; gives the member's id. */
    suspend fun arrive(id: String): String = io { raw.arrive(id) }
}

/**
 * The root of several keys: papers that are drafted here, signed elsewhere by enough of its keys ([sign]), and carried into the
 * rolls by any officer's phone.
 */
class Root internal constructor(private val raw: RawBranch) {
    /** Begins a unit under a root, on a phone that belongs to none: the paper that [threshold] of its keys have to sign. */
    suspend fun draft(name: String, level: UnitLevel, publicKeys: List<String>, threshold: UByte): RootPaperView =
        io { raw.draftRoot(name, level, publicKeys, threshold) }

    /** Founds the unit that this phone drafted, once enough keys have signed; gives the unit's id. */
    suspend fun found(paper: String, upper: String, founder: String): String = io { raw.foundRooted(paper, upper, founder) }

    /** The hash of the root that stands behind this unit, as far as known here. Compare it with the one you trust. */
    suspend fun hash(): String? = io { raw.root() }

    /** This unit as the level above wants to know it: its officers' phones, with a check code to compare aloud. */
    suspend fun card(): CommitteeCardView = io { raw.committeeCard() }

    /** The paper that gives a committee's phones the rank of the level above in some units. */
    suspend fun appoint(units: List<String>, card: String): RootPaperView = io { raw.draftAppointment(units, card) }

    /** The paper that ends what a phone of the level above may do in some units. */
    suspend fun dismiss(units: List<String>, phone: String): RootPaperView = io { raw.draftDismissal(units, phone) }

    /** The paper that moves branches below another committee, by its card. */
    suspend fun move(units: List<String>, card: String): RootPaperView = io { raw.draftMove(units, card) }

    /**
     * Carries a signed paper into the rolls of its units, some hundred records at a time; [progress] hears how many are left. Gives
     * how many were new. Carrying twice changes nothing, so a cancelled one is carried on by another call.
     */
    suspend fun carry(paper: String, progress: (left: Int) -> Unit = {}): Int {
        var done = 0u
        var new = 0u
        while (true) {
            val step = io { raw.carryRoot(paper, done, CARRIED_AT_ONCE) }
            done += step.written + step.known
            new += step.written
            progress(step.left.toInt())
            if (step.left == 0u) return new.toInt()
        }
    }

    /** On a phone of the committee to which branches were moved: follows them from now on; gives how many are new. */
    suspend fun followMoved(paper: String): Int = io { raw.followMoved(paper).toInt() }

    /** What needs no profile. */
    companion object {
        init {
            NativeLibrary.ensure()
        }

        private const val CARRIED_AT_ONCE = 500u

        /** Makes a key of a root: the sealed key, the code that opens it, and its public half. Nothing is kept here. */
        suspend fun makeKey(): RootKeyView = io { makeRootKey() }

        /** Reads a paper, to show what it does before anybody signs. */
        suspend fun read(paper: String): RootPaperView = io { readRootPaper(paper) }

        /** Signs a paper with one of the root's keys, opened by its code; gives the paper to hand on. */
        suspend fun sign(paper: String, key: String, code: String): RootPaperView = io { signRootPaper(paper, key, code) }

        /** Reads the card of a committee, to compare its check code. */
        suspend fun readCard(card: String): CommitteeCardView = io { readCommitteeCard(card) }
    }
}
