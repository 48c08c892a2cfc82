"""Codes to scan, personal data, guests, relays that are named, and the levels."""

import pytest

import sotay
from conftest import DAY, MONTH, SINCE, begin, me

YEAR = 2025
OPEN = {"passphrase": "hoa mai vang no som"}


def code_of(told):
    return told.value.code


def member_of(book, name="Trần Thị Hoa"):
    return book.branch.add_members([name], since=SINCE)[0]


def test_a_phone_joins_by_two_scanned_codes_and_a_file_of_welcome(secretary, phone):
    hoa, book = member_of(secretary), phone("P5")
    shown = book.branch.enrolment.request()
    assert secretary.branch.read_request(shown.text.lower()).check_code == shown.check_code
    ticket = secretary.branch.enrolment.admit(shown.text, hoa, rank=3)
    assert set(ticket.code) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-:")
    scanned = book.branch.enrolment.scan(ticket.code)
    assert (scanned.shown.hall, scanned.letter, scanned.check_code) == (False, None, None)
    assert book.branch.enrolment.waiting() == scanned.shown
    book.branch.enrolment.welcome(ticket.welcome)
    card = book.branch.card()
    assert (card.member, card.rank, card.unit) == (hoa, 3, scanned.shown.unit)
    assert book.branch.enrolment.waiting() is None


def test_a_lost_phone_is_replaced_by_a_scanned_code(pair, phone):
    secretary, deputy = pair
    hoa, lost, book = me(deputy), deputy.device, phone("P6")
    ticket = secretary.branch.enrolment.admit(book.branch.enrolment.request().text, hoa, rank=3, replaces=lost)
    book.branch.enrolment.scan(ticket.code)
    book.branch.enrolment.welcome(ticket.welcome)
    states = {line.device: line.state for line in secretary.branch.phones() if line.member == hoa}
    assert states == {lost: sotay.PhoneState.REVOKED, book.device: sotay.PhoneState.ACTIVE}
    assert book.branch.card().member == hoa


def test_a_hall_is_admitted_by_one_code_and_six_digits(secretary, phone):
    hall = secretary.branch.enrolment.open_hall()
    assert hall.hall and hall.until > 0 and secretary.branch.enrolment.hall() == hall
    books = [phone(f"P{number}") for number in (5, 6)]
    asked = [book.branch.enrolment.scan(hall.code) for book in books]
    for one in asked + asked:
        assert secretary.branch.enrolment.take_letter(one.letter).check_code == one.check_code
    assert [one.label for one in secretary.branch.enrolment.requests()] == ["P5", "P6"]
    for book, one in zip(books, asked):
        entry = secretary.branch.enrolment.admit_in_hall(one.check_code, member_of(secretary, book.device))
        assert entry.device == book.device
    welcome = secretary.branch.enrolment.hall_welcome()
    for book in books:
        book.branch.enrolment.welcome(welcome)
        assert book.branch.card().member_name == book.device
    secretary.branch.enrolment.close_hall()
    with pytest.raises(sotay.InputError) as told:
        secretary.branch.enrolment.hall()
    assert code_of(told) == "hall_not_open"


def test_codes_that_are_foreign_or_for_others_are_refused(secretary, phone):
    hoa, book, other = member_of(secretary), phone("P5"), phone("P6")
    ticket = secretary.branch.enrolment.admit(book.branch.enrolment.request().text, hoa)
    other.branch.enrolment.scan(ticket.code)
    for call, code in (
        (lambda: book.branch.enrolment.welcome(ticket.welcome), "no_pass"),
        (lambda: book.branch.enrolment.scan("sotay-ticket-1:zzzz"), "damaged_text"),
        (lambda: book.branch.enrolment.scan("hello"), "other_text"),
        (lambda: other.branch.enrolment.welcome(ticket.welcome), "other_phone"),
        (lambda: secretary.branch.enrolment.scan(ticket.code), "already_in_unit"),
        (lambda: secretary.branch.enrolment.admit_in_hall("123 456", hoa), "hall_not_open"),
    ):
        with pytest.raises(sotay.InputError) as told:
            call()
        assert code_of(told) == code


def test_what_the_committee_knows_of_a_member_is_opened_with_a_trace_and_erased(pair):
    secretary, deputy = pair
    hoa, personal = me(deputy), secretary.branch.personal
    personal.set_contact(hoa, phone="0912 345 678", born="1970")
    assert personal.contacts() == [hoa]
    assert personal.accesses() == []
    assert personal.open_contact(hoa).phone == "0912 345 678"
    (access,) = personal.accesses()
    assert (access.what, access.member, access.by) == (sotay.OpenedData.CONTACT, hoa, me(secretary))
    erased = personal.erase(hoa)
    assert (erased.cards, erased.old_name_remains) == (2, False)
    assert personal.contacts() == [] and personal.open_contact(hoa) is None
    assert [line.name for line in secretary.branch.members() if line.member == hoa] == [None]


