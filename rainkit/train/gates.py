"""The gates of a corpus: pure functions from tables to findings, each with a value, a threshold and a reason.

Tables of samples are the manifest's; tables of pairs come from `inspection`; tables of results from `evaluate`, with a
column `seed`, which says which network it was. A gate that cannot be judged fails and says why.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from rainkit.errors import RecipeError
from rainkit.seeds import Stream
from rainkit.train.bootstrap import estimate
from rainkit.train.metrics import PSNR_CAP

Column = NDArray[np.float64]


class Thresholds(BaseModel):
    """What a corpus must reach; defaults hold for the quick budget of 300 steps of the preset `tiny`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    shifted_share: float = Field(0.05, ge=0, le=1, description="Pairs that may look displaced: weak edges mislead.")
    displaced_margin: float = Field(
        0.05, ge=0, le=2, description="By how much a displacement must agree better before it is believed."
    )
    agreement: float = Field(0.15, ge=-1, le=1, description="Median correlation of the edges of rainy and clean.")
    darker_share: float = Field(0.02, ge=0, le=1, description="Values that rain without a veil may darken, mean share.")
    floor: float = Field(3.0, ge=0, description="Light that the driest places may gain, median of pairs, levels.")
    label_tolerance: float = Field(0.01, ge=0, description="PSNR of rainy against clean less that in the manifest, dB.")
    empty_share: float = Field(0.01, ge=0, le=1, description="Samples that may have next to no rain.")
    empty_coverage: float = Field(0.001, ge=0, le=1, description="Coverage below which a sample has next to no rain.")
    flat_share: float = Field(0.05, ge=0, le=1, description="Samples of a stratum that may be of one colour.")
    flat_contrast: float = Field(0.5, ge=0, description="Contrast below which a picture is of one colour, levels.")
    score_tolerance: float = Field(1e-6, ge=0, description="Complexity measured again less that in the manifest.")
    gain_seen: float = Field(1.0, description="Least gain over the input on seen rain, PSNR-Y, dB.")
    background: float = Field(15.0, gt=0, description="Largest E_B of the network on seen rain, levels.")
    rain_free_error: float = Field(20.0, gt=0, description="Largest mean-free error on rain-free input, levels.")
    gain_unseen: float = Field(0.0, description="Least gain over the input on unseen rain, PSNR-Y, dB, each stratum.")
    seed_spread: float = Field(1.0, gt=0, description="Largest difference of two seeds in gain on seen rain, dB.")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a gate found.

    Attributes
    ----------
    gate : str
        Name of the gate.
    passed : bool
        Whether the corpus may go through.
    value, threshold : float or None
        What was measured and what is asked; None where the gate is no matter of a number.
    unit : str
        Of both.
    reason : str
        What the value is, where it is worst, and why it passes or fails.
    """

    gate: str
    passed: bool
    value: float | None
    threshold: float | None
    unit: str
    reason: str


def check_integrity(problems: Sequence[str]) -> Finding:
    """Find that the corpus is what its checksums and manifest say; `problems` are those that `rainkit verify` names."""
    reason = f"{len(problems)} problems, first: {problems[0]}" if problems else "every file and pixel is as recorded"
    return Finding("integrity", not problems, len(problems), 0, "problems", reason)


def check_counts(samples: pa.Table, planned: Mapping[str, int]) -> Finding:
    """Find that each split has as many samples as planned, and that keys are unique."""
    splits = samples["split"].to_pylist()
    found = {name: splits.count(name) for name in {*splits, *planned}}
    wrong = [f"{name} has {count} of {planned.get(name, 0)}" for name, count in sorted(found.items())
             if count != planned.get(name, 0)]  # fmt: skip
    repeated = samples.num_rows - len(set(samples["key"].to_pylist()))
    if repeated:
        wrong.append(f"{repeated} keys are repeated")
    return Finding("counts", not wrong, len(wrong), 0, "splits", "; ".join(wrong) or "every split is complete")


def check_strata(samples: pa.Table, planned: Mapping[str, Sequence[int]]) -> Finding:
    """Find that each split has samples of exactly the planned strata, and that complexity rises with the stratum.

    Parameters
    ----------
    samples : pyarrow.Table
        Columns `split`, `stratum`, `score`.
    planned : mapping of str to sequence of int
        Strata of each split.
    """
    problems = []
    for split, part in _groups(samples, "split"):
        found, wanted = set(part["stratum"].to_pylist()), set(planned.get(split, ()))
        if found != wanted:
            problems.append(f"{split} has strata {sorted(found)} instead of {sorted(wanted)}")
    medians = [(stratum, float(np.median(_column(part, "score")))) for stratum, part in _groups(samples, "stratum")]
    medians.sort()
    falls = [f"stratum {later[0]} is no more complex than {earlier[0]}" for earlier, later in _neighbours(medians)
             if not later[1] > earlier[1]]  # fmt: skip
    problems += falls
    reason = "; ".join(problems) or f"complexity rises over {len(medians)} strata"
    return Finding("strata", not problems, len(problems), 0, "problems", reason)


def check_complexity(pairs: pa.Table, thresholds: Thresholds) -> Finding:
    """Find that complexity measured again on the clean pictures is the manifest's, and that no stratum is flat.

    Parameters
    ----------
    pairs : pyarrow.Table
        Columns `stratum`, `contrast`, and where they were measured `score` (manifest) and `score_measured`.
    thresholds : Thresholds
        Those of `score_tolerance`, `flat_contrast` and `flat_share`.
    """
    flat = {
        stratum: float(np.mean(_column(part, "contrast") < thresholds.flat_contrast))
        for stratum, part in _groups(pairs, "stratum")
    }
    worst = max(flat, key=lambda stratum: flat[stratum], default=None)
    if worst is None:
        return _unjudged("complexity", "no pair was measured")
    if flat[worst] > thresholds.flat_share:
        reason = f"{flat[worst]:.0%} of stratum {worst} are pictures of one colour"
        return Finding("complexity", False, flat[worst], thresholds.flat_share, "share", reason)
    if "score_measured" not in pairs.column_names:
        reason = "no stratum is of one colour; scores were not measured again"
        return Finding("complexity", True, flat[worst], thresholds.flat_share, "share", reason)
    deviation = float(np.abs(_column(pairs, "score") - _column(pairs, "score_measured")).max())
    reason = f"complexity measured again differs by at most {deviation:.3g}"
    passed = deviation <= thresholds.score_tolerance
    return Finding("complexity", passed, deviation, thresholds.score_tolerance, "score", reason)


def check_leaks(samples: pa.Table) -> Finding:
    """Find that no background, group of near-duplicates or clean picture lies in two splits.

    Parameters
    ----------
    samples : pyarrow.Table
        Columns `split`, and of `group`, `background_id`, `clean_digest` those that exist.
    """
    splits = samples["split"].to_pylist()
    shared: dict[str, int] = {}
    example = ""
    for name in ("group", "background_id", "clean_digest"):
        if name not in samples.column_names:
            continue
        places: dict[str, set[str]] = {}
        for value, split in zip(samples[name].to_pylist(), splits, strict=True):
            places.setdefault(value, set()).add(split)
        doubled = [value for value, found in places.items() if len(found) > 1]
        if doubled:
            shared[name] = len(doubled)
            example = example or f"such as {doubled[0]} in {' and '.join(sorted(places[doubled[0]]))}"
    counts = ", ".join(f"{count} by {name}" for name, count in shared.items())
    reason = f"splits share pictures: {counts}, {example}" if shared else "no picture lies in two splits"
    return Finding("leaks", not shared, max(shared.values(), default=0), 0, "pictures", reason)


def check_alignment(pairs: pa.Table, thresholds: Thresholds) -> Finding:
    """Find that rainy and clean pictures lie over one another: no displacement makes their edges agree better."""
    if not pairs.num_rows:
        return _unjudged("alignment", "no pair was measured")
    moved = (_column(pairs, "shift_x") != 0) | (_column(pairs, "shift_y") != 0)
    better = _column(pairs, "best_agreement") - _column(pairs, "agreement") > thresholds.displaced_margin
    share = float(np.mean(moved & better))
    passed = share <= thresholds.shifted_share
    reason = f"{share:.1%} of {pairs.num_rows} pairs agree better when one is displaced"
    return Finding("alignment", passed, share, thresholds.shifted_share, "share", reason)


def check_partners(pairs: pa.Table, thresholds: Thresholds) -> Finding:
    """Find that rainy and clean are of one picture: their edges agree, at any displacement.

    Pictures without edges of their own say nothing and are left out.
    """
    textured = pairs.filter(pa.array(_column(pairs, "contrast") >= thresholds.flat_contrast))
    if not textured.num_rows:
        return _unjudged("partners", "every picture is of one colour")
    median = float(np.median(_column(textured, "best_agreement")))
    passed = median >= thresholds.agreement
    reason = f"the edges of rainy and clean correlate by {median:.2f} (median of {textured.num_rows})"
    return Finding("partners", passed, median, thresholds.agreement, "correlation", reason)


def check_brightness(pairs: pa.Table, thresholds: Thresholds) -> Finding:
    """Find that rain and nothing else changed the brightness, by as much as the manifest says.

    Parameters
    ----------
    pairs : pyarrow.Table
        Columns `darker`, `floor` and `psnr` as measured, `veil` (bool), and `psnr_rainy` of the manifest.
    thresholds : Thresholds
        Those of `darker_share` and `floor`, for rain without a veil, and of `label_tolerance`.
    """
    dry = pairs.filter(pa.array([not veil for veil in pairs["veil"].to_pylist()], pa.bool_()))
    darker, floor = 0.0, 0.0
    if dry.num_rows:
        darker, floor = float(np.mean(_column(dry, "darker"))), float(np.median(_column(dry, "floor")))
    if darker > thresholds.darker_share:
        reason = f"rain that only adds light darkened {darker:.1%} of the values: is the target of another picture?"
        return Finding("brightness", False, darker, thresholds.darker_share, "share", reason)
    if floor > thresholds.floor:
        reason = f"even where it does not rain the input is {floor:.1f} levels brighter: was the target dimmed?"
        return Finding("brightness", False, floor, thresholds.floor, "levels", reason)
    measured, expected = (np.minimum(_column(pairs, name), PSNR_CAP) for name in ("psnr", "psnr_rainy"))
    deviation = float(np.abs(measured - expected).max(initial=0.0))
    reason = f"PSNR of rainy against clean differs from the manifest by at most {deviation:.4f} dB"
    passed = deviation <= thresholds.label_tolerance
    return Finding("brightness", passed, deviation, thresholds.label_tolerance, "dB", reason)


def check_rain(pairs: pa.Table, ranges: Mapping[str, tuple[float, float]], thresholds: Thresholds) -> Finding:
    """Find that there is rain in the pairs, and as much as the recipe asks where it asks.

    Parameters
    ----------
    pairs : pyarrow.Table
        Columns `rain` (name in the recipe) and `coverage` as measured.
    ranges : mapping of str to (low, high)
        Coverage that the recipe allows a rain, where it says so.
    thresholds : Thresholds
        Those of `empty_coverage` and `empty_share`.
    """
    worst, where, detail = 0.0, "", ""
    for rain, part in _groups(pairs, "rain"):
        coverage = _column(part, "coverage")
        low, high = ranges.get(rain, (0.0, 1.0))
        outside = (coverage < max(low, thresholds.empty_coverage)) | (coverage > high)
        share = float(np.mean(outside))
        if share > worst or not where:
            worst, where = share, rain
            detail = f"coverage {coverage.min():.3f} to {coverage.max():.3f}, median {np.median(coverage):.3f}"
    if not where:
        return _unjudged("rain", "no pair was measured")
    reason = f"{worst:.1%} of rain {where} has next to none, or other coverage than the recipe asks ({detail})"
    return Finding("rain", worst <= thresholds.empty_share, worst, thresholds.empty_share, "share", reason)


def check_learning(seen: pa.Table, thresholds: Thresholds) -> Finding:
    """Find that every network trained on the corpus beats the input on rain that it has seen.

    Parameters
    ----------
    seen : pyarrow.Table
        Results of the networks on held-out backgrounds with the training's rain: `seed`, `gain_psnr_y`,
        `background_id`.
    thresholds : Thresholds
        That of `gain_seen`.
    """
    gains = {seed: _mean(part, "gain_psnr_y") for seed, part in _groups(seen, "seed")}
    if not gains or not np.isfinite(list(gains.values())).all():
        return _unjudged("learning", "no network was judged on seen rain")
    worst = min(gains.values())
    found = estimate(_column(seen, "gain_psnr_y"), seen["background_id"].to_pylist(), Stream(0, "gate"))
    reason = f"{found.mean:+.2f} dB over the input on seen rain [{found.low:+.2f}, {found.high:+.2f}], worst seed shown"
    return Finding("learning", worst >= thresholds.gain_seen, worst, thresholds.gain_seen, "dB", reason)


def check_background(seen: pa.Table, thresholds: Thresholds) -> Finding:
    """Find that the networks keep the background: E_B off the rain, and the error on rain-free input, are small."""
    off_rain, rain_free = _mean(seen, "e_b"), _mean(seen, "rain_free_error")
    if math.isnan(off_rain) and math.isnan(rain_free):
        return _unjudged("background", "no network was judged on seen rain")
    if rain_free > thresholds.rain_free_error:
        reason = f"a picture without rain comes out {rain_free:.1f} levels wrong"
        return Finding("background", False, rain_free, thresholds.rain_free_error, "levels", reason)
    # Rain that covers every pixel leaves no background to look at; the rain-free input has said enough.
    value = rain_free if math.isnan(off_rain) else off_rain
    limit = thresholds.rain_free_error if math.isnan(off_rain) else thresholds.background
    reason = f"off the rain the result is {off_rain:.1f} levels wrong, without rain {rain_free:.1f}"
    return Finding("background", value <= limit, value, limit, "levels", reason)


def check_generalisation(seen: pa.Table, unseen: pa.Table, thresholds: Thresholds) -> Finding:
    """Find that the networks do not harm pictures with unseen rain, in any stratum; seen rain stands beside it."""
    gains = {stratum: _mean(part, "gain_psnr_y") for stratum, part in _groups(unseen, "stratum")}
    gains = {stratum: gain for stratum, gain in gains.items() if math.isfinite(gain)}
    if not gains:
        return _unjudged("generalisation", "no network was judged on unseen rain")
    worst = min(gains, key=lambda stratum: gains[stratum])
    of_seen = {stratum: _mean(part, "gain_psnr_y") for stratum, part in _groups(seen, "stratum")}
    beside = ", ".join(f"{stratum}: {gain:+.2f} ({of_seen.get(stratum, math.nan):+.2f})" for stratum, gain in
                       sorted(gains.items()))  # fmt: skip
    reason = f"gain in dB by stratum on unseen (seen) rain: {beside}"
    return Finding("generalisation", gains[worst] >= thresholds.gain_unseen, gains[worst], thresholds.gain_unseen,
                   "dB", reason)  # fmt: skip


def check_seeds(seen: pa.Table, thresholds: Thresholds) -> Finding:
    """Find that two networks that differ by their seed agree, so that the numbers mean something."""
    gains = [_mean(part, "gain_psnr_y") for _, part in _groups(seen, "seed")]
    if len(gains) < 2 or not np.isfinite(gains).all():
        return _unjudged("seeds", "two networks are needed that differ by their seed")
    spread = max(gains) - min(gains)
    reason = f"{len(gains)} seeds gain {', '.join(f'{gain:+.2f}' for gain in gains)} dB on seen rain"
    return Finding("seeds", spread <= thresholds.seed_spread, spread, thresholds.seed_spread, "dB", reason)


def _unjudged(gate: str, why: str) -> Finding:
    return Finding(gate, False, None, None, "", f"cannot be judged: {why}")


def _column(table: pa.Table, name: str) -> Column:
    if name not in table.column_names:
        raise RecipeError(f"a table of gates lacks the column {name}")
    return np.array([math.nan if value is None else value for value in table[name].to_pylist()], dtype=np.float64)


def _mean(table: pa.Table, name: str) -> float:
    values = _column(table, name)
    values = values[np.isfinite(values)]
    return float(values.mean()) if values.size else math.nan


def _groups(table: pa.Table, name: str) -> Iterator[tuple[str, pa.Table]]:
    values = table[name].to_pylist()
    for value in dict.fromkeys(values):
        yield value, table.filter(pa.array([other == value for other in values]))


def _neighbours(items: Sequence[tuple[str, float]]) -> Iterator[tuple[tuple[str, float], tuple[str, float]]]:
    yield from itertools.pairwise(items)
