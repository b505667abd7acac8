from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from rainkit.recipe import parse_recipe
from rainkit.release import card
from rainkit.release.licences import hub_license, license_slug, license_url
from rainkit.release.summary import summarise_corpus


def read_header(text: str) -> dict[str, Any]:
    match = re.match(r"---\n(.*?)---\n", text, re.DOTALL)
    assert match is not None
    header: dict[str, Any] = yaml.safe_load(match[1])
    return header


def test_the_header_is_what_the_hub_reads(built: Path) -> None:
    header = read_header((built / "README.md").read_text())
    assert header["license"] == "cc-by-4.0"
    assert header["task_categories"] == ["image-to-image"]
    assert header["size_categories"] == ["n<1K"]
    files = header["configs"][0]["data_files"]
    assert files[1] == {"split": "unseen_rain", "path": "data/unseen-rain/*.tar"}
    assert header["dataset_info"]["splits"] == [
        {"name": "train", "num_examples": 12},
        {"name": "unseen_rain", "num_examples": 4},
    ]
    names = [feature["name"] for feature in header["dataset_info"]["features"]]
    members = ["clean.png", "json", "mask.png", "rain.png", "rainy.png", "streaks.npy"]
    assert names == [*members, "__key__", "__url__"]


def test_features_have_the_types_of_the_labels(built: Path) -> None:
    features = read_header((built / "README.md").read_text())["dataset_info"]["features"]
    struct = next(feature["struct"] for feature in features if feature["name"] == "json")
    kinds = {field["name"]: field.get("dtype") or field.get("list") for field in struct}
    assert kinds["score"] == kinds["coverage"] == kinds["psnr_rainy"] == "float64"
    assert kinds["index"] == kinds["stratum"] == kinds["crop"] == "int64"
    assert kinds["rain_params"] == "string"


def test_the_text_says_what_people_ask(built: Path) -> None:
    text = (built / "README.md").read_text()
    for words in (
        "# small 1.0.0",
        "A corpus for tests.",
        "| train | 0 | light |",
        "strata begin at",
        "| `rain/streaks` |",
        "| photos | research-only | Some \\| photographer |",
        "| `unreadable` |",
        "webdataset.WebDataset(",
        "small-train-{000000..000002}.tar",
        "wids.ShardListDataset(",
        "datasets.load_dataset(",
        "metadata/samples.parquet",
        "@misc{small,",
        "The recipe states no date of publication.",
    ):
        assert words in text, words
    assert str(built.parent) not in text


def test_dates_licences_and_manifests_alone(built: Path) -> None:
    text = (built / "recipe.yaml").read_text()
    recipe = parse_recipe(text.replace("date: ''", "date: '2026-01-31'").replace("CC-BY-4.0", "My own | licence"))
    summary = summarise_corpus(built, recipe.splits, {})
    made = card.format_card(recipe, summary)
    assert "Published 2026-01-31." in made
    assert "year = {2026}" in made
    header = read_header(made)
    assert (header["license"], header["license_name"]) == ("other", "my-own-licence")


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
    assert card.size_category(samples) == word


def test_split_names_stay_apart() -> None:
    assert card.hub_splits(["a-b", "a_b", "c"]) == {"a-b": "a_b", "a_b": "a_b_", "c": "c"}


def test_licences() -> None:
    assert hub_license("cc-by-sa-4.0") == "cc-by-sa-4.0"
    assert hub_license("ODbL-1.0") == "odbl"
    assert hub_license("") == "unknown"
    assert license_slug("!!") == "other"
    assert license_url("MIT") == "https://spdx.org/licenses/MIT.html"
    assert license_url("") == "not stated"
    assert license_url("research-only") == "research-only"


def test_numbered_shards_become_braces() -> None:
    assert card._brace(["a/x-000000.tar"]) == "a/x-000000.tar"
    assert card._brace(["a/x-000000.tar", "a/x-000001.tar"]) == "a/x-{000000..000001}.tar"
