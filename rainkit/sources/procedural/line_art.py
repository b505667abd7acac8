"""Line art: pages of ink on paper, as in comics: panels, outlines, hatching, screen tones, lines of speed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rainkit.records import Pixels
from rainkit.seeds import Stream
from rainkit.sources.procedural.canvas import SHIFT, between, fill, fixed, geometric, turns
from rainkit.sources.procedural.palettes import blend

_INK, _PAPER = (24, 22, 26), (250, 248, 242)


@dataclass(frozen=True)
class _Pen:
    """How fine the drawing is: widths and periods in pixels."""

    outline: int
    period: float
    complexity: float


def draw_line_art(shape: tuple[int, int], complexity: float, rng: Stream) -> Pixels:
    """Return a page; complexity sets the number of panels and shapes, and how much of them is hatched and toned."""
    side = min(shape)
    page = np.full(shape, 255, np.uint8)
    pen = _Pen(
        max(1, round(side / between(complexity, 180, 340))), geometric(complexity, side / 22, side / 60), complexity
    )
    gutter = max(3, round(side * 0.018))
    margin = gutter if complexity > 0.2 else -2 * gutter
    boxes = [(margin, margin, shape[1] - margin, shape[0] - margin)]
    for i in range(round(6 * complexity * rng.number(0.8, 1.0))):
        boxes = _split(boxes, gutter, rng.child("split", i))
    for i, box in enumerate(boxes):
        left, top, right, bottom = (max(0, box[0]), max(0, box[1]), min(shape[1], box[2]), min(shape[0], box[3]))
        panel = page[top:bottom, left:right]
        _draw_panel(panel, pen, side, rng.child("panel", i))
        cv2.rectangle(page, (box[0], box[1]), (box[2] - 1, box[3] - 1), 0, pen.outline + 1, cv2.LINE_8)
    paper = blend(_PAPER, (236, 214, 178), rng.number(0.0, 0.5))
    table = np.array([blend(_INK, paper, i / 255) for i in range(256)], dtype=np.uint8)
    return np.ascontiguousarray(table[page])


def _split(boxes: list[tuple[int, int, int, int]], gutter: int, rng: Stream) -> list[tuple[int, int, int, int]]:
    """Cut the largest box in two, across its longer side."""
    largest = max(range(len(boxes)), key=lambda i: (boxes[i][2] - boxes[i][0]) * (boxes[i][3] - boxes[i][1]))
    left, top, right, bottom = boxes[largest]
    part = rng.number(0.36, 0.64)
    if right - left > (bottom - top) * rng.number(0.8, 1.3):
        cut = left + round((right - left) * part)
        halves = [(left, top, cut - gutter // 2, bottom), (cut + gutter // 2, top, right, bottom)]
    else:
        cut = top + round((bottom - top) * part)
        halves = [(left, top, right, cut - gutter // 2), (left, cut + gutter // 2, right, bottom)]
    return boxes[:largest] + halves + boxes[largest + 1 :]


def _draw_panel(panel: Pixels, pen: _Pen, side: int, rng: Stream) -> None:
    height, width = panel.shape
    c = pen.complexity
    ground = rng.integer(0, 4)
    if ground == 0 and c > 0.2:
        _add_speed_lines(panel, pen, side, rng.child("speed"))
    elif ground == 1 and c > 0.1:
        _ink(panel, np.full_like(panel, 255), _tone_dots(panel.shape, pen, rng.child("dots")))
    _add_flow(panel, pen, side, rng.child("flow"))
    area = height * width / side**2
    count = max(2, round(area * geometric(c, 3.0, 60.0)))
    size = side * geometric(c, 0.34, 0.1)
    horizon = height * rng.number(0.1, 0.5)
    kind = rng.integer(0, 3)
    # Things that stand lower are nearer, larger, and drawn later.
    depth = np.sort(rng.child("depth").uniform(count))
    x = rng.child("x").uniform(count, -0.05, 1.05) * width
    for i in range(count):
        near = float(depth[i])
        centre = (float(x[i]), horizon + (height - horizon) * near * 1.05)
        outline = _OUTLINES[kind](centre, size * (0.55 + 0.75 * near), rng.child("shape", i))
        _draw_shape(panel, outline, pen, rng.child("tone", i))


def _draw_shape(panel: Pixels, outline: NDArray[np.float64], pen: _Pen, rng: Stream) -> None:
    """Fill a shape with paper, a tone, hatching or ink, and draw round it."""
    low, high = np.floor(outline.min(axis=0)).astype(int) - 2, np.ceil(outline.max(axis=0)).astype(int) + 3
    left, top = max(0, int(low[0])), max(0, int(low[1]))
    right, bottom = min(panel.shape[1], int(high[0])), min(panel.shape[0], int(high[1]))
    if right - left < 2 or bottom - top < 2:
        return
    part = panel[top:bottom, left:right]
    mask = np.zeros(part.shape, np.uint8)
    local = outline - (left, top)
    fill(mask, local, (255,))
    filling = np.full_like(part, 255)
    draw = rng.number() / max(0.25, 0.35 + 0.65 * pen.complexity)
    if draw < 0.1:
        filling[:] = 0
    elif draw < 0.5:
        filling = _hatch(part.shape, pen, rng.child("hatch"))
    elif draw < 0.8:
        filling = _tone_dots(part.shape, pen, rng.child("dots"))
    _ink(part, mask, filling)
    cv2.polylines(part, [fixed(local)], True, 0, pen.outline, cv2.LINE_AA, SHIFT)


def _ink(part: Pixels, mask: Pixels, filling: Pixels) -> None:
    wide = mask.astype(np.int32)
    part[:] = (part * (255 - wide) + filling * wide + 127) // 255


def _stripes(shape: tuple[int, ...], period: float, angle: float, share: NDArray[np.int64] | int) -> Pixels:
    """Return smooth parallel lines as ink on white; `share` of the period, in 1/256, is ink."""
    dx, dy = np.rint(turns(np.array([angle]))[0] * 65536 / period).astype(np.int64).tolist()
    phase = np.arange(shape[1], dtype=np.int64) * dx + np.arange(shape[0], dtype=np.int64)[:, None] * dy
    away = np.abs((phase & 0xFFFF) - 32768)  # 0 in the middle of a line
    edge = share * 128 - away
    return np.asarray(np.clip(128 - edge * round(period * 256) // 65536, 0, 255), dtype=np.uint8)


def _hatch(shape: tuple[int, ...], pen: _Pen, rng: Stream) -> Pixels:
    """Return hatching whose lines swell with a slow shade; crossed where the page is rich."""
    height, width = shape
    slope = rng.integer(30, 150)
    shade = 30 + (np.arange(width, dtype=np.int64) * slope // max(1, width))
    if rng.integer(0, 2):
        shade = shade[::-1]
    angle = rng.integer(1, 8) / 16
    ink = _stripes((height, width), pen.period, angle, np.broadcast_to(shade, (height, width)))
    if rng.number() < pen.complexity * 0.6:
        ink = np.minimum(ink, _stripes((height, width), pen.period, angle + 0.25, 46))
    return ink


def _tone_dots(shape: tuple[int, ...], pen: _Pen, rng: Stream) -> Pixels:
    """Return a screen tone: dots on a grid at 45 degrees that grow from top to bottom."""
    height, width = shape
    step = round(65536 / (pen.period * 1.1))
    u = (np.arange(width, dtype=np.int64) + np.arange(height, dtype=np.int64)[:, None]) * step * 46341 // 65536
    v = (np.arange(width, dtype=np.int64) - np.arange(height, dtype=np.int64)[:, None]) * step * 46341 // 65536
    du, dv = ((u & 0xFFFF) - 32768) >> 8, ((v & 0xFFFF) - 32768) >> 8
    first, last = rng.integer(10, 80), rng.integer(10, 80)
    radius = first + (last - first) * np.arange(height, dtype=np.int64)[:, None] // max(1, height)
    # Of squares, so no root is needed: the slope of r^2 at the rim is 2 r.
    edge = (radius * radius - du * du - dv * dv) // np.maximum(2 * radius, 1)
    return np.asarray(np.clip(128 - edge * round(pen.period * 1.1), 0, 255), dtype=np.uint8)


def _add_speed_lines(panel: Pixels, pen: _Pen, side: int, rng: Stream) -> None:
    """Draw wedges that run together towards a point and stop short of it."""
    height, width = panel.shape
    centre = np.array([rng.number(0.3, 0.7) * width, rng.number(0.3, 0.7) * height])
    count = round(between(pen.complexity, 20, 90))
    reach = float(height + width)
    inner = min(height, width) * rng.child("inner").uniform(count, 0.22, 0.42)
    angles = rng.child("angle").uniform(count)
    out = turns(angles)
    across = np.stack([-out[:, 1], out[:, 0]], axis=1) * rng.child("width").uniform(count, 0.004, 0.014)[:, None]
    for i in range(count):
        far = centre + out[i] * reach
        fill(panel, np.array([centre + out[i] * inner[i], far + across[i] * reach, far - across[i] * reach]), (0,))


def _add_flow(panel: Pixels, pen: _Pen, side: int, rng: Stream) -> None:
    """Draw sweeping parallel curves, as hair, water and wind are drawn."""
    height, width = panel.shape
    bundles = 1 + round(2 * pen.complexity * height * width / side**2)
    for bundle in range(bundles):
        part = rng.child(bundle)
        count = round(geometric(pen.complexity, 3, 11) * part.number(0.7, 1.3))
        ends = part.uniform(8, -0.1, 1.1).reshape(4, 2) * (width, height)
        opening = part.uniform(8, -0.35, 0.35).reshape(4, 2) * min(width, height)
        # Thin enough that paper shows between the strokes where they are furthest apart.
        room = float(np.abs(opening).max()) / count * 0.4
        t = (np.arange(25) / 24.0)[:, None]
        basis = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3]
        for i in range(count):
            knots = ends + opening * (2.0 * i / count - 1.0)
            curve = basis[0] * knots[0] + basis[1] * knots[1] + basis[2] * knots[2] + basis[3] * knots[3]
            _add_brush(panel, curve, min(room, pen.outline * part.child("width", i).number(0.6, 1.4)))


def _add_brush(panel: Pixels, curve: NDArray[np.float64], wide: float) -> None:
    """Draw a stroke that swells in its middle and ends in points."""
    along = np.gradient(curve, axis=0)
    norm = np.sqrt((along * along).sum(axis=1, keepdims=True)) + 1e-9
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / norm
    t = np.arange(len(curve))[:, None] / (len(curve) - 1)
    half = wide * (0.15 + 2.4 * t * (1 - t))
    fill(panel, np.vstack([curve + across * half, (curve - across * half)[::-1]]), (0,))


def _cloud(centre: tuple[float, float], size: float, rng: Stream) -> NDArray[np.float64]:
    """Return a puffed outline: bulges on an ellipse."""
    bulges = rng.integer(5, 10)
    t = np.arange(96) / 96
    swell = np.abs(turns(t * bulges / 2)[:, 1])
    circle = turns(t + rng.number()) * (1.25, 0.75)
    return np.asarray(circle * (size * 0.5 * (0.8 + 0.3 * swell))[:, None] + centre)


def _hill(centre: tuple[float, float], size: float, rng: Stream) -> NDArray[np.float64]:
    """Return a boulder: an uneven polygon, flat below."""
    count = rng.integer(7, 13)
    t = (np.arange(count) + rng.child("t").uniform(count, -0.3, 0.3)) / count
    circle = turns(t) * rng.child("r").uniform(count, 0.75, 1.1)[:, None] * size * 0.6
    circle[:, 1] = np.minimum(circle[:, 1], size * 0.2)
    return np.asarray(circle + centre)


def _tower(centre: tuple[float, float], size: float, rng: Stream) -> NDArray[np.float64]:
    """Return a house: a block with a gable, a flat roof or steps."""
    wide, tall = size * rng.number(0.3, 0.55), size * rng.number(0.7, 1.8)
    roof = rng.integer(0, 3)
    x, y = centre
    top = [(-1.0, -1.0), (1.0, -1.0)]
    if roof == 1:
        top = [(-1.0, -0.75), (0.0, -1.0), (1.0, -0.75)]
    elif roof == 2:
        top = [(-1.0, -0.8), (-0.5, -0.8), (-0.5, -1.0), (0.5, -1.0), (0.5, -0.8), (1.0, -0.8)]
    corners = [(-1.0, 0.3), *top, (1.0, 0.3)]
    return np.array([(x + a * wide, y + b * tall) for a, b in corners])


_OUTLINES = (_cloud, _hill, _tower)
