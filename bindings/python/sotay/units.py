"""Between units: members who move, and what the root of several keys decides."""

from typing import Any, Callable, List, Optional, Sequence

from ._native import ffi
from .errors import translated


class Moves:
    """Members who move between units: the unit they leave asks, the level above records, each unit enters it in its list."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @translated
    def all(self) -> List[Any]:
        """The moves of this unit, in and out, by their day. For officers."""
        return self._raw.moves()

    @translated
    def below(self) -> List[Any]:
        """On the level above: the moves of the units below."""
        return self._raw.moves_below()

    @translated
    def ask(self, member: str, kind: Any, since: str, place: str, until: Optional[str] = None) -> str:
        """Asks the level above to record that a member moves (``MoveKind``) to ``place``; gives the id of the move."""
        return self._raw.ask_move(ffi.NewMove(member=member, kind=kind, since=since, until=until, place=place))

    @translated
    def record(self, id: str, to: Optional[str] = None, since: Optional[str] = None) -> None:
        """On the level above: records a move, from its day or another one, and tells the unit ``to`` whom to expect."""
        self._raw.record_move(id, to, since)

    @translated
    def order(
        self,
        unit: str,
        name: str,
        standing: Any,
        kind: Any,
        since: str,
        to: Optional[str] = None,
        until: Optional[str] = None,
    ) -> str:
        """On the level above: records a move that no unit asked for; gives its id."""
        ordered = ffi.OrderedMove(unit=unit, to=to, name=name, standing=standing, kind=kind, since=since, until=until)
        return self._raw.order_move(ordered)

    @translated
    def refuse(self, id: str) -> None:
        """On the level above: refuses a move that a unit asked for."""
        self._raw.refuse_move(id)

    @translated
    def leave(self, id: str, member: Optional[str] = None) -> Any:
        """Enters in this list that a member leaves, as recorded above. Of a move for good the member's phones are removed once
        the day has come; doing it again does what was left. ``member`` says who is meant where the letters do not."""
        return self._raw.leave(id, member)

    @translated
    def arrive(self, id: str) -> str:
        """Enters somebody in this list whom the level above told this unit to expect; gives the member's id."""
        return self._raw.arrive(id)


class Root:
    """The root of several keys: papers that are drafted here, signed elsewhere by enough of its keys (``sign``), and
    carried into the rolls by any officer's phone."""

    CARRIED_AT_ONCE = 500
    """Records that are carried in one transaction."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @staticmethod
    @translated
    def make_key() -> Any:
        """Makes a key of a root: the sealed key, the code that opens it, and its public half. Nothing is kept here."""
        return ffi.make_root_key()

    @staticmethod
    @translated
    def read(paper: str) -> Any:
        """Reads a paper, to show what it does before anybody signs. Needs no profile."""
        return ffi.read_root_paper(paper)

    @staticmethod
    @translated
    def sign(paper: str, key: str, code: str) -> Any:
        """Signs a paper with one of the root's keys, opened by its code; gives the paper to hand on. Needs no profile."""
        return ffi.sign_root_paper(paper, key, code)

    @staticmethod
    @translated
    def read_card(card: str) -> Any:
        """Reads the card of a committee, to compare its check code. Needs no profile."""
        return ffi.read_committee_card(card)

    @translated
    def draft(self, name: str, level: Any, public_keys: Sequence[str], threshold: int) -> Any:
        """Begins a unit under a root, on a phone that belongs to none: the paper that ``threshold`` of its keys have to sign."""
        return self._raw.draft_root(name, level, list(public_keys), threshold)

    @translated
    def found(self, paper: str, upper: str, founder: str) -> str:
        """Founds the unit that this phone drafted, once enough keys have signed; gives the unit's id."""
        return self._raw.found_rooted(paper, upper, founder)

    @translated
    def hash(self) -> Optional[str]:
        """The hash of the root that stands behind this unit, as far as known here. Compare it with the one you trust."""
        return self._raw.root()

    @translated
    def card(self) -> Any:
        """This unit as the level above wants to know it: its officers' phones, with a check code to compare aloud."""
        return self._raw.committee_card()

    @translated
    def appoint(self, units: Sequence[str], card: str) -> Any:
        """The paper that gives a committee's phones the rank of the level above in some units."""
        return self._raw.draft_appointment(list(units), card)

    @translated
    def dismiss(self, units: Sequence[str], phone: str) -> Any:
        """The paper that ends what a phone of the level above may do in some units."""
        return self._raw.draft_dismissal(list(units), phone)

    @translated
    def move(self, units: Sequence[str], card: str) -> Any:
        """The paper that moves branches below another committee, by its card."""
        return self._raw.draft_move(list(units), card)

    def carry(self, paper: str, progress: Optional[Callable[[int], None]] = None) -> int:
        """Carries a signed paper into the rolls of its units, some hundred records at a time; ``progress`` hears how many are
        left. Gives how many were new. Carrying twice changes nothing."""
        done, new = 0, 0
        while True:
            step = translated(self._raw.carry_root)(paper, done, self.CARRIED_AT_ONCE)
            done, new = done + step.written + step.known, new + step.written
            if progress is not None:
                progress(step.left)
            if step.left == 0:
                return new

    @translated
    def follow_moved(self, paper: str) -> int:
        """On a phone of the committee to which branches were moved: follows them from now on; gives how many are new."""
        return self._raw.follow_moved(paper)
