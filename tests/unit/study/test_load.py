"""Studies that cannot be used, each problem at its line, and what --source does."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from rainkit.errors import RecipeError, SourceError
from rainkit.sources import SOURCES
from rainkit.study.load import Loaded, load_study

STUDY = """\
study: 1
name: small
recipe:
  rainkit: 1
  name: small
  version: 1.0.0
  seed: 1
  sources:
    photos: {kind: procedural, count: 8, size: 64}
  rain: {light: {kind: noise_blur},
         heavy: {kind: streaks}}
  splits:
    train: {share: 0.5, samples: 4, rain: light}
    test: {share: 0.5, samples: 4, rain: heavy}
tests:
  unseen: {split: test, role: unseen}
axes:
  stratum:
    levels:
      low: {set: {splits.train.strata: [0]}}
      high: {set: {splits.train.strata: [4]}}
grids:
  main: {over: [stratum], compare: [[low, high]]}
"""


def load(folder: Path, old: str = "", new: str = "", **sources: str) -> Loaded:
    assert old in STUDY
    path = folder / "study.yaml"
    path.write_text(STUDY.replace(old, new) if old else STUDY)
    return load_study(path, sources)


def test_a_study_is_read(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    assert loaded.study.seeds == (0, 1)
    assert loaded.recipe(loaded.base).splits["train"].samples == 4


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[[low, high]]", "[[low, hihg]]", "grids.main.compare[0]: no level 'hihg' of 'stratum'"),
        ("over: [stratum]", "over: [strata]", "grids.main.over: no axis named 'strata'; did you mean 'stratum'?"),
        ("over: [stratum],", "", "grids.main.compare: needs an axis in `over`"),
        ("over: [stratum]", "over: [stratum, stratum]", "grids.main.over: 'stratum' is crossed with itself"),
        (
            "over: [stratum]",
            "over: [stratum], levels: {stratum: [low]}",
            "grids.main.compare[0]: no level 'high' of 'stratum' is trained in this grid",
        ),
        ("over: [stratum]", "over: [network]", "no level 'low' of 'network' is trained in this grid; known: tiny"),
        (
            "over: [stratum], compare: [[low, high]]",
            'over: [steps], steps: [20, 40], compare: [["20", "400"]]',
            "no level '400' of 'steps' is trained in this grid; did you mean '40'?",
        ),
        (
            "grids:\n",
            "training: {batsch: 4}\ngrids:\n",
            "training: network tiny: the training cannot be used: batsch: no such setting, did you mean 'batch'?",
        ),
        (
            "grids:\n",
            "networks: [tiny, unet]\ntraining: {network.blocks: 2}\ngrids:\n",
            "training: network unet: the training cannot be used: network.blocks: no such setting",
        ),
        ("grids:\n", "training: {steps: 9}\ngrids:\n", "training.steps: is not set here: write the study's `steps`"),
        ("{split: test,", "{split: tset,", "tests.unseen.split: no split named 'tset'; did you mean 'test'?"),
        ("{split: test,", "{split: train,", "networks are trained on this split"),
        (
            "rain: heavy",
            "rain: {heavy: 1, light: 1}",
            "tests.unseen.role: networks are trained on light: that rain is seen",
        ),
        ("role: unseen", "role: unseen, matched: severity", "tests.unseen: `matched` and `like` go together"),
        ("role: unseen", "role: unseen, matched: severity, like: hail", "no rain named 'hail'"),
        ("  stratum:", "  network:", "axes.network: network is an axis of every grid"),
        (
            "name: small\nrecipe",
            "name: small\nnetworks: [tyni]\nrecipe",
            "no network named 'tyni'; known: base",
        ),
        ("strata: [4]", "strata: [9]", "study.yaml:21:20: splits.train.strata: no stratum 9"),
        (
            "share: 0.5, samples: 4, rain: light}\n    test",
            "share: 0.8, samples: 4, rain: light}\n    test",
            "add to 1.3",
        ),
        ("study: 1\n", "", "study: is required and missing"),
    ],
)
def test_problems_are_found_before_anything_is_built(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, old, new)
    assert said in str(caught.value)


@pytest.mark.parametrize("value", ["5", "stratum", "[[a]]", "{a: 1}", "null"])
@pytest.mark.parametrize("field", ["over", "compare", "levels", "networks", "seeds"])
def test_values_of_another_kind_are_problems_and_no_accident(tmp_path: Path, field: str, value: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY.replace("{over: [stratum], compare: [[low, high]]}", f"{{{field}: {value}}}"))
    with contextlib.suppress(RecipeError):
        load_study(path)


def test_problems_of_all_levels_come_at_once_with_the_levels_that_bring_them(tmp_path: Path) -> None:
    text = STUDY.replace("strata: [0]", "stratum: [0]").replace("strata: [4]", "strata: [9]")
    text = text.replace("grids:\n", "  amount:\n    levels: {few: {}, many: {set: {splits.tren.samples: 9}}}\ngrids:\n")
    path = tmp_path / "study.yaml"
    path.write_text(text.replace("over: [stratum]", "over: [stratum, amount]"))
    with pytest.raises(RecipeError) as caught:
        load_study(path)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{len(lines) - 1} problems in the recipes of {path}"
    for place, what, level in [
        ("20:19", "splits.train.stratum: unknown key", "stratum = low"),
        ("21:20", "splits.train.strata: no stratum 9", "stratum = high"),
        ("23:36", "splits.tren.rain: is required and missing", "amount = many"),
    ]:
        (line,) = (line for line in lines if what in line)
        assert line.startswith(f"  {path}:{place}: {what}")
        assert line.endswith(f"({level})")


def test_a_problem_of_the_base_recipe_is_said_once_and_of_its_own_file(tmp_path: Path) -> None:
    recipe = STUDY[STUDY.index("recipe:\n") + 8 : STUDY.index("tests:")].replace("noise_blur", "noise_blurr")
    (tmp_path / "base.yaml").write_text("\n".join(line[2:] for line in recipe.splitlines()))
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, STUDY[STUDY.index("recipe:") : STUDY.index("tests:")], "recipe: base.yaml\n")
    head, line = str(caught.value).splitlines()
    assert head.startswith("1 problem in the recipes of")
    assert f"{tmp_path / 'base.yaml'}:7:" in line
    assert "noise_blurr" in line


def test_a_source_is_looked_for_before_anything_is_built(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="--source photos=/nowhere/photos: there is nothing at that place"):
        load(tmp_path, photos="/nowhere/photos")
    assert load(tmp_path, photos="s3://bucket/photos").moved == {"photos": "s3://bucket/photos"}


def test_a_recipe_may_stand_in_its_own_file(tmp_path: Path) -> None:
    recipe = STUDY[STUDY.index("recipe:\n") + 8 : STUDY.index("tests:")]
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "recipe.yaml").write_text("\n".join(line[2:] for line in recipe.splitlines()))
    loaded = load(tmp_path, STUDY[STUDY.index("recipe:") : STUDY.index("tests:")], "recipe: base/recipe.yaml\n")
    assert loaded.base["name"] == "small"
    assert loaded.folder == tmp_path / "base"


def test_a_folder_takes_the_place_of_a_drawn_source(tmp_path: Path) -> None:
    loaded = load(tmp_path, photos=str(tmp_path))
    source = loaded.recipe(loaded.base).sources["photos"]
    assert isinstance(source, SOURCES["folder"])
    with pytest.raises(RecipeError, match="no source named 'fotos'"):
        load(tmp_path, fotos=str(tmp_path))


@pytest.mark.parametrize("name", ["slacking-off-mini", "slacking-off"])
def test_published_studies_are_valid(name: str) -> None:
    root = Path(__file__).parents[3] / "recipes" / "studies"
    assert load_study(root / f"{name}.yaml").study.name == name
