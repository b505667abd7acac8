"""The composite: where a picture ranks, by several estimators, among pictures of reference.

Estimators have different units and scales, so each value is first turned into its rank, 0 to 1, within a frozen
reference distribution of that estimator (`rainkit.complexity.reference`); the composite is the weighted mean of those
ranks. A score therefore depends on no other picture of the corpus, and stays the same when the corpus grows. The
spread, the weighted deviation of the members' ranks, says how far the members agree: a large one marks a picture
whose complexity is a matter of definition. Ranks are computed in integers of 2^-20.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rainkit.complexity.instrument import STEP, Unit, Values, quantise
from rainkit.complexity.reference import reference
from rainkit.errors import RecipeError

COMPOSITES: dict[str, dict[str, float]] = {
    "composite": {"gradient_entropy_3": 2.0, "dct_significance": 1.0, "colour_count": 2.0},
    "human": {"contour_count": 2.0, "colour_count": 2.0, "spatial_information": 1.0},
}
"""Composites by name: kind of member to weight.

`composite` weighs structure against colour; of the two members that see structure, the coding cost counts half. Its
members are estimators whose settings were not tuned; the halving was decided with ratings in view. `human` has an
ingredient and weights that are tuned on people's ratings of objects and of scenes.
"""

COMPOSITE_VERSION = 1
"""Raised when members, weights or references of a composite change."""

_ONE = 1 << 20


def ranks(kind: str, values: Values, unit: Unit = "picture") -> Values:
    """Return the rank of each value among the reference pictures, float64 (N,), 0 to 1.

    Linear between the quantiles of the table; the middle of a run of equal quantiles; 0 and 1 beyond the table.

    Raises
    ------
    RecipeError
        If there is no reference distribution for that estimator.
    """
    table = reference(kind, unit)
    whole = np.rint(np.asarray(values, dtype=np.float64) * STEP).astype(np.int64)
    last = len(table) - 1
    low = np.searchsorted(table, whole, side="left").astype(np.int64)
    high = np.searchsorted(table, whole, side="right").astype(np.int64)
    # Between two quantiles low == high; on one or several equal ones low < high.
    below = np.clip(low - 1, 0, last)
    gap = np.maximum(table[np.clip(low, 0, last)] - table[below], 1)
    between = below * _ONE + ((whole - table[below]) * _ONE) // gap
    middle = (low + high - 1) * (_ONE // 2)
    fixed = np.where(low < high, middle, between)
    fixed = np.where(whole < table[0], 0, np.where(whole > table[-1], last * _ONE, fixed))
    return np.asarray((fixed // last).astype(np.float64) / _ONE)


def composite(
    columns: Mapping[str, Values], weights: Mapping[str, float], unit: Unit = "picture"
) -> tuple[Values, Values]:
    """Return the weighted mean of the members' ranks, and their spread.

    Parameters
    ----------
    columns : mapping of str to float64 array (N,)
        Values by estimator kind; those without a weight are not looked at.
    weights : mapping of str to float
        Weight of each member, positive.
    unit : {"picture", "patch"}
        Which reference: of canonical views of pictures, or of native patches.

    Returns
    -------
    score, spread : float64 arrays (N,)
        0 (simplest) to 1, and the weighted standard deviation of the ranks, 0 to 0.5; multiples of 1e-6.

    Raises
    ------
    RecipeError
        If a member has no column or no reference, or the weights cannot be used.
    """
    missing = [kind for kind in weights if kind not in columns]
    if missing:
        raise RecipeError(f"the composite needs {', '.join(missing)}, which was not measured; add it to `estimators`")
    total = math.fsum(weights.values())
    if not weights or min(weights.values()) <= 0 or not math.isfinite(total):
        raise RecipeError(f"weights of a composite are positive numbers, at least one: {dict(weights)}")
    table: NDArray[np.float64] = np.stack([ranks(kind, np.asarray(columns[kind]), unit) for kind in weights])
    shares = [weight / total for weight in weights.values()]
    score = np.zeros(table.shape[1])
    for share, row in zip(shares, table, strict=True):  # in a fixed order, so that the sum rounds alike everywhere
        score = score + share * row
    square = np.zeros(table.shape[1])
    for share, row in zip(shares, table, strict=True):
        square = square + share * (row - score) * (row - score)
    return quantise(score), quantise(np.sqrt(square))
