"""The handbook of a village branch, for scripts, data officers and tests.

    >>> import sotay, tempfile
    >>> folder = tempfile.mkdtemp() + "/p1"
    >>> with sotay.Handbook.create(folder, "máy bí thư") as book:
    ...     unit = book.branch.create("Chi bộ thôn An Lạc", "Đảng bộ xã Đông Phong", "Nguyễn Văn Bình")
    ...     book.branch.card().name
    'Chi bộ thôn An Lạc'

Records, enums and commands (``MeetingCommand``, ``MeetingView``, ``Change`` …) come as they are from the generated
module. Calls block for milliseconds and are safe from any thread. Errors are ``SotayError`` with ``code``,
``next_action`` and ``text(language)``.
"""

from ._native import ffi as _ffi
from .changes import Changes
from .errors import (
    Cancelled,
    InputError,
    InternalError,
    NetworkError,
    NotAllowedError,
    SotayError,
    StorageError,
    StoppedError,
    VaultError,
    translated as _translated,
)
from .handbook import Branch, Handbook, Meeting, Sync, SyncTask

_OWN = {"Handbook", "Branch", "Meeting", "Sync", "SyncTask", "HandbookError", "InternalError"}
_shapes = [name for name in _ffi.__all__ if name not in _OWN and not name.endswith(("Protocol", "Impl"))]
globals().update({name: getattr(_ffi, name) for name in _shapes})

__version__ = _ffi.library_version()


def passphrase_vault(path: str, passphrase: str) -> object:
    """A software vault in a file, for desktops and tests; made if there is none."""
    return _translated(_ffi.open_passphrase_vault)(path, passphrase)


__all__ = [
    "Branch",
    "Cancelled",
    "Changes",
    "Handbook",
    "InputError",
    "InternalError",
    "Meeting",
    "NetworkError",
    "NotAllowedError",
    "SotayError",
    "StorageError",
    "StoppedError",
    "Sync",
    "SyncTask",
    "VaultError",
    "passphrase_vault",
] + _shapes
