"""The parts of a validation that need no corpus on disk."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from rainkit.data.stores import LocalStore
from rainkit.errors import BuildError, RecipeError, SourceError
from rainkit.rain import draw
from rainkit.recipe import Recipe, Validation, fingerprint, parse_recipe
from rainkit.seeds import Stream
from rainkit.train.breaking import FAULTS, break_corpus
from rainkit.train.examine import Examiner, find_contradiction
from rainkit.train.exams import PROBES, choose_parts, working_folder
from rainkit.train.gates import GATES, follow
from rainkit.train.twins import compare_edges
from rainkit.train.validate import plan_splits
from rainkit.train.verdict import BUDGETS, Verdict, write_verdict

TEXT = """\
rainkit: 1
name: tiny
version: 1.0.0
seed: 7
sources: {drawn: {kind: procedural, count: 4, size: 64}}
strata: {method: quantile, count: 3}
rain: {light: {kind: streaks}, heavy: {kind: noise_blur}}
samples: {patch: 32}
splits:
"""


def recipe(splits: str, extra: str = "") -> Recipe:
    return parse_recipe(TEXT + splits + extra)


def corpus(splits: tuple[str, ...], members: tuple[str, ...] = ("rainy", "clean")) -> Any:
    return SimpleNamespace(splits=splits, members=dict.fromkeys(members), address="somewhere")


THREE = """\
  train: {share: 0.5, samples: 9, rain: light, balance: strata, strata: [0, 2]}
  held: {share: 0.2, samples: 3, rain: {light: 2, heavy: 1}, balance: [1, 2, 3]}
  other: {share: 0.2, samples: 3, rain: heavy}
