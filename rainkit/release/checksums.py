"""`checksums.sha256`: what a corpus consists of, in the form that `sha256sum -c` reads."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from rainkit.data.stores import LocalStore
from rainkit.errors import IntegrityError
from rainkit.files import write_bytes
from rainkit.manifest import check_path

CHECKSUMS = "checksums.sha256"
"""Name of the file; it is the last that a build writes, and makes a corpus complete."""

LATER = ("validation.json", ".nv-meta")
"""Files and folders that others add to a finished corpus, so no checksum of theirs is kept."""

_INDEX = ".tar.idx"  # what megatron-energon writes beside each shard

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_CHUNK = 1 << 20


def hash_stream(stream: BinaryIO) -> tuple[str, int]:
    """Return SHA-256 (hexadecimal) and length in bytes of what a stream still holds."""
    digest, size = hashlib.sha256(), 0
    buffer = bytearray(_CHUNK)
    view = memoryview(buffer)
    while count := stream.readinto(buffer):  # type: ignore[attr-defined]
        digest.update(view[:count])
        size += count
    return digest.hexdigest(), size


def hash_file(path: Path) -> tuple[str, int]:
    """Return SHA-256 (hexadecimal) and length in bytes of a file."""
    with path.open("rb", buffering=0) as file:
        return hash_stream(file)


def belongs(path: str) -> bool:
    """Return whether a file is part of a corpus: not hidden, not the checksums themselves, not added later."""
    parts = path.split("/")
    return (
        not any(part.startswith(".") for part in parts)
        and path != CHECKSUMS
        and not (parts[0] in LATER or path.endswith(_INDEX))
    )


def list_files(folder: Path) -> list[str]:
    """Return the files that belong to a corpus, relative, with "/" between parts, sorted.

    A link to a folder counts as a file: following it would let a corpus reach out of its own.
    """
    return sorted(path for path in LocalStore(folder).list_files() if belongs(path))


def format_checksums(digests: Mapping[str, str]) -> str:
    """Return the text of a checksum file: one line "DIGEST  PATH" a file, sorted by path."""
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(digests.items()))


def parse_checksums(text: str, where: str = CHECKSUMS) -> dict[str, str]:
    """Return path -> SHA-256 of a checksum file.

    Raises
    ------
    IntegrityError
        If a line is malformed, a path leaves the folder, or one appears twice.
    """
    digests: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise IntegrityError(f"{where}, line {number}: expected 64 hexadecimal digits, two spaces and a path")
        digest, path = match.groups()
        check_path(path, f"{where}, line {number}")
        if path in digests:
            raise IntegrityError(f"{where}, line {number}: {path} appears twice")
        digests[path] = digest
    return digests


def read_checksums(corpus: Path) -> dict[str, str]:
    """Return path -> SHA-256 of the files of a finished corpus.

    Raises
    ------
    IntegrityError
        If it has no checksums, which a build writes last, or they cannot be read.
    """
    try:
        return parse_checksums((corpus / CHECKSUMS).read_text(encoding="utf-8"), str(corpus / CHECKSUMS))
    except FileNotFoundError as error:
        raise IntegrityError(f"{corpus} is no finished corpus: it has no {CHECKSUMS}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise IntegrityError(f"{corpus / CHECKSUMS} cannot be read: {error}") from error


def write_checksums(folder: Path, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Hash every file of a corpus and write `checksums.sha256` into it, whole or not at all.

    Parameters
    ----------
    folder : Path
        The corpus.
    known : mapping of str to str, optional
        Path -> SHA-256 of files that were hashed while they were written, which are not read again.

    Returns
    -------
    dict of str to str
        Path -> SHA-256, sorted.

    Raises
    ------
    BuildError
        If the file cannot be written.
    """
    known = known or {}
    digests = {path: known.get(path) or hash_file(folder / path)[0] for path in list_files(folder)}
    write_bytes(folder / CHECKSUMS, format_checksums(digests).encode())
    return digests
