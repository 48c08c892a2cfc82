/// Members who move between units: the unit they leave asks, the level above records, each unit enters it in its list.
public final class Moves: Sendable {
    private let raw: RawBranch

    init(_ raw: RawBranch) {
        self.raw = raw
    }

    /// The moves of this unit, in and out, by their day. For officers.
    public func all() async throws -> [MoveView] {
        let raw = raw
        return try await io { try raw.moves() }
    }

    /// On the level above: the moves of the units below.
    public func below() async throws -> [MoveView] {
        let raw = raw
        return try await io { try raw.movesBelow() }
    }

    /// Asks the level above to record that a member moves; gives the id of the move.
    public func ask(_ new: NewMove) async throws -> String {
        let raw = raw
        return try await io { try raw.askMove(new: new) }
    }

    /// On the level above: records a move, from its day or another one, and tells the unit `to` whom to expect.
    public func record(_ id: String, to unit: String? = nil, since: String? = nil) async throws {
        let raw = raw
        try await io { try raw.recordMove(id: id, to: unit, since: since) }
    }

    /// On the level above: records a move that no unit asked for; gives its id.
    public func order(_ ordered: OrderedMove) async throws -> String {
        let raw = raw
        return try await io { try raw.orderMove(ordered: ordered) }
    }

    /// On the level above: refuses a move that a unit asked for.
    public func refuse(_ id: String) async throws {
        let raw = raw
        try await io { try raw.refuseMove(id: id) }
    }

    /// Enters in this list that a member leaves, as recorded above. Of a move for good the member's phones are removed once the day
    /// has come; doing it again does what was left. `member` says who is meant where the letters do not.
    @discardableResult
    public func leave(_ id: String, member: String? = nil) async throws -> LeftView {
        let raw = raw
        return try await io { try raw.leave(id: id, member: member) }
    }

    /// Enters somebody in this list whom the level above told this unit to expect; gives the member's id.
    @discardableResult
    public func arrive(_ id: String) async throws -> String {
        let raw = raw
        return try await io { try raw.arrive(id: id) }
    }
}

/// The root of several keys: papers that are drafted here, signed elsewhere by enough of its keys (`sign`), and carried into the rolls
/// by any officer's phone.
public final class Root: Sendable {
    private static let carriedAtOnce: UInt32 = 500
    private let raw: RawBranch

    init(_ raw: RawBranch) {
        self.raw = raw
    }

    /// Makes a key of a root: the sealed key, the code that opens it, and its public half. Nothing is kept here.
    public static func makeKey() async throws -> RootKeyView {
        try await io { try makeRootKey() }
    }

    /// Reads a paper, to show what it does before anybody signs. Needs no profile.
    public static func read(_ paper: String) async throws -> RootPaperView {
        try await io { try readRootPaper(text: paper) }
    }

    /// Signs a paper with one of the root's keys, opened by its code; gives the paper to hand on. Needs no profile.
    public static func sign(_ paper: String, key: String, code: String) async throws -> RootPaperView {
        try await io { try signRootPaper(text: paper, key: key, code: code) }
    }

    /// Reads the card of a committee, to compare its check code. Needs no profile.
    public static func readCard(_ card: String) async throws -> CommitteeCardView {
        try await io { try readCommitteeCard(text: card) }
    }

    /// Begins a unit under a root, on a phone that belongs to none: the paper that `threshold` of its keys have to sign.
    public func draft(_ name: String, level: UnitLevel, publicKeys: [String], threshold: UInt8) async throws -> RootPaperView {
        let raw = raw
        return try await io { try raw.draftRoot(name: name, level: level, publicKeys: publicKeys, threshold: threshold) }
    }

    /// Founds the unit that this phone drafted, once enough keys have signed; gives the unit's id.
    @discardableResult
    public func found(_ paper: String, upper: String, founder: String) async throws -> String {
        let raw = raw
        return try await io { try raw.foundRooted(paper: paper, upper: upper, founder: founder) }
    }

    /// The hash of the root that stands behind this unit, as far as known here. Compare it with the one you trust.
    public func hash() async throws -> String? {
        let raw = raw
        return try await io { try raw.root() }
    }

    /// This unit as the level above wants to know it: its officers' phones, with a check code to compare aloud.
    public func card() async throws -> CommitteeCardView {
        let raw = raw
        return try await io { try raw.committeeCard() }
    }

    /// The paper that gives a committee's phones the rank of the level above in some units.
    public func appoint(_ units: [String], card: String) async throws -> RootPaperView {
        let raw = raw
        return try await io { try raw.draftAppointment(units: units, card: card) }
    }

    /// The paper that ends what a phone of the level above may do in some units.
    public func dismiss(_ units: [String], phone: String) async throws -> RootPaperView {
        let raw = raw
        return try await io { try raw.draftDismissal(units: units, phone: phone) }
    }

    /// The paper that moves branches below another committee, by its card.
    public func move(_ units: [String], card: String) async throws -> RootPaperView {
        let raw = raw
        return try await io { try raw.draftMove(units: units, card: card) }
    }

    /// Carries a signed paper into the rolls of its units, some hundred records at a time; `progress` hears how many are left. Gives
    /// how many were new. Carrying twice changes nothing, so a cancelled one is carried on by another call.
    @discardableResult
    public func carry(_ paper: String, progress: (_ left: Int) -> Void = { _ in }) async throws -> Int {
        let raw = raw
        var (done, new): (UInt32, UInt32) = (0, 0)
        while true {
            let first = done
            let step = try await io { try raw.carryRoot(paper: paper, first: first, count: Self.carriedAtOnce) }
            done += step.written + step.known
            new += step.written
            progress(Int(step.left))
            if step.left == 0 { return Int(new) }
        }
    }

    /// On a phone of the committee to which branches were moved: follows them from now on; gives how many are new.
    @discardableResult
    public func followMoved(_ paper: String) async throws -> Int {
        let raw = raw
        return try await io { Int(try raw.followMoved(paper: paper)) }
    }
}
