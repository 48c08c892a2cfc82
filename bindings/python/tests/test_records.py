"""The documents of a year, seals, feedback, paper, and the first screen."""

import io
import zipfile

import pytest

import sotay
from conftest import DAY, MONTH, SINCE, begin, join, mark, me, speech

Command, State, Step = sotay.MeetingCommand, sotay.AttendanceState, sotay.MeetingStep
YEAR = 2025


def held(book, clerk):
    """A meeting with chair and minute-taker, closed, ready to be sealed."""
    meeting = begin(book)
    meeting.apply(
        Command.SET_PLACE("Nhà văn hóa thôn"),
        Command.SET_CHAIR(me(book)),
        Command.SET_CLERK(clerk),
        Command.SET_START("2025-05-20T19:30"),
        Command.STEP(Step.OPENED),
        mark([me(book), clerk], State.PRESENT),
    )
    meeting.apply(Command.ADD_CONCLUSION("Giao đồng chí Hoa tổng vệ sinh.", None, "2025-06-15", [clerk]))
    meeting.apply(Command.SET_END("2025-05-20T21:00"), Command.STEP(Step.CLOSED))
    return meeting


def test_a_task_is_given_reported_and_accepted(pair):
    secretary, deputy = pair
    records = secretary.records
    id = records.change_task(YEAR, sotay.TaskCommand.ADD("Tổng vệ sinh thôn", [me(deputy)], "2025-06-15"))
    records.change_task(YEAR, sotay.TaskCommand.REPORT(id, sotay.TaskStatus.DONE, "Đã xong"))
    records.change_task(YEAR, sotay.TaskCommand.REPORT(id, sotay.TaskStatus.ACCEPTED))
    (task,) = records.tasks(YEAR)
    assert (task.id, task.what, task.status) == (id, "Tổng vệ sinh thôn", sotay.TaskStatus.ACCEPTED)
    assert (task.deadline, task.people[0].name, task.results[0].text) == ("2025-06-15", "Trần Thị Hoa", "Đã xong")
    with pytest.raises(sotay.InputError) as told:
        records.change_task(YEAR, sotay.TaskCommand.EDIT("zz", "x"))
    assert told.value.code == "malformed" and "id" in told.value.text(sotay.Language.EN)


def test_conclusions_of_a_meeting_become_tasks_once(pair):
    secretary, deputy = pair
    meeting = held(secretary, me(deputy))
    assert [secretary.records.tasks_of_meeting(meeting.id) for _ in range(2)] == [1, 0]
    (task,) = secretary.records.tasks(YEAR)
    assert (task.meeting, task.overdue) == (meeting.id, True)


def test_fees_are_paid_reversed_and_summed(pair):
    secretary, deputy = pair
    records, payer = secretary.records, me(deputy)
    pay = sotay.FeeCommand.PAY(payer, MONTH, 10_000, "2025-05-21", "tiền mặt")
    first, second = records.change_fees(YEAR, pay, pay)
    records.change_fees(YEAR, sotay.FeeCommand.REVERSE(second, "2025-05-22", "ghi hai lần"))
    fees = records.fees(YEAR)
    assert (fees.total, len(fees.lines), fees.damaged) == (10_000, 3, 0)
    assert {line.id: line.reversed_by is not None for line in fees.lines if line.id in (first, second)} == {first: False, second: True}
    month = records.fee_month(MONTH)
    assert (month.month, month.paid) == (MONTH, 10_000)
    assert {one.member.id: one.paid for one in month.members}[payer] == 10_000


def test_ratings_have_criteria_points_levels_and_evidence(pair):
    secretary, deputy = pair
    records, rated = secretary.records, sotay.RatedSubject.MEMBER(me(deputy))
    leaf = next(one for one in records.criteria(YEAR).member.criteria if one.leaf)
    committee = sotay.ScoreColumn.COMMITTEE
    records.change_rating(YEAR, sotay.RatingCommand.SCORE(rated, leaf.key, committee, me(secretary), leaf.points))
    level = records.criteria(YEAR).member.levels[0].key
    records.change_rating(YEAR, sotay.RatingCommand.DECIDE(rated, committee, level))
    evidence = records.change_rating(YEAR, sotay.RatingCommand.ADD_EVIDENCE(rated, leaf.key, "Giấy khen"))
    card = next(card for card in records.ratings(YEAR) if card.rated == rated)
    assert card.name == "Trần Thị Hoa"
    assert next(one for one in card.criteria if one.criterion == leaf.key).committee == leaf.points
    assert next(one for one in card.columns if one.column == committee).decided == level
    assert [one.id for one in card.evidence] == [evidence]


