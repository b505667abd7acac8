"""Moving rain, banks, sums and cameras give the digests that are kept, also on a plain processor."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest

SCRIPT = Path(__file__).parents[2] / "golden" / "make_rain_physics.py"
CHANGED = "pixels changed: raise the component's version, say so in CHANGELOG.md, run tests/golden/regenerate.py"


def load() -> Any:
    spec = importlib.util.spec_from_file_location("make_rain_physics", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def dispatched() -> str:
    """Return the processor features that NumPy chooses among when it is loaded."""
    try:
        from numpy._core import _multiarray_umath as core
    except ImportError:  # NumPy 1
        from numpy.core import _multiarray_umath as core
    return " ".join(core.__cpu_dispatch__)


def test_digests_are_the_kept_ones() -> None:
    module = load()
    kept, found = json.loads(module.FILE.read_text()), module.digests()
    assert kept.keys() == found.keys()
    assert not [case for case in kept if kept[case] != found[case]], CHANGED


@pytest.mark.slow
def test_digests_are_the_kept_ones_on_a_plain_processor() -> None:
    features = [name.strip("*?") for name in cv2.getCPUFeaturesLine().split() if name.startswith("*")]
    emulated = {
        "OPENCV_CPU_DISABLE": ",".join(features),
        "NPY_DISABLE_CPU_FEATURES": dispatched(),
        "NUMBA_CPU_NAME": "x86-64" if os.uname().machine == "x86_64" else "generic",
        "NUMBA_CPU_FEATURES": "",
    }
    command = [sys.executable, "-W", "ignore", str(SCRIPT), "--threads", "2"]
    done = subprocess.run(command, env={**os.environ, **emulated}, capture_output=True, text=True, check=True)
    kept = json.loads(load().FILE.read_text())
    found = json.loads(done.stdout)["digests"]
    assert not [case for case in kept if kept[case] != found[case]], CHANGED
