"""What `rainkit validate` says of a corpus, and how much it looks at before it does."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from rainkit import __version__
from rainkit.files import write_bytes
from rainkit.train.bootstrap import nest, summarise
from rainkit.train.evaluate import settings_of
from rainkit.train.gates import GATES, Finding

NAME = "validation.json"
"""Name of the verdict in a corpus; no checksum lists it, because the corpus was finished before."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much is looked at.

    Attributes
    ----------
    steps, seeds : int
        Optimizer steps of each network, and how many networks.
    pairs, cases : int or None
        Samples that are examined, and pictures of each exam; None for all.
    deep : bool
        Whether every pixel is compared with its digest.
    crops : bool
        Whether crops of one picture are looked for in other splits.
    """

    steps: int
    seeds: int
    pairs: int | None
    cases: int | None
    deep: bool = True
    crops: bool = False


BUDGETS: dict[str, Budget] = {
    "quick": Budget(steps=300, seeds=2, pairs=300, cases=60, deep=False),
    "standard": Budget(steps=1000, seeds=2, pairs=1000, cases=200),
    "full": Budget(steps=6000, seeds=3, pairs=None, cases=None, crops=True),
}
"""Name to budget."""


@dataclass(slots=True)
class Verdict:
    """What is said of a corpus.

    Attributes
    ----------
    corpus : str
        Name and version.
    checksums : str
        SHA-256 of checksums.sha256, which stands for every byte that was judged.
    budget : str
        Key of `BUDGETS`, or `custom`.
    spent : Budget
        What it stands for.
    findings : list of Finding
        One for each gate, in the order of `gates.GATES`.
    results : pyarrow.Table or None
        Results of the networks, one row a picture, as `evaluate` gives them, with `exam` and `seed`.
    splits : dict of str to str
        Which split each part was: train, seen, unseen.
    notes : list of str
        What could not be looked at.
    """

    corpus: str
    checksums: str
    budget: str
    spent: Budget
    findings: list[Finding] = field(default_factory=list)
    results: pa.Table | None = None
    splits: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every gate was passed."""
        return all(finding.passed for finding in self.findings)

    @property
    def failed(self) -> list[str]:
        """Names of the gates that failed; those that were not judged are not among them."""
        return [finding.gate for finding in self.findings if finding.passed is False]

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain JSON values: a function of corpus, budget and versions, without any clock."""
        results: dict[str, Any] = {}
        if self.results is not None:
            results = {
                "settings": settings_of(self.results),
                "by_exam": nest(summarise(self.results, ("exam", "rain"))),
                "by_stratum": nest(summarise(self.results, ("exam", "stratum"))),
                "by_seed": nest(summarise(self.results, ("exam", "seed"))),
            }
        return {
            "rainkit": __version__,
            "corpus": self.corpus,
            "checksums_sha256": self.checksums,
            "passed": self.passed,
            "failed": self.failed,
            "budget": {"name": self.budget, **{name: getattr(self.spent, name) for name in Budget.__slots__}},
            "splits": self.splits,
            "gates": [finding.to_dict() | {"asks": GATES[finding.gate]} for finding in self.findings],
            "notes": self.notes,
            "results": results,
        }


def write_verdict(verdict: Verdict, path: Path) -> None:
    """Write a verdict as JSON, whole or not at all.

    Raises
    ------
    BuildError
        If the file cannot be written.
    """
    text = json.dumps(verdict.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes(path, (text + "\n").encode())
