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


def test_licences() -> None:
    assert hub_license("cc-by-sa-4.0") == "cc-by-sa-4.0"
    assert hub_license("ODbL-1.0") == "odbl"
    assert hub_license("") == "unknown"
    assert license_slug("!!") == "other"
    assert license_url("MIT") == "https://spdx.org/licenses/MIT.html"
    assert license_url("") == "not stated"
    assert license_url("research-only") == "research-only"


@pytest.mark.parametrize(
    ("numbers", "name"),
    [
        (["000000"], "a/x-000000.tar"),
        (["000000", "000001"], "a/x-{000000..000001}.tar"),
        (["000000", "000002"], "a/x-{000000,000002}.tar"),
        (["stratum-0-000000", "stratum-1-000000"], "a/x-stratum-{0..1}-000000.tar"),
        (["stratum-0-000003", "stratum-2-000003"], "a/x-stratum-{0,2}-000003.tar"),
        (["stratum-9-000000", "stratum-9-000001"], "a/x-stratum-9-{000000..000001}.tar"),
        (
            ["stratum-0-000000", "stratum-0-000001", "stratum-1-000000"],
            "a/x-stratum-{0-{000000..000001},1-000000}.tar",
        ),
        ([f"stratum-{s:02d}-00000{n}" for s in range(11) for n in (0, 1)], "a/x-stratum-{00..10}-{000000..000001}.tar"),
    ],
)
def test_numbered_shards_become_braces(numbers: list[str], name: str) -> None:
    paths = [f"a/x-{number}.tar" for number in numbers]
    assert card._brace(paths) == name
    braceexpand = pytest.importorskip("braceexpand")
    assert list(braceexpand.braceexpand(name)) == paths
