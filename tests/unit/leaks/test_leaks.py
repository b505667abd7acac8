"""Planted copies are found, with what was done to them; different pictures are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rainkit import manifest
from rainkit.duplicates import perceptual_hash
from rainkit.errors import SourceError
from rainkit.images import encode_jpeg, encode_png
from rainkit.leaks import Leak, find_leaks
from rainkit.pictures import HASH_COLUMN, open_pictures
from rainkit.rain import SIMULATORS
from rainkit.rain.compose import compose
from rainkit.records import Pixels
from rainkit.seeds import Stream


def scene(seed: int, height: int = 240, width: int = 320) -> Pixels:
    """Return a random picture with much broad and little fine detail, and a few hard shapes, as photographs have."""
    rng = Stream(seed, "scene")
    total = np.zeros((height, width, 3), dtype=np.int64)
    for octave in range(6):
        rows, columns = 3 << octave, 4 << octave
        noise = rng.child(octave).integers(0, 256, rows * columns * 3).reshape(rows, columns, 3).astype(np.uint8)
        total += cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.int64) >> octave
    picture = (total * 2 // 5).astype(np.uint8)
    for x, y, size, level in zip(*(rng.child(n).integers(0, 240, 12).tolist() for n in "xysl"), strict=True):
        cv2.rectangle(picture, (x, y), (x + size // 4, y + size // 3), (level, level // 2, 200 - level // 2), -1)
    return picture


def rain_on(picture: Pixels, seed: int) -> Pixels:
    """Return the picture under half of the rain of a preset."""
    simulator = SIMULATORS["noise_blur"].model_validate({"kind": "noise_blur", "preset": "slacking-off-small"})
    rainy = compose(picture, simulator(picture.shape[:2], Stream(seed, "rain")))  # type: ignore[operator]
    return cv2.addWeighted(picture, 0.5, rainy, 0.5, 0)


def add_noise(shape: tuple[int, ...]) -> Pixels:
    return Stream(1, "noise").integers(0, 30, int(np.prod(shape))).reshape(shape).astype(np.uint8)


def crop(picture: Pixels) -> Pixels:
    return picture[30 : 30 + 192, 20 : 20 + 256]


CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    "same": lambda picture: picture,
    "flipped": lambda picture: picture[:, ::-1],
    "turned": lambda picture: np.rot90(picture, -1),
    "cropped": crop,
    "half": lambda picture: cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "square": lambda picture: cv2.resize(picture, (256, 256), interpolation=cv2.INTER_AREA),
    "noisy": lambda picture: cv2.add(picture, add_noise(picture.shape)),
    "rained": lambda picture: rain_on(picture, 1),
    "cropped-turned": lambda picture: np.rot90(crop(picture), -1),
    "cropped-flipped-rained": lambda picture: rain_on(np.ascontiguousarray(crop(picture)[:, ::-1]), 2),
}  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A set of 24 pictures, and one that holds a changed copy of ten of them among 15 others."""
    ours, theirs = tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("theirs")
    for seed in range(24):
        (ours / f"{seed:02d}.png").write_bytes(encode_png(scene(seed)))
    for seed, (name, change) in enumerate(CHANGES.items()):
        (theirs / f"{seed:02d}-{name}.jpg").write_bytes(encode_jpeg(np.ascontiguousarray(change(scene(seed))), 60))
    for seed in range(100, 115):
        (theirs / f"other-{seed}.png").write_bytes(encode_png(scene(seed)))
    return ours, theirs


@pytest.fixture(scope="module")
def found(folders: tuple[Path, Path]) -> dict[str, Leak]:
    report = find_leaks(open_pictures(folders[0]), open_pictures(folders[1]))
    assert (report.first, report.second) == (24, 25)
    assert report.shared == (len(report.leaks), len(report.leaks))
    return {leak.second.partition("-")[2].removesuffix(".jpg"): leak for leak in report.leaks}


def test_every_planted_copy_is_found_and_nothing_else(found: dict[str, Leak]) -> None:
    assert set(found) == set(CHANGES)
    assert [leak.first for leak in found.values()] == [f"{n:02d}.png" for n in range(len(CHANGES))]


@pytest.mark.parametrize(
    ("name", "turned", "cut", "change", "resized"),
    [
        ("same", "upright", "", "encoded", False),
        ("flipped", "mirrored", "", "encoded", False),
        ("turned", "turned 90", "", "encoded", False),
        ("half", "upright", "", "encoded", True),
        ("square", "upright", "", "encoded", True),
        ("noisy", "upright", "", "altered", False),
        ("rained", "upright", "", "altered", False),
        ("cropped", "upright", "second", None, False),
        ("cropped-turned", "turned 90", "second", None, False),
        ("cropped-flipped-rained", "mirrored", "second", "altered", False),
    ],
)
def test_a_leak_says_what_was_done(
    found: dict[str, Leak], *, name: str, turned: str, cut: str, change: str | None, resized: bool
) -> None:
    leak = found[name]
    assert (leak.orientation, leak.crop, leak.resized) == (turned, cut, resized)
    assert change in {None, leak.change}
    if "rained" in name or name == "noisy":
        assert leak.lighter > 3
        assert "lighter" in leak.describe()
    if cut:
        # The crop is rows 30..222 of 240 and columns 20..276 of 320; windows are 1/16 wide.
        assert leak.window == pytest.approx((20 / 320, 30 / 240, 256 / 320, 192 / 240), abs=0.1)


