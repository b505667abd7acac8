"""A corpus read back gives what was written, from a folder or from far away, and says what is wrong."""

from __future__ import annotations

import http.server
import multiprocessing
import pickle
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest

from rainkit.data import Corpus, open_corpus
from rainkit.data.stores import LocalStore
from rainkit.errors import IntegrityError, SourceError
from rainkit.images import pixel_digest
from rainkit.release.checksums import write_checksums

Make = Callable[..., Path]
SIZE = (24, 32)


def _check(corpus: Corpus, arrays: Callable[..., dict[str, Any]]) -> None:
    assert len(corpus) == 10
    for row, key in enumerate(corpus.samples["key"].to_pylist()):
        sample = corpus.read(row)
        assert list(sample) == ["clean", "json", "rain", "rainy", "streaks"]
        for name, expected in arrays(key, *SIZE).items():
            assert sample[name].dtype == expected.dtype
            assert np.array_equal(sample[name], expected)
        assert sample["json"]["key"] == key


def test_samples_come_back(make_corpus: Make, expected_arrays: Callable[..., dict[str, Any]]) -> None:
    _check(open_corpus(make_corpus()), expected_arrays)


def test_describes_itself(make_corpus: Make) -> None:
    corpus = open_corpus(str(make_corpus()))
    assert corpus.splits == ("train", "validation")
    assert corpus.recipe["name"] == "tiny"
    assert corpus.members == {
        "clean": "clean.png", "json": "json", "rain": "rain.png", "rainy": "rainy.png", "streaks": "streaks.npy",
    }  # fmt: skip
    assert corpus.metadata["corpus"] == "tiny-1.0.0"
    assert corpus.table()["split"].value_counts().to_dict() == {"train": 7, "validation": 3}
    assert corpus.rows("validation").tolist() == [7, 8, 9]
    assert corpus.rows().tolist() == list(range(10))
    assert (corpus.backgrounds.num_rows, corpus.refused["reason"].to_pylist()) == (4, ["unreadable"])
    assert "tiny-1.0.0" in repr(corpus)


def test_reads_by_key_and_only_what_is_asked(make_corpus: Make) -> None:
    corpus = open_corpus(make_corpus())
    sample = corpus.read("validation-00001", ("rainy", "rain"))
    assert list(sample) == ["rainy", "rain"]
    assert pixel_digest(sample["rainy"]) == corpus.samples["rainy_digest"][8].as_py()
    assert bytes(corpus.read_bytes(8, ("clean",))["clean"][:4]) == b"\x89PNG"


def test_iterates_in_the_order_of_the_shards(make_corpus: Make) -> None:
    corpus = open_corpus(make_corpus())
    read = list(corpus.iterate("validation", ("json",)))
    assert [key for key, _ in read] == [f"validation-{i:05d}" for i in range(3)]
    assert [sample["json"]["index"] for _, sample in read] == [0, 1, 2]


def test_arrays_are_writable_copies(make_corpus: Make) -> None:
    corpus = open_corpus(make_corpus())
    first = corpus.read(0)
    for name in ("rainy", "rain", "streaks"):
        first[name][:] = 0
    assert corpus.read(0)["rainy"].any()


def test_pickles_as_its_address(make_corpus: Make, expected_arrays: Callable[..., dict[str, Any]]) -> None:
    corpus = open_corpus(make_corpus(counts={"train": 10}))
    corpus.read(3)
    data = pickle.dumps(corpus)
    assert len(data) < 500
    _check(pickle.loads(data), expected_arrays)


def _digest(corpus: Corpus, row: int) -> str:
    return pixel_digest(corpus.read(row, ("rainy",))["rainy"])


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_other_processes_read_the_same(make_corpus: Make, method: str) -> None:
    corpus = open_corpus(make_corpus())
    expected = [_digest(corpus, row) for row in range(10)]
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.starmap(_digest, [(corpus, row) for row in range(10)]) == expected


def test_threads_read_the_same(make_corpus: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rainkit.data.stores.MAPPED", 2)
    corpus = open_corpus(make_corpus(per_shard=1))
    expected = corpus.samples["rainy_digest"].to_pylist()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda row: _digest(corpus, row % 10), range(200))) == expected * 20
    assert isinstance(corpus.store, LocalStore)
    assert len(corpus.store._maps) <= 2 + 4


def test_what_is_not_there_is_named(make_corpus: Make, tmp_path: Path) -> None:
    corpus = open_corpus(make_corpus())
    with pytest.raises(SourceError, match="no sample 'nothing'"):
        corpus.read("nothing")
    for row in (len(corpus), 600, -1):
        with pytest.raises(SourceError, match=f"has no row {row}: it has 10 samples, numbered from 0"):
            corpus.read(row)
    with pytest.raises(SourceError, match="no member 'mask': it has clean"):
        corpus.read(0, ("mask",))
    with pytest.raises(SourceError, match="no split 'test': it has train, validation"):
        corpus.rows("test")
    with pytest.raises(SourceError, match="is not a corpus"):
        open_corpus(tmp_path / "nothing")
    with pytest.raises(SourceError, match="is not a corpus"):
        open_corpus(tmp_path)


