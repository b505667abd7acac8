"""The corpora of a study: built once by content, described, and kept apart from its tests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from rainkit.data.corpus import Corpus, open_corpus
from rainkit.errors import IntegrityError
from rainkit.pipeline import build
from rainkit.rain import AnySimulator
from rainkit.recipe import Recipe, dump_recipe, fingerprint
from rainkit.records import Engine
from rainkit.study.grid import Arm, apply
from rainkit.study.load import Loaded
from rainkit.study.matching import match_rain
from rainkit.study.models import Test

MATCHED_ON = 24
"""Pictures that a test rain is matched on."""


class Builder:
    """Builds the corpora of a study, each once."""

    def __init__(self, loaded: Loaded, folder: Path, engine: Engine, cache: Path | None) -> None:
        self.loaded, self.folder, self.engine, self.cache = loaded, folder, engine, cache

    def training(self, arm: Arm) -> Corpus:
        """Return the corpus of an arm; splits that are not trained on hold one sample, so that shares stay."""
        return self._build(apply(self.loaded.base, arm.overrides), keep=self.loaded.study.train)

    def test(self, test: Test) -> dict[str, Any]:
        """Return what is known of a test, its corpus built."""
        corpus = self._build(self.loaded.base, keep=test.split)
        factor = 1.0
        if test.matched is not None:
            values, factor = self._matched(corpus, test)
            corpus = self._build(values, keep=test.split)
        severity, brightness = _measure(corpus, test.split)
        file = f"{test.split}-{digest_of([identify(corpus), test.split])[:12]}"
        facts = {"corpus": corpus.address, "file": file, "factor": factor, "severity": severity}
        return {**test.model_dump(), **facts, "brightness": brightness, "samples": len(corpus.rows(test.split))}

    def unseen(self, arm: Arm) -> list[str]:
        """Return the tests whose rain networks of an arm have not been trained on.

        `role` says so of the base recipe. An axis may change the rain of the training: a test of rain that an arm is
        trained on, by name or by definition, is seen, and one that is seen by the base recipe alone is unseen.
        """
        study, base = self.loaded.study, self.loaded.recipe(self.loaded.base)
        usual, trained = (
            _rains(recipe, study.train) for recipe in (base, self.loaded.recipe(apply(self.loaded.base, arm.overrides)))
        )
        known = [*trained.values(), *(base.rain[name] for name in trained if name in base.rain)]
        found = []
        for name, test in study.tests.items():
            tested = _rains(base, test.split)
            shared = bool(tested.keys() & trained.keys()) or any(rain in known for rain in tested.values())
            if not shared and (test.role == "unseen" or trained != usual):
                found.append(name)
        return found

    def _matched(self, corpus: Corpus, test: Test) -> tuple[dict[str, Any], float]:
        """Return the base recipe with each rain of a test's split made as strong as `like`."""
        recipe = self.loaded.recipe(self.loaded.base)
        rows = corpus.rows(test.split)
        pictures = [corpus.read(int(row), ("clean",))["clean"] for row in rows[:: max(1, len(rows) // MATCHED_ON)]]
        values = recipe.model_dump(mode="json")
        factors = []
        assert test.matched is not None
        assert test.like is not None
        for name in recipe.splits[test.split].rain:
            rain, factor = match_rain(recipe.rain[name], recipe.rain[test.like], pictures, test.matched)
            values["rain"][name] = rain.model_dump(mode="json")
            factors.append(factor)
        return values, float(np.mean(factors))

    def _build(self, values: Mapping[str, Any], keep: str) -> Corpus:
        splits = {
            name: split if name == keep else {**_without_select(split), "samples": 1}
            for name, split in values["splits"].items()
        }
        samples = {**(values.get("samples") or {}), "channels": ["rainy", "clean"]}
        recipe = self.loaded.recipe({**values, "splits": splits, "samples": samples})
        # The text too: another release may write out a block of defaults that no fingerprint holds.
        folder = self.folder / digest_of([fingerprint(recipe), dump_recipe(recipe), _locations(recipe)])
        return open_corpus(str(build(recipe, folder, self.engine, self.cache).folder))


def _rains(recipe: Recipe, split: str) -> dict[str, AnySimulator]:
    """Return the rains of a split by name."""
    return {name: recipe.rain[name] for name in recipe.splits[split].rain}


def _without_select(split: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in split.items() if name not in {"select", "strata", "balance"}}


def _locations(recipe: Recipe) -> list[str]:
    """Return where the sources of a recipe lie: other pictures under an equal recipe are another corpus."""
    return sorted(source.model_dump_json() for source in recipe.sources.values())


def identify(corpus: Corpus) -> str:
    """Return the digest of a corpus' table, which holds the pixel digests of every sample."""
    folder = Path(corpus.address)
    return hashlib.sha256((folder / "metadata" / "samples.parquet").read_bytes()).hexdigest()


def digest_of(value: Any) -> str:
    """Return a digest of plain values, 20 hexadecimal digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:20]


def describe(corpus: Corpus, split: str) -> dict[str, Any]:
    """Return backgrounds, samples, mean complexity, severity and brightness of a split."""
    rows = corpus.samples.take(pa.array(corpus.rows(split)))
    score = np.asarray(rows["score"].to_pylist(), dtype=np.float64)
    severity, brightness = _measure(corpus, split)
    facts = {"backgrounds": len(set(rows["background_id"].to_pylist())), "samples": rows.num_rows}
    return {**facts, "complexity": float(score.mean()), "severity": severity, "brightness": brightness}


def _measure(corpus: Corpus, split: str, count: int = 200) -> tuple[float, float]:
    """Return mean PSNR-Y of the rainy input in dB, and mean light added in levels, over samples of a split."""
    from rainkit.train.metrics import PSNR_CAP, luma_limited, psnr  # noqa: PLC0415

    rows = corpus.rows(split)
    pairs = [corpus.read(int(row)) for row in rows[:: max(1, len(rows) // count)]]
    severity = [min(PSNR_CAP, psnr(luma_limited(pair["rainy"]), luma_limited(pair["clean"]))) for pair in pairs]
    return float(np.mean(severity)), float(np.mean([pair["rainy"].mean() - pair["clean"].mean() for pair in pairs]))


def require_apart(corpus: Corpus, split: str, tests: Iterable[tuple[str, str]]) -> None:
    """Raise IntegrityError if a background of a split is also in one of the tests, (folder, split) each."""
    trained = set(corpus.samples.take(pa.array(corpus.rows(split)))["background_id"].to_pylist())
    for folder, name in tests:
        test = open_corpus(folder)
        shared = trained & set(test.samples.take(pa.array(test.rows(name)))["background_id"].to_pylist())
        if shared:
            raise IntegrityError(
                f"{len(shared)} backgrounds are both trained and tested on (split {name}), such as {min(shared)}; "
                "an axis must not change the shares of the splits"
            )
