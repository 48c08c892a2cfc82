"""Phones that serve phones in the hall, admission from afar and from a day on, moves between units, roots, recordings."""

import shutil
from datetime import datetime, timedelta, timezone

import pytest

import sotay
from conftest import SINCE, begin, join, me, speech
from test_people import code_of, member_of, meet
from test_sync import LONG, until

HERE = "127.0.0.1:0"


def today(days=0):
    """A day in Viet Nam."""
    return (datetime.now(timezone(timedelta(hours=7))) + timedelta(days=days)).date().isoformat()


def place(book):
    return begin(book).view().place


def hosting(book):
    """Hosts on the loopback; the address to connect to."""
    return book.sync.host(HERE).addresses[0]


def test_phones_in_the_hall_get_what_one_of_them_writes_through_a_phone_that_hosts(pair, phone):
    secretary, deputy = pair
    member = phone("P6")
    join(secretary, member, name="Phạm Văn Cường")
    meeting, address = begin(secretary), hosting(secretary)
    for book in (deputy, member):
        book.sync.follow_host(address)
    with member.changes() as there, secretary.changes() as here:
        begin(deputy).apply(sotay.MeetingCommand.SET_PLACE("Nhà văn hóa thôn"))
        until(there, lambda _: place(member) == "Nhà văn hóa thôn")
        until(here, lambda _: meeting.view().place == "Nhà văn hóa thôn")
    assert begin(member).minutes().sha256 == meeting.minutes().sha256


def test_the_host_sees_who_came_and_went_and_how_far_each_phone_is(pair):
    secretary, deputy = pair
    begin(secretary).apply(speech(secretary, "chào các đồng chí"))
    address = hosting(secretary)
    assert secretary.sync.visitors() == []
    with secretary.changes() as changes:
        deputy.sync.follow_host(address)
        until(changes, lambda change: change.is_VISITORS())
        until(changes, lambda _: [one.complete for one in secretary.sync.visitors()] == [True])
        (line,) = secretary.sync.visitors()
        assert (line.device, line.label, line.name) == (deputy.device, "P5", "Trần Thị Hoa")
        assert line.member == me(deputy) and line.spaces
        deputy.sync.unfollow(address)
        until(changes, lambda _: secretary.sync.visitors() == [])


def test_a_phone_joins_in_the_hall_through_the_host_alone(secretary, phone):
    hoa, book = member_of(secretary), phone("P5")
    ticket = secretary.branch.enrolment.admit(book.branch.enrolment.request().text, hoa, rank=3)
    book.branch.enrolment.scan(ticket.code)
    address = hosting(secretary)
    book.sync.once(address, LONG)
    assert book.branch.enrolment.waiting() is None and book.branch.card().member == hoa
    begin(secretary).apply(sotay.MeetingCommand.SET_PLACE("Nhà văn hóa thôn"))
    report = book.sync.once(address, LONG)
    assert report.envelopes_in > 0 and place(book) == "Nhà văn hóa thôn"


def test_hosting_ends_when_it_is_stopped_and_what_cannot_be_listened_on_is_told(pair, phone):
    secretary, deputy = pair
    first = secretary.sync.host(HERE)
    assert first.addresses[0].startswith(f"127.0.0.1:{first.port}#")
    assert secretary.sync.host(HERE) == first == secretary.sync.hosted()
    with pytest.raises(sotay.InputError) as told:
        deputy.sync.host(f"127.0.0.1:{first.port}")
    assert code_of(told) == "port_in_use" and deputy.sync.hosted() is None
    with pytest.raises(sotay.InputError) as told:
        deputy.sync.host("ở đây")
    assert code_of(told) == "malformed"
    secretary.sync.stop_hosting()
    secretary.sync.stop_hosting()
    assert secretary.sync.hosted() is None
    with pytest.raises(sotay.NetworkError):
        deputy.sync.once(first.addresses[0], 2.0)


def afar(secretary, deputy, relay):
    """The door is open, and both know it."""
    secretary.branch.enrolment.set_policy(from_afar=True)
    meet(relay, secretary, deputy)
    assert deputy.branch.enrolment.policy() == sotay.UnitPolicyView(keys_above=False, from_afar=True)


