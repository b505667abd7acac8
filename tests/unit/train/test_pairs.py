from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from rainkit import images
from rainkit.data.corpus import open_corpus
from rainkit.data.export import export
from rainkit.errors import SourceError
from rainkit.train.pairs import find_layout, find_pairs, list_pictures


def fill(folder: Path, names: Sequence[str], size: int = 16) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(images.encode_png(np.full((size, size, 3), len(name), np.uint8)))
    return folder


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [
        (["1.png", "2.png", "10.png"], ["1.png", "2.png", "10.png"]),
        (["a.jpg", "b.png"], ["a.png", "b.png"]),
        (["rain-1.png", "rain-2.png"], ["norain-1.png", "norain-2.png"]),
        (["rain1x.png"], ["norain1x.png"]),
        (["0_rain.png", "1_rain.png"], ["0_clean.png", "1_clean.png"]),
        (["901_1.jpg", "901_2.jpg", "902_1.jpg"], ["901.jpg", "902.jpg"]),
    ],
)
def test_partners_by_the_rules_of_public_sets(tmp_path: Path, inputs: list[str], targets: list[str]) -> None:
    pairs = find_pairs(fill(tmp_path / "in", inputs), fill(tmp_path / "gt", targets))
    assert [pair.rainy.name for pair in pairs] == inputs
    assert {pair.clean.name for pair in pairs} == set(targets)
    stems = [(pair.rainy.stem.removeprefix("rain"), pair.clean.stem.removeprefix("norain")) for pair in pairs]
    assert all(rainy.split("_")[0] == clean.split("_")[0] for rainy, clean in stems)


@pytest.mark.parametrize(
    ("first", "second"),
    [("input", "target"), ("rainy", "gt"), ("rain", "norain"), ("lq", "gt"), ("Input", "Target"),
     ("rainy_image", "ground_truth")],
)  # fmt: skip
def test_layouts_are_found_under_one_root(tmp_path: Path, first: str, second: str) -> None:
    fill(tmp_path / first, ["1.png"])
    fill(tmp_path / second, ["1.png"])
    assert find_layout(tmp_path)[0].clean == tmp_path / second / "1.png"


@pytest.mark.parametrize(
    ("folders", "named"),
    [
        (["rainy", "lq", "gt"], "rainy/ gt/, or lq/ gt/"),
        (["input", "target", "Target"], "input/ Target/, or input/ target/"),
        (["rainy", "gt", "clean"], "rainy/ gt/, or rainy/ clean/"),
    ],
)
def test_folders_that_may_be_several_pairs_are_named(tmp_path: Path, folders: list[str], named: str) -> None:
    for folder in folders:
        fill(tmp_path / folder, ["1.png"])
    with pytest.raises(SourceError, match=f"pairs may be those of {named}; name both folders"):
        find_layout(tmp_path)


def test_what_export_writes_for_basicsr_is_found(make_corpus: Callable[..., Path], tmp_path: Path) -> None:
    done = export(open_corpus(make_corpus()), tmp_path / "out", "basicsr", ["train"])
    assert len(find_layout(done.folder / "train")) == done.pairs["train"] == 7


def test_one_folder_may_hold_both(tmp_path: Path) -> None:
    fill(tmp_path, ["rain-1.png", "norain-1.png", "rain-2.png", "norain-2.png"])
    names = [(pair.rainy.name, pair.clean.name) for pair in find_layout(tmp_path)]
    assert names == [("rain-1.png", "norain-1.png"), ("rain-2.png", "norain-2.png")]
    fill(tmp_path, ["rain-3.png"])
    with pytest.raises(SourceError, match=r"1 without partner .* rain-3\.png"):
        find_layout(tmp_path)


@pytest.mark.parametrize(
    ("inputs", "targets", "named"),
    [
        (["1.png", "2.png"], ["1.png"], "2.png"),
        (["1.png"], ["1.png", "3.png"], "3.png"),
        (["a.png"], ["b.png"], "a.png"),
    ],
)
def test_missing_partners_are_counted_and_named(
    tmp_path: Path, inputs: list[str], targets: list[str], named: str
) -> None:
    with pytest.raises(SourceError, match=f"without partner by the rule 'NAME, NAME', such as .*{named}"):
        find_pairs(fill(tmp_path / "in", inputs), fill(tmp_path / "gt", targets))


def test_other_size_broken_and_absent_files_are_named(tmp_path: Path) -> None:
    first, second = fill(tmp_path / "in", ["1.png"]), fill(tmp_path / "gt", ["1.png"], size=18)
    with pytest.raises(SourceError, match=r"different size: .*in/1\.png is 16 x 16 px and .*gt/1\.png is 18 x 18 px"):
        find_pairs(first, second)[0].read()
    (second / "1.png").write_bytes(b"no picture")
    with pytest.raises(SourceError, match=r"gt/1\.png: cannot be read as a picture"):
        find_pairs(first, second)[0].read()
    with pytest.raises(SourceError, match="no such folder"):
        list_pictures(tmp_path / "nowhere")
    with pytest.raises(SourceError, match=r"1\.png: a file; name its folder"):
        list_pictures(second / "1.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="no pictures there"):
        list_pictures(tmp_path / "empty")
    with pytest.raises(SourceError, match="neither pictures nor one of the layouts"):
        find_layout(tmp_path / "empty")
    with pytest.raises(SourceError, match="no such folder"):
        find_layout(tmp_path / "nowhere")
