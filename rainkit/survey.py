"""The survey: every picture of the sources read once, admitted or refused, measured; what was measured is remembered.

Workers read, decode and measure; this module's `survey` then settles what only all pictures together decide:
duplicates, near-duplicates, limits, and the order, which is that of the pictures' digests and so of their content.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rainkit import complexity, duplicates
from rainkit.backgrounds import Backgrounds, examine
from rainkit.cache import Cache
from rainkit.errors import BuildError
from rainkit.recipe import Recipe
from rainkit.records import Background, Engine, Picture, Pixels, Refused

BATCH = 16
"""Pictures of one task: long enough to hide the cost of handing it over."""

Advance = Callable[[int, str], None]
"""Called with how many more steps are done and a word on the latest."""
Report = Callable[[str, int], Advance]
"""Called with the name of a stage and how many steps it has; returns what to call for each step done."""


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
    patches : dict of str to float64 array (N,)
        Estimator to values of the patches of the grid; empty where units are pictures.
    """

    background: Background
    hash: int
    patches: dict[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Survey:
    """What a recipe's sources hold.

    Attributes
    ----------
    measured : list of Measured
        Admitted pictures in the order of their digests.
    pictures : dict of str to Picture
        Background id to how it is read.
    refused : list of Refused
        Pictures that were not admitted.
    offered, remembered : int
        Pictures that the sources offer, and those of them that the cache knew.
    """

    measured: list[Measured]
    pictures: dict[str, Picture]
    refused: list[Refused]
    offered: int
    remembered: int
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def backgrounds(self) -> list[Background]:
        """Admitted pictures, in the order of their digests."""
        return [measured.background for measured in self.measured]


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
    names = {"facts": f"facts/1/{limits}/cv2-{cv2.__version__}", "hash": "phash/1"}
    for estimator in order.estimators:
        names[f"picture:{estimator.kind}"] = estimator.identify("picture")
        if order.unit == "patch":
            names[f"patch:{estimator.kind}"] = f"{estimator.identify('patch')}/{order.patch}/{order.stride}"
    return names


def _measure(pixels: Pixels, missing: Iterable[str], order: Order) -> dict[str, Any]:
    """Return the missing parts of a measurement as plain JSON values."""
    parts: dict[str, Any] = {}
    wanted = set(missing)
    if "hash" in wanted:
        parts["hash"] = duplicates.perceptual_hash(pixels)
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
    return Measured(background, int(parts["hash"]), patches)


def survey_batch(order: Order, offers: Sequence[Offer]) -> list[tuple[Measured | Refused, bool]]:
    """Survey some pictures; the task of a worker."""
    cache = Cache(order.cache)
    try:
        return [_survey_one(offer, order, cache) for offer in offers]
    finally:
        cache.close()


def survey(recipe: Recipe, engine: Engine, cache: Path | None, report: Report) -> Survey:
    """Read and measure every picture of a recipe's sources.

    Parameters
    ----------
    recipe : Recipe
        With sources placed.
    engine : Engine
        Runs the batches.
    cache : Path or None
        File of `rainkit.cache`.
    report : callable
        Follows the progress.

    Raises
    ------
    SourceError
        If a source cannot be listed.
    BuildError
        If pictures are refused and the recipe says stop, or more are refused than it allows.
    """
    offers = list_offers(recipe)
    advance = report("survey", len(offers))
    patch = recipe.samples.patch or 0
    block = recipe.complexity
    order = Order(recipe.backgrounds, recipe.instruments, block.unit, patch, block.stride or patch, cache)
    batches = [offers[start : start + BATCH] for start in range(0, len(offers), BATCH)]
    found: list[tuple[Measured | Refused, bool]] = [None] * len(offers)  # type: ignore[list-item]
    for number, results in engine(functools.partial(survey_batch, order), batches):
        found[number * BATCH : number * BATCH + len(results)] = results
        advance(len(results), offers[number * BATCH].picture.path)
    settled = _settle(recipe, offers, [result for result, _ in found])
    remembered = sum(known for _, known in found)
    return dataclasses.replace(settled, offered=len(offers), remembered=remembered)


def _settle(recipe: Recipe, offers: Sequence[Offer], found: Sequence[Measured | Refused]) -> Survey:
    """Admit or refuse what only all pictures together decide."""
    refused = [result for result in found if isinstance(result, Refused)]
    kept: dict[str, tuple[Measured, Picture]] = {}
    for offer, result in zip(offers, found, strict=True):
        if isinstance(result, Refused):
            continue
        background = result.background
        twin = kept.get(background.id)
        if twin is not None:
            same = twin[0].background
            reason = "duplicate_bytes" if same.sha256 == background.sha256 else "duplicate_pixels"
            detail = f"the same {'file' if reason == 'duplicate_bytes' else 'pixels'} as {same.source}:{same.path}"
            refused.append(Refused(background.source, background.path, reason, detail))
            continue
        kept[background.id] = (result, offer.picture)
    ordered = [kept[name] for name in sorted(kept)]
    ordered, more = _admit_together(recipe, ordered)
    refused += more
    _check_refusals(recipe, len(offers), refused)
    if not ordered:
        reasons = ", ".join(f"{count} {reason}" for reason, count in Counter(r.reason for r in refused).most_common())
        raise BuildError(
            f"no backgrounds: all {len(offers)} pictures were refused ({reasons}); see backgrounds: in the recipe"
        )
    return Survey(
        measured=[measured for measured, _ in ordered],
        pictures={measured.background.id: picture for measured, picture in ordered},
        refused=sorted(refused, key=lambda r: (r.source, r.path)),
        offered=len(offers),
        remembered=0,
        reasons=dict(Counter(r.reason for r in refused).most_common()),
    )


_EXPECTED = frozenset({"limit", "near_duplicate", "duplicate_bytes", "duplicate_pixels", "stratum", "not_selected"})
"""Refusals that say nothing against a picture; they count towards no share and stop nothing."""


def _check_refusals(recipe: Recipe, offered: int, refused: Iterable[Refused]) -> None:
    block = recipe.backgrounds
    bad = [result for result in refused if result.reason not in _EXPECTED]
    if bad and block.on_refusal == "stop":
        first = bad[0]
        raise BuildError(
            f"{first.source}:{first.path} is refused ({first.reason}: {first.detail}) and backgrounds.on_refusal is "
            f"stop; {len(bad)} of {offered} pictures are refused in all"
        )
    if len(bad) > block.max_refused_share * offered:
        counts = ", ".join(f"{count} {reason}" for reason, count in Counter(r.reason for r in bad).most_common())
        raise BuildError(
            f"{len(bad)} of {offered} pictures are refused ({counts}), more than backgrounds.max_refused_share "
            f"= {block.max_refused_share:g}; the first: {bad[0].source}:{bad[0].path}: {bad[0].detail}"
        )


def _admit_together(
    recipe: Recipe, ordered: list[tuple[Measured, Picture]]
) -> tuple[list[tuple[Measured, Picture]], list[Refused]]:
    """Refuse pictures smaller than the patch, near-duplicates and what is over the limit; name groups."""
    refused: list[Refused] = []
    patch, block = recipe.samples.patch, recipe.backgrounds

    def refuse(measured: Measured, reason: str, detail: str) -> None:
        refused.append(Refused(measured.background.source, measured.background.path, reason, detail))

    if patch is not None:
        for measured, _ in ordered:
            size = measured.background
            if min(size.width, size.height) < patch:
                refuse(measured, "too_small", f"{size.width} x {size.height}; a patch of {patch} does not fit")
        ordered = [item for item in ordered if min(item[0].background.width, item[0].background.height) >= patch]
    if block.deduplicate is not None and ordered:
        hashes = np.array([measured.hash for measured, _ in ordered], dtype=np.uint64)
        labels = duplicates.group(hashes, block.deduplicate).tolist()
        first: dict[int, Measured] = {}
        kept = []
        for (measured, picture), label in zip(ordered, labels, strict=True):
            if label in first:
                twin = first[label].background
                refuse(measured, "near_duplicate", f"looks like {twin.source}:{twin.path}")
            else:
                first[label] = measured
                kept.append((measured, picture))
        ordered = kept
    if block.limit is not None:
        for measured, _ in ordered[block.limit :]:
            refuse(measured, "limit", f"backgrounds.limit is {block.limit}")
        ordered = ordered[: block.limit]
    return ordered, refused


def list_units(recipe: Recipe, measured: Sequence[Measured]) -> Iterator[tuple[int, tuple[int, int, int, int]]]:
    """Yield what samples are cut from: the number of the background and x, y, width, height."""
    patch = recipe.samples.patch
    for number, item in enumerate(measured):
        width, height = item.background.width, item.background.height
        if recipe.complexity.unit == "patch" and patch is not None:
            for rect in complexity.patch_grid(height, width, patch, recipe.complexity.stride).tolist():
                yield number, tuple(rect)
        else:
            yield number, (0, 0, width, height)
