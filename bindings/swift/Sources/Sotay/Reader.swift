import Foundation

/// Reads a document aloud. How far the holder has listened becomes reading progress at the end of every section and whenever the
/// voice rests.
///
/// The voice is the app's: on iOS, `AVSpeechSynthesizer.speak` in `SpeechOutput.speak`, and `finished` from
/// `speechSynthesizer(_:didFinish:)` after the pause.
public final class Reader: Sendable {
    private let raw: RawReader
    private let screens: Screens

    init(_ voice: any SpeechOutput, _ open: (any SpeechOutput) throws -> RawReader) throws {
        let watched = WatchedVoice(voice)
        raw = try open(watched)
        screens = Screens(raw)
        watched.onSpeak { [screens] in screens.look() }
    }

    /// What it does and which sentence is heard now.
    public func view() throws -> ReaderView { try raw.view() }

    /// What the reader does and which sentence is heard: now, and whenever it changes. Ends after everything was spoken. A slow
    /// screen gets the latest only.
    public func states() -> AsyncStream<ReaderView> { screens.stream() }

    /// Speaks, from the sentence that stands highlighted.
    @discardableResult
    public func play() async throws -> ReaderView { try await steer { try $0.play() } }

    /// Falls silent; `play` begins the same sentence again.
    @discardableResult
    public func pause() async throws -> ReaderView { try await steer { try $0.pause() } }

    /// Goes to the next sentence, spoken or not.
    @discardableResult
    public func next() async throws -> ReaderView { try await steer { try $0.next() } }

    /// Goes to the sentence before.
    @discardableResult
    public func previous() async throws -> ReaderView { try await steer { try $0.previous() } }

    /// The voice has finished an utterance, its pause included; the next one is spoken. It may be called from the voice's own
    /// thread, which waits for milliseconds. A report about an earlier one changes nothing.
    @discardableResult
    public func finished(_ utterance: UInt64) throws -> ReaderView {
        defer { screens.look() }
        return try raw.finished(utterance: utterance)
    }

    private func steer(_ call: @escaping @Sendable (RawReader) throws -> ReaderView) async throws -> ReaderView {
        let (raw, screens) = (raw, screens)
        return try await io {
            defer { screens.look() }
            return try call(raw)
        }
    }
}

/// Tells when another sentence begins, for a voice may go on by itself.
private final class WatchedVoice: SpeechOutput, @unchecked Sendable {
    private let voice: any SpeechOutput
    private let lock = NSLock()
    private var spoke: @Sendable () -> Void = {}

    init(_ voice: any SpeechOutput) {
        self.voice = voice
    }

    func onSpeak(_ spoke: @escaping @Sendable () -> Void) {
        lock.withLock { self.spoke = spoke }
    }

    func speak(utterance: Utterance) throws {
        lock.withLock { spoke }()
        try voice.speak(utterance: utterance)
    }

    func stop() throws {
        try voice.stop()
    }
}

/// Whoever looks at a reader. Two threads may look at once: what is shown last is what was true last.
private final class Screens: @unchecked Sendable {
    private let raw: RawReader
    private let lock = NSLock()
    private var shown: ReaderView?
    private var watching: [UUID: AsyncStream<ReaderView>.Continuation] = [:]

    init(_ raw: RawReader) {
        self.raw = raw
    }

    func look() {
        lock.withLock {
            // It fails only by a panic inside; then there is nothing new to show.
            guard let view = try? raw.view(), view != shown else { return }
            shown = view
            for screen in watching.values { show(view, on: screen) }
        }
    }

    func stream() -> AsyncStream<ReaderView> {
        let (stream, screen) = AsyncStream.makeStream(of: ReaderView.self, bufferingPolicy: .bufferingNewest(1))
        let id = UUID()
        screen.onTermination = { [weak self] _ in self?.leave(id) }
        lock.withLock {
            watching[id] = screen
            if let view = try? raw.view() {
                shown = view
                show(view, on: screen)
            }
        }
        return stream
    }

    private func show(_ view: ReaderView, on screen: AsyncStream<ReaderView>.Continuation) {
        screen.yield(view)
        if view.state == .ended {
            // Not here: it takes the lock that is held.
            screen.onTermination = nil
            screen.finish()
        }
    }

    private func leave(_ id: UUID) {
        lock.withLock { watching[id] = nil }
    }
}
