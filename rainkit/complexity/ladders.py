"""Ladders: series of drawn pictures whose complexity rises step by step, to calibrate estimators with.

Each ladder changes one thing. An estimator is either meant to rise along it, meant not to move, or not meant for it;
`MEANT` says which, and the tests and `benchmarks/complexity.py truth` hold the estimators to it.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from rainkit.records import Pixels
from rainkit.seeds import Stream

SIDE = 256
STEPS = 12
"""Pictures of a ladder."""


def draw_leaves(count: int, rng: Stream) -> Pixels:
    """Return dead leaves: discs of random colour over one another, uint8 256 x 256 x 3.

    The radius falls with the square root of the count, so that the leaves cover the picture equally often however many
    there are.
    """
    picture = np.full((SIDE, SIDE, 3), 128, np.uint8)
    places = rng.child("place").integers(0, SIDE, 2 * count).reshape(-1, 2).tolist()
    colours = rng.child("colour").integers(0, 256, 3 * count).reshape(-1, 3).tolist()
    sizes = rng.child("size").uniform(count, 0.5, 1.5).tolist()
    for place, colour, size in zip(places, colours, sizes, strict=True):
        radius = max(1, round(size * SIDE / count**0.5))
        cv2.circle(picture, place, radius, colour, thickness=-1)
    return picture


def draw_field(exponent: float, rng: Stream) -> NDArray[np.float64]:
    """Return Gaussian noise of a power spectrum f^-exponent, mean 0 and deviation 1, float64 256 x 256."""
    white = rng.normal(SIDE * SIDE).reshape(SIDE, SIDE)
    rows, columns = np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None, :]
    radius = np.maximum(np.hypot(rows, columns), 1.0 / SIDE)
    field = np.fft.irfft2(np.fft.rfft2(white) * radius ** (-exponent / 2.0), s=(SIDE, SIDE))
    return np.asarray((field - field.mean()) / field.std())


def _textured(rng: Stream) -> NDArray[np.float64]:
    """Return 400 leaves with a texture on them, since flat discs have no detail that a blur could take away."""
    return draw_leaves(400, rng) + 15.0 * draw_field(1.5, rng.child("texture"))[:, :, None]


def _as_pixels(levels: NDArray[np.float64]) -> Pixels:
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _leaves(step: int, rng: Stream) -> Pixels:
    """Return 2 to 4096 dead leaves."""
    return draw_leaves(2 ** (step + 1), rng)


def _spectrum(step: int, rng: Stream) -> Pixels:
    """Return grey noise of a power spectrum f^-a of equal contrast, a from 4 (clouds) to 1.5 (gravel)."""
    grey = _as_pixels(128 + 40 * draw_field(4.0 - 2.5 * step / (STEPS - 1), rng))
    return np.repeat(grey[:, :, None], 3, axis=2)


def _blur(step: int, rng: Stream) -> Pixels:
    """Return textured leaves under a Gaussian blur from 12 px down to none."""
    sharp = _as_pixels(_textured(rng))
    sigma = 12.0 * (1.0 - step / (STEPS - 1)) ** 1.5
    return sharp if sigma == 0 else np.asarray(cv2.GaussianBlur(sharp, (0, 0), sigma), dtype=np.uint8)


def _noise(step: int, rng: Stream) -> Pixels:
    """Return 100 leaves with Gaussian noise from 0 to 33 levels."""
    noise = rng.child("noise").normal(SIDE * SIDE * 3, 0.0, 3.0 * step).reshape(SIDE, SIDE, 3)
    return _as_pixels(draw_leaves(100, rng) + noise)


def _contrast(step: int, rng: Stream) -> Pixels:
    """Return textured leaves with 1/12 of their contrast up to all of it."""
    return _as_pixels(128 + (_textured(rng) - 128) * (step + 1) / STEPS)


def _scramble(step: int, rng: Stream) -> Pixels:
    """Return 24 leaves cut into tiles of 250 down to 5 px, and shuffled: the same pixels in other places."""
    side = TILE_SIDES[step]
    leaves, count = draw_leaves(24, rng), SIDE // side
    used = leaves[: side * count, : side * count].reshape(count, side, count, side, 3).swapaxes(1, 2)
    tiles = used.reshape(-1, side, side, 3)[rng.child("tiles", step).permutation(count * count)]
    return np.ascontiguousarray(
        tiles.reshape(count, count, side, side, 3).swapaxes(1, 2).reshape(side * count, side * count, 3)
    )


TILE_SIDES = (250, 125, 83, 62, 50, 41, 31, 25, 19, 13, 9, 5)
"""Sides of the tiles of `scramble` in pixels; none a multiple of 4, since borders of tiles that lie on the
grid of an estimator's blocks would go unseen."""

LADDERS: dict[str, Callable[[int, Stream], Pixels]] = {
    "leaves": _leaves,
    "spectrum": _spectrum,
    "blur": _blur,
    "noise": _noise,
    "contrast": _contrast,
    "scramble": _scramble,
}
"""Ladders by name: step (0 simplest to `STEPS` - 1) and random numbers to a picture, uint8 H x W x 3."""


def climb(name: str, seed: int = 0) -> list[Pixels]:
    """Return the pictures of a ladder, from the simplest to the most complex.

    Parameters
    ----------
    name : str
        Key of `LADDERS`.
    seed : int
        Another seed draws other leaves and noise.
    """
    return [LADDERS[name](step, Stream(seed, "ladder", name)) for step in range(STEPS)]


_ALL = tuple(LADDERS)

MEANT: dict[str, tuple[str, ...]] = {
    "gradient_entropy": _ALL,
    "gradient_entropy_3": _ALL,
    "delentropy": _ALL,
    "grey_entropy": ("noise", "contrast"),
    "jpeg_ratio": _ALL,
    "jpeg_ratio_colour": _ALL,
    "frequency_energy": ("spectrum", "noise"),
    "spectral_slope": (),
    "spectral_entropy": ("spectrum", "noise"),
    "dct_significance": _ALL,
    "hadamard_significance": _ALL,
    "spatial_information": ("leaves", "spectrum", "blur", "contrast", "scramble"),
    "edge_density": ("leaves", "spectrum", "noise", "contrast", "scramble"),
    "structural_complexity": _ALL,
    "structural_complexity_full": ("blur", "noise", "contrast"),
    "colour_count": ("leaves", "noise", "contrast"),
    "colourfulness": ("contrast",),
    "rms_contrast": ("blur", "noise", "contrast"),
    "composite": _ALL,
    "human": ("leaves", "spectrum", "blur", "contrast", "scramble"),
}
"""Ladders along which each estimator and composite is meant to rise, with a rank correlation of at least 0.95.

Not meant: shares and slopes of the spectrum do not see contrast, and count no objects; histograms of levels and of
colours do not see where pixels lie, so shuffled tiles and a spectrum of equal contrast leave them alone, and a blur
adds colours between colours; edges drown in noise, which lowers the deviation of their strength and the number of long
ones.
`spectral_slope` falls along leaves, spectrum and noise.
"""
