"""One task of a verification: everything that can be said of a shard from its bytes and its rows of the manifest."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rainkit.data.members import decode_member
from rainkit.data.stores import Store
from rainkit.errors import IntegrityError, SourceError
from rainkit.images import pixel_digest
from rainkit.release.structure import find_differences, is_laid_out
from rainkit.shards import Member


@dataclass(frozen=True, slots=True)
class Problem:
    """A difference between a corpus and what it says of itself.

    Attributes
    ----------
    kind : str
        A key of `KINDS`.
    file : str
        Path within the corpus.
    sample : str
        Key of the sample, empty where none is meant.
    detail : str
        What is wrong, with place and numbers.
    """

    kind: str
    file: str
    sample: str
    detail: str


KINDS: dict[str, str] = {
    "incomplete": "the corpus has no checksums: its build is not finished",
    "missing": "a file is listed and not there",
    "extra": "a file is there and not listed",
    "changed": "a file has other bytes than its checksum says",
    "structure": "a shard is no tar file as rainkit writes it",
    "keys": "samples of a shard and of the manifest differ",
    "members": "a sample has other members than the manifest says",
    "offsets": "a member lies elsewhere than the manifest says",
    "labels": "a JSON member has other keys, types or values than the rest of the corpus",
    "pixels": "a picture or array has other contents than its digest says",
    "manifest": "the tables contradict themselves or one another",
    "leak": "backgrounds of one group appear in two splits",
    "index": "an index for other readers does not fit the shards",
    "redraw": "a sample drawn again from its background is another one",
}
"""Every kind of problem, and what it means."""


@dataclass(frozen=True, slots=True)
class ShardCheck:
    """What a worker needs to check one shard; called on a worker by an engine.

    Attributes
    ----------
    store : Store
        Where the corpus lies.
    path : str
        The shard within it.
    sha256 : str
        As checksums.sha256 says; empty where it says nothing.
    rows : pyarrow.Table
        Rows of the manifest that name the shard, in their order.
    members : dict
        Name of each member -> extension.
    deep : bool
        Whether to decode every picture and array, and to compute md5.
    """

    store: Store
    path: str
    sha256: str
    rows: pa.Table
    members: dict[str, str]
    deep: bool


@dataclass(slots=True)
class ShardFindings:
    """What was found in one shard.

    Attributes
    ----------
    path : str
        The shard.
    problems : list of Problem
        First of each kind, and each changed member.
    size, samples, decoded : int
        Bytes read, samples in the manifest, members decoded.
    sha256, md5 : str
        Of the bytes; md5 only where asked for.
    types : str
        Types of the first JSON member, to compare with other shards.
    """

    path: str
    problems: list[Problem] = field(default_factory=list)
    size: int = 0
    samples: int = 0
    decoded: int = 0
    sha256: str = ""
    md5: str = ""
    types: str = ""


def check_shard(task: ShardCheck) -> ShardFindings:
    """Compare a shard with its checksum and its rows of the manifest.

    A shard whose checksum is wrong is looked into pixel by pixel even where `deep` is not asked for, so that the first
    wrong bytes can be named.
    """
    found = ShardFindings(task.path, samples=task.rows.num_rows)
    try:
        data = task.store.read(task.path)
    except SourceError as error:
        found.problems.append(Problem("missing", task.path, "", str(error)))
        return found
    found.size = len(data)
    found.sha256 = hashlib.sha256(data).hexdigest()
    if task.deep:
        found.md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    changed = bool(task.sha256) and found.sha256 != task.sha256
    if changed:
        detail = f"{task.path} has SHA-256 {found.sha256[:16]}..., checksums.sha256 says {task.sha256[:16]}..."
        found.problems.append(Problem("changed", task.path, "", detail))
    rows = _Rows(task)
    if not is_laid_out(data, *rows.layout()):
        for kind, sample, detail in find_differences(data, task.path, rows.keys, rows.places()):
            found.problems.append(Problem(kind, task.path, sample, detail))
    view = memoryview(data)
    _check_labels(rows, view, found)
    if task.deep or changed:
        _check_pixels(rows, view, found)
    return found


class _Rows:
    """Rows of the manifest that name one shard, by column."""

    def __init__(self, task: ShardCheck) -> None:
        self.table, self.members = task.rows, task.members
        self.keys: list[str] = task.rows["key"].to_pylist()
        self.spans = {
            name: (self.column(f"{name}_offset").astype(np.int64), self.column(f"{name}_size").astype(np.int64))
            for name in task.members
        }

    def column(self, name: str) -> NDArray[Any]:
        return np.asarray(self.table[name].to_numpy())

    def layout(self) -> tuple[list[bytes], NDArray[np.int64], NDArray[np.int64]]:
        """Return names, offsets and sizes of all members in the order of the file."""
        ordered = sorted(self.members, key=lambda name: self.members[name])
        names = [f"{key}.{self.members[name]}".encode() for key in self.keys for name in ordered]
        offsets, sizes = (np.stack([self.spans[name][i] for name in ordered], axis=1).reshape(-1) for i in (0, 1))
        return names, offsets, sizes

    def places(self) -> dict[str, list[Member]]:
        """Return the place of each member, by extension."""
        return {
            self.members[name]: [Member(*pair) for pair in zip(offsets.tolist(), sizes.tolist(), strict=True)]
            for name, (offsets, sizes) in self.spans.items()
        }

    def contents(self, name: str, view: memoryview) -> Iterator[tuple[int, str, int, memoryview | None]]:
        """Yield row, key, offset and content of a member in each sample; no content where it lies outside the file."""
        offsets, sizes = self.spans[name]
        for row, (key, offset, size) in enumerate(zip(self.keys, offsets.tolist(), sizes.tolist(), strict=True)):
            inside = 0 <= offset <= offset + size <= len(view)
            yield row, key, offset, view[offset : offset + size] if inside else None


def name_types(value: Any, where: str = "") -> str:
    """Return the types of a JSON value in one line, such as `{"angle":float,"crop":[int]}`.

    Raises
    ------
    IntegrityError
        If the value holds what loaders infer no type from: null, an empty list, a mixed list, or no finite number.
    """
    if isinstance(value, dict):
        inner = (f"{json.dumps(name)}:{name_types(part, f'{where}.{name}')}" for name, part in sorted(value.items()))
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        kinds = {name_types(part, f"{where}[]") for part in value}
        if len(kinds) != 1:
            raise IntegrityError(f"the list at {where or 'the top'} is {'empty' if not kinds else 'of mixed types'}")
        return f"[{kinds.pop()}]"
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        raise IntegrityError(f"the value at {where or 'the top'} is {value}")
    return type(value).__name__


def _check_labels(rows: _Rows, view: memoryview, found: ShardFindings) -> None:
    """Compare the JSON members with one another and with the manifest, and note the first that differs."""
    for name, extension in rows.members.items():
        if extension.rpartition(".")[2] != "json":
            continue
        columns: dict[str, list[Any]] = {}
        for row, key, offset, data in rows.contents(name, view):
            try:
                if data is None:
                    raise IntegrityError("it lies outside the file")
                label = decode_member(extension, data, "it")
                # Loaders infer the type of a column from a few samples and convert the others without a word.
                types = name_types(label)
                if not isinstance(label, dict):
                    raise IntegrityError(f"it is of type {types}, not an object")
                if found.types and types != found.types:
                    raise IntegrityError(f"its types are {types}, those of the samples before are {found.types}")
                found.types = types
                if row == 0:
                    columns = {n: rows.table[n].to_pylist() for n in label if n in rows.table.column_names}
                _compare_label(label, columns, row)
            except IntegrityError as error:
                detail = f"{found.path}: {key}.{extension} at byte {offset}: {error}"
                found.problems.append(Problem("labels", found.path, key, detail))
                return


def _compare_label(label: dict[str, Any], columns: dict[str, list[Any]], row: int) -> None:
    for name, stated in columns.items():
        value = label[name]
        if value != stated[row] and not isinstance(value, dict | list):
            raise IntegrityError(f"its {name} is {value!r}, the manifest says {stated[row]!r}")


def _check_pixels(rows: _Rows, view: memoryview, found: ShardFindings) -> None:
    """Decode every member that has a digest, and note each that differs."""
    for name, extension in rows.members.items():
        if f"{name}_digest" not in rows.table.column_names:
            continue
        digests = rows.table[f"{name}_digest"].to_pylist()
        for row, key, offset, data in rows.contents(name, view):
            detail = f"{found.path}: {key}.{extension} at byte {offset}"
            try:
                if data is None:
                    raise IntegrityError("it lies outside the file")
                found.decoded += 1
                digest = pixel_digest(decode_member(extension, data, "it"))
                if digest != digests[row]:
                    raise IntegrityError(f"its pixel digest is {digest}, the manifest says {digests[row]}")
            except IntegrityError as error:
                found.problems.append(Problem("pixels", found.path, key, f"{detail}: {error}"))
