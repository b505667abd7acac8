"""Corpora that the pipeline built, from files and from drawn pictures, for tests of what is done with a release."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rainkit.images import encode_png
from rainkit.pipeline import build
from rainkit.recipe import load_recipe
from rainkit.sources import ProceduralSource

RECIPE = """\
rainkit: 1
name: small
version: {version}
seed: 11
license: CC-BY-4.0
description: A corpus for tests.
sources:
  photos: {{kind: folder, path: photos, license: research-only, attribution: "Some | photographer"}}
  drawn: {{kind: procedural, count: 6, size: [96, 80], families: [dead_leaves], seed: 5}}
complexity: {{unit: patch}}
strata: {{method: quantile, count: 2}}
rain:
  light: {{kind: streaks}}
  noise: {{kind: noise_blur}}
splits:
  train: {{share: 0.6, samples: {train}, rain: {{light: 1, noise: 1}}}}
  unseen-rain: {{share: 0.4, samples: 4, rain: light}}
samples: {{patch: 48, channels: [rainy, clean, rain, mask, streaks]}}
shards: {{samples: 5{by}}}
"""


def write_photos(folder: Path, count: int = 8) -> None:
    """Write drawn pictures as PNG files, one of them in a folder of its own, and one that is refused."""
    (folder / "more").mkdir(parents=True)
    source = ProceduralSource(count=count, size=(96, 80), families=("dead_leaves",), seed=1)
    for number, picture in enumerate(source()):
        pixels = picture.read()
        place = folder / "more" if number == 0 else folder
        (place / f"photo-{number}.png").write_bytes(encode_png(pixels))  # type: ignore[arg-type]
    (folder / "broken.png").write_bytes(b"no picture")


def build_corpus(home: Path, version: str = "1.0.0", train: int = 12, by: str = "") -> Path:
    """Build the corpus of `RECIPE` from `home/photos` into `home/corpora` and return its folder."""
    recipe = home / f"recipe-{version}{'-by-' * bool(by)}{by}.yaml"
    recipe.write_text(RECIPE.format(version=version, train=train, by=f", by: {by}" * bool(by)))
    return build(load_recipe(recipe), home / f"corpora{'-by-' * bool(by)}{by}").folder


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos; nobody may change it."""
    folder = tmp_path_factory.mktemp("home")
    write_photos(folder / "photos")
    return folder


@pytest.fixture(scope="session")
def built(home: Path) -> Path:
    """Version 1.0.0 of the corpus; nobody may change it."""
    return build_corpus(home)


@pytest.fixture(scope="session")
def extended(home: Path) -> Path:
    """Version 1.1.0, with more samples in one split; nobody may change it."""
    return build_corpus(home, "1.1.0", 23)


@pytest.fixture(scope="session")
def by_stratum(home: Path) -> Path:
    """Version 1.0.0 with a stratum in each shard; nobody may change it."""
    return build_corpus(home, by="stratum")


@pytest.fixture
def copy_corpus(tmp_path: Path) -> Callable[[Path], Path]:
    """Return a function that copies a corpus to where a test may change it."""

    def copy(corpus: Path) -> Path:
        target = tmp_path / "copy" / corpus.name
        shutil.copytree(corpus, target)
        return target

    return copy
