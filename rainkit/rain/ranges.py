"""Numbers that a recipe leaves open: one number, a range, or a choice."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, GetJsonSchemaHandler, model_serializer, model_validator
from pydantic_core import CoreSchema

from rainkit.seeds import Stream


class Numbers(BaseModel):
    """Numbers from which one is drawn.

    A recipe writes `3`, a range `[1, 3]` (evenly drawn, the upper end excluded) or a choice `{values: [1, 3, 5],
    weights: [1, 2, 1]}` (weights are optional).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    low: float
    high: float
    values: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _parse(cls, data: Any) -> Any:
        if isinstance(data, bool):
            raise ValueError("write a number, a range [low, high] or a choice {values: [...]}")
        if isinstance(data, int | float):
            return {"low": data, "high": data}
        if isinstance(data, list | tuple):
            if len(data) != 2:
                raise ValueError(f"a range has two ends, [low, high], not {len(data)}; a choice is {{values: [...]}}")
            return {"low": data[0], "high": data[1]}
        if isinstance(data, dict) and "values" in data and not {"low", "high"} & data.keys():
            values = data["values"]
            if not isinstance(values, list | tuple) or not values:
                raise ValueError("a choice needs at least one value: {values: [1, 3, 5]}")
            return {**data, "low": min(values), "high": max(values)}
        return data

    @model_validator(mode="after")
    def _ordered(self) -> Numbers:
        if self.low > self.high:
            raise ValueError(f"the range [{self.low:g}, {self.high:g}] is empty: write the lower end first")
        if self.weights and (len(self.weights) != len(self.values) or min(self.weights) < 0 or not sum(self.weights)):
            raise ValueError(f"a choice of {len(self.values)} values needs as many weights, not negative, not all 0")
        return self

    @model_serializer
    def _plain(self) -> Any:
        if self.values:
            plain: dict[str, Any] = {"values": list(self.values)}
            return {**plain, "weights": list(self.weights)} if self.weights else plain
        return self.low if self.low == self.high else [self.low, self.high]

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        del schema, handler
        numbers = {"type": "array", "items": {"type": "number"}}
        choice = {
            "type": "object",
            "properties": {"values": {**numbers, "minItems": 1}, "weights": numbers},
            "required": ["values"],
            "additionalProperties": False,
        }
        return {"anyOf": [{"type": "number"}, {**numbers, "minItems": 2, "maxItems": 2}, choice]}

    def draw(self, rng: Stream) -> float:
        """Return one of the numbers; a number that is alone takes its word of the stream but does not make it."""
        if self.low == self.high:
            rng.skip(1)
            return self.low + 0.0
        if self.values:
            return self.values[rng.index(self.weights or (1.0,) * len(self.values))]
        return rng.number(self.low, self.high)

    def draws(self, rng: Stream, count: int) -> NDArray[np.float64]:
        """Return `count` of the numbers, float64, shape (count,)."""
        if self.values:
            weights = self.weights or (1.0,) * len(self.values)
            return np.array(self.values)[rng.choice(weights, count)]
        return rng.uniform(count, self.low, self.high)

    def quantiles(self, unit: float, bits: int = 12) -> NDArray[np.int32]:
        """Return 2^bits equally likely numbers in ascending order, times `unit` and rounded, int32."""
        steps = (np.arange(1 << bits) + 0.5) / (1 << bits)
        if self.values:
            weights = self.weights or (1.0,) * len(self.values)
            edges = [math.fsum(weights[: i + 1]) / math.fsum(weights) for i in range(len(weights) - 1)]
            points = np.array(self.values)[np.searchsorted(np.array(edges), steps, side="right")]
        else:
            points = self.low + steps * (self.high - self.low)
        return np.rint(points * unit).astype(np.int32)


def numbers(low: float, high: float | None = None) -> Numbers:
    """Return a range, or a single number, for the default of a field."""
    return Numbers(low=low, high=low if high is None else high)


def within(low: float = -math.inf, high: float = math.inf) -> AfterValidator:
    """Return a check for `Annotated[Numbers, ...]`: all numbers lie in [low, high]."""

    def check(value: Numbers) -> Numbers:
        if value.low < low or value.high > high:
            limits = f"between {low:g} and {high:g}" if math.isfinite(high) else f"at least {low:g}"
            raise ValueError(f"must be {limits}, not {value.model_dump()}")
        return value

    checker: Callable[[Numbers], Numbers] = check
    return AfterValidator(checker)
