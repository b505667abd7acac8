"""What a plan would build: counts, an estimate of bytes and time, and every row as Parquet; no shard is written."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from rainkit.manifest import write_table
from rainkit.recipe import shard_path
from rainkit.samples import Plan, describe, encode, render
from rainkit.samples.draw import read_background
from rainkit.survey import Survey


def summarise(plan: Plan) -> list[dict[str, Any]]:
    """Return the plan's counts by split, stratum and rain, each a row; no sample is drawn."""
    counts: dict[tuple[str, int, str], int] = {}
    for shard in plan.shards():
        for sample in plan.rows_of(shard):
            place = sample.split, sample.stratum, sample.rain
            counts[place] = counts.get(place, 0) + 1
    order = list(plan.recipe.splits)
    rows = sorted(counts.items(), key=lambda item: (order.index(item[0][0]), item[0][1], item[0][2]))
    return [{"split": split, "stratum": stratum, "rain": rain, "samples": n} for (split, stratum, rain), n in rows]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a build is expected to take, from samples drawn for the purpose: bytes of shards, seconds of one worker."""

    bytes: int
    seconds: float
    samples: int


def estimate(plan: Plan, found: Survey, each: int = 6) -> Estimate:
    """Draw a few samples of each split, spread over it, and scale what they took; nothing is kept.

    Parameters
    ----------
    plan : Plan
        A plan.
    found : Survey
        The survey it was made from.
    each : int
        Samples of each split to draw.
    """
    backgrounds = {background.id: background for background in found.backgrounds}
    size, seconds, drawn = 0.0, 0.0, 0
    for name, split in plan.recipe.splits.items():
        chosen = sorted({round(i * (split.samples - 1) / max(each - 1, 1)) for i in range(each)})
        rows = [plan.rows(name, index, index + 1)[0] for index in chosen]
        reads = min(split.samples, plan.splits.count(name)) / len(rows)
        for number, row in enumerate([rows[0], *rows]):
            start = time.perf_counter()
            background = backgrounds[row.background_id]
            pixels, depth = read_background(background, found.pictures[row.background_id])
            read = time.perf_counter()
            rendered = render(row, pixels, plan.recipe, depth)
            described = describe(row, background.source, background.license, background.attribution, rendered.labels)
            data = encode(rendered, described)
            if number:  # the first sample of a process also pays for compiling, so it is drawn twice
                size += sum(512 + -(-len(member) // 512) * 512 for member in data.values()) * split.samples / len(rows)
                seconds += (read - start) * reads + (time.perf_counter() - read) * split.samples / len(rows)
                drawn += 1
    return Estimate(round(size), seconds, drawn)


def write_plan(plan: Plan, path: Path) -> None:
    """Write every row of a plan as Parquet: what the manifest will say before anything is drawn.

    Raises
    ------
    BuildError
        If the file cannot be written.
    """
    kinds = sorted(plan.units.scores)
    columns = [("key", pa.string()), ("split", pa.string()), ("index", pa.int64()), ("stratum", pa.int16())]
    columns += [("shard", pa.string()), ("background_id", pa.string())]
    columns += [(f"crop_{side}", pa.int32()) for side in "xywh"]
    columns += [(kind, pa.float64()) for kind in (*kinds, "score", "score_spread")]
    columns += [("rain", pa.string()), ("rain_seed", pa.string())]
    schema = pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns])

    def rows() -> Iterator[dict[str, Any]]:
        for shard in plan.shards():
            path = shard_path(plan.recipe, shard.id)
            for sample in plan.rows_of(shard):
                crop = {f"crop_{side}": value for side, value in zip("xywh", sample.crop, strict=True)}
                yield {
                    **crop, **sample.scores, "key": sample.key, "split": sample.split, "index": sample.index,
                    "stratum": sample.stratum, "shard": path, "background_id": sample.background_id,
                    "score": sample.score, "score_spread": sample.spread, "rain": sample.rain,
                    "rain_seed": f"{sample.rain_seed:016x}",
                }  # fmt: skip

    write_table(path, schema, rows())
