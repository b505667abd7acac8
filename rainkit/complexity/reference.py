"""Frozen reference distributions: what values the estimators take on many pictures, as numbers.

`reference.json` holds, for pictures (canonical view) and for patches (native pixels, 128 px), the quantiles of each
estimator. It was made by `benchmarks/complexity.py reference`.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rainkit.complexity.instrument import Unit
from rainkit.errors import RecipeError


@lru_cache(maxsize=1)
def _load() -> dict[str, Any]:
    text = (resources.files("rainkit.complexity") / "reference.json").read_text(encoding="utf-8")
    tables: dict[str, Any] = json.loads(text)
    return tables


def reference_version() -> int:
    """Return the version of the reference distributions."""
    return int(_load()["version"])


@lru_cache(maxsize=256)
def reference(kind: str, unit: Unit) -> NDArray[np.int64]:
    """Return the quantiles of an estimator, int64, ascending, in millionths of its unit.

    Raises
    ------
    RecipeError
        If the estimator has no reference, and so cannot be a member of a composite.
    """
    tables = _load()[unit]
    if kind not in tables:
        raise RecipeError(
            f"{kind} has no reference distribution, so it cannot be ranked; those that have: {', '.join(tables)}"
        )
    table = np.array(tables[kind], dtype=np.int64)
    table.flags.writeable = False
    return table
