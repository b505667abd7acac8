"""Hugging Face datasets loads the corpus from its folder, with and without its card, whole and streaming."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rainkit.data import Corpus

pytest.importorskip("datasets")
pytestmark = [pytest.mark.reader, pytest.mark.filterwarnings("default")]

HUB_SPLITS = {"train": "train", "unseen-rain": "unseen_rain"}


def load(place: Path, cache: Path, **options: Any) -> Any:
    import datasets

    datasets.disable_progress_bars()
    return datasets.load_dataset(str(place), cache_dir=str(cache), **options)


def check(samples: Iterable[dict[str, Any]], split: str, truth: Corpus, rows: dict[str, Any]) -> None:
    """Compare every sample, pixels and numbers, with rainkit's own reading."""
    seen = []
    for sample in samples:
        row = rows[sample["__key__"]]
        arrays = truth.read(sample["__key__"])
        seen.append(sample["__key__"])
        for name in ("rainy", "clean", "rain", "mask", "transmission"):
            assert np.array_equal(np.asarray(sample[f"{name}.png"]), arrays[name])
        assert np.array_equal(np.asarray(sample["streaks.npy"]).reshape(arrays["streaks"].shape), arrays["streaks"])
        for name in ("score", "coverage", "rain_mean", "psnr_rainy"):
            assert isinstance(sample["json"][name], float)
            assert sample["json"][name] == row[name], name
        for name, value in sample["json"]["complexity"].items():
            assert value == row[name], name
        assert sample["json"]["crop"] == [row[f"crop_{side}"] for side in "xywh"]
    assert sorted(seen) == sorted(key for key, row in rows.items() if row["split"] == split)


def test_the_folder_loads_with_the_features_of_the_card(
    shelf: Path, truth: Corpus, rows: dict[str, Any], quiet_home: Path
) -> None:
    dataset = load(shelf, quiet_home)
    assert set(dataset) == set(HUB_SPLITS.values())
    features = dataset["train"].features
    assert features["json"]["coverage"].dtype == "float64"
    assert type(features["rainy.png"]).__name__ == "Image"
    for split, name in HUB_SPLITS.items():
        check(dataset[name], split, truth, rows)


def test_it_streams(shelf: Path, truth: Corpus, rows: dict[str, Any], quiet_home: Path) -> None:
    for split, name in HUB_SPLITS.items():
        check(load(shelf, quiet_home, split=name, streaming=True), split, truth, rows)


def test_it_loads_by_its_folders_alone(copied: Path, truth: Corpus, rows: dict[str, Any], quiet_home: Path) -> None:
    (copied / "README.md").unlink()
    for split in HUB_SPLITS:
        dataset = load(copied / "data" / split, quiet_home)
        check(dataset["train"], split, truth, rows)


def test_explicit_shards_load(shelf: Path, truth: Corpus, rows: dict[str, Any], quiet_home: Path) -> None:
    import datasets

    files = sorted(map(str, (shelf / "data" / "unseen-rain").glob("*.tar")))
    loaded = datasets.load_dataset("webdataset", data_files={"test": files}, split="test", cache_dir=str(quiet_home))
    check(loaded, "unseen-rain", truth, rows)


def test_the_manifest_loads_as_parquet(shelf: Path, rows: dict[str, Any], quiet_home: Path) -> None:
    import datasets

    path = str(shelf / "metadata" / "samples.parquet")
    table = datasets.load_dataset("parquet", data_files=path, split="train", cache_dir=str(quiet_home))
    assert [row["key"] for row in table] == list(rows)


def test_the_line_of_the_card_runs_in_a_process_of_its_own(
    shelf: Path, counts: dict[str, int], quiet_home: Path
) -> None:
    text = (shelf / "README.md").read_text()
    line = next(line for line in text.splitlines() if line.startswith("dataset = datasets."))
    code = f"import datasets\n{line}\nprint(len(dataset))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=shelf.parent,
        env=dict(os.environ),
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1:] == [str(counts["train"])], done.stderr
