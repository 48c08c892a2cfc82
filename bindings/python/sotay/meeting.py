"""One meeting."""

from typing import Any, List, Optional

from ._native import ffi
from .errors import translated


class Meeting:
    """One meeting."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @property
    def id(self) -> str:
        """Its document id."""
        return self._raw.id()

    @translated
    def view(self) -> Any:
        """Everything a screen needs, as one ``MeetingView``."""
        return self._raw.view()

    @translated
    def apply(self, *commands: Any) -> List[Optional[str]]:
        """Carries out commands as one change, all or nothing; gives the id of the entry each one added."""
        return self._raw.apply(list(commands))

    @translated
    def review(self, language: Any = ffi.Language.VI) -> Any:
        """What contradicts itself, in words."""
        return self._raw.review(language)

    @translated
    def settle(self, item: str, pick: str) -> None:
        """Settles an item of the review list by one of its options."""
        self._raw.settle(item, pick)

    @translated
    def minutes(self) -> Any:
        """Text and SHA-256 of the minutes as they stand."""
        return self._raw.minutes()

    @translated
    def seals(self, language: Any = ffi.Language.VI) -> Any:
        """The seals of the minutes, and what was recorded after them."""
        return self._raw.seals(language)

    @translated
    def seal_check(self, language: Any = ffi.Language.VI) -> Any:
        """The review list on the eve of a seal, with a warning for every phone that has not handed in."""
        return self._raw.seal_check(language)

    @translated
    def propose_seal(self, minutes: str) -> str:
        """Proposes to seal the minutes that were shown (by their SHA-256); the other of the two countersigns. Gives its id."""
        return self._raw.propose_seal(minutes)

    @translated
    def countersign(self, seal: str) -> None:
        """Signs what the other of the two has proposed, if this phone holds the same records and reads the same text."""
        self._raw.countersign(seal)

    @translated
    def withdraw_seal(self, seal: str) -> None:
        """Takes a seal back: the chair whom it names, or the secretary."""
        self._raw.withdraw_seal(seal)

    @translated
    def propose_addendum(self) -> str:
        """Proposes to sign what was recorded after the seal as an addendum to it; gives its id."""
        return self._raw.propose_addendum()

    @translated
    def amend(self, *commands: Any) -> List[Optional[str]]:
        """``apply`` after the minutes were sealed; what is written waits beside the sealed text. Officers only."""
        return self._raw.amend(list(commands))

    @translated
    def sealed_text(self, seal: str) -> str:
        """The sealed text, as it was signed."""
        return self._raw.sealed_text(seal)

    @translated
    def seal_file(self) -> bytes:
        """Everything somebody without a profile needs to check the seals: for ``check_seal_file``."""
        return self._raw.seal_file()

    @translated
    def attach_outside_signature(self, seal: str, kind: Any, name: str, content: bytes) -> None:
        """Keeps an official signature that was made elsewhere beside a seal. Officers only."""
        self._raw.attach_outside_signature(seal, kind, name, content)

    @translated
    def paper(self, form: Any, item: Optional[str] = None, template: Optional[str] = None) -> Any:
        """The minutes as a file: the sealed edition, or as they stand; with ``item``, the extract of that item."""
        return self._raw.paper(form, item, template)

    @translated
    def diary(self, skip: int = 0, count: int = 50, language: Any = ffi.Language.VI) -> Any:
        """A page of the diary in words, newest line first; 200 lines at most."""
        return self._raw.diary(skip, count, language)

    @translated
    def undo(self, language: Any = ffi.Language.VI) -> Any:
        """Undoes what this phone did last and has not undone yet; refused when somebody has built on it since."""
        return self._raw.undo(language)

    @translated
    def take_in(self) -> int:
        """Takes last month's tasks and the fees into the minutes; gives how many tasks."""
        return self._raw.take_in()

    @translated
    def attach_file(self, name: str, media: str, content: bytes, pages: int = 0) -> str:
        """Notes a file that belongs to the meeting: name, type, size, pages, hash. The file stays where it is. Gives the id."""
        return self._raw.attach_file(name, media, content, pages)

    @translated
    def history(self) -> List[Any]:
        """Every change, causes before effects."""
        return self._raw.history()
