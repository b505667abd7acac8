"""Numbers do not move: between versions without a word in the change log, nor between processors at all."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parents[2] / "golden"


def load_maker() -> Any:
    spec = importlib.util.spec_from_file_location("make_complexity", GOLDEN / "make_complexity.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def walk(numbers: Any, path: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(numbers, dict):
        for name, value in numbers.items():
            yield from walk(value, f"{path}/{name}")
    elif isinstance(numbers, list):
        for index, value in enumerate(numbers):
            yield from walk(value, f"{path}[{index}]")
    else:
        yield path, numbers


def compare(found: Any, expected: Any) -> None:
    ours, theirs = dict(walk(found)), dict(walk(expected))
    assert ours.keys() == theirs.keys()
    wrong = {
        path: (ours[path], value)
        for path, value in theirs.items()
        # The codec's bytes belong to the codec: another build of it may differ a little.
        if ours[path] != (pytest.approx(value, rel=0.02) if "jpeg" in path else value)
    }
    assert not wrong


def test_values_are_those_of_the_golden_file() -> None:
    maker = load_maker()
    compare(maker.measured(), json.loads(maker.FILE.read_text()))


@pytest.mark.slow
def test_values_are_the_same_on_a_plain_processor(tmp_path: Path) -> None:
    """Instructions of newer processors are switched off in OpenCV, NumPy and numba."""
    code = (
        "import importlib.util, json, sys; sys.path.insert(0, sys.argv[1]); import make_complexity as m;"
        "print(json.dumps(m.measured()))"
    )
    plain = {
        **os.environ,
        "OPENCV_CPU_DISABLE": "AVX512_SKX,AVX2,FMA3,AVX,SSE4_2",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3",
        "NUMBA_CPU_NAME": "x86-64",
        "NUMBA_CPU_FEATURES": "",
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(GOLDEN)],
        env=plain,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    compare(json.loads(done.stdout), json.loads((GOLDEN / "complexity.json").read_text()))
