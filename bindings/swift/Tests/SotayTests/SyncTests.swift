import Foundation
import XCTest

@testable import Sotay

private func allSynced(_ spaces: [SpaceStatus]) -> Bool {
    !spaces.isEmpty && spaces.allSatisfy { if case .synced = $0.state { true } else { false } }
}

private func isSpeech(_ change: Change) -> Bool {
    if case .document(_, .speech, _) = change { true } else { false }
}

private func isSynced(_ change: Change) -> Bool {
    if case .sync(_, .synced) = change { true } else { false }
}

/// Two phones and a real relay; changes; cancelling.
final class SyncTests: Stage {
    let relay = Relay.running

    func test_two_phones_converge_through_a_relay_with_equal_minutes() async throws {
        let (secretary, deputy) = try await pair()
        let (here, there) = (try await begin(secretary), try await begin(deputy))
        try await here.apply(speech(secretary, "từ máy bí thư"))
        try await there.apply(speech(deputy, "từ máy phó bí thư"))
        try await secretary.sync.once(relay.address)
        try await deputy.sync.once(relay.address)
        let report = try await secretary.sync.once(relay.address)
        XCTAssertTrue(allSynced(report.spaces))
        XCTAssertTrue(report.envelopesIn > 0 && report.roundTrips >= 1)
        let texts = try await here.view().speeches.map(\.text)
        XCTAssertEqual(Set(texts), ["từ máy bí thư", "từ máy phó bí thư"])
        let (mine, theirs) = (try await here.minutes().sha256, try await there.minutes().sha256)
        XCTAssertEqual(mine, theirs)
        let count = try await there.view().speeches.count
        XCTAssertEqual(count, 2)
        let status = try await secretary.sync.status(relay.address)
        XCTAssertTrue(allSynced(status))
    }

    func test_a_contradiction_is_on_both_review_lists_in_words_and_can_be_settled() async throws {
        let (secretary, deputy) = try await pair()
        let (here, there) = (try await begin(secretary), try await begin(deputy))
        let member = try await me(deputy)
        for meeting in [here, there] { try await meeting.apply(.step(step: .opened)) }
        try await here.apply(mark([member], .present))
        try await there.apply(mark([member], .unexcused))
        for book in [secretary, deputy, secretary] { try await book.sync.once(relay.address) }
        let vi = try await here.review()
        let theirs = try await there.review()
        XCTAssertEqual(vi.open.map(\.id), theirs.open.map(\.id))
        let item = try XCTUnwrap(vi.open.first { $0.kind == .attendanceTwice })
        let english = try await here.review(.en)
        let other = try XCTUnwrap(english.open.first { $0.id == item.id })
        XCTAssertTrue(item.text.contains("Trần Thị Hoa") && item.text != other.text)
        let all = try await secretary.branch.reviewAll()
        XCTAssertEqual(all.first?.meeting, here.id)
        try await here.settle(item.id, pick: item.options[0].pick)
        let settled = try await here.review().settled
        XCTAssertEqual(settled.map(\.id), [item.id])
        guard case .settled = settled[0].contest else { return XCTFail("not settled") }
    }

    func test_changes_begin_with_start_and_bring_what_another_phone_wrote() async throws {
        let (secretary, deputy) = try await pair()
        let meeting = try await begin(secretary)
        var changes = try await secretary.changes().makeAsyncIterator()
        let first = await changes.next()
        XCTAssertEqual(first, .start)
        try await secretary.sync.follow(relay.address)
        try await begin(deputy).apply(speech(deputy, "đang họp"))
        try await deputy.sync.once(relay.address)
        try await until(&changes, isSpeech)
        let text = try await meeting.view().speeches[0].text
        XCTAssertEqual(text, "đang họp")
        try await secretary.sync.unfollow(relay.address)
    }

    func test_iterating_over_changes_ends_after_the_time_given() async throws {
        let book = try await secretary()
        let meeting = try await begin(book)
        let changes = try await book.changes()
        try await meeting.apply(speech(book, "một"))
        let reading = Task {
            var seen: [Change] = []
            for await change in changes { seen.append(change) }
            return seen
        }
        try await Task.sleep(for: .seconds(1))
        reading.cancel()
        let seen = await reading.value
        XCTAssertEqual(seen.first, .start)
        XCTAssertTrue(seen.contains(where: isSpeech))
    }