def test_a_resolution_is_written_and_issued(pair):
    secretary, deputy = pair
    records = secretary.records
    id = records.new_resolution("Về nhiệm vụ tháng 6")
    Resolution, Part = sotay.ResolutionCommand, sotay.ResolutionPart
    records.change_resolution(
        id,
        Resolution.SET_NUMBER(5),
        Resolution.SET_DATE(DAY),
        Resolution.SET_SIGNER(me(secretary)),
        Resolution.SET_PART(Part.GOALS, "Hoàn thành thu phí."),
        Resolution.SET_TASK("Vận động nhân dân", [me(deputy)], "2025-06-30"),
        Resolution.ADD_RECIPIENT("Đảng ủy xã"),
    )
    records.issue_resolution(id)
    view = records.resolution(id)
    assert (view.number_text, view.title, view.date) == ("05-NQ/CB", "Về nhiệm vụ tháng 6", DAY)
    assert (view.signer.name, view.tasks[0].people[0].name, view.recipients[0].label) == ("Nguyễn Văn Bình", "Trần Thị Hoa", "Đảng ủy xã")
    assert len(view.issued) == 1 and [one.id for one in records.resolutions()] == [id]
    with pytest.raises(sotay.InputError) as told:
        records.change_resolution(id, Resolution.SET_NUMBER(6))
    assert told.value.code == "issued"


def test_a_report_is_proposed_sent_and_then_due_no_more(pair):
    secretary, deputy = pair
    held(secretary, me(deputy))
    records = secretary.records
    assert MONTH in [one.facts.month for one in records.reports_due(YEAR)]
    proposal = records.report_proposal(MONTH)
    assert (proposal.revision, proposal.facts.meetings[0].present) == (1, 2)
    assert records.send_report(MONTH).revision == 1
    assert records.report_proposal(MONTH) is None
    assert [one.facts.month for one in records.reports(YEAR)] == [MONTH]


def test_directives_are_listed_and_what_is_none_is_refused(pair):
    secretary, deputy = pair
    known = secretary.records.directives(DAY)
    assert {one.kind for one in known if one.in_force} == set(sotay.DirectiveKind)
    with pytest.raises(sotay.InputError) as told:
        secretary.records.publish_directive('{"kind": "fees"}')
    assert told.value.code == "directive"