def test_consents_and_the_rule_of_keeping_are_recorded(pair):
    secretary, deputy = pair
    hoa, personal = me(deputy), secretary.branch.personal
    personal.record_consent(hoa, "Ảnh trên bảng tin", True, DAY)
    personal.record_consent(hoa, "Ảnh trên bảng tin", False, "2025-06-01")
    assert [(line.given, line.day) for line in personal.consents(hoa)] == [(True, DAY), (False, "2025-06-01")]
    assert personal.consents(me(secretary)) == [] and len(personal.consents()) == 2
    assert personal.retention().months is None
    personal.set_retention(12)
    secretary.branch.roster(sotay.RosterCommand.SET_ACTIVITY(hoa, sotay.MemberActivity.TRANSFERRED, SINCE))
    rule = personal.retention()
    assert (rule.months, rule.due) == (12, [hoa])


def test_own_data_is_shown_and_exported_under_a_passphrase(pair):
    secretary, deputy = pair
    assert "Trần Thị Hoa" in deputy.branch.personal.own()
    assert deputy.branch.personal.own(sotay.Language.EN).count("Name: Trần Thị Hoa") == 1
    own = deputy.branch.personal.export(**OPEN)
    assert own.json.startswith(b"age-encryption.org/v1\n") and own.text.startswith(b"age-encryption.org/v1\n")
    assert b"Hoa" not in own.json + own.text
    secretary.branch.personal.export(member=me(deputy), **OPEN)
    assert [line.what for line in secretary.branch.personal.accesses()] == [sotay.OpenedData.EXPORT]
    with pytest.raises(sotay.InputError) as told:
        deputy.branch.personal.export("")
    assert code_of(told) == "bad_passphrase"


def test_the_unit_names_its_relays_and_syncs_with_the_first_that_serves(pair, relay, silent_relay):
    secretary, deputy = pair
    with pytest.raises(sotay.SotayError) as told:
        secretary.sync.once_listed(5)
    assert code_of(told) == "no_relay_named"
    secretary.sync.name_relays([relay.address])
    assert secretary.sync.named_relays() == [relay.address]
    assert secretary.sync.once_listed().envelopes_out > 0
    deputy.sync.once(relay.address)
    assert deputy.sync.named_relays() == [relay.address]
    deputy.sync.follow_listed()
    deputy.sync.unfollow_listed()
    with pytest.raises(sotay.InputError) as told:
        secretary.sync.name_relays(["relay.example.vn:7843"])
    assert code_of(told) == "bad_relay"
    secretary.sync.name_relays([silent_relay])
    task = secretary.sync.start_listed()
    task.cancel()
    with pytest.raises(sotay.Cancelled):
        task.wait()


def test_a_guest_reads_one_meeting_and_nothing_else(secretary, phone, relay):
    meeting, guest = begin(secretary), phone("K1")
    meeting.apply(sotay.MeetingCommand.SET_PLACE("Nhà văn hóa thôn"))
    invitation = secretary.branch.admit_guest(guest.branch.join_request().text, meeting.id, "Khách xã", [relay.address])
    assert guest.branch.accept(invitation) == [relay.address]
    secretary.sync.once(relay.address)
    guest.sync.once(relay.address)
    page = guest.branch.guest_page()
    assert (page.meeting, page.sealed, page.sha256) == (meeting.id, False, meeting.minutes().sha256)
    assert "Nhà văn hóa thôn" in page.text
    (line,) = secretary.branch.guests()
    assert (line.device, line.name, line.meeting, line.open) == (guest.device, "Khách xã", meeting.id, True)
    assert guest.branch.meetings() == []
    secretary.branch.remove_phone(guest.device, sotay.RemovalReason.LEFT)
    assert not secretary.branch.guests()[0].open


@pytest.fixture
def levels(phone, tmp_path):
    """A commune and the secretary of a branch below it."""
    upper = phone("X1")
    upper.branch.create("Đảng bộ xã Đông Phong", "Đảng bộ tỉnh", "Lê Văn Cường", since=SINCE)
    (founded,) = upper.branch.found_branches(sotay.NewBranch(name="Chi bộ thôn An Lạc", secretary="Nguyễn Văn Bình"))
    pack = founded.packs[0]
    book = sotay.Handbook.create_from_pack(tmp_path / "branch", "P3", pack.text, pack.code)
    yield upper, book, founded.unit
    book.shutdown()


