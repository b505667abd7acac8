"""The one place where errors become exit codes."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import click
import pytest

from rainkit import cli
from rainkit.errors import BuildError, RecipeError


def run(monkeypatch: pytest.MonkeyPatch, deed: Callable[[], Any]) -> int:
    """Run the group with a command that does one thing, and return the exit status."""

    @click.command()
    def command() -> None:
        deed()

    monkeypatch.setattr(cli._Group, "get_command", lambda self, context, name: command)
    with pytest.raises(SystemExit) as caught:
        cli.main(["build"])
    return int(caught.value.code or 0)


def throw(error: BaseException) -> Callable[[], Any]:
    def deed() -> None:
        raise error

    return deed


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (BuildError("it failed"), 1, "rainkit: it failed"),
        (RecipeError("it is wrong"), 2, "rainkit: it is wrong"),
        (KeyboardInterrupt(), 130, "rainkit: interrupted"),
        (ModuleNotFoundError("no", name="torch.nn"), 1, "pip install 'rainkit[train]'"),
        (OSError(errno.ENOSPC, "No space left on device", "/disk/x"), 1, "device (/disk/x); free the space or"),
        (PermissionError(errno.EACCES, "Permission denied", "/disk/x"), 1, "denied (/disk/x); give yourself the right"),
    ],
)
def test_errors_become_one_message_and_a_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, words: str
) -> None:
    assert run(monkeypatch, throw(error)) == code
    said = capsys.readouterr()
    assert words in said.err
    assert said.out == ""


@pytest.mark.parametrize("error", [ModuleNotFoundError("no", name="rainkit.nothing"), ZeroDivisionError()])
def test_what_is_our_fault_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    monkeypatch.setattr(
        cli._Group, "get_command", lambda self, context, name: click.Command(name, callback=throw(error))
    )
    with pytest.raises(type(error)):
        cli.main(["build"])


def test_a_wrong_command_gets_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["biuld"])
    assert caught.value.code == 2
    assert "Did you mean 'build'?" in capsys.readouterr().err


def test_every_extra_is_one_of_the_distribution() -> None:
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert set(cli.EXTRAS.values()) <= set(project["optional-dependencies"])
