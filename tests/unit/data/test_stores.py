"""A server that falls silent is an error that names the file, and no command waits for it without end."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest
from click.testing import CliRunner

from rainkit.cli.export import command as export_command
from rainkit.data import open_corpus
from rainkit.data.stores import READ_TIMEOUT, TIMEOUT_VARIABLE, RemoteStore, open_store
from rainkit.errors import SourceError
from rainkit.release.verify import verify

Make = Callable[..., Path]
SHARD = "data/train/tiny-train-000000.tar"


@pytest.fixture
def stalling(make_corpus: Make) -> Iterator[str]:
    """Yield the address of a corpus on a server that sends half of one shard, and then nothing."""
    folder, over = make_corpus(), threading.Event()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder.parent))  # type: ignore[arg-type]

        def do_GET(self) -> None:
            if not self.path.endswith(SHARD):
                super().do_GET()
                return
            data = (folder / SHARD).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            over.wait(60)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{folder.name}"
        over.set()
        server.shutdown()
        thread.join()
    fsspec.get_filesystem_class("http").clear_instance_cache()


def test_a_server_that_stalls_is_named(stalling: str) -> None:
    words = rf"reading {SHARD} from {stalling} stopped: the server sent nothing for 0\.3 s; .* {TIMEOUT_VARIABLE}"
    store = open_store(stalling, read_timeout=0.3)
    with pytest.raises(SourceError, match=words):
        store.read(SHARD)
    with pytest.raises(SourceError, match=words):
        store.read_range(SHARD, 512, 20000)
    assert store.read("recipe.yaml")


def test_verify_goes_on_behind_it(stalling: str) -> None:
    outcome = verify(stalling, read_timeout=0.3, jobs=1)
    assert [(problem.kind, problem.file) for problem in outcome.problems] == [("missing", SHARD)]
    assert "sent nothing for 0.3 s" in outcome.problems[0].detail


def test_export_ends_and_leaves_nothing(stalling: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TIMEOUT_VARIABLE, "0.3")
    done = CliRunner().invoke(export_command, [stalling, str(tmp_path / "out")])
    assert isinstance(done.exception, SourceError)
    assert "sent nothing for 0.3 s" in str(done.exception)
    assert list(tmp_path.glob("*out*")) == []


def test_the_limit_comes_from_the_caller_the_variable_or_is_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TIMEOUT_VARIABLE, raising=False)
    assert RemoteStore("http://127.0.0.1:1/x", {}).read_timeout == READ_TIMEOUT == 60
    monkeypatch.setenv(TIMEOUT_VARIABLE, "5")
    assert RemoteStore("http://127.0.0.1:1/x", {}).read_timeout == 5
    assert RemoteStore("http://127.0.0.1:1/x", {}, 7).read_timeout == 7
    for text in ("soon", "-1", "nan", "inf"):
        monkeypatch.setenv(TIMEOUT_VARIABLE, text)
        with pytest.raises(SourceError, match=f"{TIMEOUT_VARIABLE} is '{text}': give a number of seconds"):
            open_corpus("http://127.0.0.1:1/x")
