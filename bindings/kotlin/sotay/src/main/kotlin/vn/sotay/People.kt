package vn.sotay

/** Joining by what an officer's phone shows: the answer to one phone, or the code on the wall of a hall. */
class Enrolment internal constructor(private val raw: RawBranch) {
    /** The request of this phone, to be shown as a QR code: good for ten minutes and once, with its check code. */
    suspend fun request(): JoinRequestView = io { raw.shownRequest() }

    /**
     * Grants the phone whose request was scanned its rank (2 secretary, 3 deputy, 4 member), and gives the code to show in
     * return, with the file of welcome for when there is no relay. [replaces] is a lost phone of the member; [readsFrom] is
     * the first day it reads.
     */
    suspend fun admit(
        request: String,
        member: String,
        rank: UByte = 4u,
        committee: Boolean = false,
        probationary: Boolean = false,
        relays: List<String> = emptyList(),
        replaces: String? = null,
        readsFrom: String? = null,
    ): TicketView = io { raw.admitByCode(Admission(request, member, rank, committee, probationary, relays, replaces, readsFrom)) }

    /** Takes what was scanned from an officer's phone. Of a hall it has a letter to carry and six digits to read out. */
    suspend fun scan(code: String): ScannedView = io { raw.scan(code) }

    /**
     * What this phone has scanned, while it waits for the records of the unit: an exchange with one of its relays brings them,
     * or a file of welcome.
     */
    suspend fun waiting(): PassView? = io { raw.joining() }

    /** Joins by the file of welcome that belongs to the scanned code. */
    suspend fun welcome(file: ByteArray) = io { raw.acceptWelcome(file) }

    /** Opens a hall for two hours: the code to put on the wall. Officers only. */
    suspend fun openHall(relays: List<String> = emptyList()): PassView = io { raw.openHall(relays) }

    /** The code of the hall that is open on this phone. */
    suspend fun hall(): PassView = io { raw.hall() }

    /** Ends the hall. Who was admitted stays admitted. */
    suspend fun closeHall() = io { raw.closeHall() }

    /** Takes a letter to this hall in. Take all of them in before anybody reads digits out. */
    suspend fun takeLetter(letter: String): HallEntryView = io { raw.takeHallLetter(letter) }

    /** The phones that wait in the hall, by label. */
    suspend fun requests(): List<HallEntryView> = io { raw.hallRequests() }

    /** Admits the one phone whose holder reads these six digits out. */
    suspend fun admitInHall(
        checkCode: String,
        member: String,
        rank: UByte = 4u,
        committee: Boolean = false,
        probationary: Boolean = false,
    ): HallEntryView = io { raw.admitInHall(checkCode, Admission("", member, rank, committee, probationary)) }

    /** The file of welcome for everybody who was admitted in the hall. */
    suspend fun hallWelcome(): ByteArray = io { raw.hallWelcome() }

    /** What this unit has decided about its keys and doors. */
    suspend fun policy(): UnitPolicyView = io { raw.unitPolicy() }

    /** Decides anew whether the level above holds keys, and whether phones are admitted from afar. The secretary only. */
    suspend fun setPolicy(policy: UnitPolicyView): KeyChangeView = io { raw.setUnitPolicy(policy) }

    /** The word of one officer that a phone may be admitted from afar, as text for another officer, who admits it. */
    suspend fun endorse(
        request: String,
        member: String,
        rank: UByte = 4u,
        committee: Boolean = false,
        probationary: Boolean = false,
    ): String = io { raw.endorse(Admission(request, member, rank, committee, probationary)) }

    /** Admits a phone from afar that another officer has endorsed; gives the invitation as text. */
    suspend fun admitEndorsed(endorsement: String, relays: List<String> = emptyList()): String =
        io { raw.admitEndorsed(endorsement, relays) }

    /** On the level above: puts a new phone in the place of the secretary's phones of a branch; gives the invitation. */
    suspend fun replaceSecretary(branch: String, request: String, relays: List<String> = emptyList()): String =
        io { raw.replaceSecretary(branch, request, relays) }
}

/** Personal data: what the committee knows of members, who opened it, consents, erasure, export. */
class Personal internal constructor(private val raw: RawBranch) {
    /** Writes what the committee knows of a member; an empty one takes it back. What stood before is erased. */
    suspend fun setContact(member: String, contact: ContactView) = io { raw.setContact(member, contact) }

    /** Opens what the committee knows of a member; that it was opened is recorded first. */
    suspend fun openContact(member: String): ContactView? = io { raw.openContact(member) }

    /** The members of whom the committee knows more than the name. */
    suspend fun contacts(): List<String> = io { raw.contacts() }

    /** Erases a member's name and all that the committee knows of them, wherever the record comes. It cannot be undone. */
    suspend fun erase(member: String): ErasedView = io { raw.erasePerson(member) }

    /** Who opened personal data, newest first. The committee only. */
    suspend fun accesses(): List<AccessView> = io { raw.accesses() }

    /** Records that a member consented to something on a day, or took it back. */
    suspend fun recordConsent(member: String, purpose: String, given: Boolean, day: String) =
        io { raw.recordConsent(member, purpose, given, day) }

    /** What was consented to, by one member or by all, oldest first. */
    suspend fun consents(member: String? = null): List<ConsentView> = io { raw.consents(member) }

    /** Sets how many months personal data is kept after somebody has left. */
    suspend fun setRetention(months: UInt) = io { raw.setRetention(months) }

    /** That rule, and whose data is due by it. */
    suspend fun retention(): RetentionView = io { raw.retention() }

    /** Everything this phone holds about its holder, as text. */
    suspend fun own(language: Language = Language.VI): String = io { raw.ownData(language) }

    /** The holder's data, or a member's who asks an officer for it, as two files of the age format under a passphrase. */
    suspend fun export(passphrase: String, member: String? = null, language: Language = Language.VI): ExportFiles =
        io { raw.exportData(member, passphrase, language) }
}
