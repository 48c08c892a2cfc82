"""Changes as an iterator: filled by the engine's thread, read on any other."""

import threading
import time
from collections import deque
from typing import Any, Callable, Deque, Iterator, Optional, Sequence

from ._native import ffi

#: Changes that wait for a slow reader; beyond it they are dropped and ``Change.MISSED`` stands for them.
CHANGES_WAITING_MAX = 20_000


# As `bindings/ffi/src/changes.rs` writes them.
_PACKED_BYTES, _AT_ID, _OTHER = 20, 1, 2


class ChangeBatch(Sequence[Any]):
    """A batch of changes, oldest first. It crosses the bridge in a few bytes a change, and a ``Change`` is made when it is
    looked at."""

    def __init__(self, packed: Any) -> None:
        self._packed = packed

    @property
    def last(self) -> bool:
        """Whether nothing comes after it: the profile was locked."""
        return any(isinstance(other, ffi.Change.LOCKED) for other in self._packed.others)

    def __len__(self) -> int:
        return len(self._packed.entries) // _PACKED_BYTES

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = range(len(self))[index] * _PACKED_BYTES
        entry = self._packed.entries[at : at + _PACKED_BYTES]
        number = entry[2] << 8 | entry[3]
        if entry[0] == _OTHER:
            return self._packed.others[number]
        place = self._packed.places[number]
        return ffi.Change.DOCUMENT(place.doc, place.part, entry[4:].hex() if entry[0] == _AT_ID else None)


class CallableListener(ffi.ChangeListener):
    """A function as a listener."""

    def __init__(self, function: Callable[[ChangeBatch], None]) -> None:
        self._function = function

    def on_changes(self, batch: Any) -> None:
        self._function(ChangeBatch(batch))


class Changes:
    """Changes from now on, oldest first; the first one is ``Change.START``. Iterating ends after ``timeout`` seconds
    without a change (never, if there is none), when it is closed, and after ``Change.LOCKED``. Use it in a ``with`` block."""

    def __init__(self, subscribe: Callable[[Any], Any], timeout: Optional[float]) -> None:
        self._timeout = timeout
        self._waiting: Deque[Any] = deque()
        self._arrived = threading.Condition()
        self._closed = False
        self._subscription = subscribe(CallableListener(self._take))

    def _take(self, batch: ChangeBatch) -> None:
        with self._arrived:
            self._closed = self._closed or batch.last
            if len(self._waiting) + len(batch) > CHANGES_WAITING_MAX:
                self._waiting.clear()
                self._waiting.append(ffi.Change.MISSED())
            else:
                self._waiting.extend(batch)
            self._arrived.notify_all()

    def get(self, timeout: Optional[float] = None) -> Optional[Any]:
        """The next change, or ``None`` when none came within ``timeout`` seconds or this is closed."""
        until = None if timeout is None else time.monotonic() + timeout
        with self._arrived:
            while not self._waiting and not self._closed:
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    return None
                self._arrived.wait(left)
            return self._waiting.popleft() if self._waiting else None

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        change = self.get(self._timeout)
        if change is None:
            raise StopIteration
        return change

    def stats(self) -> Any:
        """What the engine handed over so far."""
        return self._subscription.stats()

    def close(self) -> None:
        """Ends the subscription; a reader that waits goes on."""
        self._subscription.cancel()
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()

    def __enter__(self) -> "Changes":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
