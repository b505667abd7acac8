"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from rainkit.errors import BuildError

_HINTS = {
    errno.ENOSPC: "the disk is full: free some space and run the same command again, finished files are kept",
    errno.EDQUOT: "your quota is used up: free some space and run the same command again, finished files are kept",
    errno.EFBIG: "the file would be larger than the file system or a limit of this process allows",
    errno.EROFS: "the file system is read-only: choose another output folder",
    errno.EACCES: "no permission to write there: choose another output folder",
    errno.EPERM: "no permission to write there: choose another output folder",
    errno.ENOENT: "the folder does not exist: create it first",
    errno.ENOTDIR: "a part of the path is a file: choose another output folder",
    errno.ENAMETOOLONG: "the name is too long for this file system: choose a shorter one",
}


def partial_path(path: Path) -> Path:
    """Return the name under which `path` is written before it is complete; the same on every try."""
    return path.with_name(f".{path.name}.part")


def write_error(path: Path, error: OSError) -> BuildError:
    """Return the error that tells a user what to do about a failed write of `path`."""
    hint = _HINTS.get(error.errno or 0, "see the message of the system")
    return BuildError(f"cannot write {path.name} in {path.parent}: {error.strerror or error}; {hint}")


class CommittedFile:
    """A binary file under its partial name; failed writes become a `BuildError` that names the folder.

    Parameters
    ----------
    path : Path
        Final name of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._partial = partial_path(path)
        self._position = 0
        try:
            self._file: BinaryIO = self._partial.open("wb", buffering=0)
        except OSError as error:
            raise write_error(path, error) from error

    def write(self, data: bytes) -> int:
        """Append `data`, do not return before the system has taken all of it, and return its length in bytes."""
        view = memoryview(data).cast("B")
        size = len(view)
        self._position += size
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise write_error(self.path, error) from error
        return size

    # What pyarrow asks of a file beside `write`.
    closed = False

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self._position

    def writable(self) -> bool:
        """Return True."""
        return True

    def readable(self) -> bool:
        """Return False."""
        return False

    def seekable(self) -> bool:
        """Return False."""
        return False

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def commit(self) -> None:
        """Make the bytes durable, then give the file its name, then make the name durable."""
        try:
            os.fsync(self._file.fileno())
            self._file.close()
            self._partial.replace(self.path)
            sync_folder(self.path.parent)
        except OSError as error:
            raise write_error(self.path, error) from error

    def discard(self) -> None:
        """Remove what was written."""
        self._file.close()
        self._partial.unlink(missing_ok=True)


def require_writable(path: Path) -> None:
    """Raise unless a file can be made at `path`, before work begins whose result goes there; nothing is left behind.

    Raises
    ------
    BuildError
        If the system refuses.
    """
    CommittedFile(path).discard()


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable, on systems where a folder can be opened."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def committing(path: Path) -> Iterator[CommittedFile]:
    """Open a file that gets its name when the block ends well, and is removed when anything is raised in it.

    Parameters
    ----------
    path : Path
        Final name; an older file of that name is replaced.

    Raises
    ------
    BuildError
        If the system refuses to create, write, sync or rename the file.
    """
    file = CommittedFile(path)
    try:
        yield file
        file.commit()
    except BaseException:
        file.discard()
        raise


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file at once, as `committing` does."""
    with committing(path) as file:
        file.write(data)
