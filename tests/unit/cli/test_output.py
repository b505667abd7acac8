"""What goes to stdout."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from rainkit.cli import output
from rainkit.cli.output import LINES_EVERY, print_json, progress


def refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def test_json_has_no_word_for_what_is_not_finite(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = (1.5, math.nan, [math.inf, -math.inf, np.float64("nan")], 3)
    print_json({"numbers": numbers, "by": {"place": Path("a/b"), "ok": True, "none": None}})
    found = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert found == {"numbers": [1.5, None, [None, None, None], 3], "by": {"place": "a/b", "ok": True, "none": None}}


def test_a_log_gets_a_line_of_progress_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(output.time, "monotonic", lambda: clock[0])
    with progress("Training", 1600, "steps") as advance:
        for _ in range(16):  # the first of them was done by an earlier run
            clock[0] += LINES_EVERY / 2
            advance(100, "loss 0.1")
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert lines[0] == "Training: 200 of 1,600 steps, 0:03:30 left, loss 0.1"
    assert len(lines) == 7
    assert lines[-1] == "Training: 1,400 of 1,600 steps, 0:00:30 left, loss 0.1"


def test_short_work_leaves_no_line_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Training", 2, "steps") as advance:
        advance(1, "")
        advance(1, "")
    assert capsys.readouterr().err == ""
