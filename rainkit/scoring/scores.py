"""The table of scores, its statistics, and its files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from rainkit.files import committing, write_bytes

FORMATS = ("parquet", "csv", "json")


@dataclass(frozen=True, slots=True)
class Column:
    """One number of each picture.

    Attributes
    ----------
    name : str
        Name of the column.
    role : str
        "estimator", "composite", "spread" or "guard".
    id : str
        Identity of the number; numbers of different identity never mix.
    unit, about : str
        Unit, and what it is in one line.
    """

    name: str
    role: str
    id: str
    unit: str
    about: str


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Scores of the pictures of one or several sets, in the order of the sets.

    Attributes
    ----------
    sets : tuple of str
        Names of the sets.
    members : int32 array, shape (N,)
        Which set each picture belongs to.
    paths : list of str
        Name of each picture within its set.
    sizes : int32 array, shape (N, 2)
        Width and height in pixels.
    small : bool array, shape (N,)
        Whether the picture is smaller than the canonical view, so that its scores compare with its like only.
    columns : tuple of Column
        What was measured.
    values : float64 array, shape (columns, N)
        The numbers.
    unreadable : list of tuple of str
        Set, path and reason of pictures that were not scored.
    """

    sets: tuple[str, ...]
    members: NDArray[np.int32]
    paths: list[str]
    sizes: NDArray[np.int32]
    small: NDArray[np.bool_]
    columns: tuple[Column, ...]
    values: NDArray[np.float64]
    unreadable: list[tuple[str, str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.paths)

    def named(self, *roles: str) -> list[Column]:
        """Return the columns of some roles, in order."""
        return [column for column in self.columns if column.role in roles]

    def of(self, name: str, number: int | None = None) -> NDArray[np.float64]:
        """Return the values of a column, float64; of one set where a number is given."""
        row = self.values[[column.name for column in self.columns].index(name)]
        return row if number is None else np.asarray(row[self.members == number])

    def summary(self) -> list[dict[str, Any]]:
        """Return, for each set and column, count, mean and quantiles."""
        rows = []
        for number, name in enumerate(self.sets):
            for column in self.named("composite", "estimator", "guard"):
                values = self.of(column.name, number)
                if not values.size:
                    continue
                low, quarter, median, three, high = np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95)).tolist()
                rows.append({
                    "set": name, "score": column.name, "id": column.id, "unit": column.unit, "pictures": values.size,
                    "mean": float(values.mean()), "p05": low, "p25": quarter, "median": median,
                    "p75": three, "p95": high,
                })  # fmt: skip
        return rows

    def correlation(self) -> tuple[list[str], NDArray[np.float64]]:
        """Return names and Spearman rank correlations of composites and estimators, shape (n, n); 0 where constant."""
        names = [column.name for column in self.named("composite", "estimator")]
        from scipy.stats import rankdata  # noqa: PLC0415 - slow to import

        ranks = np.array([rankdata(self.of(name)) for name in names])
        ranks -= ranks.mean(axis=1, keepdims=True)
        lengths = np.sqrt((ranks * ranks).sum(axis=1))
        table = (ranks @ ranks.T) / np.maximum(np.outer(lengths, lengths), np.finfo(np.float64).tiny)
        return names, np.clip(table, -1.0, 1.0)

    def superiority(self, name: str, number: int, other: int = 0) -> float:
        """Return the probability that a picture of one set scores above one of another, ties counting half."""
        from scipy.stats import rankdata  # noqa: PLC0415 - slow to import

        ours, theirs = self.of(name, number), self.of(name, other)
        if not ours.size or not theirs.size:
            return float("nan")
        ranks = rankdata(np.concatenate([ours, theirs]))[: ours.size]
        return float((ranks.sum() - ours.size * (ours.size + 1) / 2) / (ours.size * theirs.size))

    def table(self) -> pa.Table:
        """Return one row a picture; each column says in its metadata what it is, its unit and its identity."""
        arrays: list[Any] = [
            pa.array(np.array(self.sets, dtype=object)[self.members], pa.string()),
            pa.array(self.paths, pa.string()),
            pa.array(self.sizes[:, 0]),
            pa.array(self.sizes[:, 1]),
            pa.array(self.small),
        ]
        head = (
            ("set", "Set that the picture belongs to.", ""),
            ("path", "Name of the picture within its set.", ""),
            ("width", "Width of the upright picture.", "px"),
            ("height", "Height of the upright picture.", "px"),
            ("small", "Smaller than the canonical view: compare with pictures of its own size only.", ""),
        )
        fields = [
            pa.field(name, array.type, nullable=False, metadata={"description": about, "unit": unit})
            for (name, about, unit), array in zip(head, arrays, strict=True)
        ]
        for column, values in zip(self.columns, self.values, strict=True):
            about = {"description": column.about, "unit": column.unit, "id": column.id, "role": column.role}
            fields.append(pa.field(column.name, pa.float64(), nullable=False, metadata=about))
            arrays.append(pa.array(values))
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata={"rainkit:table": "scores"}))

    def document(self) -> dict[str, Any]:
        """Return sets, columns, summary and unreadable pictures as plain JSON values."""
        return {
            "sets": {name: int((self.members == number).sum()) for number, name in enumerate(self.sets)},
            "columns": {c.name: {"role": c.role, "id": c.id, "unit": c.unit, "about": c.about} for c in self.columns},
            "summary": self.summary(),
            "unreadable": [dict(zip(("set", "path", "reason"), row, strict=True)) for row in self.unreadable],
        }

    def write(self, folder: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
        """Write the table as scores.parquet, scores.csv, scores.json, each whole or not at all; return the files."""
        table, written = self.table(), []
        for name in formats:
            path = folder / f"scores.{name}"
            if name == "json":
                rows = {**self.document(), "pictures": table.to_pylist()}
                write_bytes(path, json.dumps(rows, ensure_ascii=False, indent=1).encode())
            else:
                with committing(path) as file:
                    if name == "parquet":
                        pyarrow.parquet.write_table(table, file)
                    else:
                        pyarrow.csv.write_csv(table, file)
            written.append(path)
        return written
