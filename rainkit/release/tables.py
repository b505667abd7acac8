"""The samples table of a corpus read column by column, and what lies beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from rainkit.errors import IntegrityError
from rainkit.manifest import check_schema, members_of, metadata_of


class Manifest:
    """The samples table of a corpus, and what lies beside it.

    Parameters
    ----------
    place : Path
        A corpus or virtual corpus, its metadata folder, or a samples.parquet.

    Raises
    ------
    IntegrityError
        If there is none, or it is damaged or newer than this program.
    """

    def __init__(self, place: Path) -> None:
        self.path = find_samples(place)
        try:
            self.file = pq.ParquetFile(self.path)
        except (OSError, pa.ArrowException) as error:
            raise IntegrityError(f"{self.path} cannot be read as Parquet: {error}") from error
        self.schema = self.file.schema_arrow
        check_schema(self.schema, "samples", str(self.path))
        entries = metadata_of(self.schema)
        self.corpus = entries.get("corpus", self.path.name)
        self.part = "selection" in entries  # a rebuild of some of the samples
        self.components: dict[str, Any] = json.loads(entries.get("components", "{}"))
        self.members = set(members_of(self.schema).values())

    def column(self, name: str) -> pa.Array:
        """Return a whole column as one array."""
        try:
            return self.file.read(columns=[name]).column(0).combine_chunks()
        except (OSError, pa.ArrowException) as error:
            raise IntegrityError(f"{self.path}: column {name} cannot be read: {error}") from error

    def recipe(self) -> dict[str, Any]:
        """Return the recipe beside the manifest as plain values; empty where there is none."""
        for folder in (self.path.parent, self.path.parent.parent):
            if (folder / "recipe.yaml").is_file():
                return _read_recipe(folder / "recipe.yaml")
        return {}

    def backgrounds(self) -> set[str] | None:
        """Return the ids of the backgrounds, None where their table is not there."""
        path = self.path.with_name("backgrounds.parquet")
        return set(pq.read_table(path, columns=["id"])["id"].to_pylist()) if path.is_file() else None


def _read_recipe(path: Path) -> dict[str, Any]:
    # Not through rainkit.recipe, whose models load every component: a comparison takes the values as they stand.
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise IntegrityError(f"{path} cannot be read: {error}") from error
    return values if isinstance(values, dict) else {}


def find_samples(place: Path) -> Path:
    """Return the samples.parquet of a corpus, of a folder of tables, or the file itself.

    Raises
    ------
    IntegrityError
        If there is none.
    """
    for path in (place / "metadata" / "samples.parquet", place / "samples.parquet", place):
        if path.is_file():
            return path
    raise IntegrityError(f"{place} holds no metadata/samples.parquet; name a corpus, its metadata folder, or the file")
