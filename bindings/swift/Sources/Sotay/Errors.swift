import Foundation
@_exported import SotayFFI

extension HandbookError {
    private var detail: ErrorDetail {
        switch self {
        case .Input(let detail), .NotAllowed(let detail), .Storage(let detail), .Vault(let detail), .Network(let detail),
            .Cancelled(let detail), .Stopped(let detail), .Internal(let detail):
            return detail
        }
    }

    /// Stable name for programs, e.g. `vote_open`.
    public var code: String { detail.code }

    /// What to do next.
    public var nextAction: NextAction { detail.nextAction }

    /// What happened and what to do next, for people. Names no member and quotes no document.
    public func text(_ language: Language = .vi) -> String {
        "\(errorText(detail: detail, language: language)) \(nextActionText(action: nextAction, language: language))"
    }
}

extension HandbookError: LocalizedError {
    /// What `localizedDescription` shows: the Vietnamese words.
    public var errorDescription: String? { errorText(detail: detail, language: .vi) }

    /// What to do next, in Vietnamese.
    public var recoverySuggestion: String? { nextActionText(action: nextAction, language: .vi) }
}

/// For logs: English words and the code.
extension HandbookError: CustomStringConvertible {}

/// For logs.
extension VaultRefusal: CustomStringConvertible {}
