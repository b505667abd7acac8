"""A sound corpus passes what can be judged without long training; each broken one fails the gate that is meant."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rainkit.train.breaking import FAULTS, break_corpus
from rainkit.train.gates import GATES
from rainkit.train.validate import validate
from rainkit.train.verdict import Budget

Run = Any
TRAINED = {"learning", "background", "generalisation", "seeds"}
CHEAP = Budget(steps=10, seeds=2, pairs=60, cases=6)


@pytest.fixture(scope="module")
def own(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the corpus that validation may write into."""
    copy = tmp_path_factory.mktemp("own") / corpus.name
    shutil.copytree(corpus, copy)
    return copy


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_fails_its_gates_and_nothing_that_does_not_follow(fault: str, corpus: Path, tmp_path: Path) -> None:
    broken = break_corpus(corpus, tmp_path / "broken", fault)
    verdict = validate(broken, budget=CHEAP, jobs=1)
    failed = set(verdict.failed)
    assert FAULTS[fault].must <= failed <= FAULTS[fault].must | FAULTS[fault].may
    assert verdict.results is None, "no network is trained on what is known to be broken"
    assert {finding.gate for finding in verdict.findings if finding.passed is None} >= TRAINED
    assert not (broken / ".validation").exists()


def test_a_changed_file_is_told_and_nothing_else_is_looked_at(corpus: Path, tmp_path: Path) -> None:
    broken = tmp_path / "changed"
    shutil.copytree(corpus, broken)
    shard = next(broken.glob("data/train/*.tar"))
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    verdict = validate(broken, budget=CHEAP, jobs=1)
    assert verdict.failed == ["integrity"]
    assert shard.name in verdict.findings[0].reason


@pytest.mark.slow
def test_the_command_judges_a_sound_corpus(rainkit: Run, own: Path) -> None:
    done = rainkit("validate", own, "--budget", "quick", "--steps", "12", "--workers", "1", "--json", code=None)
    verdict = json.loads(done.stdout)
    assert [gate["gate"] for gate in verdict["gates"]] == list(GATES)
    status = {gate["gate"]: gate["status"] for gate in verdict["gates"]}
    assert {name for name in GATES if status[name] != "passed"} <= TRAINED
    assert "not judged" not in status.values()
    assert done.returncode == (0 if verdict["passed"] else 1)
    assert verdict["passed"] == (not verdict["failed"])
    assert all(gate["reason"] and gate["asks"] for gate in verdict["gates"])
    assert json.loads((own / "validation.json").read_text()) == verdict
    assert verdict["splits"] == {
        "train": "train", "seen": "validation",
        "unseen": "rain slacking-off-large drawn on the clean pictures of validation",
    }  # fmt: skip
    exams = {(entry["exam"], entry["seed"]) for entry in verdict["results"]["by_seed"]}
    assert exams == {(exam, seed) for exam in ("seen", "unseen") for seed in (0, 1)}
    assert not (own / ".validation").exists()
    assert "sound" in rainkit("verify", own).stdout, "the verdict is no part of the corpus"


@pytest.mark.slow
def test_pairs_that_are_none_teach_nothing(corpus: Path, tmp_path: Path) -> None:
    broken = break_corpus(corpus, tmp_path / "broken", "shuffled pairs")
    verdict = validate(broken, budget=CHEAP, jobs=1, train_anyway=True)
    assert "learning" in verdict.failed
    assert set(verdict.failed) <= FAULTS["shuffled pairs"].must | FAULTS["shuffled pairs"].may
    assert verdict.results is not None


def test_one_verdict_in_words(rainkit: Run, corpus: Path, tmp_path: Path) -> None:
    broken = break_corpus(corpus, tmp_path / "broken", "empty rain")
    done = rainkit("validate", broken, "--budget", "quick", "--workers", "1", code=1)
    assert "tiny-1.0.0 may NOT be released: rain failed (no network trained)" in done.stdout
    assert "not judged, because rain failed" in done.stdout
    assert done.stdout.splitlines()[-1] == str(broken / "validation.json")


@pytest.mark.slow
def test_an_interrupted_run_writes_no_verdict_and_goes_on(own: Path, environment: dict[str, str]) -> None:
    (own / "validation.json").unlink(missing_ok=True)
    command = [sys.executable, "-m", "rainkit", "validate", str(own), "--steps", "100000", "--workers", "1"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    runs = own / ".validation"
    deadline = time.monotonic() + 200
    while not list(runs.glob("*/*/log.jsonl")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 130, words
    assert words.strip().endswith("rainkit: interrupted")
    assert not (own / "validation.json").exists()
    assert runs.is_dir(), "what was trained is kept, to go on there"
    shutil.rmtree(runs)


def test_a_corpus_without_held_out_pictures_is_refused(rainkit: Run, recipe: Path, tmp_path: Path) -> None:
    text = recipe.read_text()
    kept = [line for line in text.splitlines() if "validation:" not in line and "test:" not in line]
    (tmp_path / "alone.yaml").write_text("\n".join(kept))
    built = Path(rainkit("build", tmp_path / "alone.yaml", "-o", tmp_path, "--workers", "1").stdout.splitlines()[-1])
    done = rainkit("validate", built, code=2)
    assert "has no split to judge on: beside 'train' it needs held-out pictures" in done.stderr
    assert not (built / "validation.json").exists()
