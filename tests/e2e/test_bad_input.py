"""Bad input: one message that says what and what to do, the right exit code, nothing half-committed."""

from __future__ import annotations

import os
import resource
import struct
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

Run = Any

RECIPE = """\
rainkit: 1
name: photos
version: 1.0.0
seed: 3
sources:
  photos: {{kind: folder, path: {path}}}
backgrounds: {backgrounds}
complexity: {{unit: patch}}
strata: {{method: quantile, count: {count}}}
rain:
  light: {{kind: noise_blur}}
splits:
  train: {{share: 1, samples: 10, rain: light{split}}}
samples: {{patch: {patch}}}
"""


def write_recipe(folder: Path, path: str = "pictures", **fields: Any) -> Path:
    settings = {"backgrounds": "{min_size: 48}", "count": 3, "patch": 48, "split": "", **fields}
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE.format(path=path, **settings))
    return recipe


def write_pictures(folder: Path, count: int, size: int = 96) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        noise = np.random.default_rng(i).integers(0, 30 + 30 * i % 226, (size, size, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{i}.png"), cv2.GaussianBlur(noise, (0, 0), 1 + i % 5))


def refuse(rainkit: Run, recipe: Path, out: Path, *words: str, code: int = 1) -> str:
    done = rainkit("build", recipe, "-o", out, code=code)
    for word in words:
        assert word in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert not list(out.rglob("*")), "something was left behind"
    return str(done.stderr)


def test_a_missing_source(rainkit: Run, tmp_path: Path) -> None:
    refuse(rainkit, write_recipe(tmp_path), tmp_path / "out", "there is no folder", "pictures", "--source NAME=PATH")


def test_a_folder_without_pictures(rainkit: Run, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    refuse(rainkit, write_recipe(tmp_path), tmp_path / "out", "no pictures below", "it holds no files")
    (tmp_path / "pictures" / "notes.txt").write_text("none")
    refuse(rainkit, write_recipe(tmp_path), tmp_path / "out", ".jpeg", "notes.txt")


def test_only_unreadable_pictures(rainkit: Run, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for i in range(3):
        (tmp_path / "pictures" / f"{i}.jpg").write_bytes(b"no picture at all %d" % i)
    refuse(rainkit, write_recipe(tmp_path), tmp_path / "out", "3 unreadable", "max_refused_share")


def test_damaged_pictures_are_counted_and_passed_over(rainkit: Run, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    folder = tmp_path / "pictures"
    write_pictures(folder, 8)
    data = cv2.imencode(".jpg", cv2.imread(str(folder / "0.png")))[1].tobytes()
    (folder / "cut.jpg").write_bytes(data[: len(data) // 2])
    (folder / "huge.png").write_bytes(huge_png(20_000, 20_000))
    (folder / "empty.png").write_bytes(b"")
    (folder / "flat.png").write_bytes(cv2.imencode(".png", np.full((96, 96, 3), 90, np.uint8))[1].tobytes())
    (folder / "copy.png").write_bytes((folder / "1.png").read_bytes())
    cv2.imwrite(str(folder / "again.bmp"), cv2.imread(str(folder / "2.png")))
    cv2.imwrite(str(folder / "small.png"), cv2.imread(str(folder / "3.png"))[:20])
    done = rainkit("build", write_recipe(tmp_path, backgrounds="{min_size: 48, deduplicate: null}"), "-o", tmp_path)
    refused = pq.read_table(tmp_path / "photos-1.0.0" / "metadata" / "refused.parquet").to_pylist()
    assert {row["path"]: row["reason"] for row in refused} == {
        "again.bmp": "duplicate_pixels",
        "copy.png": "duplicate_bytes",
        "cut.jpg": "truncated",
        "empty.png": "truncated",
        "flat.png": "constant",
        "huge.png": "too_many_pixels",
        "small.png": "too_small",
    }
    assert all(row["detail"] for row in refused)
    assert "2 truncated" in done.stderr


def huge_png(width: int, height: int) -> bytes:
    """A PNG of one colour whose pixels would take 1.2 GB."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    line = b"\0" + bytes(width // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_stop_at_the_first_refusal(rainkit: Run, tmp_path: Path) -> None:
    write_pictures(tmp_path / "pictures", 6)
    (tmp_path / "pictures" / "bad.jpg").write_bytes(b"bad")
    recipe = write_recipe(tmp_path, backgrounds="{on_refusal: stop}")
    refuse(rainkit, recipe, tmp_path / "out", "photos:bad.jpg", "on_refusal is stop")


def test_fewer_backgrounds_than_strata(rainkit: Run, tmp_path: Path) -> None:
    write_pictures(tmp_path / "pictures", 2, size=48)
    refuse(rainkit, write_recipe(tmp_path), tmp_path / "out", "strata")


def test_a_stratum_left_empty(rainkit: Run, tmp_path: Path) -> None:
    write_pictures(tmp_path / "pictures", 8)
    text = write_recipe(tmp_path).read_text()
    text = text.replace("train: {share: 1,", "other: {share: 0.85, samples: 1, rain: light}\n  train: {share: 0.15,")
    text = text.replace("rain: light}\nsamples", "rain: light, strata: [0, 2], balance: strata}\nsamples")
    for seed in range(40):
        (tmp_path / "recipe.yaml").write_text(text.replace("seed: 3", f"seed: {seed}"))
        done = rainkit("plan", tmp_path / "recipe.yaml", code=None)
        if "is empty" in done.stderr:
            refuse(rainkit, tmp_path / "recipe.yaml", tmp_path / "out", "stratum", "of split 'train' is empty")
            return
    pytest.fail("no seed of 40 left a stratum empty")


def test_a_patch_larger_than_every_picture(rainkit: Run, tmp_path: Path) -> None:
    write_pictures(tmp_path / "pictures", 6)
    refuse(rainkit, write_recipe(tmp_path, patch=512), tmp_path / "out", "too_small", "patch")


def test_names_of_any_bytes_and_length(rainkit: Run, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    write_pictures(folder, 8)
    (folder / "0.png").rename(folder / os.fsdecode(b"caf\xe9.png"))
    (folder / "1.png").rename(folder / ("n" * 240 + ".png"))
    deep = folder.joinpath(*["d" * 60] * 5)
    deep.mkdir(parents=True)
    (folder / "2.png").rename(deep / "ünïcode 雨.png")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    done = rainkit("build", write_recipe(tmp_path, backgrounds="{deduplicate: null}"), "-o", tmp_path / "out")
    assert "refused: none" in done.stderr
    rainkit("verify", tmp_path / "out" / "photos-1.0.0", "--deep")


def test_an_output_folder_that_is_a_file(rainkit: Run, tmp_path: Path) -> None:
    write_pictures(tmp_path / "pictures", 8)
    (tmp_path / "out").write_text("a file")
    done = rainkit("build", write_recipe(tmp_path), "-o", tmp_path / "out", code=1)
    assert "cannot write" in done.stderr
    assert "choose another" in done.stderr


def test_a_folder_of_something_else(rainkit: Run, tmp_path: Path) -> None:
    write_pictures(tmp_path / "pictures", 8)
    (tmp_path / "out" / "photos-1.0.0").mkdir(parents=True)
    (tmp_path / "out" / "photos-1.0.0" / "thesis.tex").write_text("mine")
    done = rainkit("build", write_recipe(tmp_path), "-o", tmp_path / "out", code=1)
    assert "is not a corpus" in done.stderr
    assert [p.name for p in (tmp_path / "out" / "photos-1.0.0").iterdir()] == ["thesis.tex"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one mebibyte."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("mounting a small disk is not allowed here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk(rainkit: Run, tmp_path: Path, small_disk: Path) -> None:
    write_pictures(tmp_path / "pictures", 12)
    recipe = write_recipe(tmp_path)
    recipe.write_text(recipe.read_text().replace("samples: 10,", "samples: 400,") + "shards: {samples: 20}\n")
    done = rainkit("build", recipe, "-o", small_disk, "-w", "1", code=1)
    assert "disk is full" in done.stderr
    assert "free some space and run the same command again" in done.stderr
    assert not list(small_disk.rglob("*.part"))
    assert not (small_disk / "photos-1.0.0" / "checksums.sha256").exists()
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    rainkit("build", recipe, "-o", small_disk, "-w", "1")
    rainkit("build", recipe, "-o", tmp_path / "elsewhere", "-w", "1")
    name = "photos-1.0.0/checksums.sha256"
    assert (small_disk / name).read_text() == (tmp_path / "elsewhere" / name).read_text()


def test_a_read_only_disk(rainkit: Run, tmp_path: Path, small_disk: Path) -> None:
    write_pictures(tmp_path / "pictures", 8)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = rainkit("build", write_recipe(tmp_path), "-o", small_disk, code=1)
    assert "read-only" in done.stderr
    assert "choose another output folder" in done.stderr


def test_a_limit_on_file_sizes(rainkit: Run, tmp_path: Path) -> None:
    """Stands in for a full disk where nothing may be mounted."""
    write_pictures(tmp_path / "pictures", 12)
    recipe = write_recipe(tmp_path)
    recipe.write_text(recipe.read_text().replace("samples: 10,", "samples: 400,"))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    done = rainkit("build", recipe, "-o", tmp_path / "out", "-w", "1", "--no-cache", code=1, preexec_fn=limit)
    assert "cannot write photos-train-000000.tar" in done.stderr
    assert not list((tmp_path / "out").rglob("*.part"))
    assert not list((tmp_path / "out").rglob("*.tar"))
