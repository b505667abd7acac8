"""Indexes of the shards that other readers ask for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rainkit.files import write_bytes


@dataclass(frozen=True, slots=True)
class IndexedShard:
    """A shard as an index lists it: path relative to the corpus, samples, bytes, and md5 of the file."""

    path: str
    samples: int
    size: int
    md5: str


def wids_name(split: str) -> str:
    """Return the file name of the index of a split."""
    return f"wids-{split}.json"


def format_wids(name: str, shards: Iterable[IndexedShard]) -> str:
    """Return a wids index (version 1), whose URLs are relative to the folder of the index.

    Parameters
    ----------
    name : str
        Name of the dataset, such as "rain-1.0.0-train".
    shards : iterable of IndexedShard
        In the order in which samples are numbered.
    """
    shardlist = [
        {"url": shard.path, "nsamples": shard.samples, "md5sum": shard.md5, "filesize": shard.size} for shard in shards
    ]
    index = {"__kind__": "wids-shard-index-v1", "wids_version": 1, "name": name, "shardlist": shardlist}
    return json.dumps(index, indent=1) + "\n"


def write_wids(folder: Path, split: str, name: str, shards: Iterable[IndexedShard]) -> Path:
    """Write `wids-SPLIT.json` into a corpus, whole or not at all, and return its path."""
    path = folder / wids_name(split)
    write_bytes(path, format_wids(name, shards).encode())
    return path
