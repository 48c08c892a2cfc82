import Dispatch

/// Where calls wait for the library: not on the threads of Swift's own executor, of which there are few.
private let calls = DispatchQueue(label: "vn.sotay.calls", qos: .userInitiated, attributes: .concurrent)

/// A call of the library off the caller's thread. It lasts milliseconds; once begun it is finished, cancelled or not.
func io<T: Sendable>(_ call: @escaping @Sendable () throws -> T) async throws -> T {
    try Task.checkCancellation()
    return try await withCheckedThrowingContinuation { continuation in
        calls.async { continuation.resume(with: Result(catching: call)) }
    }
}