    func test_changes_end_with_the_handbook() async throws {
        let book = try await secretary()
        do {
            var changes = try await book.changes().makeAsyncIterator()
            let first = await changes.next()
            XCTAssertEqual(first, .start)
            XCTAssertEqual(book.listening, 1)
            try await book.shutdown()
            while await changes.next() != nil {}
        }
        XCTAssertEqual(book.listening, 0, "nothing listens any more")
    }

    func test_10000_changes_reach_a_listener_in_order_from_one_thread() async throws {
        struct Heard {
            var threads: Set<UInt> = []
            var sizes: [Int] = []
            var marked: [String] = []
        }
        let book = try await secretary()
        let members = try await book.branch.addMembers((0..<100).map { .plain("Đảng viên \($0)") }, since: since)
        let meeting = try await begin(book)
        let heard = Shared(Heard())
        let full = Promise<Bool>()
        let subscription = try await book.subscribe { batch in
            let count = heard.with { heard in
                heard.threads.insert(UInt(bitPattern: pthread_self().hashValue))
                heard.sizes.append(batch.count)
                for case .document(_, .attendance, let id?) in batch { heard.marked.append(id) }
                return heard.marked.count
            }
            if count >= 10_000 { full.give(true) }
        }
        for number in 0..<100 { try await meeting.apply(mark(members, number % 2 == 1 ? .present : .excused)) }
        _ = try await full.value()
        let all = heard.with { $0 }
        XCTAssertEqual(all.marked, (0..<100).flatMap { _ in members.sorted() }, "each change once, in order")
        XCTAssertEqual(all.threads.count, 1)
        let stats = try subscription.stats()
        XCTAssertTrue(stats.active)
        XCTAssertEqual(Int(stats.batches), all.sizes.count)
        XCTAssertLessThanOrEqual(all.sizes.max() ?? 0, 1_000)
        let each = Double(stats.nanos) / Double(stats.changes) / 1_000
        print(String(format: "bench: %.2f us a change, %d changes in %d batches", each, Int(stats.changes), Int(stats.batches)))
        subscription.cancel()
    }

    func test_a_listener_that_throws_is_dropped_and_the_handbook_goes_on() async throws {
        struct AsAsked: Error {}
        let book = try await secretary()
        let meeting = try await begin(book)
        let (called, call) = AsyncStream<Void>.makeStream()
        let subscription = try await book.subscribe { _ in
            call.yield()
            throw AsAsked()
        }
        var (number, calls) = (0, called.makeAsyncIterator())
        while try subscription.stats().active {
            _ = await calls.next()
            try await meeting.apply(speech(book, "ý kiến \(number)"))
            number += 1
            XCTAssertLessThan(number, 200)
        }
        var changes = try await book.changes().makeAsyncIterator()
        let first = await changes.next()
        XCTAssertEqual(first, .start)
        try await meeting.apply(speech(book, "vẫn nghe"))
        try await until(&changes, isSpeech)
    }

    func test_a_cancelled_subscription_hears_nothing_more() async throws {
        let book = try await secretary()
        let meeting = try await begin(book)
        let heard = Shared(0)
        let first = Promise<Bool>()
        let subscription = try await book.subscribe { _ in
            heard.with { $0 += 1 }
            first.give(true)
        }
        _ = try await first.value()
        subscription.cancel()
        let began = Int(try subscription.stats().batches)  // one that runs now comes to its end
        var changes = try await book.changes().makeAsyncIterator()
        try await meeting.apply(speech(book, "một"))
        try await until(&changes, isSpeech)
        XCTAssertEqual(heard.with { $0 }, began)
        XCTAssertFalse(try subscription.stats().active)
    }

    func test_a_listener_may_call_the_handbook_and_even_shut_it_down() async throws {
        let book = try await secretary()
        let meeting = try await begin(book)
        let done = Promise<Int>()
        let subscription = try await book.subscribe { _ in
            let waiting = DispatchSemaphore(value: 0)
            Task.detached {
                let count = try await meeting.view().speeches.count
                try await book.shutdown()
                done.give(count)
                waiting.signal()
            }
            waiting.wait()
        }
        let count = try await done.value()
        XCTAssertEqual(count, 0)
        let told = await thrown { try await meeting.view() }
        guard case .Stopped? = told else { return XCTFail("\(String(describing: told))") }
        subscription.cancel()
    }

