"""The recipe: what can change a pixel, as frozen models."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    model_serializer,
    model_validator,
)

from rainkit.backgrounds import Backgrounds
from rainkit.complexity import ESTIMATORS, Complexity, Guards, Instrument
from rainkit.complexity.instrument import Unit
from rainkit.rain import AnySimulator
from rainkit.recipe.problems import dotted, suggest
from rainkit.recipe.text import Address
from rainkit.recipe.validation import Validation
from rainkit.selection import Select
from rainkit.sources import AnySource
from rainkit.strata import Edges, Grid, Match, Method, Quantile, Strata

CHANNELS: dict[str, str] = {
    "rainy": "the rainy picture, 8-bit RGB PNG",
    "clean": "the background, 8-bit RGB PNG",
    "rain": "the rain layer, 8-bit PNG: grey, or RGB where a simulator of the recipe tints its streaks",
    "mask": "pixels with rain, 8-bit grey PNG, 0 or 255",
    "transmission": "share of the scene's light that passes the veil, 8-bit grey PNG, 255 = all",
    "depth": "distance that the veil was computed from, uint16 centimetres, NPY",
    "streaks": "streaks as fixed-point vectors, int32, NPY; enough to draw the layer again",
}
"""Members of a sample that a recipe may ask for, in the order of the pipeline."""

_NAME = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_RESERVED = {"unused"}


class Block(BaseModel):
    """A mapping of the recipe: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name) or len(name) > 48 or name in _RESERVED:
        raise ValueError(
            f"{name!r} cannot be a name: at most 48 of a-z, 0-9, and single - or _ between them"
            + (" ('unused' is taken)" if name in _RESERVED else "")
        )
    return name


def _check_version(version: str) -> str:
    if not _VERSION.fullmatch(version):
        raise ValueError(f"{version!r} is not MAJOR.MINOR.PATCH, such as 1.0.0")
    return version


def _check_date(date: str) -> str:
    if date:
        datetime.date.fromisoformat(date)  # whose message says what is wrong
    return date


def _check_channel(channel: str) -> str:
    if channel not in CHANNELS:
        raise ValueError(f"unknown channel {channel!r}{suggest(channel, CHANNELS)}")
    return channel


def _as_weights(value: Any) -> Any:
    return {value: 1.0} if isinstance(value, str) else value


Name = Annotated[str, AfterValidator(_check_name)]
Weight = Annotated[float, Field(gt=0)]


class Admission(Backgrounds):
    """Which pictures are admitted, each by itself and all together."""

    near_duplicates: Literal["drop", "keep_together"] = Field(
        default="drop",
        description="What becomes of nearly identical pictures: one is kept, or all are, in one split.",
    )
    guards: Guards = Field(
        default_factory=Guards, description="Limits on what fools the measurement of complexity; all off by default."
    )


class Split(Block):
    """A part of the corpus with pictures of its own."""

    share: float = Field(
        gt=0,
        le=1,
        description="Share of the backgrounds, by content hash: adding pictures moves no other, unless its group "
        "of near-duplicates grows.",
    )
    samples: int = Field(ge=1, le=10**9, description="Number of samples; independent of the number of backgrounds.")
    rain: Annotated[dict[str, Weight], BeforeValidator(_as_weights), Field(min_length=1)] = Field(
        description="Name of a rain of this recipe, or names with weights.",
    )
    strata: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(
        default=None, min_length=1, description="Strata that samples come from, 0 = simplest; all where not given."
    )
    select: Select | None = Field(
        default=None, description="Use only some of the split's backgrounds, chosen by complexity; nested by count."
    )
    balance: Literal["natural", "pictures", "strata"] | tuple[Weight, ...] = Field(
        default="natural",
        description="How samples spread: over units as they come, evenly over pictures, evenly over strata, or by a "
        "weight for each stratum of `strata`.",
    )


