"""The unit: members, phones, meetings."""

from typing import Any, List, Optional, Sequence

from ._native import ffi
from .errors import translated
from .people import Enrolment, Personal
from .units import Moves, Root


class Branch:
    """The unit: members, phones, meetings."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @property
    def enrolment(self) -> Enrolment:
        """Joining by codes to scan."""
        return Enrolment(self._raw)

    @property
    def personal(self) -> Personal:
        """Personal data of members."""
        return Personal(self._raw)

    @property
    def moves(self) -> Moves:
        """Members who move between units."""
        return Moves(self._raw)

    @property
    def root(self) -> Root:
        """The root of several keys, and moving branches by its papers."""
        return Root(self._raw)

    @translated
    def create(self, name: str, upper: str, founder: str, since: Optional[str] = None) -> str:
        """Founds a unit; this phone becomes its secretary's. Gives the unit's id."""
        return self._raw.create(ffi.NewUnit(name=name, upper=upper, founder=founder, since=since))

    @translated
    def card(self) -> Any:
        """The unit and this phone in it."""
        return self._raw.card()

    @translated
    def join_request(self) -> Any:
        """The text this phone shows to be admitted, and its check code."""
        return self._raw.join_request()

    @translated
    def read_request(self, text: str) -> Any:
        """Reads somebody's request, to compare the check code."""
        return self._raw.read_request(text)

    @translated
    def admit(
        self,
        request: str,
        member: str,
        rank: int = 4,
        committee: bool = False,
        probationary: bool = False,
        relays: Sequence[str] = (),
        replaces: Optional[str] = None,
        reads_from: Optional[str] = None,
    ) -> str:
        """Grants a phone its rank (2 secretary, 3 deputy, 4 member); gives the invitation as text. ``replaces`` is a lost or
        broken phone of the member whose grants end in the same step. ``reads_from``: what was written before that day under
        keys of its own stays closed to the phone."""
        return self._raw.admit(
            ffi.Admission(
                request=request,
                member=member,
                rank=rank,
                committee=committee,
                probationary=probationary,
                relays=list(relays),
                replaces=replaces,
                reads_from=reads_from,
            )
        )

    @translated
    def accept(self, invitation: str) -> List[str]:
        """Takes the invitation made for this phone; gives the relays it names."""
        return self._raw.accept(invitation)

    @translated
    def members(self, on: Optional[str] = None) -> List[Any]:
        """The members of a day, today if none is given."""
        return self._raw.members(on)

    @translated
    def add_members(self, names: Sequence[Any], since: str) -> List[str]:
        """Puts members on the roster from a day on; plain names become full members who attend. Gives their ids."""
        plain = lambda name: ffi.NewMember(  # noqa: E731
            name=name,
            role=ffi.MemberRole.MEMBER,
            standing=ffi.MemberStanding.FULL,
            activity=ffi.MemberActivity.ATTENDING,
        )
        return self._raw.add_members([plain(one) if isinstance(one, str) else one for one in names], since)

    @translated
    def import_members(self, lines: Sequence[Any]) -> List[str]:
        """Puts the lines of a roster kept elsewhere in, each from its own day, all or none; gives their ids."""
        return self._raw.import_members(list(lines))

    @translated
    def roster(self, command: Any) -> None:
        """Changes the roster."""
        self._raw.roster(command)

    @translated
    def rename_member(self, member: str, name: str) -> None:
        """Corrects a member's name."""
        self._raw.rename_member(member, name)

    @translated
    def rename_unit(self, name: str, upper: str) -> None:
        """Corrects the names of the unit and of the body above it."""
        self._raw.rename_unit(name, upper)

    @translated
    def rename_unit_from(self, since: str, name: Optional[str] = None, upper: Optional[str] = None) -> None:
        """The unit, or the body above it, has another name from a day on; documents of earlier days keep the old one."""
        self._raw.rename_unit_from(name, upper, since)

    @translated
    def merge_into(self, other: str, since: str) -> None:
        """The unit became part of another one on a day: its documents of that day or later say so."""
        self._raw.merge_into(other, since)

    @translated
    def unit_names(self) -> List[Any]:
        """Every name of the unit and of the body above, by day."""
        return self._raw.unit_names()

    @translated
    def phones(self) -> List[Any]:
        """Every phone that was ever admitted, by member."""
        return self._raw.phones()

    @translated
    def remove_phone(self, device: str, why: Any) -> Any:
        """Ends a phone's grants for good; what it wrote so far stays, and what it could read gets new keys."""
        return self._raw.remove_phone(device, why)

    @translated
    def suspend_phone(self, device: str, why: Any) -> Any:
        """Sets a phone aside until lifted: no relay serves it."""
        return self._raw.suspend_phone(device, why)

    @translated
    def lift_phone(self, device: str) -> Any:
        """Ends every suspension of a phone."""
        return self._raw.lift_phone(device)

    @translated
    def regrade_phone(self, device: str, rank: int, committee: bool = False, probationary: bool = False) -> Any:
        """Changes what a phone may do: its grants end and another one follows, in one step."""
        return self._raw.regrade_phone(device, rank, committee, probationary)

    @translated
    def widen_phone(self, device: str, since: Optional[str] = None) -> Any:
        """Hands a phone that reads from a day on the keys it was not given: all, or those of a day or later."""
        return self._raw.widen_phone(device, since)

    @translated
    def reads_from(self) -> Optional[str]:
        """The day from which on this phone reads; ``None`` when it reads everything that its rank allows."""
        return self._raw.reads_from()

    @translated
    def rotate_keys(self) -> Any:
        """New keys for every part of the handbook that this phone may give them to."""
        return self._raw.rotate_keys()

    @translated
    def not_counted(self) -> List[Any]:
        """What phones wrote after their removal, or beyond what they might: kept, and not counted."""
        return self._raw.not_counted()

    @translated
    def admit_guest(self, request: str, meeting: str, name: str, relays: Sequence[str] = ()) -> str:
        """Lets a phone read one meeting and nothing else; gives the invitation. Officers only."""
        return self._raw.admit_guest(ffi.GuestAdmission(request=request, meeting=meeting, name=name, relays=list(relays)))

    @translated
    def guests(self) -> List[Any]:
        """The phones of guests, by meeting; ``remove_phone`` ends one."""
        return self._raw.guests()

    @translated
    def guest_page(self) -> Any:
        """What this phone, a guest's, was shown last; ``None`` while nothing has come."""
        return self._raw.guest_page()

    @translated
    def levels_above(self) -> List[Any]:
        """The units above, nearest first."""
        return self._raw.levels_above()

    @translated
    def branches(self) -> List[Any]:
        """The units below, by name."""
        return self._raw.branches()

    @translated
    def found_branches(self, *new: Any) -> List[Any]:
        """Founds branches (``NewBranch``) below this unit, all or none; gives the packs for their secretaries."""
        return self._raw.found_branches(list(new))

    @translated
    def new_meeting(self, kind: Any, month: Optional[str] = None, date: Optional[str] = None) -> str:
        """Begins a meeting; gives its id. A monthly one is the same on every phone."""
        return self._raw.new_meeting(ffi.NewMeeting(kind=kind, month=month, date=date))

    @translated
    def meetings(self) -> List[Any]:
        """All meetings known here, newest first."""
        return self._raw.meetings()

    @translated
    def review_all(self, language: Any = ffi.Language.VI) -> List[Any]:
        """Open review items of all meetings."""
        return self._raw.review_all(language)
