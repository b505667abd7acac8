"""The ladders: each estimator rises where it is meant to."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from scipy.stats import spearmanr

from rainkit.complexity import COMPOSITES, ESTIMATORS, INSTRUMENTS, LADDERS, climb, composite, measure
from rainkit.complexity.ladders import MEANT, STEPS


@lru_cache(maxsize=16)
def columns(ladder: str, seed: int) -> dict[str, np.ndarray]:
    instruments = [instrument() for instrument in INSTRUMENTS.values()]
    rows = [measure(pixels, instruments) for pixels in climb(ladder, seed)]
    table = {kind: np.array([row[kind] for row in rows]) for kind in INSTRUMENTS}
    return table | {name: composite(table, weights)[0] for name, weights in COMPOSITES.items()}


def test_every_estimator_and_composite_says_what_it_is_meant_for() -> None:
    assert set(MEANT) == {*ESTIMATORS, *COMPOSITES}
    assert all(set(names) <= set(LADDERS) for names in MEANT.values())


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize(("name", "ladder"), [(name, ladder) for name, names in MEANT.items() for ladder in names])
def test_estimators_rise_where_they_are_meant_to(name: str, ladder: str, seed: int) -> None:
    assert spearmanr(range(STEPS), columns(ladder, seed)[name]).statistic >= 0.95


def test_structure_over_all_scales_does_not_see_where_pixels_lie() -> None:
    values = columns("scramble", 0)["structural_complexity_full"]
    assert np.ptp(values) < 0.1 * values.mean()


def test_noise_fools_the_composite_and_the_guard_says_so() -> None:
    assert columns("noise", 0)["composite"][-1] > columns("leaves", 0)["composite"][5]


def test_the_slope_of_the_spectrum_is_found() -> None:
    slopes = columns("spectrum", 0)["spectral_slope"]
    assert slopes == pytest.approx(np.linspace(4.0, 1.5, STEPS), abs=0.6)


def test_ladders_are_drawn_from_the_seed_alone() -> None:
    for ladder in LADDERS:
        first, again, other = climb(ladder)[6], climb(ladder)[6], climb(ladder, 1)[6]
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)
        assert first.dtype == np.uint8
