from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rainkit.data import open_corpus
from rainkit.errors import IntegrityError
from rainkit.images import decode
from rainkit.manifest import read_table
from rainkit.recipe import parse_recipe
from rainkit.release import figures
from rainkit.release.checksums import hash_file
from rainkit.release.describe import write_descriptions
from rainkit.release.summary import BINS, summarise_corpus


def described(corpus: Path) -> dict[str, bytes]:
    names = (
        "README.md", "croissant.json", "figures/samples.png", "report/index.html", "wids-train.json",
        "wids-unseen-rain.json",
    )  # fmt: skip
    return {name: (corpus / name).read_bytes() for name in names if (corpus / name).exists()}


def test_descriptions_are_a_function_of_the_corpus(built: Path, copy_corpus: Callable[[Path], Path]) -> None:
    corpus = copy_corpus(built)
    recipe = parse_recipe((corpus / "recipe.yaml").read_text())
    before = described(corpus)
    assert len(before) == 6
    for name in before:
        (corpus / name).unlink()
    # The build knew sizes and digests of shards; here they are read.
    known = write_descriptions(corpus, recipe)
    assert described(corpus) == before
    assert known == {path: hash_file(corpus / path)[0] for path in known}
    assert sum(path.endswith(".tar") for path in known) == 4


def test_a_lost_shard_is_noticed(built: Path, copy_corpus: Callable[[Path], Path]) -> None:
    corpus = copy_corpus(built)
    (corpus / "data/train/small-train-000001.tar").unlink()
    with pytest.raises(IntegrityError, match=r"1 of 4 shards are missing, such as data/train/small-train-000001\.tar"):
        write_descriptions(corpus, parse_recipe((corpus / "recipe.yaml").read_text()))


def test_the_summary_counts_as_the_table_does(built: Path) -> None:
    rows = read_table(built / "metadata/samples.parquet", "samples").to_pylist()
    summary = summarise_corpus(built, ("train", "unseen-rain"), {})
    assert summary.samples == {"train": 12, "unseen-rain": 4}
    assert summary.total == len(rows)
    for cell in summary.cells:
        here = [r for r in rows if (r["split"], r["stratum"], r["rain"]) == (cell.split, cell.stratum, cell.rain)]
        assert cell.samples == len(here)
        assert cell.coverage == math.fsum(row["coverage"] for row in here) / len(here)
        assert cell.psnr == math.fsum(row["psnr_rainy"] for row in here) / len(here)
    assert sum(cell.samples for cell in summary.cells) == len(rows)
    assert len(summary.histogram) == BINS
    assert sum(count for _, count in summary.histogram) == len(rows)
    assert summary.refused == {"unreadable": 1}
    assert [origin.name for origin in summary.origins] == ["drawn", "photos"]
    assert sum(origin.samples for origin in summary.origins) == len(rows)
    assert summary.example["key"] == rows[0]["key"]
    assert len(summary.edges) == 1


def test_shards_are_listed_once_with_what_was_known(built: Path) -> None:
    path = "data/train/small-train-000000.tar"
    known = {path: {"size": 5, "sha256": "a", "md5": "b", "samples": 99}}
    shards = summarise_corpus(built, ("unseen-rain", "train"), known).shards
    assert [shard.path.split("/")[1] for shard in shards] == ["unseen-rain", "train", "train", "train"]
    chosen = next(shard for shard in shards if shard.path == path)
    assert (chosen.size, chosen.sha256, chosen.md5, chosen.samples) == (5, "a", "b", 5)


def test_the_figure_shows_samples_by_stratum_and_rain(built: Path) -> None:
    rows = read_table(built / "metadata/samples.parquet", "samples").to_pylist()
    grid = figures.choose_samples(built)
    assert [[(rows[row]["stratum"], rows[row]["rain"]) for row in line] for line in grid] == [
        [(stratum, rain) for rain in ("light", "noise")] for stratum in (0, 1)
    ]
    picture = decode((built / figures.FIGURE).read_bytes())
    assert picture.shape == (2 * 48 + 4, 4 * 48 + 4, 3)
    arrays = open_corpus(built).read(grid[1][0], ("rainy", "clean"))
    assert np.array_equal(picture[52:, :48], arrays["rainy"])
    assert np.array_equal(picture[52:, 48:96], arrays["clean"])
    assert (picture[48:52] == 255).all()


def test_large_pictures_are_shown_small() -> None:
    assert figures.shrink(np.zeros((512, 256, 3), np.uint8), 128).shape == (128, 64, 3)
    assert figures.shrink(np.zeros((12, 2000, 3), np.uint8), 128).shape == (1, 125, 3)
    assert figures.shrink(np.zeros((130, 65), np.uint8), 128).shape == (65, 32)


def test_a_block_becomes_its_mean_rounded_to_nearest() -> None:
    pixels = np.array([[0, 1, 250, 255, 9], [1, 1, 255, 255, 9]], np.uint8)
    small = figures.shrink(np.repeat(pixels[:, :, None], 3, axis=2), 3)
    assert small.tolist() == [[[1, 1, 1], [254, 254, 254]]]  # 3 / 4 and 1015 / 4; the fifth column is cut
    large = np.full((1080, 1920, 3), 255, np.uint8)
    assert (figures.shrink(large, 8) == 255).all(), "sums of large blocks must not overflow"


def test_wids_indexes_name_every_shard(built: Path) -> None:
    index = json.loads((built / "wids-train.json").read_text())
    assert [shard["nsamples"] for shard in index["shardlist"]] == [5, 5, 2]
    assert all((built / shard["url"]).stat().st_size == shard["filesize"] for shard in index["shardlist"])
