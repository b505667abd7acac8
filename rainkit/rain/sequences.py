"""Rain over time: the same drops in consecutive frames, each frame drawn alone from (stream, number).

Nothing is carried from frame to frame. A drop is where its path leads at the time of the frame, and comes in again at
the top, at another place, when it has left the view; so any frame costs what a picture costs, in any order. The first
frame, number 0, is the rain of the still picture.

>>> from rainkit.rain import simulator
>>> rain = simulator("particles")
>>> first = frame(rain, (64, 64), Stream(1, "clip"), fps=30, t=0)
>>> bool((first.layer == rain((64, 64), Stream(1, "clip")).layer).all())
True
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rainkit.errors import RecipeError
from rainkit.rain import labels
from rainkit.rain.mixture import Mixture
from rainkit.rain.particles import Particles
from rainkit.rain.raster import ONE, column
from rainkit.rain.streaks import Streaks
from rainkit.records import Rain
from rainkit.seeds import Stream

MOVING = ("particles", "streaks", "mixture")
"""Kinds of simulators whose rain can move; a mixture when its parts can."""


def frames(
    simulator: Any, shape: tuple[int, int], rng: Stream, fps: float, count: int, **options: Any
) -> Iterator[Rain]:
    """Yield the rain of `count` frames; see `frame`."""
    for t in range(count):
        yield frame(simulator, shape, rng, fps, t, **options)


def frame(
    simulator: Any,
    shape: tuple[int, int],
    rng: Stream,
    fps: float,
    t: int,
    *,
    shutter: float = 0.5,
    depth: NDArray[np.uint16] | None = None,
) -> Rain:
    """Return the rain of one frame.

    Parameters
    ----------
    simulator : Particles, Streaks or Mixture of them
        `particles` fall at their speeds; `streaks` move along themselves, by their length while the shutter is open.
    shape : tuple of int
        Height and width, px.
    rng : Stream
        The stream of the sequence: the same for all its frames.
    fps : float
        Frames per second, above 0.
    t : int
        Number of the frame, 0 for the first; negative ones come before it.
    shutter : float
        Share of the time between frames that the shutter is open, for `streaks`.
    depth : uint16 array, H x W, optional
        Depth map of this frame, cm; only a veil over a map uses it.

    Raises
    ------
    RecipeError
        If the rain of the simulator cannot move.
    ValueError
        If `fps` or `shutter` is not positive.
    """
    if not 0 < fps < math.inf or not 0 < shutter <= 1:
        raise ValueError(f"fps must be above 0 and shutter within 0..1, not {fps} and {shutter}")
    if isinstance(simulator, Mixture):
        return simulator.draw_with(
            lambda part, stream: frame(part, shape, stream, fps, t, shutter=shutter, depth=depth), rng
        )
    if isinstance(simulator, Particles):
        return simulator.at(shape, rng, t / fps, depth)
    if isinstance(simulator, Streaks):
        return _move_streaks(simulator, shape, rng, t, shutter=shutter, depth=depth)
    kind = getattr(simulator, "kind", type(simulator).__name__)
    raise RecipeError(f"rain of kind {kind} cannot move; sequences need {', '.join(MOVING)}")


def _move_streaks(
    simulator: Streaks, shape: tuple[int, int], rng: Stream, t: int, *, shutter: float, depth: NDArray[np.uint16] | None
) -> Rain:
    """Return the rain of `streaks`, each moved t / shutter times along itself on a loop wider than the picture."""
    still = simulator(shape, rng, depth)
    if still.streaks is None or t == 0:
        return still
    scale = float(still.parameters["scale"])
    scale *= shape[0] / simulator.reference_height if simulator.reference_height else 1.0
    moved = still.streaks.copy()
    start = 0
    for layer in simulator.layers:
        stop = start + int(still.parameters[f"{layer.name}_streaks"])
        laps = rng.child("laps", layer.name)
        _advance(moved[start:stop], shape, layer.margin(scale), (t << 16, round(shutter * 65536)), laps)
        start = stop
    rain = dataclasses.replace(still, streaks=moved)
    return dataclasses.replace(rain, layer=labels.redraw(rain))


def _advance(
    streaks: NDArray[np.int32], shape: tuple[int, int], margin: int, steps: tuple[int, int], rng: Stream
) -> None:
    """Move streaks along themselves, in place, by a number of their lengths (a fraction of two integers).

    Their middles go round within the picture and its margin, where nobody sees them leave and come in; with each lap a
    streak comes in at another place.
    """
    x0, y0, x1, y1 = (streaks[:, column(name)].astype(np.int64) for name in ("x0", "y0", "x1", "y1"))
    high, wide = ((size + 2 * margin) * ONE for size in shape)
    across, down = (x1 - x0) * steps[0] // steps[1], (y1 - y0) * steps[0] // steps[1]
    middle = ((y0 + y1) >> 1) + margin * ONE
    laps = (middle + down) // high
    shift_y = down - laps * high
    middle = ((x0 + x1) >> 1) + margin * ONE
    place = across + _lap_places(rng.bits(len(streaks)), laps, wide)
    shift_x = place - (middle + place) // wide * wide
    for name, values in (("x0", x0 + shift_x), ("x1", x1 + shift_x), ("y0", y0 + shift_y), ("y1", y1 + shift_y)):
        streaks[:, column(name)] = values


def _lap_places(words: NDArray[np.uint64], laps: NDArray[np.int64], span: int) -> NDArray[np.int64]:
    """Return a place in [0, span) for each word and lap, 0 on lap 0 (a multiply-xorshift hash)."""
    mixed = words + laps.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) >> np.uint64(32)
    places = (mixed * np.uint64(span) >> np.uint64(32)).astype(np.int64)
    return np.where(laps == 0, 0, places)
