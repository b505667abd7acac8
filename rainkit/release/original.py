"""What is known of a corpus that is to be drawn again: its manifest, its recipe, and where sources lie now."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from rainkit.errors import BuildError, IntegrityError, RecipeError
from rainkit.manifest import metadata_of, read_table
from rainkit.recipe import Recipe, component_versions, parse_recipe, place_sources
from rainkit.records import Background, Engine, Sample
from rainkit.release.checksums import CHECKSUMS, hash_file, parse_checksums, read_checksums
from rainkit.release.croissant import TABLES
from rainkit.release.locate import Located, locate
from rainkit.release.rows import check_rows

SHARD_DIGESTS = "shards.sha256"
"""In a release without pictures: the checksums of the shards that it stands for."""


_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Selection:
    """Which samples to draw: those of any of the splits, shards and keys that are named, or all.

    `partial` also leaves out samples whose backgrounds are not found, which is an error otherwise.
    """

    splits: tuple[str, ...] = ()
    shards: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    partial: bool = False


class Original:
    """What is known of a corpus that is to be drawn again.

    Parameters
    ----------
    folder : Path
        A corpus, with or without its shards, or a release of its manifest.
    sources : mapping of str to str
        Places of sources, and of rains that read files, by name.
    compare : bool
        Compare recipe and tables with checksums.sha256 where that file is there; `verify` does so itself.

    Attributes
    ----------
    compared : bool
        Whether they were compared; False too where there are no checksums.

    Raises
    ------
    IntegrityError, RecipeError
        If the manifest or the recipe cannot be used, is not what its checksums say, or has a row that cannot be drawn.
    BuildError
        If a component that draws has another version here.
    """

    def __init__(self, folder: Path, sources: Mapping[str, str], *, compare: bool = True) -> None:
        self.folder = folder
        self.path = folder / "metadata" / "samples.parquet"
        if not self.path.is_file():
            raise IntegrityError(f"{folder} is no manifest: there is no metadata/samples.parquet in it")
        self.compared = compare and (folder / CHECKSUMS).exists()
        if self.compared:
            self._check_files(read_checksums(folder))
        self.table = read_table(self.path, "samples")
        self.schema = self.table.schema
        try:
            self.text = (folder / "recipe.yaml").read_bytes()
            recipe = parse_recipe(self.text.decode(), str(folder / "recipe.yaml"))
        except (OSError, UnicodeDecodeError) as error:
            raise IntegrityError(f"{folder} has no recipe.yaml that can be read: {error}") from error
        self.recipe: Recipe = place_sources(recipe, folder, sources)
        self.placed = set(sources)
        self._check_components()
        backgrounds = self._read_backgrounds(("id", "width", "height"))
        check_rows(self.table, backgrounds, self.recipe, self.kinds, str(self.path))

    def _check_files(self, stated: Mapping[str, str]) -> None:
        """Raise IntegrityError if the recipe or a table has other bytes than its checksum says."""
        for name in ("recipe.yaml", *TABLES):
            path = self.folder / name
            if name not in stated:
                raise IntegrityError(f"{self.folder / CHECKSUMS} does not list {name}; take both anew from the release")
            try:
                found = hash_file(path)[0]
            except OSError as error:
                raise IntegrityError(
                    f"{path} cannot be read: {error.strerror}; take it anew from the release"
                ) from error
            if found != stated[name]:
                raise IntegrityError(
                    f"{path} is not what {CHECKSUMS} says: its SHA-256 is {found[:16]}..., not {stated[name][:16]}...; "
                    f"it was edited or is damaged, take it anew from the release"
                )

    def _read_backgrounds(self, columns: Sequence[str]) -> pa.Table:
        return read_table(self.folder / "metadata" / "backgrounds.parquet", "backgrounds", columns)

    def _check_components(self) -> None:
        stated = json.loads(metadata_of(self.schema).get("components", "{}"))
        ours = component_versions(self.recipe)
        drawn = {f"sources/{each.kind}" for each in self.recipe.sources.values() if not each.location_fields}
        wrong = [
            f"{name} {stated.get(name, 'of no stated version')} (here {version})"
            for name, version in ours.items()
            if (name.startswith("rain/") or name in drawn) and stated.get(name) != version
        ]
        if wrong:
            raise BuildError(
                f"{self.folder} was drawn with other versions of components: {', '.join(wrong)}; install the rainkit "
                f"that has them"
            )

    @cached_property
    def kinds(self) -> list[str]:
        """Estimators with a column in the manifest."""
        return sorted(json.loads(metadata_of(self.schema).get("estimators", "{}")))

    def select(self, selection: Selection) -> pa.Table:
        """Return the rows that a selection names.

        Raises
        ------
        RecipeError
            If it names a split, shard or key that is not there.
        """
        table = self.table
        mask = None
        for column, wanted in (("split", selection.splits), ("shard", selection.shards), ("key", selection.keys)):
            if not wanted:
                continue
            unknown = sorted(set(wanted) - set(pc.unique(table[column]).to_pylist()))
            if unknown:
                raise RecipeError(
                    f"{self.folder} has no {column} {unknown[0]!r}{_more(unknown)}; {_known(table, column)}"
                )
            here = pc.is_in(table[column], value_set=pa.array(wanted, pa.string()))
            mask = here if mask is None else pc.or_(mask, here)
        return table if mask is None else table.filter(mask)

    def backgrounds(self, ids: Collection[str]) -> dict[str, Background]:
        """Return the backgrounds of the manifest with these ids."""
        columns = (
            "id", "source", "path", "license", "attribution", "sha256", "digest", "width", "height", "group",
        )  # fmt: skip
        rows = self._read_backgrounds(columns).to_pylist()
        return {row["id"]: Background(**row) for row in rows if row["id"] in ids}

    def sample(self, row: Mapping[str, Any]) -> Sample:
        """Return the plan of a sample from its row."""
        return Sample(
            key=row["key"],
            split=row["split"],
            index=row["index"],
            stratum=row["stratum"],
            background_id=row["background_id"],
            crop=(row["crop_x"], row["crop_y"], row["crop_w"], row["crop_h"]),
            score=row["score"],
            spread=row["score_spread"],
            scores={kind: row[kind] for kind in self.kinds},
            rain=row["rain"],
            rain_seed=int(row["rain_seed"], 16),
        )

    def locate(self, backgrounds: Mapping[str, Background], engine: Engine) -> Located:
        """Find backgrounds by content; see `rainkit.release.locate`."""
        return locate(list(backgrounds.values()), self.recipe.sources, self.placed, engine)

    def shard_digests(self) -> dict[str, str]:
        """Return path -> SHA-256 of the original shards, as far as it is known."""
        digests: dict[str, str] = {}
        for name in (CHECKSUMS, SHARD_DIGESTS):
            with contextlib.suppress(FileNotFoundError):
                digests |= parse_checksums((self.folder / name).read_text(encoding="utf-8"), name)
        return digests


def _more(unknown: Sequence[str]) -> str:
    return f", nor {len(unknown) - 1} more that are asked for" if len(unknown) > 1 else ""


def _known(table: pa.Table, column: str) -> str:
    """Return what a selection can name: all splits, the first of shards and keys."""
    known = sorted(pc.unique(table[column]).to_pylist())
    shown = known if column == "split" else known[:_SHOWN]
    return f"it has {', '.join(shown)}{f', ... {len(known)} in all' if len(known) > len(shown) else ''}"
