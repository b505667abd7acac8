"""Corpora of several shapes, each with the longer version that extends it, for tests of live rain."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from rainkit.data import Corpus, open_corpus
from rainkit.images import encode_png
from rainkit.pipeline import build
from rainkit.recipe import load_recipe
from rainkit.sources import ProceduralSource

HEAD = """\
rainkit: 1
name: {name}
version: {version}
seed: 11
sources:
  photos: {{kind: folder, path: photos, depth: "{{stem}}_depth.png"}}
  drawn: {{kind: procedural, count: 5, size: [96, 80], families: [dead_leaves], seed: 5}}
rain:
  light: {{kind: streaks}}
  noise: {{kind: noise_blur}}
  fog: {{kind: noise_blur, veil: {{depth: map}}}}
"""
RECIPES = {
    "patches": """\
complexity: {{unit: patch}}
strata: {{method: quantile, count: 2}}
samples: {{patch: 48, channels: [rainy, clean, rain, mask, streaks]}}
shards: {{samples: 5}}
splits:
  train: {{share: 0.6, samples: {samples}, rain: {{light: 2, noise: 1}}, balance: strata}}
  unseen: {{share: 0.4, samples: 4, rain: light}}
""",
    "pictures": """\
strata: {{method: quantile, count: 1}}
samples: {{patch: 48, channels: [rainy, clean, transmission, depth]}}
splits:
  train: {{share: 0.7, samples: {samples}, rain: {{fog: 1, light: 1}}, balance: pictures, select: {{count: 5}}}}
  unseen: {{share: 0.3, samples: 2, rain: light}}
""",
    "wholes": """\
strata: {{method: quantile, count: 2}}
samples: {{channels: [rainy, clean], ssim: true}}
shards: {{samples: 4, by: stratum}}
splits:
  train: {{share: 1, samples: {samples}, rain: noise, strata: [1, 0], balance: [2, 1]}}
""",
}
SHORT, LONG = 12, 40


def write_photos(folder: Path) -> None:
    """Write drawn pictures as PNG files, each with a depth map of its own."""
    folder.mkdir(parents=True)
    for number, picture in enumerate(ProceduralSource(count=7, size=(96, 80), families=("dead_leaves",), seed=1)()):
        (folder / f"photo-{number}.png").write_bytes(encode_png(picture.read()))  # type: ignore[arg-type]
        ramp = np.linspace(500, 3000 + 900 * number, 80).astype(np.uint16)
        cv2.imwrite(str(folder / f"photo-{number}_depth.png"), np.repeat(ramp[:, None], 96, axis=1))


def build_version(home: Path, name: str, version: str, samples: int, older: Path | None = None) -> Path:
    path = home / f"{name}-{version}.yaml"
    path.write_text((HEAD + RECIPES[name]).format(name=name, version=version, samples=samples))
    return build(load_recipe(path), home / "corpora", older=older).folder


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos; nobody may change it."""
    folder = tmp_path_factory.mktemp("live")
    write_photos(folder / "photos")
    return folder


@pytest.fixture(scope="session", params=sorted(RECIPES))
def versions(request: pytest.FixtureRequest, home: Path) -> tuple[Corpus, Corpus]:
    """A corpus of `SHORT` training samples and the one of `LONG` that extends it, of each shape."""
    short = build_version(home, request.param, "1.0.0", SHORT)
    return open_corpus(short), open_corpus(build_version(home, request.param, "1.1.0", LONG, short))


@pytest.fixture(scope="session")
def patches(home: Path) -> Corpus:
    """The corpus whose units are patches; nobody may change it."""
    folder = home / "corpora" / "patches-1.0.0"
    return open_corpus(folder if folder.exists() else build_version(home, "patches", "1.0.0", SHORT))


@pytest.fixture(scope="session")
def pictures(home: Path) -> Corpus:
    """The corpus whose units are whole pictures; nobody may change it."""
    folder = home / "corpora" / "pictures-1.0.0"
    return open_corpus(folder if folder.exists() else build_version(home, "pictures", "1.0.0", SHORT))


@pytest.fixture
def copy_corpus(tmp_path: Path) -> Callable[[Corpus], Path]:
    """Return a function that copies a corpus to where a test may change it."""

    def copy(corpus: Corpus) -> Path:
        target = tmp_path / "copy" / Path(corpus.address).name
        shutil.copytree(corpus.address, target)
        return target

    return copy
