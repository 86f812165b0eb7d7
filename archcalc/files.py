"""Reading files within bounds, and writing them: all at once or not at all, never over what a user made."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from archcalc.errors import ArchcalcError

_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.EBADF, errno.ENOSYS)
_NO_UNNAMED = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL, errno.ENOSYS)


# -- reading ----------------------------------------------------------------------------------------


def read(path: Path, limit: int) -> bytes:
    """The bytes of the plain file at `path`; a link is followed.

    Raises `ArchcalcError` where there is none, where it is a folder, a device or a pipe, where it cannot be
    read, or where it is larger than `limit` bytes. Never reads more than that.
    """
    try:
        # A pipe would be waited for; nothing else is read differently by this.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as stream:
            kind = os.fstat(stream.fileno()).st_mode
            if stat.S_ISDIR(kind):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if not stat.S_ISREG(kind):
                raise ArchcalcError(f"`{path}` is not a plain file", "name a file on disk")
            data = stream.read(limit + 1)
    except FileNotFoundError:
        raise ArchcalcError(f"there is no file `{path}`", "check the path") from None
    except IsADirectoryError:
        raise ArchcalcError(f"cannot read `{path}`: it is a folder", "name a file in it") from None
    except OSError as fault:
        raise ArchcalcError(f"cannot read `{path}`: {fault.strerror or fault}", "check the path") from None
    except ValueError as fault:  # a NUL byte in the name itself
        raise ArchcalcError(f"cannot read that path: {fault}", "check the path") from None
    if len(data) > limit:
        raise ArchcalcError(
            f"`{path}` is larger than {limit / 1e6:.0f} MB", "name a file that archcalc wrote"
        )
    return data


# -- writing ----------------------------------------------------------------------------------------


def refuse(path: Path, force: bool = False) -> None:
    """Raise `ArchcalcError` where `path` could not be written: to be asked before long work, not after.

    Only a plain file is ever replaced, and that only by `force`: no link, device or pipe.
    """
    try:
        kind = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        _check_folder(path)
        return
    except (OSError, ValueError) as fault:
        raise ArchcalcError(f"cannot write `{path}`: {_reason(fault)}", "check the path") from None
    if stat.S_ISDIR(kind):
        raise ArchcalcError(f"`{path}` is a folder", "name a file in it")
    if stat.S_ISLNK(kind):
        raise ArchcalcError(f"`{path}` is a link", "name the file that it leads to")
    if not stat.S_ISREG(kind):
        raise ArchcalcError(f"`{path}` is not a plain file", "name a file, or leave `--output` out")
    if not force:
        raise ArchcalcError(f"`{path}` exists", "name another file, or replace it with `--force`")
    if not os.access(path, os.W_OK):
        raise ArchcalcError(f"cannot write `{path}`: it is read-only", "name another file")
    _check_folder(path)


def _check_folder(path: Path) -> None:
    """Raise `ArchcalcError` where no file can be made at `path`; leaves nothing behind."""
    folder = path.absolute().parent
    while not os.path.lexists(folder):
        folder = folder.parent
    try:
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        handle = _unnamed(folder)
        if handle is not None:
            os.close(handle)
        elif not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as fault:
        hint = "name a file in a folder that you may write to"
        raise ArchcalcError(f"cannot write `{path}`: `{folder}`: {_reason(fault)}", hint) from None


def write(path: Path, content: str | bytes, force: bool = False, alone: bool | None = None) -> None:
    """Write `content` to `path` in one step, so that a reader sees the old file or the new one in full.

    `alone` is what `locked` gave, where the caller holds the folder's lock already. Raises `ArchcalcError`
    where the file exists and `force` is not set, where it is no plain file, or where it cannot be written;
    what was there before is then still there. A process that is killed leaves no temporary file, or one that
    the next writer in that folder removes.
    """
    refuse(path, force)
    data = content if isinstance(content, bytes) else content.encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if alone is not None:
            _put(path, data, force, alone)
            return
        with locked(path.parent) as held:
            _put(path, data, force, held)
    except OSError as fault:
        hint = "choose another place; what was in the file before is still there"
        raise ArchcalcError(f"cannot write `{path}`: {_reason(fault)}", hint) from None


def _put(path: Path, data: bytes, force: bool, alone: bool) -> None:
    """Write `data` under no name where the system can, and give it its name when it is on the disk."""
    # Under the lock one name serves all, so that what a killed process left is taken away by the next one.
    temporary = path.with_name(".archcalc.tmp" if alone else f".archcalc-{os.getpid()}.tmp")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    try:
        handle = _unnamed(path.parent)
        named = handle is not None and _filled(handle, path, data, temporary if path.exists() else path)
        if not named:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            _filled(handle, path, data, None)
        if temporary.exists():
            if not force and path.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    _sync(path.parent)


def _filled(handle: int, path: Path, data: bytes, name: Path | None) -> bool:
    """Write `data` to an open file, force it to the disk and call it `name`, if given; close it.

    It has the rights of the file at `path`, which it is to replace. False where the system gives no name to
    a file that has none. Raises FileExistsError where the name is taken.
    """
    with os.fdopen(handle, "wb") as stream:
        with contextlib.suppress(FileNotFoundError):
            os.chmod(handle, stat.S_IMODE(os.lstat(path).st_mode))
        stream.write(data)
        stream.flush()
        os.fsync(handle)
        if name is None:
            return True
        try:
            # Python follows the link to the open file only where it is also given a folder, unused here.
            os.link(f"/proc/self/fd/{handle}", name, src_dir_fd=handle, follow_symlinks=True)
        except FileExistsError:
            raise
        except OSError:
            return False
    return True


def _unnamed(folder: Path) -> int | None:
    """A new file without a name in `folder`, open for writing; None where the system has no such thing."""
    flag = getattr(os, "O_TMPFILE", 0)
    if not flag or not os.path.isdir("/proc/self/fd"):
        return None
    try:
        return os.open(folder, flag | os.O_WRONLY, 0o666)
    except OSError as fault:
        if fault.errno in _NO_UNNAMED:
            return None
        raise


def _sync(folder: Path) -> None:
    """Make a new name itself last; not every file system lets a folder be synced."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def locked(folder: Path, seconds: float = 60.0) -> Iterator[bool]:
    """Hold the lock of a folder: of all archcalc processes one at a time replaces files in it.

    Gives whether it is held. The lock is the system's (flock of the folder itself): it leaves no file and
    ends with its process. Where there is none, as on some network file systems, the block runs without.
    Raises `ArchcalcError` where another process holds it for longer than `seconds`.
    """
    try:
        import fcntl
    except ImportError:
        yield False
        return
    handle, held = os.open(folder, os.O_RDONLY), True
    try:
        ends = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > ends:
                    raise ArchcalcError(
                        f"another process has been writing in `{folder}` for {seconds:.0f} s",
                        "end it, or name a file in another folder",
                    ) from None
                time.sleep(0.01)
            except OSError as fault:
                if fault.errno not in _NO_LOCKS:
                    raise
                held = False
                break
        yield held
    finally:
        os.close(handle)


def _reason(fault: Exception) -> str:
    return getattr(fault, "strerror", None) or str(fault)


def shipped_folder(inside: str, checkout: str) -> Path:
    """Where shipped data lie: `inside` an installed package, or in a folder of the `checkout`."""
    package = Path(__file__).parent
    return package / inside if (package / inside).is_dir() else package.parent / checkout
