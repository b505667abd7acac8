"""webdataset and wids load the corpus as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rainkit.data import Corpus

# webdataset leaves files to the collector, and wids warns of the way in which it opens its own index.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.mark.parametrize("split", ["train", "unseen-rain"])
def test_webdataset_streams_every_sample(shelf: Path, truth: Corpus, rows: dict[str, Any], split: str) -> None:
    webdataset = pytest.importorskip("webdataset")
    shards = sorted(map(str, (shelf / "data" / split).glob("*.tar")))
    samples = list(webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8"))
    assert [sample["__key__"] for sample in samples] == [key for key, row in rows.items() if row["split"] == split]
    for sample in samples:
        arrays = truth.read(sample["__key__"])
        for name in ("rainy", "clean"):
            assert np.array_equal(sample[f"{name}.png"], arrays[name])
        for name in ("rain", "mask", "transmission"):
            # "rgb8" shows a grey picture in three equal channels.
            assert np.array_equal(sample[f"{name}.png"], np.repeat(arrays[name][:, :, None], 3, axis=2))
        assert np.array_equal(sample["streaks.npy"], arrays["streaks"])
        assert sample["json"]["score"] == rows[sample["__key__"]]["score"]


def test_webdataset_reads_the_line_of_the_card(shelf: Path, counts: dict[str, int]) -> None:
    webdataset = pytest.importorskip("webdataset")
    text = (shelf / "README.md").read_text()
    line = next(line for line in text.splitlines() if line.startswith("dataset = webdataset."))
    names: dict[str, Any] = {"webdataset": webdataset}
    exec(line.replace(f'"{shelf.name}', f'"{shelf}'), names)  # the card's own line
    pairs = list(names["dataset"])
    assert len(pairs) == counts["train"]
    assert all(rainy.shape == clean.shape == (48, 48, 3) for rainy, clean in pairs)


@pytest.mark.parametrize("split", ["train", "unseen-rain"])
def test_wids_reads_any_sample_by_number(shelf: Path, truth: Corpus, split: str, quiet_home: Path) -> None:
    wids = pytest.importorskip("wids")
    index = shelf / f"wids-{split}.json"
    dataset = wids.ShardListDataset(str(index), cache_dir=str(quiet_home / "wids"), keep=True)
    assert len(dataset) == len(truth.rows(split))
    keys = truth.samples["key"].to_pylist()
    for number, row in enumerate(truth.rows(split).tolist()):
        sample = dataset[number]
        assert sample["__key__"] == keys[row]
        assert np.array_equal(np.asarray(sample[".rainy.png"]), truth.read(row)["rainy"])
        assert sample[".json"]["key"] == keys[row]
    assert json.loads(index.read_text())["wids_version"] == 1
