"""Paths of this machine: an address is refused before anything is read or made."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rainkit.cli import main

RECIPE = """\
rainkit: 1
name: photos
version: 1.0.0
seed: 3
sources:
  photos: {kind: folder, path: PLACE}
complexity: {unit: patch}
strata: {method: quantile, count: 3}
rain:
  light: {kind: noise_blur}
splits:
  train: {share: 1, samples: 10, rain: light}
samples: {patch: 48}
"""


@pytest.mark.parametrize(
    "arguments",
    [
        "build s3://b/recipe.yaml",
        "plan recipe.yaml --output s3://b/plan.parquet",
        "export corpus memory://zz",
        "release http://h/corpus out",
        "extend http://h/corpus recipe.yaml",
        "leaks http://h/pictures",
        "leaks . http://h/pictures",
        "score photos=s3://b/pictures",
        "score . -o s3://b/scores",
        "preview s3://b/recipe.yaml",
        "preview --image http://h/street.jpg",
        "preview -o memory://sheet.png",
        "view corpus -o memory://view.html",
        "init memory://folder",
        "rebuild manifest -o s3://b/corpora",
        "diff http://h/a http://h/b",
        "verify corpus --output s3://b/report.json",
        "train corpus -o s3://b/run",
        "evaluate run --pictures s3://b/photos",
        "study s3://b/study.yaml",
        "validate corpus -o s3://b/verdict.json",
    ],
)
def test_an_address_is_refused_where_a_path_is_needed(
    arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    with pytest.raises(SystemExit) as caught:
        main(arguments.split())
    assert caught.value.code == 2
    address = next(word for word in arguments.split() if "://" in word)
    assert f"{address} is an address, and a path of this machine is needed" in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*")] == ["recipe.yaml"]


@pytest.mark.parametrize("moved", [True, False])
def test_a_source_at_an_address_is_refused(
    tmp_path: Path, moved: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("PLACE", "pictures" if moved else "https://h/x"))
    with pytest.raises(SystemExit) as caught:
        main(["plan", "recipe.yaml", *(["--source", "photos=https://h/x"] if moved else [])])
    assert caught.value.code == 2
    err = capsys.readouterr().err
    assert "h/x is an address" in err
    assert "copy the files here, then --source photos=FOLDER" in err


@pytest.mark.parametrize(
    ("arguments", "module", "extra"),
    [
        ("study study.yaml", "torch", "train"),
        ("study study.yaml", "matplotlib", "report"),
        ("validate corpus", "safetensors", "train"),
    ],
)
def test_what_is_not_installed_is_said_before_anything_is_built(
    *, arguments: str, module: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    indented = RECIPE.replace("kind: folder, path: PLACE", "kind: procedural, count: 8").replace("\n", "\n  ")
    tests = "tests: {again: {split: test, role: seen}}\ngrids: {main: {}}\n"
    held = indented.replace("share: 1,", "share: 0.5,").replace("rain: light}", "rain: light}\n    test: *train", 1)
    held = held.replace("train: {", "train: &train {")
    (tmp_path / "study.yaml").write_text(f"study: 1\nname: small\n{tests}recipe:\n  {held.rstrip()}\n")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SystemExit) as caught:
        main(arguments.split())
    assert caught.value.code == 1
    assert f"this needs {module}: pip install 'rainkit[{extra}]'" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]
