"""`rainkit verify` and `rainkit export` print results, name problems, and exit as they should."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from rainkit.cli import main

Make = Callable[..., Path]


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_verify_a_sound_corpus(make_corpus: Make, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", str(make_corpus()), "--deep") == 0
    out = capsys.readouterr()
    assert "tiny-1.0.0: sound" in out.out
    assert "40 members decoded" in out.out
    assert out.err == ""


def test_verify_a_damaged_corpus(make_corpus: Make, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = make_corpus()
    for number in range(8):
        (folder / f"extra-{number}.txt").write_text("")
    shard = folder / "data/train/tiny-train-000001.tar"
    shard.write_bytes(shard.read_bytes()[:-512])
    assert run("verify", str(folder), "--output", str(tmp_path / "report.json")) == 1
    out = capsys.readouterr().out
    assert "extra-0.txt is not in checksums.sha256" in out
    assert "... and 3 more" in out
    assert "changed: a file has other bytes" in out
    assert "NOT sound" in out
    assert json.loads((tmp_path / "report.json").read_text())["ok"] is False
    assert run("verify", str(folder), "--json") == 1
    assert len(json.loads(capsys.readouterr().out)["problems"]) >= 10


def test_verify_draws_samples_again(
    make_corpus: Make,
    expected_arrays: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = make_corpus()

    def redrawer(corpus: Path, sources: dict[str, str]) -> Callable[[Sequence[Mapping[str, Any]]], Any]:
        assert (corpus, sources) == (folder, {"photos": "/data"})
        change = 0 if len(list(folder.glob("data/*"))) == 2 else 1
        return lambda rows: ({n: a ^ change for n, a in expected_arrays(row["key"], 24, 32).items()} for row in rows)

    monkeypatch.setattr("rainkit.release.redraw.redrawer", redrawer)
    options = ("--redraw", "3", "--seed", "5", "--source", "photos=/data")
    assert run("verify", str(folder), *options) == 0
    assert "3 samples drawn again" in capsys.readouterr().out
    (folder / "data/.hidden").mkdir()
    assert run("verify", str(folder), *options) == 1
    assert "redraw: a sample drawn again from its background is another one" in capsys.readouterr().out


def test_verify_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", str(tmp_path)) == 1
    assert "is not a corpus" in capsys.readouterr().err


def test_export(make_corpus: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "pairs"
    assert run("export", str(make_corpus()), str(out), "--layout", "rainy-gt", "--split", "validation") == 0
    assert len(list((out / "validation/gt").iterdir())) == 3
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    assert run("export", str(tmp_path / "tiny-1.0.0"), str(tmp_path / "more"), "--json") == 0
    assert json.loads(capsys.readouterr().out)["pairs"] == {"train": 7, "validation": 3}


def test_export_with_a_wrong_layout(make_corpus: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", str(make_corpus()), str(tmp_path / "out"), "--layout", "other") == 2
    assert "choose one of" in capsys.readouterr().err
