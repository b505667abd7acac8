"""Street: two rows of houses in one-point perspective, with windows, pavements, a road, and what hangs over it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rainkit.records import Pixels
from rainkit.seeds import Stream
from rainkit.sources.procedural.canvas import (
    Colour,
    Shape,
    between,
    fill,
    fill_convex,
    geometric,
    grain,
    lay_over,
    light,
    noise,
    ramp,
    relief,
    stroke,
)
from rainkit.sources.procedural.palettes import blend, scale

_WALLS: tuple[Colour, ...] = (
    (186, 124, 98), (206, 182, 148), (168, 160, 148), (214, 202, 182), (148, 92, 78), (122, 130, 132),
    (196, 160, 112), (160, 172, 176), (222, 196, 156), (132, 108, 92),
)  # fmt: skip
_AWNINGS: tuple[Colour, ...] = ((164, 52, 44), (44, 88, 74), (38, 66, 108), (196, 142, 52), (92, 44, 72))
_SKIES: tuple[tuple[Colour, ...], ...] = (
    ((96, 140, 188), (172, 200, 220), (228, 230, 222)),
    ((128, 138, 150), (178, 184, 188), (216, 216, 212)),
    ((86, 84, 120), (196, 140, 128), (246, 208, 160)),
    ((38, 84, 146), (110, 164, 208), (206, 226, 230)),
)


@dataclass(frozen=True)
class _View:
    """A camera that looks down the street; distances in metres."""

    x: float
    y: float
    focal: float

    def project(self, points: list[tuple[float, float, float]]) -> NDArray[np.float64]:
        """Return points (right, up from the eye, ahead) as pixels, shape (count, 2)."""
        return np.array([(self.x + self.focal * a / z, self.y - self.focal * b / z) for a, b, z in points])


@dataclass(frozen=True)
class _Wall:
    """A plane that stands along the street at `x` (or across it, where `z` is given), and how it is seen."""

    view: _View
    x: float
    eye: float
    haze: Colour

    def quad(self, span: tuple[float, float], rise: tuple[float, float]) -> NDArray[np.float64]:
        """Return a rectangle of the wall: `span` in metres ahead, `rise` in metres above the ground."""
        (near, far), (low, high) = span, (rise[0] - self.eye, rise[1] - self.eye)
        return self.view.project([(self.x, low, near), (self.x, high, near), (self.x, high, far), (self.x, low, far)])

    def tint(self, colour: Colour, ahead: float) -> Colour:
        """Return a colour as the air of the distance leaves it."""
        return blend(colour, self.haze, min(0.6, ahead / (ahead + 60.0)))


def draw_street(shape: tuple[int, int], complexity: float, rng: Stream) -> Pixels:
    """Return a street; complexity adds houses, windows, shops, bricks, lamps and wires."""
    height, width = shape
    side = min(shape)
    stops = _SKIES[rng.integer(0, len(_SKIES))]
    view = _View(width * rng.number(0.38, 0.62), height * rng.number(0.5, 0.62), side * rng.number(0.75, 0.95))
    half = rng.number(4.5, 7.0)
    eye = rng.number(1.7, 2.6)
    haze = blend(stops[-1], stops[1], 0.3)
    picture = ramp(shape, [*stops, stops[-1]])
    _add_clouds(picture, complexity, rng.child("clouds"))
    sky = picture.copy()
    _add_road(picture, view, (half, eye, complexity), haze, rng.child("road"))
    for sign in (-1, 1):
        wall = _Wall(view, sign * half, eye, haze)
        shade = 1.06 if sign == 1 else 0.8
        _add_row(picture, wall, complexity, shade, rng.child("row", sign + 1))
    _roughen(picture, sky, complexity, rng.child("surface"))
    _add_wires(picture, view, (half, eye), complexity, rng.child("wires"))
    grain(picture, between(complexity, 0.0, 4.0), rng.child("grain"))
    return picture


def _add_clouds(picture: Pixels, complexity: float, rng: Stream) -> None:
    height, width = picture.shape[:2]
    side = min(height, width)
    field = noise((height, width), side / 2.5, rng, 6, between(complexity, 0.35, 0.55), stretch=2.0)
    alpha = np.clip((field - 33000) // 90, 0, round(between(complexity, 60, 190))).astype(np.uint8)
    lay_over(picture, (244, 244, 240), alpha)


def _add_road(picture: Pixels, view: _View, scene: tuple[float, float, float], haze: Colour, rng: Stream) -> None:
    """Draw pavements, the carriageway and its marks."""
    half, eye, complexity = scene
    floor = _Floor(view, eye, haze)
    asphalt = ((84, 84, 88), (102, 98, 94), (74, 78, 84))[rng.integer(0, 3)]
    paving = ((168, 162, 152), (146, 144, 142), (178, 166, 146))[rng.integer(0, 3)]
    floor.strips(picture, (-half, half), paving)
    kerb = half * 0.62
    floor.strips(picture, (-kerb - 0.2, kerb + 0.2), scale(paving, 1.18))
    floor.strips(picture, (-kerb, kerb), asphalt)
    mark = (222, 218, 206)
    slabs = round(geometric(complexity, 2, 60)) if complexity > 0.15 else 0
    for i in range(slabs):
        z = 2.2 + 45.0 * (i / slabs) ** 2
        for sign in (-1, 1):
            line = floor.view.project([(sign * kerb * 1.03, -eye, z), (sign * half, -eye, z)])
            stroke(picture, line, blend(scale(paving, 0.72), haze, min(0.7, z / 50)))
    for i in range(round(between(complexity, 3, 12))):
        near = 2.4 + i * 4.0
        floor.patch(picture, (-0.09, 0.09), (near, near + 2.0), mark)
    if complexity > 0.35:
        start = rng.number(5.0, 9.0)
        for i in range(9):
            x = -kerb + (i + 0.25) * 2 * kerb / 9
            floor.patch(picture, (x, x + kerb / 9), (start, start + 2.6), mark)


@dataclass(frozen=True)
class _Floor:
    view: _View
    eye: float
    haze: Colour

    def patch(self, picture: Pixels, across: tuple[float, float], along: tuple[float, float], colour: Colour) -> None:
        """Fill a rectangle of the ground."""
        (left, right), (near, far) = across, along
        corners = [(left, -self.eye, near), (right, -self.eye, near), (right, -self.eye, far), (left, -self.eye, far)]
        faded = blend(colour, self.haze, min(0.6, near / (near + 60.0)))
        fill_convex(picture, self.view.project(corners), faded)

    def strips(self, picture: Pixels, across: tuple[float, float], colour: Colour) -> None:
        """Fill a band along the whole street, paler with the distance."""
        edges = [0.8, 3.0, 6.0, 10.0, 16.0, 26.0, 45.0, 90.0, 400.0]
        for near, far in itertools.pairwise(edges):
            self.patch(picture, across, (near, far), colour)


def _add_row(picture: Pixels, wall: _Wall, complexity: float, shade: float, rng: Stream) -> None:
    """Draw the houses of one side, far ones first."""
    houses: list[tuple[float, float]] = []
    near = 1.1
    while near < 90.0:
        length = rng.child("length", len(houses)).number(0.6, 1.4) * geometric(complexity, 26.0, 6.0)
        houses.append((near, near + length))
        near += length
    for i, span in reversed(list(enumerate(houses))):
        _add_house(picture, wall, span, complexity, (shade, rng.child("house", i)))


def _add_house(
    picture: Pixels, wall: _Wall, span: tuple[float, float], complexity: float, draw: tuple[float, Stream]
) -> None:
    shade, rng = draw
    near, far = span
    floors = rng.integer(2, 6)
    storey = rng.number(2.9, 3.6)
    top = floors * storey + rng.number(0.4, 1.4)
    colour = scale(_WALLS[rng.integer(0, len(_WALLS))], shade * rng.number(0.88, 1.08))
    # The end wall shows above a lower neighbour; it stands across the street, in the shade.
    back = 9.0 if wall.x > 0 else -9.0
    low, high = -wall.eye, top - wall.eye
    end = [(wall.x, low, near), (wall.x, high, near), (wall.x + back, high, near), (wall.x + back, low, near)]
    fill_convex(picture, wall.view.project(end), wall.tint(scale(colour, 0.72), near))
    pieces = 4
    for i in range(pieces):  # in pieces, so that the haze grows along the wall
        first, last = near + (far - near) * i / pieces, near + (far - near) * (i + 1) / pieces
        fill_convex(picture, wall.quad((first, last), (0.0, top)), wall.tint(colour, first))
    if complexity > 0.12:
        cornice = scale(colour, 1.14)
        fill_convex(picture, wall.quad(span, (top - 0.35, top)), wall.tint(cornice, near))
        fill_convex(picture, wall.quad(span, (top - 0.47, top - 0.35)), wall.tint(scale(colour, 0.66), near))
        fill_convex(picture, wall.quad(span, (0.0, 0.5)), wall.tint(scale(colour, 0.7), near))
    _add_bricks(picture, wall, span, top, (colour, complexity))
    _add_windows(picture, wall, span, (floors, storey), (colour, complexity, rng.child("windows")))


def _add_bricks(
    picture: Pixels, wall: _Wall, span: tuple[float, float], top: float, look: tuple[Colour, float]
) -> None:
    """Rule courses on a wall, as far as they can be told apart."""
    colour, complexity = look
    if complexity < 0.3:
        return
    near, far = span
    step = geometric(complexity, 2.4, 0.42)
    line = wall.tint(scale(colour, 0.86), near)
    least = 3.0 * near / wall.view.focal  # metres that make three pixels
    for i in range(1, int(top / max(step, least))):
        rise = i * max(step, least) - wall.eye
        stroke(picture, wall.view.project([(wall.x, rise, near), (wall.x, rise, far)]), line)


def _add_windows(
    picture: Pixels,
    wall: _Wall,
    span: tuple[float, float],
    storeys: tuple[int, float],
    look: tuple[Colour, float, Stream],
) -> None:
    """Set windows in rows, with frames, sills and bars as complexity allows, and a shop below."""
    colour, complexity, rng = look
    near, far = span
    floors, storey = storeys
    columns = max(1, round((far - near) / geometric(complexity, 7.5, 1.9)))
    bay = (far - near) / columns
    wide, tall = min(1.3, bay * 0.56), storey * rng.number(0.46, 0.6)
    glass = ((44, 58, 70), (70, 92, 108), (36, 40, 46))[rng.integer(0, 3)]
    frame = scale(colour, 1.22)
    glints = rng.uniform(columns * floors).tolist()
    shop = complexity > 0.25 and rng.integer(0, 3) > 0
    for floor in range(1 if shop else 0, floors):
        low = floor * storey + storey * 0.24
        for column in range(columns):
            start = near + column * bay + (bay - wide) / 2
            if start < 1.0:
                continue
            glint = glints[floor * columns + column]
            pane = blend(glass, (236, 214, 150), 0.75) if glint > 0.9 else blend(glass, wall.haze, glint * 0.5)
            place = (start, start + wide)
            if complexity > 0.15:
                around = (start - 0.13, start + wide + 0.13)
                fill_convex(picture, wall.quad(around, (low - 0.12, low + tall + 0.16)), wall.tint(frame, start))
            fill_convex(picture, wall.quad(place, (low, low + tall)), wall.tint(pane, start))
            if complexity > 0.45 and start < 30:
                bars = wall.tint(scale(frame, 0.95), start)
                middle = start + wide / 2
                fill_convex(picture, wall.quad((middle - 0.04, middle + 0.04), (low, low + tall)), bars)
                fill_convex(picture, wall.quad(place, (low + tall * 0.6, low + tall * 0.66)), bars)
                fill_convex(picture, wall.quad(around, (low - 0.26, low - 0.12)), wall.tint(scale(colour, 0.6), start))
    if shop:
        _add_shop(picture, wall, span, storey, (complexity, rng.child("shop")))


def _add_shop(
    picture: Pixels, wall: _Wall, span: tuple[float, float], storey: float, look: tuple[float, Stream]
) -> None:
    complexity, rng = look
    near, far = max(1.2, span[0] + 0.5), span[1] - 0.5
    if far <= near:
        return
    fill_convex(picture, wall.quad((near, far), (0.1, storey * 0.72)), wall.tint((46, 50, 54), near))
    panes = max(1, round((far - near) / 1.5))
    for i in range(panes):
        first, last = near + (far - near) * i / panes + 0.08, near + (far - near) * (i + 1) / panes - 0.08
        lit = blend((86, 96, 100), (232, 206, 150), rng.number(0.0, 0.8))
        fill_convex(picture, wall.quad((first, last), (0.55, storey * 0.68)), wall.tint(lit, first))
    cloth = _AWNINGS[rng.integer(0, len(_AWNINGS))]
    inward = -0.9 if wall.x > 0 else 0.9
    stripes = max(2, round((far - near) / geometric(complexity, 2.0, 0.4)))
    top, low = storey * 0.9 - wall.eye, storey * 0.7 - wall.eye
    for i in range(stripes):
        first, last = near + (far - near) * i / stripes, near + (far - near) * (i + 1) / stripes
        tone = cloth if i % 2 else blend(cloth, (240, 234, 220), 0.7)
        corners = [
            (wall.x, top, first),
            (wall.x, top, last),
            (wall.x + inward, low, last),
            (wall.x + inward, low, first),
        ]
        fill_convex(picture, wall.view.project(corners), wall.tint(tone, first))


def _roughen(picture: Pixels, sky: Pixels, complexity: float, rng: Stream) -> None:
    """Weather what was built: a fine relief lies over houses and road, and not over the sky."""
    shape: Shape = (picture.shape[0], picture.shape[1])
    side = min(shape)
    field = noise(shape, side / 16, rng, 6, between(complexity, 0.5, 0.75))
    factors = relief(field, side / 20, between(complexity, 0.05, 0.34))
    built = (picture != sky).any(axis=2)
    light(picture, np.where(built, factors, np.int16(256)).astype(np.int16))


def _add_wires(picture: Pixels, view: _View, scene: tuple[float, float], complexity: float, rng: Stream) -> None:
    """Hang wires and lamps over the street; each wire sags as a parabola."""
    half, eye = scene
    side = min(picture.shape[:2])
    dark = (44, 44, 48)
    for i in range(round(complexity * 7)):
        z, rise = 3.5 + 2.7 * i + rng.number(0.0, 2.0), rng.number(5.0, 9.0)
        steps = [(t / 8.0, rise - eye - 1.2 * (t / 8.0) * (2 - t / 8.0)) for t in range(17)]
        stroke(picture, view.project([(half * (x - 1.0), y, z) for x, y in steps]), dark)
        if i % 2:
            lamp = view.project([(0.0, rise - eye - 1.2, z), (0.0, rise - eye - 1.75, z)])
            stroke(picture, lamp, dark, max(1, round(side / 200)))
            bulb = view.project([(-0.35, rise - eye - 2.0, z), (0.0, rise - eye - 1.6, z), (0.35, rise - eye - 2.0, z)])
            fill(picture, bulb, (250, 232, 176))
