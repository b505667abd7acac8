"""The files that tell people and other programs what a corpus is: card, page, Croissant description, wids indexes.

They are functions of the recipe and of what was built: no clock, no host, no durations, so that two builds of a recipe
are equal byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rainkit.files import write_bytes
from rainkit.recipe import Recipe
from rainkit.release.card import format_card
from rainkit.release.croissant import TABLES, format_croissant
from rainkit.release.figures import write_figure
from rainkit.release.indexes import IndexedShard, write_wids
from rainkit.release.page import write_page
from rainkit.release.summary import Summary, hash_known, summarise_corpus

CARD = "README.md"
"""Name of the card, as the Hub expects it."""
CROISSANT = "croissant.json"
"""Name of the Croissant description."""


def write_descriptions(
    folder: Path, recipe: Recipe, shards: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, str]:
    """Write card, page, Croissant description and, where the pictures are there, a figure and an index of each split.

    Parameters
    ----------
    folder : Path
        A corpus with its shards and tables, or its tables alone.
    recipe : Recipe
        The recipe it was built from.
    shards : mapping, optional
        Path of a shard to a mapping with size, sha256 and md5, as they were found while it was written; shards that
        are not named are read.

    Returns
    -------
    dict of str to str
        Path -> SHA-256 of the files that were hashed on the way, so that `write_checksums` need not read them again.

    Raises
    ------
    BuildError
        If a file cannot be written.
    IntegrityError
        If a table is damaged or a shard is missing.
    """
    summary = summarise_corpus(folder, recipe.splits, shards or {})
    known = hash_known(folder, TABLES) | {shard.path: shard.sha256 for shard in summary.shards if shard.sha256}
    if summary.pictures:
        _write_indexes(folder, summary)
        known |= write_figure(folder)
    known |= write_page(folder, pictures=summary.pictures)
    write_bytes(folder / CARD, format_card(recipe, summary).encode())
    write_bytes(folder / CROISSANT, format_croissant(recipe, summary, known).encode())
    return known


def _write_indexes(folder: Path, summary: Summary) -> None:
    for split in summary.samples:
        shards = [
            IndexedShard(shard.path, shard.samples, shard.size, shard.md5)
            for shard in summary.shards
            if shard.split == split
        ]
        write_wids(folder, split, f"{summary.corpus}-{split}", shards)
