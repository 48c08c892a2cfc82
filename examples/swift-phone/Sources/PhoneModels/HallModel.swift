import Sotay

/// The hall, as the phone that hosts it sees it.
public struct HallContent: Equatable, Sendable {
    /// What the others scan; nil while this phone does not host, or is in no network.
    public let address: String?
    /// The phones that are connected, by label.
    public let visitors: [VisitorView]

    /// "26 of 28 phones have everything".
    public var complete: Int { visitors.filter(\.complete).count }
}

/// Hosting, and visiting another phone that hosts.
@MainActor
public final class HallModel {
    /// What to draw. How far phones are changes with every document.
    public let screen: Screen<HallContent>
    private let handbook: Handbook

    /// Reads nothing yet.
    public init(_ handbook: Handbook) {
        self.handbook = handbook
        screen = Screen(
            handbook,
            concerns: {
                switch $0 {
                case .visitors, .document: true
                default: false
                }
            }
        ) {
            HallContent(address: try await handbook.sync.hosted()?.addresses.first, visitors: try await handbook.sync.visitors())
        }
    }

    /// Lets others connect; the address to show is in `screen` afterwards.
    @discardableResult
    public func host(_ listen: String = "0.0.0.0:0") async -> Bool {
        await screen.act {
            try await handbook.sync.host(listen)
            try await screen.refresh()
        }
    }

    /// Ends that.
    @discardableResult
    public func stop() async -> Bool {
        await screen.act {
            try await handbook.sync.stopHosting()
            try await screen.refresh()
        }
    }

    /// Stays connected to a phone that hosts, by the address that was scanned.
    @discardableResult
    public func visit(_ address: String) async -> Bool {
        await screen.act { try await handbook.sync.followHost(address) }
    }

    /// Ends that.
    @discardableResult
    public func leave(_ address: String) async -> Bool {
        await screen.act { try await handbook.sync.unfollow(address) }
    }
}
