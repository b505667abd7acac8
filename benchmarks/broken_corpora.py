"""Break a corpus in every way that rainkit knows, judge each, and print which gate says what.

A gate that must fail and did is **bold**, one that failed because of it is in italics, and one that failed though
nothing in it was broken, or passed though it was, ends in an exclamation mark; the exit status is then 1.

    python benchmarks/broken_corpora.py --train
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import platform
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from rainkit import __version__
from rainkit.train.breaking import FAULTS, break_corpus
from rainkit.train.gates import GATES, Finding
from rainkit.train.validate import validate
from rainkit.train.verdict import BUDGETS

RECIPE = Path(__file__).parents[1] / "recipes" / "quickstart.yaml"


def build_sound(parent: Path) -> Path:
    from rainkit.pipeline import build
    from rainkit.recipe import load_recipe

    return build(load_recipe(RECIPE), parent).folder


def mark(finding: Finding, fault: str) -> str:
    """Return a cell: value of the gate, set off by whether it should have failed."""
    must, may = (FAULTS[fault].must, FAULTS[fault].may) if fault in FAULTS else (frozenset(), frozenset())
    text = "fails" if finding.value is None else f"{finding.value:.3g}"
    if finding.passed is None:
        return "-" if finding.gate not in must else "- !"
    if finding.passed:
        return "passes" if finding.gate not in must else "passes !"
    return f"**{text}**" if finding.gate in must else f"*{text}*" if finding.gate in may else f"{text} !"


def judge(corpus: Path, fault: str, options: argparse.Namespace) -> list[str]:
    begun = time.perf_counter()
    budget = replace(BUDGETS[options.budget], steps=options.steps or BUDGETS[options.budget].steps)
    verdict = validate(corpus, budget=budget, jobs=options.workers, train_anyway=options.train)
    seconds = time.perf_counter() - begun
    return [fault, *(mark(finding, fault) for finding in verdict.findings), f"{seconds:.0f}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, help="a sound corpus; the quickstart is built without it")
    parser.add_argument("--budget", default="quick", choices=list(BUDGETS))
    parser.add_argument("--steps", type=int, help="optimizer steps, in place of the budget's")
    parser.add_argument("--train", action="store_true", help="train on broken corpora too")
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="only this fault, and the sound corpus")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as place:
        sound = options.corpus or build_sound(Path(place) / "sound")
        rows.append(judge(sound, "none", options))
        for fault in options.fault or FAULTS:
            broken = break_corpus(sound, Path(place) / fault.replace(" ", "-"), fault)
            rows.append(judge(broken, fault, options))
    titles = ["gate", *(row[0] for row in rows)]
    print("| " + " | ".join(titles) + " |\n|" + "---|" * len(titles))
    for number, gate in enumerate([*GATES, "seconds"], 1):
        print("| " + " | ".join([gate, *(row[number] for row in rows)]) + " |")
    print(
        f"\nrainkit {__version__}, Python {platform.python_version()}, numpy {np.__version__}, OpenCV {cv2.__version__}"
    )
    return int(any("!" in cell for row in rows for cell in row))


if __name__ == "__main__":
    sys.exit(main())
