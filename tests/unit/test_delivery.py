"""A corpus that is built for an address: in memory, in a folder, and on a server that speaks the S3 protocol."""

from __future__ import annotations

import json
from pathlib import Path

import fsspec
import pytest

from rainkit.cli import main
from rainkit.data import open_corpus
from rainkit.delivery import build_at, default_stage
from rainkit.errors import BuildError
from rainkit.pipeline import build
from rainkit.recipe import Recipe, load_recipe
from rainkit.release import publish as publishing
from rainkit.release.checksums import CHECKSUMS
from rainkit.release.publish import publish
from rainkit.release.verify import verify
from rainkit.release.virtual import release_manifest

RECIPE = """\
rainkit: 1
name: sent
version: 1.0.0
seed: SEED
sources:
  drawn: {kind: procedural, count: 4, size: 96}
complexity: {unit: patch}
strata: {method: quantile, count: 2}
rain:
  light: {kind: noise_blur}
splits:
  train: {share: 1, samples: 6, rain: light}
samples: {patch: 48}
shards: {samples: 3}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.replace("SEED", "3"))
    return path


@pytest.fixture
def recipe(file: Path) -> Recipe:
    return load_recipe(file)


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"memory://{tmp_path.name}"


def test_the_corpus_at_the_address_is_that_of_a_folder(recipe: Recipe, address: str, tmp_path: Path) -> None:
    built = build_at(recipe, address, tmp_path / "stage")
    assert built.address == f"{address}/sent-1.0.0"
    assert (built.samples, built.shards, built.already) == (6, 2, False)
    assert verify(built.address, jobs=1, deep=True).ok
    here = build(recipe, tmp_path / "here").folder
    assert fsspec.filesystem("memory").cat(f"{built.address}/{CHECKSUMS}") == (here / CHECKSUMS).read_bytes()
    assert not [name for name in fsspec.filesystem("memory").find(built.address) if "/." in name]
    again = build_at(recipe, address, tmp_path / "elsewhere")
    assert (again.samples, again.shards, again.bytes, again.already) == (6, 2, built.bytes, True)
    assert not (tmp_path / "elsewhere").exists(), "nothing is built where the address has it all"


def test_what_was_cut_off_goes_on(
    recipe: Recipe, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, sent = publishing._Target.write, list[str]()

    def fail_at_second(target: publishing._Target, path: str, local: Path) -> None:
        sent.append(path)
        if len(sent) == 2:
            raise BuildError("the line went dead")
        write(target, path, local)

    monkeypatch.setattr(publishing._Target, "write", fail_at_second)
    with pytest.raises(BuildError, match="the line went dead"):
        build_at(recipe, address, tmp_path / "stage")
    shard = next((tmp_path / "stage").rglob("*.tar"))
    drawn = shard.stat().st_mtime_ns
    built = build_at(recipe, address, tmp_path / "stage")
    assert shard.stat().st_mtime_ns == drawn, "drawn once"
    assert len(sent) == len(set(sent)) + 1, "what had arrived is not sent again"
    assert len(open_corpus(built.address)) == 6


def test_other_corpora_at_the_address_are_found_before_anything_is_drawn(
    recipe: Recipe, file: Path, address: str, tmp_path: Path
) -> None:
    corpus = build_at(recipe, address, tmp_path / "stage").folder
    file.write_text(RECIPE.replace("SEED", "4"))
    with pytest.raises(BuildError, match=r"sent-1.0.0 belongs to another recipe; raise `version`"):
        build_at(load_recipe(file), address, tmp_path / "other")
    publish(release_manifest(corpus, tmp_path / "manifest"), f"{address}-manifests")
    with pytest.raises(BuildError, match="holds the manifest of the corpus alone"):
        build_at(recipe, f"{address}-manifests", tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("address", ["nonsense://b", "http://127.0.0.1:9/b"])
def test_an_address_that_takes_nothing_is_told_before_anything_is_drawn(
    recipe: Recipe, address: str, tmp_path: Path
) -> None:
    with pytest.raises(BuildError, match=f"{address}/sent-1.0.0"):
        build_at(recipe, address, tmp_path / "stage")
    assert not (tmp_path / "stage").exists()


def test_an_address_that_refuses_writing_is_told_before_anything_is_drawn(
    recipe: Recipe, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(system: object, path: str, data: bytes) -> None:
        raise PermissionError("read only")

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "pipe_file", refuse)
    with pytest.raises(BuildError, match=r"cannot write to memory://.*: PermissionError: read only; nothing"):
        build_at(recipe, address, tmp_path / "stage")
    assert not (tmp_path / "stage").exists()


def test_the_command_prints_the_address_last(
    file: Path, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAINKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    place = default_stage(load_recipe(file), address)
    assert place.is_relative_to(tmp_path / "cache")
    with pytest.raises(SystemExit) as caught:
        main(["build", str(file), "-o", address, "--engine", "serial"])
    out = capsys.readouterr()
    assert caught.value.code == 0
    assert out.out.splitlines()[-1] == f"{address}/sent-1.0.0"
    assert f"stage of {address}: {place}" in out.err
    assert not place.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "recipe.yaml"]
    with pytest.raises(SystemExit):
        main(["build", str(file), "-o", f"{address}-2", "--engine", "serial", "--stage", "stage", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert (said["address"], said["folder"]) == (f"{address}-2/sent-1.0.0", "stage/sent-1.0.0")
    assert (tmp_path / "stage/sent-1.0.0" / CHECKSUMS).exists()


def test_a_corpus_is_extended_at_an_address(
    recipe: Recipe, file: Path, address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older = build(recipe, tmp_path / "older").folder
    file.write_text(file.read_text().replace("1.0.0", "1.1.0").replace("samples: 6", "samples: 9"))
    stage = tmp_path / "stage"
    with pytest.raises(SystemExit) as caught:
        main(["extend", str(older), str(file), "-o", address, "--stage", str(stage), "--engine", "serial"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{address}/sent-1.1.0"
    assert verify(f"{address}/sent-1.1.0", jobs=1).ok
    assert (
        open_corpus(f"{address}/sent-1.1.0").samples["key"].to_pylist()[:6]
        == open_corpus(older).samples["key"].to_pylist()
    )
