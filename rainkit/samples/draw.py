"""One task of a build: draw the samples of a shard, write it, and note its rows; no pixels leave the process."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rainkit.errors import SourceError
from rainkit.images import PictureError, decode, pixel_digest
from rainkit.manifest import (
    add_metadata,
    has_pixels,
    member_column,
    number_field,
    samples_schema,
    text_field,
    write_table,
)
from rainkit.recipe import Recipe
from rainkit.records import Background, Picture, Pixels, Sample
from rainkit.samples.rendering import describe, encode, members, render
from rainkit.shards import ShardRecord, write_shard

HELD_BYTES = 192 << 20
"""Decoded backgrounds that a worker keeps, in bytes; small pictures are used again and again."""

Decoded = tuple[Pixels, NDArray[np.uint16] | None]


@dataclass(frozen=True, slots=True)
class ShardTask:
    """What a worker needs to draw one shard.

    Attributes
    ----------
    recipe : Recipe
        The recipe.
    identity : str
        Names the corpus, so that what a worker holds is not mistaken for another's.
    samples : tuple of Sample
        Rows of the plan, in the order of the shard.
    backgrounds, pictures : dict
        Background id to the background, and to how it is read.
    shard, rows : Path
        Files to write: the tar, and the rows of the manifest.
    name : str
        Path of the shard within the corpus.
    """

    recipe: Recipe
    identity: str
    samples: tuple[Sample, ...]
    backgrounds: Mapping[str, Background]
    pictures: Mapping[str, Picture]
    shard: Path
    rows: Path
    name: str


class _Held:
    """Decoded backgrounds, the latest used up to a number of bytes."""

    def __init__(self) -> None:
        self.pictures: OrderedDict[str, Decoded] = OrderedDict()
        self.size = 0
        self.identity = ""

    def get(self, task: ShardTask, name: str) -> Decoded:
        if self.identity != task.identity:
            self.pictures.clear()
            self.size, self.identity = 0, task.identity
        if name not in self.pictures:
            self.pictures[name] = read_background(task.backgrounds[name], task.pictures[name])
            self.size += _bytes(self.pictures[name])
            while self.size > HELD_BYTES and len(self.pictures) > 1:
                self.size -= _bytes(self.pictures.popitem(last=False)[1])
        self.pictures.move_to_end(name)
        return self.pictures[name]


_HELD = _Held()


def _bytes(decoded: Decoded) -> int:
    return decoded[0].nbytes + (decoded[1].nbytes if decoded[1] is not None else 0)


def read_background(background: Background, picture: Picture) -> Decoded:
    """Return the pixels of a background, and its depth map where there is one.

    Raises
    ------
    SourceError
        If the picture cannot be read any more, or has other pixels than when it was admitted.
    """
    where = f"{background.source}:{background.path}"
    try:
        data = picture.read()
        pixels = decode(data) if isinstance(data, bytes) else data
        depth = picture.depth() if picture.depth is not None else None
    except (OSError, PictureError) as error:
        raise SourceError(f"{where} could be read before and now cannot: {error}; put it back and run again") from error
    if pixel_digest(pixels) != background.digest:
        raise SourceError(
            f"{where} has changed since it was measured; put the old picture back, or remove the unfinished corpus and "
            f"build again"
        )
    if depth is not None and depth.shape != pixels.shape[:2]:
        raise SourceError(f"{where}: its depth map is {depth.shape[1]} x {depth.shape[0]}, not of the picture's size")
    return pixels, depth


def rows_schema(recipe: Recipe) -> pa.Schema:
    """Return the schema of a corpus's samples table."""
    extra = [
        number_field("score_spread", "Spread of the members of a composite score: how far they disagree."),
        text_field("composition", "How layer and picture meet; see rainkit.rain.compose."),
        text_field("light", "Where light was added up: srgb or linear."),
        text_field("streak_colour", "Colour of the streaks, #rrggbb."),
        text_field("airlight", "Colour of the veil, #rrggbb; #000000 where there is none."),
    ]
    if recipe.samples.ssim:
        extra.append(number_field("ssim_rainy", "SSIM of rainy and clean: Gaussian window of 11 px, mean over RGB."))
    estimators = recipe.identities(recipe.complexity.unit)
    return add_metadata(samples_schema(members(recipe), estimators, extra), score=recipe.complexity.score_id)


def draw_shard(task: ShardTask) -> tuple[ShardRecord, dict[str, int]]:
    """Draw and write one shard and its rows; both files appear whole, the rows last.

    Returns
    -------
    tuple of ShardRecord and dict of str to int
        The shard; counts for the summary.
    """
    rows: list[dict[str, Any]] = []

    def samples() -> Iterator[tuple[str, Mapping[str, bytes]]]:
        for sample in task.samples:
            pixels, depth = _HELD.get(task, sample.background_id)
            rendered = render(sample, pixels, task.recipe, depth)
            background = task.backgrounds[sample.background_id]
            digests = {
                f"{member_column(extension)}_digest": pixel_digest(array)
                for extension, array in rendered.arrays.items()
                if has_pixels(extension)
            }
            rows.append({**_row(sample, background, task.name), **rendered.labels, **digests})
            description = describe(
                sample, background.source, background.license, background.attribution, rendered.labels
            )
            yield sample.key, encode(rendered, description)

    record = write_shard(task.shard, samples())
    for row, written in zip(rows, record.samples, strict=True):
        for extension, member in written.members.items():
            row[f"{member_column(extension)}_offset"] = member.offset
            row[f"{member_column(extension)}_size"] = member.size
    identity = {"size": record.size, "sha256": record.sha256, "md5": record.md5, "samples": len(rows)}
    write_table(task.rows, add_metadata(rows_schema(task.recipe), shard=json.dumps(identity)), rows)
    return record, {"samples": len(rows), "bytes": record.size}


def _row(sample: Sample, background: Background, shard: str) -> dict[str, Any]:
    x, y, width, height = sample.crop
    return {
        "key": sample.key,
        "split": sample.split,
        "index": sample.index,
        "stratum": sample.stratum,
        "shard": shard,
        "background_id": background.id,
        "source": background.source,
        "source_path": background.path,
        "license": background.license,
        "group": background.group,
        "crop_x": x,
        "crop_y": y,
        "crop_w": width,
        "crop_h": height,
        **sample.scores,
        "score": sample.score,
        "score_spread": sample.spread,
        "rain": sample.rain,
        "rain_seed": f"{sample.rain_seed:016x}",
    }
