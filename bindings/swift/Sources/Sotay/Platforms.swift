import Foundation

/// A software vault in a file, for desktops and tests; made if there is none. Takes a good part of a second on purpose.
public func passphraseVault(_ file: URL, passphrase: String) async throws -> any KeyVault {
    try await io { try openPassphraseVault(path: file.path, passphrase: passphrase) }
}

/// Gives lines of the library's log to a function, from a thread of the library and in batches; nil ends it. What it throws is
/// ignored. Lines of INFO and above hold no names, keys or content.
public func logTo(_ level: LogLevel, sink: (@Sendable ([LogLine]) throws -> Void)?) throws {
    try setLogSink(sink: sink.map(FunctionSink.init), level: level)
}

private final class FunctionSink: LogSink {
    private let function: @Sendable ([LogLine]) throws -> Void

    init(_ function: @escaping @Sendable ([LogLine]) throws -> Void) {
        self.function = function
    }

    func onLog(lines: [LogLine]) throws {
        try function(lines)
    }
}

/// Checks a seal file (`Meeting.sealFile()`) with nothing but the file; needs no profile. `unit` is the unit that the reader
/// expects, if they know its id. Throws the reason when anything in it does not hold.
public func sealFileChecked(_ bytes: Data, unit: String? = nil) async throws -> CheckedSealFile {
    try await io { try checkSealFile(bytes: bytes, unit: unit) }
}
