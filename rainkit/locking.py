"""One process at a time in a folder: of a build, a training, a validation."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rainkit.errors import BuildError
from rainkit.files import write_error

LOCK = ".lock"
"""File in a run's folder that keeps a second training out."""


@contextmanager
def hold_lock(path: Path, busy: str) -> Iterator[None]:
    """Hold a lock for the length of the block; the system lets go of it when the process ends in any way.

    Parameters
    ----------
    path : Path
        File of the lock; made if it does not exist, and left where it is.
    busy : str
        What to say where another holds it.

    Raises
    ------
    BuildError
        If another process, or another thread of this one, holds it, or the file cannot be made.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise write_error(path, error) from error
    try:
        if not _take(handle, path):
            raise BuildError(busy)
        yield
    finally:
        os.close(handle)


def _take(handle: int, path: Path) -> bool:
    """Return whether the lock is now ours; one whose file was removed meanwhile keeps nobody out."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False
    except OSError as error:
        raise write_error(path, error) from error
