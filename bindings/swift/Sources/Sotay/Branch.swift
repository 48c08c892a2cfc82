/// The unit: members, phones, meetings.
public final class Branch: Sendable {
    private let raw: RawBranch

    init(_ raw: RawBranch) {
        self.raw = raw
    }

    /// Joining by codes to scan.
    public var enrolment: Enrolment { Enrolment(raw) }

    /// Personal data of members.
    public var personal: Personal { Personal(raw) }

    /// Members who move between units.
    public var moves: Moves { Moves(raw) }

    /// The root of several keys, and moving branches by its papers.
    public var root: Root { Root(raw) }

    /// Founds a unit; this phone becomes its secretary's. `since` is the founder's first day on the roster. Gives the unit's id.
    @discardableResult
    public func create(name: String, upper: String, founder: String, since: String? = nil) async throws -> String {
        let raw = raw
        return try await io { try raw.create(new: NewUnit(name: name, upper: upper, founder: founder, since: since)) }
    }

    /// The unit and this phone in it.
    public func card() async throws -> UnitCard {
        let raw = raw
        return try await io { try raw.card() }
    }

    /// The text this phone shows to be admitted, and its check code.
    public func joinRequest() async throws -> JoinRequestView {
        let raw = raw
        return try await io { try raw.joinRequest() }
    }

    /// Reads somebody's request, to compare the check code before admitting.
    public func readRequest(_ text: String) async throws -> JoinRequestView {
        let raw = raw
        return try await io { try raw.readRequest(text: text) }
    }

    /// Grants a phone its rank (2 secretary, 3 deputy, 4 member); gives the invitation as text. `replaces` is a lost or broken
    /// phone of the member whose grants end in the same step. `readsFrom`: what was written before that day under keys of its own
    /// stays closed to the phone.
    public func admit(
        request: String, member: String, rank: UInt8 = 4, committee: Bool = false, probationary: Bool = false, relays: [String] = [],
        replaces: String? = nil, readsFrom: String? = nil
    ) async throws -> String {
        let raw = raw
        let admission = Admission(
            request: request, member: member, rank: rank, committee: committee, probationary: probationary, relays: relays,
            replaces: replaces, readsFrom: readsFrom)
        return try await io { try raw.admit(admission: admission) }
    }

    /// Takes the invitation made for this phone; gives the relays it names.
    @discardableResult
    public func accept(_ invitation: String) async throws -> [String] {
        let raw = raw
        return try await io { try raw.accept(invitation: invitation) }
    }

    /// The members of a day, today if none is given.
    public func members(on day: String? = nil) async throws -> [MemberView] {
        let raw = raw
        return try await io { try raw.members(on: day) }
    }

    /// Puts members on the roster from a day on; gives their ids.
    @discardableResult
    public func addMembers(_ members: [NewMember], since: String) async throws -> [String] {
        let raw = raw
        return try await io { try raw.addMembers(members: members, since: since) }
    }

    /// Puts the lines of a roster kept elsewhere in, each from its own day, all or none; gives their ids.
    @discardableResult
    public func importMembers(_ lines: [NewMemberLine]) async throws -> [String] {
        let raw = raw
        return try await io { try raw.importMembers(lines: lines) }
    }

    /// Changes the roster.
    public func roster(_ command: RosterCommand) async throws {
        let raw = raw
        try await io { try raw.roster(command: command) }
    }

    /// Corrects a member's name.
    public func renameMember(_ member: String, name: String) async throws {
        let raw = raw
        try await io { try raw.renameMember(member: member, name: name) }
    }

    /// Corrects the names of the unit and of the body above it.
    public func renameUnit(name: String, upper: String) async throws {
        let raw = raw
        try await io { try raw.renameUnit(name: name, upper: upper) }
    }

    /// The unit, or the body above it, has another name from a day on; documents of earlier days keep the old one.
    public func renameUnit(since: String, name: String? = nil, upper: String? = nil) async throws {
        let raw = raw
        try await io { try raw.renameUnitFrom(name: name, upper: upper, since: since) }
    }

    /// The unit became part of another one on a day: its documents of that day or later say so.
    public func mergeInto(_ other: String, since: String) async throws {
        let raw = raw
        try await io { try raw.mergeInto(other: other, since: since) }
    }

    /// Every name of the unit and of the body above, by day.
    public func unitNames() async throws -> [UnitNameView] {
        let raw = raw
        return try await io { try raw.unitNames() }
    }

