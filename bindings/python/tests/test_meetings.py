"""Enrolment and a meeting, with no network."""

import unicodedata

import pytest

import sotay
from conftest import DAY, begin, join, mark, me, speech

Command, State = sotay.MeetingCommand, sotay.AttendanceState


def test_founding_a_unit_makes_this_phone_the_secretarys(secretary):
    card = secretary.branch.card()
    assert (card.name, card.upper, card.rank) == ("Chi bộ thôn An Lạc", "Đảng bộ xã Đông Phong", 2)
    assert card.member_name == "Nguyễn Văn Bình"
    with pytest.raises(sotay.InputError) as told:
        secretary.branch.create("x", "y", "z")
    assert told.value.code == "already_in_unit"


def test_a_phone_without_a_unit_says_so(phone):
    with pytest.raises(sotay.InputError) as told:
        phone().branch.card()
    assert told.value.code == "no_unit"


def test_a_second_phone_joins_by_text_and_both_show_the_same_code(phone, secretary):
    other = phone("P5")
    request = other.branch.join_request()
    assert secretary.branch.read_request(request.text).check_code == request.check_code
    member = join(secretary, other)
    assert other.branch.card().member == member
    names = {line.name: [device.label for device in line.devices] for line in other.branch.members(DAY)}
    assert names == {"Nguyễn Văn Bình": ["P3"], "Trần Thị Hoa": ["P5"]}


def test_an_invitation_for_another_phone_is_refused(phone, secretary):
    member = secretary.branch.add_members(["Lê Văn Tư"], since=DAY)[0]
    invitation = secretary.branch.admit(phone("P7").branch.join_request().text, member)
    with pytest.raises(sotay.InputError) as told:
        phone("P8").branch.accept(invitation)
    assert told.value.code == "other_phone"


def test_damaged_and_foreign_texts_are_told_apart(secretary, phone):
    request = phone().branch.join_request().text
    for text, code in [("hello", "other_text"), (request[:-8], "damaged_text")]:
        with pytest.raises(sotay.InputError) as told:
            secretary.branch.read_request(text)
        assert told.value.code == code


def test_a_member_may_not_do_what_officers_do(phone, secretary):
    member = phone("P9")
    join(secretary, member)
    with pytest.raises(sotay.NotAllowedError) as told:
        member.branch.add_members(["Ai đó"], since=DAY)
    assert told.value.next_action == sotay.NextAction.ASK_OFFICER


def test_a_lost_phone_is_set_aside_and_removed(pair):
    secretary, deputy = pair
    state = lambda: {one.device: one.state for one in secretary.branch.phones()}  # noqa: E731
    assert state()[secretary.device] == state()[deputy.device] == sotay.PhoneState.ACTIVE
    secretary.branch.suspend_phone(deputy.device, sotay.RemovalReason.LOST)
    assert state()[deputy.device] == sotay.PhoneState.SUSPENDED
    secretary.branch.lift_phone(deputy.device)
    assert state()[deputy.device] == sotay.PhoneState.ACTIVE
    change = secretary.branch.remove_phone(deputy.device, sotay.RemovalReason.LOST)
    assert change.devices == [deputy.device] and sotay.SpaceKind.MAIN in change.rekeyed
    assert (state()[secretary.device], state()[deputy.device]) == (sotay.PhoneState.ACTIVE, sotay.PhoneState.REVOKED)
    with pytest.raises(sotay.InputError) as told:
        secretary.branch.suspend_phone(secretary.device, sotay.RemovalReason.LOST)
    assert told.value.code == "own_phone"


