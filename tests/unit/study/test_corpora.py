"""Which tests are of unseen rain, arm by arm."""

from __future__ import annotations

from pathlib import Path

import pytest

from rainkit.engines.serial import Serial
from rainkit.study.corpora import Builder
from rainkit.study.grid import list_arms
from rainkit.study.load import load_study

STUDY = """
study: 1
name: small
recipe:
  rainkit: 1
  name: small
  version: 1.0.0
  seed: 7
  sources: {drawn: {kind: procedural, count: 8, size: 64}}
  backgrounds: {min_size: 64}
  rain:
    light: {kind: noise_blur, preset: slacking-off-small}
    same: {kind: noise_blur, preset: slacking-off-small}
    heavy: {kind: noise_blur, preset: slacking-off-large}
    lines: {kind: streaks}
  splits:
    train: {share: 0.5, samples: 4, rain: light}
    seen: {share: 0.1, samples: 1, rain: light}
    alike: {share: 0.1, samples: 1, rain: same}
    heavy: {share: 0.1, samples: 1, rain: heavy}
    lines: {share: 0.1, samples: 1, rain: lines}
  samples: {patch: 64}
tests:
  seen: {split: seen, role: seen}
  alike: {split: alike, role: seen}
  heavy: {split: heavy, role: unseen}
  lines: {split: lines, role: unseen}
axes:
  rain:
    levels: {LEVEL}
grids:
  rain: {over: [rain]}
"""


@pytest.mark.parametrize(
    ("level", "unseen"),
    [
        ("{}", ["heavy", "lines"]),
        ("{set: {splits.train.rain: heavy}}", ["seen", "alike", "lines"]),
        ("{set: {splits.train.rain: {light: 1, lines: 1}}}", ["heavy"]),
        ("{set: {splits.train.rain: same}}", ["heavy", "lines"]),  # the name is another, the rain is not
        ("{set: {rain.light.opacity: [0.1, 0.2]}}", ["heavy", "lines"]),  # seen still, if by half
        ("{set: {splits.train.samples: 3}}", ["heavy", "lines"]),
    ],
)
def test_unseen_rain_follows_from_the_rain_of_the_training(level: str, unseen: list[str], tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY.replace("LEVEL", f"one: {level}"))
    loaded = load_study(path)
    (arm,) = list_arms(loaded.study)
    assert Builder(loaded, tmp_path, Serial(), None).unseen(arm) == unseen
