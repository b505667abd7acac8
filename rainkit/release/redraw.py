"""Draw samples of a manifest again and hold them against it; what a worker does of a rebuild."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from numpy.typing import NDArray

from rainkit.engines.serial import Serial
from rainkit.errors import BuildError, IntegrityError
from rainkit.manifest import member_column
from rainkit.records import Engine
from rainkit.release.original import Original
from rainkit.samples import render
from rainkit.samples.draw import ShardTask, draw_shard, read_background

_SHOWN = 3
# Numbers that come out of math.log10 may differ in the last place between systems; pixels may not.
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class RedrawTask:
    """A shard to draw, and the rows of the manifest that it must come out as."""

    shard: ShardTask
    stated: tuple[Mapping[str, Any], ...]


def redraw_shard(task: RedrawTask) -> int:
    """Draw one shard, compare every sample with the manifest, and return how many there are.

    Raises
    ------
    IntegrityError
        If a sample cannot be drawn or came out otherwise; neither the shard nor its rows are kept.
    """
    try:
        draw_shard(task.shard)
    except ValueError as error:
        raise IntegrityError(
            f"{task.shard.name} cannot be drawn as the manifest says: {error}; the manifest or the recipe was edited"
        ) from error
    drawn = pq.read_table(task.shard.rows).to_pylist()
    differing = [words for row, stated in zip(drawn, task.stated, strict=True) for words in compare(row, stated)]
    if differing:
        task.shard.shard.unlink()
        task.shard.rows.unlink()
        more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
        raise IntegrityError(
            f"{task.shard.name} does not come out as the manifest says: {', '.join(differing[:_SHOWN])}{more}; the "
            f"manifest or the recipe was edited, or this rainkit draws otherwise"
        )
    return len(drawn)


def compare(drawn: Mapping[str, Any], stated: Mapping[str, Any]) -> Iterator[str]:
    """Yield "COLUMN of KEY" for each column of a row that differs, but for those that say where members lie."""
    for name, value in drawn.items():
        if name.endswith(("_offset", "_size")) or name not in stated:
            continue
        other = stated[name]
        if isinstance(value, float) and isinstance(other, float):
            same = math.isclose(value, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
        else:
            same = value == other
        if not same:
            yield f"{name} of {stated['key']}"


def redrawer(
    corpus: Path, sources: Mapping[str, str], engine: Engine | None = None
) -> Callable[[Sequence[Mapping[str, Any]]], Iterator[dict[str, NDArray[Any]]]]:
    """Return a function that draws samples of a corpus again from its backgrounds, for `verify`.

    Parameters
    ----------
    corpus : Path
        A corpus or a release of its manifest.
    sources : mapping of str to str
        Where sources lie on this disk, by name.
    engine : Engine, optional
        Looks for backgrounds; in this process where not given.

    Returns
    -------
    callable
        Rows of the manifest -> for each, in order, its arrays by name of the member.

    Raises
    ------
    IntegrityError, RecipeError, BuildError
        As `Original` does; the function raises BuildError for a background that is not there.
    """
    original = Original(corpus, sources, compare=False)

    def redraw(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, NDArray[Any]]]:
        backgrounds = original.backgrounds({row["background_id"] for row in rows})
        located = original.locate(backgrounds, engine if engine is not None else Serial())
        for row in rows:
            background = backgrounds[row["background_id"]]
            if background.id not in located.pictures:
                raise BuildError(
                    f"{background.source}:{background.path} is not there, so {row['key']} cannot be drawn again; say "
                    f"where it lies with --source {background.source}=PATH"
                )
            pixels, depth = read_background(background, located.pictures[background.id])
            rendered = render(original.sample(row), pixels, original.recipe, depth)
            yield {member_column(extension): array for extension, array in rendered.arrays.items()}

    return redraw
