from __future__ import annotations

import hashlib
import os
import pickle
import re
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from rainkit.backgrounds import REASONS, Backgrounds, examine
from rainkit.images import encode_jpeg, encode_png, pixel_digest
from rainkit.records import Background, Picture, Refused
from rainkit.sources import FolderSource, ProceduralSource

PHOTO = np.asarray(cv2.resize((np.arange(192) * 91 % 256).astype(np.uint8).reshape(8, 8, 3), (100, 80)))


def give(value: bytes | NDArray[np.uint8]) -> bytes | NDArray[np.uint8]:
    return value


def look(value: bytes | NDArray[np.uint8], **block: object) -> tuple[Background, NDArray[np.uint8]] | Refused:
    picture = Picture("a/b.png", partial(give, value))
    return examine(picture, "photos", "CC0-1.0", "nobody", Backgrounds.model_validate(block))


def refusal(value: bytes | NDArray[np.uint8], **block: object) -> Refused:
    found = look(value, **block)
    assert isinstance(found, Refused)
    assert found.reason in REASONS
    assert (found.source, found.path) == ("photos", "a/b.png")
    return found


def test_a_file_becomes_a_background_with_its_pixels() -> None:
    data = encode_png(PHOTO)
    found = look(data)
    assert isinstance(found, tuple)
    background, pixels = pickle.loads(pickle.dumps(found))
    digest = pixel_digest(PHOTO)
    assert np.array_equal(pixels, PHOTO)
    assert background == Background(
        id=digest[:16],
        source="photos",
        path="a/b.png",
        license="CC0-1.0",
        attribution="nobody",
        sha256=hashlib.sha256(data).hexdigest(),
        digest=digest,
        width=100,
        height=80,
        group=digest[:16],
    )


def test_a_drawn_picture_is_hashed_by_its_pixels() -> None:
    (picture,) = ProceduralSource(count=1, size=80)()
    found = examine(picture, "drawn", "CC0-1.0", "", Backgrounds())
    assert isinstance(found, tuple)
    assert found[0].sha256 == hashlib.sha256(picture.read()).hexdigest()  # type: ignore[arg-type]
    assert found[0].path == "dead_leaves/000000"


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        (b"no picture at all", "unreadable", "not a JPEG, PNG"),
        (b"", "truncated", "empty"),
        (encode_jpeg(PHOTO)[:-30], "truncated", "no end marker"),
        (encode_png(PHOTO)[:-30], "truncated", "ends where more was announced"),
        (encode_png(PHOTO[:63]), "too_small", "100 x 63; min_size is 64"),
        (PHOTO[:63], "too_small", "100 x 63; min_size is 64"),
        (encode_png(np.full((80, 80, 3), 9, np.uint8)), "constant", r"within 2 levels of \(9, 9, 9\)"),
        (encode_jpeg(np.full((80, 80, 3), (200, 30, 30), np.uint8)), "constant", "within 2 levels"),
    ],
)
def test_refusals_have_a_reason_and_a_sentence(value: bytes, reason: str, detail: str) -> None:
    found = refusal(value)
    assert found.reason == reason
    assert re.search(detail, found.detail)


def test_the_most_pixels_are_refused_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rainkit.backgrounds.decode", lambda data: pytest.fail("decoded"))
    found = refusal(encode_png(PHOTO), max_pixels=7999)
    assert found.reason == "too_many_pixels"
    assert found.detail == "100 x 80 is 8,000 pixels; max_pixels is 7,999"


def test_limits_are_inclusive() -> None:
    assert isinstance(look(encode_png(PHOTO), min_size=80, max_pixels=8000), tuple)


def test_a_single_different_pixel_is_not_constant() -> None:
    pixels = np.full((97, 89, 3), 9, np.uint8)
    pixels[53, 31, 1] = 12
    assert isinstance(look(encode_png(pixels)), tuple)


def test_a_missing_file_is_refused_without_its_place_on_this_disk(tmp_path: Path) -> None:
    (tmp_path / "gone.png").symlink_to("nowhere.png")
    (picture,) = FolderSource(path=tmp_path)()
    found = examine(picture, "photos", "", "", Backgrounds())
    assert found == Refused("photos", "gone.png", "unreadable", "No such file or directory")


@pytest.mark.parametrize(
    "fields", [{"min_size": 0}, {"deduplicate": 65}, {"max_refused_share": 1.1}, {"limit": 0}, {"x": 1}]
)
def test_wrong_fields_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Backgrounds.model_validate(fields)


@pytest.mark.skipif("RAINKIT_DATA" not in os.environ, reason="RAINKIT_DATA does not name a folder of real pictures")
def test_real_photographs_are_admitted_unless_they_are_cut() -> None:
    pictures = list(FolderSource(path=Path(os.environ["RAINKIT_DATA"]) / "backgrounds")())
    for picture in pictures[:: max(1, len(pictures) // 40)]:
        data = picture.read()
        assert isinstance(data, bytes)
        assert isinstance(look(data), tuple)
        assert refusal(data[: len(data) * 2 // 3]).reason == "truncated"
