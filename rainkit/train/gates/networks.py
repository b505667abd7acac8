"""Gates of the trained networks: whether the corpus teaches, and teaches the right thing."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa

from rainkit.recipe import Validation
from rainkit.seeds import Stream
from rainkit.train.bootstrap import estimate
from rainkit.train.gates.finding import Finding, column, fail, groups, mean


def check_learning(seen: pa.Table, thresholds: Validation) -> Finding:
    """Find that every network trained on the corpus beats the input on rain that it has seen, and by taking rain away.

    Subtracting the rain's mean brightness alone can gain decibels; the removal is free of the mean.

    Parameters
    ----------
    seen : pyarrow.Table
        Results of the networks on held-out backgrounds with the training's rain: `seed`, `gain_psnr_y`, `removal`,
        `background_id`.
    thresholds : Validation
        Those of `gain_seen` and `removal_seen`.
    """
    gains = {seed: mean(part, "gain_psnr_y") for seed, part in groups(seen, "seed")}
    if not gains or not np.isfinite(list(gains.values())).all():
        return fail("learning", "no network was judged on seen rain")
    worst = min(gains.values())
    found = estimate(column(seen, "gain_psnr_y"), seen["background_id"].to_pylist(), Stream(0, "gate"))
    removal = min(mean(part, "removal") for _, part in groups(seen, "seed"))
    if removal < thresholds.removal_seen:
        reason = f"the networks gain {found.mean:+.2f} dB by brightness: {removal:.0%} of the rain's structure goes"
        return Finding("learning", False, removal, thresholds.removal_seen, "share", reason)
    reason = (
        f"{found.mean:+.2f} dB over the input on seen rain [{found.low:+.2f}, {found.high:+.2f}], worst seed shown; "
        f"{removal:.0%} of the rain's structure removed"
    )
    return Finding("learning", worst >= thresholds.gain_seen, worst, thresholds.gain_seen, "dB", reason)


def check_background(seen: pa.Table, thresholds: Validation) -> Finding:
    """Find that the networks keep the background: E_B off the rain, and the error on rain-free input, are small."""
    off_rain, rain_free = mean(seen, "e_b"), mean(seen, "rain_free_error")
    if math.isnan(off_rain) and math.isnan(rain_free):
        return fail("background", "no network was judged on seen rain")
    if rain_free > thresholds.rain_free_error:
        reason = f"a picture without rain comes out {rain_free:.1f} levels wrong"
        return Finding("background", False, rain_free, thresholds.rain_free_error, "levels", reason)
    # Rain that covers every pixel leaves no background to look at; the rain-free input has said enough.
    value = rain_free if math.isnan(off_rain) else off_rain
    limit = thresholds.rain_free_error if math.isnan(off_rain) else thresholds.background
    reason = (
        f"E_B: off the rain the result is {off_rain:.1f} levels wrong; without rain {rain_free:.1f} "
        f"(limit {thresholds.rain_free_error:g})"
    )
    return Finding("background", value <= limit, value, limit, "levels", reason)


def check_generalisation(seen: pa.Table, unseen: pa.Table, thresholds: Validation) -> Finding:
    """Find that the networks take unseen rain away, and ruin pictures of no stratum; seen rain stands beside it.

    Parameters
    ----------
    seen, unseen : pyarrow.Table
        Results with columns `stratum`, `gain_psnr_y`, `removal`.
    thresholds : Validation
        Those of `removal_unseen` and `gain_unseen`, over all pictures, and of `gain_stratum`.
    """
    gains = {stratum: mean(part, "gain_psnr_y") for stratum, part in groups(unseen, "stratum")}
    gains = {stratum: gain for stratum, gain in gains.items() if math.isfinite(gain)}
    if not gains:
        return fail("generalisation", "no network was judged on unseen rain")
    worst = min(gains, key=lambda stratum: gains[stratum])
    of_seen = {stratum: mean(part, "gain_psnr_y") for stratum, part in groups(seen, "stratum")}
    beside = ", ".join(f"{stratum}: {gain:+.2f} ({of_seen.get(stratum, math.nan):+.2f})" for stratum, gain in
                       sorted(gains.items()))  # fmt: skip
    removal, of_seen_removal = mean(unseen, "removal"), mean(seen, "removal")
    both = f"{removal:.0%} of the structure of unseen rain removed ({of_seen_removal:.0%} of seen)"
    if removal < thresholds.removal_unseen:
        return Finding("generalisation", False, removal, thresholds.removal_unseen, "share", both)
    gain = mean(unseen, "gain_psnr_y")
    reason = f"{gain:+.2f} dB on unseen rain, {both}; by stratum on unseen (seen) rain: {beside}"
    if gain >= thresholds.gain_unseen and gains[worst] < thresholds.gain_stratum:
        reason = f"stratum {worst} is harmed; {reason}"
        return Finding("generalisation", False, gains[worst], thresholds.gain_stratum, "dB", reason)
    return Finding("generalisation", gain >= thresholds.gain_unseen, gain, thresholds.gain_unseen, "dB", reason)


def check_seeds(seen: pa.Table, thresholds: Validation) -> Finding:
    """Find that networks that differ by their seed alone agree, so that the numbers mean something."""
    gains = [mean(part, "gain_psnr_y") for _, part in groups(seen, "seed")]
    if len(gains) < 2 or not np.isfinite(gains).all():
        return fail("seeds", "two networks are needed that differ by their seed")
    spread = max(gains) - min(gains)
    reason = f"{len(gains)} seeds gain {', '.join(f'{gain:+.2f}' for gain in gains)} dB on seen rain"
    return Finding("seeds", spread <= thresholds.seed_spread, spread, thresholds.seed_spread, "dB", reason)
