from __future__ import annotations

import itertools
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from rainkit.errors import RecipeError
from rainkit.train import log
from rainkit.train.log import Diary, Odometer, Progress


def progress(step: int) -> Progress:
    return Progress(step, 10, 0.25, 1e-3, 20.0, 1.5, 0.01)


def test_a_resumed_diary_strikes_out_what_lies_ahead_and_half_lines(tmp_path: Path) -> None:
    with Diary(tmp_path, 0) as diary:
        for step in (2, 4, 6):
            diary.write(progress(step))
    path = tmp_path / "log.jsonl"
    path.write_text(path.read_text() + '{"step": 8, "los')
    with Diary(tmp_path, 4) as diary:
        diary.write(progress(5))
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 4, 5]
    assert rows[0]["waiting"] == 0.01


def test_tensorboard_is_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(RecipeError, match=r"tensorboard is not installed: pip install 'rainkit\[tensorboard\]'"):
        Diary(tmp_path, 0, tensorboard=True)


def test_tensorboard_reads_every_number_and_no_step_twice_after_a_resume(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with Diary(tmp_path, 0, tensorboard=True) as diary:
        for step in (1, 2, 3):
            diary.write(progress(step))
    with Diary(tmp_path, 2, tensorboard=True) as diary:  # killed after step 3; its last checkpoint is of step 2
        for step in (3, 4):
            diary.write(replace(progress(step), loss=0.125))
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert set(events.Tags()["scalars"]) == set(asdict(progress(1))) - {"step", "steps"}
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [
        (1, 0.25),
        (2, 0.25),
        (3, 0.125),
        (4, 0.125),
    ]


def test_waiting_and_speed_are_shares_of_the_same_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(0.0, 1.0)  # each look at the clock takes a second
    monkeypatch.setattr(log.time, "perf_counter", lambda: next(clock))
    meter = Odometer(steps=6, step=2, every=2)
    for value in meter.watch.waiting(iter([1.0, 2.0])):
        meter.add(torch.tensor(value))
    assert meter.is_due()
    found = meter.report(1e-3)
    # Begun at 0; asked at 1, 3, 5 and given at 2, 4; the lap ends at 6: two of six seconds were spent waiting.
    assert found == Progress(4, 6, 1.5, 1e-3, 2 / 6, 6.0, 2 / 6)
    assert not meter.is_due()