class Samples(Block):
    """What one sample holds."""

    patch: int | None = Field(
        default=None, ge=16, le=8192, description="Side of the square crop; whole pictures where not given.",
        json_schema_extra={"unit": "px"},
    )  # fmt: skip
    channels: tuple[Annotated[str, AfterValidator(_check_channel)], ...] = Field(
        default=("rainy", "clean", "rain", "mask"),
        description=f"Members of a sample: {'; '.join(f'{name}: {text}' for name, text in CHANNELS.items())}.",
    )
    image: Literal["png"] = Field(
        default="png", description="Encoding of pictures; lossless, so that labels stay exact."
    )
    mask_threshold: int = Field(
        default=3, ge=1, le=255, description="A pixel has rain where a channel changed by at least this much.",
        json_schema_extra={"unit": "1/255"},
    )  # fmt: skip

    ssim: bool = Field(
        default=False, description="Whether to measure the structural similarity of each rainy picture: ssim_rainy."
    )

    @model_validator(mode="after")
    def _check_channels(self) -> Samples:
        if len(set(self.channels)) < len(self.channels):
            raise ValueError("a channel stands twice")
        missing = {"rainy", "clean"} - set(self.channels)
        if missing:
            raise ValueError(f"channels must hold rainy and clean; add {' and '.join(sorted(missing))}")
        return self


