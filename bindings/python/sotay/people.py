"""Joining by codes to scan, and personal data."""

from typing import Any, List, Optional, Sequence

from ._native import ffi
from .errors import translated


class Enrolment:
    """Joining by what an officer's phone shows: the answer to one phone, or the code on the wall of a hall."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @translated
    def request(self) -> Any:
        """The request of this phone, to be shown as a QR code: good for ten minutes and once, with its check code."""
        return self._raw.shown_request()

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
    ) -> Any:
        """Grants the phone whose request was scanned its rank, and gives the code to show in return, with the file of welcome
        for when there is no relay. ``replaces`` is a lost phone of the member; ``reads_from`` is the first day it reads."""
        return self._raw.admit_by_code(
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
    def scan(self, code: str) -> Any:
        """Takes what was scanned from an officer's phone. Of a hall it has a letter to carry and six digits to read out."""
        return self._raw.scan(code)

    @translated
    def waiting(self) -> Any:
        """What this phone has scanned, while it waits for the records of the unit: an exchange with one of its relays brings
        them, or a file of welcome. ``None`` otherwise."""
        return self._raw.joining()

    @translated
    def welcome(self, file: bytes) -> None:
        """Joins by the file of welcome that belongs to the scanned code."""
        self._raw.accept_welcome(file)

    @translated
    def open_hall(self, relays: Sequence[str] = ()) -> Any:
        """Opens a hall for two hours: the code to put on the wall. Officers only."""
        return self._raw.open_hall(list(relays))

    @translated
    def hall(self) -> Any:
        """The code of the hall that is open on this phone."""
        return self._raw.hall()

    @translated
    def close_hall(self) -> None:
        """Ends the hall. Who was admitted stays admitted."""
        self._raw.close_hall()

    @translated
    def take_letter(self, letter: str) -> Any:
        """Takes a letter to this hall in. Take all of them in before anybody reads digits out."""
        return self._raw.take_hall_letter(letter)

    @translated
    def requests(self) -> List[Any]:
        """The phones that wait in the hall, by label."""
        return self._raw.hall_requests()

    @translated
    def admit_in_hall(
        self, check_code: str, member: str, rank: int = 4, committee: bool = False, probationary: bool = False
    ) -> Any:
        """Admits the one phone whose holder reads these six digits out."""
        admission = ffi.Admission(request="", member=member, rank=rank, committee=committee, probationary=probationary)
        return self._raw.admit_in_hall(check_code, admission)

    @translated
    def hall_welcome(self) -> bytes:
        """The file of welcome for everybody who was admitted in the hall."""
        return self._raw.hall_welcome()

    @translated
    def policy(self) -> Any:
        """What this unit has decided about its keys and doors."""
        return self._raw.unit_policy()

    @translated
    def set_policy(self, keys_above: bool = False, from_afar: bool = False) -> Any:
        """Decides anew whether the level above holds keys, and whether phones are admitted from afar. The secretary only."""
        return self._raw.set_unit_policy(ffi.UnitPolicyView(keys_above=keys_above, from_afar=from_afar))

    @translated
    def endorse(
        self, request: str, member: str, rank: int = 4, committee: bool = False, probationary: bool = False
    ) -> str:
        """The word of one officer that a phone may be admitted from afar, as text for another officer."""
        admission = ffi.Admission(
            request=request, member=member, rank=rank, committee=committee, probationary=probationary
        )
        return self._raw.endorse(admission)

    @translated
    def admit_endorsed(self, endorsement: str, relays: Sequence[str] = ()) -> str:
        """Admits a phone from afar that another officer has endorsed; gives the invitation as text."""
        return self._raw.admit_endorsed(endorsement, list(relays))

    @translated
    def replace_secretary(self, branch: str, request: str, relays: Sequence[str] = ()) -> str:
        """On the level above: puts a new phone in the place of the secretary's phones of a branch; gives the invitation."""
        return self._raw.replace_secretary(branch, request, list(relays))


class Personal:
    """Personal data: what the committee knows of members, who opened it, consents, erasure, export."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @translated
    def set_contact(self, member: str, phone: str = "", born: str = "", card: str = "", note: str = "") -> None:
        """Writes what the committee knows of a member; without any line it is taken back. What stood before is erased."""
        self._raw.set_contact(member, ffi.ContactView(phone=phone, born=born, card=card, note=note))

    @translated
    def open_contact(self, member: str) -> Any:
        """Opens what the committee knows of a member; that it was opened is recorded first."""
        return self._raw.open_contact(member)

    @translated
    def contacts(self) -> List[str]:
        """The members of whom the committee knows more than the name."""
        return self._raw.contacts()

    @translated
    def erase(self, member: str) -> Any:
        """Erases a member's name and all that the committee knows of them, wherever the record comes. Cannot be undone."""
        return self._raw.erase_person(member)

    @translated
    def accesses(self) -> List[Any]:
        """Who opened personal data, newest first. The committee only."""
        return self._raw.accesses()

    @translated
    def record_consent(self, member: str, purpose: str, given: bool, day: str) -> None:
        """Records that a member consented to something on a day, or took it back."""
        self._raw.record_consent(member, purpose, given, day)

    @translated
    def consents(self, member: Optional[str] = None) -> List[Any]:
        """What was consented to, by one member or by all, oldest first."""
        return self._raw.consents(member)

    @translated
    def set_retention(self, months: int) -> None:
        """Sets how many months personal data is kept after somebody has left."""
        self._raw.set_retention(months)

    @translated
    def retention(self) -> Any:
        """That rule, and whose data is due by it."""
        return self._raw.retention()

    @translated
    def own(self, language: Any = ffi.Language.VI) -> str:
        """Everything this phone holds about its holder, as text."""
        return self._raw.own_data(language)

    @translated
    def export(self, passphrase: str, member: Optional[str] = None, language: Any = ffi.Language.VI) -> Any:
        """The holder's data, or a member's who asks an officer for it, as two files of the age format under a passphrase."""
        return self._raw.export_data(member, passphrase, language)
