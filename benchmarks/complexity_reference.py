"""Make the reference distributions of `rainkit.complexity`: quantiles over photographs and drawings.

    RAINKIT_DATA=FOLDER python benchmarks/complexity_reference.py rainkit/complexity/reference.json

FOLDER holds `backgrounds/bsds500` (photographs of the Berkeley segmentation set) and `urban` (city photographs). With
them go the drawings of the procedural source and the ladders. Only numbers are written. Making them anew changes
scores, so raise "version" with it.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rainkit.complexity import measure, measure_patches, patch_grid
from rainkit.complexity.estimators import INSTRUMENTS
from rainkit.complexity.instrument import STEP
from rainkit.complexity.ladders import LADDERS, climb
from rainkit.images import decode, use_threads
from rainkit.records import Pixels
from rainkit.sources.procedural import ProceduralSource

QUANTILES = 128
PATCH = 128
DRAWINGS = 216


def _photographs(data: Path) -> Iterator[tuple[str, Pixels]]:
    for folder in ("backgrounds/bsds500", "urban"):
        for path in sorted((data / folder).iterdir()):
            yield folder.split("/")[-1], decode(path.read_bytes())


def _drawings() -> Iterator[tuple[str, Pixels]]:
    for picture in ProceduralSource(count=DRAWINGS, size=(512, 512), seed=1)():
        pixels = picture.read()
        if isinstance(pixels, bytes):
            raise TypeError("a drawing is pixels")
        yield "procedural", pixels
    for name in LADDERS:
        for pixels in climb(name):
            yield "ladders", pixels
    yield "constant", np.full((256, 256, 3), 128, np.uint8)


def _quantiles(values: list[float]) -> list[int]:
    ordered = sorted(round(value * STEP) for value in values)
    last = len(ordered) - 1
    return [ordered[(index * last + QUANTILES // 2) // QUANTILES] for index in range(QUANTILES + 1)]


def main() -> None:
    """Measure everything and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--version", type=int, default=1)
    options = parser.parse_args()
    use_threads(1)
    instruments = [instrument() for instrument in INSTRUMENTS.values()]
    pictures: dict[str, list[float]] = {kind: [] for kind in INSTRUMENTS}
    patches: dict[str, list[float]] = {kind: [] for kind in INSTRUMENTS}
    counts: dict[str, int] = {}
    parts: dict[str, int] = {}
    for sources in (_photographs(Path(os.environ["RAINKIT_DATA"])), _drawings()):
        for source, pixels in sources:
            counts[source] = counts.get(source, 0) + 1
            for kind, value in measure(pixels, instruments).items():
                pictures[kind].append(value)
            stride = PATCH if source in {"bsds500", "urban"} else 3 * PATCH
            rects = patch_grid(*pixels.shape[:2], PATCH, stride if min(pixels.shape[:2]) > 2 * PATCH else PATCH)
            parts[source] = parts.get(source, 0) + len(rects)
            for kind, values in measure_patches(pixels, instruments, rects).items():
                patches[kind].extend(values.tolist())
    table = {
        "version": options.version,
        "about": "Ascending quantiles in millionths of the unit; picture = canonical view, patch = 128 px.",
        "pictures": counts,
        "patches": parts,
        "picture": {kind: _quantiles(values) for kind, values in pictures.items()},
        "patch": {kind: _quantiles(values) for kind, values in patches.items()},
    }
    lines = json.dumps(table, indent=1).replace("\n   ", " ").replace("\n  ]", "]")
    options.output.write_text(lines + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
