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

from rainkit.data import Corpus, open_corpus
from rainkit.release.virtual import release_manifest

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


def test_a_sample_that_the_card_counts_and_no_shard_holds_is_missed(copied: Path, quiet_home: Path) -> None:
    from datasets.exceptions import NonMatchingSplitsSizesError

    next(iter(sorted((copied / "data" / "train").glob("*.tar")))).unlink()
    with pytest.raises(NonMatchingSplitsSizesError):
        load(copied, quiet_home)


def test_the_reader_takes_every_part_of_the_card(shelf: Path, quiet_home: Path, caplog: Any) -> None:
    import datasets

    datasets.logging.enable_propagation()
    load(shelf, quiet_home, split="train", streaming=True)
    assert not caplog.text


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


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("stratum", [0, 1])
def test_a_stratum_loads_by_its_name(strata_shelf: Path, quiet_home: Path, stratum: int, streaming: bool) -> None:
    truth = open_corpus(strata_shelf)
    rows = {row["key"]: row for row in truth.samples.to_pylist() if row["stratum"] == stratum}
    for split, name in HUB_SPLITS.items():
        loaded = load(strata_shelf, quiet_home, name=f"stratum-{stratum}", split=name, streaming=streaming)
        assert loaded.features["json"]["coverage"].dtype == "float64"
        check(loaded, split, truth, rows)


def test_the_strata_are_listed_and_everything_is_the_default(strata_shelf: Path, quiet_home: Path) -> None:
    import datasets

    assert datasets.get_dataset_config_names(str(strata_shelf)) == ["default", "stratum-0", "stratum-1"]
    assert set(datasets.get_dataset_split_names(str(strata_shelf), "stratum-1")) == set(HUB_SPLITS.values())
    assert len(load(strata_shelf, quiet_home, split="train")) == 17


def test_a_stratum_of_mixed_shards_is_chosen_by_rows_of_the_manifest(
    shelf: Path, truth: Corpus, rows: dict[str, Any], quiet_home: Path
) -> None:
    simple = {key: row for key, row in rows.items() if row["stratum"] == 0}
    here = [row for row in rows.values() if row["split"] == "train"]
    chosen = [number for number, row in enumerate(here) if row["stratum"] == 0]
    check(load(shelf, quiet_home, split="train").select(chosen), "train", truth, simple)
    stream = load(shelf, quiet_home, split="train", streaming=True)
    check(stream.filter(lambda sample: sample["json"]["stratum"] == 0), "train", truth, simple)


def test_a_release_without_pictures_loads_as_its_tables(
    shelf: Path, truth: Corpus, rows: dict[str, Any], quiet_home: Path, tmp_path: Path
) -> None:
    virtual = release_manifest(shelf, tmp_path / "manifests")
    table = load(virtual, quiet_home, split="table")
    assert [row["key"] for row in table] == list(rows)
    assert [row["stratum"] for row in load(virtual, quiet_home, name="manifest", split="table", streaming=True)] == [
        row["stratum"] for row in rows.values()
    ]
    backgrounds = load(virtual, quiet_home, name="backgrounds", split="table")
    assert backgrounds["id"][:] == truth.backgrounds["id"].to_pylist()


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
