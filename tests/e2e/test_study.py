"""`rainkit study` as a user runs it: two corpora, one or two seeds, five steps; resumed, and wrong ones refused."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from rainkit import __version__

STUDY = """\
study: 1
name: tiny
recipe:
  rainkit: 1
  name: tiny
  version: 1.0.0
  seed: 7
  sources:
    drawn: {kind: procedural, count: 24, size: 96}
  backgrounds: {min_size: 64}
  complexity: {unit: patch}
  strata: {method: quantile, count: 2}
  rain:
    light: {kind: noise_blur, preset: slacking-off-small}
    heavy: {kind: noise_blur, preset: slacking-off-large}
  splits:
    train: {share: 0.6, samples: 16, rain: light}
    unseen: {share: 0.4, samples: 8, rain: heavy}
  samples: {patch: 64}
tests:
  unseen: {split: unseen, role: unseen}
  matched: {split: unseen, role: unseen, matched: severity, like: light}
axes:
  stratum:
    levels:
      simple: {at: 0, set: {splits.train.strata: [0]}}
      complex: {at: 1, set: {splits.train.strata: [1]}}
grids:
  complexity: {over: [stratum], compare: [[simple, complex]]}
seeds: [0]
steps: [5]
training: {batch: 2, patch: 32}
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


def test_a_study_reports_and_does_nothing_twice(rainkit, study: Path, tmp_path: Path) -> None:
    done = rainkit("study", study, "-o", tmp_path / "out", "--workers", "2")
    report = Path(done.stdout.splitlines()[-1])
    text = report.read_text()
    assert "generalises better" not in text
    assert "no verdict" in text
    runs = sorted((report.parent / "runs").iterdir())
    assert len(runs) == 2
    assert len(list((report.parent / "corpora").iterdir())) == 4
    assert {path.name for path in (report.parent / "figures").iterdir()} == {
        "complexity-axis.png", "complexity-trade-off.png", "complexity-differences.png"
    }  # fmt: skip
    results = pq.read_table(report.parent / "results.parquet")
    assert {"e_r", "e_b", "rain_free_error", "removal_per_damage"} <= set(results["metric"].to_pylist())
    tests = json.loads((report.parent / "runs.json").read_text())["tests"]
    assert tests["matched"]["factor"] != 1.0 == tests["unseen"]["factor"]
    assert abs(tests["matched"]["severity"] - tests["unseen"]["severity"]) > 0.5

    before = {path: path.stat().st_mtime_ns for path in (report.parent / "runs").rglob("*") if path.is_file()}
    again = rainkit("study", study, "-o", tmp_path / "out", "--workers", "1")
    assert "2 of them finished before" in again.stderr
    assert before == {path: path.stat().st_mtime_ns for path in (report.parent / "runs").rglob("*") if path.is_file()}
    assert report.read_text() == text

    noted = json.loads((runs[0] / "made.json").read_text())
    assert set(noted) == {path.stem for path in runs[0].glob("*.parquet")}
    assert "\n## Made by\n" in text
    document = json.loads((report.parent / "runs.json").read_text())
    assert document["versions"]["rainkit"] == __version__
    assert document["runs"][runs[0].name]["made"] == noted

    lost = next(runs[0].glob("*.parquet"))
    content = pq.read_table(lost)
    lost.unlink()
    rainkit("study", study, "-o", tmp_path / "out", "--workers", "1", "--no-figures")
    assert pq.read_table(lost).equals(content)


def test_runs_of_another_version_are_named_and_trained_again_when_asked(rainkit, study: Path, tmp_path: Path) -> None:
    command = ("study", study, "-o", tmp_path / "out", "--workers", "1", "--no-figures")
    report = Path(rainkit(*command).stdout.splitlines()[-1])
    old, kept = sorted((report.parent / "runs").iterdir())
    assert "of other versions" not in report.read_text()
    noted = json.loads((old / "made.json").read_text())
    for made in noted.values():
        made["rainkit"] = "0.0.1"
    (old / "made.json").write_text(json.dumps(noted))

    again = rainkit(*command)
    assert f"note: 1 runs ({old.name}) are of other versions than rainkit {__version__}, torch" in again.stderr
    assert "2 of them finished before" in again.stderr
    assert "**1 of 2 runs are of other versions**" in report.read_text()
    assert "| 0.0.1 |" in report.read_text()

    stamps = [(run / "step-000005.safetensors").stat().st_mtime_ns for run in (old, kept)]
    renewed = rainkit(*command, "--renew")
    assert "1 of them finished before" in renewed.stderr
    assert "of other versions" not in renewed.stderr + report.read_text()
    now = [(run / "step-000005.safetensors").stat().st_mtime_ns for run in (old, kept)]
    assert now[0] > stamps[0]
    assert now[1] == stamps[1]


def test_every_problem_has_its_line(rainkit, study: Path) -> None:
    text = STUDY.replace("splits.train.strata: [1]", "splits.train.stratum: [1]").replace("role: unseen}", "role: odd}")
    study.write_text(text)
    done = rainkit("study", study, code=2)
    assert "study.yaml:21" in done.stderr
    assert "'odd'" in done.stderr
    study.write_text(STUDY.replace("splits.train.strata: [1]", "splits.train.stratum: [1]"))
    done = rainkit("study", study, code=2)
    assert "study.yaml:27" in done.stderr
    assert "stratum = complex" in done.stderr
    assert "did you mean 'strata'" in done.stderr


def test_a_corpus_that_cannot_be_built_says_which(rainkit, study: Path, tmp_path: Path) -> None:
    study.write_text(STUDY.replace("{splits.train.strata: [1]}", "{splits.train.select: {count: 256}}"))
    done = rainkit("study", study, "-o", tmp_path / "out", code=1)
    assert "grid complexity, stratum = complex: " in done.stderr
    assert "256 backgrounds were asked for" in done.stderr


def test_a_dry_run_builds_nothing(rainkit, study: Path, tmp_path: Path) -> None:
    done = rainkit("study", study, "-o", tmp_path / "out", "--dry-run", "--json")
    assert json.loads(done.stdout)["trainings"] == 2
    assert not (tmp_path / "out").exists()
    crossed = "  one: {over: [stratum, amount]}\n  other: {over: [amount, stratum]}\n"
    amount = "  amount:\n    levels: {few: {set: {splits.train.samples: 8}}, many: {}}\ngrids:\n"
    study.write_text(STUDY.replace("grids:\n", amount + crossed))
    done = rainkit("study", study, "--dry-run", "--json")
    found = json.loads(done.stdout)
    assert (len(found["cells"]), found["trainings"]) == (10, 6), "axes in another order are the same trainings"
