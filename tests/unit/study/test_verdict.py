"""Paired differences and verdicts: what may be said, and what may not."""

from __future__ import annotations

import numpy as np
import pytest

from rainkit.seeds import Stream
from rainkit.study.verdict import (
    COMPARED,
    Difference,
    Judged,
    combine,
    compare,
    judge,
    say_against_all,
    say_at_equal_damage,
)

BACKGROUNDS = [f"b{number // 2}" for number in range(40)]


def judged(seed: int, *, e_r: float = 10.0, removal: float = 0.3, damage: float = 12.0, gain: float = 1.0) -> Judged:
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 0.01, 40)
    means = {"e_r": e_r, "e_b": 5.0, "rain_free_psnr_rgb": 28.0, "gain_psnr_y": gain}
    columns = {name: value * (1 + noise) for name, value in means.items()}
    return Judged(
        columns | {"removal": removal * (1 + noise), "rain_free_error": damage * (1 + rng.normal(0, 0.01, 40))}
    )


def difference(first: dict[str, float], second: dict[str, float], seeds: int = 2) -> dict[str, Difference]:
    sides = [
        [judged(10 * side + seed, **values) for seed in range(seeds)] for side, values in enumerate((first, second))
    ]
    return compare(*sides, BACKGROUNDS, Stream(0, "test"), repeats=200)


def made(**means: float) -> dict[str, Difference]:
    values = {name: means.get(name, 0.0) for name in COMPARED}
    return {
        name: Difference(name, mean, mean - 0.5, mean + 0.5, (mean - 0.1, mean + 0.1)) for name, mean in values.items()
    }


def test_a_difference_of_a_ratio_is_that_of_the_means() -> None:
    found = difference({"removal": 0.4}, {})["removal_per_damage"]
    assert found.mean == pytest.approx(1000 * (0.4 - 0.3) / 12, rel=0.02)
    assert found.low < found.mean < found.high
    assert found.sign == 1


def test_a_network_that_is_only_bolder_gets_no_verdict() -> None:
    found = difference({"e_r": 20.0, "removal": 0.6, "damage": 24.0, "gain": 2.0}, {})
    assert found["e_r"].sign == found["gain_psnr_y"].sign == 1
    verdict = judge(found, "a", "b")
    assert verdict.better == 0
    assert "generalises better" not in verdict.sentence
    assert "a removes more" in verdict.sentence
    assert "neither" in say_at_equal_damage(found["removal_per_damage"], "a", "b")


def test_a_network_that_also_keeps_more_is_better() -> None:
    better = {"e_r": 20.0, "removal": 0.6, "damage": 12.0}
    assert judge(difference(better, {}), "a", "b").better == 1
    verdict = judge(difference({}, better), "a", "b")
    assert verdict.better == -1
    assert verdict.sentence.startswith("b generalises better than a")
    found = difference({}, better)["removal_per_damage"]
    assert say_at_equal_damage(found, "a", "b") == "at equal damage b removes more"


def test_one_seed_never_suffices() -> None:
    verdict = judge(difference({"e_r": 20.0, "removal": 0.6}, {}, seeds=1), "a", "b")
    assert verdict.better == 0
    assert "one seed" in verdict.sentence


def test_seeds_must_agree() -> None:
    sides = [judged(0, removal=0.6), judged(1, removal=0.2)], [judged(2), judged(3)]
    found = compare(*sides, BACKGROUNDS, Stream(0, "test"), repeats=200)["removal_per_damage"]
    assert found.low > 0
    assert found.sign == 0


@pytest.mark.parametrize(
    ("means", "better"),
    [
        ({"removal_per_damage": 2.0}, 0),
        ({"e_r": 2.0}, 0),
        ({"gain_psnr_y": 2.0}, 0),
        ({"e_r": 2.0, "gain_psnr_y": 2.0}, 0),
        ({"e_r": 2.0, "removal_per_damage": -2.0}, 0),
        ({"removal_per_damage": 2.0, "gain_psnr_y": 2.0}, 1),
        ({"removal_per_damage": 2.0, "e_r": 2.0}, 1),
        ({"removal_per_damage": 2.0, "e_r": 2.0, "gain_psnr_y": -2.0}, 0),
        ({"removal_per_damage": -2.0, "e_r": -2.0}, -1),
    ],
)
def test_a_verdict_needs_removal_per_damage_and_one_more(means: dict[str, float], better: int) -> None:
    verdict = judge(made(**means), "a", "b")
    assert verdict.better == better
    assert ("generalises better" in verdict.sentence) == bool(better)