    /// Every phone that was ever admitted, by member.
    public func phones() async throws -> [PhoneView] {
        let raw = raw
        return try await io { try raw.phones() }
    }

    /// Ends a phone's grants for good; what it wrote so far stays, and what it could read gets new keys.
    @discardableResult
    public func removePhone(_ device: String, why: RemovalReason) async throws -> KeyChangeView {
        let raw = raw
        return try await io { try raw.removePhone(device: device, why: why) }
    }

    /// Sets a phone aside until lifted: no relay serves it. A deputy may do it even to the secretary's stolen phone.
    @discardableResult
    public func suspendPhone(_ device: String, why: RemovalReason) async throws -> KeyChangeView {
        let raw = raw
        return try await io { try raw.suspendPhone(device: device, why: why) }
    }

    /// Ends every suspension of a phone.
    @discardableResult
    public func liftPhone(_ device: String) async throws -> KeyChangeView {
        let raw = raw
        return try await io { try raw.liftPhone(device: device) }
    }

    /// Changes what a phone may do: its grants end and another one follows, in one step.
    @discardableResult
    public func regradePhone(_ device: String, rank: UInt8, committee: Bool = false, probationary: Bool = false) async throws -> KeyChangeView {
        let raw = raw
        return try await io { try raw.regradePhone(device: device, rank: rank, committee: committee, probationary: probationary) }
    }

    /// Hands a phone that reads from a day on the keys it was not given: all, or those of a day or later.
    @discardableResult
    public func widenPhone(_ device: String, from day: String? = nil) async throws -> KeyChangeView {
        let raw = raw
        return try await io { try raw.widenPhone(device: device, from: day) }
    }

    /// The day from which on this phone reads; nil when it reads everything that its rank allows.
    public func readsFrom() async throws -> String? {
        let raw = raw
        return try await io { try raw.readsFrom() }
    }

    /// New keys for every part of the handbook that this phone may give them to: once a year, or when a key may have leaked.
    @discardableResult
    public func rotateKeys() async throws -> KeyChangeView {
        let raw = raw
        return try await io { try raw.rotateKeys() }
    }

    /// What phones wrote after their removal, or beyond what they might: kept, and not counted.
    public func notCounted() async throws -> [NotCountedView] {
        let raw = raw
        return try await io { try raw.notCounted() }
    }

    /// Lets a phone read one meeting and nothing else; gives the invitation. Officers only.
    public func admitGuest(request: String, meeting: String, name: String, relays: [String] = []) async throws -> String {
        let raw = raw
        return try await io { try raw.admitGuest(guest: GuestAdmission(request: request, meeting: meeting, name: name, relays: relays)) }
    }

    /// The phones of guests, by meeting; `removePhone` ends one.
    public func guests() async throws -> [GuestPhoneView] {
        let raw = raw
        return try await io { try raw.guests() }
    }

    /// What this phone, a guest's, was shown last; nil while nothing has come.
    public func guestPage() async throws -> GuestPageView? {
        let raw = raw
        return try await io { try raw.guestPage() }
    }

    /// The units above, nearest first.
    public func levelsAbove() async throws -> [UnitAboveView] {
        let raw = raw
        return try await io { try raw.levelsAbove() }
    }

    /// The units below, by name.
    public func branches() async throws -> [UnitBelowView] {
        let raw = raw
        return try await io { try raw.branches() }
    }

    /// Founds branches below this unit, all or none; gives the packs for their secretaries. Officers only.
    public func foundBranches(_ new: [NewBranch]) async throws -> [FoundedView] {
        let raw = raw
        return try await io { try raw.foundBranches(new: new) }
    }

    /// Begins a meeting; gives its id. A monthly one has the same id on every phone.
    public func newMeeting(_ kind: MeetingKind, month: String? = nil, date: String? = nil) async throws -> String {
        let raw = raw
        return try await io { try raw.newMeeting(new: NewMeeting(kind: kind, month: month, date: date)) }
    }

    /// All meetings known here, newest first.
    public func meetings() async throws -> [MeetingHeading] {
        let raw = raw
        return try await io { try raw.meetings() }
    }

    /// Open review items of all meetings.
    public func reviewAll(_ language: Language = .vi) async throws -> [ReviewItemView] {
        let raw = raw
        return try await io { try raw.reviewAll(language: language) }
    }
}

extension NewMember {
    /// A full member who attends: the usual line of a roster.
    public static func plain(_ name: String) -> NewMember {
        NewMember(name: name, role: .member, standing: .full, activity: .attending)
    }
}
