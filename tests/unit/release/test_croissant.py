from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rainkit.recipe import parse_recipe
from rainkit.release import croissant
from rainkit.release.checksums import hash_file
from rainkit.release.summary import summarise_corpus


@pytest.fixture(scope="module")
def document(built: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((built / "croissant.json").read_text())
    return loaded


def test_everything_that_the_format_requires_is_there(document: dict[str, Any]) -> None:
    # Croissant 1.1, "Dataset-level information", required; validators only warn of some.
    for name in (
        "@context",
        "@type",
        "conformsTo",
        "description",
        "license",
        "name",
        "url",
        "creator",
        "datePublished",
    ):
        assert document[name], name
    assert document["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert document["@type"] == "sc:Dataset"
    assert document["datePublished"] == croissant.NO_DATE
    assert document["license"] == "https://spdx.org/licenses/CC-BY-4.0.html"


def test_files_are_there_and_have_their_digests(document: dict[str, Any], built: Path) -> None:
    files = [each for each in document["distribution"] if each["@type"] == "cr:FileObject"]
    assert len(files) == 3 + 4
    for each in files:
        assert each["sha256"] == hash_file(built / each["contentUrl"])[0]


def test_every_reference_has_its_target(document: dict[str, Any]) -> None:
    known = {each["@id"] for each in document["distribution"]}
    for records in document["recordSet"]:
        known |= {records["@id"], *(field["@id"] for field in records["field"])}

    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            if value.keys() == {"@id"}:
                return [value["@id"]]
            return [name for item in value.values() for name in references(item)]
        return [name for item in value for name in references(item)] if isinstance(value, list) else []

    found = references([document["distribution"], document["recordSet"]])
    assert set(found) <= known
    names = [each["@id"] for each in document["distribution"]] + [each["@id"] for each in document["recordSet"]]
    assert len(set(names)) == len(names)


def test_columns_keep_descriptions_and_units(document: dict[str, Any]) -> None:
    manifest = next(each for each in document["recordSet"] if each["@id"] == "manifest")
    fields = {field["name"]: field for field in manifest["field"]}
    assert fields["psnr_rainy"]["description"].endswith("Unit: dB.")
    assert fields["psnr_rainy"]["dataType"] == "sc:Float"
    assert fields["crop_x"]["dataType"] == "sc:Integer"
    assert {each["@id"] for each in document["recordSet"]} == {"manifest", "clean", "mask", "rain", "rainy"}


def test_many_shards_are_left_to_the_manifest(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = parse_recipe((built / "recipe.yaml").read_text().replace("date: ''", "date: '2026-02-03'"))
    summary = summarise_corpus(built, recipe.splits, {})
    monkeypatch.setattr(croissant, "MAX_SHARDS", 3)
    digests = dict.fromkeys(croissant.TABLES, "0" * 64)
    made = json.loads(croissant.format_croissant(recipe, summary, digests))
    assert [each["@id"] for each in made["distribution"]] == list(croissant.TABLES)
    assert [each["@id"] for each in made["recordSet"]] == ["manifest"]
    assert made["datePublished"] == "2026-02-03"
