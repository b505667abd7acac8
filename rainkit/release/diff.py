"""What changed between two corpora or manifests, and which step of the version that asks for.

Samples are matched by key and compared column by column, so that memory holds the keys and two columns, not two tables.
The verdict follows the table `RULES`: what invalidates results on the older corpus is major, what only adds to them is
minor, what leaves every pixel and label as it was is a patch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rainkit.errors import IntegrityError
from rainkit.manifest import member_column
from rainkit.release.tables import Manifest

Step = Literal["none", "patch", "minor", "major"]

RULES: dict[str, Step] = {
    "samples removed": "major",
    "pixels changed": "major",
    "strata moved": "major",
    "splits removed": "major",
    "members removed": "major",
    "columns removed": "major",
    "labels changed": "minor",
    "samples added": "minor",
    "splits added": "minor",
    "members added": "minor",
    "columns added": "minor",
    "encoded anew": "patch",
    "packed anew": "patch",
    "recipe changed": "patch",
    "components changed": "patch",
    "backgrounds changed": "patch",
}
"""Kind of change to the step of the version that it asks for; the largest step counts."""

STEPS: tuple[Step, ...] = ("none", "patch", "minor", "major")
"""Steps of a version, the smallest first."""

MAX_FIELDS = 10_000
"""Most fields of a recipe that are compared."""
EXAMPLES = 5
"""Keys that are shown of each kind of change."""

# Columns that say where a sample lies, not what it is.
_PLACES = ("_offset", "_size")


@dataclass(frozen=True, slots=True)
class Keys:
    """Samples with one kind of change: how many, and the keys of the first few."""

    count: int = 0
    first: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Diff:
    """The difference of two corpora.

    Attributes
    ----------
    older, newer : str
        NAME-VERSION of each.
    verdict : str
        Step of the version that the change asks for: none, patch, minor or major.
    stated : str
        Step between the versions that the corpora state; "back" where the newer one is lower, "" where unknown.
    reasons : dict of str to str
        Kind of change that was found -> the step it asks for.
    recipe, components : dict of str to pair
        Field or component -> what it was and what it is; None for one that is not there.
    added, removed, pixels, labels, strata, encoded, packed, equal : Keys
        Samples by what happened to them. `labels` counts changed columns other than pixels, stratum and place;
        `encoded` samples whose pixels are equal and whose files are not; `packed` those that only lie elsewhere.
    moves : dict of str to int
        "FROM -> TO" of a stratum to number of samples.
    columns : dict of str to int
        Changed column to number of samples.
    members, fields, splits, backgrounds : dict of str to list or int
        What was added and removed.
    parts : tuple of str
        Which of "older" and "newer" holds a part of its corpus, drawn by a rebuild of some samples: what such a part
        lacks was left out of it.
    """

    older: str
    newer: str
    verdict: Step
    stated: str
    reasons: dict[str, str]
    recipe: dict[str, tuple[Any, Any]]
    components: dict[str, tuple[Any, Any]]
    added: Keys
    removed: Keys
    pixels: Keys
    labels: Keys
    strata: Keys
    encoded: Keys
    packed: Keys
    equal: Keys
    moves: dict[str, int] = field(default_factory=dict)
    columns: dict[str, int] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    fields: dict[str, list[str]] = field(default_factory=dict)
    splits: dict[str, list[str]] = field(default_factory=dict)
    backgrounds: dict[str, int] = field(default_factory=dict)
    parts: tuple[str, ...] = ()

    @property
    def is_part(self) -> bool:
        """Whether the newer one is a part of the older: marked as one, with no sample that is not there alike."""
        other = self.added, self.pixels, self.labels, self.strata
        return "newer" in self.parts and not any(keys.count for keys in other)

    @property
    def fits(self) -> bool:
        """Whether the stated step of the version is at least as large as the change."""
        return not self.stated or (self.stated in STEPS and STEPS.index(self.stated) >= STEPS.index(self.verdict))

    def document(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {**asdict(self), "fits": self.fits, "is_part": self.is_part}


def _flatten(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _flatten(item, f"{prefix}.{name}" if prefix else str(name))
    else:
        yield prefix, value


def _read_fields(manifest: Manifest) -> dict[str, Any]:
    """Return the fields of a recipe by dotted path; few, whatever its aliases would unfold to."""
    fields = dict(islice(_flatten(manifest.recipe()), MAX_FIELDS + 1))
    if len(fields) > MAX_FIELDS:
        raise IntegrityError(f"the recipe of {manifest.corpus} has more than {MAX_FIELDS} fields; do not trust it")
    return fields


def _compare_maps(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    names = [*old, *(name for name in new if name not in old)]
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}


def diff(older: Path, newer: Path) -> Diff:
    """Compare two corpora.

    Parameters
    ----------
    older, newer : Path
        A corpus or virtual corpus, its metadata folder, or a samples.parquet.

    Raises
    ------
    IntegrityError
        If one has no manifest, or it is damaged, or a key stands twice.
    """
    old, new = Manifest(older), Manifest(newer)
    before, after = old.column("key"), new.column("key")
    for manifest, keys in ((old, before), (new, after)):
        if pc.count_distinct(keys).as_py() != len(keys):
            raise IntegrityError(f"{manifest.path}: a key stands twice; verify this corpus")
    place = pc.index_in(before, value_set=after)
    kept = _mask(pc.is_valid(place))
    added = ~_mask(pc.is_in(after, value_set=before))
    pairs = _Pairs(old, new, kept, np.asarray(place.filter(pa.array(kept)).to_numpy(zero_copy_only=False)))
    marks, columns = _mark(pairs)
    names = before.filter(pa.array(kept))
    found: dict[str, Any] = {
        "added": _keys(after, added),
        "removed": _keys(before, ~kept),
        **{kind: _keys(names, mask) for kind, mask in marks.items()},
    }
    details: dict[str, Any] = {
        **_compare_frames(old, new),
        "columns": columns,
        "moves": _count_moves(pairs, marks["strata"]),
        "parts": tuple(side for side, manifest in (("older", old), ("newer", new)) if manifest.part),
    }
    recipe = _compare_maps(_read_fields(old), _read_fields(new))
    components = _compare_maps(old.components, new.components)
    reasons = _reasons(found, details, recipe, components)
    verdict: Step = max(reasons.values(), key=STEPS.index, default="none")
    return Diff(
        older=old.corpus, newer=new.corpus, verdict=verdict, stated=_stated(old.corpus, new.corpus),
        reasons=dict(reasons), recipe=recipe, components=components, **found, **details,
    )  # fmt: skip


def _mask(array: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.bool_)


class _Pairs:
    """The samples that both corpora have, column by column, in the older one's order."""

    def __init__(self, old: Manifest, new: Manifest, kept: NDArray[np.bool_], place: NDArray[np.int64]) -> None:
        self.old, self.new = old, new
        self.kept = None if kept.all() else pa.array(kept)
        whole = len(place) == new.file.metadata.num_rows and bool((place == np.arange(len(place))).all())
        self.place = None if whole else pa.array(place)
        self.count = len(place)

    def both(self, name: str) -> tuple[pa.Array, pa.Array]:
        first, second = self.old.column(name), self.new.column(name)
        return (
            first if self.kept is None else first.filter(self.kept),
            second if self.place is None else second.take(self.place),
        )

    def changed(self, name: str) -> NDArray[np.bool_]:
        """Return where a column differs, bool (N,)."""
        first, second = self.both(name)
        return _mask(pc.not_equal(first, second)) if self.count else np.zeros(0, dtype=np.bool_)


