"""The documents of the unit beside its meetings, and what members write to the committee."""

from typing import Any, List, Optional

from ._native import ffi
from .errors import translated


class Records:
    """Tasks, fees, ratings, resolutions, reports, directives, page templates. Points are in hundredths, money in đồng, months
    ``2025-05``."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @translated
    def review(self, document: str, language: Any = ffi.Language.VI) -> Any:
        """What contradicts itself in a document: that of ``ReviewItemView.meeting``, which may be any."""
        return self._raw.review(document, language)

    @translated
    def settle(self, document: str, item: str, pick: str) -> None:
        """Settles an item of a document's review list by one of its options."""
        self._raw.settle(document, item, pick)

    @translated
    def undo(self, document: str, language: Any = ffi.Language.VI) -> Any:
        """Undoes what this phone did last in a document; never lines of the ledger, reports or choices."""
        return self._raw.undo(document, language)

    @translated
    def tasks(self, year: int) -> List[Any]:
        """All tasks of a year, by deadline."""
        return self._raw.tasks(year)

    @translated
    def change_task(self, year: int, command: Any) -> Optional[str]:
        """Carries out a command about a task; gives the id of the task it added."""
        return self._raw.change_task(year, command)

    @translated
    def tasks_of_meeting(self, meeting: str) -> int:
        """Makes tasks of the conclusions of a meeting that have none yet; gives how many."""
        return self._raw.tasks_of_meeting(meeting)

    @translated
    def fees(self, year: int) -> Any:
        """The ledger of a year. The committee only."""
        return self._raw.fees(year)

    @translated
    def fee_month(self, month: str) -> Any:
        """A month of the ledger: who owes what, who paid, who has not. The committee only."""
        return self._raw.fee_month(month)

    @translated
    def change_fees(self, year: int, *commands: Any) -> List[Optional[str]]:
        """Carries out commands to the ledger as one change, all or nothing; gives the id of the line that each one added."""
        return self._raw.change_fees(year, list(commands))

    @translated
    def criteria(self, year: int) -> Any:
        """The criteria of a year: those in force on its last day."""
        return self._raw.criteria(year)

    @translated
    def ratings(self, year: int) -> List[Any]:
        """Everybody who was rated in a year. The committee only."""
        return self._raw.ratings(year)

    @translated
    def change_rating(self, year: int, command: Any) -> Optional[str]:
        """Carries out a command about the ratings; gives the id of the evidence it added."""
        return self._raw.change_rating(year, command)

    @translated
    def resolutions(self) -> List[Any]:
        """All resolutions, newest first."""
        return self._raw.resolutions()

    @translated
    def resolution(self, id: str) -> Any:
        """A resolution by its id."""
        return self._raw.resolution(id)

    @translated
    def new_resolution(self, title: str, meeting: Optional[str] = None) -> str:
        """Begins a resolution, of a meeting or by itself; gives its id. Officers only."""
        return self._raw.new_resolution(title, meeting)

    @translated
    def change_resolution(self, id: str, *commands: Any) -> List[Optional[str]]:
        """Carries out commands as one change, all or nothing; gives the id of what each one added."""
        return self._raw.change_resolution(id, list(commands))

    @translated
    def issue_resolution(self, id: str) -> None:
        """Issues a resolution; refused while an item of its review list blocks."""
        self._raw.issue_resolution(id)

    @translated
    def resolution_paper(self, id: str, form: Any, template: Optional[str] = None) -> Any:
        """A resolution as a file, as it stands; ``template`` is one of one's own."""
        return self._raw.resolution_paper(id, form, template)

    @translated
    def reports(self, year: int) -> List[Any]:
        """The reports of a year that were sent, by month and revision."""
        return self._raw.reports(year)

    @translated
    def report_proposal(self, month: str, language: Any = ffi.Language.VI) -> Any:
        """What a month's report would say now; ``None`` when the last one that was sent says the same."""
        return self._raw.report_proposal(month, language)

    @translated
    def reports_due(self, year: int, language: Any = ffi.Language.VI) -> List[Any]:
        """The months of a year whose report is to be sent, for the first time or anew."""
        return self._raw.reports_due(year, language)

    @translated
    def send_report(self, month: str) -> Any:
        """Sends a month's report as it would be now. Officers only."""
        return self._raw.send_report(month)

    @translated
    def report_paper(
        self, month: str, form: Any, revision: Optional[int] = None, template: Optional[str] = None
    ) -> Any:
        """A month's report as a file: a revision that was sent, or what would be sent now; ``None`` when there is none."""
        return self._raw.report_paper(month, revision, form, template)

    @translated
    def report_answers(self, year: int, unit: Optional[str] = None) -> List[Any]:
        """What became of the reports of a year: of this unit, or of one below."""
        return self._raw.report_answers(unit, year)

    @translated
    def reports_of(self, unit: str, year: int) -> List[Any]:
        """The reports of a year that a unit below has sent, as far as they have come."""
        return self._raw.reports_of(unit, year)

    @translated
    def open_report(self, unit: str, month: str, revision: int) -> List[Any]:
        """On the level above: opens a report of a unit below, which the unit is told."""
        return self._raw.open_report(unit, month, revision)

    @translated
    def answer_report(self, unit: str, month: str, revision: int, accepted: bool, remark: str = "") -> None:
        """On the level above: accepts a report, or returns it with a remark."""
        self._raw.answer_report(unit, month, revision, accepted, remark)

    @translated
    def directives(self, on: Optional[str] = None) -> List[Any]:
        """All directives known here; each says whether it is in force on a day, today if none is given."""
        return self._raw.directives(on)

    @translated
    def publish_directive(self, json: str) -> Any:
        """Publishes a directive, the text of a JSON file, to everybody in the unit. Officers only."""
        return self._raw.publish_directive(json)

    @translated
    def withdraw_directive(self, sha256: str) -> str:
        """Withdraws a directive or a page template of this unit, named by its SHA-256 or the beginning of that, and gives its
        name; what held before holds again. Officers only."""
        return self._raw.withdraw_directive(sha256)

    @translated
    def page_templates(self, on: Optional[str] = None) -> List[Any]:
        """The page templates that were published and not withdrawn; each says whether it is in force on a day, today if none
        is given. Where none is, pages are made with the one that ships."""
        return self._raw.page_templates(on)

    @translated
    def shipped_page_template(self, sort: Any, since: str, name: str) -> str:
        """The shipped template as it is published, with the first day and the name in its second line: to begin one's own
        with."""
        return self._raw.shipped_page_template(sort, since, name)

    @translated
    def check_page_template(self, source: str) -> Any:
        """Checks a page template as publishing it would, and publishes nothing; raises the reason when it does not fit."""
        return self._raw.check_page_template(source)

    @translated
    def publish_page_template(self, source: str) -> Any:
        """Publishes a page template, the text of a file, to everybody in the unit and below it. Officers only."""
        return self._raw.publish_page_template(source)

    @translated
    def page_template_source(self, sha256: str) -> Optional[str]:
        """The text of a template that was published, withdrawn or not, by its SHA-256 or the beginning that a page shows:
        passed to ``Meeting.paper`` it makes an old page again. ``None`` if none is known by it, or more than one."""
        return self._raw.page_template_source(sha256)


