"""The page of a corpus that the command line built, rebuilt, released and looked at."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]

PAGE = "report/index.html"


def test_a_corpus_is_looked_at(rainkit: Run, corpus: Path, tmp_path: Path) -> None:
    done = rainkit("view", corpus)
    assert done.stdout == f"{corpus / PAGE}\n"
    assert f"{corpus.name}: the corpus" in Path(done.stdout.strip()).read_text()
    rainkit("view", corpus, "--rain", "heavy", "--split", "train", "-o", tmp_path / "heavy.html")
    text = (tmp_path / "heavy.html").read_text()
    found = json.loads(rainkit("view", corpus, "--rain", "heavy", "--split", "train", "--json").stdout)
    assert {row["rain"] for row in found["samples"]} == {"heavy"}
    assert {row["stratum"] for row in found["samples"]} == {0, 1, 2}
    assert all(row["key"] in text for row in found["samples"])
    assert text.count("<figure") == len(found["samples"]) == 24


def test_a_rebuilt_corpus_has_the_same_page(rainkit: Run, corpus: Path, tmp_path: Path) -> None:
    rainkit("release", corpus, tmp_path / "manifests", "--manifest-only")
    manifest = tmp_path / "manifests" / corpus.name
    assert "<figure" not in (manifest / PAGE).read_text()
    assert rainkit("view", manifest).stdout == f"{manifest / PAGE}\n"
    rainkit("rebuild", manifest, "-o", tmp_path / "again")
    assert (tmp_path / "again" / corpus.name / PAGE).read_bytes() == (corpus / PAGE).read_bytes()
    rainkit("verify", manifest)


def test_an_altered_page_is_found(rainkit: Run, corpus: Path, tmp_path: Path) -> None:
    rainkit("release", corpus, tmp_path)
    page = tmp_path / corpus.name / PAGE
    page.write_text(page.read_text().replace("Stratum 0", "Stratum 1", 1))
    done = rainkit("verify", tmp_path / corpus.name, code=1)
    assert f"{PAGE} has SHA-256" in done.stdout
