"""Finds the library and loads the generated module over it.

Looked for, in this order: the file named by ``SOTAY_LIBRARY``; the folders of this package, where a wheel puts it; and
``target/debug`` of a checkout, for tests.
"""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

_PACKAGE = Path(__file__).resolve().parent


def _file_name() -> str:
    if sys.platform == "darwin":
        return "libsotay_ffi.dylib"
    if sys.platform.startswith("win"):
        return "sotay_ffi.dll"
    return "libsotay_ffi.so"


def _find() -> Path:
    named = os.environ.get("SOTAY_LIBRARY")
    if named:
        candidates = [Path(named)]
    else:
        name = _file_name()
        candidates = [_PACKAGE / "native" / name, _PACKAGE / "generated" / name, _PACKAGE / name]
        candidates += [parent / "target" / "debug" / name for parent in _PACKAGE.parents]
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    raise ImportError(
        "the sotay library was not found; install the wheel, or build it with `cargo build -p sotay-ffi`"
        " and name it in SOTAY_LIBRARY"
    )


def _load() -> ModuleType:
    library = _find()
    source = _PACKAGE / "generated" / "sotay_ffi.py"
    spec = importlib.util.spec_from_file_location("sotay.generated.sotay_ffi", source)
    if spec is None or spec.loader is None:
        raise ImportError("the generated module is missing from this package")
    module = importlib.util.module_from_spec(spec)
    # The generated module looks for the library beside itself.
    module.__file__ = str(library.parent / "sotay_ffi.py")
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    # It leaves this check out; a library of another version must not be called.
    module._uniffi_check_api_checksums(module._UniffiLib)
    return module


ffi = _load()
