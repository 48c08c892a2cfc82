package vn.sotay

/** The unit: members, phones, meetings. */
class Branch internal constructor(private val raw: RawBranch) {
    /** Joining by codes to scan. */
    val enrolment: Enrolment = Enrolment(raw)

    /** Personal data of members. */
    val personal: Personal = Personal(raw)

    /** Members who move between units. */
    val moves: Moves = Moves(raw)

    /** The root of several keys, and moving branches by its papers. */
    val root: Root = Root(raw)

    /** Founds a unit; this phone becomes its secretary's. [since] is the founder's first day on the roster. Gives the unit's id. */
    suspend fun create(name: String, upper: String, founder: String, since: String? = null): String =
        io { raw.create(NewUnit(name, upper, founder, since)) }

    /** The unit and this phone in it. */
    suspend fun card(): UnitCard = io { raw.card() }

    /** The text this phone shows to be admitted, and its check code. */
    suspend fun joinRequest(): JoinRequestView = io { raw.joinRequest() }

    /** Reads somebody's request, to compare the check code before admitting. */
    suspend fun readRequest(text: String): JoinRequestView = io { raw.readRequest(text) }

    /**
     * Grants a phone its rank (2 secretary, 3 deputy, 4 member); gives the invitation as text. [replaces] is a lost or broken
     * phone of the member whose grants end in the same step. [readsFrom]: what was written before that day under keys of its own
     * stays closed to the phone.
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
    ): String = io { raw.admit(Admission(request, member, rank, committee, probationary, relays, replaces, readsFrom)) }

    /** Takes the invitation made for this phone; gives the relays it names. */
    suspend fun accept(invitation: String): List<String> = io { raw.accept(invitation) }

    /** The members of a day, today if none is given. */
    suspend fun members(on: String? = null): List<MemberView> = io { raw.members(on) }

    /** Puts members on the roster from a day on; gives their ids. */
    suspend fun addMembers(members: List<NewMember>, since: String): List<String> = io { raw.addMembers(members, since) }

    /** Puts the lines of a roster kept elsewhere in, each from its own day, all or none; gives their ids. */
    suspend fun importMembers(lines: List<NewMemberLine>): List<String> = io { raw.importMembers(lines) }

    /** Changes the roster. */
    suspend fun roster(command: RosterCommand) = io { raw.roster(command) }

    /** Corrects a member's name. */
    suspend fun renameMember(member: String, name: String) = io { raw.renameMember(member, name) }

    /** Corrects the names of the unit and of the body above it. */
    suspend fun renameUnit(name: String, upper: String) = io { raw.renameUnit(name, upper) }

    /** The unit, or the body above it, has another name from a day on; documents of earlier days keep the old one. */
    suspend fun renameUnitFrom(since: String, name: String? = null, upper: String? = null) =
        io { raw.renameUnitFrom(name, upper, since) }

    /** The unit became part of another one on a day: its documents of that day or later say so. */
    suspend fun mergeInto(other: String, since: String) = io { raw.mergeInto(other, since) }

    /** Every name of the unit and of the body above, by day. */
    suspend fun unitNames(): List<UnitNameView> = io { raw.unitNames() }

    /** Every phone that was ever admitted, by member. */
    suspend fun phones(): List<PhoneView> = io { raw.phones() }

    /** Ends a phone's grants for good; what it wrote so far stays, and what it could read gets new keys. */
    suspend fun removePhone(device: String, why: RemovalReason): KeyChangeView = io { raw.removePhone(device, why) }

    /** Sets a phone aside until lifted: no relay serves it. A deputy may do it even to the secretary's stolen phone. */
    suspend fun suspendPhone(device: String, why: RemovalReason): KeyChangeView = io { raw.suspendPhone(device, why) }

    /** Ends every suspension of a phone. */
    suspend fun liftPhone(device: String): KeyChangeView = io { raw.liftPhone(device) }

    /** Changes what a phone may do: its grants end and another one follows, in one step. */
    suspend fun regradePhone(device: String, rank: UByte, committee: Boolean = false, probationary: Boolean = false): KeyChangeView =
        io { raw.regradePhone(device, rank, committee, probationary) }

    /** Hands a phone that reads from a day on the keys it was not given: all, or those of a day or later. */
    suspend fun widenPhone(device: String, from: String? = null): KeyChangeView = io { raw.widenPhone(device, from) }

    /** The day from which on this phone reads; null when it reads everything that its rank allows. */
    suspend fun readsFrom(): String? = io { raw.readsFrom() }

    /** New keys for every part of the handbook that this phone may give them to: once a year, or when a key may have leaked. */
    suspend fun rotateKeys(): KeyChangeView = io { raw.rotateKeys() }

    /** What phones wrote after their removal, or beyond what they might: kept, and not counted. */
    suspend fun notCounted(): List<NotCountedView> = io { raw.notCounted() }

    /** Lets a phone read one meeting and nothing else; gives the invitation. Officers only. */
    suspend fun admitGuest(request: String, meeting: String, name: String, relays: List<String> = emptyList()): String =
        io { raw.admitGuest(GuestAdmission(request, meeting, name, relays)) }

    /** The phones of guests, by meeting; [removePhone] ends one. */
    suspend fun guests(): List<GuestPhoneView> = io { raw.guests() }

    /** What this phone, a guest's, was shown last; null while nothing has come. */
    suspend fun guestPage(): GuestPageView? = io { raw.guestPage() }

    /** The units above, nearest first. */
    suspend fun levelsAbove(): List<UnitAboveView> = io { raw.levelsAbove() }

    /** The units below, by name. */
    suspend fun branches(): List<UnitBelowView> = io { raw.branches() }

    /** Founds branches below this unit, all or none; gives the packs for their secretaries. Officers only. */
    suspend fun foundBranches(new: List<NewBranch>): List<FoundedView> = io { raw.foundBranches(new) }

    /** Begins a meeting; gives its id. A monthly one has the same id on every phone. */
    suspend fun newMeeting(kind: MeetingKind, month: String? = null, date: String? = null): String =
        io { raw.newMeeting(NewMeeting(kind, month, date)) }

    /** All meetings known here, newest first. */
    suspend fun meetings(): List<MeetingHeading> = io { raw.meetings() }

    /** Open review items of all meetings. */
    suspend fun reviewAll(language: Language = Language.VI): List<ReviewItemView> = io { raw.reviewAll(language) }
}

/** A full member who attends: the usual line of a roster. */
fun plainMember(name: String): NewMember =
    NewMember(
        name = name,
        role = MemberRole.MEMBER,
        standing = MemberStanding.FULL,
        activity = MemberActivity.ATTENDING,
    )
