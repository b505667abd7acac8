"""Checksums name every file of a corpus, and nothing outside it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from rainkit.errors import IntegrityError
from rainkit.release.checksums import CHECKSUMS, hash_file, list_files, parse_checksums, write_checksums


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("README.md", "data/train/b-1.tar", "data/train/a.tar", "data-x", "metadata/samples.parquet"):
        path = tmp_path / "corpus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 1000)
    for name in (".rainkit/state", "validation.json", ".nv-meta/index.sqlite", "data/train/.a.tar.part"):
        path = tmp_path / "corpus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not part of it")
    return tmp_path / "corpus"


def test_files_are_listed_sorted_without_what_comes_later(folder: Path) -> None:
    expected = ["README.md", "data-x", "data/train/a.tar", "data/train/b-1.tar", "metadata/samples.parquet"]
    assert list(list_files(folder)) == expected
    write_checksums(folder)
    assert list(list_files(folder)) == expected


def test_round_trip(folder: Path) -> None:
    digests = write_checksums(folder)
    assert parse_checksums((folder / CHECKSUMS).read_text()) == digests
    assert digests["README.md"] == hashlib.sha256(b"README.md" * 1000).hexdigest()
    assert hash_file(folder / "README.md") == (digests["README.md"], 9000)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_sha256sum_checks_it(folder: Path) -> None:
    write_checksums(folder)
    subprocess.run(["sha256sum", "--strict", "--status", "-c", CHECKSUMS], cwd=folder, check=True)
    (folder / "data-x").write_bytes(b"changed")
    assert subprocess.run(["sha256sum", "--status", "-c", CHECKSUMS], cwd=folder, check=False).returncode == 1


def test_known_digests_are_taken_over(folder: Path) -> None:
    digests = write_checksums(folder, {"data/train/a.tar": "0" * 64})
    assert digests["data/train/a.tar"] == "0" * 64
    assert digests["data/train/b-1.tar"] == hash_file(folder / "data/train/b-1.tar")[0]


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"")
    (folder / "link").symlink_to(tmp_path / "outside")
    assert "link" in list(list_files(folder))
    assert not any(name.startswith("link/") for name in list_files(folder))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("abc  README.md\n", "line 1: expected 64"),
        (f"{'0' * 64}  a\n{'0' * 64} a\n", "line 2: expected 64"),
        (f"{'0' * 64}  /etc/passwd\n", "line 1: path '/etc/passwd' is absolute"),
        (f"{'0' * 64}  data/../../x\n", "climbs"),
        (f"{'0' * 64}  a\n{'1' * 64}  a\n", "line 2: a appears twice"),
    ],
)
def test_malformed_lines_are_named(text: str, words: str) -> None:
    with pytest.raises(IntegrityError, match=words):
        parse_checksums(text)
