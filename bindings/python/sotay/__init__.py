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

from typing import Any, List, Optional

from ._native import ffi as _ffi
from .branch import Branch
from .changes import ChangeBatch, Changes
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
from .handbook import Handbook
from .meeting import Meeting
from .people import Enrolment, Personal
from .records import Feedback, Records
from .study import Library, Reader, Study, spoken, spoken_sentences
from .sync import Sync, SyncTask
from .units import Moves, Root

_OWN = {
    "Handbook",
    "Branch",
    "Feedback",
    "Library",
    "Meeting",
    "Reader",
    "Records",
    "Study",
    "Sync",
    "SyncTask",
    "HandbookError",
    "InternalError",
    "PackedChanges",
    "check_seal_file",
    "create_from_pack",
    "home_actions",
    "lock_state",
    "make_root_key",
    "read_committee_card",
    "read_root_paper",
    "remove_pin",
    "set_pin",
    "sign_root_paper",
}
_shapes = [name for name in _ffi.__all__ if name not in _OWN and not name.endswith(("Protocol", "Impl"))]
globals().update({name: getattr(_ffi, name) for name in _shapes})

__version__ = _ffi.library_version()


def passphrase_vault(path: str, passphrase: str) -> object:
    """A software vault in a file, for desktops and tests; made if there is none."""
    return _translated(_ffi.open_passphrase_vault)(path, passphrase)


def check_seal_file(file: bytes, unit: Optional[str] = None) -> Any:
    """Checks a seal file with nothing but the file; needs no profile. ``unit`` is the unit that the reader expects, if they
    know its id. Raises the reason when anything in it does not hold."""
    return _translated(_ffi.check_seal_file)(file, unit)


def home_actions(role: Any, clerk: bool, phase: Any, language: Any = _ffi.Language.VI) -> List[Any]:
    """What a role may do in a phase of the meeting, whoever asks: for previews and tests of screens."""
    return _translated(_ffi.home_actions)(role, clerk, phase, language)


__all__ = [
    "Branch",
    "Cancelled",
    "ChangeBatch",
    "Changes",
    "Enrolment",
    "Feedback",
    "Handbook",
    "InputError",
    "InternalError",
    "Library",
    "Meeting",
    "Moves",
    "NetworkError",
    "NotAllowedError",
    "Personal",
    "Reader",
    "Records",
    "Root",
    "SotayError",
    "StorageError",
    "StoppedError",
    "Study",
    "Sync",
    "SyncTask",
    "VaultError",
    "check_seal_file",
    "home_actions",
    "passphrase_vault",
    "spoken",
    "spoken_sentences",
] + _shapes
