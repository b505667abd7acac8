"""What a gate found, and how its table is read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rainkit.errors import RecipeError

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a gate found.

    Attributes
    ----------
    gate : str
        Name of the gate.
    passed : bool or None
        Whether the corpus may go through; None where another gate failed first and this one could only repeat it.
    value, threshold : float or None
        What was measured and what is asked; None where the gate is no matter of a number.
    unit : str
        Of both.
    reason : str
        What the value is, where it is worst, and why it passes or fails.
    """

    gate: str
    passed: bool | None
    value: float | None
    threshold: float | None
    unit: str
    reason: str

    @property
    def status(self) -> str:
        """`passed`, `failed` or `not judged`."""
        return "not judged" if self.passed is None else "passed" if self.passed else "failed"

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain JSON values; a number that is none becomes null."""
        value = self.value if self.value is not None and math.isfinite(self.value) else None
        return {
            "gate": self.gate,
            "status": self.status,
            "value": value,
            "threshold": self.threshold,
            "unit": self.unit,
            "reason": self.reason,
        }


def fail(gate: str, why: str) -> Finding:
    """Return a gate that failed because there is nothing to judge it by."""
    return Finding(gate, False, None, None, "", f"cannot be judged: {why}")


def follow(gate: str, cause: str) -> Finding:
    """Return a gate that is not judged because another one, the cause, failed."""
    return Finding(gate, None, None, None, "", f"not judged, because {cause} failed")


def column(table: pa.Table, name: str) -> Column:
    """Return a column as float64, NaN where it is null.

    Raises
    ------
    RecipeError
        If there is no such column.
    """
    if name not in table.column_names:
        raise RecipeError(f"a table of gates lacks the column {name}")
    return np.array([math.nan if value is None else value for value in table[name].to_pylist()], dtype=np.float64)


def mean(table: pa.Table, name: str) -> float:
    """Return the mean of a column's finite values, NaN without any."""
    values = column(table, name)
    values = values[np.isfinite(values)]
    return float(values.mean()) if values.size else math.nan


def groups(table: pa.Table, name: str) -> Iterator[tuple[Any, pa.Table]]:
    """Yield each value of a column, in order of appearance, with its rows."""
    values = table[name].to_pylist()
    for value in dict.fromkeys(values):
        yield value, table.filter(pa.array([other == value for other in values], pa.bool_()))