def test_a_phone_is_admitted_from_afar_by_two_officers(pair, phone, relay):
    secretary, deputy = pair
    afar(secretary, deputy, relay)
    lan, book = member_of(secretary, "Phạm Thị Lan"), phone("P6")
    meet(relay, secretary, deputy)
    word = deputy.branch.enrolment.endorse(book.branch.join_request().text, lan, committee=True)
    book.branch.accept(secretary.branch.enrolment.admit_endorsed(word))
    card = book.branch.card()
    assert (card.member, card.rank, card.committee) == (lan, 4, True)


def test_admission_from_afar_needs_an_open_door_and_two_officers(pair, phone, relay):
    secretary, deputy = pair
    lan, book = member_of(secretary, "Phạm Thị Lan"), phone("P6")
    request = book.branch.join_request().text
    with pytest.raises(sotay.InputError) as told:
        deputy.branch.enrolment.endorse(request, lan)
    assert code_of(told) == "remote_closed"
    afar(secretary, deputy, relay)
    word = secretary.branch.enrolment.endorse(request, lan)
    with pytest.raises(sotay.InputError) as told:
        secretary.branch.enrolment.admit_endorsed(word)
    assert code_of(told) == "same_person"
    with pytest.raises(sotay.InputError) as told:
        secretary.branch.enrolment.admit_endorsed(word[:-4])
    assert code_of(told) == "damaged_text"


def test_a_phone_that_reads_from_a_day_on_gets_the_rest_when_it_is_widened(secretary, phone, relay):
    hoa, book = member_of(secretary), phone("P5")
    # Nothing was written under the keys between these two.
    secretary.branch.rotate_keys()
    request = book.branch.join_request().text
    for day in (today(1), "hôm qua"):
        with pytest.raises(sotay.InputError):
            secretary.branch.admit(request, hoa, reads_from=day)
    book.branch.accept(secretary.branch.admit(request, hoa, reads_from=today()))
    assert book.branch.reads_from() == today() and secretary.branch.reads_from() is None
    assert secretary.branch.widen_phone(book.device).devices == [book.device]
    meet(relay, secretary, book)
    assert book.branch.reads_from() is None


@pytest.fixture
def two_branches(phone, tmp_path):
    """A level above, and the secretaries' phones of two branches below it."""
    upper = phone("X1")
    upper.branch.create("Đảng bộ xã Đông Phong", "Đảng bộ tỉnh", "Lê Văn Cường", since=SINCE)
    new = [sotay.NewBranch(name=f"Chi bộ thôn {name}", secretary="Nguyễn Văn Bình") for name in ("An Lạc", "Hai")]
    founded = upper.branch.found_branches(*new)
    books = [
        sotay.Handbook.create_from_pack(tmp_path / f"branch{at}", f"P{at}", one.packs[0].text, one.packs[0].code)
        for at, one in enumerate(founded)
    ]
    yield upper, books, [one.unit for one in founded]
    for book in books:
        book.shutdown()


def line_of(book, member, on=None):
    return next(line for line in book.branch.members(on) if line.member == member)


def ids(book, on):
    return [line.member for line in book.branch.members(on)]


def test_a_member_moves_to_another_unit_for_good(two_branches, phone, relay):
    upper, (left, right), (_, there) = two_branches
    meet(relay, upper, left, right, upper, left, right)
    hoa, book = member_of(left), phone("P5")
    book.branch.accept(left.branch.admit(book.branch.join_request().text, hoa))
    id = left.branch.moves.ask(hoa, sotay.MoveKind.OFFICIAL, today(), "Chi bộ thôn Hai")
    with pytest.raises(sotay.InputError):
        left.branch.moves.leave(id)
    meet(relay, left, upper)
    (asked,) = upper.branch.moves.below()
    assert (asked.id, asked.name, asked.step) == (id, "Trần Thị Hoa", sotay.MoveStep.ASKED)
    upper.branch.moves.record(id, to=there)
    meet(relay, upper, left, right)
    gone = left.branch.moves.leave(id)
    assert gone.member == hoa and gone.removed.devices == [book.device]
    member = right.branch.moves.arrive(id)
    assert member == right.branch.moves.arrive(id), "entering somebody twice changes nothing"
    assert line_of(right, member).name == "Trần Thị Hoa"
    assert line_of(right, member).activity == sotay.MemberActivity.ATTENDING
    meet(relay, left, right, upper)
    steps = {line.unit: [one.step for one in line.steps] for line in upper.branch.moves.below()}
    assert sotay.MoveStep.LEFT in steps[asked.unit] and sotay.MoveStep.ARRIVED in steps[there]


