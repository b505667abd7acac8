"""The page on the manifest says what the code says, and each of its queries runs and is right."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas
import pyarrow.parquet as pq
import pytest

from rainkit import manifest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "manifest.md").read_text(encoding="utf-8")
QUERIES = dict(re.findall(r"^### (\d+)\. .*?```sql\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))

Make = Callable[..., Path]


def test_the_page_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("manifest_page", ROOT / "docs" / "manifest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.fill(PAGE) == PAGE, "run: python docs/manifest.py"


@pytest.fixture
def ask(make_corpus: Make, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], list[tuple[Any, ...]]]]:
    folder = make_corpus(counts={"train": 9, "validation": 4})
    make_corpus("tiny-1.1.0", counts={"train": 8, "validation": 5}, size=(24, 40))
    monkeypatch.chdir(folder)
    connection = duckdb.connect()
    yield lambda number: connection.sql(QUERIES[str(number)]).fetchall()
    connection.close()


@pytest.fixture
def frame(ask: object) -> pandas.DataFrame:
    return pandas.read_parquet("metadata/samples.parquet")


def test_there_are_ten() -> None:
    assert list(QUERIES) == [str(number) for number in range(1, 11)]


def test_counts(ask: Callable[[int], Any], frame: pandas.DataFrame) -> None:
    expected = Counter(zip(frame["split"], frame["rain"], frame["stratum"], strict=True))
    assert ask(1) == [(*group, count) for group, count in sorted(expected.items())]


def test_simplest(ask: Callable[[int], Any], frame: pandas.DataFrame) -> None:
    chosen = frame[(frame["split"] == "train") & (frame["stratum"] <= 1)]
    assert ask(2) == list(zip(chosen["key"], chosen["shard"], strict=True))


def test_leaks(ask: Callable[[int], Any], frame: pandas.DataFrame) -> None:
    assert ask(3) == []
    table = pq.read_table("metadata/samples.parquet")
    column = table.column_names.index("group")
    one = table.set_column(column, table.schema.field("group"), [["same"] * len(table)])
    manifest.write_table("metadata/samples.parquet", one.schema, one)
    assert ask(3) == [("same", ["train", "validation"])]


def test_severity(ask: Callable[[int], Any], frame: pandas.DataFrame) -> None:
    expected = frame.groupby(["rain", "stratum"])[["coverage", "psnr_rainy", "score"]].mean()
    for (rain, stratum, *values), (group, means) in zip(ask(4), expected.iterrows(), strict=True):
        assert (rain, stratum) == group
        assert values == pytest.approx(means.tolist())


def test_drawn_parameters(ask: Callable[[int], Any], frame: pandas.DataFrame) -> None:
    angles = [float(text.split(":")[1].rstrip("}")) for text in frame["rain_params"]]
    assert ask(5) == [("streaks", "angle", 13, min(angles), max(angles))]


def test_credits(ask: Callable[[int], Any], frame: pandas.DataFrame) -> None:
    assert ask(6) == [("", "", "", frame["background_id"].nunique(), 13)]


def test_refused(ask: Callable[[int], Any]) -> None:
    assert ask(7) == [("photos", "unreadable", 1, "x.jpg")]


def test_hardest(ask: Callable[[int], Any], frame: pandas.DataFrame) -> None:
    for key, _, shard, start, size in ask(8):
        assert key.startswith("train-")
        data = Path(shard).read_bytes()[start : start + size]
        assert data[:4] == b"\x89PNG"
        assert data[-8:-4] == b"IEND"


def test_balanced(ask: Callable[[int], Any], frame: pandas.DataFrame) -> None:
    rows = ask(9)
    assert Counter(stratum for _, stratum in rows) == {0: 2, 1: 2, 2: 2}
    assert rows == ask(9)


def test_changes(ask: Callable[[int], Any]) -> None:
    rows = dict(ask(10))
    assert (rows["train-00008"], rows["validation-00004"]) == ("removed", "added")
    assert Counter(rows.values()) == {"removed": 1, "added": 1, "other pixels": 12}
