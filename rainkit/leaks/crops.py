"""Crops: pictures that are a window of another one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rainkit import duplicates
from rainkit.duplicates import GRID, ORIENTATIONS
from rainkit.images import use_threads
from rainkit.leaks.findings import Leak
from rainkit.leaks.fingerprints import Fingerprint
from rainkit.records import Engine, Pixels, Report

SCENES = 128
"""Pictures whose windows one task hashes: 100,000 hashes."""
_NAMES = tuple(ORIENTATIONS)
_INVERSE = {name: name for name in ORIENTATIONS} | {"turned 90": "turned 270", "turned 270": "turned 90"}


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """Pictures that might be crops, as workers need them."""

    hashes: NDArray[np.uint64]
    calm: tuple[Pixels, ...]
    distance: int


@dataclass(frozen=True, slots=True)
class Crop:
    """That a part is a crop of a scene: `orientation` turns the part to look like it, `agreement` says how well."""

    orientation: str
    window: int
    distance: int
    agreement: float

    def leak(self, scene: Fingerprint, part: Fingerprint, *, scene_first: bool) -> Leak:
        """Return the pair as a leak, whose first is the scene or the part."""
        x, y, width, height = duplicates.window_of(self.window)
        lighter = 0.0
        if scene.thumbnail is not None and part.thumbnail is not None:
            lighter = float(part.thumbnail.mean()) - float(scene.thumbnail[y : y + height, x : x + width].mean())
        change = "encoded" if self.agreement > 0.9 and abs(lighter) < 2 else "altered"
        return Leak(
            first=scene.name if scene_first else part.name,
            second=part.name if scene_first else scene.name,
            orientation=_INVERSE[self.orientation] if scene_first else self.orientation,
            crop="second" if scene_first else "first",
            window=(x / GRID, y / GRID, width / GRID, height / GRID),
            change=change,
            lighter=lighter if scene_first else -lighter,
            resized=False,
            distance=self.distance,
            agreement=self.agreement,
        )


def find_crops(
    scenes: Sequence[Fingerprint], parts: Sequence[Fingerprint], distance: int, engine: Engine, report: Report
) -> Iterator[tuple[int, int, Crop]]:
    """Yield (scene, part, crop) where a part is a crop of a scene; pictures that could not be read play no part."""
    wide = [(i, each.calm) for i, each in enumerate(scenes) if each.calm is not None and not each.flat]
    small = [(j, each.calm) for j, each in enumerate(parts) if each.calm is not None and not each.flat]
    hashes = np.array([parts[j].calm_hash for j, _ in small], dtype=np.uint64)
    wanted = _Parts(hashes, tuple(calm for _, calm in small), distance)
    chunks = [wide[start : start + SCENES] for start in range(0, len(wide), SCENES)]
    tasks = [[calm for _, calm in chunk] for chunk in chunks]
    advance = report("Looking for crops", len(wide))
    for number, crops in engine(partial(_find_crops_in, wanted), tasks):
        for scene, part, crop in crops:
            yield chunks[number][scene][0], small[part][0], crop
        advance(len(chunks[number]), scenes[chunks[number][-1][0]].name)


def _find_crops_in(parts: _Parts, scenes: Sequence[Pixels]) -> list[tuple[int, int, Crop]]:
    use_threads(1)
    hashes = np.stack([duplicates.hash_windows(scene) for scene in scenes])
    windows = hashes.shape[1]
    pairs = duplicates.find_pairs(parts.hashes, hashes.reshape(-1), parts.distance)
    order = np.lexsort((pairs.distance, pairs.second // windows, pairs.first))
    crops: list[tuple[int, int, Crop]] = []
    last = (-1, -1)
    for index in order.tolist():
        part, (scene, window) = int(pairs.first[index]), divmod(int(pairs.second[index]), windows)
        if (part, scene) == last:
            continue  # the nearest window comes first
        last = (part, scene)
        orientation, bits = _NAMES[int(pairs.orientation[index])], int(pairs.distance[index])
        turned = duplicates.turn(parts.calm[part], orientation)
        agreed = duplicates.agreement(scenes[scene], turned, duplicates.window_of(window))
        if agreed >= duplicates.ALIKE_CROP:
            crops.append((scene, part, Crop(orientation, window, bits, agreed)))
    return crops
