"""Corpora as people make them without rainkit: albumentations' RandomRain, and the usual noise-and-motion-blur script.

Peers rain on whole pictures, as their users do, and crops are cut afterwards.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

from rainkit.records import Pixels
from rainkit.seeds import Stream

Rainer = Callable[[Pixels, Stream], Pixels]
"""Clean picture, uint8 H x W x 3, to a rainy one."""


class MemoryCorpus:
    """Pairs in memory that can be read like a corpus."""

    def __init__(self, name: str, pairs: list[tuple[Pixels, Pixels]]) -> None:
        self.pairs = pairs
        self.samples = pa.table({"key": [f"{name}-{number}" for number in range(len(pairs))]})

    def read(self, row: int, members: object = ()) -> Mapping[str, Any]:  # noqa: ARG002 - a corpus' signature
        """Return a pair."""
        return dict(zip(("rainy", "clean"), self.pairs[row], strict=True))


def rain_by_albumentations(**fields: Any) -> Rainer:
    """Return albumentations' RandomRain; its defaults dim the picture to 0.7."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations

    def rain(clean: Pixels, rng: Stream) -> Pixels:
        transform = albumentations.Compose([albumentations.RandomRain(p=1.0, **fields)], seed=int(rng.bits(1)[0] >> 33))
        random.seed(int(rng.bits(1)[0] >> 33))
        return np.asarray(transform(image=clean)["image"], dtype=np.uint8)

    return rain


def rain_by_script(
    quantity: tuple[float, float], widths: tuple[int, ...], length: tuple[int, int], angle: tuple[float, float]
) -> Rainer:
    """Return the noise recipe: the top of a uniform noise, spread, motion-blurred, stretched to 0..255, and added."""

    def rain(clean: Pixels, rng: Stream) -> Pixels:
        height, width = clean.shape[:2]
        amount, tilt = rng.number(*quantity), rng.number(*angle)
        reach = int(rng.integers(length[0], length[1] + 1, 1)[0])
        wide = widths[int(rng.integers(0, len(widths), 1)[0])]
        noise = rng.uniform(height * width, 0, 256).reshape(height, width)
        seeds = np.where(noise > 256 - amount / 100, noise, 0.0)
        seeds = cv2.filter2D(seeds, -1, np.array([[0, 0.1, 0], [0.1, 8, 0.1], [0, 0.1, 0]]))
        turn = cv2.getRotationMatrix2D((reach / 2, reach / 2), tilt - 45, 1 - reach / 100)
        kernel = cv2.warpAffine(np.diag(np.ones(reach)), turn, (reach, reach))
        streaks = cv2.filter2D(seeds, -1, cv2.GaussianBlur(kernel, (wide, wide), 0))
        layer = cv2.normalize(streaks, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
        return np.asarray(cv2.add(clean, cv2.merge([layer] * 3)), dtype=np.uint8)

    return rain


PEERS: dict[str, Callable[[], Rainer]] = {
    "albumentations-defaults": rain_by_albumentations,
    "albumentations-heavy-undimmed": lambda: rain_by_albumentations(rain_type="heavy", brightness_coefficient=1.0),
    "script-small": lambda: rain_by_script((200, 300), (5,), (30, 31), (-5, 5)),
    "script-large": lambda: rain_by_script((50, 500), (1, 3, 5, 7, 9), (5, 60), (-70, 70)),
}
"""Name to a function that loads the peer."""


def make_corpus(name: str, pictures: list[Pixels], samples: int, patch: int) -> MemoryCorpus:
    """Return crops of rained-on pictures, each picture in turn."""
    return MemoryCorpus(name, crop_pairs(name, pictures, PEERS[name](), samples, patch))


def crop_pairs(
    name: str, pictures: list[Pixels], rainer: Rainer, samples: int, patch: int
) -> list[tuple[Pixels, Pixels]]:
    """Return square crops of rained-on pictures and of the clean ones, each picture in turn."""
    pairs = []
    for number in range(samples):
        rng = Stream(2305, "peer", name, number)
        clean = pictures[number % len(pictures)]
        rainy = rainer(clean, rng.child("rain"))
        if rainy.shape != clean.shape:
            raise ValueError(f"{name}: gave {rainy.shape} for {clean.shape}")
        top, left = (int(rng.child(side).integers(0, room - patch + 1, 1)[0]) for side, room in
                     zip("yx", clean.shape[:2], strict=True))  # fmt: skip
        window = np.s_[top : top + patch, left : left + patch]
        pairs.append((rainy[window].copy(), clean[window].copy()))
    return pairs
