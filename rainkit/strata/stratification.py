"""The result of stratifying: labels, edges, and the scale that they stand on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rainkit.errors import BuildError, SourceError
from rainkit.strata.cuts import place

METADATA_KEY = b"rainkit:strata"
"""Key of the Parquet schema metadata of samples.parquet under which `Stratification.document` stands as JSON."""


@dataclass(frozen=True, slots=True, eq=False)
class Stratification:
    """Labels and the edges that made them.

    Attributes
    ----------
    labels : int16 array, shape (N,)
        Stratum of each score, 0 the simplest; -1 for a score that was dropped (near an edge, or over a quota).
    edges : tuple of float
        Inner edges of the scores, ascending; a score at an edge belongs above it.
    count : int
        Number of strata; of a grid, complexities times contrasts.
    method : str
        Name of the method in the recipe.
    scale : str
        Id of the estimator of the scores, "" when unknown.
    second_edges : tuple of tuple of float
        Of a grid, the inner edges of the second score for each stratum of the first; else empty.
    second_scale : str
        Id of the estimator of the second scores.
    closed : bool
        True if scores at an edge were split between both of its strata.
    """

    labels: NDArray[np.int16]
    edges: tuple[float, ...]
    count: int
    method: str
    scale: str = ""
    second_edges: tuple[tuple[float, ...], ...] = ()
    second_scale: str = ""
    closed: bool = False

    @property
    def counts(self) -> tuple[int, ...]:
        """How many scores each stratum holds."""
        return tuple(np.bincount(self.labels[self.labels >= 0], minlength=self.count).tolist())

    @property
    def dropped(self) -> int:
        """How many scores are in no stratum."""
        return int((self.labels < 0).sum())

    def place(self, scores: NDArray[np.float64], second: NDArray[np.float64] | None = None) -> NDArray[np.int16]:
        """Return the stratum of other scores by these edges, int16, shape (M,); nothing is dropped.

        Parameters
        ----------
        scores, second : float64 array, shape (M,)
            Scores of the same scale; `second` for a grid only.
        """
        rows = place(scores, self.edges)
        if not self.second_edges:
            return rows
        if second is None:
            raise BuildError("strata: a grid places pairs of scores; give the second scores too")
        return place_in_rows(rows, second, self.second_edges)

    def agrees(
        self, scores: NDArray[np.float64], labels: NDArray[np.int16], second: NDArray[np.float64] | None = None
    ) -> NDArray[np.bool_]:
        """Return where scores measured again lie in their stated strata, bool, shape (M,).

        A score exactly at an edge agrees with both sides if the method split ties there.
        """
        placed = self.place(scores, second)
        agreed: NDArray[np.bool_] = placed == labels
        if self.closed and self.edges:
            edges = np.asarray(self.edges)
            agreed |= (np.searchsorted(edges, scores, side="left") <= labels) & (labels <= placed)
        return agreed

    def document(self) -> dict[str, Any]:
        """Return what a manifest keeps, as plain JSON values; `read_stratification` reads it back."""
        return {
            "method": self.method,
            "count": self.count,
            "scale": self.scale,
            "edges": list(self.edges),
            "second_scale": self.second_scale,
            "second_edges": [list(row) for row in self.second_edges],
            "counts": list(self.counts),
            "dropped": self.dropped,
            "closed": self.closed,
        }


def place_in_rows(
    rows: NDArray[np.int16], second: NDArray[np.float64], second_edges: Sequence[Sequence[float]]
) -> NDArray[np.int16]:
    """Return row * columns + column, where each row has its own edges of the second score."""
    columns = len(second_edges[0]) + 1
    labels = np.empty(rows.size, dtype=np.int16)
    for row, edges in enumerate(second_edges):
        inside = rows == row
        labels[inside] = row * columns + place(second[inside], edges)
    return labels


def require_same_scale(ours: str, theirs: str, where: str) -> None:
    """Raise BuildError if two scales are known and differ: scores of different estimators are never compared."""
    if ours and theirs and ours != theirs:
        raise BuildError(
            f"strata: the scores are measured by {ours}, the edges of {where} stand on the scale of {theirs}; "
            "score both with the same estimator, view and version"
        )


def samples_path(path: str | Path) -> Path:
    """Return samples.parquet of a corpus, a manifest folder, or the Parquet file itself.

    Raises
    ------
    SourceError
        If there is none.
    """
    given = Path(path)
    tried = (
        [given] if given.suffix == ".parquet" else [given / "metadata" / "samples.parquet", given / "samples.parquet"]
    )
    for candidate in tried:
        if candidate.is_file():
            return candidate
    looked = ", ".join(map(str, tried))
    raise SourceError(f"{given}: no manifest there (looked for {looked}); give a corpus folder or its samples.parquet")


def read_stratification(path: str | Path) -> dict[str, Any]:
    """Return the document of the strata of an earlier corpus.

    Parameters
    ----------
    path : str or Path
        Corpus folder, manifest folder, or samples.parquet.

    Raises
    ------
    SourceError
        If there is no manifest, or it records no strata.
    """
    import pyarrow.parquet  # noqa: PLC0415 - needed for manifests alone

    file = samples_path(path)
    metadata: Mapping[bytes, bytes] = pyarrow.parquet.read_schema(file).metadata or {}
    if METADATA_KEY not in metadata:
        raise SourceError(f"{file}: the manifest records no edges of strata; write the edges in the recipe instead")
    document = json.loads(metadata[METADATA_KEY])
    if not isinstance(document, dict) or "edges" not in document:
        raise SourceError(f"{file}: the record of the strata is damaged; verify that corpus")
    return document


def read_scores(path: str | Path) -> tuple[NDArray[np.float64], str]:
    """Return the scores of an earlier corpus, float64, one a sample, and the id of their estimator ("" if unknown)."""
    import pyarrow.parquet  # noqa: PLC0415 - needed for manifests alone

    file = samples_path(path)
    schema = pyarrow.parquet.read_schema(file)
    if "score" not in schema.names:
        raise SourceError(f"{file}: the manifest has no column `score`")
    column = pyarrow.parquet.read_table(file, columns=["score"]).column("score")
    document = json.loads((schema.metadata or {}).get(METADATA_KEY, b"{}"))
    return np.asarray(column.to_numpy(), dtype=np.float64), str(document.get("scale", ""))
