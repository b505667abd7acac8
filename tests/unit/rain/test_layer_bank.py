"""Rain from pictures of streaks."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from rainkit import images
from rainkit.errors import SourceError
from rainkit.rain import layer_bank
from rainkit.rain.layer_bank import LayerBank
from rainkit.records import Pixels
from rainkit.seeds import Stream

PLAIN = {"layers": 1, "zoom": 1, "rotate": 0, "shear": 0, "mirror": False}


def write_bank(folder: Path, names: tuple[str, ...] = ("a", "b", "c")) -> list[Pixels]:
    folder.mkdir(parents=True)
    layers = []
    for number, name in enumerate(names):
        noise = Stream(number).integers(0, 256, 60 * 80).astype(np.uint8).reshape(60, 80)
        (folder / f"{name}.png").write_bytes(images.encode_png(noise))
        layers.append(noise)
    return layers


@pytest.fixture(autouse=True)
def _fresh() -> None:
    layer_bank.list_bank.cache_clear()
    layer_bank.load_layer.cache_clear()


def test_an_unwarped_layer_is_a_cut_out(tmp_path: Path) -> None:
    layers = write_bank(tmp_path / "bank")
    rain = LayerBank(folder=str(tmp_path / "bank"), **PLAIN)
    drawn = rain((60, 80), Stream(3))
    assert any((drawn.layer == layer).all() for layer in layers)


def test_the_bank_is_its_content(tmp_path: Path) -> None:
    write_bank(tmp_path / "one", ("a", "b", "c"))
    write_bank(tmp_path / "other", ("z", "y", "x"))
    first, second = (LayerBank(folder=str(tmp_path / name))((40, 50), Stream(1)) for name in ("one", "other"))
    assert first.parameters == second.parameters
    assert (first.layer == second.layer).all()
    write_bank(tmp_path / "more", ("a", "b", "c", "d"))
    third = LayerBank(folder=str(tmp_path / "more"))((40, 50), Stream(1))
    assert third.parameters["bank"] != first.parameters["bank"]
    assert "folder" in LayerBank.location_fields


@pytest.mark.parametrize("seed", range(4))
def test_warps_cover_the_picture(tmp_path: Path, seed: int) -> None:
    folder = tmp_path / "bank"
    folder.mkdir()
    (folder / "white.png").write_bytes(images.encode_png(np.full((50, 90), 255, np.uint8)))
    for shape in ((40, 40), (200, 31), (16, 300)):
        rain = LayerBank(folder=str(folder), rotate=[-40, 40], shear=[-0.4, 0.4], zoom=[0.3, 3])
        assert (rain(shape, Stream(seed)).layer == 255).all()


def test_matrix_stays_within_the_layer() -> None:
    for number in range(50):
        a, b, c, d = Stream(number).uniform(4).tolist()
        matrix = layer_bank.matrix(
            (48, 72), (64, 40), zoom=0.5 + a, degrees=90 * b - 45, shear=c - 0.5, mirror=d > 0.5, place=(a, d)
        )
        for x in (0, 39):
            for y in (0, 63):
                assert -40 <= matrix[0] * x + matrix[1] * y + matrix[2] <= (71 << 16) + 40
                assert -40 <= matrix[3] * x + matrix[4] * y + matrix[5] <= (47 << 16) + 40


def test_mirror_turns_left_and_right(tmp_path: Path) -> None:
    layers = write_bank(tmp_path / "bank", ("a",))
    matrices = [
        layer_bank.matrix((60, 80), (60, 80), zoom=1, degrees=0, shear=0, mirror=mirror, place=(0, 0))
        for mirror in (False, True)
    ]
    from rainkit.rain import warp_kernels

    plain, turned = np.empty((60, 80), np.uint8), np.empty((60, 80), np.uint8)
    warp_kernels.warp(layers[0], matrices[0], plain)
    warp_kernels.warp(layers[0], matrices[1], turned)
    assert (plain == layers[0]).all()
    assert (turned[:, ::-1] == layers[0]).all()


def test_rainmix_is_a_weighted_average(tmp_path: Path) -> None:
    folder = tmp_path / "bank"
    folder.mkdir()
    for level in (40, 80, 200):
        (folder / f"{level}.png").write_bytes(images.encode_png(np.full((50, 60), level, np.uint8)))
    rain = LayerBank(folder=str(folder), layers=3)
    drawn = rain((30, 40), Stream(2))
    paths = dict(layer_bank.list_bank(str(folder)))
    levels = [int(Path(paths[str(drawn.parameters[f"layer_{n}"])]).stem) for n in (1, 2, 3)]
    weights = [float(drawn.parameters[f"weight_{n}"]) for n in (1, 2, 3)]
    kept = float(drawn.parameters["kept"])
    expected = kept * levels[0] + (1 - kept) * sum(w * v for w, v in zip(weights, levels, strict=True))
    assert sum(weights) == pytest.approx(1.0)
    assert np.abs(drawn.layer.astype(float) - expected).max() <= 0.51


@pytest.mark.parametrize(("mix", "expected"), [("add", 200), ("screen", 161)])
def test_layers_on_top_of_one_another(tmp_path: Path, mix: str, expected: int) -> None:
    folder = tmp_path / "bank"
    folder.mkdir()
    (folder / "grey.png").write_bytes(images.encode_png(np.full((50, 60), 100, np.uint8)))
    drawn = LayerBank(folder=str(folder), layers=2, mix=mix)((30, 40), Stream(2))
    assert (drawn.layer == expected).all()
    brighter = LayerBank(folder=str(folder), layers=1, mix=mix, strength=1.5)((30, 40), Stream(2))
    assert (brighter.layer == 150).all()


def test_own_layers_need_no_folder_and_keys_do_not_change() -> None:
    rain = LayerBank(layers=[1, 4])
    drawn = [rain((48, 64), Stream(seed)) for seed in range(4)]
    assert {tuple(r.parameters) for r in drawn} == {tuple(drawn[0].parameters)}
    assert drawn[0].layer.any()
    assert drawn[0].parameters["bank"] == "own"


def test_a_bank_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no folder .*missing"):
        LayerBank(folder=str(tmp_path / "missing"))((20, 20), Stream(1))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="empty holds no picture"):
        LayerBank(folder=str(tmp_path / "empty"))((20, 20), Stream(1))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"no picture")
    with pytest.raises(SourceError, match=r"a\.png cannot be read"):
        LayerBank(folder=str(tmp_path / "broken"))((20, 20), Stream(1))
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "a.png").write_bytes(images.encode_png(np.zeros((4, 9), np.uint8)))
    with pytest.raises(SourceError, match="only 9 x 4 px"):
        LayerBank(folder=str(tmp_path / "tiny"))((20, 20), Stream(1))


@pytest.mark.skipif("RAINKIT_DATA" not in os.environ, reason="RAINKIT_DATA names no folder of real streak layers")
def test_rendered_streak_layers() -> None:
    folder = Path(os.environ["RAINKIT_DATA"]) / "streak_layers"
    drawn = LayerBank(folder=str(folder))((321, 481), Stream(1))
    assert 2 < drawn.layer.mean() < 80
    assert len(str(drawn.parameters["layer_1"])) == 32