def _mark(pairs: _Pairs) -> tuple[dict[str, NDArray[np.bool_]], dict[str, int]]:
    """Return kind of change -> samples with it, each sample in one kind but for strata; and changed columns."""
    zero = np.zeros(pairs.count, dtype=np.bool_)
    marks = {kind: zero.copy() for kind in ("pixels", "labels", "strata", "encoded", "packed")}
    pictures = {f"{member_column(member)}_size" for member in pairs.old.members if member != "json"}
    columns: dict[str, int] = {}
    for name in pairs.old.schema.names:
        if name == "key" or name not in pairs.new.schema.names:
            continue
        if pairs.old.schema.field(name).type != pairs.new.schema.field(name).type:
            raise IntegrityError(f"column {name} is of another type in {pairs.new.path}; verify both corpora")
        differs = pairs.changed(name)
        if not differs.any():
            continue
        columns[name] = int(differs.sum())
        if name.endswith("_digest"):
            kind = "pixels"
        elif name == "stratum":
            kind = "strata"
        elif name in pictures:
            kind = "encoded"
        else:
            kind = "packed" if name == "shard" or name.endswith(_PLACES) else "labels"
        marks[kind] |= differs
    marks["labels"] &= ~marks["pixels"]
    marks["encoded"] &= ~(marks["pixels"] | marks["labels"])
    marks["packed"] &= ~(marks["pixels"] | marks["labels"] | marks["encoded"])
    marks["equal"] = ~np.logical_or.reduce(list(marks.values()))
    return marks, columns


