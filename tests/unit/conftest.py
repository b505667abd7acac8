"""A corpus of a few samples, written by hand, for tests of what reads one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from rainkit import manifest
from rainkit.images import encode_npy, encode_png, pixel_digest
from rainkit.release.checksums import write_checksums
from rainkit.release.indexes import IndexedShard, write_wids
from rainkit.seeds import Stream
from rainkit.shards import ShardRecord, write_shard

ESTIMATORS = {"gradient_entropy": "gradient_entropy@luma256/1", "jpeg_ratio": "jpeg_ratio@luma256/1"}
EXTENSIONS = {"rainy": "rainy.png", "clean": "clean.png", "rain": "rain.png", "streaks": "streaks.npy", "json": "json"}
SCHEMA = manifest.add_metadata(manifest.samples_schema(tuple(EXTENSIONS.values()), ESTIMATORS), corpus="tiny-1.0.0")


def draw_arrays(key: str, height: int, width: int) -> dict[str, Any]:
    """Return the arrays of a sample: a function of its key."""
    rng = Stream(7, key)
    clean = rng.integers(0, 256, height * width * 3).reshape(height, width, 3).astype(np.uint8)
    rain = (rng.integers(0, 256, height * width) // 200 * 90).reshape(height, width).astype(np.uint8)
    rainy = np.minimum(clean.astype(np.uint16) + rain[:, :, None], 255).astype(np.uint8)
    streaks = rng.integers(0, 1000, 12).reshape(3, 4).astype(np.int32)
    return {"rainy": rainy, "clean": clean, "rain": rain, "streaks": streaks}


def _label(key: str, split: str, index: int) -> dict[str, Any]:
    number = Stream(3, key)
    return {
        "key": key,
        "split": split,
        "index": index,
        "stratum": index % 3,
        "background_id": f"{split[0]}{index % 2:015x}",
        "source": "photos",
        "license": "CC0-1.0",
        "rain": "small",
        "simulator": "streaks",
        "rain_params": json.dumps({"angle": number.number(-10, 10)}),
        "rain_seed": f"{number.integer(0, 2**31):016x}",
        "score": number.number(),
        "coverage": number.number(),
    }


def _row(label: Mapping[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    numbers = {"gradient_entropy": 3.5 + label["score"], "jpeg_ratio": 1.0 + label["score"]}
    crop = {"crop_x": 1, "crop_y": 2, "crop_w": size[1], "crop_h": size[0]}
    path = {"source_path": f"{label['background_id']}.jpg", "group": label["background_id"]}
    return {**label, **numbers, **crop, **path, "rain_mean": 9.5, "psnr_rainy": 21.25}


class _Split:
    """Rows and shards of a split as they are written."""

    def __init__(self, folder: Path, name: str, size: tuple[int, int]) -> None:
        self.folder, self.name, self.size = folder, name, size
        self.rows: list[dict[str, Any]] = []
        self.shards: list[IndexedShard] = []
        (folder / "data" / name).mkdir(parents=True)

    def _samples(self, indices: range) -> Iterator[tuple[str, dict[str, bytes]]]:
        for index in indices:
            label = _label(f"{self.name}-{index:05d}", self.name, index)
            arrays = draw_arrays(label["key"], *self.size)
            digests = {f"{name}_digest": pixel_digest(array) for name, array in arrays.items()}
            self.rows.append(_row(label, self.size) | digests)
            encoded = {name: encode_npy(a) if name == "streaks" else encode_png(a) for name, a in arrays.items()}
            encoded["json"] = json.dumps(label, sort_keys=True).encode()
            yield label["key"], {EXTENSIONS[name]: data for name, data in encoded.items()}

    def add_shard(self, indices: range) -> None:
        path = f"data/{self.name}/tiny-{self.name}-{len(self.shards):06d}.tar"
        before = len(self.rows)
        record: ShardRecord = write_shard(self.folder / path, self._samples(indices))
        for row, sample in zip(self.rows[before:], record.samples, strict=True):
            row["shard"] = path
            for extension, member in sample.members.items():
                name = manifest.member_column(extension)
                row |= {f"{name}_offset": member.offset, f"{name}_size": member.size}
        self.shards.append(IndexedShard(path, len(indices), record.size, record.md5))


def write_corpus(folder: Path, counts: Mapping[str, int], per_shard: int = 3, size: tuple[int, int] = (24, 32)) -> Path:
    """Write a corpus of random pictures with so many samples in each split, and return its folder."""
    (folder / "metadata").mkdir(parents=True)
    recipe = {"rainkit": 1, "name": "tiny", "version": "1.0.0", "splits": {name: {} for name in counts}}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    rows: list[dict[str, Any]] = []
    for name, count in counts.items():
        split = _Split(folder, name, size)
        for first in range(0, count, per_shard):
            split.add_shard(range(first, min(first + per_shard, count)))
        rows += split.rows
        write_wids(folder, name, f"tiny-1.0.0-{name}", split.shards)
    manifest.write_table(folder / "metadata/samples.parquet", SCHEMA, rows)
    schema = manifest.backgrounds_schema(ESTIMATORS)
    empty: dict[str, Any] = {field.name: "" if field.type == "string" else 0 for field in schema}
    backgrounds = [empty | {"id": name} for name in sorted({row["background_id"] for row in rows})]
    manifest.write_table(folder / "metadata/backgrounds.parquet", schema, backgrounds)
    refused = [{"source": "photos", "path": "x.jpg", "reason": "unreadable", "detail": "It is truncated."}]
    manifest.write_table(folder / "metadata/refused.parquet", manifest.refused_schema(), refused)
    (folder / "README.md").write_text("# tiny\n")
    write_checksums(folder)
    return folder


@pytest.fixture
def make_corpus(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a corpus; its keywords are those of `write_corpus`."""

    def make(name: str = "tiny-1.0.0", **options: Any) -> Path:
        return write_corpus(tmp_path / name, **{"counts": {"train": 7, "validation": 3}, **options})

    return make


@pytest.fixture
def expected_arrays() -> Callable[..., dict[str, Any]]:
    """Return the function from key and size to the arrays that `make_corpus` wrote."""
    return draw_arrays