def test_the_other_way_round_finds_the_same_pairs(folders: tuple[Path, Path], found: dict[str, Leak]) -> None:
    report = find_leaks(open_pictures(folders[1]), open_pictures(folders[0]))
    assert {(leak.second, leak.first) for leak in report.leaks} == {
        (leak.first, leak.second) for leak in found.values()
    }
    turned = {leak.orientation for leak in report.leaks if "turned" in leak.first}
    assert turned == {"turned 270"}
    assert {leak.crop for leak in report.leaks} == {"", "first"}


def test_without_crops_whole_pictures_are_still_found(folders: tuple[Path, Path]) -> None:
    report = find_leaks(open_pictures(folders[0]), open_pictures(folders[1]), crops=False)
    assert {leak.second.partition("-")[2] for leak in report.leaks} == {
        f"{name}.jpg" for name in CHANGES if "cropped" not in name
    }


def test_one_set_is_compared_with_itself(folders: tuple[Path, Path], tmp_path: Path) -> None:
    assert find_leaks(open_pictures(folders[0])).leaks == []
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(encode_png(scene(1)))
    (tmp_path / "c.png").write_bytes(encode_png(crop(scene(1))))
    leaks = find_leaks(open_pictures(tmp_path)).leaks
    assert [(leak.first, leak.second) for leak in leaks] == [("a.png", "b.png"), ("a.png", "c.png"), ("b.png", "c.png")]
    assert leaks[0].describe() == "identical pixels"


def test_flat_pictures_are_shared_only_if_their_pixels_are(tmp_path: Path) -> None:
    for name, level in (("a", 10), ("b", 10), ("c", 200)):
        (tmp_path / f"{name}.png").write_bytes(encode_png(np.full((64, 64, 3), level, dtype=np.uint8)))
    leaks = find_leaks(open_pictures(tmp_path)).leaks
    assert [(leak.first, leak.second, leak.change) for leak in leaks] == [("a.png", "b.png", "identical")]


def test_unreadable_pictures_are_reported(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    (tmp_path / "good.png").write_bytes(encode_png(scene(0)))
    (tmp_path / "bad.png").write_bytes(b"no picture")
    report = find_leaks(open_pictures(tmp_path), open_pictures(folders[0]))
    assert [name for name, _ in report.unreadable] == ["bad.png"]
    assert len(report.leaks) == 1
    (tmp_path / "good.png").unlink()
    with pytest.raises(SourceError, match=r"none of 1 pictures can be read; the first: bad\.png"):
        find_leaks(open_pictures(tmp_path), open_pictures(folders[0]))


def test_a_manifest_with_hashes_is_enough(folders: tuple[Path, Path], tmp_path: Path) -> None:
    column = pa.field(HASH_COLUMN, pa.string(), nullable=False, metadata={"description": "Perceptual hash."})
    schema = manifest.backgrounds_schema({}, [column])
    empty = {field.name: "" if field.type == "string" else 0 for field in schema}
    rows = [
        empty
        | {"id": f"{n:016x}", "source": "photos", "path": f"{n}.png", HASH_COLUMN: f"{perceptual_hash(scene(n)):016x}"}
        for n in range(24)
    ]
    manifest.write_table(tmp_path / "backgrounds.parquet", schema, rows)
    known = open_pictures(tmp_path, hashes=True)
    assert (known.kind, len(known.hashes), known.pictures) == ("manifest", 24, [])
    report = find_leaks(known, open_pictures(folders[1]))
    names = {leak.second.partition("-")[2].removesuffix(".jpg") for leak in report.leaks}
    assert {"same", "flipped", "turned", "half", "square", "noisy", "rained"} <= names
    assert all(leak.first == f"photos:{int(leak.second[:2])}.png" for leak in report.leaks)
    assert {leak.change for leak in report.leaks} == {"unknown"}
    assert pq.read_schema(tmp_path / "backgrounds.parquet").field(HASH_COLUMN).type == pa.string()


def test_what_cannot_be_opened_says_why(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is nothing there"):
        open_pictures(tmp_path / "nowhere")
    with pytest.raises(SourceError, match="no pictures below"):
        open_pictures(tmp_path)
    (tmp_path / "x.parquet").write_bytes(b"PAR")
    with pytest.raises(SourceError, match="not a Parquet file"):
        open_pictures(tmp_path / "x.parquet")
    (tmp_path / "m").mkdir()
    manifest.write_table(tmp_path / "m" / "backgrounds.parquet", manifest.backgrounds_schema({}), [])
    with pytest.raises(SourceError, match="neither shards beside it nor perceptual hashes"):
        open_pictures(tmp_path / "m", hashes=True)