def test_minutes_are_sealed_by_two_phones_and_anybody_can_check_the_file(pair, relay):
    secretary, deputy = pair
    meeting = held(secretary, me(deputy))
    assert not meeting.seal_check().blocks
    seal = meeting.propose_seal(meeting.minutes().sha256)
    for book in (secretary, deputy):
        book.sync.once(relay.address)
    there = deputy.meeting(meeting.id)
    (waiting,) = there.seals().seals
    assert (waiting.id, waiting.status) == (seal, sotay.SealStatus.WAITING)
    there.countersign(seal)
    seals = there.seals()
    assert (seals.standing, seals.seals[0].chair.name, seals.seals[0].clerk.name) == (seal, "Nguyễn Văn Bình", "Trần Thị Hoa")
    file = there.seal_file()
    checked = sotay.check_seal_file(file, deputy.branch.card().unit)
    assert checked.pinned and checked.seals[0].text == there.sealed_text(seal)
    damaged = bytes(byte ^ 1 if at == len(file) // 2 else byte for at, byte in enumerate(file))
    for wrong in (b"x", damaged):
        with pytest.raises(sotay.InputError):
            sotay.check_seal_file(wrong)
    with pytest.raises(sotay.InputError) as told:
        there.propose_seal("00" * 32)
    assert told.value.code == "malformed"


def test_what_is_recorded_after_the_seal_becomes_an_addendum(pair, relay):
    secretary, deputy = pair
    meeting = held(secretary, me(deputy))
    seal = meeting.propose_seal(meeting.minutes().sha256)
    for book in (secretary, deputy):
        book.sync.once(relay.address)
    there = deputy.meeting(meeting.id)
    there.countersign(seal)
    with pytest.raises(sotay.InputError) as told:
        there.apply(speech(deputy, "ghi muộn"))
    assert told.value.code == "sealed"
    there.amend(speech(deputy, "ghi muộn"))
    (late,) = there.seals().late
    assert late.new and "ghi muộn" in late.text
    addendum = there.propose_addendum()
    for book in (deputy, secretary):
        book.sync.once(relay.address)
    meeting.countersign(addendum)
    seals = meeting.seals()
    assert [one.addendum for one in seals.seals] == [False, True] and seals.late == []
    assert "ghi muộn" not in meeting.minutes().text
    meeting.withdraw_seal(seal)
    assert meeting.seals().standing is None


def test_feedback_with_a_name_is_answered_to_its_writer(pair, relay):
    secretary, deputy = pair
    item = deputy.feedback.submit("Đường thôn", "Đèn đường hỏng.", named=True)
    (own,) = deputy.feedback.own()
    assert (own.state, own.acknowledged) == (sotay.OwnFeedbackState.WAITING, False)
    for book in (deputy, secretary):
        book.sync.once(relay.address)
    (received,) = secretary.feedback.received()
    assert (received.id, received.writer.name, received.text) == (item, "Trần Thị Hoa", "Đèn đường hỏng.")
    secretary.feedback.answer(item, sotay.FeedbackStatus.ANSWERED, "Đã báo điện lực.")
    for book in (secretary, deputy):
        book.sync.once(relay.address)
    (own,) = deputy.feedback.own()
    assert own.named and own.acknowledged and [one.text for one in own.answers] == ["Đã báo điện lực."]
    assert deputy.feedback.public_answers() == []


def test_feedback_without_a_name_is_answered_to_all_or_taken_back(pair, relay):
    secretary, deputy = pair
    item = deputy.feedback.submit("Sinh hoạt", "Họp quá dài.", named=False)
    taken = deputy.feedback.submit("Sinh hoạt", "Viết nhầm.", named=False)
    deputy.feedback.withdraw(taken)
    for book in (deputy, secretary):
        book.sync.once(relay.address)
    (received,) = secretary.feedback.received()
    assert (received.id, received.writer) == (item, None)
    with pytest.raises(sotay.InputError) as told:
        secretary.feedback.answer(item, sotay.FeedbackStatus.ANSWERED, "Riêng")
    assert told.value.code == "nameless"
    secretary.feedback.answer(item, sotay.FeedbackStatus.ANSWERED, "Sẽ họp gọn.", public=True)
    assert [one.text for one in secretary.feedback.public_answers()] == ["Sẽ họp gọn."]


def test_documents_are_written_as_html_docx_and_text(pair):
    secretary, deputy = pair
    meeting = held(secretary, me(deputy))
    resolution = secretary.records.new_resolution("Về nhiệm vụ tháng 6", meeting.id)
    secretary.records.send_report(MONTH)
    papers = [
        meeting.paper,
        lambda form: secretary.records.resolution_paper(resolution, form),
        lambda form: secretary.records.report_paper(MONTH, form),
    ]
    for paper in papers:
        html, docx, text = (paper(form) for form in (sotay.PaperForm.HTML, sotay.PaperForm.DOCX, sotay.PaperForm.TEXT))
        assert html.bytes.startswith(b"<!DOCTYPE html>") and html.extension == "html"
        assert "word/document.xml" in zipfile.ZipFile(io.BytesIO(docx.bytes)).namelist()
        assert "Chi bộ thôn An Lạc".lower() in text.bytes.decode().lower()
    with pytest.raises(sotay.InputError) as told:
        meeting.paper(sotay.PaperForm.TEXT, "00" * 16)
    assert told.value.code == "unknown"
    assert secretary.records.report_paper(MONTH, sotay.PaperForm.TEXT, 9) is None


def test_the_diary_tells_in_words_and_the_last_action_is_undone(secretary):
    meeting = begin(secretary)
    meeting.apply(speech(secretary, "một"))
    meeting.apply(speech(secretary, "hai"))
    meeting.undo()
    assert [one.text for one in meeting.view().speeches] == ["một"]
    page = meeting.diary(count=3)
    assert page.total > 3 and len(page.lines) == 3
    assert [line.undone for line in page.lines] == [False, True, False]
    assert page.lines[1].who == "Nguyễn Văn Bình" and page.lines[1].did[0]


def test_a_file_is_noted_with_its_meeting(secretary):
    meeting = begin(secretary)
    id = meeting.attach_file("du-thao.pdf", "application/pdf", b"%PDF-1.7", pages=2)
    assert any(change.part == sotay.DocumentPart.ATTACHMENT and change.id == id for change in meeting.history()[-1].what)


def test_the_first_screen_goes_by_role_and_phase(pair):
    secretary, deputy = pair
    home = secretary.home()
    assert (home.role, home.phase) == (sotay.HomeRole.SECRETARY, sotay.HomePhase.NO_MEETING)
    assert sotay.HomeActionKind.NEW_MEETING in [one.kind for one in home.actions]
    held(secretary, me(deputy))
    home = secretary.home(sotay.Language.EN)
    assert home.phase == sotay.HomePhase.CLOSED and home.meeting.date == DAY
    seal = next(one for one in home.actions if one.kind == sotay.HomeActionKind.SEAL)
    member = sotay.home_actions(sotay.HomeRole.MEMBER, False, sotay.HomePhase.CLOSED)
    assert seal.label and sotay.HomeActionKind.SEAL not in [one.kind for one in member]


def test_a_roster_kept_elsewhere_is_taken_over_all_or_nothing(secretary):
    def line(name, since):
        member = sotay.NewMember(
            name=name,
            role=sotay.MemberRole.MEMBER,
            standing=sotay.MemberStanding.FULL,
            activity=sotay.MemberActivity.ATTENDING,
        )
        return sotay.NewMemberLine(member=member, since=since)

    for bad, code in ((line("Lê Văn Tư", "31/12/2024"), "malformed"), (line(" ", SINCE), "empty_name")):
        with pytest.raises(sotay.InputError) as told:
            secretary.branch.import_members([line("Trần Thị Hoa", SINCE), bad])
        assert told.value.code == code
    assert len(secretary.branch.members(DAY)) == 1
    secretary.branch.import_members([line("Trần Thị Hoa", SINCE), line("Lê Văn Tư", "2025-06-01")])
    assert [len(secretary.branch.members(day)) for day in (DAY, "2025-06-01")] == [2, 3]


def test_a_new_phone_takes_the_place_of_a_lost_one_and_keys_are_rotated(phone, pair):
    secretary, deputy = pair
    assert sotay.SpaceKind.MAIN in secretary.branch.rotate_keys().rekeyed
    new = phone("P6")
    request = new.branch.join_request()
    invitation = secretary.branch.admit(request.text, me(deputy), rank=3, replaces=deputy.device)
    new.branch.accept(invitation)
    states = {one.device: one.state for one in secretary.branch.phones()}
    assert (states[deputy.device], states[new.device]) == (sotay.PhoneState.REVOKED, sotay.PhoneState.ACTIVE)
    change = secretary.branch.regrade_phone(new.device, rank=4)
    assert change.devices == [new.device] and new.branch.card().rank == 3
    assert {one.device: one.rank for one in secretary.branch.phones()}[new.device] == 4
    assert secretary.branch.not_counted() == []


def test_changes_of_the_years_documents_and_of_feedback_are_named(secretary):
    with secretary.changes(timeout=20) as changes:
        assert next(changes) == sotay.Change.START()
        task = secretary.records.change_task(YEAR, sotay.TaskCommand.ADD("Việc"))
        secretary.records.change_fees(YEAR, sotay.FeeCommand.ASSESS(me(secretary), MONTH, 5_000))
        secretary.feedback.submit("a", "b", named=True)
        seen = []
        while sotay.Change.FEEDBACK() not in seen:
            seen.append(next(changes))
    parts = {change.part: change.id for change in seen if isinstance(change, sotay.Change.DOCUMENT)}
    assert parts[sotay.DocumentPart.TASK] == task
    assert parts[sotay.DocumentPart.ASSESSMENT] == me(secretary)


def test_a_batch_of_changes_reads_like_a_list(secretary):
    batches = []
    subscription = secretary.subscribe(batches.append)
    members = [me(secretary), *secretary.branch.add_members(["Trần Thị Hoa", "Lê Văn Tư"], SINCE)]
    meeting = begin(secretary)
    marked = [sotay.Change.DOCUMENT(meeting.id, sotay.DocumentPart.ATTENDANCE, id) for id in members]
    with secretary.changes(timeout=20) as changes:
        meeting.apply(mark(members, State.PRESENT))
        missing = list(marked)
        while missing:
            change = next(changes)
            missing = [one for one in missing if one != change]
    subscription.cancel()
    assert list(batches[0]) == [sotay.Change.START()]
    every = [change for batch in batches for change in batch]
    assert all(one in every for one in marked)
    batch = max(batches, key=len)
    assert batch[-1] == batch[len(batch) - 1] == batch[-1:][0]
    with pytest.raises(IndexError):
        batch[len(batch)]


def test_a_profile_with_a_pin_opens_with_it_only_and_counts_wrong_tries(tmp_path):
    folder = tmp_path / "pin"
    sotay.Handbook.create(folder, "P1", pin="482917").shutdown()
    state = sotay.Handbook.lock_state(folder)
    assert (state.pin, state.encrypted, state.vault) == (True, True, False)
    for pin, code in ((None, "pin_missing"), ("482918", "pin_wrong")):
        with pytest.raises(sotay.VaultError) as told:
            sotay.Handbook.open(folder, pin=pin)
        assert told.value.code == code
    assert sotay.Handbook.lock_state(folder).tries_left == state.tries_left - 1
    with pytest.raises(sotay.InputError) as told:
        sotay.Handbook.set_pin(folder, "1", pin="482917")
    assert told.value.code == "pin_short"
    sotay.Handbook.set_pin(folder, "773105", pin="482917")
    sotay.Handbook.open(folder, pin="773105").shutdown()
    sotay.Handbook.remove_pin(folder, pin="773105")
    sotay.Handbook.open(folder).shutdown()


def test_a_locked_profile_closes_until_it_is_opened_anew(tmp_path):
    folder = tmp_path / "locked"
    book = sotay.Handbook.create(folder, "P1", pin="482917")
    book.touch()
    changes = book.changes(timeout=20)
    assert next(changes) == sotay.Change.START()
    book.lock()
    assert sotay.Change.LOCKED() in list(changes)
    for call in (book.touch, book.branch.card):
        with pytest.raises(sotay.SotayError) as told:
            call()
        assert told.value.code == "locked"
    sotay.Handbook.open(folder, pin="482917").shutdown()


def template_of_the_branch(records):
    """The shipped page of minutes with a line more."""
    return records.shipped_page_template(sotay.PageSort.MINUTES, DAY, "Mẫu của chi bộ") + "\n^ DÒNG RIÊNG\n"


def page_of(meeting, template=None):
    return meeting.paper(sotay.PaperForm.TEXT, template=template).bytes.decode("utf-8")


def test_a_page_template_that_one_phone_publishes_makes_the_pages_of_another_from_its_day_on(pair, relay):
    secretary, deputy = pair
    meeting = begin(secretary)
    before = secretary.branch.new_meeting(sotay.MeetingKind.THEMATIC, month=MONTH, date="2025-05-19")
    source = template_of_the_branch(secretary.records)
    head = secretary.records.check_page_template(source)
    assert secretary.records.page_templates() == [], "checked is not published"
    assert secretary.records.publish_page_template(source) == head
    for book in (secretary, deputy):
        book.sync.once(relay.address)
    (known,) = deputy.records.page_templates(DAY)
    assert (known.sort, known.name, known.since) == (sotay.PageSort.MINUTES, "Mẫu của chi bộ", DAY)
    assert (known.issuer, known.publisher, known.sha256) == (sotay.DirectiveIssuer.UNIT, None, head.sha256)
    assert [known.in_force] + [one.in_force for one in deputy.records.page_templates("2025-05-19")] == [True, False]
    text = page_of(deputy.meeting(meeting.id))
    assert "DÒNG RIÊNG" in text and f"Mẫu của chi bộ (SHA-256 {head.sha256[:16]}" in text
    assert "DÒNG RIÊNG" not in page_of(deputy.meeting(before))

    assert secretary.records.withdraw_directive(head.sha256[:16]) == "Mẫu của chi bộ"
    for book in (secretary, deputy):
        book.sync.once(relay.address)
    assert deputy.records.page_templates(DAY) == []
    assert "DÒNG RIÊNG" not in page_of(deputy.meeting(meeting.id))
    kept = deputy.records.page_template_source(head.sha256[:16])
    assert kept == source and "DÒNG RIÊNG" in page_of(deputy.meeting(meeting.id), kept)
    assert deputy.records.page_template_source("0" * 64) is None


def test_a_page_template_with_an_unknown_field_or_of_a_member_without_the_right_is_refused(phone, secretary):
    records = secretary.records
    source = template_of_the_branch(records)
    for call in (records.check_page_template, records.publish_page_template):
        with pytest.raises(sotay.InputError) as told:
            call(source + "{{ nothing_of_it }}\n")
        assert told.value.code == "page_template"
        assert all("nothing_of_it" in told.value.text(language) for language in sotay.Language)
    assert records.page_templates(DAY) == []
    member = phone("P4")
    join(secretary, member)
    head = member.records.check_page_template(source)
    for refused in (lambda: member.records.publish_page_template(source), lambda: member.records.withdraw_directive(head.sha256)):
        with pytest.raises(sotay.NotAllowedError):
            refused()
    assert member.records.page_templates(DAY) == []
    records.publish_page_template(source)
    records.withdraw_directive(head.sha256)
    for call, argument, code in (
        (records.publish_page_template, source, "directive_withdrawn"),
        (records.withdraw_directive, "0" * 64, "no_directive"),
    ):
        with pytest.raises(sotay.InputError) as told:
            call(argument)
        assert told.value.code == code