def test_no_verdict_says_what_stands_against_it() -> None:
    contradicted = made(removal_per_damage=2.0, e_r=2.0, gain_psnr_y=-2.0)
    words = "no verdict: a removes more (E_R), also per damage, but its gain is lower"
    assert judge(contradicted, "a", "b").sentence == words
    bolder = made(removal_per_damage=2.0, e_r=-2.0)
    words = "no verdict: b removes more (E_R), but its removal per damage is lower: it is bolder"
    assert judge(bolder, "a", "b").sentence == words


def test_all_unseen_tests_must_agree() -> None:
    yes = judge(made(removal_per_damage=2.0, e_r=2.0), "a", "b")
    no = judge(made(e_r=2.0), "a", "b")
    assert combine({"plain": yes, "matched": yes}, "a", "b").better == 1
    mixed = combine({"plain": yes, "matched": no}, "a", "b")
    assert mixed.better == 0
    assert "only in plain" in mixed.sentence
    assert combine({}, "a", "b").better == 0


def test_samples_of_one_background_are_no_evidence() -> None:
    sides = [[judged(seed)] for seed in range(2)]
    found = compare(*sides, ["one"] * 40, Stream(0, "test"))["e_r"]
    assert np.isnan(found.low)
    assert found.sign == 0


def test_unpaired_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="1 with 2"):
        compare([judged(0)], [judged(1), judged(2)], BACKGROUNDS, Stream(0, "test"))


def test_a_level_beats_all_others_only_where_it_certainly_beats_each() -> None:
    better, same, worse = (made(removal_per_damage=mean)["removal_per_damage"] for mean in (2, 0, -2))
    assert say_against_all("mixture", {"a": better, "b": better}) == (
        "at equal damage mixture removes more than every one of a, b"
    )
    assert say_against_all("mixture", {"a": better, "b": same, "c": worse}) == (
        "at equal damage mixture does not beat them all: it removes more than a, less than c, "
        "not for certain more than b"
    )


def test_the_interval_with_seeds_knows_trainings_that_differ_and_the_other_does_not() -> None:
    def side(gains: list[float]) -> list[Judged]:
        return [judged(0, gain=gain) for gain in gains]

    steady = compare(side([2.0, 2.0, 2.0]), side([1.0, 1.0, 1.0]), BACKGROUNDS, Stream(0, "test"))["gain_psnr_y"]
    moody = compare(side([1.2, 2.0, 2.8]), side([1.0, 1.0, 1.0]), BACKGROUNDS, Stream(0, "test"))["gain_psnr_y"]
    assert moody.mean == pytest.approx(steady.mean)
    assert moody.high - moody.low == pytest.approx(steady.high - steady.low)
    assert steady.high_with_seeds - steady.low_with_seeds == pytest.approx(steady.high - steady.low, rel=1e-9)
    # All three draws are of one seed in one of nine, so the ends of 95 % are the seeds' own differences.
    assert moody.low_with_seeds == pytest.approx(0.2, abs=0.02)
    assert moody.high_with_seeds == pytest.approx(1.8, abs=0.02)


def test_pairs_of_networks_stay_pairs_when_seeds_are_drawn() -> None:
    sides = [[judged(0, gain=gain + more) for gain in (1.0, 5.0, 9.0)] for more in (1.0, 0.0)]
    found = compare(*sides, BACKGROUNDS, Stream(0, "test"))["gain_psnr_y"]
    assert found.high_with_seeds - found.low_with_seeds < 0.1


def test_one_seed_or_one_background_has_no_interval_with_seeds() -> None:
    one = [judged(0)]
    found = compare(one, one, BACKGROUNDS, Stream(0, "test"))["e_r"]
    assert np.isfinite(found.low)
    assert np.isnan(found.low_with_seeds)
    two = [judged(0), judged(1)]
    assert np.isnan(compare(two, two, ["b"] * 40, Stream(0, "test"))["e_r"].high_with_seeds)


def test_what_is_judged_does_not_move_when_seeds_are_drawn_too() -> None:
    found = difference({"removal": 0.4}, {})["removal_per_damage"]
    assert (found.low, found.high) == pytest.approx((8.191205086528269, 8.392264942683054), abs=1e-9)
