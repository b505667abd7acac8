"""Selection: a stated number of backgrounds at a stated complexity, nested so that 8, 16, 32, ... share pictures.

A selection is an order of preference cut off at `count`: the order does not depend on the count, so a smaller selection
is the beginning of a larger one. Within a class of complexity pictures are preferred by the hash of their ids, which
are made from their content: pictures that are added later fall between the others and push none of them around.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rainkit.errors import BuildError
from rainkit.records import Component
from rainkit.strata import Match, Quantile, fit
from rainkit.strata.cuts import place, rank_by_id
from rainkit.strata.stratification import require_same_scale

Indices = NDArray[np.int64]


class Select(Component):
    """How many backgrounds to keep, and of what complexity."""

    count: int = Field(ge=1, description="Number of backgrounds; a smaller selection is part of a larger one.")
    by: Literal["low", "high", "random", "stratified", "matched"] = Field(
        "random",
        description="low, high: from the simplest or most complex `share`; random: from all; stratified: as many from "
        "each of `strata`; matched: by the histogram of `target`.",
    )
    share: float = Field(
        0.2, gt=0, le=1, description="Share of the pictures, from the simple or complex end, for low and high."
    )
    strata: Annotated[int, Field(ge=1, le=1000)] = Field(5, description="Number of strata of equal share, stratified.")
    target: Match | None = Field(None, description="Histogram to follow, matched: edges and shares, or like.")
    draw: int = Field(
        0, ge=0, description="Number of the draw; another number prefers other pictures of the same complexity."
    )

    @model_validator(mode="after")
    def _target_if_matched(self) -> Select:
        if (self.by == "matched") != (self.target is not None):
            raise ValueError("`target` goes with `by: matched`, and only with it")
        if self.target is not None and self.target.margin:
            raise ValueError("`margin` of the target has no meaning in a selection; leave it out")
        return self

    def resolved(self) -> Select:
        """Return the selection with a target that is read from a corpus written out."""
        return self if self.target is None else self.model_copy(update={"target": self.target.resolved()})


def select(scores: NDArray[np.float64], ids: Sequence[str], selection: Select, *, scale: str = "") -> Indices:
    """Return the indices of the selected backgrounds, int64, shape (count,), the most preferred first.

    Parameters
    ----------
    scores : float64 array, shape (N,)
        Finite scores of one estimator.
    ids : sequence of str, length N
        Names made from content.
    selection : Select
        What to select; `selection.count` cuts the order off.
    scale : str
        Id of the estimator; a target of another scale is refused.

    Raises
    ------
    BuildError
        If there are not enough backgrounds of that complexity; the message says how many there are.

    Examples
    --------
    >>> chosen = select(np.arange(10.0), list("abcdefghij"), Select(count=2, by="low", share=0.5))
    >>> bool((chosen < 5).all())
    True
    """
    scores = np.asarray(scores, dtype=np.float64)
    ranks = rank_by_id([f"{selection.draw}/{name}" for name in ids])
    if selection.by == "stratified":
        labels = fit(Quantile(count=selection.strata), scores, ids, scale=scale).labels
        return _by_quota(labels, ranks, [1.0] * selection.strata, selection)
    if selection.by == "matched" and selection.target is not None:
        target = selection.target.resolved()
        require_same_scale(scale, target.scale or "", selection.target.like or "the target of the selection")
        return _by_quota(place(scores, target.edges or ()), ranks, target.shares or (), selection)
    pool = _pool(scores, ranks, selection)
    if pool.size < selection.count:
        of = "" if selection.by == "random" else f" in the share of {selection.share:g} that is {selection.by}"
        raise BuildError(
            f"select: {selection.count} backgrounds were asked for, and there are {pool.size}{of}; ask for fewer"
            + (", raise `share`," if of else "")
            + " or add pictures"
        )
    return pool[np.argsort(ranks[pool], kind="stable")][: selection.count]


def _pool(scores: NDArray[np.float64], ranks: Indices, selection: Select) -> Indices:
    """Return the members of the share at one end, equal scores in the order of the ranks."""
    if selection.by == "random":
        return np.arange(scores.size)
    order = np.lexsort((ranks, scores if selection.by == "low" else -scores))
    return np.asarray(order[: round(selection.share * scores.size)])


def _by_quota(labels: NDArray[np.int16], ranks: Indices, shares: Sequence[float], selection: Select) -> Indices:
    """Return members taken one by one, each from the class that lags most behind its share."""
    queues = [np.flatnonzero(labels == label) for label in range(len(shares))]
    queues = [queue[np.argsort(ranks[queue], kind="stable")] for queue in queues]
    weights = [Fraction(share) for share in shares]
    parts = [weight / sum(weights) for weight in weights]
    taken = [0] * len(shares)
    chosen = []
    for number in range(1, selection.count + 1):
        label = max(range(len(parts)), key=lambda i: (parts[i] * number - taken[i], -i))
        if taken[label] == queues[label].size:
            raise BuildError(
                f"select: {selection.count} backgrounds were asked for, {selection.by}, but class {label} of "
                f"{len(shares)} has only {taken[label]}, enough for {number - 1} in all; ask for fewer, or add "
                "pictures of that complexity"
            )
        chosen.append(int(queues[label][taken[label]]))
        taken[label] += 1
    return np.array(chosen, dtype=np.int64)
