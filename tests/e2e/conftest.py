"""A corpus small enough to build in every test run, and a way to run the command line as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

RECIPE = """\
rainkit: 1
name: tiny
version: 1.0.0
seed: 7
date: "2026-11-22"
license: CC0-1.0
sources:
  drawn: {kind: procedural, count: 40, size: 128, license: CC0-1.0}
complexity: {unit: patch}
strata: {method: quantile, count: 3}
rain:
  light: {kind: noise_blur, preset: slacking-off-small}
  heavy: {kind: streaks}
splits:
  train: {share: 0.6, samples: 60, rain: {light: 1, heavy: 1}, balance: strata}
  validation: {share: 0.2, samples: 20, rain: light}
  test: {share: 0.2, samples: 20, rain: heavy}
samples: {patch: 64, channels: [rainy, clean, rain, mask]}
shards: {samples: 25}
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of every command: a cache of its own, no colours, one thread a process."""
    cache = tmp_path_factory.mktemp("cache")
    return {**os.environ, "RAINKIT_CACHE": str(cache), "NO_COLOR": "1", "COLUMNS": "160"}


@pytest.fixture(scope="session")
def rainkit(environment: dict[str, str]) -> Run:
    """Run `rainkit ARGUMENTS` in a process of its own and return what it said."""

    def run(*arguments: str | Path, code: int | None = 0, **options: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "rainkit", *map(str, arguments)]
        settings = {"capture_output": True, "text": True, "timeout": 250, "env": environment, **options}
        done = subprocess.run(command, check=False, **settings)  # type: ignore[call-overload]
        assert code is None or done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipe of the small corpus."""
    path = tmp_path_factory.mktemp("recipe") / "recipe.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="session")
def corpus(rainkit: Run, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small corpus, built once; nobody may change it."""
    done = rainkit("build", recipe, "-o", tmp_path_factory.mktemp("corpora"), "--workers", "1")
    return Path(done.stdout.splitlines()[-1])
