from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rainkit.errors import BuildError, IntegrityError
from rainkit.release.checksums import CHECKSUMS, parse_checksums, read_checksums
from rainkit.release.verify import verify
from rainkit.release.virtual import release_manifest


def test_a_manifest_alone_is_a_release(built: Path, tmp_path: Path) -> None:
    virtual = release_manifest(built, tmp_path / "out")
    files = sorted(path.relative_to(virtual).as_posix() for path in virtual.rglob("*") if path.is_file())
    tables = [f"metadata/{name}.parquet" for name in ("backgrounds", "refused", "samples")]
    page = "report/index.html"
    assert files == ["README.md", CHECKSUMS, "croissant.json", *tables, "recipe.yaml", page, "shards.sha256"]
    assert "data:image/png" not in (virtual / page).read_text(), "pictures that may not be passed on"
    assert verify(virtual, jobs=1).ok
    shards = parse_checksums((virtual / "shards.sha256").read_text())
    assert shards == {path: digest for path, digest in read_checksums(built).items() if path.startswith("data/")}
    text = (virtual / "README.md").read_text()
    assert "no pictures" in text
    assert "--source photos=FOLDER" in text
    assert "--source drawn" not in text, "what rainkit draws has no place, and the command would refuse it"
    assert "data/train" not in text, "there are no shards to load"


def test_a_release_of_a_release_keeps_the_digests_of_shards(built: Path, tmp_path: Path) -> None:
    first = release_manifest(built, tmp_path / "a")
    second = release_manifest(first, tmp_path / "b")
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


def test_nothing_is_overwritten(built: Path, tmp_path: Path) -> None:
    release_manifest(built, tmp_path)
    with pytest.raises(BuildError, match="exists"):
        release_manifest(built, tmp_path)


def test_unfinished_and_damaged_corpora_are_refused(
    built: Path, tmp_path: Path, copy_corpus: Callable[[Path], Path]
) -> None:
    corpus = copy_corpus(built)
    (corpus / "metadata/refused.parquet").unlink()
    with pytest.raises(IntegrityError, match=r"lacks refused\.parquet"):
        release_manifest(corpus, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    (corpus / CHECKSUMS).unlink()
    with pytest.raises(IntegrityError, match="no finished corpus"):
        release_manifest(corpus, tmp_path / "out")
