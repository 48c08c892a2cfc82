import Foundation

/// Joining by what an officer's phone shows: the answer to one phone, or the code on the wall of a hall.
public final class Enrolment: Sendable {
    private let raw: RawBranch

    init(_ raw: RawBranch) {
        self.raw = raw
    }

    /// The request of this phone, to be shown as a QR code: good for ten minutes and once, with its check code.
    public func request() async throws -> JoinRequestView {
        let raw = raw
        return try await io { try raw.shownRequest() }
    }

    /// Grants the phone whose request was scanned its rank (2 secretary, 3 deputy, 4 member), and gives the code to show in
    /// return, with the file of welcome for when there is no relay. `replaces` is a lost phone of the member;
    /// `readsFrom` is the first day it reads.
    public func admit(
        request: String, member: String, rank: UInt8 = 4, committee: Bool = false, probationary: Bool = false, relays: [String] = [],
        replaces: String? = nil, readsFrom: String? = nil
    ) async throws -> TicketView {
        let raw = raw
        let admission = Admission(
            request: request, member: member, rank: rank, committee: committee, probationary: probationary, relays: relays,
            replaces: replaces, readsFrom: readsFrom)
        return try await io { try raw.admitByCode(admission: admission) }
    }

    /// Takes what was scanned from an officer's phone. Of a hall it has a letter to carry and six digits to read out.
    @discardableResult
    public func scan(_ code: String) async throws -> ScannedView {
        let raw = raw
        return try await io { try raw.scan(code: code) }
    }

    /// What this phone has scanned, while it waits for the records of the unit: an exchange with one of its relays brings them,
    /// or a file of welcome.
    public func waiting() async throws -> PassView? {
        let raw = raw
        return try await io { try raw.joining() }
    }

    /// Joins by the file of welcome that belongs to the scanned code.
    public func welcome(_ file: Data) async throws {
        let raw = raw
        try await io { try raw.acceptWelcome(file: file) }
    }

    /// Opens a hall for two hours: the code to put on the wall. Officers only.
    @discardableResult
    public func openHall(relays: [String] = []) async throws -> PassView {
        let raw = raw
        return try await io { try raw.openHall(relays: relays) }
    }

    /// The code of the hall that is open on this phone.
    public func hall() async throws -> PassView {
        let raw = raw
        return try await io { try raw.hall() }
    }

    /// Ends the hall. Who was admitted stays admitted.
    public func closeHall() async throws {
        let raw = raw
        try await io { try raw.closeHall() }
    }

    /// Takes a letter to this hall in. Take all of them in before anybody reads digits out.
    @discardableResult
    public func takeLetter(_ letter: String) async throws -> HallEntryView {
        let raw = raw
        return try await io { try raw.takeHallLetter(letter: letter) }
    }

    /// The phones that wait in the hall, by label.
    public func requests() async throws -> [HallEntryView] {
        let raw = raw
        return try await io { try raw.hallRequests() }
    }

    /// Admits the one phone whose holder reads these six digits out.
    @discardableResult
    public func admitInHall(
        _ checkCode: String, member: String, rank: UInt8 = 4, committee: Bool = false, probationary: Bool = false
    ) async throws -> HallEntryView {
        let raw = raw
        let admission = Admission(request: "", member: member, rank: rank, committee: committee, probationary: probationary)
        return try await io { try raw.admitInHall(checkCode: checkCode, admission: admission) }
    }

    /// The file of welcome for everybody who was admitted in the hall.
    public func hallWelcome() async throws -> Data {
        let raw = raw
        return try await io { try raw.hallWelcome() }
    }

    /// What this unit has decided about its keys and doors.
    public func policy() async throws -> UnitPolicyView {
        let raw = raw
        return try await io { try raw.unitPolicy() }
    }

    /// Decides anew whether the level above holds keys, and whether phones are admitted from afar. The secretary only.
    @discardableResult
    public func setPolicy(_ policy: UnitPolicyView) async throws -> KeyChangeView {
        let raw = raw
        return try await io { try raw.setUnitPolicy(policy: policy) }
    }

    /// The word of one officer that a phone may be admitted from afar, as text for another officer, who admits it.
    public func endorse(
        request: String, member: String, rank: UInt8 = 4, committee: Bool = false, probationary: Bool = false
    ) async throws -> String {
        let raw = raw
        let admission = Admission(request: request, member: member, rank: rank, committee: committee, probationary: probationary)
        return try await io { try raw.endorse(admission: admission) }
    }

    /// Admits a phone from afar that another officer has endorsed; gives the invitation as text.
    public func admitEndorsed(_ endorsement: String, relays: [String] = []) async throws -> String {
        let raw = raw
        return try await io { try raw.admitEndorsed(endorsement: endorsement, relays: relays) }
    }

    /// On the level above: puts a new phone in the place of the secretary's phones of a branch; gives the invitation.
    public func replaceSecretary(of branch: String, request: String, relays: [String] = []) async throws -> String {
        let raw = raw
        return try await io { try raw.replaceSecretary(branch: branch, request: request, relays: relays) }
    }
}

/// Personal data: what the committee knows of members, who opened it, consents, erasure, export.
public final class Personal: Sendable {
    private let raw: RawBranch

    init(_ raw: RawBranch) {
        self.raw = raw
    }

    /// Writes what the committee knows of a member; an empty one takes it back. What stood before is erased.
    public func setContact(_ member: String, _ contact: ContactView) async throws {
        let raw = raw
        try await io { try raw.setContact(member: member, contact: contact) }
    }

    /// Opens what the committee knows of a member; that it was opened is recorded first.
    public func openContact(_ member: String) async throws -> ContactView? {
        let raw = raw
        return try await io { try raw.openContact(member: member) }
    }

    /// The members of whom the committee knows more than the name.
    public func contacts() async throws -> [String] {
        let raw = raw
        return try await io { try raw.contacts() }
    }

    /// Erases a member's name and all that the committee knows of them, wherever the record comes. It cannot be undone.
    @discardableResult
    public func erase(_ member: String) async throws -> ErasedView {
        let raw = raw
        return try await io { try raw.erasePerson(member: member) }
    }

    /// Who opened personal data, newest first. The committee only.
    public func accesses() async throws -> [AccessView] {
        let raw = raw
        return try await io { try raw.accesses() }
    }

    /// Records that a member consented to something on a day, or took it back.
    public func recordConsent(_ member: String, purpose: String, given: Bool, day: String) async throws {
        let raw = raw
        try await io { try raw.recordConsent(member: member, purpose: purpose, given: given, day: day) }
    }

    /// What was consented to, by one member or by all, oldest first.
    public func consents(of member: String? = nil) async throws -> [ConsentView] {
        let raw = raw
        return try await io { try raw.consents(member: member) }
    }

    /// Sets how many months personal data is kept after somebody has left.
    public func setRetention(months: UInt32) async throws {
        let raw = raw
        try await io { try raw.setRetention(months: months) }
    }

    /// That rule, and whose data is due by it.
    public func retention() async throws -> RetentionView {
        let raw = raw
        return try await io { try raw.retention() }
    }

    /// Everything this phone holds about its holder, as text.
    public func own(_ language: Language = .vi) async throws -> String {
        let raw = raw
        return try await io { try raw.ownData(language: language) }
    }

    /// The holder's data, or a member's who asks an officer for it, as two files of the age format under a passphrase.
    public func export(passphrase: String, member: String? = nil, language: Language = .vi) async throws -> ExportFiles {
        let raw = raw
        return try await io { try raw.exportData(member: member, passphrase: passphrase, language: language) }
    }
}
