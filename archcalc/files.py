"""Writing files: all at once or not at all, and never over what a user made."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from archcalc.errors import ArchcalcError


def refuse(path: Path, force: bool = False) -> None:
    """Raise `ArchcalcError` where `path` could not be written: to be asked before long work, not after."""
    if path.is_dir():
        raise ArchcalcError(f"`{path}` is a folder", "name a file in it")
    if path.exists() and not force:
        raise ArchcalcError(f"`{path}` exists", "name another file, or replace it with `--force`")


def write(path: Path, content: str | bytes, force: bool = False) -> None:
    """Write `content` to `path` in one step, so that a reader sees the old file or the whole new one.

    Raises `ArchcalcError` where the file exists and `force` is not set, or where it cannot be written.
    """
    import tempfile  # brings OpenSSL with it, which a table has no use for

    refuse(path, force)
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(content if isinstance(content, bytes) else content.encode())
            stream.flush()
            os.fsync(stream.fileno())
        mask = os.umask(0)  # mkstemp makes a private file; give it the rights of any other
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except OSError as fault:
        raise ArchcalcError(f"cannot write `{path}`: {fault.strerror or fault}") from None
    finally:
        with contextlib.suppress(OSError):
            if temporary:
                os.unlink(temporary)


def shipped_folder(inside: str, checkout: str) -> Path:
    """Where shipped data lie: `inside` an installed package, or in a folder of the `checkout`."""
    package = Path(__file__).parent
    return package / inside if (package / inside).is_dir() else package.parent / checkout
