"""What all estimators share: a view, a unit, an identity, quantised values."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rainkit.errors import BuildError
from rainkit.records import Component, Pixels

STEP = 1_000_000
"""Values are multiples of 1 / STEP, so that a last bit that differs between processors is rounded away."""

Unit = Literal["picture", "patch"]
Rects = NDArray[np.int32]
Values = NDArray[np.float64]

VIEW_NAMES: dict[str, str] = {"picture": "256", "patch": "native"}
"""Size of the view that each unit is measured on: an area of 256^2 pixels, or the pixels of the patch as they are."""

_LOG_SCALE = 1 << 20
_LOG_TABLE_MAX = 1 << 17


def quantise(values: Values) -> Values:
    """Return values rounded to multiples of 1 / `STEP`, float64; the result is never -0.0."""
    return np.asarray(np.rint(values * STEP) / STEP + 0.0)


@lru_cache(maxsize=1)
def _products() -> NDArray[np.int64]:
    """Return round(n log2 n 2^20) for n below 2^17."""
    return np.array([0] + [_product(n) for n in range(1, _LOG_TABLE_MAX)], dtype=np.int64)


def _product(count: int) -> int:
    return round(count * math.log2(count) * _LOG_SCALE)


def entropies(counts: NDArray[np.int64]) -> Values:
    """Return the Shannon entropy of histograms in bits, from sums of whole numbers.

    Parameters
    ----------
    counts : int64 array, ... x bins
        Histograms; one without entries has an entropy of 0.

    Returns
    -------
    float64 array, ...
        log2(n) - sum(c log2 c) / n over the last axis, 0 to log2(bins), exact to 2^-20 a bin.
    """
    totals = counts.sum(axis=-1, dtype=np.int64)
    if counts.size and int(counts.max()) >= _LOG_TABLE_MAX:
        flat = [sum(_product(int(c)) for c in row if c > 0) for row in counts.reshape(-1, counts.shape[-1])]
        sums = np.array(flat, dtype=np.int64).reshape(totals.shape)
    else:
        sums = _products()[counts].sum(axis=-1, dtype=np.int64)
    bits = [
        math.log2(n) - s / (n * _LOG_SCALE) if n else 0.0
        for n, s in zip(totals.ravel().tolist(), sums.ravel().tolist(), strict=True)
    ]
    return np.maximum(np.array(bits, dtype=np.float64).reshape(totals.shape), 0.0)


def whole(view: Pixels) -> Rects:
    """Return the rectangle that covers a view, int32 1 x 4: x, y, w, h."""
    return np.array([[0, 0, view.shape[1], view.shape[0]]], dtype=np.int32)


class Instrument(Component):
    """An estimator of complexity: a view of a picture, or rectangles of it, to numbers.

    An estimator has no settings: a column with its name means the same in every corpus. What would be a setting
    (scales, colour) is an estimator with a name of its own.
    """

    kind: str = Field(default="", description="Name of the estimator, and of its column.")

    view: ClassVar[Literal["luma", "rgb"]] = "luma"
    """What the estimator looks at: uint8 luma H x W, or uint8 RGB H x W x 3."""
    unit: ClassVar[str] = "1"
    """Unit of the value: bit, bit/px, 1 for a share, 1/255 for a difference of levels."""
    span: ClassVar[tuple[float, float]] = (0.0, math.inf)
    """Smallest and largest value that the estimator can give."""
    smallest: ClassVar[int] = 1
    """Side, in pixels, below which a view is continued by repeating its border."""

    @property
    def id(self) -> str:
        """Identity of the number on whole pictures, "kind@view-size/version"; see `identify` for patches."""
        return self.identify("picture")

    def identify(self, unit: Unit) -> str:
        """Return the identity of the number, "kind@view-size/version"; numbers of different identity never mix."""
        return f"{self.kind}@{self.view}-{VIEW_NAMES[unit]}/{self.version}"

    def __call__(self, view: Pixels) -> float:
        """Return the value of a whole view.

        Parameters
        ----------
        view : uint8 array, H x W or H x W x 3
            Luma or RGB, as `self.view` says; neither side may be 0.

        Returns
        -------
        float
            Multiple of 1e-6 within `span`.
        """
        self._check_view(view)
        if min(view.shape[:2]) < self.smallest:
            view = self._grow(view, whole(view)[0])
        value = float(self._measure(np.ascontiguousarray(view), whole(view))[0])
        return round(value * STEP) / STEP + 0.0

    def many(self, view: Pixels, rects: Rects) -> Values:
        """Return the value of each rectangle as if it were a picture of its own, float64 (N,).

        Parameters
        ----------
        view : uint8 array, H x W or H x W x 3
            As for a call.
        rects : int32 array, N x 4
            Columns x, y, w, h in pixels; inside the view, sides of at least 1.

        Raises
        ------
        ValueError
            If the view has the wrong shape or type, or a rectangle leaves it.
        """
        self._check_view(view)
        self._check_rects(view, rects)
        view = np.ascontiguousarray(view)
        rects = np.ascontiguousarray(rects, dtype=np.int32)
        small = (rects[:, 2:] < self.smallest).any(axis=1)
        if not small.any():
            return quantise(self._measure(view, rects)) if len(rects) else np.zeros(0)
        values = np.empty(len(rects))
        if not small.all():
            values[~small] = self._measure(view, rects[~small])
        for index in np.flatnonzero(small).tolist():
            grown = self._grow(view, rects[index])
            values[index] = self._measure(grown, whole(grown))[0]
        return quantise(values)

    def _grow(self, view: Pixels, rect: NDArray[np.int32]) -> Pixels:
        x, y, w, h = rect.tolist()
        down, across = max(0, self.smallest - h), max(0, self.smallest - w)
        part = np.ascontiguousarray(view[y : y + h, x : x + w])
        return np.asarray(cv2.copyMakeBorder(part, 0, down, 0, across, cv2.BORDER_REPLICATE), dtype=np.uint8)

    def _check_view(self, view: Pixels) -> None:
        shape = "H x W" if self.view == "luma" else "H x W x 3"
        right = view.ndim == 2 if self.view == "luma" else view.ndim == 3 and view.shape[2] == 3
        if view.dtype != np.uint8 or not right or view.size == 0:
            raise ValueError(f"{self.kind} wants uint8 {self.view}, {shape}, not {view.dtype} {view.shape}")

    @staticmethod
    def _check_rects(view: Pixels, rects: Rects) -> None:
        if rects.ndim != 2 or rects.shape[1] != 4:
            raise ValueError(f"rectangles are N x 4 (x, y, w, h), not {rects.shape}")
        if len(rects) and (
            rects[:, :2].min() < 0
            or rects[:, 2:].min() < 1
            or (rects[:, 0] + rects[:, 2]).max() > view.shape[1]
            or (rects[:, 1] + rects[:, 3]).max() > view.shape[0]
        ):
            raise ValueError(f"a rectangle leaves the view of {view.shape[1]} x {view.shape[0]} pixels, or is empty")

    def _measure(self, view: Pixels, rects: Rects) -> Values:
        raise NotImplementedError


def require_same_ids(ours: dict[str, Any], theirs: dict[str, Any], where: str) -> None:
    """Refuse to compare scores that were not made by the same instruments.

    Parameters
    ----------
    ours, theirs : dict of str to str
        Column name to identity, as `Instrument.identify` gives it; only names that both have are compared.
    where : str
        What `theirs` came from, for the message.

    Raises
    ------
    BuildError
        If one identity differs.
    """
    wrong = [
        f"{name}: {theirs[name]} there, {ours[name]} here"
        for name in ours
        if name in theirs and ours[name] != theirs[name]
    ]
    if wrong:
        raise BuildError(
            f"the scores of {where} were made by other instruments ({'; '.join(wrong)}); "
            "numbers of different identity must not be mixed: score those pictures again with this version"
        )
