"""Two phones and a real relay; changes; cancelling."""

import asyncio
import threading
import time

import pytest

import sotay
from conftest import begin, mark, me, speech

State = sotay.AttendanceState
LONG = 30.0


def all_synced(spaces):
    return len(spaces) > 0 and all(one.state.is_SYNCED() for one in spaces)


def until(changes, wanted, seconds=LONG):
    """Reads changes until one fits."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        change = changes.get(left)
        if change is not None and wanted(change):
            return change
    raise AssertionError("the change did not come")


def is_part(part):
    return lambda change: change.is_DOCUMENT() and change.part == part


def test_two_phones_converge_through_a_relay_with_equal_minutes(pair, relay):
    secretary, deputy = pair
    here, there = begin(secretary), begin(deputy)
    here.apply(speech(secretary, "từ máy bí thư"))
    there.apply(speech(deputy, "từ máy phó bí thư"))
    for book in (secretary, deputy, secretary):
        report = book.sync.once(relay.address, LONG)
    assert all_synced(report.spaces)
    assert report.envelopes_in > 0 and report.round_trips >= 1
    assert {one.text for one in here.view().speeches} == {"từ máy bí thư", "từ máy phó bí thư"}
    assert here.minutes().sha256 == there.minutes().sha256
    assert len(there.view().speeches) == 2
    assert all_synced(secretary.sync.status(relay.address))


def test_a_contradiction_is_on_both_review_lists_in_words_and_can_be_settled(pair, relay):
    secretary, deputy = pair
    here, there = begin(secretary), begin(deputy)
    member = me(deputy)
    for meeting in (here, there):
        meeting.apply(sotay.MeetingCommand.STEP(sotay.MeetingStep.OPENED))
    here.apply(mark([member], State.PRESENT))
    there.apply(mark([member], State.UNEXCUSED))
    for book in (secretary, deputy, secretary):
        book.sync.once(relay.address, LONG)
    vi, en = here.review(sotay.Language.VI), here.review(sotay.Language.EN)
    assert [one.id for one in vi.open] == [one.id for one in there.review().open]
    item = next(one for one in vi.open if one.kind == sotay.ReviewKind.ATTENDANCE_TWICE)
    other = next(one for one in en.open if one.id == item.id)
    assert "Trần Thị Hoa" in item.text and item.text != other.text
    assert secretary.branch.review_all()[0].meeting == here.id
    here.settle(item.id, item.options[0].pick)
    settled = here.review().settled
    assert [one.id for one in settled] == [item.id] and settled[0].contest.is_SETTLED()


def test_changes_begin_with_start_and_bring_what_another_phone_wrote(pair, relay):
    secretary, deputy = pair
    meeting = begin(secretary)
    with secretary.changes() as changes:
        assert changes.get(LONG).is_START()
        secretary.sync.follow(relay.address)
        begin(deputy).apply(speech(deputy, "đang họp"))
        deputy.sync.once(relay.address, LONG)
        until(changes, is_part(sotay.DocumentPart.SPEECH))
        assert meeting.view().speeches[0].text == "đang họp"
        secretary.sync.unfollow(relay.address)


def test_iterating_over_changes_ends_after_the_time_given(secretary):
    meeting = begin(secretary)
    with secretary.changes(timeout=0.5) as changes:
        meeting.apply(speech(secretary, "một"))
        seen = list(changes)
    assert seen[0].is_START() and any(is_part(sotay.DocumentPart.SPEECH)(one) for one in seen)


def test_changes_end_with_the_handbook(secretary):
    changes = secretary.changes()
    assert changes.get(LONG).is_START()
    threading.Timer(0.1, secretary.shutdown).start()
    for change in changes:
        assert not change.is_TROUBLE()
    assert changes.get(LONG) is None


def test_10000_changes_reach_a_listener_in_order_from_one_thread(secretary):
    names = [f"Đảng viên {number}" for number in range(100)]
    members = secretary.branch.add_members(names, since="2025-01-01")
    meeting = begin(secretary)
    threads, marked, batches, full = set(), [], [], threading.Event()

    def listen(batch):
        threads.add(threading.get_ident())
        batches.append(len(batch))
        marked.extend(one.id for one in batch if is_part(sotay.DocumentPart.ATTENDANCE)(one))
        if len(marked) >= 10_000:
            full.set()

    subscription = secretary.subscribe(listen)
    for number in range(100):
        meeting.apply(mark(members, State.PRESENT if number % 2 else State.EXCUSED))
    assert full.wait(LONG), len(marked)
    assert len(marked) == 10_000 and set(marked) == set(members)
    assert marked == sorted(members) * 100, "each change once, in order"
    assert len(threads) == 1
    stats = subscription.stats()
    assert stats.active and stats.batches == len(batches) and max(batches) <= 1_000
    print(f"{stats.nanos / stats.changes / 1000:.1f} us a change in {stats.batches} batches")
    subscription.cancel()


def test_a_listener_that_throws_is_dropped_and_the_handbook_goes_on(secretary):
    meeting = begin(secretary)
    called = threading.Semaphore(0)

    def broken(batch):
        called.release()
        raise RuntimeError("as asked")

    subscription = secretary.subscribe(broken)
    number = 0
    while subscription.stats().active:
        assert called.acquire(timeout=LONG)
        meeting.apply(speech(secretary, f"ý kiến {number}"))
        number += 1
        assert number < 200
    with secretary.changes() as changes:
        assert changes.get(LONG).is_START()
        meeting.apply(speech(secretary, "vẫn nghe"))
        until(changes, is_part(sotay.DocumentPart.SPEECH))


def test_a_cancelled_subscription_hears_nothing_more(secretary):
    meeting = begin(secretary)
    heard = []
    first = threading.Event()

    def listen(batch):
        heard.append(batch)
        first.set()

    subscription = secretary.subscribe(listen)
    assert first.wait(LONG)
    subscription.cancel()
    began = subscription.stats().batches  # one that runs now comes to its end
    with secretary.changes() as changes:
        meeting.apply(speech(secretary, "một"))
        until(changes, is_part(sotay.DocumentPart.SPEECH))
    assert len(heard) == began and not subscription.stats().active


def test_a_listener_may_call_the_handbook_and_even_shut_it_down(secretary):
    meeting = begin(secretary)
    done = threading.Event()

    def listen(batch):
        meeting.view()
        secretary.shutdown()
        done.set()

    subscription = secretary.subscribe(listen)
    assert done.wait(LONG)
    with pytest.raises(sotay.StoppedError):
        meeting.view()
    assert subscription is not None


def test_a_relay_that_does_not_answer_is_a_network_error(secretary, silent_relay):
    with pytest.raises(sotay.NetworkError) as told:
        secretary.sync.once(silent_relay, timeout=0.3)
    assert told.value.code == "sync_timeout"
    assert told.value.next_action == sotay.NextAction.RETRY_LATER


def test_an_address_without_a_key_is_the_callers_mistake(secretary):
    for call in (secretary.sync.start, secretary.sync.follow, secretary.sync.status):
        with pytest.raises(sotay.InputError) as told:
            call("relay.example.vn:7843")
        assert told.value.code == "bad_relay"


def test_a_cancelled_exchange_ends_at_once_and_the_next_one_works(secretary, relay, silent_relay):
    task = secretary.sync.start(silent_relay)
    assert task.progress().phase == sotay.SyncPhase.CONNECTING
    threading.Timer(0.1, task.cancel).start()
    began = time.monotonic()
    with pytest.raises(sotay.Cancelled) as told:
        task.wait()
    assert told.value.code == "cancelled" and time.monotonic() - began < 5
    assert task.progress().phase == sotay.SyncPhase.ENDED
    secretary.sync.once(relay.address, LONG)


def test_cancelling_the_awaiting_task_cancels_the_exchange(secretary, silent_relay):
    task = secretary.sync.start(silent_relay)

    async def give_up():
        waiting = asyncio.ensure_future(task.result())
        await asyncio.sleep(0.1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(give_up())
    with pytest.raises(sotay.Cancelled):
        task.wait()


def test_shutting_down_during_an_exchange_ends_it(secretary, silent_relay):
    task = secretary.sync.start(silent_relay)
    threading.Timer(0.1, secretary.shutdown).start()
    with pytest.raises(sotay.StoppedError):
        task.wait()


class Platform(sotay.Connectivity):
    def __init__(self):
        self.state = sotay.NetworkState.OFFLINE
        self.asked = threading.Event()

    def network(self):
        self.asked.set()
        return self.state


def test_a_relay_is_followed_when_the_platform_says_that_there_is_a_network(phone, relay):
    platform = Platform()
    book = phone("P1", connectivity=platform)
    book.branch.create("Chi bộ", "Đảng bộ", "Bình")
    with book.changes() as changes:
        book.sync.follow(relay.address)
        assert platform.asked.wait(LONG)
        assert all(one.state.is_UNKNOWN() for one in book.sync.status(relay.address))
        platform.state = sotay.NetworkState.UNMETERED
        book.network_changed()
        until(changes, lambda change: change.is_SYNC() and change.state.is_SYNCED())


def test_after_the_background_a_followed_relay_is_tried_again(pair, relay):
    secretary, deputy = pair
    begin(secretary)
    with secretary.changes() as changes:
        secretary.sync.follow(relay.address)
        until(changes, lambda change: change.is_SYNC() and change.state.is_SYNCED())
        secretary.enter_background(0)
        begin(deputy).apply(speech(deputy, "khi đang ở nền"))
        deputy.sync.once(relay.address, LONG)
        secretary.resume()
        until(changes, is_part(sotay.DocumentPart.SPEECH))


def test_log_lines_reach_a_sink_and_a_sink_that_throws_hurts_nobody(secretary):
    told = threading.Event()
    lines = []

    class Sink(sotay.LogSink):
        def on_log(self, batch):
            lines.extend(batch)
            told.set()
            raise RuntimeError("as asked")

    sotay.set_log_sink(Sink(), sotay.LogLevel.ERROR)
    try:
        with pytest.raises(sotay.InternalError):
            secretary.provoke_panic(sotay.PanicPlace.WORKER)
        assert told.wait(LONG)
        assert lines[0].level == sotay.LogLevel.ERROR and lines[0].target.startswith("sotay_")
        secretary.branch.card()
    finally:
        sotay.set_log_sink(None, sotay.LogLevel.ERROR)
