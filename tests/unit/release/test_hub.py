from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from rainkit.release import hub
from rainkit.release.virtual import release_manifest


def read_header(folder: Path) -> dict[str, Any]:
    match = re.match(r"---\n(.*?)---\n", (folder / "README.md").read_text(), re.DOTALL)
    assert match is not None
    assert "&id" not in match[1], "an anchor, which not every reader of cards follows"
    header: dict[str, Any] = yaml.safe_load(match[1])
    return header


def test_the_header_is_what_the_hub_reads(built: Path) -> None:
    header = read_header(built)
    assert header["license"] == "cc-by-4.0"
    assert header["task_categories"] == ["image-to-image"]
    assert header["size_categories"] == ["n<1K"]
    files = header["configs"][0]["data_files"]
    assert files[1] == {"split": "unseen_rain", "path": "data/unseen-rain/*.tar"}
    sizes = [sum(path.stat().st_size for path in built.glob(each["path"])) for each in files]
    assert header["dataset_info"]["splits"] == [
        {"name": "train", "num_bytes": sizes[0], "num_examples": 12},
        {"name": "unseen_rain", "num_bytes": sizes[1], "num_examples": 4},
    ]
    names = [feature["name"] for feature in header["dataset_info"]["features"]]
    members = ["clean.png", "json", "mask.png", "rain.png", "rainy.png", "streaks.npy"]
    assert names == [*members, "__key__", "__url__"]


def test_features_have_the_types_of_the_labels(built: Path) -> None:
    features = read_header(built)["dataset_info"]["features"]
    struct = next(feature["struct"] for feature in features if feature["name"] == "json")
    kinds = {field["name"]: field.get("dtype") or field.get("list") for field in struct}
    assert kinds["score"] == kinds["coverage"] == kinds["psnr_rainy"] == "float64"
    assert kinds["index"] == kinds["stratum"] == kinds["crop"] == "int64"
    assert kinds["rain_params"] == "string"


def test_strata_are_configs_where_shards_hold_one(by_stratum: Path) -> None:
    header = read_header(by_stratum)
    rows = pq.read_table(by_stratum / "metadata/samples.parquet").to_pylist()
    assert [config["config_name"] for config in header["configs"]] == ["default", "stratum-0", "stratum-1"]
    assert [info["config_name"] for info in header["dataset_info"]] == ["default", "stratum-0", "stratum-1"]
    found = {}
    for config, info in zip(header["configs"], header["dataset_info"], strict=True):
        assert info["features"] == header["dataset_info"][0]["features"]
        for files, split in zip(config["data_files"], info["splits"], strict=True):
            assert files["split"] == split["name"]
            paths = {path.relative_to(by_stratum).as_posix() for path in by_stratum.glob(files["path"])}
            found[config["config_name"], files["split"]] = {row["key"] for row in rows if row["shard"] in paths}
            assert split["num_bytes"] == sum((by_stratum / path).stat().st_size for path in paths)
            assert split["num_examples"] == len(found[config["config_name"], files["split"]])
    for (config, split), keys in found.items():
        here = [row for row in rows if row["split"].replace("-", "_") == split]
        assert keys == {row["key"] for row in here if config in {"default", f"stratum-{row['stratum']}"}}


def test_a_release_without_pictures_has_its_tables_as_configs(built: Path, tmp_path: Path) -> None:
    virtual = release_manifest(built, tmp_path)
    header = read_header(virtual)
    assert [config["config_name"] for config in header["configs"]] == ["manifest", "backgrounds", "refused"]
    assert header["configs"][0]["default"]
    for config in header["configs"]:
        (files,) = config["data_files"]
        assert files["split"] == "table"
        assert (virtual / files["path"]).is_file()
    assert "dataset_info" not in header


@pytest.mark.parametrize(
    ("samples", "word"),
    [
        (0, "n<1K"),
        (999, "n<1K"),
        (1000, "1K<n<10K"),
        (99_999, "10K<n<100K"),
        (10**6, "1M<n<10M"),
        (10**7, "10M<n<100M"),
    ],
)
def test_size_categories(samples: int, word: str) -> None:
    assert hub.size_category(samples) == word


def test_split_names_stay_apart() -> None:
    assert hub.hub_splits(["a-b", "a_b", "c"]) == {"a-b": "a_b", "a_b": "a_b_", "c": "c"}
