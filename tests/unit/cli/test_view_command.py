"""`rainkit view` says where the page of a corpus is, and writes pages of chosen samples."""

from __future__ import annotations

import json
import shutil
import webbrowser
from collections.abc import Callable
from pathlib import Path

import pytest

from rainkit.cli import main
from rainkit.release.checksums import write_checksums
from rainkit.release.page import PAGE, write_page

Make = Callable[..., Path]
Captured = pytest.CaptureFixture[str]


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["view", *arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.fixture
def corpus(make_corpus: Make) -> Path:
    """A corpus with its page."""
    folder = make_corpus()
    write_page(folder, pictures=True)
    write_checksums(folder)
    return folder


def test_the_path_of_the_page(corpus: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    assert run(str(corpus)) == 0
    assert capsys.readouterr().out == f"{corpus / PAGE}\n"
    assert opened == []
    assert run(str(corpus), "--open") == 0
    assert opened == [(corpus / PAGE).as_uri()]


def test_the_whole_page_written_elsewhere_is_the_same(corpus: Path, tmp_path: Path, capsys: Captured) -> None:
    target = tmp_path / "page.html"
    assert run(str(corpus), "-o", str(target)) == 0
    assert target.read_bytes() == (corpus / PAGE).read_bytes()
    out = capsys.readouterr()
    assert out.out == f"{target}\n"
    assert out.err == "10 of 10 samples, 3 shown\n"


def test_chosen_samples(corpus: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(str(corpus), "--split", "train", "--stratum", "0", "--rain", "small") == 0
    assert capsys.readouterr().out == "view.html\n"
    text = (tmp_path / "view.html").read_text()
    assert all(key in text for key in ("train-00000", "train-00003", "train-00006"))
    assert not any(key in text for key in ("train-00001", "validation-00000"))


def test_the_limit(corpus: Path, capsys: Captured) -> None:
    assert run(str(corpus), "--limit", "7", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["samples"]) == 6  # two of each stratum
    assert run(str(corpus), "--split", "train", "--worst", "5", "--limit", "2", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["samples"]) == 2


def test_rows_as_json(corpus: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(str(corpus), "--key", "train-00002", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["page"], found["matching"], found["total"]) == (None, 1, 10)
    (row,) = found["samples"]
    assert (row["key"], row["split"], row["stratum"]) == ("train-00002", "train", 2)
    assert isinstance(row["rain_params"]["angle"], float)
    assert "rainy_offset" not in row
    assert [path.name for path in tmp_path.iterdir()] == [corpus.name]
    assert run(str(corpus), "--worst", "4", "--json", "-o", "worst.html") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["page"] == "worst.html"
    assert len(found["samples"]) == 4
    assert (tmp_path / "worst.html").read_text().count("<figure") == 4


def test_what_is_not_there_is_named(corpus: Path, tmp_path: Path, capsys: Captured) -> None:
    assert run(str(corpus), "--rain", "hail") == 2
    assert "has no rain 'hail': it has small" in capsys.readouterr().err
    assert run(str(tmp_path / "nowhere")) == 1
    assert "is not a corpus, or its build is not finished" in capsys.readouterr().err
    (corpus / PAGE).unlink()
    assert run(str(corpus)) == 1
    assert f"has no {PAGE}; write one elsewhere with --output FILE" in capsys.readouterr().err


def test_a_manifest_alone_lists_rows(corpus: Path, tmp_path: Path, capsys: Captured) -> None:
    shutil.rmtree(corpus / "data")
    write_checksums(corpus)
    assert run(str(corpus), "--split", "validation", "-o", str(tmp_path / "page.html")) == 0
    assert "data:image" not in (tmp_path / "page.html").read_text()
    assert "3 of 10 samples, 3 shown" in capsys.readouterr().err


def test_shards_that_are_gone_are_named(corpus: Path, tmp_path: Path, capsys: Captured) -> None:
    shutil.rmtree(corpus / "data")
    assert run(str(corpus), "--split", "train", "-o", str(tmp_path / "page.html")) == 1
    assert "cannot read data/train/tiny-train-000000.tar" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()


def test_a_corpus_at_an_address(corpus: Path, tmp_path: Path, capsys: Captured) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.put(str(corpus), "/view/tiny-1.0.0", recursive=True)
    try:
        assert run("memory://view/tiny-1.0.0") == 0
        assert capsys.readouterr().out == f"memory://view/tiny-1.0.0/{PAGE}\n"
        assert run("memory://view/tiny-1.0.0", "-o", str(tmp_path / "page.html")) == 0
        assert (tmp_path / "page.html").read_bytes() == (corpus / PAGE).read_bytes()
    finally:
        memory.rm("/view", recursive=True)
