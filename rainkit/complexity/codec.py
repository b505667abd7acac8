"""Estimators that ask a codec: how many bits a picture takes at a fixed quality.

The size depends on the JPEG encoder: libjpeg-turbo's integer transform gives the same bytes on every processor, another
encoder or a later one may not. `dct_significance` and `hadamard_significance` are the twins without a codec.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from rainkit.complexity.instrument import Instrument, Rects, Values
from rainkit.images import encode_jpeg
from rainkit.records import Pixels

QUALITY = 75
_SCAN = b"\xff\xda"


def _payload(part: Pixels) -> int:
    """Return how many bytes of a JPEG are picture: those of the entropy-coded scan, without tables and headers."""
    data = encode_jpeg(part, QUALITY)
    start = data.index(_SCAN) + 2
    return len(data) - start - int.from_bytes(data[start : start + 2], "big") - 2  # less the end marker


def _bits_per_pixel(view: Pixels, rects: Rects) -> Values:
    sizes = [_payload(view[y : y + h, x : x + w]) for x, y, w, h in rects.tolist()]
    return np.array(sizes, dtype=np.float64) * 8.0 / (rects[:, 2].astype(np.int64) * rects[:, 3])


class JpegRatio(Instrument):
    """Bits per pixel of the luma, re-encoded as JPEG of quality 75.

    8 (bytes of the entropy-coded scan) / pixels. Never the size of the source file, whose quality is unknown. Headers
    and tables are not counted: they would add 0.16 bit/px to a patch of 128 px.

    Unit bit/px, above 0.06 (a block costs 6 bits at least) to about 8. It ignores colour and arrangement beyond 8 px.
    Noise raises it more than anything; earlier JPEG compression and blur lower it.
    """

    kind: Literal["jpeg_ratio"] = Field(
        default="jpeg_ratio", description="Bits per pixel of the luma as JPEG, quality 75."
    )
    unit: ClassVar[str] = "bit/px"
    span: ClassVar[tuple[float, float]] = (0.0, 24.0)
    smallest: ClassVar[int] = 8

    def _measure(self, view: Pixels, rects: Rects) -> Values:
        return _bits_per_pixel(view, rects)


class JpegRatioColour(Instrument):
    """Bits per pixel of the colour picture, re-encoded as JPEG of quality 75 with 4:2:0 chroma.

    As `jpeg_ratio`, with the two chroma planes at half size. Unit bit/px. It agrees a little better with people, who
    see colour; it is fooled by the same things.
    """

    kind: Literal["jpeg_ratio_colour"] = Field(
        default="jpeg_ratio_colour", description="Bits per pixel of the colour picture as JPEG, quality 75."
    )
    view: ClassVar[Literal["luma", "rgb"]] = "rgb"
    unit: ClassVar[str] = "bit/px"
    span: ClassVar[tuple[float, float]] = (0.0, 24.0)
    smallest: ClassVar[int] = 16

    def _measure(self, view: Pixels, rects: Rects) -> Values:
        return _bits_per_pixel(view, rects)
