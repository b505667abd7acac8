"""One task of a verification: everything that can be said of a shard from its bytes and its rows of the manifest."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rainkit.data.members import decode_member
from rainkit.data.stores import Store
from rainkit.errors import IntegrityError, SourceError
from rainkit.images import pixel_digest
from rainkit.release.structure import find_differences, find_placed, is_laid_out
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
    types : dict of str to str
        Field of the JSON members -> type, to compare with other shards; see `list_types`.
    notes : list of str
        What could not be looked at.
    """

    path: str
    problems: list[Problem] = field(default_factory=list)
    size: int = 0
    samples: int = 0
    decoded: int = 0
    sha256: str = ""
    md5: str = ""
    types: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


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
    layout = rows.layout()
    if not is_laid_out(data, *layout):
        for kind, sample, detail in find_differences(data, task.path, rows.keys, rows.places()):
            found.problems.append(Problem(kind, task.path, sample, detail))
        # One fault of the layout is not a fault of every picture behind it.
        rows.seen = np.all(find_placed(data, *layout).reshape(len(rows.keys), -1), axis=1)
        if not rows.seen.all():
            unseen = np.flatnonzero(~rows.seen)
            found.notes.append(
                f"{task.path}: {len(unseen)} of {len(rows.keys)} samples not looked at, {rows.keys[unseen[0]]} first: "
                f"their members are not where the manifest says"
            )
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
        self.names = frozenset(task.rows.column_names)
        self.spans = {
            name: (self.column(f"{name}_offset").astype(np.int64), self.column(f"{name}_size").astype(np.int64))
            for name in task.members
        }
        self.seen: NDArray[np.bool_] = np.ones(len(self.keys), dtype=np.bool_)

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

    def contents(self, name: str, view: memoryview) -> Iterator[tuple[int, str, int, memoryview]]:
        """Yield row, key, offset and content of a member in each sample that lies where the manifest says."""
        offsets, sizes = (array.tolist() for array in self.spans[name])
        for row in np.flatnonzero(self.seen).tolist():
            yield row, self.keys[row], offsets[row], view[offsets[row] : offsets[row] + sizes[row]]


def list_types(value: Any, where: str = "") -> dict[str, str]:
    """Return the types of a JSON value by field, such as `{"angle": "float", "crop[]": "int"}`.

    Raises
    ------
    IntegrityError
        If the value holds what loaders infer no type from: null, an empty list, a mixed list, or no finite number.
    """
    if isinstance(value, dict) and value:
        types: dict[str, str] = {}
        for name, part in value.items():
            types |= list_types(part, f"{where}.{name}" if where else name)
        return types
    if isinstance(value, list):
        kinds = [list_types(part, f"{where}[]") for part in value]
        if not kinds or any(kind != kinds[0] for kind in kinds):
            raise IntegrityError(f"the list at {where or 'the top'} is {'of mixed types' if kinds else 'empty'}")
        return kinds[0]
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        raise IntegrityError(f"the value at {where or 'the top'} is {value}")
    return {where: type(value).__name__}


def compare_types(types: Mapping[str, str], before: Mapping[str, str], others: str) -> None:
    """Raise IntegrityError at the first field whose type is not that of `others`, such as "the samples before"."""
    for name in sorted(types.keys() | before.keys()):
        if name not in before:
            raise IntegrityError(f"it has a field {name} of type {types[name]}, which {others} have not")
        if name not in types:
            raise IntegrityError(f"it has no field {name}, which is {before[name]} in {others}")
        if types[name] != before[name]:
            raise IntegrityError(f"its {name} is of type {types[name]}, that of {others} is {before[name]}")


def _check_labels(rows: _Rows, view: memoryview, found: ShardFindings) -> None:
    """Compare the JSON members with one another and with the manifest, and note the first that differs."""
    for name, extension in rows.members.items():
        if extension.rpartition(".")[2] != "json":
            continue
        columns: dict[str, list[Any]] = {}
        for row, key, offset, data in rows.contents(name, view):
            try:
                label = decode_member(extension, data, "it")
                if not isinstance(label, dict):
                    raise IntegrityError(f"it is of type {type(label).__name__}, not an object")
                # Loaders infer the type of a column from a few samples and convert the others without a word.
                types = list_types(label)
                columns |= {n: rows.table[n].to_pylist() for n in label if n in rows.names and n not in columns}
                _compare_label(label, columns, row)
                if found.types and types != found.types:
                    compare_types(types, found.types, "the samples before")
                found.types = types
            except IntegrityError as error:
                detail = f"{found.path}: {key}.{extension} at byte {offset}: {error}"
                found.problems.append(Problem("labels", found.path, key, detail))
                return


def _compare_label(label: dict[str, Any], columns: dict[str, list[Any]], row: int) -> None:
    for name, value in label.items():
        if name not in columns:
            continue
        stated = columns[name][row]
        if type(value) is not type(stated):
            kinds = type(value).__name__, type(stated).__name__
            raise IntegrityError(
                f"its {name} is of type {kinds[0]} ({value!r}), the manifest's is {kinds[1]} ({stated!r})"
            )
        if value != stated:
            raise IntegrityError(f"its {name} is {value!r}, the manifest says {stated!r}")


def _check_pixels(rows: _Rows, view: memoryview, found: ShardFindings) -> None:
    """Decode every member that has a digest, and note each that differs."""
    for name, extension in rows.members.items():
        if f"{name}_digest" not in rows.table.column_names:
            continue
        digests = rows.table[f"{name}_digest"].to_pylist()
        for row, key, offset, data in rows.contents(name, view):
            detail = f"{found.path}: {key}.{extension} at byte {offset}"
            try:
                found.decoded += 1
                digest = pixel_digest(decode_member(extension, data, "it"))
                if digest != digests[row]:
                    raise IntegrityError(f"its pixel digest is {digest}, the manifest says {digests[row]}")
            except IntegrityError as error:
                found.problems.append(Problem("pixels", found.path, key, f"{detail}: {error}"))