class Feedback:
    """What members write to the committee, with their name or without, and what becomes of it."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @translated
    def submit(
        self,
        topic: str,
        text: str,
        named: bool,
        meeting: Optional[str] = None,
        name_above: bool = False,
        id: Optional[str] = None,
    ) -> str:
        """Writes to the committee; gives the item's id. Without a name neither the relay nor the committee learns who wrote,
        and nobody can answer but publicly. ``name_above`` lets the level above learn the name, should the item be passed up.
        With the id of an earlier call the same item is not written twice."""
        new = ffi.NewFeedback(topic=topic, text=text, named=named, meeting=meeting, name_above=name_above, id=id)
        return self._raw.submit(new)

    @translated
    def withdraw(self, item: str) -> None:
        """Takes an item of this phone back: without a trace while it waits, otherwise the committee sees it."""
        self._raw.withdraw(item)

    @translated
    def send_again(self, item: str) -> None:
        """Sends an item of this phone again, e.g. after the relay refused it; the committee gets it once."""
        self._raw.send_again(item)

    @translated
    def own(self) -> List[Any]:
        """What was written on this phone, newest first, with what was answered."""
        return self._raw.own()

    @translated
    def received(self, language: Any = ffi.Language.VI) -> List[Any]:
        """What the committee has received. The committee only."""
        return self._raw.received(language)

    @translated
    def answer(self, item: str, status: Any, text: Optional[str] = None, public: bool = False) -> None:
        """Notes what has become of an item, and answers it if there is a text: its writer alone, or the whole unit."""
        self._raw.answer(ffi.FeedbackAnswer(item=item, status=status, text=text, public=public))

    @translated
    def public_answers(self) -> List[Any]:
        """Answers that everybody in the unit reads, oldest first."""
        return self._raw.public_answers()

    @translated
    def pass_up(self, item: str) -> None:
        """Passes an item up to the level above, with its writer's name if the writer agreed. Officers only."""
        self._raw.pass_up(item)

    @translated
    def passed(self) -> List[Any]:
        """What this unit passed up, oldest first, and what was said of it above. Officers only."""
        return self._raw.passed()

    @translated
    def from_below(self) -> List[Any]:
        """What the units below passed up to this one, oldest first."""
        return self._raw.from_below()

    @translated
    def answer_below(self, item: str, status: Any, text: Optional[str] = None, public: bool = False) -> None:
        """On the level above: says what became of an item that a unit below passed up."""
        self._raw.answer_below(ffi.FeedbackAnswer(item=item, status=status, text=text, public=public))

    @translated
    def hand_on(self, item: str) -> None:
        """Hands the answer from above on, to the writer or, of an item without name, to everybody. Officers only."""
        self._raw.hand_on(item)
