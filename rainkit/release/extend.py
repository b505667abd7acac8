"""A longer version of a corpus: samples that were there stay as they were, and their shards are not drawn again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from rainkit.errors import BuildError, IntegrityError
from rainkit.files import committing
from rainkit.manifest import add_metadata, write_table
from rainkit.recipe import Recipe, resolve
from rainkit.records import Background, Sample
from rainkit.release.checksums import read_checksums
from rainkit.release.original import Original
from rainkit.samples import tinted
from rainkit.samples.draw import ShardTask, rows_schema

_SHOWN = 3
_CHUNK = 1 << 20


def adopt_shards(older: Path, recipe: Recipe, tasks: Iterable[ShardTask]) -> int:
    """Copy every shard of an older corpus that the new one has too, and return how many.

    Parameters
    ----------
    older : Path
        A finished corpus with its pictures.
    recipe : Recipe
        Recipe of the new corpus.
    tasks : iterable of ShardTask
        Every shard of the new corpus; shards whose rows are there already are not copied, but looked at.

    Raises
    ------
    BuildError
        If a sample of the older corpus would be another one in the new corpus, or would be gone.
    IntegrityError
        If a shard of the older corpus has other bytes than its checksum says.
    """
    before = _Predecessor(older)
    before.check_recipe(recipe)
    # The whole plan is compared before a byte is copied: what is refused costs nothing and leaves nothing.
    same = [shard for shard in map(before.match, tasks) if shard is not None]
    before.check_all_seen()
    left = [shard for shard in same if not shard.rows.exists()]
    for shard in left:
        identity = before.copy(shard)
        rows = before.original.table.take(shard.numbers).to_pylist()
        write_table(shard.rows, add_metadata(rows_schema(recipe), shard=json.dumps(identity)), rows)
    return len(left)


@dataclass(frozen=True, slots=True)
class _Same:
    """A shard that is the same in both: its name, its file and its rows in the new corpus, and its older rows."""

    name: str
    shard: Path
    rows: Path
    numbers: pa.Array


class _Predecessor:
    """The older corpus, by key and by shard."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.original = Original(folder, {})
        self.digests = read_checksums(folder)
        table = self.original.table
        self.row = {key: number for number, key in enumerate(table["key"].to_pylist())}
        ids = set(table["background_id"].unique().to_pylist())
        self.backgrounds: dict[str, Background] = self.original.backgrounds(ids)
        self.shards = dict(zip(*(column.to_pylist() for column in _count(table, "shard")), strict=True))
        self.seen = 0

    def check_recipe(self, recipe: Recipe) -> None:
        """Raise BuildError if a part of the recipe that every sample depends on has changed."""
        ours, theirs = resolve(recipe), resolve(self.original.recipe)
        changed = [f"rain.{name}" for name, rain in theirs["rain"].items() if ours["rain"].get(name) != rain]
        changed += ["samples"] * (ours["samples"] != theirs["samples"])
        changed += ["the colour of streaks"] * (tinted(recipe) != tinted(self.original.recipe))
        if changed:
            raise BuildError(
                f"this recipe does not extend {self.folder.name}: {', '.join(changed)} changed, and so would its "
                f"samples; build it as a corpus of its own"
            )

    def match(self, task: ShardTask) -> _Same | None:
        """Return a shard that is the same in both, None for one that has to be drawn.

        Raises
        ------
        BuildError
            If a sample that is in both is not the same.
        """
        known = [self.row[sample.key] for sample in task.samples if sample.key in self.row]
        numbers = pa.array(known, pa.int64())
        rows = self.original.table.take(numbers).to_pylist()
        planned = {sample.key: sample for sample in task.samples}
        changed = [row["key"] for row in rows if not self._is_same(row, planned[row["key"]], task)]
        if changed:
            raise BuildError(
                f"this recipe does not extend {self.folder.name}: {', '.join(changed[:_SHOWN])}"
                f"{' and more' if len(changed) > _SHOWN else ''} would be cut from another place or rained on otherwise"
            )
        self.seen += len(rows)
        whole = len(rows) == len(task.samples) == self.shards.get(task.name)
        alike = whole and all(row["shard"] == task.name for row in rows)
        return _Same(task.name, task.shard, task.rows, numbers) if alike else None

    def _is_same(self, row: dict[str, Any], sample: Sample, task: ShardTask) -> bool:
        ours, theirs = task.backgrounds[sample.background_id], self.backgrounds[row["background_id"]]
        facts = [(b.source, b.path, b.license, b.attribution, b.digest, b.group) for b in (ours, theirs)]
        return self.original.sample(row) == sample and facts[0] == facts[1]

    def copy(self, shard: _Same) -> dict[str, Any]:
        """Copy a shard, whole or not at all, and return its size and digests."""
        sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
        with committing(shard.shard) as target:
            for chunk in self._chunks(shard.name):
                sha256.update(chunk)
                md5.update(chunk)
                size += target.write(chunk)
            if sha256.hexdigest() != self.digests.get(shard.name):
                raise IntegrityError(f"{self.folder / shard.name} is not what its checksum says; verify that corpus")
        return {"size": size, "sha256": sha256.hexdigest(), "md5": md5.hexdigest(), "samples": len(shard.numbers)}

    def _chunks(self, name: str) -> Iterator[bytes]:
        try:
            with (self.folder / name).open("rb", buffering=0) as source:
                while chunk := source.read(_CHUNK):
                    yield chunk
        except OSError as error:
            raise IntegrityError(
                f"{self.folder / name} cannot be read: {error.strerror}; verify that corpus"
            ) from error

    def check_all_seen(self) -> None:
        """Raise BuildError if the new corpus lacks samples of the older one."""
        if self.seen < len(self.row):
            raise BuildError(
                f"this recipe does not extend {self.folder.name}: {len(self.row) - self.seen} of its {len(self.row)} "
                f"samples would be gone or be others"
            )


def _count(table: pa.Table, column: str) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    counts = table.group_by(column).aggregate([([], "count_all")])
    return counts[column], counts["count_all"]
