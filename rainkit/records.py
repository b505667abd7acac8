"""The nouns that flow through the path, and the protocols of its components."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from rainkit.seeds import Stream

Pixels = NDArray[np.uint8]
"""uint8, H x W x 3 in RGB order, or H x W for grey; values 0..255 in sRGB unless said otherwise."""

Light = Literal["srgb", "linear"]
"""Where light is added up: in sRGB values as they are stored, or in linear light."""

Advance = Callable[[int, str], None]
"""Called with how many more steps are done and a word on the latest."""
Report = Callable[[str, int], Advance]
"""Called with the name of a stage and how many steps it has; returns what to call as they are done."""

Scalar = str | int | float | bool
Task = TypeVar("Task")
Result = TypeVar("Result")


def quiet(stage: str, steps: int) -> Advance:
    """Report nothing."""
    return lambda count, word: None


class Component(BaseModel):
    """A frozen model whose fields are its recipe schema and whose call is its deed.

    A subclass declares `kind: Literal["..."] = "..."`, gives every field a description (and a unit in
    `json_schema_extra={"unit": ...}` where it has one), and raises `version` whenever an unchanged recipe would give
    other bytes, pixels or numbers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    version: ClassVar[int] = 1
    """Raised with each change of what the component makes from the same fields."""
    location_fields: ClassVar[tuple[str, ...]] = ()
    """Fields that only say where something lies on this disk; they are not part of a fingerprint."""
    requires: ClassVar[str | None] = None
    """The extra of the distribution that the component needs, if any."""

    def content(self) -> str:
        """Return what identifies the files that the component reads while it draws; empty where it reads none."""
        return ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that a source offers; nothing is read before `read` is called.

    Attributes
    ----------
    path : str
        Name within the source, with "/" between parts; stable from machine to machine.
    read : callable
        Returns the encoded file as bytes, or the pixels (uint8, H x W x 3, RGB) of a picture that was drawn.
        Picklable, so that a worker can read.
    depth : callable, optional
        Returns the depth map beside the picture as uint16 H x W in centimetres (0 = unknown), where the source has one.
    """

    path: str
    read: Callable[[], bytes | Pixels]
    depth: Callable[[], NDArray[np.uint16]] | None = None


@dataclass(frozen=True, slots=True)
class Background:
    """A picture that was admitted.

    Attributes
    ----------
    id : str
        First 16 hexadecimal digits of `digest`; the name of the picture in manifests.
    source, path : str
        Name of the source in the recipe, and of the picture within it.
    license, attribution : str
        As the source states them; empty when unknown.
    sha256 : str
        SHA-256 of the encoded file; of the raw pixels for a picture that was drawn.
    digest : str
        `images.pixel_digest` of the decoded pixels: xxh3-128 over shape, dtype and bytes.
    width, height : int
        Size in pixels after orientation.
    group : str
        Identifier shared by pictures that are nearly identical; a split holds whole groups.
    scores : mapping of str to float
        Estimator id to value, of the whole picture.
    """

    id: str
    source: str
    path: str
    license: str
    attribution: str
    sha256: str
    digest: str
    width: int
    height: int
    group: str
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """A picture that was not admitted, and why: `reason` is a fixed word, `detail` a sentence."""

    source: str
    path: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of a plan: everything that decides the pixels of a sample but the background's own.

    Attributes
    ----------
    key : str
        Name of the sample, unique in the corpus, without dots.
    split : str
        Name of the split.
    index : int
        Number within the split, from 0.
    stratum : int
        Stratum of the unit (picture or patch), 0 = simplest.
    background_id : str
        `Background.id`.
    crop : tuple of int
        x, y, width, height of the crop in the background, in pixels.
    score : float
        Score that the stratum follows from.
    spread : float
        Spread of the members of a composite score; 0 for the score of one estimator.
    scores : mapping of str to float
        Estimator to value, of the unit.
    rain : str
        Name of the rain in the recipe.
    rain_seed : int
        Seed of the rain's stream, 0 <= seed < 2^63; `rainkit.rain.draw` gives the same rain from it.
    """

    key: str
    split: str
    index: int
    stratum: int
    background_id: str
    crop: tuple[int, int, int, int]
    score: float
    spread: float
    scores: Mapping[str, float]
    rain: str
    rain_seed: int


@dataclass(frozen=True, slots=True)
class Rain:
    """What a simulator drew for one picture: labels from which the rainy picture follows bit for bit.

    Attributes
    ----------
    layer : uint8 array, H x W or H x W x 3
        Light added by streaks (the rain layer); grey when the streaks are colourless. In the composition `alpha` it is
        the share of the scene that the streaks hide, always grey.
    compose : str
        How layer and picture meet, a key of `rainkit.rain.compose.COMPOSITIONS`.
    parameters : mapping of str to scalar
        What was drawn, quantised; the same keys for every draw of one simulator.
    colour : tuple of int
        Streak colour, RGB 0..255. `alpha` mixes towards it; the layer of the other compositions has it already.
    transmission : uint8 array H x W, optional
        Share of the scene's light that passes the veil, 0..255 for 0..1; None for no veil.
    airlight : tuple of int, optional
        Colour of the veil, RGB 0..255.
    depth : uint16 array H x W, optional
        Distance in centimetres that the veil was computed from.
    streaks : int32 array N x K, optional
        Streaks as vectors, fixed point, columns as `rainkit.rain.raster.STREAK_COLUMNS` names them.
    light : "srgb" or "linear"
        Whether layer and picture meet in sRGB values or in linear light; the layer is stored as sRGB values in both.
    """

    layer: Pixels
    compose: str
    parameters: Mapping[str, Scalar]
    colour: tuple[int, int, int] = (255, 255, 255)
    transmission: Pixels | None = None
    airlight: tuple[int, int, int] | None = None
    depth: NDArray[np.uint16] | None = None
    streaks: NDArray[np.int32] | None = None
    light: Light = "srgb"


class Source(Protocol):
    """Offers pictures; the order is a function of the content, not of the file system."""

    @property
    def kind(self) -> str: ...
    @property
    def license(self) -> str: ...
    @property
    def attribution(self) -> str: ...

    def __call__(self) -> Iterator[Picture]: ...


class Estimator(Protocol):
    """Maps a view of a picture (uint8 luma, or RGB where `view` says so) to one number."""

    @property
    def kind(self) -> str: ...

    def __call__(self, view: Pixels) -> float: ...


class Simulator(Protocol):
    """Draws rain for a picture of the given shape; never sees the picture."""

    @property
    def kind(self) -> str: ...

    def __call__(self, shape: tuple[int, int], rng: Stream) -> Rain: ...


class Engine(Protocol):
    """Runs a picklable function over tasks; results come in any order, each with the index of its task."""

    @property
    def kind(self) -> str: ...

    def __call__(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> Iterator[tuple[int, Any]]: ...
