"""The recipe block `complexity:`: what is measured, of what, and which number is the score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, cast

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from rainkit.complexity.composite import COMPOSITE_VERSION, COMPOSITES, composite
from rainkit.complexity.estimators import DEFAULT_ESTIMATORS, ESTIMATORS, INSTRUMENTS, AnyEstimator
from rainkit.complexity.instrument import Instrument, Unit, Values
from rainkit.complexity.reference import reference, reference_version
from rainkit.errors import RecipeError


def _expand(value: Any) -> Any:
    """Turn the shorthand `gradient_entropy` into `{kind: gradient_entropy}`."""
    if isinstance(value, str | dict | Instrument):
        value = [value]
    if isinstance(value, list | tuple):
        return [{"kind": item} if isinstance(item, str) else item for item in value]
    return value


def _allow_names(schema: dict[str, Any]) -> None:
    """Let the JSON Schema, which editors complete from, take a name where a mapping stands."""
    schema["items"] = {"anyOf": [{"enum": list(ESTIMATORS), "type": "string"}, schema["items"]]}


def _default_estimators() -> tuple[AnyEstimator, ...]:
    return cast("tuple[AnyEstimator, ...]", tuple(ESTIMATORS[kind]() for kind in DEFAULT_ESTIMATORS))


class Complexity(BaseModel):
    """What is measured of each background, and which number its stratum comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    estimators: Annotated[tuple[AnyEstimator, ...], BeforeValidator(_expand)] = Field(
        default_factory=_default_estimators,
        description="Estimators that become columns, each a name or a mapping with `kind`; members of the score are "
        "added where they are missing.",
        json_schema_extra=_allow_names,
    )
    score: str = Field(
        default="composite",
        description="The number that strata are made from: composite, human, or the kind of one estimator.",
    )
    weights: dict[str, Annotated[float, Field(gt=0, le=1000)]] | None = Field(
        default=None,
        min_length=1,
        description="Members of the composite and their weights, estimator kind to number; its own where not given.",
    )
    unit: Unit = Field(default="picture", description="What is scored: whole pictures, or the patches that are cut.")
    stride: int | None = Field(
        default=None,
        ge=1,
        le=8192,
        description="Distance between neighbouring patches; the patch's side where not given.",
        json_schema_extra={"unit": "px"},
    )

    @model_validator(mode="after")
    def _check(self) -> Complexity:
        kinds = [estimator.kind for estimator in self.estimators]
        twice = sorted({kind for kind in kinds if kinds.count(kind) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} stands twice in estimators")
        if self.score not in COMPOSITES and self.score not in ESTIMATORS:
            raise ValueError(f"unknown score {self.score!r}; one of {', '.join((*COMPOSITES, *ESTIMATORS))}")
        if self.weights is not None:
            if self.score not in COMPOSITES:
                raise ValueError(f"weights are for a composite, and the score is {self.score}; leave them out")
            unknown = sorted(set(self.weights) - set(INSTRUMENTS))
            if unknown:
                raise ValueError(f"weights name no estimator: {', '.join(unknown)}; one of {', '.join(INSTRUMENTS)}")
            try:
                for kind in self.weights:
                    reference(kind, self.unit)
            except RecipeError as error:
                raise ValueError(str(error)) from None
        return self

    @property
    def members(self) -> dict[str, float]:
        """Members of the score and their weights; one estimator with weight 1 where the score is not a composite."""
        if self.score not in COMPOSITES:
            return {self.score: 1.0}
        return dict(self.weights or COMPOSITES[self.score])

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """What has to be measured: the estimators of the recipe, then members of the score that they lack."""
        listed = {estimator.kind for estimator in self.estimators}
        return (*self.estimators, *(INSTRUMENTS[kind]() for kind in self.members if kind not in listed))

    @property
    def score_id(self) -> str:
        """Identity of the score, as `Instrument.identify` for one estimator; scores of different identity never mix."""
        if self.score not in COMPOSITES:
            return ESTIMATORS[self.score]().identify(self.unit)
        parts = [f"{INSTRUMENTS[kind]().identify(self.unit)}*{weight:g}" for kind, weight in self.members.items()]
        return f"{self.score}@{self.unit}/{COMPOSITE_VERSION}.{reference_version()}({'+'.join(parts)})"

    @property
    def ids(self) -> dict[str, str]:
        """Identity of every column by its name, `score` among them."""
        return {**{each.kind: each.identify(self.unit) for each in self.instruments}, "score": self.score_id}

    def combine(self, columns: Mapping[str, Values]) -> tuple[Values, Values]:
        """Return the score of each row and the spread of its members.

        Parameters
        ----------
        columns : mapping of str to float64 array (N,)
            Values by estimator kind, for all of `instruments` that are members of the score.

        Returns
        -------
        score, spread : float64 arrays (N,)
            A composite is 0 to 1; the score of one estimator is its value, with a spread of 0.
        """
        if self.score in COMPOSITES:
            return composite(columns, self.members, self.unit)
        values = np.asarray(columns[self.score], dtype=np.float64)
        return values, np.zeros_like(values)