"""


def test_splits_are_found_by_their_rain() -> None:
    parts = choose_parts(recipe(THREE), corpus(("train", "held", "other")), Validation())
    assert (parts.train, parts.seen, parts.unseen, parts.rains, parts.probe) == (
        "train", "held", "other", ("light",), "",
    )  # fmt: skip


def test_rain_is_drawn_where_none_is_unseen() -> None:
    parts = choose_parts(recipe(THREE), corpus(("train", "held")), Validation())
    assert (parts.unseen, parts.probe) == ("", PROBES[0])
    assert PROBES[0] in parts.names()["unseen"]


def test_a_probe_is_not_rain_of_the_corpus() -> None:
    text = TEXT.replace("{kind: streaks}", f"{{kind: noise_blur, preset: {PROBES[0]}}}") + THREE
    assert choose_parts(parse_recipe(text), corpus(("train", "held")), Validation()).probe == PROBES[1]


def test_thresholds_may_name_the_splits() -> None:
    limits = Validation(train="other", seen="held", unseen="train")
    parts = choose_parts(recipe(THREE), corpus(("train", "held", "other")), limits)
    assert (parts.train, parts.seen, parts.unseen, parts.rains) == ("other", "held", "train", ("heavy",))
    with pytest.raises(RecipeError, match=r"validation\.seen: somewhere has no split 'held'"):
        choose_parts(recipe(THREE), corpus(("train", "other")), limits)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"seen": "train"}, r"validation\.seen: networks are trained on the split 'train'"),
        ({"unseen": "train"}, r"validation\.unseen: networks are trained on the split 'train'"),
        ({"train": "held", "seen": "train", "unseen": "other"}, r"'other' is that of the training \(heavy, light\)"),
    ],
)
def test_what_was_trained_on_is_not_judged_on(limits: dict[str, str], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        choose_parts(recipe(THREE), corpus(("train", "held", "other")), Validation(**limits))


def test_a_corpus_without_held_out_pictures_or_pictures_is_refused() -> None:
    with pytest.raises(RecipeError, match="no split to judge on"):
        choose_parts(recipe(THREE), corpus(("train",)), Validation())
    with pytest.raises(SourceError, match="no rainy and clean pictures"):
        choose_parts(recipe(THREE), corpus(("train", "held"), ("json",)), Validation())


@pytest.mark.parametrize(("rainy", "clean"), [((12, 12, 3), (12, 12, 3)), ((32, 32, 3), (32, 40, 3))])
def test_a_pair_that_cannot_be_judged_is_named(rainy: tuple[int, ...], clean: tuple[int, ...]) -> None:
    facts = {
        "key": "k7", "split": "train", "stratum": 0, "score": 1.0, "rain": "light", "psnr_rainy": 20.0, "coverage": 0.1,
        "composition": "add", "light": "srgb", "streak_colour": "#ffffff", "airlight": "#000000", "background_id": "b",
    }  # fmt: skip
    pictures = {"rainy": np.zeros(rainy, np.uint8), "clean": np.zeros(clean, np.uint8)}
    there = corpus(("train",))
    there.samples, there.read = pa.Table.from_pylist([facts]), lambda row, names: pictures
    with pytest.raises(SourceError, match=r"k7 in somewhere cannot be judged: .* at least 16 x 16 px, not "):
        Examiner(there, recipe(THREE), {"light": 0})([0])


def test_plans_are_read_from_the_recipe() -> None:
    planned = plan_splits(recipe(THREE))
    assert planned["train"].balance == {0: 1.0, 2: 1.0}
    assert planned["held"].balance == {0: 1.0, 1: 2.0, 2: 3.0}
    assert planned["other"].balance is None
    assert planned["other"].strata == (0, 1, 2)
    assert planned["held"].rains == {"light": 2.0, "heavy": 1.0}


def test_thresholds_stand_in_the_recipe_and_change_no_fingerprint() -> None:
    plain, strict = recipe(THREE), recipe(THREE, "validation: {gain_seen: 4.5, seen: held}\n")
    assert strict.validation == Validation(gain_seen=4.5, seen="held")
    assert fingerprint(plain) == fingerprint(strict)
    with pytest.raises(RecipeError, match="no split named 'hold'; did you mean 'held'"):
        recipe(THREE, "validation: {seen: hold}\n")
    with pytest.raises(RecipeError, match="no rain named 'lite'"):
        recipe(THREE, "validation: {coverage: {lite: [0, 1]}}\n")
    with pytest.raises(RecipeError, match="is empty"):
        recipe(THREE, "validation: {coverage: {light: [0.5, 0.1]}}\n")


@pytest.fixture
def labelled() -> tuple[dict[str, Any], dict[str, Any]]:
    clean = Stream(3, "clean").integers(0, 200, 32 * 32 * 3).reshape(32, 32, 3).astype(np.uint8)
    drawn = draw(clean, "streaks", 5)
    members = {"rainy": drawn.rainy, "clean": clean, "rain": drawn.rain.layer, "mask": drawn.mask}
    facts = {
        "composition": drawn.rain.compose, "light": drawn.rain.light, "streak_colour": "#ffffff",
        "airlight": "#000000", "coverage": drawn.coverage,
    }  # fmt: skip
    return members, facts


def test_labels_that_fit(labelled: Any) -> None:
    members, facts = labelled
    assert find_contradiction(members, facts, 3) == ""
    assert find_contradiction({name: members[name] for name in ("rainy", "clean")}, facts, 3) is None
    assert find_contradiction(members, facts | {"airlight": "#808080"}, 3) is None, "the veil is not shipped"


def test_labels_that_do_not_fit(labelled: Any) -> None:
    members, facts = labelled
    moved = members | {"rainy": np.roll(members["rainy"], 1, axis=1)}
    assert "another rainy one" in (find_contradiction(moved, facts, 3) or "")
    blank = members | {"mask": np.zeros_like(members["mask"])}
    assert "the mask differs" in (find_contradiction(blank, facts, 3) or "")
    assert "covers" in (find_contradiction(members, facts | {"coverage": 0.9}, 3) or "")
    veiled = members | {"transmission": np.full((32, 32), 200, np.uint8)}
    assert "another rainy one" in (find_contradiction(veiled, facts | {"airlight": "#808080"}, 3) or "")


def test_edges_tell_one_picture_from_two() -> None:
    noise = [Stream(number, "edges").integers(0, 255, 64 * 64).reshape(64, 64) for number in (1, 2)]
    one, other = (picture.astype(np.uint8) for picture in noise)
    ramp = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
    assert compare_edges(one, one) == (16, 16)
    assert compare_edges(one, one // 2 + 40) == (16, 16)
    assert compare_edges(one, other) == (16, 0)
    assert compare_edges(ramp, ramp // 2) == (0, 0), "smooth patches resemble one another and are not twins"
    framed = np.full((64, 64), 200, np.uint8)
    framed[:4] = framed[:, :4] = 10
    filled = framed.copy()
    filled[40:56, 30:50] = one[40:56, 30:50]
    busy, alike = compare_edges(framed, filled)
    assert alike < 0.9 * busy, "a frame that two pictures share does not make them one"


def leave_half_done(place: Any, identity: str) -> None:
    with contextlib.suppress(KeyboardInterrupt), working_folder(place, identity) as work:
        (work / "weights").write_text("half")
        raise KeyboardInterrupt


def test_a_working_folder_is_kept_when_it_is_cut_off(tmp_path: Path) -> None:
    place: Any = SimpleNamespace(address=str(tmp_path), store=LocalStore(tmp_path))
    leave_half_done(place, "a" * 64)
    with working_folder(place, "a" * 64) as work:
        assert (work / "weights").read_text() == "half"
        with pytest.raises(BuildError, match="another process"), working_folder(place, "a" * 64):
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_working_folder_of_another_corpus_is_cleared(tmp_path: Path) -> None:
    place: Any = SimpleNamespace(address=str(tmp_path), store=LocalStore(tmp_path))
    leave_half_done(place, "a" * 64)
    with working_folder(place, "b" * 64) as work:
        assert [path.name for path in work.parent.iterdir() if path.is_dir()] == ["b" * 16]


def test_a_verdict_is_written_whole_and_says_nothing_of_the_clock(tmp_path: Path) -> None:
    findings = [follow(gate, "integrity") for gate in GATES]
    verdict = Verdict("tiny-1.0.0", "0" * 64, "quick", BUDGETS["quick"], findings)
    assert not verdict.passed
    assert verdict.failed == []
    write_verdict(verdict, tmp_path / "validation.json")
    written = json.loads((tmp_path / "validation.json").read_text())
    assert written == verdict.to_dict()
    assert written["budget"]["steps"] == BUDGETS["quick"].steps
    assert written["results"] == {}


def test_faults_name_gates_that_exist() -> None:
    for name, fault in FAULTS.items():
        assert fault.must, name
        assert fault.must | fault.may <= set(GATES), name
        assert fault.what.endswith("."), name
    with pytest.raises(RecipeError, match="there is no fault 'rust'"):
        break_corpus("nowhere", Path("nowhere"), "rust")


def test_budgets_grow() -> None:
    steps = [budget.steps for budget in BUDGETS.values()]
    assert steps == sorted(steps)
    assert all(budget.seeds >= 2 for budget in BUDGETS.values())


def test_verdicts_carry_intervals_by_stratum() -> None:
    from rainkit.train.evaluate import results_schema
    from rainkit.train.metrics import METRICS

    plain = {"method": "network", "key": "k", "split": "held", "rain": "light"}
    rows = [
        {**plain, "stratum": number % 2, "background_id": f"b{number}", **dict.fromkeys(METRICS, float(number))}
        for number in range(6)
    ]
    table = pa.Table.from_pylist(rows, schema=results_schema(3))
    table = table.add_column(0, "exam", pa.array(["seen"] * 6)).add_column(1, "seed", pa.array([0, 0, 0, 1, 1, 1]))
    verdict = Verdict("tiny-1.0.0", "", "quick", BUDGETS["quick"], [], table)
    entries = verdict.to_dict()["results"]["by_stratum"]
    assert [(entry["exam"], entry["stratum"]) for entry in entries] == [("seen", 0), ("seen", 1)]
    assert entries[1]["metrics"]["gain_psnr_y"]["mean"] == pytest.approx(3.0)