def test_a_member_is_attached_for_a_time_or_away_and_a_refused_move_changes_nothing(two_branches, relay):
    upper, (left, right), (_, there) = two_branches
    meet(relay, upper, left, right, upper, left, right)
    hoa, lan, nam = (member_of(left, name) for name in ("Trần Thị Hoa", "Phạm Thị Lan", "Đỗ Văn Nam"))
    attached = left.branch.moves.ask(hoa, sotay.MoveKind.TEMPORARY, today(), "Chi bộ thôn Hai", until=today(30))
    away = left.branch.moves.ask(lan, sotay.MoveKind.AWAY, today(), "đi làm xa")
    refused = left.branch.moves.ask(nam, sotay.MoveKind.OFFICIAL, today(), "Chi bộ thôn Hai")
    meet(relay, left, upper)
    upper.branch.moves.record(attached, to=there)
    upper.branch.moves.refuse(refused)
    meet(relay, upper, left, right)
    for id in (attached, away):
        assert left.branch.moves.leave(id).removed is None
    with pytest.raises(sotay.InputError):
        left.branch.moves.leave(refused)
    member = right.branch.moves.arrive(attached)
    Activity = sotay.MemberActivity
    assert [line_of(left, one).activity for one in (hoa, lan, nam)] == [Activity.AWAY, Activity.AWAY, Activity.ATTENDING]
    assert line_of(left, hoa, today(31)).activity == Activity.ATTENDING
    assert line_of(right, member).activity == Activity.ATTACHED


def test_of_a_move_that_the_level_above_orders_the_unit_says_who_is_meant(two_branches, relay):
    upper, (left, right), (here, there) = two_branches
    meet(relay, upper, left, right, upper, left, right)
    hoa = member_of(left)
    id = upper.branch.moves.order(
        here, "Trần Thị Hoa", sotay.MemberStanding.FULL, sotay.MoveKind.OFFICIAL, today(1), to=there
    )
    meet(relay, upper, left, right)
    (ordered,) = left.branch.moves.all()
    assert (ordered.id, ordered.step, ordered.member) == (id, sotay.MoveStep.RECORDED, None)
    with pytest.raises(sotay.SotayError) as told:
        left.branch.moves.leave(id)
    assert code_of(told) == "no_member"
    assert left.branch.moves.leave(id, member=hoa).removed is None, "the day has not come"
    assert hoa in ids(left, today()) and hoa not in ids(left, today(1))
    assert line_of(right, right.branch.moves.arrive(id), today(1)).name == "Trần Thị Hoa"


def test_a_recording_is_announced_by_its_hash_and_only_the_published_file_is_taken_in(pair, relay, tmp_path):
    secretary, deputy = pair
    made = tmp_path / "thoi-su.mp4"
    made.write_bytes(b"hinh va tieng" * 9000)
    new = sotay.NewBroadcast(start=1_800_000_000, minutes=45, title="Thời sự chi bộ", recording=str(made))
    secretary.library.publish_broadcasts([new])
    meet(relay, secretary, deputy)
    (line,) = deputy.library.broadcasts()
    assert (line.recording.name, line.recording.size, line.recording.media_type) == ("thoi-su.mp4", 117_000, "video/mp4")
    came, kept = tmp_path / "came", tmp_path / "kept.mp4"
    shutil.copy(made, came)
    assert deputy.library.take_in_recording(line.recording.hash, came, kept) == line.recording
    assert kept.read_bytes() == made.read_bytes()
    came.write_bytes(b"gia mao")
    with pytest.raises(sotay.InputError) as told:
        deputy.library.take_in_recording(line.recording.hash, came, kept)
    assert code_of(told) == "other_recording" and kept.read_bytes() == made.read_bytes()
    with pytest.raises(sotay.InputError) as told:
        deputy.library.take_in_recording("00" * 32, came, kept)
    assert code_of(told) == "no_recording"


