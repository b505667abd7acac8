"""The methods of stratifying: one frozen model each, whose fields are the recipe's block `strata:`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rainkit.errors import BuildError
from rainkit.records import Component
from rainkit.strata.cuts import Scores, cut_at_quantiles, cut_by_rank, cut_by_squares, place, rank_by_id
from rainkit.strata.stratification import place_in_rows, read_scores, read_stratification, require_same_scale

Count = Annotated[int, Field(ge=1, le=1000)]


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """What is to be stratified; `fit` says what the fields mean."""

    scores: Scores
    ids: Sequence[str]
    second: Scores | None = None
    scale: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """What a method makes of the scores; `Stratification` says what the fields mean."""

    labels: NDArray[np.int16]
    edges: tuple[float, ...]
    count: int
    second_edges: tuple[tuple[float, ...], ...] = ()
    closed: bool = False


class Method(Component):
    """What all methods share: who is dropped after the cut."""

    margin: float = Field(
        0.0,
        ge=0,
        description="Drop what scores nearer than this to an edge, so that neighbouring strata are clearly apart.",
        json_schema_extra={"unit": "score"},
    )
    per_stratum: Annotated[int, Field(ge=1)] | Literal["smallest"] | None = Field(
        None,
        description="Keep at most this many in each stratum, or as many as the smallest has; chosen by content hash.",
        json_schema_extra={"unit": "items"},
    )

    def cut(self, items: Items) -> Cut:
        """Return labels and edges of the scores; `fit` does the rest."""
        raise NotImplementedError

    def resolved(self) -> Method:
        """Return the method with what it reads from files written out, so that a recipe stands alone."""
        return self


class Quantile(Method):
    """Strata of equal share, as far as equal scores, which stay together, allow."""

    method: Literal["quantile"] = "quantile"
    count: Count = Field(5, description="Number of strata.")

    def cut(self, items: Items) -> Cut:
        """Cut at the boundaries between different scores that are nearest to the quantiles."""
        edges = cut_at_quantiles(items.scores, self.count)
        return Cut(place(items.scores, edges), edges, self.count)


class EqualCount(Method):
    """Strata whose counts differ by at most one; equal scores at an edge are split by content hash."""

    method: Literal["equal_count"] = "equal_count"
    count: Count = Field(5, description="Number of strata.")

    def cut(self, items: Items) -> Cut:
        """Cut by rank."""
        labels, edges = cut_by_rank(items.scores, items.ids, self.count)
        return Cut(labels, edges, self.count, closed=True)


class KMeans(Method):
    """Strata at the gaps of the scores: exact one-dimensional k-means, without a random start."""

    method: Literal["kmeans"] = "kmeans"
    count: Count = Field(5, description="Number of strata.")

    def cut(self, items: Items) -> Cut:
        """Cut where the sum of squares within strata is least."""
        edges = cut_by_squares(items.scores, self.count)
        return Cut(place(items.scores, edges), edges, self.count)


def _require_rising(edges: Sequence[float]) -> None:
    for left, right in pairwise(edges):
        if not left < right:
            raise ValueError(f"edges must rise, but {right} follows {left}")


class Edges(Method):
    """Strata between fixed edges, written here or taken from an earlier corpus, so that versions stay comparable."""

    method: Literal["edges"] = "edges"
    edges: tuple[float, ...] | None = Field(
        None, description="Inner edges, rising; n edges make n + 1 strata.", json_schema_extra={"unit": "score"}
    )
    edges_from: str | None = Field(
        None, description="Corpus folder or samples.parquet whose edges to take, instead of `edges`."
    )
    scale: str | None = Field(
        None, description="Id of the estimator that the edges belong to; scores of another one are refused."
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Edges:
        if (self.edges is None) == (self.edges_from is None):
            raise ValueError("give either `edges` or `edges_from`")
        _require_rising(self.edges or ())
        return self

    def resolved(self) -> Edges:
        """Return the same with the edges of the earlier corpus written out."""
        if self.edges_from is None:
            return self
        document = read_stratification(self.edges_from)
        if document.get("second_edges"):
            raise BuildError(f"strata: {self.edges_from} has a grid of strata; `edges_from` takes edges of one score")
        edges, scale = tuple(float(edge) for edge in document["edges"]), str(document.get("scale", ""))
        require_same_scale(self.scale or "", scale, self.edges_from)
        return self.model_copy(update={"edges": edges, "edges_from": None, "scale": self.scale or scale or None})

    def cut(self, items: Items) -> Cut:
        """Place the scores between the edges."""
        known = self.resolved()
        require_same_scale(items.scale, known.scale or "", self.edges_from or "the recipe")
        edges = known.edges or ()
        return Cut(place(items.scores, edges), edges, len(edges) + 1)


class Match(Method):
    """Keep what makes the histogram of the scores that of a target: shares between edges, or another corpus."""

    method: Literal["match"] = "match"
    edges: tuple[float, ...] | None = Field(
        None, description="Inner edges of the target histogram, rising.", json_schema_extra={"unit": "score"}
    )
    shares: tuple[Annotated[float, Field(ge=0)], ...] | None = Field(
        None, description="Weight of each bin, one more than edges; they need not add up to one."
    )
    like: str | None = Field(None, description="Corpus folder or samples.parquet whose histogram to match, instead.")
    count: Count = Field(10, description="Number of bins of equal share into which the scores of `like` are cut.")
    scale: str | None = Field(
        None, description="Id of the estimator that the edges belong to; scores of another one are refused."
    )

    @model_validator(mode="after")
    def _one_target(self) -> Match:
        if (self.like is None) == (self.edges is None) or (self.edges is None) != (self.shares is None):
            raise ValueError("give either `edges` and `shares`, or `like`")
        _require_rising(self.edges or ())
        if self.edges is not None and self.shares is not None and len(self.shares) != len(self.edges) + 1:
            raise ValueError(f"{len(self.edges)} edges need {len(self.edges) + 1} shares, not {len(self.shares)}")
        if self.shares is not None and not sum(self.shares) > 0:
            raise ValueError("one of the shares must be positive")
        if self.per_stratum is not None:
            raise ValueError("`per_stratum` would undo the match; leave it out")
        return self

    def resolved(self) -> Match:
        """Return the same with the histogram of the other corpus written out."""
        if self.like is None:
            return self
        scores, scale = read_scores(self.like)
        require_same_scale(self.scale or "", scale, self.like)
        edges = cut_at_quantiles(scores, self.count, f"scores of {self.like}")
        shares = np.bincount(place(scores, edges), minlength=self.count) / scores.size
        update = {"edges": edges, "shares": tuple(shares.tolist()), "like": None, "scale": self.scale or scale or None}
        return self.model_copy(update=update)

    def cut(self, items: Items) -> Cut:
        """Place the scores in the bins and keep, in each, a quota by content hash."""
        known = self.resolved()
        require_same_scale(items.scale, known.scale or "", self.like or "the recipe")
        edges, shares = known.edges or (), known.shares or ()
        labels = place(items.scores, edges)
        quotas = match_quotas(np.bincount(labels, minlength=len(shares)).tolist(), shares)
        return Cut(keep_by_id(labels, items.ids, quotas), edges, len(shares))


class Grid(Method):
    """Strata in two dimensions: quantiles of complexity, and of a second score such as contrast."""

    method: Literal["grid"] = "grid"
    count: Count = Field(3, description="Number of strata of the score.")
    second: str = Field("rms_contrast", description="Kind of the estimator of the second score.")
    second_count: Count = Field(3, description="Number of strata of the second score.")
    second_edges: Literal["shared", "within"] = Field(
        "shared",
        description="One set of edges of the second score for all strata, or quantiles within each stratum.",
    )

    def cut(self, items: Items) -> Cut:
        """Cut both scores at quantiles; label = stratum of the score * second_count + stratum of the second."""
        if items.second is None:
            raise BuildError(f"strata: a grid needs the scores of `{self.second}`; add it to the estimators")
        second = items.second
        edges = cut_at_quantiles(items.scores, self.count)
        rows = place(items.scores, edges)
        if self.second_edges == "shared":
            across = (cut_at_quantiles(second, self.second_count, f"scores of {self.second}"),) * self.count
        else:
            across = tuple(
                cut_at_quantiles(second[rows == row], self.second_count, f"scores of {self.second} in stratum {row}")
                for row in range(self.count)
            )
        return Cut(place_in_rows(rows, second, across), edges, self.count * self.second_count, across)


def match_quotas(counts: Sequence[int], shares: Sequence[float]) -> list[int]:
    """Return how many of each bin to keep so that the kept are as many as possible and in proportion to the shares.

    Exact rational arithmetic: the same on every processor.

    Raises
    ------
    BuildError
        If a bin with a positive share is empty.
    """
    total = sum(map(Fraction, shares))
    parts = [Fraction(share) / total for share in shares]
    for index, (have, part) in enumerate(zip(counts, parts, strict=True)):
        if part and not have:
            raise BuildError(
                f"strata: the target histogram asks for {float(part):.1%} in bin {index}, where there is nothing; "
                "widen the bin, set its share to 0, or add backgrounds of that complexity"
            )
    kept = min(have / part for have, part in zip(counts, parts, strict=True) if part)
    return [int(kept * part) for part in parts]


def keep_by_id(labels: NDArray[np.int16], ids: Sequence[str], quotas: Sequence[int]) -> NDArray[np.int16]:
    """Return the labels with all but the first `quotas[stratum]` of each stratum, in the order of hashes, set to -1."""
    kept = np.full_like(labels, -1)
    ranks = rank_by_id(ids)
    for stratum, quota in enumerate(quotas):
        members = np.flatnonzero(labels == stratum)
        kept[members[np.argsort(ranks[members], kind="stable")[:quota]]] = stratum
    return kept


METHODS: dict[str, type[Method]] = {
    "quantile": Quantile,
    "equal_count": EqualCount,
    "kmeans": KMeans,
    "edges": Edges,
    "match": Match,
    "grid": Grid,
}

Strata = Annotated[Quantile | EqualCount | KMeans | Edges | Match | Grid, Field(discriminator="method")]
