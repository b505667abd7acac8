"""Opening a corpus or a release of its manifest for live rain."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rainkit.engines.serial import Serial
from rainkit.errors import IntegrityError, RecipeError, SourceError
from rainkit.live.corpus import CACHE_BYTES, LiveCorpus
from rainkit.live.planning import check_agreement, plan_again
from rainkit.recipe import list_components
from rainkit.records import Engine, Report, quiet
from rainkit.release.original import Original
from rainkit.release.publish import fetch_manifest


def open_live(
    address: str | Path,
    split: str = "train",
    *,
    sources: Mapping[str, str | Path] | None = None,
    cache_bytes: int = CACHE_BYTES,
    engine: Engine | None = None,
    cache: Path | None = None,
    report: Report = quiet,
) -> LiveCorpus:
    """Open a split of a corpus whose samples are drawn when they are read.

    Rows 0 to N - 1 are those of the manifest, in its order and bit for bit; row n after them is the sample of index n
    that `rainkit extend` would add, without end. No shard is read: a release of the manifest alone will do.

    Parameters
    ----------
    address : str or Path
        A corpus, with or without its pictures, or a release of its manifest: a folder, or an address that fsspec opens.
    split : str
        The split.
    sources : mapping of str to path, optional
        Where sources, and rains that read files, lie on this disk, by name. Backgrounds are found there by content,
        under any name and in any layout; pictures that rainkit draws need no place.
    cache_bytes : int
        Decoded backgrounds that each process keeps in memory.
    engine : Engine, optional
        Looks for backgrounds and measures them; in this process where not given.
    cache : Path, optional
        File that remembers measurements; see `rainkit.cache.default_path`. None remembers nothing.
    report : callable, optional
        Follows the measuring.

    Returns
    -------
    LiveCorpus

    Raises
    ------
    SourceError
        If backgrounds or streak layers are missing; the message counts them.
    IntegrityError
        If the manifest is damaged, holds a part of the split alone, or does not follow from its recipe.
    BuildError
        If a component that draws has another version here.
    RecipeError
        If there is no such split, or `sources` names no source.

    Examples
    --------
    >>> live = open_live("manifests/rain-1.0.0", sources={"photos": "/data/div2k"})  # doctest: +SKIP
    >>> live.read(1_000_000)["rainy"].shape  # doctest: +SKIP
    (128, 128, 3)
    """
    with contextlib.ExitStack() as stack:
        text = str(address).removeprefix("file://")
        folder = Path(text)
        if "://" in text:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="rainkit-")))
            fetch_manifest(text, folder)
        original = Original(folder, {name: str(place) for name, place in (sources or {}).items()})
        rows = _whole_split(original, split)
        _require_layers(original, split)
        live = plan_again(original, split, engine if engine is not None else Serial(), cache, report)
    original.table = rows  # nothing else of the manifest is read again, here or in a worker
    corpus = LiveCorpus(text, original, split, live, cache_bytes)
    check_agreement(original, live.plan, split, len(corpus), lambda index: corpus.sample(corpus.row_of(index)))
    return corpus


def _whole_split(original: Original, split: str) -> pa.Table:
    """Return the rows of a split, in the order of the manifest.

    Raises
    ------
    RecipeError
        If the recipe has no such split.
    IntegrityError
        If the manifest lacks rows of it.
    """
    splits = original.recipe.splits
    if split not in splits:
        raise RecipeError(f"{original.folder} has no split {split!r}: it has {', '.join(splits)}")
    rows = original.table.filter(pc.equal(original.table["split"], split)).combine_chunks()
    wanted = splits[split].samples
    if not np.array_equal(np.sort(rows["index"].to_numpy()), np.arange(wanted)):
        raise IntegrityError(
            f"{original.folder} holds {len(rows)} of the {wanted} samples of {split!r}: live rain begins with a whole "
            f"split; open the corpus or release that this is a part of"
        )
    return rows


def _require_layers(original: Original, split: str) -> None:
    """Raise SourceError if a rain of the split reads files that nobody said the place of."""
    for name in original.recipe.splits[split].rain:
        parts = list_components(original.recipe.rain[name])
        read = any(getattr(part, field) is not None for part in parts for field in part.location_fields)
        if read and name not in original.placed:
            raise SourceError(
                f"rain {name!r} of {original.folder.name} is made from streak layers in files: say where they lie with "
                f"--source {name}=PATH"
            )
