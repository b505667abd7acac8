"""The value of every instrument and guard on a few drawn pictures, whole and by patch: complexity.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rainkit.complexity import (
    COMPOSITES,
    INSTRUMENTS,
    Complexity,
    climb,
    measure,
    measure_guards,
    measure_patches,
    patch_grid,
)
from rainkit.records import Pixels

FILE = Path(__file__).parent / "complexity.json"
PICTURES = (("leaves", 3), ("leaves", 9), ("noise", 4), ("scramble", 8))
"""Ladder and step; those that are drawn in integers, so that the pictures are the same everywhere."""


def describe(pixels: Pixels) -> dict[str, Any]:
    """Return every number that rainkit measures of a picture."""
    instruments = [instrument() for instrument in INSTRUMENTS.values()]
    whole = measure(pixels, instruments)
    patches = measure_patches(pixels, instruments, patch_grid(*pixels.shape[:2], 96, 64))
    numbers: dict[str, Any] = {
        "picture": whole,
        "patches": {kind: values.tolist() for kind, values in patches.items()},
        "guards": measure_guards(pixels),
    }
    for score in COMPOSITES:
        found, spread = Complexity(score=score, unit="patch").combine(patches)
        numbers[score] = {"score": found.tolist(), "spread": spread.tolist()}
    return numbers


def measured() -> dict[str, Any]:
    """Return the numbers of all pictures, by name."""
    return {f"{ladder}-{step}": describe(climb(ladder)[step]) for ladder, step in PICTURES}


def main() -> None:
    """Write the file."""
    FILE.write_text(json.dumps(measured(), indent=1) + "\n", encoding="utf-8")
