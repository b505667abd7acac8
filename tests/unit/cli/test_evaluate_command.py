from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from rainkit import images
from rainkit.cli.evaluate import command
from rainkit.data.corpus import open_corpus
from rainkit.errors import BuildError, RecipeError, SourceError
from rainkit.train.checkpoint import write_checkpoint
from rainkit.train.config import Training
from rainkit.train.metrics import METRICS
from rainkit.train.networks import Residual


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A network that does nothing: fresh weights are the identity."""
    config = Training(network=Residual(channels=4, blocks=1))
    tensors = {f"network.{name}": tensor for name, tensor in config.network().state_dict().items()}
    return write_checkpoint(tmp_path, 3, config, "0" * 64, tensors)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [*map(str, arguments), "--device", "cpu"], catch_exceptions=False)


def test_a_corpus_split_is_written_and_shown(
    make_corpus: Callable[..., Path], checkpoint: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    done = run(checkpoint, "--corpus", make_corpus(), "--split", "validation", "--by", "split,stratum", "-o", output)
    assert done.exit_code == 0
    assert "split validation, stratum 0" in done.stdout
    assert all(name in done.stdout for name in METRICS)
    assert "above 3 levels" in done.stdout
    assert done.stdout.splitlines()[-1] == str(output)
    table = pq.read_table(output / "samples.parquet")
    assert table.num_rows == 3 * 4
    summary = json.loads((output / "summary.json").read_text())
    assert summary["settings"]["mask_threshold"] == 3
    assert {group["method"] for group in summary["groups"]} == {"input", "median", "guided", "network"}
    sheet = images.decode((output / "sheet.png").read_bytes())
    assert sheet.shape[0] > 3 * 24


def test_pairs_in_folders_and_json(make_corpus: Callable[..., Path], checkpoint: Path, tmp_path: Path) -> None:
    corpus = open_corpus(make_corpus())
    for number in range(3):
        sample = corpus.read(number)
        for folder, name in (("input", "rainy"), ("target", "clean")):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{number}.png").write_bytes(images.encode_png(sample[name]))
    by_two = json.loads(run(checkpoint, "--pairs", tmp_path / "input", tmp_path / "target", "--json").stdout)
    by_root = json.loads(run(checkpoint, "--pairs-in", tmp_path, "--json").stdout)
    assert by_two["groups"] == by_root["groups"]
    scores = {group["method"]: group["metrics"]["psnr_y"] for group in by_two["groups"]}
    assert scores["network"] == scores["input"]
    assert scores["input"]["samples"] == 3
    assert (
        json.loads(run(checkpoint, "--pairs-in", tmp_path, "--limit", 2, "--json").stdout)["groups"][0]["metrics"][
            "psnr_y"
        ]["samples"]
        == 2
    )


def test_pictures_without_truth_become_results_only(
    make_corpus: Callable[..., Path], checkpoint: Path, tmp_path: Path
) -> None:
    rainy = open_corpus(make_corpus()).read(0)["rainy"]
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(images.encode_png(rainy))
    done = run(checkpoint, "--pictures", folder, "-o", tmp_path / "out")
    assert done.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out" / "results").iterdir()) == ["a.png", "b.png"]
    assert (images.decode((tmp_path / "out" / "results" / "a.png").read_bytes()) == rainy).all()
    assert not (tmp_path / "out" / "sheet.png").exists()
    assert run(checkpoint, "--pictures", folder).exit_code == 2


def test_what_cannot_be_judged_is_said(make_corpus: Callable[..., Path], checkpoint: Path, tmp_path: Path) -> None:
    corpus = make_corpus()
    assert run(checkpoint).exit_code == 2
    assert run(checkpoint, "--corpus", corpus, "--pictures", tmp_path).exit_code == 2
    assert run(checkpoint, "--corpus", corpus, "--by", "colour").exit_code == 2
    assert "--split is of a corpus" in run(checkpoint, "--pairs-in", tmp_path, "--split", "validation").stderr
    with pytest.raises(RecipeError, match="has split train, validation"):
        run(checkpoint, "--corpus", corpus, "--split", "test")
    with pytest.raises(SourceError, match="no checkpoint there"):
        run(tmp_path / "nothing", "--corpus", corpus)


@pytest.mark.parametrize(
    "wrong", [("--limit", "-3"), ("--limit", "0"), ("--threshold", "-5"), ("--threshold", "255"), ("--tile", "0")]
)
def test_numbers_out_of_range_are_a_matter_of_usage(
    make_corpus: Callable[..., Path], checkpoint: Path, wrong: tuple[str, str]
) -> None:
    done = run(checkpoint, "--corpus", make_corpus(), *wrong)
    assert done.exit_code == 2
    assert f"'{wrong[0]}'" in done.stderr
    assert "is not in the range" in done.stderr


def test_a_place_that_cannot_be_written_is_said_before_anything_is_judged(
    make_corpus: Callable[..., Path], checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    corpus = make_corpus()
    monkeypatch.setattr("rainkit.train.evaluate.evaluate", None)
    with pytest.raises(BuildError, match=r"cannot write out in .*a part of the path is a file"):
        run(checkpoint, "--corpus", corpus, "-o", tmp_path / "file" / "out")

    def refuse(path: Path) -> None:
        raise BuildError(f"cannot write {path.name}")

    (tmp_path / "there").mkdir()
    monkeypatch.setattr("rainkit.files.require_writable", refuse)
    with pytest.raises(BuildError, match=r"cannot write samples\.parquet"):
        run(checkpoint, "--corpus", corpus, "-o", tmp_path / "there")