class Shards(Block):
    """How samples are packed."""

    samples: int = Field(
        default=1000,
        ge=1,
        le=100_000,
        description="Samples in a shard; the last of a split, or of a stratum, may hold fewer.",
    )
    by: Literal["split", "stratum"] = Field(
        default="split",
        description="What the samples of a shard share: their split, or their stratum too, so that readers can load "
        "one stratum alone.",
    )

    @model_serializer(mode="wrap")
    def _leave_out_default(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Return the fields without the default of `by`, so that recipes that never named it keep their fingerprint."""
        values: dict[str, Any] = dump(self)
        if self.by == "split":
            del values["by"]
        return values


class Recipe(Block):
    """Everything that can change a pixel of a corpus."""

    rainkit: Literal[1] = Field(description="Version of the recipe format.")
    name: Name = Field(description="Name of the corpus; with the version, the name of its folder.")
    version: Annotated[str, AfterValidator(_check_version)] = Field(description="Version of the corpus, such as 1.0.0.")
    seed: int = Field(ge=0, lt=2**63, description="Seed of every random number.")
    license: str = Field(default="", description="Licence of the corpus, an SPDX identifier where there is one.")
    description: str = Field(default="", description="What the corpus is for, in a sentence or two.")
    date: Annotated[str, AfterValidator(_check_date)] = Field(
        default="",
        pattern=r"^(\d{4}-\d{2}-\d{2})?$",
        description="Day of publication, as 2025-01-31; written in quotes.",
    )
    sources: dict[Name, AnySource] = Field(min_length=1, description="Where backgrounds come from, by name.")
    backgrounds: Admission = Field(default_factory=Admission, description="What is admitted.")
    complexity: Complexity = Field(default_factory=Complexity, description="What is measured, and of what.")
    strata: Strata = Field(default_factory=Quantile, description="How scores become strata.")
    rain: dict[Name, AnySimulator] = Field(min_length=1, description="The rains of the corpus, by name.")
    splits: dict[Name, Split] = Field(min_length=1, description="The parts of the corpus, by name.")
    samples: Samples = Field(default_factory=Samples, description="What one sample holds.")
    shards: Shards = Field(default_factory=Shards, description="How samples are packed.")
    validation: Validation = Field(
        default_factory=Validation, description="What the corpus must reach before it may be released."
    )

    @model_validator(mode="after")
    def _check_references(self) -> Recipe:
        problems = list(references(self.model_dump()))
        if problems:
            raise DanglingReferenceError(problems)
        return self

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Every estimator that has to be measured: those of `complexity`, and the second one of a grid of strata."""
        chosen = self.complexity.instruments
        second = getattr(self.strata, "second", None)
        if second is None or second in {each.kind for each in chosen}:
            return chosen
        return (*chosen, ESTIMATORS[second]())

    def identities(self, unit: Unit) -> dict[str, str]:
        """Return the identity of every estimator's column by its kind, for pictures or for patches."""
        return {each.kind: each.identify(unit) for each in self.instruments}


class DanglingReferenceError(ValueError):
    """Names or numbers of a recipe that do not fit one another.

    Attributes
    ----------
    problems : list of (Address, str)
        What does not fit, as `references` yields it.
    """

    def __init__(self, problems: list[tuple[Address, str]]) -> None:
        super().__init__("; ".join(f"{dotted(address)}: {sentence}" for address, sentence in problems))
        self.problems = problems


def references(recipe: Any) -> Iterator[tuple[Address, str]]:
    """Yield what does not fit in a recipe's plain values, each with its address; wrong types are passed over.

    It works on plain values, so that a recipe with other mistakes too is still reported whole.
    """
    if not isinstance(recipe, dict) or not isinstance(recipe.get("splits"), dict):
        return
    splits = {name: split for name, split in recipe["splits"].items() if isinstance(split, dict)}
    shares = [split.get("share") for split in splits.values()]
    total = sum(share for share in shares if isinstance(share, int | float))
    if total > 1 + 1e-9:
        yield ("splits",), f"the shares add to {total:g}, more than 1"
    count = _strata_count(recipe.get("strata"))
    for name, split in splits.items():
        yield from _rains(("splits", name, "rain"), split.get("rain"), recipe.get("rain"))
        yield from _strata(("splits", name), split, count)
    yield from _validation(recipe.get("validation"), splits, recipe.get("rain"))
    complexity, samples = recipe.get("complexity"), recipe.get("samples") or {}
    by_patch = isinstance(complexity, dict) and complexity.get("unit") == "patch"
    if by_patch and isinstance(samples, dict) and not samples.get("patch"):
        yield ("complexity", "unit"), "is patch, but samples.patch does not say how large a patch is"


def _rains(address: Address, rains: Any, known: Any) -> Iterator[tuple[Address, str]]:
    if not isinstance(known, dict):
        return
    for rain in [rains] if isinstance(rains, str) else rains if isinstance(rains, dict) else ():
        if rain not in known:
            yield address, f"no rain named {rain!r}{suggest(str(rain), known)}"


def _validation(block: Any, splits: dict[str, Any], rains: Any) -> Iterator[tuple[Address, str]]:
    if not isinstance(block, dict):
        return
    for part in ("train", "seen", "unseen"):
        name = block.get(part)
        if isinstance(name, str) and name not in splits:
            yield ("validation", part), f"no split named {name!r}{suggest(name, splits)}"
    if isinstance(block.get("coverage"), dict):
        yield from _rains(("validation", "coverage"), block["coverage"], rains)


def count_strata(strata: Method) -> int | None:
    """Return how many strata a block makes; None while its edges still stand in another corpus."""
    if isinstance(strata, Edges):
        return len(strata.edges) + 1 if strata.edges is not None else None
    if isinstance(strata, Match) and strata.shares is not None:
        return len(strata.shares)
    count = int(getattr(strata, "count"))  # noqa: B009 - every other method has it
    return count * strata.second_count if isinstance(strata, Grid) else count


def _strata_count(block: Any) -> int | None:
    try:
        strata: Method = TypeAdapter(Strata).validate_python(block) if block is not None else Quantile()
    except ValidationError:
        return None
    return count_strata(strata)


def _strata(address: Address, split: dict[str, Any], count: int | None) -> Iterator[tuple[Address, str]]:
    chosen = split.get("strata")
    if isinstance(chosen, list | tuple):
        wrong = [stratum for stratum in chosen if isinstance(stratum, int) and count is not None and stratum >= count]
        if wrong:
            yield (*address, "strata"), f"no stratum {wrong[0]}; there are {count}, 0 to {(count or 1) - 1}"
        if len(set(map(str, chosen))) < len(chosen):
            yield (*address, "strata"), "a stratum stands twice"
    balance, number = split.get("balance"), len(chosen) if isinstance(chosen, list | tuple) else count
    if isinstance(balance, list | tuple) and number is not None and len(balance) != number:
        yield (*address, "balance"), f"has {len(balance)} weights for {number} strata; give one for each"
