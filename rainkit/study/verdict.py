"""Paired differences between two corpora, and what may be said of them.

A network that removes more of everything scores higher on E_R, and often on PSNR, without having learned more about
rain. So no verdict rests on these alone: removal per damage must differ with the same sign. Blending a result with its
input scales removal and damage alike and leaves their quotient, so a difference in removal per damage is a difference
in removal at equal damage.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rainkit.seeds import Stream
from rainkit.train.bootstrap import RATIO_OF_MEANS, REPEATS, interval, resample

Values = NDArray[np.float64]

COMPARED = ("e_r", "e_b", "rain_free_error", "rain_free_psnr_rgb", "removal", "gain_psnr_y", "removal_per_damage")
"""Metrics that are compared, in the order of tables."""
_LEAST_SEEDS = 2


@dataclass(frozen=True, slots=True)
class Judged:
    """What one network scored: metric to float64 (N,), for samples in one order."""

    columns: Mapping[str, Values]


@dataclass(frozen=True, slots=True)
class Difference:
    """The first less the second, in one metric.

    Attributes
    ----------
    metric : str
        Of `COMPARED`.
    mean : float
        Mean over seeds.
    low, high : float
        Ends of the 95 % interval over backgrounds; NaN with fewer than two.
    by_seed : tuple of float
        The difference of each pair of networks with one seed.
    low_with_seeds, high_with_seeds : float
        Ends of the 95 % interval over backgrounds and seeds, both drawn again; NaN with fewer than two of either. No
        sign and no verdict rests on it.
    """

    metric: str
    mean: float
    low: float
    high: float
    by_seed: tuple[float, ...]
    low_with_seeds: float = math.nan
    high_with_seeds: float = math.nan

    @property
    def sign(self) -> Literal[-1, 0, 1]:
        """+1 or -1 where two seeds or more agree and the interval excludes zero, else 0.

        Examples
        --------
        >>> Difference("e_r", 1.0, 0.5, 1.5, (0.9, 1.1)).sign, Difference("e_r", 1.0, 0.5, 1.5, (2.1, -0.1)).sign
        (1, 0)
        """
        if len(self.by_seed) < _LEAST_SEEDS:
            return 0
        if self.low > 0 and min(self.by_seed) > 0:
            return 1
        return -1 if self.high < 0 and max(self.by_seed) < 0 else 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison allows to be said.

    Attributes
    ----------
    better : int
        +1: the first generalises better; -1: the second; 0: no verdict.
    sentence : str
        The verdict with its reason.
    """

    better: Literal[-1, 0, 1]
    sentence: str


def compare(
    first: Sequence[Judged], second: Sequence[Judged], backgrounds: Sequence[str], rng: Stream, repeats: int = REPEATS
) -> dict[str, Difference]:
    """Return the difference in each metric of `COMPARED`, networks paired by seed and samples by place.

    Backgrounds are drawn again, with all samples and seeds of each, and both sides see the same draws. So `low` and
    `high` are about other pictures and the same trainings. For `low_with_seeds` and `high_with_seeds` pairs of networks
    are drawn again too, independently of the backgrounds (the crossed, or pigeonhole, bootstrap of Owen 2007, which is
    remembered and not looked up): n seeds that are drawn from n show (n - 1) / n of the variance between trainings.

    Parameters
    ----------
    first, second : sequence of Judged
        One a seed, the same seeds in the same order.
    backgrounds : sequence of str, length N
        Of each sample.
    rng : Stream
        Where the draws come from.
    repeats : int
        Bootstrap draws.

    Raises
    ------
    ValueError
        If there are no seeds, or their numbers differ.
    """
    if not first or len(first) != len(second):
        raise ValueError(f"networks are compared in pairs of one seed, not {len(first)} with {len(second)}")
    _, index = np.unique(np.asarray(backgrounds, dtype=object), return_inverse=True)
    groups = int(index.max()) + 1
    drawn = resample(groups, rng, repeats) if groups > 1 else np.empty((0, groups))
    weights = np.concatenate([np.ones((1, groups)), drawn])
    shares = resample(len(first), rng.child("seeds"), repeats) / len(first)
    found = {}
    for metric in COMPARED:
        # Row 0 is the value itself, the others are the draws; one column a seed.
        pairs = zip(first, second, strict=True)
        seeds = [_draw(a, metric, index, weights) - _draw(b, metric, index, weights) for a, b in pairs]
        values = np.stack(seeds, axis=1)
        mean = values.mean(axis=1)
        both = (values[1:] * shares).sum(axis=1) if groups > 1 and len(first) >= _LEAST_SEEDS else np.empty(0)
        found[metric] = Difference(
            metric, float(mean[0]), *interval(mean[1:]), tuple(map(float, values[0])), *interval(both)
        )
    return found


