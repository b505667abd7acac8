"""A real corpus, built by the command line, for other people's readers: each test is a reader's own code."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rainkit.data import Corpus, open_corpus

RECIPE = """\
rainkit: 1
name: shelf
version: 1.0.0
seed: 3
date: "2026-01-31"
license: CC-BY-4.0
description: A corpus that other people's readers load.
sources:
  drawn: {kind: procedural, count: 14, size: [96, 80], families: [dead_leaves]}
complexity: {unit: patch}
strata: {method: quantile, count: 2}
rain:
  light: {kind: streaks}
  noise: {kind: noise_blur}
splits:
  train: {share: 0.6, samples: 17, rain: {light: 1, noise: 1}, balance: [2, 1]}
  unseen-rain: {share: 0.4, samples: 6, rain: light}
samples: {patch: 48, channels: [rainy, clean, rain, mask, transmission, streaks]}
shards: {samples: 4, by: BY}
"""


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Collect what a reader left open while its own test still says what may be warned of."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def counts() -> dict[str, int]:
    """Split -> samples."""
    return {"train": 17, "unseen-rain": 6}


def build(folder: Path, by: str) -> Path:
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.replace("BY", by))
    command = [sys.executable, "-m", "rainkit", "build", str(recipe), "-o", str(folder), "--workers", "1", "--no-cache"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[-1])


@pytest.fixture(scope="session", params=["split", "stratum"])
def shelf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus, its shards by split and by stratum; nobody may change it."""
    return build(tmp_path_factory.mktemp("shelf"), request.param)


@pytest.fixture(scope="session")
def strata_shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus by stratum; nobody may change it."""
    return build(tmp_path_factory.mktemp("strata"), "stratum")


@pytest.fixture(scope="session")
def truth(shelf: Path) -> Corpus:
    """The same corpus through rainkit's own reader."""
    return open_corpus(shelf)


@pytest.fixture(scope="session")
def rows(truth: Corpus) -> dict[str, dict[str, Any]]:
    """Key -> row of the manifest."""
    return {row["key"]: row for row in truth.samples.to_pylist()}


@pytest.fixture
def copied(shelf: Path, tmp_path: Path) -> Path:
    """A copy that a reader may write into."""
    return Path(shutil.copytree(shelf, tmp_path / shelf.name))


@pytest.fixture
def quiet_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own for readers that keep caches, and no network."""
    for name in ("HOME", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    return tmp_path / "home"


@pytest.fixture(scope="session")
def run() -> Callable[..., str]:
    """Run a program beside this interpreter and return what it said."""

    def call(*command: str | Path, **options: Any) -> str:
        program = Path(sys.executable).with_name(str(command[0]))
        full = [str(program), *map(str, command[1:])]
        settings = {"capture_output": True, "text": True, "timeout": 200, "env": dict(os.environ), **options}
        done = subprocess.run(full, check=False, **settings)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return f"{done.stdout}\n{done.stderr}"

    return call
