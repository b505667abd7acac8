"""Exports are the corpus's own pictures under the names that others expect, whole or absent."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from rainkit.data import open_corpus
from rainkit.data.export import LAYOUTS, export
from rainkit.errors import BuildError, RecipeError, SourceError

Make = Callable[..., Path]


def _names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("input-target", {"input/train-00001.png", "target/train-00001.png"}),
        ("rainy-gt", {"rainy/train-00001.png", "gt/train-00001.png"}),
        ("rain-norain", {"rain-2.png", "norain-2.png", "names.csv"}),
        ("basicsr", {"lq/train-00001.png", "gt/train-00001.png", "meta_info.txt"}),
    ],
)
def test_layouts(
    make_corpus: Make,
    tmp_path: Path,
    expected_arrays: Callable[..., dict[str, Any]],
    layout: str,
    expected: set[str],
) -> None:
    corpus = open_corpus(make_corpus())
    exported = export(corpus, tmp_path / "out", layout)
    assert exported.pairs == {"train": 7, "validation": 3}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"train", "validation"}
    names = _names(tmp_path / "out" / "train")
    assert expected <= names
    assert len(names) == 14 + len([name for name in expected if not name.endswith(".png")])
    arrays = expected_arrays("train-00001", 24, 32)
    for pattern, member in ((LAYOUTS[layout].rainy, "rainy"), (LAYOUTS[layout].clean, "clean")):
        path = tmp_path / "out/train" / f"{pattern.format(key='train-00001', number=2)}.png"
        assert path.read_bytes() == bytes(corpus.read_bytes(1, (member,))[member])
        assert np.array_equal(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), arrays[member])


def test_indexes_lead_back_to_the_keys(make_corpus: Make, tmp_path: Path) -> None:
    corpus = open_corpus(make_corpus())
    export(corpus, tmp_path / "a", "rain-norain")
    with (tmp_path / "a/validation/names.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[:2] == [["rainy", "clean", "key"], ["rain-1.png", "norain-1.png", "validation-00000"]]
    assert len(rows) == 4
    export(corpus, tmp_path / "b", "basicsr")
    lines = (tmp_path / "b/validation/meta_info.txt").read_text().splitlines()
    assert lines == [f"validation-0000{i}.png (24,32,3)" for i in range(3)]


def test_only_some_splits(make_corpus: Make, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    done: list[str] = []
    export(open_corpus(make_corpus()), tmp_path / "out", splits=["validation"], advance=lambda n, key: done.append(key))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["validation"]
    assert len(done) == 3


def test_what_cannot_be_done_is_said_and_leaves_nothing(make_corpus: Make, tmp_path: Path) -> None:
    folder = make_corpus()
    corpus = open_corpus(folder)
    with pytest.raises(RecipeError, match="no layout 'other': choose one of input-target"):
        export(corpus, tmp_path / "out", "other")
    with pytest.raises(SourceError, match="no split 'test'"):
        export(corpus, tmp_path / "out", splits=["test"])
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("")
    with pytest.raises(BuildError, match="is not an empty folder"):
        export(corpus, tmp_path / "full")
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildError, match=r"cannot write out in .*: choose another"):
        export(corpus, tmp_path / "file" / "out")
    (folder / "data/train/tiny-train-000002.tar").unlink()
    with pytest.raises(SourceError, match="tiny-train-000002"):
        export(corpus, tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"tiny-1.0.0", "full", "file"}