def test_a_unit_has_other_names_from_a_day_on_and_becomes_part_of_another_one(secretary):
    secretary.branch.rename_unit_from("2026-01-01", name="Chi bộ liên thôn An Lạc")
    secretary.branch.merge_into("Chi bộ thôn Hai", "2026-07-01")
    kinds = sotay.UnitNameKind
    names = [(line.kind, line.since, line.name) for line in secretary.branch.unit_names()]
    assert (kinds.NAME, "2026-01-01", "Chi bộ liên thôn An Lạc") in names
    assert (kinds.NAME, "1900-01-01", "Chi bộ thôn An Lạc") in names
    assert (kinds.MERGED_INTO, "2026-07-01", "Chi bộ thôn Hai") in names
    assert "CHI BỘ THÔN AN LẠC" in begin(secretary).minutes().text.upper()
    assert "LIÊN THÔN" not in begin(secretary).minutes().text.upper()


def root_of(phone, level=sotay.UnitLevel.PROVINCE):
    """Three keys, and a phone's draft for two of them."""
    keys = [sotay.Root.make_key() for _ in range(3)]
    book = phone("X1")
    return keys, book, book.branch.root.draft("Đảng bộ tỉnh", level, [key.public_key for key in keys], 2)


def sign(paper, *keys):
    for key in keys:
        paper = sotay.Root.sign(paper.text, key.key, key.code)
    return paper


def test_a_unit_is_founded_by_two_of_three_keys_of_a_root(phone):
    (one, two, _), book, draft = root_of(phone)
    (entry,) = sotay.Root.read(draft.text).entries
    assert (entry.name, entry.deed.threshold, entry.deed.keys, draft.signed) == ("Đảng bộ tỉnh", 2, 3, 0)
    once = sign(draft, one)
    for wrong, code in ((lambda: sign(once, one), "root_signed_twice"), (lambda: found(book, once), "root_quorum")):
        with pytest.raises(sotay.InputError) as told:
            wrong()
        assert code_of(told) == code
    unit = found(book, sign(once, two))
    assert (book.branch.card().unit, book.branch.card().name) == (unit, "Đảng bộ tỉnh")
    assert book.branch.root.hash() == entry.deed.root


def found(book, paper):
    return book.branch.root.found(paper.text, "Trung ương", "Vũ Thị Hà")


def below(upper, name, tmp_path):
    (founded,) = upper.branch.found_branches(sotay.NewBranch(name=name, secretary="Lê Văn An"))
    pack = founded.packs[0]
    return sotay.Handbook.create_from_pack(tmp_path / founded.unit, "P1", pack.text, pack.code)


def test_a_branch_is_moved_below_another_committee_by_a_paper_of_the_root(phone, relay, tmp_path):
    (one, two, _), province, draft = root_of(phone)
    found(province, sign(draft, one, two))
    first, second = (below(province, f"Đảng ủy xã {name}", tmp_path) for name in "AB")
    branch = below(first, "Chi bộ 1", tmp_path)
    books = (province, first, second, branch)
    meet(relay, *books, *books)
    unit = branch.branch.card().unit
    card = second.branch.root.card()
    assert sotay.Root.read_card(card.text).check_code == card.check_code
    paper = first.branch.root.move([unit], card.text)
    deeds = [entry.deed for entry in paper.entries]
    assert [one.is_APPOINT() for one in deeds].count(True) == 2 and [one.parent for one in deeds if one.is_MOVE()] == [card.unit]
    assert any(one.is_DISMISS() for one in deeds)
    with pytest.raises(sotay.InputError) as told:
        first.branch.root.carry(sign(paper, one).text)
    assert code_of(told) == "root_quorum"
    signed, left = sign(paper, one, two).text, []
    assert first.branch.root.carry(signed, left.append) == len(paper.entries) and left == [0]
    assert first.branch.root.carry(signed) == 0
    assert (second.branch.root.follow_moved(signed), second.branch.root.follow_moved(signed)) == (1, 0)
    meet(relay, *books, *books, *books)
    assert branch.branch.levels_above()[0].unit == second.branch.card().unit
    assert [line.unit for line in second.branch.branches()] == [unit]
    for book in books[1:]:
        book.shutdown()
