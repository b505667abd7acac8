"""Gates of the pictures: whether pairs are pairs, and whether it rains on them as the recipe says."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from rainkit.recipe import Validation
from rainkit.train.gates.finding import Column, Finding, column, fail, groups
from rainkit.train.metrics import PSNR_CAP

_WIDER = 0.25
_COVERAGE_SLACK, _LEVEL_SLACK = 0.02, 1.0


def check_complexity(pairs: pa.Table, thresholds: Validation) -> Finding:
    """Find that no stratum is flat, and that complexity measured again is the manifest's and of the stated stratum.

    Parameters
    ----------
    pairs : pyarrow.Table
        Columns `stratum`, `contrast`, and where they were measured `score` (manifest), `score_measured` and
        `misplaced` (bool).
    thresholds : Validation
        Those of `flat_contrast`, `flat_share`, `score_tolerance` and `misplaced_share`.
    """
    flat = {
        stratum: float(np.mean(column(part, "contrast") < thresholds.flat_contrast))
        for stratum, part in groups(pairs, "stratum")
    }
    worst = max(flat, key=lambda stratum: flat[stratum], default=None)
    if worst is None:
        return fail("complexity", "no pair was measured")
    if flat[worst] > thresholds.flat_share:
        reason = f"{flat[worst]:.0%} of stratum {worst} are pictures of one colour"
        return Finding("complexity", False, flat[worst], thresholds.flat_share, "share", reason)
    if "score_measured" not in pairs.column_names:
        reason = "no stratum is of one colour; scores are of whole backgrounds, which the corpus does not hold"
        return Finding("complexity", True, flat[worst], thresholds.flat_share, "share", reason)
    if "misplaced" in pairs.column_names:
        misplaced = float(np.mean(column(pairs, "misplaced")))
        if misplaced > thresholds.misplaced_share:
            reason = f"{misplaced:.1%} of {pairs.num_rows} pictures, measured again, are of another stratum than stated"
            return Finding("complexity", False, misplaced, thresholds.misplaced_share, "share", reason)
    stated = column(pairs, "score")
    change = np.abs(stated - column(pairs, "score_measured")) / np.maximum(1.0, np.abs(stated))
    deviation = float(change.max())
    reason = f"{pairs.num_rows} pictures, measured again, are of their strata; scores differ by at most {deviation:.3g}"
    passed = deviation <= thresholds.score_tolerance
    return Finding("complexity", passed, deviation, thresholds.score_tolerance, "score", reason)


def check_exactness(pairs: pa.Table) -> Finding:
    """Find that labels and clean picture give the rainy one bit for bit, where the corpus ships the labels.

    Parameters
    ----------
    pairs : pyarrow.Table
        Columns `key` and `wrong`: "" where all fits, what does not fit, or null where labels are not shipped.
    """
    found = [(key, wrong) for key, wrong in zip(pairs["key"].to_pylist(), pairs["wrong"].to_pylist(), strict=True)]
    known = [wrong for _, wrong in found if wrong is not None]
    if not found:
        return fail("pairs", "no pair was measured")
    if not known:
        reason = "labels are not shipped; alignment, partners and brightness say what pixels alone can"
        return Finding("pairs", True, None, None, "", reason)
    wrong = [(key, words) for key, words in found if words]
    share = len(wrong) / len(known)
    rest = f"; {len(found) - len(known)} without labels" if len(known) < len(found) else ""
    reason = f"clean picture and labels give the rainy one exactly in {len(known)} pairs{rest}"
    if wrong:
        reason = f"{len(wrong)} of {len(known)} pairs contradict their labels, such as {wrong[0][0]}: {wrong[0][1]}"
    return Finding("pairs", not wrong, share, 0.0, "share", reason)


def check_alignment(pairs: pa.Table, thresholds: Validation) -> Finding:
    """Find that rainy and clean pictures lie over one another: no displacement makes their edges agree better."""
    if not pairs.num_rows:
        return fail("alignment", "no pair was measured")
    moved = (column(pairs, "shift_x") != 0) | (column(pairs, "shift_y") != 0)
    better = column(pairs, "best_agreement") - column(pairs, "agreement") > thresholds.displaced_margin
    share = float(np.mean(moved & better))
    passed = share <= thresholds.shifted_share
    reason = f"{share:.1%} of {pairs.num_rows} pairs agree better when one is displaced"
    return Finding("alignment", passed, share, thresholds.shifted_share, "share", reason)


def check_partners(pairs: pa.Table, thresholds: Validation) -> Finding:
    """Find that rainy and clean are of one picture: their edges agree, at any displacement.

    Pictures without edges of their own say nothing and are left out.
    """
    textured = pairs.filter(pa.array(column(pairs, "contrast") >= thresholds.flat_contrast))
    if not textured.num_rows:
        return fail("partners", "every picture is of one colour")
    median = float(np.median(column(textured, "best_agreement")))
    passed = median >= thresholds.agreement
    reason = f"the edges of rainy and clean correlate by {median:.2f} (median of {textured.num_rows})"
    return Finding("partners", passed, median, thresholds.agreement, "correlation", reason)


def check_brightness(pairs: pa.Table, thresholds: Validation) -> Finding:
    """Find that rain and nothing else changed the brightness, by as much as the manifest says.

    Parameters
    ----------
    pairs : pyarrow.Table
        Columns `darker`, `floor` and `psnr` as measured, `veil` (bool: the composition may darken, or lift even the
        driest places), and `psnr_rainy` of the manifest.
    thresholds : Validation
        Those of `darker_share` and `floor`, for rain without a veil, and of `label_tolerance`.
    """
    dry = pairs.filter(pa.array([not veil for veil in pairs["veil"].to_pylist()], pa.bool_()))
    darker, floor = 0.0, 0.0
    if dry.num_rows:
        darker, floor = float(np.mean(column(dry, "darker"))), float(np.median(column(dry, "floor")))
    if darker > thresholds.darker_share:
        reason = f"rain that only adds light darkened {darker:.1%} of the values: was the input dimmed?"
        return Finding("brightness", False, darker, thresholds.darker_share, "share", reason)
    if floor > thresholds.floor:
        reason = f"even where it does not rain the input is {floor:.1f} levels brighter: was the target dimmed?"
        return Finding("brightness", False, floor, thresholds.floor, "levels", reason)
    measured, expected = (np.minimum(column(pairs, name), PSNR_CAP) for name in ("psnr", "psnr_rainy"))
    deviation = float(np.abs(measured - expected).max(initial=0.0))
    reason = (
        f"PSNR of rainy against clean differs from the manifest by at most {deviation:.2g} dB; the driest places gain "
        f"{floor:.1f} levels"
    )
    passed = deviation <= thresholds.label_tolerance
    return Finding("brightness", passed, deviation, thresholds.label_tolerance, "dB", reason)


def check_rain(pairs: pa.Table, thresholds: Validation, redrawn: pa.Table | None = None) -> Finding:
    """Find that it rains in the pairs, as much and as brightly as the recipe's rains do when they are drawn again.

    Parameters
    ----------
    pairs : pyarrow.Table
        Columns `rain` (name in the recipe), `coverage` and `brightening` as measured.
    thresholds : Validation
        Those of `empty_coverage`, `empty_share` and `outside_share`; `coverage` where a range is asked.
    redrawn : pyarrow.Table, optional
        The same columns, of other draws of the same rains on the same pictures.
    """
    problems, words, worst = [], [], (-1.0, 0.0, 0.0)
    others = dict(groups(redrawn, "rain")) if redrawn is not None else {}
    for rain, part in groups(pairs, "rain"):
        covered, brighter = column(part, "coverage"), column(part, "brightening")
        low, high = thresholds.coverage.get(rain, (0.0, 1.0))
        shares = [
            (float(np.mean(covered < thresholds.empty_coverage)), thresholds.empty_share, "have next to none"),
            (float(np.mean((covered < low) | (covered > high))), thresholds.outside_share,
             f"have other coverage than the {low:g} to {high:g} that the recipe asks"),
        ]  # fmt: skip
        if rain in others:
            outside = _outside(covered, column(others[rain], "coverage"), _COVERAGE_SLACK)
            outside |= _outside(brighter, column(others[rain], "brightening"), _LEVEL_SLACK)
            shares.append((float(np.mean(outside)), thresholds.outside_share,
                           "lie outside what the recipe's rain gives when drawn again"))  # fmt: skip
        for share, limit, what in shares:
            problems += [f"{share:.1%} of {part.num_rows} pictures with rain {rain} {what}"] if share > limit else []
            excess = share - limit
            worst = max(worst, (excess, share, limit))
        words.append(f"{rain} covers {covered.min():.2f} to {covered.max():.2f} and adds {brighter.mean():.0f} levels")
    if not words:
        return fail("rain", "no pair was measured")
    reason = "; ".join([*problems, *words])
    return Finding("rain", not problems, worst[1], worst[2], "share", reason)


def _outside(values: Column, drawn: Column, slack: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which values leave the range of drawn ones, widened: its ends are themselves drawn."""
    low, high = float(drawn.min()), float(drawn.max())
    margin = slack + _WIDER * (high - low)
    return np.asarray((values < low - margin) | (values > high + margin))
