"""From scores to strata."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rainkit.errors import BuildError
from rainkit.strata.methods import Cut, Items, Method, keep_by_id
from rainkit.strata.stratification import Stratification


def fit(
    strata: Method,
    scores: NDArray[np.float64],
    ids: Sequence[str],
    second: NDArray[np.float64] | None = None,
    *,
    scale: str = "",
    second_scale: str = "",
) -> Stratification:
    """Return the stratification of scored pictures or patches.

    The label of an item is a function of its score and id and of the set of all of them, never of their order.

    Parameters
    ----------
    strata : Method
        Block `strata:` of a recipe.
    scores : float64 array, shape (N,)
        Finite scores of one estimator.
    ids : sequence of str, length N
        Names made from content (of patches, with their rectangle); they break ties and choose who is dropped.
    second : float64 array, shape (N,), optional
        Scores of the second dimension of a grid.
    scale, second_scale : str
        Ids of the estimators, "kind@view/version"; edges that belong to another scale are refused.

    Raises
    ------
    BuildError
        If there are no scores, a score is not finite, there are fewer distinct scores than strata, a stratum stays
        empty, or the edges belong to another estimator.
    """
    scores = _checked(scores, len(ids), "score")
    if second is not None:
        second = _checked(second, len(ids), "second score")
    cut = strata.cut(Items(scores, ids, second, scale))
    _require_filled(cut.labels, cut, strata, "")
    labels = _without_margin(cut, scores, second, strata.margin)
    if strata.margin:
        _require_filled(labels, cut, strata, f" after the margin of {strata.margin:g} was dropped")
    if strata.per_stratum is not None:
        counts = np.bincount(labels[labels >= 0], minlength=cut.count)
        quota = int(counts.min()) if strata.per_stratum == "smallest" else strata.per_stratum
        labels = keep_by_id(labels, ids, [quota] * cut.count)
    name = str(getattr(strata, "method", ""))
    return Stratification(
        labels,
        cut.edges,
        cut.count,
        name,
        scale,
        cut.second_edges,
        second_scale if cut.second_edges else "",
        cut.closed,
    )


def _checked(scores: NDArray[np.float64], count: int, what: str) -> NDArray[np.float64]:
    array = np.asarray(scores, dtype=np.float64)
    if array.shape != (count,):
        raise ValueError(f"{count} ids need {what}s of shape ({count},), not {array.shape}")
    if not count:
        raise BuildError("strata: there is nothing to stratify; no background was admitted")
    wrong = np.flatnonzero(~np.isfinite(array))
    if wrong.size:
        raise BuildError(f"strata: {wrong.size} of {count} {what}s are not finite, the first is number {wrong[0]}")
    return array + 0.0  # -0.0 becomes 0.0, so that equal scores print and sort alike


def _without_margin(
    cut: Cut, scores: NDArray[np.float64], second: NDArray[np.float64] | None, margin: float
) -> NDArray[np.int16]:
    if not margin:
        return cut.labels
    labels = cut.labels.copy()
    labels[_near(scores, cut.edges, margin)] = -1
    if second is not None and cut.second_edges:
        columns = len(cut.second_edges[0]) + 1
        for row, edges in enumerate(cut.second_edges):
            inside = cut.labels // columns == row
            labels[inside & _near(second, edges, margin)] = -1
    return labels


def _near(scores: NDArray[np.float64], edges: Sequence[float], margin: float) -> NDArray[np.bool_]:
    near = np.zeros(scores.shape, dtype=np.bool_)
    for edge in edges:
        near |= np.abs(scores - edge) < margin
    return near


def _require_filled(labels: NDArray[np.int16], cut: Cut, strata: Method, when: str) -> None:
    counts = np.bincount(labels[labels >= 0], minlength=cut.count)
    shares = getattr(strata, "shares", None)
    empty = [index for index in np.flatnonzero(counts == 0).tolist() if not shares or shares[index] > 0]
    if not empty:
        return
    names = ", ".join(map(str, empty[:8])) + (", ..." if len(empty) > 8 else "")
    raise BuildError(
        f"strata: {len(empty)} of {cut.count} strata are empty{when} ({names}); counts: "
        f"{', '.join(map(str, counts.tolist()[:50]))}. "
        "Use fewer strata, other edges, a smaller margin, or add backgrounds"
    )