def _keys(keys: pa.Array, mask: NDArray[np.bool_]) -> Keys:
    first = np.flatnonzero(mask)[:EXAMPLES]
    return Keys(int(mask.sum()), tuple(keys.take(pa.array(first)).to_pylist()))


def _count_moves(pairs: _Pairs, moved: NDArray[np.bool_]) -> dict[str, int]:
    if not moved.any():
        return {}
    before, after = (np.asarray(side.to_numpy())[moved] for side in pairs.both("stratum"))
    ways, counts = np.unique(np.stack([before, after]), axis=1, return_counts=True)
    return {f"{a} -> {b}": int(count) for (a, b), count in zip(ways.T.tolist(), counts, strict=True)}


def _compare_sets(old: set[str], new: set[str]) -> dict[str, list[str]]:
    return {"added": sorted(new - old), "removed": sorted(old - new)}


def _compare_frames(old: Manifest, new: Manifest) -> dict[str, Any]:
    """Return what was added and removed beside samples: members, columns, splits, backgrounds."""
    first, second = (set(pc.unique(manifest.column("split")).to_pylist()) for manifest in (old, new))
    pictures: dict[str, int] = {}
    before, after = old.backgrounds(), new.backgrounds()
    if before is not None and after is not None:
        pictures = {"added": len(after - before), "removed": len(before - after)}
    return {
        "members": _compare_sets(old.members, new.members),
        "fields": _compare_sets(set(old.schema.names), set(new.schema.names)),
        "splits": _compare_sets(first, second),
        "backgrounds": pictures,
    }


def _reasons(
    found: Mapping[str, Keys], details: Mapping[str, Any], recipe: Mapping[str, Any], components: Mapping[str, Any]
) -> dict[str, Step]:
    changes = {
        "samples removed": found["removed"].count,
        "samples added": found["added"].count,
        "pixels changed": found["pixels"].count,
        "labels changed": found["labels"].count,
        "strata moved": found["strata"].count,
        "encoded anew": found["encoded"].count,
        "packed anew": found["packed"].count,
        # The version differs between any two releases, and says nothing of what changed.
        "recipe changed": recipe.keys() - {"version", "date"},
        "components changed": components,
        "backgrounds changed": any(details["backgrounds"].values()),
    }
    for what, name in (("members", "members"), ("columns", "fields"), ("splits", "splits")):
        changes |= {f"{what} {way}": details[name][way] for way in ("removed", "added")}
    return {kind: step for kind, step in RULES.items() if changes[kind]}


def _stated(older: str, newer: str) -> str:
    """Return the step between the versions at the end of two names; "" where one has none or the names differ."""
    (name, _, before), (other, _, after) = older.rpartition("-"), newer.rpartition("-")
    first, second = before.split("."), after.split(".")
    if name != other or len(first) != 3 or len(second) != 3 or not "".join(first + second).isdigit():
        return ""
    old, new = [int(part) for part in first], [int(part) for part in second]
    if new < old:
        return "back"
    return next((step for step, a, b in zip(("major", "minor", "patch"), old, new, strict=True) if a != b), "none")
