"""What goes to stdout."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from rainkit.cli.output import print_json


def refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def test_json_has_no_word_for_what_is_not_finite(capsys: pytest.CaptureFixture[str]) -> None:
    numbers = (1.5, math.nan, [math.inf, -math.inf, np.float64("nan")], 3)
    print_json({"numbers": numbers, "by": {"place": Path("a/b"), "ok": True, "none": None}})
    found = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert found == {"numbers": [1.5, None, [None, None, None], 3], "by": {"place": "a/b", "ok": True, "none": None}}
