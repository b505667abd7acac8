"""Who made the results of a run, and when that matters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rainkit.errors import BuildError
from rainkit.locking import LOCK, hold_lock
from rainkit.study.provenance import (
    FACTS,
    NAME,
    describe_makers,
    find_stale,
    list_versions,
    note_results,
    read_makers,
    remove_runs,
)


def checkpoint(run: Path, step: int, rainkit: str) -> None:
    run.mkdir(exist_ok=True)
    record = {"rainkit": rainkit, "torch": list_versions()["torch"]}
    (run / f"step-{step:06d}.json").write_text(json.dumps(record))


def change(run: Path, **facts: str) -> None:
    noted = json.loads((run / NAME).read_text())
    (run / NAME).write_text(json.dumps({name: made | facts for name, made in noted.items()}))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    checkpoint(folder, 5, list_versions()["rainkit"])
    note_results(folder, "unseen", "cpu")
    return folder


def test_what_is_noted_is_read_back_for_each_of_the_results(run: Path) -> None:
    first = read_makers(run, ["unseen"])["unseen"]
    assert tuple(first) == FACTS
    assert "unknown" not in first.values()
    assert {name: first[name] for name in list_versions()} == list_versions()
    change(run, date="2020-01-01")
    note_results(run, "seen", "cpu")
    dates = {name: made["date"] for name, made in read_makers(run, ["seen", "unseen"]).items()}
    assert dates["unseen"] == "2020-01-01" != dates["seen"]


@pytest.mark.parametrize("name", ["trained_rainkit", "rainkit", "torch", "metrics"])
def test_any_other_version_makes_a_run_stale_and_another_machine_does_not(run: Path, name: str) -> None:
    change(run, machine="another", date="2020-01-01", device="cuda")
    assert find_stale({run: ["unseen"]}) == []
    change(run, **{name: "0.0.1"})
    assert find_stale({run: ["unseen"]}) == [run]
    assert find_stale({run: ["seen"]}) == []


def test_before_versions_were_kept_the_newest_checkpoint_tells_who_trained(tmp_path: Path) -> None:
    checkpoint(tmp_path / "run", 999_999, "0.0.1")
    checkpoint(tmp_path / "run", 1_000_000, "0.0.2")
    made = read_makers(tmp_path / "run", ["unseen"])["unseen"]
    assert (made["trained_rainkit"], made["rainkit"], made["date"]) == ("0.0.2", "unknown", "unknown")
    assert find_stale({tmp_path / "run": ["unseen"]}) == [tmp_path / "run"]
    assert find_stale({tmp_path / "none": ["unseen"]}) == []


def test_a_damaged_note_is_no_note(run: Path) -> None:
    (run / NAME).write_text("{")
    assert read_makers(run, ["unseen"])["unseen"]["metrics"] == "unknown"
    note_results(run, "unseen", "cpu")
    assert read_makers(run, ["unseen"])["unseen"]["metrics"] == list_versions()["metrics"]


def test_the_page_counts_results_of_each_maker_and_warns_of_other_versions(run: Path, tmp_path: Path) -> None:
    runs = {run: ["unseen", "seen"]}
    note_results(run, "seen", "cpu")
    assert sum(line.startswith("| 2 |") for line in describe_makers(runs)) == 1
    assert "of other versions" not in "\n".join(describe_makers(runs))
    other = tmp_path / "other"
    checkpoint(other, 5, "0.0.1")
    page = "\n".join(describe_makers(runs | {other: ["unseen"]}))
    assert "**1 of 2 runs are of other versions**" in page
    assert "| 1 | 0.0.1 |" in page


def test_a_run_in_training_is_not_removed(run: Path) -> None:
    with hold_lock(run / LOCK, "busy"), pytest.raises(BuildError, match="being trained by another process"):
        remove_runs([run])
    assert (run / NAME).is_file()
    remove_runs([run])
    assert not run.exists()
