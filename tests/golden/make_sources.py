"""Digests of drawn backgrounds: procedural.json, from (family, size, complexity) to xxh3-128 of the pixels."""

from __future__ import annotations

import json
from pathlib import Path

from rainkit.images import pixel_digest
from rainkit.sources.procedural import draw
from rainkit.sources.procedural.families import FAMILIES

FILE = Path(__file__).parent / "sources" / "procedural.json"
SIZES = ((96, 64), (201, 157))
DIALS = (0.0, 0.375, 1.0)


def digests() -> dict[str, str]:
    """Return the digest of each picture by name."""
    return {
        f"{family}/{width}x{height}/{dial:g}": pixel_digest(draw(family, (width, height), dial, 2305, 7))
        for family in FAMILIES
        for width, height in SIZES
        for dial in DIALS
    }


def main() -> None:
    """Write every digest."""
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(digests(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    print(json.dumps(digests()))  # noqa: T201 - what a test compares in a process without vector instructions
