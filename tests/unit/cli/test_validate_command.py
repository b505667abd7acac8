"""`rainkit validate` before it judges: the verdict must have a place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from rainkit.cli.validate import command
from rainkit.errors import BuildError


def test_a_verdict_without_a_place_is_said_before_anything_is_judged(
    make_corpus: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = make_corpus()
    monkeypatch.setattr("rainkit.train.validate.validate", None)
    with pytest.raises(BuildError, match=r"cannot write v\.json in .*nowhere: .*the folder does not exist"):
        CliRunner().invoke(command, [str(corpus), "-o", str(tmp_path / "nowhere" / "v.json")], catch_exceptions=False)

    def refuse(path: Path) -> None:
        raise BuildError(f"cannot write {path}")

    monkeypatch.setattr("rainkit.files.require_writable", refuse)
    with pytest.raises(BuildError, match=f"cannot write {corpus / 'validation.json'}"):
        CliRunner().invoke(command, [str(corpus)], catch_exceptions=False)
