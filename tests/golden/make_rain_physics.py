"""Digests of rain that make_rain.py does not draw: moving rain, tilted cameras, other drop sizes, banks, sums.

They stand in rain_physics.json; `python tests/golden/make_rain_physics.py --threads N` prints them instead.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from rainkit import images
from rainkit.rain import simulator
from rainkit.rain.sequences import frame
from rainkit.records import Rain
from rainkit.seeds import Stream

FILE = Path(__file__).parent / "rain_physics.json"
SHAPE = (203, 301)
SEED = 1948

_LINEAR = {"compose": "screen", "light": "linear"}


def write_bank(folder: Path) -> None:
    """Write three layers made of integers, as PNG."""
    rows, columns = np.mgrid[:150, :200].astype(np.int64)
    for number in (1, 2, 3):
        layer = ((columns * 7 + rows * number) % 61 < 2 * number) * (rows % 50 * 4)
        (folder / f"{number}.png").write_bytes(images.encode_png(layer.astype(np.uint8)))


def still(folder: Path) -> dict[str, Any]:
    """Return a simulator for each case that does not move; `folder` holds the layers of `write_bank`."""
    bank = {"folder": str(folder), "layers": [1, 4]}
    parts = [
        {"name": "lines", "rain": {"kind": "streaks", **_LINEAR}},
        {"name": "drops", "rain": {"kind": "particles", **_LINEAR, "veil": {}}},
        {"name": "noise", "rain": {"kind": "noise_blur", **_LINEAR}},
    ]
    return {
        "gamma sizes": simulator("particles", drop_sizes={"kind": "gamma", "shape": 2.5}),
        "wide open and tilted": simulator("particles", camera={"pitch": 30, "f_number": 1.4, "focus": 2.0}),
        "short exposure": simulator("particles", exposure_ms=0.5, rain_rate_mm_h=80),
        "storm in a patch": simulator("storm", camera={"frame": 1024}),
        "bank rainmix": simulator("layer_bank", **bank),
        "bank add": simulator("layer_bank", **bank, mix="add", zoom=[0.3, 0.7], strength=[0.5, 1.5]),
        "bank screen": simulator("layer_bank", **bank, mix="screen", rotate=[-60, 60], compose="add"),
        "sum of vectors": simulator("mixture", mode="sum", parts=parts[:2]),
        "sum of layers": simulator("mixture", mode="sum", parts=parts),
    }


def _digest(rain: Rain) -> dict[str, str]:
    labels = {"layer": rain.layer, "transmission": rain.transmission, "streaks": rain.streaks}
    found = {name: images.pixel_digest(array) for name, array in labels.items() if array is not None}
    return {**found, "parameters": json.dumps(dict(rain.parameters), sort_keys=True)}


def digests() -> dict[str, dict[str, str]]:
    """Return the digests and drawn parameters of every case."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_bank(folder)
        found = {case: _digest(model(SHAPE, Stream(SEED, case))) for case, model in still(folder).items()}
    for kind in ("particles", "streaks"):
        for t in (1, 40, -3):
            case = f"{kind} frame {t}"
            found[case] = _digest(frame(simulator(kind), SHAPE, Stream(SEED, kind), 25, t))
    return found


def main() -> None:
    """Write rain_physics.json."""
    FILE.write_text(json.dumps(digests(), indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    cv2.setNumThreads(parser.parse_args().threads)
    print(json.dumps({"opencv": cv2.getCPUFeaturesLine(), "digests": digests()}))  # noqa: T201
