"""The wids index points at the shards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rainkit.data import open_corpus
from rainkit.release.indexes import IndexedShard, write_wids
from rainkit.shards import write_shard


def test_index_has_what_wids_asks_for(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    record = write_shard(tmp_path / "data" / "a.tar", [("a", {"json": b"{}"}), ("b", {"json": b"{}"})])
    shard = IndexedShard("data/a.tar", len(record.samples), record.size, record.md5)
    index = json.loads(write_wids(tmp_path, "train", "a-1.0.0-train", [shard]).read_text())
    assert (index["__kind__"], index["wids_version"], index["name"]) == ("wids-shard-index-v1", 1, "a-1.0.0-train")
    assert index["shardlist"] == [
        {"url": "data/a.tar", "nsamples": 2, "md5sum": record.md5, "filesize": (tmp_path / "data/a.tar").stat().st_size}
    ]
    assert (tmp_path / "wids-train.json").exists()


# wids leaves the closing of its files to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_wids_reads_through_it(make_corpus: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    wids = pytest.importorskip("wids")
    folder = make_corpus()
    monkeypatch.setenv("WIDS_CACHE", str(folder.parent / "cache"))
    corpus = open_corpus(folder)
    dataset = wids.ShardListDataset(str(folder / "wids-train.json"), transformations=[])
    assert len(dataset) == 7
    for index in (0, 4, 6):
        sample = dataset[index]
        assert sample["__key__"] == corpus.samples["key"][index].as_py()
        assert sample[".rainy.png"].read() == bytes(corpus.read_bytes(index, ("rainy",))["rainy"])
