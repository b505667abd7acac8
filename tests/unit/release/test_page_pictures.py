from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rainkit.data.stores import LocalStore
from rainkit.errors import IntegrityError
from rainkit.release.figures import open_rows, take_rows
from rainkit.release.page_pictures import choose_members, choose_rows, show_samples
from rainkit.seeds import Stream


def test_the_median_of_every_cell() -> None:
    rng = Stream(1)
    rain, stratum = rng.integers(0, 4, 500), rng.integers(0, 3, 500)
    severity = rng.permutation(500).astype(np.float64)
    rows = choose_rows(rain, stratum, severity)
    assert {(rain[row], stratum[row]) for row in rows} == {(r, s) for r in range(4) for s in range(3)}
    assert len(rows) == 12
    for row in rows:
        mine = severity[(rain == rain[row]) & (stratum == stratum[row])]
        assert severity[row] == np.sort(mine)[len(mine) // 2]


def test_the_first_few_show_every_rain_and_the_strata_evenly() -> None:
    rain, stratum = np.divmod(np.arange(20), 5)
    rows = choose_rows(rain, stratum, np.zeros(20), limit=5)
    assert set(rain[rows].tolist()) == {0, 1, 2, 3}
    assert len(set(stratum[rows].tolist())) >= 4
    assert len(choose_rows(rain, stratum, np.zeros(20), limit=3)) == 3


def test_filling_takes_more_of_each_at_equal_distances() -> None:
    rain, stratum = np.repeat([0, 1], 100), np.zeros(200, np.int64)
    severity = np.arange(200, dtype=np.float64)
    rows = choose_rows(rain, stratum, severity, limit=8, fill=True)
    assert sorted(rows.tolist()) == [12, 37, 62, 87, 112, 137, 162, 187]
    few = choose_rows(rain[:3], stratum[:3], severity[:3], limit=50, fill=True)
    assert sorted(few.tolist()) == [0, 1, 2]
    assert choose_rows(rain[:0], stratum[:0], severity[:0]).tolist() == []


def test_rows_come_in_the_order_asked_for_from_any_row_group(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"a": range(100), "b": range(100), "c": range(100)}), path, row_group_size=7)
    with pq.ParquetFile(path) as file:
        taken = take_rows(file, [99, 0, 50, 7, 6, 50], ("c", "a"))
        assert taken["a"].to_pylist() == taken["c"].to_pylist() == [99, 0, 50, 7, 6, 50]
        assert set(taken.column_names) == {"a", "c"}
        assert len(take_rows(file, [], ("a",))) == 0


def test_members_to_show() -> None:
    pair = {"rainy": "rainy.png", "clean": "clean.png", "json": "json"}
    assert choose_members({**pair, "mask": "mask.png", "rain": "rain.png"}) == ("rainy", "clean", "rain")
    assert choose_members({**pair, "mask": "mask.png"}) == ("rainy", "clean", "mask")
    assert choose_members({**pair, "rain": "rain.npy"}) == ("rainy", "clean")


def test_pictures_shrink_until_they_fit(make_corpus: Callable[..., Path]) -> None:
    corpus = make_corpus(size=(200, 120))
    details = pq.read_table(corpus / "metadata/samples.parquet").slice(0, 4)
    store = LocalStore(corpus)

    def total(budget: int) -> tuple[int, int, int]:
        found = show_samples(store, details, pictures=True, budget=budget)
        return len(found), found[0].height, sum(len(uri) for each in found for uri in each.pictures.values())

    count, side, size = total(10**9)
    assert (count, side) == (4, 100)  # blocks of 2 x 2 pixels
    count, side, smaller = total(size - 1)
    assert (count, side) == (4, 66)
    assert smaller < size
    count, side, small = total(smaller - 1)
    assert (count, side) == (4, 50)
    count, side, least = total(small - 1)
    assert (count, side) == (4, 40)
    assert total(least - 1)[:2] == (3, 40)


def test_shards_outside_the_corpus_are_not_read(make_corpus: Callable[..., Path]) -> None:
    corpus = make_corpus()
    details = pq.read_table(corpus / "metadata/samples.parquet").slice(0, 1)
    index = details.schema.get_field_index("shard")
    details = details.set_column(index, details.schema.field("shard"), pa.array(["../other.tar"]))
    with pytest.raises(IntegrityError, match="climbs out"):
        open_rows(LocalStore(corpus), details)
    broken = details.set_column(index, details.schema.field("shard"), pa.array(["a.tar"]))
    index = details.schema.get_field_index("rain_params")
    broken = broken.set_column(index, details.schema.field("rain_params"), pa.array(["[1]"]))
    with pytest.raises(IntegrityError, match="rain_params of sample train-00000 is no JSON object"):
        show_samples(LocalStore(corpus), broken, pictures=False)
