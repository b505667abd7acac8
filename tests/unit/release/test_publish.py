"""Sending a corpus to folders, to memory, and to a server that speaks the S3 protocol on loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
import pytest

from rainkit.data import open_corpus
from rainkit.errors import BuildError, IntegrityError, SourceError
from rainkit.release import publish as module
from rainkit.release.checksums import CHECKSUMS
from rainkit.release.publish import fetch_manifest, publish
from rainkit.release.rebuild import rebuild
from rainkit.release.verify import verify

BUCKET = "s3://shelf/corpora"
SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


@contextmanager
def serve() -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run an S3 server of this machine in a process of its own; yield it and the options to reach it."""
    pytest.importorskip("moto.server", reason="needs moto[server]")
    pytest.importorskip("s3fs")
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    command, pipe = [sys.executable, "-c", SERVER], subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = next(int(line) for line in process.stdout if line.strip().isdigit())
        try:
            yield process, {"key": "k", "secret": "s", "endpoint_url": f"http://127.0.0.1:{port}"}
        finally:
            process.stdin.close()
            process.wait(timeout=20)


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, Any]]:
    """Options of a file system on an S3 server."""
    with serve() as (_, options):
        yield options


@pytest.fixture
def bucket(server: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """An empty bucket, and the options to reach it."""
    system = fsspec.filesystem("s3", **server)
    system.invalidate_cache()
    if system.exists("shelf"):
        system.rm("shelf", recursive=True)
    system.mkdir("shelf")
    yield system, server
    system.invalidate_cache()


def test_a_bucket_holds_a_corpus_that_reads_and_verifies(
    built: Path, bucket: tuple[Any, dict[str, Any]], tmp_path: Path, home: Path
) -> None:
    _, options = bucket
    sent = publish(built, BUCKET, **options)
    count = sum(path.is_file() for path in built.rglob("*"))
    assert (sent.address, sent.files, sent.kept) == (f"{BUCKET}/small-1.0.0", count, 0)
    assert verify(sent.address, jobs=1, deep=True, **options).ok
    here, there = open_corpus(built), open_corpus(sent.address, **options)
    assert (here.read(3)["rainy"] == there.read(3)["rainy"]).all()
    fetch_manifest(sent.address, tmp_path / "fetched", **options)
    again = rebuild(tmp_path / "fetched", tmp_path, {"photos": str(home / "photos")})
    assert again.identical == again.compared == 4


def test_a_broken_upload_continues_and_sends_nothing_twice(
    built: Path, bucket: tuple[Any, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    system, options = bucket
    put = system.put_file
    calls: list[str] = []

    def fail_at_third(local: str, remote: str, **keywords: Any) -> Any:
        calls.append(remote)
        if len(calls) == 3:
            raise OSError("the line went dead")
        return put(local, remote, **keywords)

    monkeypatch.setattr(system, "put_file", fail_at_third)
    with pytest.raises(BuildError, match=r"sending data/.* failed: OSError: the line went dead; run the same command"):
        publish(built, BUCKET, **options)
    system.invalidate_cache()
    assert len(system.find("shelf")) == 2
    assert not system.exists(f"{BUCKET}/small-1.0.0/{CHECKSUMS}")
    sent = publish(built, BUCKET, **options)
    assert sent.kept == 2
    assert calls[-1].endswith(CHECKSUMS)
    assert publish(built, BUCKET, **options).files == 0
    assert verify(sent.address, jobs=1, **options).ok


def test_a_server_that_dies_is_named(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve() as (process, options):
        fsspec.filesystem("s3", **options).mkdir("shelf")
        write, count = module._Target.write, iter(range(99))

        def die_at_third(target: module._Target, path: str, local: Path) -> None:
            if next(count) == 2:
                process.kill()
                process.wait(timeout=20)
                target.system.retries = 1
            write(target, path, local)

        monkeypatch.setattr(module._Target, "write", die_at_third)
        with pytest.raises(
            BuildError, match=r"sending data/.* at s3://shelf/.* failed: .*; run the same command again"
        ):
            publish(built, BUCKET, config_kwargs={"retries": {"max_attempts": 0}}, **options)


def test_a_damaged_object_is_sent_again(built: Path, bucket: tuple[Any, dict[str, Any]]) -> None:
    system, options = bucket
    address = publish(built, BUCKET, **options).address
    place = f"{address}/data/train/small-train-000000.tar"
    size = system.info(place)["size"]
    system.pipe_file(place, bytes(size))
    system.rm(f"{address}/{CHECKSUMS}")
    assert publish(built, BUCKET, **options).files == 2
    assert verify(address, jobs=1, **options).ok


def test_large_files_go_in_parts_and_are_known_again(
    tmp_path: Path, bucket: tuple[Any, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    system, options = bucket
    monkeypatch.setattr(module, "PART", 5 << 20)
    large = tmp_path / "large"
    large.write_bytes(os.urandom(11 << 20))
    target = module._Target(BUCKET, options)
    target.write("large", large)
    system.invalidate_cache()
    assert system.info(f"{BUCKET}/large")["ETag"].strip('"').endswith("-3")
    assert target.holds("large", large, "")
    large.write_bytes(bytes(11 << 20))
    assert not target.holds("large", large, "")


@pytest.mark.parametrize("kind", ["folder", "memory"])
def test_other_file_systems(built: Path, tmp_path: Path, kind: str) -> None:
    address = str(tmp_path / "out") if kind == "folder" else f"memory://{tmp_path.name}"
    assert publish(built, address).kept == 0
    sent = publish(built, address)
    assert sent.files == 0
    assert verify(sent.address, jobs=1).ok
    if kind == "folder":
        assert not list((tmp_path / "out").rglob("*.part"))


def test_a_folder_never_shows_half_a_file(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.local import LocalFileSystem

    def half(self: Any, local: str, remote: str, **keywords: Any) -> None:
        data = Path(local).read_bytes()
        Path(remote).write_bytes(data[: len(data) // 2])
        raise OSError("no more")

    monkeypatch.setattr(LocalFileSystem, "put_file", half)
    with pytest.raises(BuildError, match="no more"):
        publish(built, str(tmp_path))
    monkeypatch.undo()
    files = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert all(name.startswith(".") for name in files)
    publish(built, str(tmp_path))
    assert verify(tmp_path / "small-1.0.0", jobs=1).ok


def test_changed_files_are_not_sent(built: Path, tmp_path: Path, copy_corpus: Callable[[Path], Path]) -> None:
    corpus = copy_corpus(built)
    shard = corpus / "data/train/small-train-000001.tar"
    data = bytearray(shard.read_bytes())
    data[600] ^= 1
    shard.write_bytes(data)
    with pytest.raises(IntegrityError, match=r"small-train-000001\.tar has SHA-256"):
        publish(corpus, str(tmp_path / "out"))
    assert not list((tmp_path / "out").rglob("small-train-000001.tar"))


def test_other_corpora_and_strangers_are_left_alone(built: Path, tmp_path: Path) -> None:
    target = tmp_path / "small-1.0.0"
    shutil.copytree(built, target)
    (target / CHECKSUMS).write_text("0" * 64 + "  README.md\n")
    with pytest.raises(BuildError, match="holds another corpus"):
        publish(built, str(tmp_path))
    (target / CHECKSUMS).unlink()
    (target / "data/train/stranger.tar").write_bytes(b"")
    with pytest.raises(BuildError, match=r"1 files that are not of this corpus, such as data/train/stranger\.tar"):
        publish(built, str(tmp_path))


def test_addresses_that_nothing_opens(built: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="cannot open nonsense://"):
        publish(built, "nonsense://x")
    with pytest.raises(IntegrityError, match="no finished corpus"):
        publish(tmp_path, str(tmp_path / "out"))


def test_the_command_prints_the_address_last(built: Path, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from rainkit.cli.release import command

    done = CliRunner().invoke(command, [str(built), str(tmp_path / "a"), "--manifest-only"])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == str(tmp_path / "a" / "small-1.0.0")
    assert not (tmp_path / "a/small-1.0.0/data").exists()
    done = CliRunner().invoke(command, [str(built), str(tmp_path / "b"), "--json"])
    assert json.loads(done.stdout)["files"] == sum(path.is_file() for path in built.rglob("*"))


def test_checksums_that_cannot_be_read_are_no_missing_checksums(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = publish(built, f"memory://{tmp_path.name}").address
    system = fsspec.filesystem("memory")
    fetch_manifest(address, tmp_path / "whole")
    read = system.cat_file

    def fail(path: str, *arguments: Any, **options: Any) -> bytes:
        if path.endswith(CHECKSUMS):
            raise OSError("503 Service Unavailable")
        return bytes(read(path, *arguments, **options))

    with monkeypatch.context() as patch:
        patch.setattr(type(system), "cat_file", lambda self, *arguments, **options: fail(*arguments, **options))
        with pytest.raises(SourceError, match=f"reading {CHECKSUMS} from .* failed: OSError: 503"):
            fetch_manifest(address, tmp_path / "broken")
    system.rm_file(f"{address.removeprefix('memory:/')}/{CHECKSUMS}")
    fetch_manifest(address, tmp_path / "none")
    assert not (tmp_path / "none" / CHECKSUMS).exists()
