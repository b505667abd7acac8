"""The table of what can be drawn."""

from __future__ import annotations

from collections.abc import Callable

from rainkit.records import Pixels
from rainkit.seeds import Stream
from rainkit.sources.procedural.dead_leaves import draw_dead_leaves

Family = Callable[[tuple[int, int], float, Stream], Pixels]

FAMILIES: dict[str, Family] = {
    "dead_leaves": draw_dead_leaves,
}
"""Name to drawing function: ((height, width), complexity 0..1, stream) -> uint8 height x width x 3, RGB."""
