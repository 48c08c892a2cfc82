"""The handbook as Python has things: context managers, keyword arguments, exceptions, iterators."""

import os
import weakref
from typing import Any, Callable, Optional, Sequence, Union

from ._native import ffi
from .branch import Branch
from .changes import CallableListener, Changes
from .errors import translated
from .meeting import Meeting
from .records import Feedback, Records
from .study import Library, Study
from .sync import Sync

_Path = Union[str, "os.PathLike[str]"]


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
