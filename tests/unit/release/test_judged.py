"""The verdict of `rainkit validate` in the card of a release."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest

from rainkit.errors import BuildError, IntegrityError
from rainkit.release.checksums import CHECKSUMS
from rainkit.release.judged import HEADING
from rainkit.release.publish import publish
from rainkit.release.verify import verify
from rainkit.train.gates import Finding
from rainkit.train.verdict import BUDGETS, NAME, Verdict, write_verdict

Copy = Callable[[Path], Path]


def judge(corpus: Path, reason: str = "all is | well", passed: bool = True) -> None:
    """Write a verdict on a corpus as it is."""
    checksums = hashlib.sha256((corpus / CHECKSUMS).read_bytes()).hexdigest()
    verdict = Verdict(corpus.name, checksums, "quick", BUDGETS["quick"])
    verdict.findings = [Finding("integrity", True, 0.0, 0.0, "problems", reason),
                        Finding("leaks", passed, 0.0, 0.0, "pictures", "none")]  # fmt: skip
    write_verdict(verdict, corpus / NAME)


@pytest.fixture
def corpus(built: Path, copy_corpus: Copy) -> Path:
    return copy_corpus(built)


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"memory://{tmp_path.name}"


def fetch(address: str, folder: Path) -> Path:
    fsspec.filesystem("memory").get(address, str(folder), recursive=True)
    return folder


def test_the_card_of_a_release_says_how_the_corpus_was_judged(corpus: Path, address: str, tmp_path: Path) -> None:
    judge(corpus)
    before = {path: path.read_bytes() for path in corpus.rglob("*") if path.is_file()}
    sent = publish(corpus, address)
    assert before == {path: path.read_bytes() for path in corpus.rglob("*") if path.is_file()}
    assert verify(sent.address, jobs=1, deep=True).ok
    there = fetch(sent.address, tmp_path / "there" / corpus.name)
    card = (there / "README.md").read_text()
    plain, _, section = card.partition(f"\n{HEADING}\n")
    assert plain == (corpus / "README.md").read_text()
    assert "It passes every gate." in section
    assert "budget quick (2 networks, 300 steps)" in section
    assert "| `integrity` | passed | all is \\| well |" in section
    assert publish(corpus, address).files == 0
    again = publish(there, f"{address}-again")
    assert fsspec.filesystem("memory").cat(f"{again.address}/README.md") == card.encode(), "of a release as well"


def test_a_verdict_that_comes_later_or_anew_is_added(corpus: Path, address: str) -> None:
    memory: Any = fsspec.filesystem("memory")
    publish(corpus, address)
    judge(corpus)
    assert publish(corpus, address).files == 3, "card, verdict and checksums"
    judge(corpus, passed=False)
    sent = publish(corpus, address)
    assert sent.files == 3
    assert "**It fails leaks**" in memory.cat(f"{sent.address}/README.md").decode()
    assert verify(sent.address, jobs=1).ok
    (corpus / NAME).unlink()
    with pytest.raises(BuildError, match="holds another corpus"):
        publish(corpus, address)


def test_a_release_that_was_judged_where_it_lies_says_so(corpus: Path, address: str, tmp_path: Path) -> None:
    judge(corpus)
    there = fetch(publish(corpus, address).address, tmp_path / "there" / corpus.name)
    judge(there, reason="judged anew")
    card = fsspec.filesystem("memory").cat(f"{publish(there, address).address}/README.md").decode()
    assert card.count(HEADING) == 1
    assert "judged anew" in card


def test_a_verdict_on_other_bytes_is_not_sent(corpus: Path, address: str) -> None:
    judge(corpus)
    text = json.loads((corpus / NAME).read_text())
    (corpus / NAME).write_text(json.dumps(text | {"checksums_sha256": "0" * 64}))
    with pytest.raises(IntegrityError, match=r"validation.json judges other bytes than .*: judge it again"):
        publish(corpus, address)
    (corpus / NAME).write_text("{}")
    with pytest.raises(IntegrityError, match=r"validation.json is no verdict of `rainkit validate`: KeyError"):
        publish(corpus, address)
    (corpus / NAME).unlink()
    judge(corpus)
    (corpus / "README.md").write_text("another card")
    with pytest.raises(IntegrityError, match=r"README.md is not as checksums.sha256 says"):
        publish(corpus, address)
    assert not fsspec.filesystem("memory").exists(address)
