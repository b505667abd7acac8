"""Which pictures become backgrounds, and why the others do not."""

from __future__ import annotations

import hashlib
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from rainkit.images import PictureError, TruncatedError, decode, pixel_digest, probe
from rainkit.records import Background, Picture, Pixels, Refused

REASONS = MappingProxyType(
    {
        "unreadable": "The file cannot be opened or is no picture.",
        "truncated": "A part of the file is missing or damaged.",
        "too_small": "Its shorter side is below min_size.",
        "too_many_pixels": "It has more pixels than max_pixels; the header says so, nothing was decoded.",
        "constant": "Every pixel has nearly the same colour, so there is nothing to restore.",
        "duplicate_bytes": "The same file was admitted before.",
        "duplicate_pixels": "A file with the same pixels was admitted before.",
        "near_duplicate": "It looks like a picture that was admitted before, within the Hamming distance deduplicate.",
        "border": "It has wide borders of one colour; see guards.",
        "upsampled": "It was enlarged: fine detail is missing; see guards.",
        "compressed": "It was compressed hard before: JPEG's grid shows; see guards.",
        "noisy": "It is noisy in plain places; see guards.",
        "limit": "As many pictures as limit allows were admitted before.",
    }
)
"""Reason to what it means; every refusal carries one of these words."""

_CONSTANT_RANGE = 2
"""A channel whose values span at most this many levels is constant; JPEG moves a flat colour by one or two."""


class Backgrounds(BaseModel):
    """Which pictures are admitted."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    min_size: int = Field(64, ge=1, description="Least shorter side.", json_schema_extra={"unit": "px"})
    max_pixels: int = Field(
        50_000_000,
        ge=1,
        description="Most pixels; larger pictures are refused before they are decoded.",
        json_schema_extra={"unit": "px"},
    )
    deduplicate: int | None = Field(
        10,
        ge=0,
        le=20,
        description="Pictures whose 64-bit perceptual hashes differ in at most this many bits are nearly identical; "
        "null compares bytes and pixels only.",
        json_schema_extra={"unit": "bit"},
    )
    limit: int | None = Field(None, ge=1, description="Most backgrounds to admit, chosen by content; null for all.")
    on_refusal: Literal["keep_going", "stop"] = Field(
        "keep_going", description="What to do about a picture that is refused: count it and keep going, or stop."
    )
    max_refused_share: float = Field(
        0.5, ge=0.0, le=1.0, description="Stop when more than this share of the pictures is damaged or unsuitable."
    )


def examine(
    picture: Picture,
    source: str,
    license: str,  # noqa: A002 - the word of the manifest
    attribution: str,
    block: Backgrounds,
) -> tuple[Background, Pixels] | Refused:
    """Read a picture and admit or refuse it by itself; other pictures play no part.

    Parameters
    ----------
    picture : Picture
        What a source offers.
    source : str
        Name of the source in the recipe.
    license, attribution : str
        As the source states them.
    block : Backgrounds
        Limits.

    Returns
    -------
    tuple of Background and uint8 array H x W x 3, or Refused
        The background is a group of its own and has no scores yet.
    """
    try:
        found = _read(picture, block)
    except TruncatedError as error:
        found = _Problem("truncated", str(error))
    except PictureError as error:
        found = _Problem("unreadable", str(error))
    except OSError as error:
        # Only the system's own words: the path differs from machine to machine.
        found = _Problem("unreadable", error.strerror or "the file cannot be read")
    if isinstance(found, _Problem):
        return Refused(source, picture.path, found.reason, found.detail)
    pixels, sha256 = found
    height, width = pixels.shape[:2]
    digest = pixel_digest(pixels)
    background = Background(
        id=digest[:16],
        source=source,
        path=picture.path,
        license=license,
        attribution=attribution,
        sha256=sha256,
        digest=digest,
        width=width,
        height=height,
        group=digest[:16],
    )
    return background, pixels


class _Problem(NamedTuple):
    reason: str
    detail: str


def _read(picture: Picture, block: Backgrounds) -> tuple[Pixels, str] | _Problem:
    """Return the pixels and the SHA-256 of what was read, or why the picture is refused."""
    data = picture.read()
    if isinstance(data, bytes):
        header = probe(data)
        problem = _refuse_size(header.width, header.height, block)
        if problem is not None:
            return problem
        pixels, encoded = decode(data), memoryview(data)
    else:
        pixels = np.ascontiguousarray(data)
        encoded = pixels.data
    problem = _refuse_size(pixels.shape[1], pixels.shape[0], block) or _refuse_constant(pixels)
    return problem or (pixels, hashlib.sha256(encoded).hexdigest())


def _refuse_size(width: int, height: int, block: Backgrounds) -> _Problem | None:
    if width * height > block.max_pixels:
        detail = f"{width} x {height} is {width * height:,} pixels; max_pixels is {block.max_pixels:,}"
        return _Problem("too_many_pixels", detail)
    if min(width, height) < block.min_size:
        return _Problem("too_small", f"{width} x {height}; min_size is {block.min_size}")
    return None


def _refuse_constant(pixels: Pixels) -> _Problem | None:
    flat = pixels.reshape(-1, 3)
    # Nearly every picture is settled by a few rows.
    some = flat[:: max(1, len(flat) // 1024)]
    if np.ptp(some, axis=0).max() > _CONSTANT_RANGE or np.ptp(flat, axis=0).max() > _CONSTANT_RANGE:
        return None
    return _Problem("constant", f"every pixel is within {_CONSTANT_RANGE} levels of {tuple(flat[0].tolist())}")
