"""Colours that go together, named after where one sees them; RGB, chosen by eye for this project."""

from __future__ import annotations

from rainkit.seeds import Stream
from rainkit.sources.procedural.canvas import Colour

PALETTES: dict[str, tuple[Colour, ...]] = {
    "autumn": ((74, 42, 26), (139, 69, 28), (196, 106, 36), (222, 158, 62), (238, 205, 128), (104, 92, 48)),
    "sea": ((18, 44, 66), (30, 84, 112), (62, 134, 154), (132, 186, 190), (214, 226, 214), (232, 208, 168)),
    "forest": ((22, 36, 24), (44, 70, 38), (78, 108, 52), (122, 146, 74), (176, 186, 112), (96, 74, 50)),
    "desert": ((98, 52, 38), (160, 92, 58), (204, 144, 90), (228, 188, 136), (242, 220, 180), (124, 108, 104)),
    "dusk": ((36, 30, 58), (84, 52, 92), (150, 76, 104), (214, 118, 98), (244, 176, 116), (250, 222, 170)),
    "stone": ((50, 50, 54), (86, 84, 84), (122, 118, 112), (156, 150, 142), (190, 184, 172), (220, 214, 204)),
    "meadow": ((48, 72, 34), (98, 128, 52), (160, 178, 82), (218, 208, 110), (240, 230, 190), (176, 96, 96)),
    "harbour": ((34, 42, 56), (72, 92, 112), (128, 148, 160), (192, 200, 200), (190, 86, 62), (236, 222, 196)),
    "clay": ((72, 48, 42), (124, 78, 64), (170, 112, 88), (206, 156, 126), (232, 204, 178), (84, 88, 84)),
    "winter": ((40, 50, 66), (84, 102, 124), (140, 160, 178), (190, 206, 216), (230, 238, 242), (120, 110, 108)),
    "moss": ((34, 34, 28), (70, 68, 46), (108, 106, 66), (142, 146, 98), (182, 186, 148), (214, 208, 184)),
    "coral": ((60, 40, 56), (136, 66, 80), (206, 102, 96), (238, 156, 130), (248, 210, 180), (88, 140, 146)),
}


def pick_palette(rng: Stream, names: tuple[str, ...] = tuple(PALETTES)) -> tuple[Colour, ...]:
    """Return one palette, its colours shifted together by a few levels."""
    colours = PALETTES[names[rng.integer(0, len(names))]]
    shift = rng.integers(-12, 13, 3).tolist()
    return tuple((clip(r + shift[0]), clip(g + shift[1]), clip(b + shift[2])) for r, g, b in colours)


def clip(value: int) -> int:
    """Return a value within 0..255."""
    return min(255, max(0, int(value)))


def scale(colour: Colour, factor: float) -> Colour:
    """Return a colour made darker (below 1) or lighter (above 1)."""
    r, g, b = (clip(round(band * factor)) for band in colour)
    return r, g, b


def blend(first: Colour, second: Colour, part: float) -> Colour:
    """Return the colour at `part` (0..1) of the way from the first to the second."""
    r, g, b = (clip(round(a + (z - a) * part)) for a, z in zip(first, second, strict=True))
    return r, g, b