def test_a_missing_or_truncated_shard_is_named(make_corpus: Make) -> None:
    folder = make_corpus()
    shard = folder / "data/train/tiny-train-000000.tar"
    shard.write_bytes(shard.read_bytes()[:6000])
    with pytest.raises(IntegrityError, match=r"tiny-train-000000\.tar in .* is truncated: .* the file has 6000"):
        open_corpus(folder).read(2)
    shard.unlink()
    with pytest.raises(SourceError, match=r"cannot read data/train/tiny-train-000000\.tar"):
        open_corpus(folder).read(2)


def test_bytes_that_are_no_picture_are_named(make_corpus: Make) -> None:
    folder = make_corpus()
    row = {name: column[0].as_py() for name, column in zip(
        open_corpus(folder).samples.column_names, open_corpus(folder).samples.columns, strict=True
    )}  # fmt: skip
    shard = folder / row["shard"]
    data = bytearray(shard.read_bytes())
    data[row["rainy_offset"] : row["rainy_offset"] + row["rainy_size"]] = b"x" * row["rainy_size"]
    shard.write_bytes(bytes(data))
    with pytest.raises(IntegrityError, match=r"member rainy of sample 0 in .* cannot be decoded"):
        open_corpus(folder).read(0)


class _Ranges(http.server.SimpleHTTPRequestHandler):
    """Serves files, and parts of them where asked."""

    requests: list[str]
    broken = False
    ignore_ranges = False

    def log_message(self, *args: Any) -> None: ...

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data, wanted = path.read_bytes(), re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        partial = wanted is not None and not self.ignore_ranges
        if wanted is not None and partial:
            type(self).requests.append(self.path)
            data = data[int(wanted[1]) : int(wanted[2]) + 1]
        self.send_response(206 if partial else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data[: len(data) // 2] if self.broken and partial else data)


@pytest.fixture
def served(make_corpus: Make) -> Iterator[tuple[str, type[_Ranges]]]:
    folder = make_corpus()
    handler = type("Handler", (_Ranges,), {"requests": []})

    def make(*args: Any) -> Any:
        return handler(*args, directory=str(folder.parent))  # type: ignore[call-arg]

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), make) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{folder.name}", handler
        server.shutdown()
        thread.join()
    fsspec.get_filesystem_class("http").clear_instance_cache()


def test_reads_over_http_by_ranges(
    served: tuple[str, type[_Ranges]], expected_arrays: Callable[..., dict[str, Any]]
) -> None:
    address, handler = served
    corpus = open_corpus(address + "/")
    assert handler.requests == []
    corpus.read(4)
    assert handler.requests == ["/tiny-1.0.0/data/train/tiny-train-000001.tar"]  # neighbours in one request
    _check(pickle.loads(pickle.dumps(corpus)), expected_arrays)


def test_a_remote_that_fails_is_named(served: tuple[str, type[_Ranges]]) -> None:
    address, handler = served
    corpus = open_corpus(address)
    handler.ignore_ranges = True
    with pytest.raises(IntegrityError, match="does the server answer range requests"):
        corpus.read(0)
    handler.ignore_ranges, handler.broken = False, True
    with pytest.raises((SourceError, IntegrityError), match=r"tiny-train-000000\.tar"):
        corpus.read(0)
    with pytest.raises(SourceError, match="is not a corpus"):
        open_corpus(address + "-nothing")


def test_distant_members_are_fetched_apart(
    make_corpus: Make, monkeypatch: pytest.MonkeyPatch, expected_arrays: Callable[..., dict[str, Any]]
) -> None:
    folder = make_corpus()
    memory = fsspec.filesystem("memory")
    memory.put(str(folder), "/tiny", recursive=True)
    monkeypatch.setattr("rainkit.data.corpus.GAP", 10)
    try:
        _check(open_corpus("memory://tiny"), expected_arrays)
    finally:
        memory.rm("/tiny", recursive=True)


def test_an_unknown_protocol_is_named() -> None:
    with pytest.raises(SourceError, match="nonsense"):
        open_corpus("nonsense://a/b")


def test_a_corpus_without_pictures_still_has_its_table(make_corpus: Make) -> None:
    folder = make_corpus()
    shutil.rmtree(folder / "data")
    corpus = open_corpus(folder)
    assert len(corpus) == 10
    with pytest.raises(SourceError, match="cannot read data/train"):
        corpus.read(0)
    write_checksums(folder)
    with pytest.raises(SourceError, match="a release of the manifest alone, without pictures: draw them with `rainkit"):
        corpus.read(0)
