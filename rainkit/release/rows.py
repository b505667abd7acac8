"""Whether rows of a manifest can be drawn at all: what a plan never holds is named before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rainkit.errors import IntegrityError
from rainkit.recipe import Recipe

_SEED = "^[0-7][0-9a-f]{15}$"  # 16 hexadecimal digits below 2^63, as `Sample.rain_seed`

Fault = tuple[str, "NDArray[np.bool_]", Callable[[int], str]]
"""Column, rows that are wrong, and why the value of one of them is."""


def check_rows(samples: pa.Table, backgrounds: pa.Table, recipe: Recipe, kinds: Sequence[str], where: str) -> None:
    """Raise IntegrityError at the first row that no plan of the recipe could hold, naming its key and column.

    Parameters
    ----------
    samples, backgrounds : pyarrow.Table
        Tables of the manifest; of the backgrounds `id`, `width` and `height`.
    recipe : Recipe
        The recipe beside them.
    kinds : sequence of str
        Columns of estimators.
    where : str
        What to call the samples table in the message.
    """
    for column, wrong, explain in _list_faults(samples, backgrounds, recipe, kinds):
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            key, value = samples["key"][row].as_py(), samples[column][row].as_py()
            raise IntegrityError(
                f"{where}: sample {key} has {column} {value!r}: {explain(row)}; the manifest was edited or is damaged"
            )


def _list_faults(
    samples: pa.Table, backgrounds: pa.Table, recipe: Recipe, kinds: Sequence[str]
) -> Iterator[Fault]:  # in an order in which each can rely on those before it
    for column in samples.column_names:
        yield column, _mask(pc.is_null(samples[column])), lambda row: "no column has empty cells"
    keys = samples["key"].combine_chunks().dictionary_encode().indices.to_numpy()
    first = np.unique(keys, return_index=True)[1]
    yield "key", ~np.isin(np.arange(len(keys)), first), lambda row: "another sample has it too"
    for column, known in (("split", list(recipe.splits)), ("rain", list(recipe.rain))):
        words = f"the recipe has {', '.join(known)}"
        strange = pc.invert(pc.is_in(samples[column], value_set=pa.array(known, pa.string())))
        yield column, _mask(strange), lambda row, words=words: words  # type: ignore[misc]
    seeds = pc.invert(pc.match_substring_regex(samples["rain_seed"], _SEED))
    yield "rain_seed", _mask(seeds), lambda row: "a seed is 16 hexadecimal digits, below 2^63"
    for column in {"score", "score_spread", *kinds} & set(samples.column_names):
        yield column, _mask(pc.invert(pc.is_finite(samples[column]))), lambda row: "scores are finite"
    yield from _list_crop_faults(samples, backgrounds)


def _list_crop_faults(samples: pa.Table, backgrounds: pa.Table) -> Iterator[Fault]:
    places = pc.index_in(samples["background_id"], value_set=backgrounds["id"].combine_chunks())
    yield "background_id", _mask(pc.is_null(places)), lambda row: "backgrounds.parquet has no such background"
    chosen = np.asarray(places.to_numpy())
    for start, length, side in (("crop_x", "crop_w", "width"), ("crop_y", "crop_h", "height")):
        begins, lengths = (samples[name].to_numpy().astype(np.int64) for name in (start, length))
        sides = backgrounds[side].to_numpy().astype(np.int64)[chosen]
        yield length, (lengths < 1) | (lengths > sides), _explain_side(side, sides)
        yield start, (begins < 0) | (begins + lengths > sides), _explain_side(side, sides)


def _explain_side(side: str, sides: NDArray[np.int64]) -> Callable[[int], str]:
    return lambda row: f"the crop leaves its background, whose {side} is {sides[row]} px"


def _mask(array: Any) -> NDArray[np.bool_]:
    return np.asarray(array.to_numpy(zero_copy_only=False) if isinstance(array, pa.Array) else array.to_numpy(), bool)
