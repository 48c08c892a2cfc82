#if canImport(Observation)
    import Observation

    /// A meeting as state of a SwiftUI screen: `.task { await meeting.follow() }`.
    @available(iOS 17, macOS 14, *)
    @MainActor
    @Observable
    public final class ObservedMeeting {
        /// The meeting as last read; nil before the first reading.
        public private(set) var view: MeetingView?
        /// Why reading stopped, if it did.
        public private(set) var failure: HandbookError?
        /// What is observed.
        public let meeting: Meeting

        /// Reads nothing yet.
        public init(_ meeting: Meeting) {
            self.meeting = meeting
        }

        /// Reads now and after every change, until the task is cancelled or the handbook shut down.
        public func follow() async {
            do {
                for try await next in try await meeting.views() where next != view { view = next }
            } catch let error as HandbookError {
                failure = error
            } catch {
                // Only a cancelled task gets here: nobody looks any more.
            }
        }
    }
#endif