    func test_a_relay_that_does_not_answer_is_a_network_error() async throws {
        let book = try await secretary()
        let told = await thrown { try await book.sync.once(relay.silent(), timeout: .milliseconds(300)) }
        guard case .Network? = told else { return XCTFail("\(String(describing: told))") }
        XCTAssertEqual(told?.code, "sync_timeout")
        XCTAssertEqual(told?.nextAction, .retryLater)
    }

    func test_an_address_without_a_key_is_the_callers_mistake() async throws {
        let book = try await secretary()
        let address = "relay.example.vn:7843"
        let calls: [() async throws -> Any] = [
            { try await book.sync.start(address) },
            { try await book.sync.follow(address) },
            { try await book.sync.status(address) },
        ]
        for call in calls {
            let told = await thrown(call)
            XCTAssertEqual(told?.code, "bad_relay")
        }
    }

    func test_a_cancelled_exchange_ends_at_once_and_the_next_one_works() async throws {
        let book = try await secretary()
        let task = try await book.sync.start(relay.silent())
        XCTAssertEqual(try task.progress().phase, .connecting)
        let waiting = Task { await thrown { try await task.result() } }
        let began = ContinuousClock.now
        task.cancel()
        let told = await waiting.value
        XCTAssertEqual(told?.code, "cancelled")
        XCTAssertLessThan(ContinuousClock.now - began, .seconds(5))
        XCTAssertEqual(try task.progress().phase, .ended)
        try await book.sync.once(relay.address)
    }

    func test_cancelling_the_awaiting_task_cancels_the_exchange() async throws {
        let book = try await secretary()
        let task = try await book.sync.start(relay.silent())
        let waiting = Task { try await task.result() }
        waiting.cancel()
        switch await waiting.result {
        case .failure(let error): XCTAssertTrue(error is CancellationError, "\(error)")
        case .success: XCTFail("there is no relay")
        }
        let told = await thrown { try await task.result() }
        guard case .Cancelled? = told else { return XCTFail("\(String(describing: told))") }
    }

    func test_shutting_down_during_an_exchange_ends_it() async throws {
        let book = try await secretary()
        let task = try await book.sync.start(relay.silent())
        let waiting = Task { await thrown { try await task.result() } }
        try await book.shutdown()
        let told = await waiting.value
        guard case .Stopped? = told else { return XCTFail("\(String(describing: told))") }
    }

    final class TestConnectivity: Connectivity {
        let state = Shared(NetworkState.offline)
        let asked = Promise<Bool>()

        func network() -> NetworkState {
            asked.give(true)
            return state.with { $0 }
        }
    }

    func test_a_relay_is_followed_when_the_platform_says_that_there_is_a_network() async throws {
        let platform = TestConnectivity()
        let book = try await found(phone(platform: Platform(connectivity: platform)))
        var changes = try await book.changes().makeAsyncIterator()
        try await book.sync.follow(relay.address)
        _ = try await platform.asked.value()
        let status = try await book.sync.status(relay.address)
        XCTAssertTrue(status.allSatisfy { $0.state == .unknown })
        platform.state.with { $0 = .unmetered }
        try await book.networkChanged()
        try await until(&changes, isSynced)
    }

    func test_after_the_background_a_followed_relay_is_tried_again() async throws {
        let (secretary, deputy) = try await pair()
        _ = try await begin(secretary)
        var changes = try await secretary.changes().makeAsyncIterator()
        try await secretary.sync.follow(relay.address)
        try await until(&changes, isSynced)
        try await secretary.enterBackground(budget: .zero)
        try await begin(deputy).apply(speech(deputy, "khi đang ở nền"))
        try await deputy.sync.once(relay.address)
        try await secretary.resume()
        try await until(&changes, isSpeech)
    }

    func test_log_lines_reach_a_sink_and_a_sink_that_throws_hurts_nobody() async throws {
        struct AsAsked: Error {}
        let book = try await secretary()
        let lines = Promise<[LogLine]>()
        try logTo(.error) {
            lines.give($0)
            throw AsAsked()
        }
        let told = await thrown { try await book.provokePanic(.worker) }
        XCTAssertEqual(told?.code, "internal")
        let first = try await lines.value()[0]
        XCTAssertEqual(first.level, .error)
        XCTAssertTrue(first.target.hasPrefix("sotay_"))
        _ = try await book.branch.card()
        try logTo(.error, sink: nil)
    }
}
