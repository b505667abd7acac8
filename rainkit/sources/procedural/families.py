"""The table of what can be drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from rainkit.records import Pixels
from rainkit.seeds import Stream
from rainkit.sources.procedural.dead_leaves import draw_dead_leaves
from rainkit.sources.procedural.foliage import draw_foliage
from rainkit.sources.procedural.line_art import draw_line_art
from rainkit.sources.procedural.mosaic import draw_mosaic
from rainkit.sources.procedural.sky import draw_sky
from rainkit.sources.procedural.street import draw_street
from rainkit.sources.procedural.texture import draw_texture

Family = Callable[[tuple[int, int], float, Stream], Pixels]
FamilyName = Literal["dead_leaves", "texture", "sky", "street", "line_art", "foliage", "mosaic"]
"""The keys of `FAMILIES`, for the recipe's schema."""

FAMILIES: dict[FamilyName, Family] = {
    "dead_leaves": draw_dead_leaves,
    "texture": draw_texture,
    "sky": draw_sky,
    "street": draw_street,
    "line_art": draw_line_art,
    "foliage": draw_foliage,
    "mosaic": draw_mosaic,
}
"""Name to drawing function: ((height, width), complexity 0..1, stream) -> uint8 height x width x 3, RGB."""
