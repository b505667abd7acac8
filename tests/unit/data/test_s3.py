"""A corpus on a server that speaks the S3 protocol is read, iterated and verified like one on disk."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rainkit.data import open_corpus
from rainkit.errors import SourceError
from rainkit.release.verify import verify

pytestmark = [
    pytest.mark.reader,
    # botocore and aiohttp leave sockets and loops to the garbage collector.
    pytest.mark.filterwarnings("ignore"),
]

KEYS = {"key": "anyone", "secret": "anything"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server_module = pytest.importorskip("moto.server")
    pytest.importorskip("s3fs")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def address(endpoint: str, make_corpus: Callable[..., Path]) -> Iterator[tuple[str, dict[str, Any], Any]]:
    import s3fs

    options: dict[str, Any] = {**KEYS, "client_kwargs": {"endpoint_url": endpoint}}
    system = s3fs.S3FileSystem(**options)
    system.mkdir("bucket")
    system.put(str(make_corpus()), "bucket/releases/tiny-1.0.0", recursive=True)
    yield "s3://bucket/releases/tiny-1.0.0", options, system
    system.rm("bucket", recursive=True)


def test_samples_come_back(
    address: tuple[str, dict[str, Any], Any], expected_arrays: Callable[..., dict[str, Any]]
) -> None:
    place, options, _ = address
    corpus = pickle.loads(pickle.dumps(open_corpus(place, **options)))
    assert corpus.splits == ("train", "validation")
    for key, sample in corpus.iterate("validation"):
        for name, expected in expected_arrays(key, 24, 32).items():
            assert np.array_equal(sample[name], expected)


def test_verify_finds_damage(address: tuple[str, dict[str, Any], Any]) -> None:
    place, options, system = address
    assert verify(place, deep=True, **options).problems == []
    shard = "bucket/releases/tiny-1.0.0/data/train/tiny-train-000001.tar"
    data = system.cat_file(shard)
    system.pipe_file(shard, data[:-1])
    system.rm_file("bucket/releases/tiny-1.0.0/README.md")
    found = {(problem.kind, problem.file) for problem in verify(place, **options).problems}
    assert ("missing", "README.md") in found
    assert ("structure", "data/train/tiny-train-000001.tar") in found


def test_what_is_not_there_is_named(address: tuple[str, dict[str, Any], Any]) -> None:
    place, options, _ = address
    with pytest.raises(SourceError, match="is not a corpus"):
        open_corpus(place + "-nothing", **options)
