"""The names of shards: which split, which stratum where shards hold one, which number."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rainkit.recipe.models import Recipe, count_strata

_PATH = re.compile(r"data/(?P<split>[^/]+)/[^/]*-(?P=split)(?:-stratum-(?P<stratum>\d+))?-(?P<number>\d{6,})\.tar")


@dataclass(frozen=True, slots=True, order=True)
class ShardId:
    """A shard of a corpus; in order, the shards of a corpus are in the order of its manifest.

    Attributes
    ----------
    split : str
        The split that its samples are of.
    stratum : int or None
        The stratum that they are of; None where shards mix strata.
    number : int
        Number within the split, or within its stratum, from 0.
    """

    split: str
    stratum: int | None
    number: int

    def __str__(self) -> str:
        stratum = "" if self.stratum is None else f"stratum {self.stratum}, "
        return f"{self.split} {stratum}{self.number}"


def shard_stem(recipe: Recipe, split: str, stratum: int | None) -> str:
    """Return how the names of the shards of a split, or of a stratum of it, begin: all but number and extension.

    Strata are written with equally many digits, so that names sort as strata do.
    """
    if stratum is None:
        return f"{recipe.name}-{split}"
    width = len(str((count_strata(recipe.strata) or 1) - 1))
    return f"{recipe.name}-{split}-stratum-{stratum:0{width}d}"


def shard_path(recipe: Recipe, shard: ShardId) -> str:
    """Return the path of a shard within its corpus.

    All shards of a split lie in one folder, so that `data/SPLIT/*.tar` is the split whatever they hold, and end in
    their number, so that `{000000..000003}` counts those of a stratum.
    """
    return f"data/{shard.split}/{shard_stem(recipe, shard.split, shard.stratum)}-{shard.number:06d}.tar"


def parse_shard(path: str) -> ShardId | None:
    """Return which shard a path of a manifest names, None where no build would write it.

    The folder says what the split is, so a split that is itself called `x-stratum-1` is not taken for a stratum.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    stratum = match["stratum"]
    return ShardId(match["split"], None if stratum is None else int(stratum), int(match["number"]))