def meet(relay, *books):
    for book in books:
        book.sync.once(relay.address)


def test_a_branch_begins_with_a_pack_of_the_level_above(levels, tmp_path, relay):
    upper, book, unit = levels
    card = book.branch.card()
    assert (card.unit, card.name, card.upper, card.rank) == (unit, "Chi bộ thôn An Lạc", "Đảng bộ xã Đông Phong", 2)
    assert [(line.unit, line.name) for line in upper.branch.branches()] == [(unit, "Chi bộ thôn An Lạc")]
    assert [line.steps for line in book.branch.levels_above()] == [1]
    meet(relay, upper, book, upper, book)
    assert book.branch.levels_above()[0].known
    (other,) = upper.branch.found_branches(sotay.NewBranch(name="Chi bộ thôn Hai", secretary="Phạm Thị Lan"))
    folder = tmp_path / "wrong"
    with pytest.raises(sotay.InputError) as told:
        sotay.Handbook.create_from_pack(folder, "P9", other.packs[0].text, other.packs[1].code)
    assert code_of(told) == "damaged_text" and not folder.exists()


def test_a_report_is_opened_and_answered_by_the_level_above(levels, relay):
    upper, book, unit = levels
    begin(book).apply(sotay.MeetingCommand.SET_PLACE("Nhà văn hóa thôn"))
    sent = book.records.send_report(MONTH)
    assert book.records.report_answers(YEAR)[0].step is None
    meet(relay, upper, book, upper)
    assert [one.revision for one in upper.records.reports_of(unit, YEAR)] == [sent.revision]
    assert [one.mark.device for one in upper.records.open_report(unit, MONTH, sent.revision)] == [book.device]
    with pytest.raises(sotay.InputError) as told:
        upper.records.answer_report(unit, MONTH, sent.revision, accepted=False)
    assert code_of(told) == "empty"
    upper.records.answer_report(unit, MONTH, sent.revision, accepted=False, remark="Thiếu biên bản")
    meet(relay, upper, book)
    (answer,) = book.records.report_answers(YEAR)
    assert answer.step == sotay.ReportStepKind.RETURNED
    assert answer.words[-1].remark == "Thiếu biên bản"
    assert upper.records.report_answers(YEAR, unit)[0].step == sotay.ReportStepKind.RETURNED


def test_feedback_is_passed_up_and_the_answer_handed_on(levels, relay):
    upper, book, unit = levels
    meet(relay, upper, book, upper, book)
    item = book.feedback.submit("Mương", "Mương cạn.", named=True, name_above=True)
    meet(relay, book)
    assert len(book.feedback.received()) == 1
    book.feedback.pass_up(item)
    (passed,) = book.feedback.passed()
    assert (passed.item, passed.writer, passed.status) == (item, "Nguyễn Văn Bình", None)
    meet(relay, book, upper)
    (line,) = upper.feedback.from_below()
    assert (line.unit, line.item, line.topic, line.text) == (unit, item, "Mương", "Mương cạn.")
    upper.feedback.answer_below(item, sotay.FeedbackStatus.ANSWERED, "Xã đã giao nạo vét.")
    meet(relay, upper, book)
    assert book.feedback.passed()[0].replies[-1].text == "Xã đã giao nạo vét."
    book.feedback.hand_on(item)
    answers = [answer.text for answer in book.feedback.own()[0].answers if answer.text]
    assert len(answers) == 1 and answers[0].endswith("Xã đã giao nạo vét.")


def test_a_page_is_written_by_a_template_of_ones_own(secretary):
    meeting = begin(secretary)
    meeting.apply(sotay.MeetingCommand.SET_PLACE("Nhà văn hóa thôn"))
    own = "{#- sotay page minutes 1 -#}\nBIÊN BẢN RIÊNG\n"
    text = meeting.paper(sotay.PaperForm.TEXT, template=own).bytes.decode("utf-8")
    assert "BIÊN BẢN RIÊNG" in text and "Nhà văn hóa thôn" not in text
    for wrong in ("BIÊN BẢN", own + "{{ nothing.of.it }}"):
        with pytest.raises(sotay.InputError) as told:
            meeting.paper(sotay.PaperForm.TEXT, template=wrong)
        assert code_of(told) == "page_template"


def test_streams_end_by_themselves_when_the_profile_locks_itself(tmp_path):
    folder = tmp_path / "idle"
    book = sotay.Handbook.create(folder, "P1", pin="482917", lock_after=0.3)
    seen = list(book.changes())
    assert (seen[0], seen[-1]) == (sotay.Change.START(), sotay.Change.LOCKED())
    book.shutdown()
    sotay.Handbook.open(folder, pin="482917").shutdown()
