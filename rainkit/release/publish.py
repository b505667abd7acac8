"""A corpus at another address, such as a bucket: each file whole or not at all, the checksums last.

Object stores make an object visible when its upload is complete, so files are written there under their own names; on
other file systems a file is written beside its name and moved. What an interrupted run has left is compared, by size
and digest, and not sent again.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rainkit.data.stores import open_store
from rainkit.errors import BuildError, IntegrityError, SourceError
from rainkit.files import write_bytes
from rainkit.manifest import check_path
from rainkit.records import Report, quiet
from rainkit.release.checksums import CHECKSUMS, LATER, belongs, hash_file, hash_stream, parse_checksums, read_checksums
from rainkit.release.croissant import TABLES
from rainkit.release.judged import add_verdict
from rainkit.release.original import SHARD_DIGESTS

PART = 32 << 20
"""Bytes of the parts in which larger files are sent; it decides the entity tag that a store answers with."""

# Stores that show an object when it is complete, and not before.
_ATOMIC = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "az", "oci", "oss", "memory", "hf"})
_TRIAL = ".rainkit-trial"
_TAG = re.compile(r"[0-9a-f]{32}(-\d+)?")


@dataclass(frozen=True, slots=True)
class Published:
    """Where a corpus went, and what was sent: files and bytes; `kept` files were there already."""

    address: str
    files: int
    bytes: int
    kept: int


def publish(
    corpus: Path,
    address: str,
    report: Report = quiet,
    **options: Any,
) -> Published:
    """Copy a finished corpus, or a release of its manifest, to an address.

    Where the corpus has been judged, the card at the address says how; see `rainkit.release.judged`.

    Parameters
    ----------
    corpus : Path
        With its checksums.
    address : str
        Where NAME-VERSION is put, such as `s3://bucket/corpora`; or a folder.
    report : callable
        Follows the progress.
    **options
        Passed to the file system.

    Raises
    ------
    IntegrityError
        If a file of the corpus has other bytes than its checksum says, or its verdict is about others; it is not sent.
    BuildError
        If the address holds something else, or fails; running the same again continues.
    """
    target = _Target(f"{address.rstrip('/')}/{corpus.resolve().name}", options)
    with TemporaryDirectory(prefix="rainkit-") as folder:
        return _send(corpus, add_verdict(corpus, Path(folder)), target, report)


def _send(corpus: Path, instead: Mapping[str, Path], target: _Target, report: Report) -> Published:
    """Send every file of a corpus that is not there, or what a release has `instead` of it."""
    checksums = instead.get(CHECKSUMS, corpus / CHECKSUMS)
    listed = read_checksums(checksums.parent)
    there = target.list_files()
    _refuse_other(target, there, listed, checksums.read_bytes(), instead)
    # Shards first: whoever sees the card or the manifest can read what they speak of.
    order = sorted(listed, key=lambda path: (not path.startswith("data/"), path))
    order += [*(name for name in LATER if (corpus / name).is_file()), CHECKSUMS]
    advance = report("upload", len(order))
    sent = size = 0
    for path in order:
        local = instead.get(path, corpus / path)
        if there.get(path) != local.stat().st_size or not target.holds(path, local, listed.get(path, "")):
            _check(local, path, listed.get(path))
            target.write(path, local)
            sent, size = sent + 1, size + local.stat().st_size
        advance(1, path)
    return Published(target.address, sent, size, len(order) - sent)


def try_writing(address: str, **options: Any) -> None:
    """Write a small hidden file and remove it, which tells of a wrong address before hours of drawing.

    Raises
    ------
    BuildError
        If the address takes no file.
    """
    target = _Target(address.rstrip("/"), options)
    place = f"{target.root}/{_TRIAL}"
    try:
        if not target.atomic:  # object stores have no folders, and some would make a bucket
            target.system.makedirs(target.root, exist_ok=True)
        target.system.pipe_file(place, b"")
    except Exception as error:  # each file system has errors of its own
        text = f"{type(error).__name__}: {error}"
        raise BuildError(f"cannot write to {address}: {text}; nothing was sent, check address and rights") from error
    with contextlib.suppress(Exception):  # who may write need not have the right to remove
        target.system.rm_file(place)


def _refuse_other(
    target: _Target, there: Mapping[str, int], listed: Mapping[str, str], text: bytes, instead: Mapping[str, Path]
) -> None:
    """Raise BuildError if an address holds another corpus, or files that readers would take for a part of this one."""
    if CHECKSUMS in there and not _is_same(target.read(CHECKSUMS), text, listed, instead):
        raise BuildError(f"{target.address} holds another corpus; choose another address, or another version")
    strangers = sorted(
        path for path in there if path.startswith(("data/", "metadata/")) and path not in listed and belongs(path)
    )
    if strangers:
        raise BuildError(
            f"{target.address} has {len(strangers)} files that are not of this corpus, such as {strangers[0]}; readers "
            f"would take them for it: remove them, or choose another address"
        )


def _is_same(found: bytes, text: bytes, listed: Mapping[str, str], instead: Mapping[str, Path]) -> bool:
    """Return whether checksums are those of the corpus, be it without its verdict yet or with an earlier one."""
    if found == text or not instead:
        return found == text
    try:
        others = parse_checksums(found.decode())
    except (UnicodeDecodeError, IntegrityError):
        return False
    return others.keys() == listed.keys() and all(
        others[path] == listed[path] for path in listed if path not in instead
    )


def _check(local: Path, path: str, stated: str | None) -> None:
    """Raise IntegrityError unless a file has the bytes that its checksum names."""
    if stated is not None and (actual := hash_file(local)[0]) != stated:
        raise IntegrityError(
            f"{path} has SHA-256 {actual[:16]}..., {CHECKSUMS} says {stated[:16]}...; not sent: verify the corpus"
        )


class _Target:
    """The place that a corpus is copied to."""

    def __init__(self, address: str, options: dict[str, Any]) -> None:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - only this command needs it

        self.address = address
        try:
            self.system, self.root = url_to_fs(address, **options)
        except (ImportError, ValueError) as error:
            raise BuildError(f"cannot open {address}: {error}") from error
        protocol = self.system.protocol
        names = {protocol} if isinstance(protocol, str) else set(protocol)
        self.atomic = bool(names & _ATOMIC)
        self.local = bool(names & {"file", "local"})

    def _try(self, doing: str, function: Callable[[], Any]) -> Any:
        try:
            return function()
        except Exception as error:  # each file system has errors of its own
            raise BuildError(
                f"{doing} at {self.address} failed: {type(error).__name__}: {error}; run the same command again, what "
                f"has arrived is kept"
            ) from error

    def list_files(self) -> dict[str, int]:
        """Return path -> bytes of every file at the address but hidden ones, such as parts of files."""
        root = self.root.rstrip("/") + "/"

        def find() -> dict[str, int]:
            self.system.invalidate_cache()
            found = self.system.find(root, detail=True) if self.system.exists(self.root) else {}
            return {name.removeprefix(root): int(info["size"]) for name, info in found.items()}

        files: dict[str, int] = self._try("listing the files", find)
        return {path: size for path, size in files.items() if not path.rpartition("/")[2].startswith(".")}

    def read(self, path: str) -> bytes:
        """Return a small file."""
        data: bytes = self._try(f"reading {path}", lambda: self.system.cat_file(f"{self.root}/{path}"))
        return data

    def holds(self, path: str, local: Path, sha256: str) -> bool:
        """Return whether a file of the right size has the right bytes, by its entity tag or else by reading it."""
        place = f"{self.root}/{path}"
        tag = str(self._try(f"looking at {path}", lambda: self.system.info(place)).get("ETag", "")).strip('"')
        if _TAG.fullmatch(tag):
            return tag in entity_tags(local)

        def read_back() -> str:
            with self.system.open(place, "rb") as file:
                return hash_stream(file)[0]

        return bool(self._try(f"reading {path}", read_back) == (sha256 or hash_file(local)[0]))

    def write(self, path: str, local: Path) -> None:
        """Send a file, which appears under its name when it is whole."""
        place = f"{self.root}/{path}"

        def put() -> None:
            if self.atomic:
                self.system.put_file(str(local), place, **({"chunksize": PART} if "s3" in self.system.protocol else {}))
                return
            folder, _, name = place.rpartition("/")
            part = f"{folder}/.{name}.part"
            self.system.makedirs(folder, exist_ok=True)
            self.system.put_file(str(local), part)
            self.system.mv(part, place)

        self._try(f"sending {path}", put)
        arrived = int(self._try(f"looking at {path}", lambda: self.system.info(place, refresh=True))["size"])
        if arrived != local.stat().st_size:
            raise BuildError(f"{path} arrived with {arrived} bytes at {self.address}; run the same command again")


def entity_tags(local: Path) -> set[str]:
    """Return the entity tags that S3 may give a file: MD5, or MD5 over those of parts of `PART` bytes and their number.

    So documents Amazon S3, "Checking object integrity"; a store that encrypts with keys of its own answers otherwise,
    and the file is then sent again.
    """
    whole, parts = hashlib.md5(usedforsecurity=False), list[bytes]()
    with local.open("rb", buffering=0) as file:
        while data := file.read(PART):
            whole.update(data)
            parts.append(hashlib.md5(data, usedforsecurity=False).digest())
    joined = hashlib.md5(b"".join(parts), usedforsecurity=False).hexdigest()
    return {whole.hexdigest(), f"{joined}-{len(parts)}"}


def fetch_manifest(address: str, folder: Path, **options: Any) -> None:
    """Copy recipe, tables and checksums of a release at an address into a folder.

    Raises
    ------
    SourceError
        If there is none, or the address fails.
    """
    store = open_store(address, **options)
    (folder / "metadata").mkdir(parents=True, exist_ok=True)
    for path in ("recipe.yaml", *TABLES):
        write_bytes(folder / check_path(path, address), bytes(store.read(path)))
    for path in (CHECKSUMS, SHARD_DIGESTS):
        try:
            write_bytes(folder / path, bytes(store.read(path)))
        except SourceError as error:
            # Without its checksums a manifest is believed as it is, so that they cannot be read must not pass for that.
            if path == CHECKSUMS and not isinstance(error.__cause__, FileNotFoundError):
                raise
