from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rainkit.cli.train import command
from rainkit.errors import RecipeError
from rainkit.train.checkpoint import read_checkpoint

SMALL = ["--steps", "4", "--batch", "2", "--patch", "16", "--set", "network.channels=4", "--set", "network.blocks=1"]
HERE = ["--device", "cpu", "--threads", "1"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments, *SMALL, *HERE], catch_exceptions=False)


def test_trains_resumes_and_ends_with_the_checkpoint(make_corpus: Callable[..., Path], tmp_path: Path) -> None:
    corpus, folder = str(make_corpus()), tmp_path / "run"
    done = run(corpus, "-o", str(folder), "--set", "learning_rate=5e-4", "--set", "ema=0.9")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == str(folder / "step-000004.json")
    assert "1,176 weights" in done.stderr
    checkpoint = read_checkpoint(folder)
    assert checkpoint.config.learning_rate == 5e-4
    assert checkpoint.config.ema == 0.9
    assert checkpoint.config.network.channels == 4
    with pytest.raises(RecipeError, match="already holds a training"):
        run(corpus, "-o", str(folder))
    again = run(corpus, "-o", str(folder), "--set", "learning_rate=5e-4", "--set", "ema=0.9", "--resume", "--json")
    assert json.loads(again.stdout)["checkpoint"] == str(folder / "step-000004.json")


def test_several_corpora_with_weights(make_corpus: Callable[..., Path], tmp_path: Path) -> None:
    corpora = [str(make_corpus()), str(make_corpus("other-1.0.0", size=(40, 40)))]
    done = run(*corpora, "--weight", "3", "--weight", "1", "-o", str(tmp_path / "run"), "--json")
    facts = json.loads(done.stdout)
    assert facts["step"] == 4
    assert facts["parameters"] == 1176
    with pytest.raises(RecipeError, match="1 --weight for 2 corpora"):
        run(*corpora, "--weight", "3", "-o", str(tmp_path / "other"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--split", "test"], "no sample has split test: this corpus has split train, validation"),
        (["--network", "huge"], "network huge: not a preset; there are tiny, base, paper"),
        (["--set", "learning_rate=-1"], "learning_rate: Input should be greater than 0"),
        (["--set", "learning_rate=1e38"], "learning_rate: Input should be less than or equal to 1000"),
        (["--seed", str(2**64)], "seed: Input should be less than"),
        (["--set", "network=unet"], r"network: no setting; .* preset \(tiny, base, paper, unet, nafnet\)"),
        (["--set", "network.kind=unet"], r"network\.kind: no setting; a network is chosen by the name"),
        (["--weight", "nan"], r"weights above zero, not \[nan\]"),
        (["--set", "network.depth=3"], r"network\.depth: no such setting; settings are steps, .* network\.channels, "),
        (
            ["--set", "learning_rat=1", "--set", "network.chanels=3"],
            r"network\.chanels: no such setting, did you mean 'network.channels'\?; "
            r"learning_rat: no such setting, did you mean 'learning_rate'\?; settings are steps, batch, ",
        ),
        (["--set", "ema"], "write NAME=VALUE"),
        (["--set", "=3"], "write NAME=VALUE"),
        (["--set", "flip=["], r"--set flip=\[: '\[' is no value; write NAME=VALUE"),
        (["--patch", "64"], None),
    ],
)
def test_options_that_cannot_be_used_are_named(
    make_corpus: Callable[..., Path], tmp_path: Path, arguments: list[str], message: Any
) -> None:
    if message is None:  # the patch of SMALL comes later and would win
        parts = [*SMALL]
        parts[parts.index("16")] = "64"
        with pytest.raises(RecipeError, match="at least 64 px"):
            CliRunner().invoke(
                command, [str(make_corpus()), "-o", str(tmp_path / "run"), *parts, *HERE], catch_exceptions=False
            )
        assert not (tmp_path / "run").exists()
        return
    with pytest.raises(RecipeError, match=message):
        run(str(make_corpus()), "-o", str(tmp_path / "run"), *arguments)


@pytest.mark.parametrize(
    "wrong",
    [("--threads", "0"), ("--workers", "-1"), ("--save-every", "0"), ("--steps", "0"), ("--batch", "0"),
     ("--patch", "7")],
)  # fmt: skip
def test_numbers_out_of_range_are_a_matter_of_usage(
    make_corpus: Callable[..., Path], tmp_path: Path, wrong: tuple[str, str]
) -> None:
    done = CliRunner().invoke(
        command, [str(make_corpus()), "-o", str(tmp_path / "run"), *SMALL, *HERE, *wrong], catch_exceptions=False
    )
    assert done.exit_code == 2
    assert f"'{wrong[0]}'" in done.stderr
    assert "is not in the range" in done.stderr
    assert not (tmp_path / "run").exists()