def test_a_meeting_is_held_offline_from_attendance_to_minutes(secretary):
    others = secretary.branch.add_members(["Trần Thị Hoa", "Lê Văn Tư"], since="2025-01-01")
    meeting = begin(secretary)
    chair = me(secretary)
    meeting.apply(
        Command.SET_PLACE("Nhà văn hóa thôn"),
        Command.SET_CHAIR(chair),
        Command.SET_CLERK(others[0]),
        Command.SET_START("2025-05-20T19:30"),
        Command.STEP(sotay.MeetingStep.OPENED),
        mark([chair, others[0]], State.PRESENT),
        mark([others[1]], State.EXCUSED, "ốm"),
    )
    agenda = meeting.apply(Command.ADD_AGENDA("Nghị quyết tháng 6"))[0]
    motion = meeting.apply(
        Command.ADD_SPEECH(speaker=sotay.Who.MEMBER(others[0]), text="Nhất trí.", agenda=agenda),
        Command.ADD_MOTION("Thông qua nghị quyết", sotay.VoteMethod.HANDS, sotay.VoteNeed.MAJORITY, agenda),
    )[1]
    meeting.apply(
        Command.OPEN_VOTE(motion),
        Command.RECORD_TALLY(motion, sotay.Tally(in_favour=2, against=0, other=0), []),
        Command.ADD_CONCLUSION("Giao đồng chí Hoa.", agenda, "2025-06-15", [others[0]]),
        Command.STEP(sotay.MeetingStep.CLOSED),
    )
    view = meeting.view()
    assert (view.place, view.phase, view.date) == ("Nhà văn hóa thôn", sotay.MeetingStep.CLOSED, DAY)
    assert (view.counts.total, view.counts.present, view.counts.excused) == (3, 2, 1)
    assert view.speeches[0].speaker.name == "Trần Thị Hoa"
    assert view.motions[0].tallies[0].counts.in_favour == 2
    assert view.conclusions[0].deadline == "2025-06-15"
    assert view.conclusions[0].responsible[0].name == "Trần Thị Hoa"
    minutes = meeting.minutes()
    assert "Nhà văn hóa thôn" in minutes.text and len(minutes.sha256) == 64
    heading = secretary.branch.meetings()[0]
    assert (heading.id, heading.phase) == (meeting.id, sotay.MeetingStep.CLOSED)


def test_commands_of_one_call_happen_all_or_not_at_all(secretary):
    meeting = begin(secretary)
    with pytest.raises(sotay.InputError) as told:
        meeting.apply(speech(secretary, "không được ghi"), Command.EDIT_SPEECH("00" * 16, "x"))
    assert told.value.code == "unknown"
    assert meeting.view().speeches == []


def test_a_speech_of_100000_characters_is_refused_and_loses_nothing(secretary):
    meeting = begin(secretary)
    meeting.apply(speech(secretary, "đã ghi"))
    with pytest.raises(sotay.InputError) as told:
        meeting.apply(speech(secretary, "ế" * 100_000))
    assert told.value.code == "text_too_long"
    assert "100000" in told.value.text(sotay.Language.EN)
    assert [one.text for one in meeting.view().speeches] == ["đã ghi"]
    meeting.apply(speech(secretary, "ế" * 8_000))


def test_text_typed_in_nfd_is_kept_in_nfc(secretary):
    meeting = begin(secretary)
    composed = "Tiếng Việt ở thôn Đoài"
    meeting.apply(speech(secretary, unicodedata.normalize("NFD", composed)))
    assert meeting.view().speeches[0].text == composed


def test_a_vote_that_is_open_keeps_its_text(secretary):
    meeting = begin(secretary)
    meeting.apply(Command.STEP(sotay.MeetingStep.OPENED), mark([me(secretary)], State.PRESENT))
    motion = meeting.apply(Command.ADD_MOTION("A", sotay.VoteMethod.HANDS, sotay.VoteNeed.MAJORITY))[0]
    meeting.apply(Command.OPEN_VOTE(motion))
    with pytest.raises(sotay.InputError) as told:
        meeting.apply(Command.EDIT_MOTION(motion, "B"))
    assert told.value.code == "vote_open"


def test_the_history_of_a_meeting_names_the_phone_and_the_part(secretary):
    meeting = begin(secretary)
    meeting.apply(speech(secretary, "một"))
    last = meeting.history()[-1]
    assert last.mark.label == "P3"
    assert any(change.part == sotay.DocumentPart.SPEECH for change in last.what)
