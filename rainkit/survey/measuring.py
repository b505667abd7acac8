"""What a worker does with a picture: read it, admit or refuse it by itself, measure it, remember what was measured."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.metadata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rainkit import complexity, duplicates
from rainkit.backgrounds import Backgrounds, examine
from rainkit.cache import Cache
from rainkit.recipe import Recipe
from rainkit.records import Background, Picture, Pixels, Refused

BATCH = 16
"""Pictures of one task: long enough to hide the cost of handing it over."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A picture that a source offers, with what is known before it is read.

    `content` names the pixels of a picture that was drawn, whose fields and path say all; it is empty for files.
    """

    picture: Picture
    source: str
    license: str
    attribution: str
    content: str


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker measures of each picture."""

    block: Backgrounds
    estimators: tuple[Any, ...]
    unit: str
    patch: int
    stride: int
    cache: Path | None


@dataclass(frozen=True, slots=True)
class Measured:
    """An admitted picture as its worker saw it.

    Attributes
    ----------
    background : Background
        With its scores; a group of its own.
    hash : int
        Perceptual hash, `rainkit.duplicates.perceptual_hash`.
    guards : dict of str to float
        `rainkit.complexity.measure_guards`.
    patches : dict of str to float64 array (N,)
        Estimator to values of the patches of the grid; empty where units are pictures.
    """

    background: Background
    hash: int
    guards: dict[str, float]
    patches: dict[str, NDArray[np.float64]]


def list_offers(recipe: Recipe) -> list[Offer]:
    """Return what the sources of a recipe offer, in their order.

    Raises
    ------
    SourceError
        If a source is missing, unreadable or empty.
    """
    offers = []
    for name, source in recipe.sources.items():
        drawn = "" if source.location_fields else f"{source.kind}/{source.version}/{source.model_dump_json()}/"
        for picture in source():
            content = hashlib.sha256((drawn + picture.path).encode()).hexdigest() if drawn else ""
            offers.append(Offer(picture, name, source.license, source.attribution, content))
    return offers


def _facets(order: Order) -> dict[str, str]:
    """Return the names under which the parts of a measurement are remembered."""
    limits = order.block.model_dump_json(include={"min_size", "max_pixels"})
    names = {"facts": f"facts/1/{limits}", "hash": "phash/2", "guards": "guards/1"}
    for estimator in order.estimators:
        names[f"picture:{estimator.kind}"] = estimator.identify("picture")
        if order.unit == "patch":
            names[f"patch:{estimator.kind}"] = f"{estimator.identify('patch')}/{order.patch}/{order.stride}"
    # Another decoder may give other pixels of the same file, and then every number belongs to the old ones.
    return {part: f"{name}/{_decoders()}" for part, name in names.items()}


@functools.cache
def _decoders() -> str:
    return f"cv2-{cv2.__version__}/pillow-{importlib.metadata.version('pillow')}"


def _measure(pixels: Pixels, missing: Iterable[str], order: Order) -> dict[str, Any]:
    """Return the missing parts of a measurement as plain JSON values."""
    parts: dict[str, Any] = {}
    wanted = set(missing)
    if "hash" in wanted:
        parts["hash"] = duplicates.perceptual_hash(pixels)
    if "guards" in wanted:
        parts["guards"] = complexity.measure_guards(pixels)
    whole = [estimator for estimator in order.estimators if f"picture:{estimator.kind}" in wanted]
    if whole:
        parts |= {f"picture:{kind}": value for kind, value in complexity.measure(pixels, whole).items()}
    cut = [estimator for estimator in order.estimators if f"patch:{estimator.kind}" in wanted]
    if cut:
        height, width = pixels.shape[:2]
        rects = complexity.patch_grid(height, width, order.patch, order.stride)
        values = complexity.measure_patches(pixels, cut, rects)
        parts |= {f"patch:{kind}": value.tolist() for kind, value in values.items()}
    return parts


def _survey_one(offer: Offer, order: Order, cache: Cache) -> tuple[Measured | Refused, bool]:
    """Return the measurement or refusal of one picture, and whether nothing had to be decoded for it."""
    facets = _facets(order)
    content, data = offer.content, None
    if not content:
        try:
            data = offer.picture.read()
        except OSError as error:
            return Refused(offer.source, offer.picture.path, "unreadable", error.strerror or "cannot be read"), False
        content = hashlib.sha256(data if isinstance(data, bytes) else np.ascontiguousarray(data).data).hexdigest()
    known = cache.get(content, facets.values())
    parts = {part: known[facet] for part, facet in facets.items() if facet in known}
    fresh: dict[tuple[str, str], Any] = {}
    if len(parts) < len(facets) and "refused" not in parts.get("facts", {}):
        # What was read is not read twice; what was drawn is drawn here.
        picture = (
            offer.picture if data is None else dataclasses.replace(offer.picture, read=functools.partial(_same, data))
        )
        examined = examine(picture, offer.source, offer.license, offer.attribution, order.block)
        if isinstance(examined, Refused):
            parts["facts"] = {"refused": [examined.reason, examined.detail]}
            fresh[content, facets["facts"]] = parts["facts"]
        else:
            background, pixels = examined
            parts["facts"] = {
                "sha256": background.sha256, "digest": background.digest,
                "width": background.width, "height": background.height,
            }  # fmt: skip
            fresh[content, facets["facts"]] = parts["facts"]
            for part, value in _measure(pixels, facets.keys() - parts.keys(), order).items():
                parts[part] = fresh[content, facets[part]] = value
    cache.put(fresh)
    return _assemble(offer, parts), not fresh


def _same(data: bytes | Pixels) -> bytes | Pixels:
    return data


def _assemble(offer: Offer, parts: Mapping[str, Any]) -> Measured | Refused:
    facts = parts["facts"]
    if "refused" in facts:
        return Refused(offer.source, offer.picture.path, *facts["refused"])
    scores = {part.partition(":")[2]: value for part, value in parts.items() if part.startswith("picture:")}
    background = Background(
        id=facts["digest"][:16],
        source=offer.source,
        path=offer.picture.path,
        license=offer.license,
        attribution=offer.attribution,
        sha256=facts["sha256"],
        digest=facts["digest"],
        width=facts["width"],
        height=facts["height"],
        group=facts["digest"][:16],
        scores=dict(sorted(scores.items())),
    )
    patches = {part.partition(":")[2]: np.array(value) for part, value in parts.items() if part.startswith("patch:")}
    return Measured(background, int(parts["hash"]), dict(parts["guards"]), patches)


def survey_batch(order: Order, offers: Sequence[Offer]) -> list[tuple[Measured | Refused, bool]]:
    """Survey some pictures; the task of a worker."""
    cache = Cache(order.cache)
    try:
        return [_survey_one(offer, order, cache) for offer in offers]
    finally:
        cache.close()
