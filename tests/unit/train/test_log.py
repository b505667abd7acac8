from __future__ import annotations

import itertools
import json
import sys
import types
from pathlib import Path
from typing import Any

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


def test_tensorboard_gets_every_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Any, ...]] = []

    class Writer:
        def __init__(self, folder: str, purge_step: int) -> None:
            seen.append((Path(folder).name, purge_step))

        def add_scalar(self, *values: Any) -> None:
            seen.append(values)

        def close(self) -> None:
            seen.append(("closed",))

    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    with Diary(tmp_path, 3, tensorboard=True) as diary:
        diary.write(progress(4))
    assert seen[0] == ("tensorboard", 3)
    assert ("loss", 0.25, 4) in seen
    assert seen[-1] == ("closed",)


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
