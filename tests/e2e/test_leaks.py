"""`rainkit leaks` as a user runs it; its exit status guards a training run."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from rainkit.images import decode, encode_jpeg, encode_png
from rainkit.seeds import Stream

Run = Callable[..., subprocess.CompletedProcess[str]]


def _draw(seed: int) -> np.ndarray:
    total = np.zeros((180, 240, 3), dtype=np.int64)
    for octave in range(6):
        rows, columns = 3 << octave, 4 << octave
        noise = Stream(seed, octave).integers(0, 256, rows * columns * 3).reshape(rows, columns, 3).astype(np.uint8)
        total += cv2.resize(noise, (240, 180), interpolation=cv2.INTER_LINEAR).astype(np.int64) >> octave
    return (total // 2).astype(np.uint8)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    ours, theirs = tmp_path_factory.mktemp("train"), tmp_path_factory.mktemp("test")
    for seed in range(12):
        (ours / f"{seed}.png").write_bytes(encode_png(_draw(seed)))
        (theirs / f"{seed}.png").write_bytes(encode_png(_draw(seed + 100)))
    (theirs / "flipped.jpg").write_bytes(encode_jpeg(np.ascontiguousarray(_draw(3)[:, ::-1]), 70))
    (theirs / "cropped.png").write_bytes(encode_png(np.ascontiguousarray(_draw(5)[20:164, 10:202])))
    return ours, theirs


def test_pairs_are_listed_and_the_status_is_one(rainkit: Run, folders: tuple[Path, Path]) -> None:
    done = rainkit("leaks", *folders, "-w", "1", code=1)
    assert "mirrored; encoded again" in done.stdout
    assert "second is a crop" in done.stdout
    assert f"2 pairs: 2 of 12 pictures of {folders[0]} and 2 of 14 of {folders[1]}" in done.stdout


def test_json_and_workers_say_the_same(rainkit: Run, folders: tuple[Path, Path]) -> None:
    documents = [json.loads(rainkit("leaks", *folders, "--json", "-w", count, code=1).stdout) for count in "12"]
    assert documents[0] == documents[1]
    assert [(leak["first"], leak["second"]) for leak in documents[0]["leaks"]] == [
        ("3.png", "flipped.jpg"),
        ("5.png", "cropped.png"),
    ]
    assert documents[0]["first"] == {"pictures": 12, "shared": 2}


def test_sets_without_common_pictures_pass(rainkit: Run, folders: tuple[Path, Path]) -> None:
    done = rainkit("leaks", folders[0])
    assert done.stdout.startswith("0 pairs within")
    assert rainkit("leaks", *folders, "--no-crops", "--distance", "0", "--json", code=1).returncode == 1


def test_a_corpus_is_compared_by_what_it_holds(rainkit: Run, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "other.png").write_bytes(encode_png(_draw(1)))
    assert "0 pairs" in rainkit("leaks", corpus, tmp_path).stdout


def test_the_example_pictures(rainkit: Run, tmp_path: Path) -> None:
    """On real photographs: every planted copy is found, and the set itself holds no pair."""
    data = os.environ.get("RAINKIT_DATA")
    if not data:
        pytest.skip("RAINKIT_DATA is not set")
    folder = Path(data) / "backgrounds" / "bsds500"
    names = sorted(folder.rglob("*.jpg"))[:40]
    for number, path in enumerate(names):
        picture = decode(path.read_bytes())
        height, width = picture.shape[:2]
        changed = [
            picture[:, ::-1],
            picture[height // 10 : height * 9 // 10, width // 10 : width * 9 // 10],
            cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA),
            np.rot90(picture),
        ][number % 4]
        (tmp_path / path.name).write_bytes(encode_jpeg(np.ascontiguousarray(changed), 50))
    found = json.loads(rainkit("leaks", folder, tmp_path, "--json", code=1).stdout)
    assert sorted(leak["second"] for leak in found["leaks"]) == sorted(path.name for path in names)
    assert all(Path(leak["first"]).name == leak["second"] for leak in found["leaks"])
