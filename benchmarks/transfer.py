"""What a network learns for rain made elsewhere: one network, the same steps, a corpus of each simulator and of peers.

    python benchmarks/transfer.py PHOTOS --pairs rain100 --pairs heavy --work runs/transfer

Every corpus has the same backgrounds, samples and patches; only its rain differs. Networks are judged on pairs that
others made (`--pairs`), and on families of rain over `--held-out` pictures (`transfer_families.py`), on which recipes
are to be chosen. Beside every number stands the severity, PSNR-Y of the rainy input: light rain wins light tests.
Results of finished trainings are kept in `--work`, so a run that was cut off goes on, and two runs may share the work
(`--only`). CPU, one thread.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import math
import os
import shutil
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import click
import cv2
import numpy as np
import torch
import yaml
from transfer_families import EACH, VEIL, collect, list_families, preset, slug
from transfer_families import PATCH as TEST_PATCH
from transfer_peers import PEERS, MemoryCorpus, make_corpus

import rainkit
from rainkit.cache import default_path
from rainkit.data.corpus import open_corpus
from rainkit.data.torch import CorpusPairs, Pool, ReadableCorpus
from rainkit.pipeline import build
from rainkit.rain.presets import PRESETS
from rainkit.recipe import Recipe, dump_recipe, fingerprint
from rainkit.train.baselines import keep_input
from rainkit.train.checkpoint import find_checkpoint, load_network
from rainkit.train.config import Machine, Training
from rainkit.train.evaluate import Cases, evaluate, pair_cases
from rainkit.train.loop import train
from rainkit.train.metrics import luma_limited, psnr
from rainkit.train.networks import PRESETS as NETWORKS
from rainkit.train.pairs import find_layout, list_pictures, read_picture
from rainkit.train.tiles import restore

SAMPLES, PATCH = 3000, 128
SIMULATORS: dict[str, dict[str, Any]] = {
    "streaks": {"kind": "streaks"},
    "noise_blur": {"kind": "noise_blur"},
    "particles": {"kind": "particles"},
    "layer_bank": {"kind": "layer_bank"},
    **{name: preset(name) for name in PRESETS},
}
"""Rains of one simulator or preset each."""
LIGHT = 22.0
"""Families whose rainy pictures score more than this, dB, count as light."""


def make_recipe(
    name: str, photos: Path, rain: dict[str, Any], train_split: dict[str, Any], patch: int = PATCH, **blocks: Any
) -> Recipe:
    """Return the recipe of a corpus of the protocol."""
    return Recipe.model_validate({
        "rainkit": 1, "name": f"transfer-{name}".replace("_", "-"), "version": "1.0.0", "seed": 2305,
        "sources": {"photos": {"kind": "folder", "path": str(photos.resolve())}},
        "backgrounds": {"min_size": patch}, "rain": rain,
        "splits": {"train": {"share": 1.0, "samples": SAMPLES, **train_split}},
        "samples": {"patch": patch, "channels": ["rainy", "clean"]}, **blocks,
    })  # fmt: skip


def read_recipe(name: str, file: Path, photos: Path) -> Recipe:
    """Return a recipe's rain, strata and balance on the protocol's backgrounds and number of samples."""
    given = yaml.safe_load(file.read_text(encoding="utf-8"))
    split = {key: value for key, value in given["splits"]["train"].items() if key in {"rain", "strata", "balance"}}
    blocks = {key: given[key] for key in ("complexity", "strata") if key in given}
    return make_recipe(name, photos, given["rain"], split, **blocks)


def read_mixtures(file: Path, photos: Path) -> dict[str, Recipe]:
    """Return the recipe of every mixture of a file like `mixtures.yaml` by name."""
    given = yaml.safe_load(file.read_text(encoding="utf-8"))
    blocks = {key: given[key] for key in ("complexity", "strata")}
    rain = {name: {kind: given["rain"][kind] for kind in split["rain"]} for name, split in given["mixtures"].items()}
    return {name: make_recipe(name, photos, rain[name], split, **blocks) for name, split in given["mixtures"].items()}


def _identify(recipe: Recipe) -> str:
    """Return a name for a recipe with these component versions and defaults."""
    return hashlib.sha256((fingerprint(recipe) + dump_recipe(recipe)).encode()).hexdigest()[:16]


def build_corpus(recipe: Recipe, work: Path) -> ReadableCorpus:
    """Return the corpus of a recipe, built again where the recipe changed."""
    folder = work / "corpora" / _identify(recipe)
    return open_corpus(str(build(recipe, folder, cache=default_path()).folder))


def list_corpora(
    photos: Path, recipes: Iterable[str], mixtures: Path | None, only: Iterable[str]
) -> dict[str, Recipe | None]:
    """Return every corpus by name, its recipe where it has one; `only` names those that are wanted."""
    found: dict[str, Recipe | None] = {**read_mixtures(mixtures, photos)} if mixtures else {}
    for text in recipes:
        name, _, file = text.partition("=")
        found[name] = read_recipe(name, Path(file), photos)
    for name, fields in SIMULATORS.items():
        found[name] = make_recipe(name, photos, {"rain": fields}, {"rain": "rain"})
    found |= dict.fromkeys(PEERS)
    chosen = list(only)
    unknown = set(chosen) - set(found)
    if unknown:
        raise click.UsageError(f"--only {', '.join(sorted(unknown))}: known are {', '.join(found)}")
    return {name: found[name] for name in chosen} if chosen else found


def severity_of(corpus: ReadableCorpus, count: int = 300) -> float:
    """Return the mean PSNR-Y of rainy against clean over samples spread over a corpus, dB."""
    rows = range(0, corpus.samples.num_rows, max(1, corpus.samples.num_rows // count))
    pairs = [corpus.read(row) for row in rows]
    return statistics.fmean(
        min(100.0, psnr(luma_limited(pair["rainy"]), luma_limited(pair["clean"]))) for pair in pairs
    )


def collect_tests(
    pairs: Iterable[Path], held_out: Path | None, bank: Path | None, work: Path
) -> tuple[dict[str, Cases], dict[str, str]]:
    """Return the tests by name, folders of pairs first, and the group of each that is a family over `held_out`."""
    tests = {path.name: pair_cases(find_layout(path)) for path in pairs}
    if held_out is None:
        return tests, {}
    groups = list_families(bank)
    rain = {slug(name): fields for families in groups.values() for name, fields in families.items()}
    split = {"rain": dict.fromkeys(rain, 1.0), "samples": EACH * len(rain)}
    corpus = build_corpus(make_recipe("held-out", held_out, rain, split, TEST_PATCH), work)
    pictures = [read_picture(path) for path in list_pictures(held_out)]
    families = collect(corpus, groups, pictures[:: max(1, len(pictures) // EACH)])
    return tests | {name: cases for name, (_, cases) in families.items()}, {n: g for n, (g, _) in families.items()}


def train_once(corpus: ReadableCorpus, config: Training, run: Path) -> Path:
    """Train a network, or go on with a training that was cut off, and return its checkpoint."""
    pool = Pool(corpus, np.arange(corpus.samples.num_rows))
    pairs = CorpusPairs([pool], config.patch, flip=config.flip, seed=config.seed, cache_bytes=2**29)
    return train(config, pairs, run, Machine(device="cpu", threads=1), resume=True)


def judge(checkpoint: Path, tests: dict[str, Cases]) -> dict[str, float]:
    """Return the mean PSNR-Y of the network by test, dB."""
    network, _ = load_network(checkpoint)
    methods = {"network": lambda rainy: restore(network, rainy)}
    return {name: _mean(evaluate(cases, methods, rain_free=False)) for name, cases in tests.items()}


def _mean(table: Any) -> float:
    return statistics.fmean(table["psnr_y"].to_pylist())


def run_corpus(
    name: str, recipe: Recipe | None, *, photos: list[Path], config: dict[str, Any], seeds: int, tests: Any, work: Path
) -> dict[str, Any]:
    """Return severity and PSNR-Y by test of each seed of one corpus; read from `work` where it is known."""
    identity = fingerprint(recipe)[:12] if recipe else "peer"
    network = next(preset for preset, made in NETWORKS.items() if made == config["network"])
    folder = (
        work / "results" / "-".join([name, identity, str(config["steps"]), *([] if network == "tiny" else [network])])
    )
    results: dict[str, Any] = {"severity": math.nan, "seeds": []}
    corpus: ReadableCorpus | None = None
    for seed in range(seeds):
        kept = folder / f"seed-{seed}.json"
        found = json.loads(kept.read_text()) if kept.exists() else {"scores": {}}
        missing = {test: cases for test, cases in tests.items() if test not in found["scores"]}
        if missing:
            checkpoint = find_checkpoint(folder / f"run-{seed}")
            if "severity" not in found:
                corpus = corpus or (build_corpus(recipe, work) if recipe else _peer(name, photos))
                found["severity"] = severity_of(corpus)
                checkpoint = train_once(corpus, Training(**config, seed=seed), folder / f"run-{seed}")
            assert checkpoint is not None
            found["scores"] |= judge(checkpoint, missing)
            kept.write_text(json.dumps(found, indent=2))
            click.echo(f"{name} seed {seed}: {found['scores']}", err=True)
        results["severity"] = found["severity"]
        results["seeds"].append({test: found["scores"][test] for test in tests})
    if corpus is not None and recipe is not None:
        shutil.rmtree(work / "corpora" / _identify(recipe), ignore_errors=True)
    return results


def _peer(name: str, photos: list[Path]) -> MemoryCorpus:
    return make_corpus(name, [read_picture(path) for path in photos], SAMPLES, PATCH)


def print_table(results: dict[str, dict[str, Any]], inputs: dict[str, float], groups: dict[str, str]) -> None:
    """Print mean PSNR-Y over seeds, best first by the first test; in brackets half the range of the seeds."""
    shown = [test for test in inputs if test not in groups]
    heads = [*shown, *(["dry groups", "light", "heavy", *sorted(set(groups.values()))] if groups else [])]
    print(f"| corpus | severity, dB | {' | '.join(heads)} |\n|---|---|{'---|' * len(heads)}")
    own = [*(f"{inputs[test]:.2f}" for test in shown), *["0"] * (len(heads) - len(shown))]
    print(f"| the input itself | | {' | '.join(own)} |")
    rows = []
    for name, result in results.items():
        values = {test: [seed[test] for seed in result["seeds"]] for test in inputs}
        cells = [f"{statistics.fmean(values[t]):.2f} ({(max(values[t]) - min(values[t])) / 2:.2f})" for t in shown]
        gains = {test: statistics.fmean(values[test]) - inputs[test] for test in inputs}
        means = _mean_gains(gains, inputs, groups)
        cells += [f"{value:+.2f}" for value in means]
        rows.append(
            (gains[shown[0]] if shown else means[0], f"| {name} | {result['severity']:.1f} | {' | '.join(cells)} |")
        )
    for _, row in sorted(rows, reverse=True):
        print(row)
    if groups:
        print(f"\nHeld-out families and their severity: {', '.join(f'{n} {inputs[n]:.1f}' for n in groups)}.")


def _mean_gains(gains: dict[str, float], inputs: dict[str, float], groups: dict[str, str]) -> list[float]:
    """Return the mean gain over groups without a veil, over their light and heavy families, and of each group."""
    if not groups:
        return []
    by_group: dict[str, list[float]] = {}
    for test, group in groups.items():
        by_group.setdefault(group, []).append(gains[test])
    means = {group: statistics.fmean(values) for group, values in sorted(by_group.items())}
    dry = [test for test, group in groups.items() if group != VEIL]
    halves = [[gains[test] for test in dry if (inputs[test] > LIGHT) == light] for light in (True, False)]
    whole = statistics.fmean(value for group, value in means.items() if group != VEIL)
    return [whole, *(statistics.fmean(half) if half else math.nan for half in halves), *means.values()]


@click.command()
@click.argument("photos", type=click.Path(exists=True, path_type=Path, file_okay=False))
@click.option("--pairs", multiple=True, type=click.Path(exists=True, path_type=Path), help="Folder of pairs; repeat.")
@click.option("--held-out", type=click.Path(exists=True, path_type=Path), help="Pictures for the held-out families.")
@click.option("--bank", type=click.Path(exists=True, path_type=Path), help="Streak pictures, for families of them.")
@click.option("--recipe", "recipes", multiple=True, metavar="NAME=FILE", help="A recipe as a corpus; repeat.")
@click.option("--mixtures", type=click.Path(exists=True, path_type=Path), help="File of mixtures, a corpus each.")
@click.option("--only", multiple=True, help="Only this corpus; repeat.")
@click.option("--network", default="tiny", show_default=True, type=click.Choice(list(NETWORKS)))
@click.option("--steps", default=1500, show_default=True)
@click.option("--seeds", default=2, show_default=True)
@click.option("--work", default=Path("runs/transfer"), show_default=True, type=click.Path(path_type=Path))
def main(*, photos: Path, pairs: tuple[Path, ...], held_out: Path | None, bank: Path | None, recipes: tuple[str, ...],
         mixtures: Path | None, only: tuple[str, ...], network: str, steps: int, seeds: int,
         work: Path) -> None:  # fmt: skip
    """Train on a corpus of each simulator over PHOTOS and print what each scores on rain made elsewhere."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    tests, groups = collect_tests(pairs, held_out, bank, work)
    if not tests:
        raise click.UsageError("nothing to judge on: give --pairs or --held-out")
    inputs = {name: _mean(evaluate(cases, {"input": keep_input}, rain_free=False)) for name, cases in tests.items()}
    paths, config = list_pictures(photos), {"steps": steps, "network": NETWORKS[network]}
    corpora = list_corpora(photos, recipes, mixtures, only)
    how: dict[str, Any] = {"photos": paths, "config": config, "seeds": seeds, "tests": tests, "work": work}
    results = {name: run_corpus(name, recipe, **how) for name, recipe in corpora.items()}
    print(f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, rainkit {rainkit.__version__}, torch {torch.__version__}, "
          f"{len(paths)} backgrounds, {SAMPLES} samples of {PATCH} px, network {network}, {steps} steps of 8 x 64 px, "
          f"{seeds} seeds. PSNR-Y in dB (half the range of the seeds); severity is the input's.\n")  # fmt: skip
    print_table(results, inputs, groups)


if __name__ == "__main__":
    main()
