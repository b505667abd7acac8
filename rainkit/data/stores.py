"""Where the files of a corpus lie: a folder of this machine, or an address that fsspec opens."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from rainkit.errors import IntegrityError, SourceError

MAPPED = 256
"""Shards mapped at a time by one process; a mapping holds a file handle, and systems allow as few as 1024."""


READ_TIMEOUT = 60.0
"""Seconds that a server may send nothing before reading from it fails."""
TIMEOUT_VARIABLE = "RAINKIT_READ_TIMEOUT"
"""Environment variable with another number of seconds, for commands."""


class Store(Protocol):
    """Files by path relative to the corpus, with "/" between parts."""

    address: str

    def read(self, path: str) -> bytes | memoryview:
        """Return a whole file; a local one is mapped, not copied."""

    def read_range(self, path: str, offset: int, size: int) -> memoryview:
        """Return `size` bytes from `offset`; fewer are an `IntegrityError`."""

    def list_files(self) -> dict[str, int] | None:
        """Return path -> bytes of every file, None where the address cannot be listed."""


class LocalStore:
    """A folder of this machine; shards are mapped into memory once per process, and forked workers share them.

    Parameters
    ----------
    folder : Path
        The corpus.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = str(folder)
        self._maps: dict[str, memoryview] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "address": self.address, "_maps": {}}

    def read(self, path: str) -> bytes | memoryview:
        try:
            with (self.folder / path).open("rb") as file:
                if os.fstat(file.fileno()).st_size == 0:
                    return b""
                return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except OSError as error:
            raise SourceError(f"cannot read {path} in {self.folder}: {error.strerror or error}") from error

    def read_range(self, path: str, offset: int, size: int) -> memoryview:
        view = self._maps.get(path)
        if view is None:
            view = memoryview(self.read(path))
            # Threads may do this twice or together: each step is atomic and any outcome is right.
            if len(self._maps) >= MAPPED:
                self._maps.pop(next(iter(list(self._maps))), None)
            self._maps[path] = view
        part = view[offset : offset + size]
        if len(part) != size or offset < 0:
            raise _short(path, self.address, offset, size, len(view))
        return part

    def list_files(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for root, folders, names in os.walk(self.folder):
            for name in [*names, *(folder for folder in folders if Path(root, folder).is_symlink())]:
                path = Path(root, name)
                found[path.relative_to(self.folder).as_posix()] = path.lstat().st_size
        return found


class RemoteStore:
    """An address that fsspec opens, such as `https://...`, `s3://...` or `hf://...`; ranges are fetched when asked for.

    Parameters
    ----------
    address : str
        The corpus, without a slash at the end.
    options : dict
        Passed to the file system.
    read_timeout : float, optional
        Seconds without a byte after which a read over HTTP fails; `RAINKIT_READ_TIMEOUT` or 60 where not given. Other
        file systems have limits of their own, which their options set.

    Raises
    ------
    SourceError
        If `RAINKIT_READ_TIMEOUT` is no number of seconds.
    """

    def __init__(self, address: str, options: dict[str, Any], read_timeout: float | None = None) -> None:
        self.address = address
        self.read_timeout = _default_timeout() if read_timeout is None else read_timeout
        self._options = options
        self._process = -1
        self._system: Any = None
        self._root = ""

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_process": -1, "_system": None}

    def _connect(self) -> Any:
        """Return the file system; connections do not survive a fork."""
        if self._process != os.getpid():
            from fsspec.core import url_to_fs  # noqa: PLC0415 - only remote corpora need it

            try:
                options = _limit_waiting(self.address, self._options, self.read_timeout)
                self._system, self._root = url_to_fs(self.address, **options)
            except (ImportError, ValueError) as error:
                raise SourceError(f"cannot open {self.address}: {error}") from error
            self._process = os.getpid()
        return self._system

    def read(self, path: str) -> bytes | memoryview:
        return self._fetch(path)

    def read_range(self, path: str, offset: int, size: int) -> memoryview:
        if size == 0:
            return memoryview(b"")
        data = self._fetch(path, start=offset, end=offset + size)
        if len(data) != size:
            hint = "; does the server answer range requests?" if len(data) > size else ""
            raise IntegrityError(
                f"{self.address}/{path}: asked for bytes {offset} to {offset + size}, got {len(data)} bytes{hint}"
            )
        return memoryview(data)

    def _fetch(self, path: str, **bounds: int) -> bytes:
        system = self._connect()
        data: bytes = self._try(path, lambda: system.cat_file(f"{self._root}/{path}", **bounds))
        return data

    def _try(self, path: str, action: Callable[[], Any]) -> Any:
        """Run something that speaks with the server, and name what it was about where that fails."""
        try:
            return action()
        except FileNotFoundError as error:
            raise SourceError(f"there is no {path} at {self.address}") from error
        except TimeoutError as error:
            raise SourceError(
                f"reading {path} from {self.address} stopped: the server sent nothing for {self.read_timeout:g} s; try "
                f"again later, or set {TIMEOUT_VARIABLE} to more seconds"
            ) from error
        except Exception as error:  # each file system has errors of its own
            raise SourceError(f"reading {path} from {self.address} failed: {type(error).__name__}: {error}") from error

    def list_files(self) -> dict[str, int] | None:
        system = self._connect()
        if "http" in getattr(system, "protocol", ()):
            return None  # pages of links are no listing
        root = self._root.rstrip("/") + "/"
        found = system.find(root, detail=True)
        return {name.removeprefix(root): int(info["size"]) for name, info in found.items()}


def _short(path: str, address: str, offset: int, size: int, length: int) -> IntegrityError:
    return IntegrityError(
        f"{path} in {address} is truncated: the manifest places a member at bytes {offset} to {offset + size}, "
        f"the file has {length}"
    )


def _default_timeout() -> float:
    text = os.environ.get(TIMEOUT_VARIABLE, "")
    try:
        seconds = float(text) if text else READ_TIMEOUT
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise SourceError(f"{TIMEOUT_VARIABLE} is {text!r}: give a number of seconds, such as {READ_TIMEOUT:g}")
    return seconds


def _limit_waiting(address: str, options: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Return the options with a limit to the silence of an HTTP server, unless they have one.

    A whole file may take as long as it takes; the five minutes that aiohttp gives it would cut large shards off.
    """
    if not address.startswith(("http://", "https://")):
        return options
    import aiohttp  # noqa: PLC0415 - only addresses of HTTP need it

    limit = aiohttp.ClientTimeout(total=None, sock_connect=seconds, sock_read=seconds)
    return {**options, "client_kwargs": {"timeout": limit, **options.get("client_kwargs", {})}}


def open_store(address: str | Path, *, read_timeout: float | None = None, **options: Any) -> Store:
    """Return the store of a folder or an address.

    Parameters
    ----------
    address : str or Path
        A folder, or an address with `://`.
    read_timeout : float, optional
        Seconds without a byte after which a read over HTTP fails; see `RemoteStore`.
    **options
        Passed to the file system of an address.
    """
    text = str(address)
    if "://" in text and not text.startswith("file://"):
        return RemoteStore(text.rstrip("/"), options, read_timeout)
    return LocalStore(Path(text.removeprefix("file://")))
