"""The same pixels on every processor and with any number of threads, and the same as before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest

GOLDEN = Path(__file__).parents[2] / "golden"
CHANGED = "pixels changed: raise the component's version, say so in CHANGELOG.md, run tests/golden/regenerate.py rain"

sys.path.insert(0, str(GOLDEN))
import make_rain  # noqa: E402 - the cases and their digests

sys.path.remove(str(GOLDEN))


def expected() -> dict[str, Any]:
    """Return the digests that are kept."""
    return dict(json.loads(make_rain.FILE.read_text()))


def differences(found: dict[str, Any]) -> dict[str, list[str]]:
    """Return what differs from the kept digests, by case."""
    kept = expected()
    return {
        name: [part for part in sorted({*digest, *kept[name]}) if digest.get(part) != kept[name].get(part)]
        for name, digest in found.items()
        if digest != kept[name]
    }


@pytest.fixture
def threads() -> Iterator[None]:
    """Put OpenCV's number of threads back."""
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


def test_every_simulator_and_preset_has_a_digest() -> None:
    assert set(make_rain.models()) == set(expected())


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.usefixtures("threads")
def test_digests_are_the_kept_ones_with_any_number_of_threads(count: int) -> None:
    cv2.setNumThreads(count)
    assert not differences(make_rain.digests()), CHANGED


def _dispatched() -> str:
    """Return the processor features that NumPy chooses among when it is loaded."""
    try:
        from numpy._core import _multiarray_umath as core
    except ImportError:  # NumPy 1
        from numpy.core import _multiarray_umath as core
    return " ".join(core.__cpu_dispatch__)


@pytest.mark.slow
def test_digests_are_the_kept_ones_on_a_plain_processor() -> None:
    opencv = [name.strip("*?") for name in cv2.getCPUFeaturesLine().split() if name.startswith("*")]
    emulated = {
        "OPENCV_CPU_DISABLE": ",".join(opencv),
        "NPY_DISABLE_CPU_FEATURES": _dispatched(),
        "NUMBA_CPU_NAME": "generic" if os.uname().machine != "x86_64" else "x86-64",
        "NUMBA_CPU_FEATURES": "",
    }
    command = [sys.executable, str(GOLDEN / "make_rain.py"), "--threads", "2"]
    done = subprocess.run(command, env={**os.environ, **emulated}, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert not [name for name in answer["opencv"].split() if name.startswith("*") and not name.endswith("?")]
    assert not differences(answer["digests"])
