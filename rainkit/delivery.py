"""A corpus for an address, such as a bucket: built in a folder of this machine, then sent as a release is."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from rainkit.cache import default_path
from rainkit.data import Corpus
from rainkit.data.stores import open_store
from rainkit.errors import BuildError
from rainkit.pipeline import Built, build
from rainkit.recipe import Recipe, component_versions, fingerprint
from rainkit.records import Engine, Report, quiet
from rainkit.release.checksums import CHECKSUMS
from rainkit.release.publish import publish, try_writing
from rainkit.workspace import is_same_recipe


def build_at(
    recipe: Recipe,
    address: str,
    stage: Path,
    engine: Engine | None = None,
    *,
    cache: Path | None = None,
    report: Report = quiet,
    older: Path | None = None,
    **options: Any,
) -> Built:
    """Build the corpus of a recipe in a folder of this machine and send it to an address.

    Both halves go on where they were cut off, if recipe, address and stage are the same.

    Parameters
    ----------
    recipe : Recipe
        As `load_recipe` gives it.
    address : str
        Where NAME-VERSION is put, such as `s3://bucket/corpora`; whatever fsspec opens.
    stage : Path
        Folder that the corpus is built in; it is left there.
    engine, cache, report, older
        As for `rainkit.build`.
    **options
        Passed to the file system.

    Returns
    -------
    Built
        With `address`, and `already` true where the corpus was complete there, and nothing was done.

    Raises
    ------
    SourceError, BuildError
        As `rainkit.build`; also, before anything is drawn, if the address fails or holds another corpus.
    """
    target = f"{address.rstrip('/')}/{recipe.name}-{recipe.version}"
    there = _find_complete(recipe, target, stage, options)
    if there is not None:
        return there
    try_writing(target, **options)
    built = build(recipe, stage, engine, cache, report, older=older)
    sent = publish(built.folder, address, report, **options)
    return replace(built, already=False, address=sent.address)


def default_stage(recipe: Recipe, address: str) -> Path:
    """Return the folder that a corpus is built in where nobody names one: beside the cache of measurements.

    Each address has its own, since it is removed when all has arrived.
    """
    cache = default_path()
    folder = cache.parent if cache is not None else Path(tempfile.gettempdir()) / f"rainkit-{os.getuid()}"
    return folder / "stage" / hashlib.sha256(f"{fingerprint(recipe)} {address}".encode()).hexdigest()[:16]


def _find_complete(recipe: Recipe, target: str, stage: Path, options: dict[str, Any]) -> Built | None:
    """Return what a complete corpus of a recipe holds at an address, None where there is none or a part of one."""
    store = open_store(target, **options)
    try:
        files = store.list_files()
    except FileNotFoundError:
        files = {}
    except Exception as error:  # each file system has errors of its own
        text = f"{type(error).__name__}: {error}"
        raise BuildError(f"{target} cannot be listed: {text}; nothing was built, check the address") from error
    if files is None:
        raise BuildError(f"{target}: files cannot be written there; choose another address, or a folder")
    if "recipe.yaml" in files:
        text = bytes(store.read("recipe.yaml")).decode("utf-8", "backslashreplace")
        if not is_same_recipe(text, recipe):
            raise BuildError(f"{target} belongs to another recipe; raise `version`, or choose another address")
    if CHECKSUMS not in files:
        return None
    corpus = Corpus(store)
    if json.loads(corpus.metadata["components"]) != component_versions(recipe):
        raise BuildError(f"{target} was built with other versions of the components, and is kept: raise `version`")
    if not any(path.startswith("data/") for path in files):
        raise BuildError(f"{target} holds the manifest of the corpus alone; choose another address")
    sizes = [size for path, size in files.items() if path.startswith("data/") and path.endswith(".tar")]
    reasons = Counter(corpus.refused["reason"].to_pylist())
    counts = corpus.samples.num_rows, len(sizes), sum(sizes)
    return Built(stage / target.rpartition("/")[2], *counts, dict(reasons.most_common()), already=True, address=target)
