"""What can go wrong, as exceptions with a code, a text in two languages and a next action."""

import functools
from typing import Any, Callable, TypeVar

from ._native import ffi

_F = TypeVar("_F", bound=Callable[..., Any])


class SotayError(Exception):
    """A call did not happen.

    ``code`` is a stable name for programs, ``next_action`` says what to do, ``text(language)`` has the words.
    """

    def __init__(self, detail: Any) -> None:
        super().__init__(f"{detail.en} [{detail.code}]")
        self._detail = detail

    @property
    def code(self) -> str:
        """Stable name, e.g. ``vote_open``."""
        return self._detail.code

    @property
    def next_action(self) -> Any:
        """A member of ``NextAction``."""
        return self._detail.next_action

    def text(self, language: Any = ffi.Language.VI) -> str:
        """What happened and what to do next, for people."""
        happened = ffi.error_text(self._detail, language)
        return f"{happened} {ffi.next_action_text(self.next_action, language)}"


class InputError(SotayError, ValueError):
    """What was given does not fit: correct it."""


class NotAllowedError(SotayError, PermissionError):
    """The role of this phone's holder does not allow it."""


class StorageError(SotayError, OSError):
    """Disk, folder or database."""


class VaultError(SotayError):
    """The vault is locked, refuses, or lost its key."""


class NetworkError(SotayError, ConnectionError):
    """Network or relay."""


class Cancelled(SotayError):
    """The task was cancelled."""


class StoppedError(SotayError):
    """The handbook was shut down."""


class InternalError(SotayError):
    """A mistake of this software; nothing was lost."""


_KINDS = [
    (ffi.HandbookError.Input, InputError),
    (ffi.HandbookError.NotAllowed, NotAllowedError),
    (ffi.HandbookError.Storage, StorageError),
    (ffi.HandbookError.Vault, VaultError),
    (ffi.HandbookError.Network, NetworkError),
    (ffi.HandbookError.Cancelled, Cancelled),
    (ffi.HandbookError.Stopped, StoppedError),
    (ffi.HandbookError.Internal, InternalError),
]


def told(error: BaseException) -> BaseException:
    """The exception of this package for one of the bridge; anything else as it is."""
    for kind, exception in _KINDS:
        if isinstance(error, kind):
            return exception(error.detail)
    return error


def translated(function: _F) -> _F:
    """Lets a function raise the exceptions of this package."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            exception = told(error)
            if exception is error:
                raise
            raise exception from None

    return call  # type: ignore[return-value]
