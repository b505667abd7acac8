from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from rainkit.cli.train import command
from rainkit.errors import RecipeError, SourceError
from rainkit.images import encode_png
from rainkit.live import LiveCorpus
from rainkit.pipeline import build
from rainkit.recipe import load_recipe
from rainkit.release.virtual import release_manifest
from rainkit.sources import ProceduralSource
from rainkit.train.checkpoint import read_checkpoint

RECIPE = """\
rainkit: 1
name: {name}
version: 1.0.0
seed: {seed}
sources:
  {source}
backgrounds: {{min_size: 32}}
complexity: {{unit: patch}}
strata: {{method: quantile, count: 1}}
rain: {{small: {{kind: noise_blur}}}}
splits: {{train: {{share: 1, samples: 8, rain: small}}}}
samples: {{patch: 32, channels: [rainy, clean]}}
"""
DRAWN = "drawn: {kind: procedural, count: 3, size: 64, families: [dead_leaves]}"
SMALL = ["--batch", "3", "--patch", "16", "--set", "network.channels=4", "--set", "network.blocks=1"]
HERE = ["--device", "cpu", "--threads", "1"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [*map(str, arguments), *SMALL, *HERE], catch_exceptions=False)


def write_corpus(home: Path, name: str, source: str, seed: int = 1) -> Path:
    """Build a corpus and return the release of its manifest, without pictures."""
    (home / f"{name}.yaml").write_text(RECIPE.format(name=name, source=source, seed=seed))
    folder = build(load_recipe(home / f"{name}.yaml"), home / "corpora").folder
    return release_manifest(folder, home / "manifests")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return read_checkpoint(folder).tensors


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train-live")
    (folder / "photos").mkdir()
    for number, picture in enumerate(ProceduralSource(count=3, size=64, families=("dead_leaves",), seed=9)()):
        (folder / "photos" / f"{number}.png").write_bytes(encode_png(np.asarray(picture.read())))
    return folder


@pytest.fixture(scope="module")
def drawn(home: Path) -> Path:
    return write_corpus(home, "drawn", DRAWN)


@pytest.fixture(scope="module")
def photos(home: Path) -> Path:
    return write_corpus(home, "photos", "photos: {kind: folder, path: photos}", seed=2)


@pytest.fixture(autouse=True)
def _serial(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAINKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("rainkit.engines.available_cpus", lambda: 1)


def test_a_run_that_is_cut_off_and_resumed_ends_in_the_same_weights(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--live", "--steps", 8, "--save-every", 2]  # 24 pairs: the 8 of the manifest, and 16 new ones
    done = run(drawn, "-o", tmp_path / "whole", *options)
    assert done.stdout.splitlines()[-1] == str(tmp_path / "whole" / "step-000008.json")
    assert "live: 8 samples of the manifest, then new ones" in done.stderr
    read, reads = LiveCorpus.read, list[Any]()

    def fail(self: LiveCorpus, row: int | str, members: Any = None) -> dict[str, Any]:
        reads.append(row)
        if len(reads) == 18:
            raise KeyboardInterrupt
        return read(self, row, members)

    monkeypatch.setattr(LiveCorpus, "read", fail)
    cut = CliRunner().invoke(command, [str(drawn), "-o", str(tmp_path / "cut"), *map(str, options), *SMALL, *HERE])
    assert cut.exit_code != 0
    monkeypatch.setattr(LiveCorpus, "read", read)
    assert 0 < read_checkpoint(tmp_path / "cut").step < 8
    again = run(drawn, "-o", tmp_path / "cut", *options, "--resume", "--workers", 1, "--json")
    facts = json.loads(again.stdout)
    assert facts["live"] is True
    assert facts["step"] == 8
    whole, resumed = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_the_first_pass_trains_as_the_stored_corpus_does(drawn: Path, home: Path, tmp_path: Path) -> None:
    stored = home / "corpora" / drawn.name
    assert json.loads(run(stored, "-o", tmp_path / "a", "--steps", 2, "--json").stdout)["live"] is False
    run(drawn, "-o", tmp_path / "b", "--steps", 2, "--live")
    first, second = weights(tmp_path / "a"), weights(tmp_path / "b")
    assert all(torch.equal(first[name], second[name]) for name in first)
    run(stored, "-o", tmp_path / "c", "--steps", 6)
    run(drawn, "-o", tmp_path / "d", "--steps", 6, "--live")
    first, second = weights(tmp_path / "c"), weights(tmp_path / "d")
    assert not all(torch.equal(first[name], second[name]) for name in first)
    with pytest.raises(RecipeError, match=r"cannot resume another training.*training pairs"):
        run(stored, "-o", tmp_path / "d", "--steps", 6, "--resume")


def test_workers_share_backgrounds_that_are_decoded_before(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold, held = LiveCorpus.hold, list[int]()
    monkeypatch.setattr(LiveCorpus, "hold", lambda self, threads: held.append(hold(self, threads)))
    run(drawn, "-o", tmp_path / "alone", "--steps", 1, "--live")
    assert held == []
    run(drawn, "-o", tmp_path / "shared", "--steps", 1, "--live", "--workers", 1)
    assert held == [3]


def test_several_releases_each_with_its_sources(drawn: Path, photos: Path, home: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for path in (home / "photos").iterdir():
        shutil.copyfile(path, moved / f"again-{path.name}")
    done = run(drawn, photos, "-o", tmp_path / "run", "--steps", 2, "--live", "--source", f"photos={moved}",
               "--weight", 1, "--weight", 3, "--live-cache", 1, "--json")  # fmt: skip
    assert json.loads(done.stdout)["step"] == 2


def test_what_cannot_be_used_is_named(drawn: Path, photos: Path, home: Path, tmp_path: Path) -> None:
    run_folder = ["-o", tmp_path / "run", "--steps", 2]
    with pytest.raises(SourceError, match=r"3 of the 3 backgrounds .* --source photos=PATH"):
        run(photos, *run_folder, "--live")
    with pytest.raises(RecipeError, match="add --live"):
        run(home / "corpora" / drawn.name, *run_folder, "--source", f"photos={home}")
    with pytest.raises(RecipeError, match="no source named 'fotos'"):
        run(drawn, photos, *run_folder, "--live", "--source", f"fotos={home}")
    with pytest.raises(RecipeError, match="no split 'test': it has train"):
        run(drawn, *run_folder, "--live", "--split", "test")
    assert not (tmp_path / "run").exists()
