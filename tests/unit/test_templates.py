"""Templates escape what they are given, and fail where something is missing."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import pytest

from rainkit.templates import load_template


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    folder = tmp_path / "pages_of_a_test" / "templates"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "page.html").write_text("<b>{{ name | twice }}</b>")
    monkeypatch.syspath_prepend(tmp_path)
    return "pages_of_a_test"


def test_values_are_escaped_and_filtered(package: str) -> None:
    template = load_template(package, "page.html", twice=lambda text: text * 2)
    assert template.render(name="<i>") == "<b>&lt;i&gt;&lt;i&gt;</b>"


def test_a_missing_value_is_an_error(package: str) -> None:
    with pytest.raises(jinja2.UndefinedError, match=re.escape("'name' is undefined")):
        load_template(package, "page.html", twice=str).render()
