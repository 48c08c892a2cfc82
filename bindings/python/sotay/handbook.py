"""The handbook as Python has things: context managers, keyword arguments, exceptions, iterators."""

import asyncio
import os
import weakref
from typing import Any, Callable, List, Optional, Sequence, Union

from ._native import ffi
from .changes import CallableListener, Changes
from .errors import told, translated
from .people import Enrolment, Personal
from .records import Feedback, Records
from .study import Library, Study

_Path = Union[str, "os.PathLike[str]"]


class SyncTask:
    """A running exchange with a relay."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @translated
    def progress(self) -> Any:
        """Phase and bytes so far."""
        return self._raw.progress()

    @translated
    def cancel(self) -> None:
        """Ends it; waiting then raises ``Cancelled``. What was stored stays."""
        self._raw.cancel()

    def wait(self) -> Any:
        """Waits for the report. For code without an event loop; an interrupt cancels the exchange."""
        return asyncio.run(self.result())

    async def result(self) -> Any:
        """The report. Cancelling the awaiting task cancels the exchange."""
        try:
            return await self._raw.wait()
        except asyncio.CancelledError:
            self._raw.cancel()
            raise
        except Exception as error:
            exception = told(error)
            if exception is error:
                raise
            raise exception from None


class Sync:
    """Relays: one exchange at a time, or followed while the app is in front."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @translated
    def start(self, relay: str, timeout: float = 60.0) -> SyncTask:
        """Begins an exchange with ``host:port#key``; it fails if it takes longer than ``timeout`` seconds."""
        return SyncTask(self._raw.sync_once(relay, int(timeout * 1000)))

    def once(self, relay: str, timeout: float = 60.0) -> Any:
        """An exchange from beginning to end; gives the report."""
        return self.start(relay, timeout).wait()

    @translated
    def follow(self, relay: str) -> None:
        """Keeps a connection to a relay, and comes back after every break."""
        self._raw.follow(relay)

    @translated
    def unfollow(self, relay: str) -> None:
        """Stops following a relay."""
        self._raw.unfollow(relay)

    @translated
    def name_relays(self, relays: Sequence[str]) -> None:
        """Signs the list of relays that serve the unit; an empty one says that none does. Officers only."""
        self._raw.name_relays(list(relays))

    @translated
    def named_relays(self) -> List[str]:
        """The relays of the list in force, in the order in which this phone tries them."""
        return self._raw.named_relays()

    @translated
    def start_listed(self, timeout: float = 60.0) -> SyncTask:
        """Begins an exchange with the first relay of that list that serves, each for at most ``timeout`` seconds."""
        return SyncTask(self._raw.sync_listed(int(timeout * 1000)))

    def once_listed(self, timeout: float = 60.0) -> Any:
        """Such an exchange from beginning to end; gives the report."""
        return self.start_listed(timeout).wait()

    @translated
    def follow_listed(self) -> None:
        """Keeps a connection to the first relay of that list that serves, and to the next one when it is gone."""
        self._raw.follow_listed()

    @translated
    def unfollow_listed(self) -> None:
        """Ends what ``follow_listed`` began."""
        self._raw.unfollow_listed()

    @translated
    def status(self, relay: str) -> List[Any]:
        """What is known of a relay, space by space."""
        return self._raw.status(relay)

    @translated
    def pending(self) -> int:
        """Changes made here that no envelope holds yet."""
        return self._raw.pending()


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
    ) -> str:
        """Grants a phone its rank (2 secretary, 3 deputy, 4 member); gives the invitation as text. ``replaces`` is a lost or
        broken phone of the member whose grants end in the same step."""
        return self._raw.admit(
            ffi.Admission(
                request=request,
                member=member,
                rank=rank,
                committee=committee,
                probationary=probationary,
                relays=list(relays),
                replaces=replaces,
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


def _options(
    vault: Any = None,
    connectivity: Any = None,
    follow_when_metered: bool = True,
    pin: Optional[str] = None,
    lock_after: Optional[float] = None,
) -> "dict[str, Any]":
    return {
        "vault": vault,
        "connectivity": connectivity,
        "follow_when_metered": follow_when_metered,
        "pin": pin,
        "lock_after_ms": None if lock_after is None else int(lock_after * 1000),
    }


def _open_config(folder: _Path, **platform: Any) -> Any:
    return ffi.OpenConfig(folder=os.fspath(folder), **_options(**platform))


class Handbook:
    """An opened profile; leaving the ``with`` block shuts it down."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._listening: "weakref.WeakSet[Changes]" = weakref.WeakSet()

    @classmethod
    @translated
    def open(cls, folder: _Path, **platform: Any) -> "Handbook":
        """Opens the profile in a folder. ``platform``: ``vault``, ``connectivity``, ``follow_when_metered``, ``pin``, and
        ``lock_after`` in seconds."""
        return cls(ffi.open_handbook(_open_config(folder, **platform)))

    @classmethod
    @translated
    def create(cls, folder: _Path, label: str, **platform: Any) -> "Handbook":
        """Makes a new profile in a folder, with the ``platform`` of ``open``. A failure leaves none behind."""
        return cls(ffi.create_handbook(ffi.CreateConfig(folder=os.fspath(folder), label=label, **_options(**platform))))

    @classmethod
    @translated
    def create_from_pack(cls, folder: _Path, label: str, pack: str, code: str, **platform: Any) -> "Handbook":
        """Makes the profile of a new branch's secretary from a pack of the level above and its code."""
        config = ffi.CreateConfig(folder=os.fspath(folder), label=label, **_options(**platform))
        return cls(ffi.create_from_pack(config, pack, code))

    @staticmethod
    @translated
    def lock_state(folder: _Path, **platform: Any) -> Any:
        """How the profile in a folder is protected. It may be open; no PIN is needed."""
        return ffi.lock_state(_open_config(folder, **platform))

    @staticmethod
    @translated
    def set_pin(folder: _Path, new_pin: str, **platform: Any) -> None:
        """Puts a closed profile under a PIN, or under another one; ``platform`` has its vault and its present PIN."""
        ffi.set_pin(_open_config(folder, **platform), new_pin)

    @staticmethod
    @translated
    def remove_pin(folder: _Path, **platform: Any) -> None:
        """Takes the PIN of a closed profile away; the database stays encrypted."""
        ffi.remove_pin(_open_config(folder, **platform))

    @translated
    def lock(self) -> None:
        """Locks the profile now. Later calls fail with ``locked``: ask for the PIN and open it anew. Iterators end."""
        self._raw.lock()
        for changes in list(self._listening):
            changes.close()

    @translated
    def touch(self) -> None:
        """Somebody uses the app: call it for every touch of the screen. Reading and syncing do not count."""
        self._raw.touch()

    @property
    def device(self) -> str:
        """This phone's id."""
        return translated(self._raw.device)()

    @property
    def branch(self) -> Branch:
        """The unit."""
        return Branch(translated(self._raw.branch)())

    @property
    def records(self) -> Records:
        """Tasks, fees, ratings, resolutions, reports, directives."""
        return Records(translated(self._raw.records)())

    @property
    def feedback(self) -> Feedback:
        """What members write to the committee."""
        return Feedback(translated(self._raw.feedback)())

    @translated
    def home(self, language: Any = ffi.Language.VI) -> Any:
        """The first screen: role, meeting at hand, what can be done now, what waits."""
        return self._raw.home(language)

    @property
    def library(self) -> Library:
        """Documents, search, answers, reading aloud."""
        return Library(translated(self._raw.library)())

    @property
    def study(self) -> Study:
        """Quizzes and repetition."""
        return Study(translated(self._raw.study)())

    @property
    def sync(self) -> Sync:
        """Syncing."""
        return Sync(translated(self._raw.sync)())

    @translated
    def meeting(self, id: str) -> Meeting:
        """A meeting by its id."""
        return Meeting(self._raw.meeting(id))

    @translated
    def subscribe(self, function: Callable[[Sequence[Any]], None]) -> Any:
        """Calls a function with batches of changes on the engine's thread, until the result is cancelled or dropped."""
        return self._raw.subscribe(CallableListener(function))

    @translated
    def changes(self, timeout: Optional[float] = None) -> Changes:
        """Changes from now on, as an iterator. It ends with the handbook."""
        changes = Changes(self._raw.subscribe, timeout)
        self._listening.add(changes)
        return changes

    @translated
    def enter_background(self, budget: float) -> None:
        """Connections close after ``budget`` seconds unless ``resume`` comes first."""
        self._raw.enter_background(int(budget * 1000))

    @translated
    def suspend(self) -> None:
        """No network from now on."""
        self._raw.suspend()

    @translated
    def resume(self) -> None:
        """Followed relays are tried at once."""
        self._raw.resume()

    @translated
    def network_changed(self) -> None:
        """Connections move to the new network."""
        self._raw.network_changed()

    @translated
    def low_memory(self) -> None:
        """Open documents leave memory."""
        self._raw.low_memory()

    @translated
    def provoke_panic(self, place: Any) -> None:
        """For tests: panics inside the library."""
        self._raw.provoke_panic(place)

    @translated
    def shutdown(self) -> None:
        """Closes everything; a second call does nothing. Iterators of changes end."""
        self._raw.shutdown()
        for changes in list(self._listening):
            changes.close()

    def __enter__(self) -> "Handbook":
        return self

    def __exit__(self, *_: Any) -> None:
        self.shutdown()
