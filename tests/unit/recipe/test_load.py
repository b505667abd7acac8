"""Recipes: read, resolved, identified."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rainkit.errors import RecipeError
from rainkit.recipe import (
    component_versions,
    dump_recipe,
    fingerprint,
    json_schema,
    load_recipe,
    parse_recipe,
    resolve,
)

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests" / "golden"))

import make_recipes  # noqa: E402

MINIMAL = """
rainkit: 1
name: tiny
version: 1.0.0
seed: 1
sources:
  drawn: {kind: procedural, count: 4}
rain:
  light: {kind: noise_blur}
splits:
  train: {share: 1, samples: 2, rain: light}
"""


@pytest.mark.parametrize("path", sorted(make_recipes.FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_wrong_recipes_are_reported_whole(path: Path) -> None:
    assert make_recipes.message(path) == path.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").rglob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_recipes_are_valid(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if "\nrainkit: " in f"\n{text}":
        assert parse_recipe(text).name


def test_the_resolved_recipe_reads_back_to_the_same_fingerprint() -> None:
    recipe = parse_recipe(MINIMAL)
    again = parse_recipe(dump_recipe(recipe))
    assert fingerprint(again) == fingerprint(recipe)
    assert dump_recipe(again) == dump_recipe(recipe)


def test_shards_by_split_are_what_recipes_meant_before_they_could_say_it() -> None:
    silent, said, other = (
        parse_recipe(f"{MINIMAL}shards: {{samples: 5{by}}}\n") for by in ("", ", by: split", ", by: stratum")
    )
    assert fingerprint(silent) == fingerprint(said) != fingerprint(other)
    assert dump_recipe(silent) == dump_recipe(said)
    assert "by:" not in dump_recipe(said)
    assert parse_recipe(dump_recipe(other)) == other


def test_defaults_are_written_out() -> None:
    values = resolve(parse_recipe(MINIMAL))
    assert values["shards"] == {"samples": 1000}
    assert values["splits"]["train"]["rain"] == {"light": 1.0}
    assert values["strata"]["method"] == "quantile"


def test_the_fingerprint_ignores_places_and_sees_everything_else(tmp_path: Path) -> None:
    text = MINIMAL.replace("{kind: procedural, count: 4}", "{kind: folder, path: a}")
    (tmp_path / "recipe.yaml").write_text(text)
    here = load_recipe(tmp_path / "recipe.yaml")
    there = load_recipe(tmp_path / "recipe.yaml", {"drawn": "/elsewhere"})
    assert str(here.sources["drawn"].path) == str(tmp_path / "a")
    assert str(there.sources["drawn"].path) == "/elsewhere"
    assert fingerprint(here) == fingerprint(there)
    (tmp_path / "recipe.yaml").write_text(text.replace("seed: 1", "seed: 2"))
    assert fingerprint(load_recipe(tmp_path / "recipe.yaml")) != fingerprint(here)


def test_the_fingerprint_sees_the_version_of_a_component(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = parse_recipe(MINIMAL)
    before = fingerprint(recipe)
    monkeypatch.setattr(type(recipe.rain["light"]), "version", 99)
    assert component_versions(recipe)["rain/noise_blur"] == 99
    assert fingerprint(recipe) != before


@pytest.mark.parametrize(
    ("moved", "words"),
    [({"photo": "/a"}, "no source named 'photo'"), ({"drawn": "/a"}, "has no place to move")],
)
def test_moving_what_is_not_there_is_refused(tmp_path: Path, moved: dict[str, str], words: str) -> None:
    (tmp_path / "recipe.yaml").write_text(MINIMAL)
    with pytest.raises(RecipeError, match=words):
        load_recipe(tmp_path / "recipe.yaml", moved)


def test_text_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="larger than 1 MiB"):
        parse_recipe("#" * (1 << 20) + "\nrainkit: 1")
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for i in range(1, 8):
        bomb += f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n"
    with pytest.raises(RecipeError, match="once aliases are followed"):
        parse_recipe(bomb)
    inner = "{a: 1, b: 2}"
    for i in range(5):
        inner = f"{{<<: [&a{i} {inner}{f', *a{i}' * 19}]}}"
    with pytest.raises(RecipeError, match="once aliases are followed"):
        parse_recipe(f"a: {inner}")
    for text in ("a: &a [*a]", "a: &a {<<: *a}"):
        with pytest.raises(RecipeError, match="holds itself"):
            parse_recipe(text)


def test_mappings_are_merged_as_yaml_says() -> None:
    text = MINIMAL.replace("light:", "other: &other {kind: noise_blur, length: 9}\n  light:")
    text = text.replace("light: {kind: noise_blur}", "light: {<<: [{length: 7}, *other], width: 3}")
    merged, other = (parse_recipe(text).rain[name].model_dump() for name in ("light", "other"))
    plain = parse_recipe(MINIMAL.replace("noise_blur}", "noise_blur, length: 7, width: 3}")).rain["light"]
    assert merged == plain.model_dump()
    assert other["length"] != merged["length"]
    with pytest.raises(RecipeError, match=r"yaml:2:5: not valid YAML: << takes a mapping"):
        parse_recipe("a: 1\n<<: 1")


def test_what_is_not_text_has_a_place() -> None:
    with pytest.raises(RecipeError, match=r"^recipe.yaml:2:4: not text: the character U\+0007"):
        parse_recipe("a: 1\nb: \x07")


def test_a_home_that_nobody_has_is_named(tmp_path: Path) -> None:
    text = MINIMAL.replace("{kind: procedural, count: 4}", "{kind: folder, path: ~nobody-at-all/a}")
    (tmp_path / "recipe.yaml").write_text(text)
    with pytest.raises(RecipeError, match="~nobody-at-all/a: there is no such user"):
        load_recipe(tmp_path / "recipe.yaml")


def test_nothing_is_expanded() -> None:
    recipe = parse_recipe(MINIMAL.replace("seed: 1", 'seed: 1\ndescription: "${HOME} $PATH"'))
    assert recipe.description == "${HOME} $PATH"


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such file"):
        load_recipe(tmp_path / "missing.yaml")
    with pytest.raises(RecipeError, match="a folder, not a recipe"):
        load_recipe(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9t\xe9")
    with pytest.raises(RecipeError, match="not UTF-8"):
        load_recipe(tmp_path / "latin.yaml")


def test_the_schema_knows_every_component() -> None:
    schema = json_schema()
    assert schema["$schema"].endswith("2020-12/schema")
    assert {"FolderSource", "ProceduralSource", "NoiseBlur", "Streaks"} <= set(schema["$defs"])
    assert schema["additionalProperties"] is False


def test_strata_from_an_earlier_corpus_need_it(tmp_path: Path) -> None:
    text = MINIMAL + "strata: {method: edges, edges_from: earlier}\n"
    (tmp_path / "recipe.yaml").write_text(text)
    with pytest.raises(Exception, match=str(tmp_path / "earlier")):
        load_recipe(tmp_path / "recipe.yaml")
