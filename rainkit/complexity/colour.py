"""Estimators of colour: how many colours, and how strong."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from rainkit.complexity.histograms import variance
from rainkit.complexity.instrument import Instrument, Rects, Values
from rainkit.records import Pixels

COLOUR_BITS = 4


class ColourCount(Instrument):
    """Number of distinct colours at 4 bits a channel.

    Pixels fall into 16 x 16 x 16 cells of RGB; the number of cells that occur. Unit colours, 1 to 4096.

    It ignores edges and arrangement altogether, which is why it adds to estimators that see nothing else. Grey pictures
    have 16 at most; noise raises it, and a gradient of hue counts as many colours. It grows with the number of pixels,
    so compare views of one size.
    """

    kind: Literal["colour_count"] = Field(default="colour_count", description="Distinct colours at 4 bits a channel.")
    view: ClassVar[Literal["luma", "rgb"]] = "rgb"
    unit: ClassVar[str] = "colours"
    span: ClassVar[tuple[float, float]] = (1.0, 4096.0)

    def _measure(self, view: Pixels, rects: Rects) -> Values:
        from rainkit.complexity import loops  # noqa: PLC0415 - numba

        return np.asarray(loops.colours(view, rects, COLOUR_BITS).astype(np.float64))


class Colourfulness(Instrument):
    """Colourfulness of Hasler and Suesstrunk.

    sqrt(var(rg) + var(yb)) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2), rg = R - G, yb = (R + G) / 2 - B, levels 0..255. 0 for
    grey; their scale calls 15 slightly, 45 averagely, 82 highly colourful.

    Unit level, 0 to about 300. It is strength of colour, not complexity: a plain red card scores high.

    Source: D. Hasler, S. Suesstrunk, "Measuring colourfulness in natural images", Proc. SPIE 5007, 2003, eq. 5 to 8
    (equation numbers unverified).
    """

    kind: Literal["colourfulness"] = Field(
        default="colourfulness", description="Colourfulness of Hasler and Suesstrunk."
    )
    view: ClassVar[Literal["luma", "rgb"]] = "rgb"
    unit: ClassVar[str] = "1/255"
    span: ClassVar[tuple[float, float]] = (0.0, 300.0)

    def _measure(self, view: Pixels, rects: Rects) -> Values:
        from rainkit.complexity import loops  # noqa: PLC0415 - numba

        counts = rects[:, 2].astype(np.int64) * rects[:, 3]
        values = []
        # The loop sums 2 yb, a whole number: its mean is halved and its variance quartered here.
        for n, (rg, rg2, yb, yb2) in zip(counts.tolist(), loops.opponents(view, rects).tolist(), strict=True):
            deviation = math.sqrt(variance(n, rg, rg2) + variance(n, yb, yb2) / 4.0)
            values.append(deviation + 0.3 * math.sqrt((rg / n) ** 2 + (yb / (2 * n)) ** 2))
        return np.array(values)