def judge(differences: Mapping[str, Difference], first: str, second: str) -> Verdict:
    """Return what the differences on unseen rain allow to be said of two corpora.

    `first` generalises better only if removal per damage and at least one of E_R and the gain on unseen rain are
    higher, each with agreeing seeds and an interval without zero, and none of the three is lower.

    Parameters
    ----------
    differences : mapping of str to Difference
        As `compare` gives them, on rain that neither has seen.
    first, second : str
        Names for the sentence.
    """
    quality = differences["removal_per_damage"].sign
    bold = differences["e_r"].sign
    signs = (bold, differences["gain_psnr_y"].sign)
    if quality and quality in signs and -quality not in signs:
        names = (first, second) if quality > 0 else (second, first)
        reasons = [name for name, sign in zip(("E_R", "the gain"), signs, strict=True) if sign == quality]
        return Verdict(quality, f"{names[0]} generalises better than {names[1]}: removal per damage and "
                       f"{' and '.join(reasons)} are higher, in every seed")  # fmt: skip
    if any(len(difference.by_seed) < _LEAST_SEEDS for difference in differences.values()):
        return Verdict(0, "no verdict: one seed says nothing about the next; train two or more")
    if bold:
        bolder = first if bold > 0 else second
        if quality == bold:
            return Verdict(0, f"no verdict: {bolder} removes more (E_R), also per damage, but its gain is lower")
        what = "is lower" if quality else "does not differ for certain"
        return Verdict(0, f"no verdict: {bolder} removes more (E_R), but its removal per damage {what}: it is bolder")
    if quality:
        higher = first if quality > 0 else second
        return Verdict(0, f"no verdict: removal per damage is higher for {higher}, but neither E_R nor the gain agrees")
    return Verdict(0, "no verdict: removal per damage does not differ for certain")


def say_at_equal_damage(difference: Difference, first: str, second: str) -> str:
    """Return which of two removes more at equal damage, in words; `difference` is that in removal per damage."""
    if not difference.sign:
        return "at equal damage neither certainly removes more"
    return f"at equal damage {first if difference.sign > 0 else second} removes more"


def say_against_all(first: str, differences: Mapping[str, Difference]) -> str:
    """Return whether `first` removes more than each of several others at equal damage, in words.

    Parameters
    ----------
    first : str
        What was compared with all of them.
    differences : mapping of str to Difference
        In removal per damage, `first` less the other, by the other's name.

    Examples
    --------
    >>> surely = Difference("removal_per_damage", 1.0, 0.5, 1.5, (0.9, 1.1))
    >>> say_against_all("mixture", {"simple": surely, "complex": Difference("removal_per_damage", 0, -1, 1, (0, 0))})
    'at equal damage mixture does not beat them all: it removes more than simple, not for certain more than complex'
    """
    more, same, less = ([name for name, found in differences.items() if found.sign == sign] for sign in (1, 0, -1))
    if not same and not less:
        return f"at equal damage {first} removes more than every one of {', '.join(more)}"
    parts = [
        f"{words} {', '.join(names)}"
        for words, names in (("more than", more), ("less than", less), ("not for certain more than", same))
        if names
    ]
    return f"at equal damage {first} does not beat them all: it removes {', '.join(parts)}"


def combine(verdicts: Mapping[str, Verdict], first: str, second: str) -> Verdict:
    """Return the verdict over several tests: theirs where all agree, else none.

    Parameters
    ----------
    verdicts : mapping of str to Verdict
        By test on rain that is unseen to both, plain and matched.
    first, second : str
        Names for the sentence.
    """
    if not verdicts:
        return Verdict(0, "no verdict: no test has rain that is unseen to both")
    signs = {verdict.better for verdict in verdicts.values()}
    if len(signs) == 1 and 0 not in signs:
        (sign,) = signs
        names = (first, second) if sign > 0 else (second, first)
        tests = "every unseen test" if len(verdicts) > 1 else f"the test {next(iter(verdicts))}"
        return Verdict(sign, f"{names[0]} generalises better than {names[1]}, in {tests}")
    for_ = [name for name, verdict in verdicts.items() if verdict.better]
    return Verdict(0, "no verdict" + (f": only in {', '.join(for_)}" if for_ else " in any unseen test"))


def _draw(judged: Judged, metric: str, index: NDArray[np.int64], weights: Values) -> Values:
    """Return a metric over all samples and over each draw, float64 (draws,)."""
    if metric in RATIO_OF_MEANS:
        factor, top, bottom = RATIO_OF_MEANS[metric]
        return factor * _quotient(_draw(judged, top, index, weights), _draw(judged, bottom, index, weights))
    values = judged.columns[metric]
    known = np.isfinite(values)
    sums = np.bincount(index[known], values[known], weights.shape[1])
    sizes = np.bincount(index[known], minlength=weights.shape[1]).astype(np.float64)
    return _quotient(weights @ sums, weights @ sizes)


def _quotient(top: Values, bottom: Values) -> Values:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom > 0, top / bottom, math.nan)
