"""Digests of rainy pictures, layers and vectors, one case for each simulator, preset, composition and light: rain.json.

`python tests/golden/make_rain.py --threads N` prints them instead, for comparison with other processors and threads.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from rainkit.images import pixel_digest
from rainkit.rain import COMPOSITIONS, PRESETS, SIMULATORS, draw, simulator
from rainkit.records import Pixels

FILE = Path(__file__).parent / "rain.json"
SHAPE = (203, 301)
SEED = 2305


def picture(shape: tuple[int, int] = SHAPE) -> Pixels:
    """Return a picture with gradients, edges and every value, made of integers."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.int64)
    waves = [rows * 3 + columns, (rows * columns) // 17, 255 - rows + (columns // 16 % 2) * 90]
    return np.stack([wave % 256 for wave in waves], axis=-1).astype(np.uint8)


def depth(shape: tuple[int, int] = SHAPE) -> Any:
    """Return a depth map with a hole, uint16 cm."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.int64)
    return ((rows * 40 + columns * 7) % 20000 * (columns % 50 > 3)).astype(np.uint16)


def models() -> dict[str, Any]:
    """Return a simulator for each case; not albumentations, whose versions differ."""
    veil = {"depth": "map", "beta": [5, 30]}
    parts = [{"name": "near", "rain": {"kind": "streaks"}}, {"name": "noise", "rain": {"kind": "noise_blur"}}]
    named = {kind: simulator(kind) for kind in SIMULATORS if kind not in {"albumentations", "mixture"}}
    named |= {name: simulator(name) for name, preset in PRESETS.items() if preset.kind != "albumentations"}
    named["mixture"] = simulator("mixture", parts=parts)
    for kind in ("streaks", "noise_blur", "particles"):
        for compose in COMPOSITIONS:
            for light in ("srgb", "linear"):
                fields = {"compose": compose, "light": light, "colour": [250, 240, 225], "veil": veil}
                named[f"{kind} {compose} {light}"] = simulator(kind, **fields)
    return named


def digests() -> dict[str, dict[str, str]]:
    """Return the digests of every case."""
    clean, distances = picture(), depth()
    found = {}
    for name, model in models().items():
        drawn = draw(clean, model, SEED, depth=distances, key=name)
        found[name] = {"rainy": pixel_digest(drawn.rainy), "layer": pixel_digest(drawn.rain.layer)}
        if drawn.rain.streaks is not None:
            found[name]["streaks"] = pixel_digest(drawn.rain.streaks)
    return found


def main() -> None:
    """Write rain.json."""
    FILE.write_text(json.dumps(digests(), indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    cv2.setNumThreads(parser.parse_args().threads)
    print(json.dumps({"opencv": cv2.getCPUFeaturesLine(), "digests": digests()}))  # noqa: T201
