"""Numbers that a recipe leaves open."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from rainkit.rain.ranges import Numbers, within
from rainkit.seeds import Stream


class Block(BaseModel):
    """A field with limits."""

    width: Annotated[Numbers, within(0, 10)]


@pytest.mark.parametrize("written", [3, [1, 3], [2.5, 2.5], {"values": [1, 5]}, {"values": [1, 5], "weights": [1, 3]}])
def test_what_is_written_is_read_again(written: object) -> None:
    block = Block.model_validate({"width": written})
    assert Block.model_validate(block.model_dump()) == block
    assert Block.model_validate_json(block.model_dump_json()) == block


def test_draws_lie_within() -> None:
    drawn = Numbers.model_validate([2, 4]).draws(Stream(1), 20000)
    assert drawn.min() >= 2
    assert drawn.max() < 4
    assert drawn.mean() == pytest.approx(3, abs=0.02)
    assert set(Numbers.model_validate(7).draws(Stream(1), 10)) == {7.0}


def test_choices_follow_their_weights() -> None:
    choice = Numbers.model_validate({"values": [3, 5, 7], "weights": [1, 2, 1]})
    drawn = choice.draws(Stream(1), 20000)
    assert [(drawn == value).mean() for value in (3, 5, 7)] == pytest.approx([0.25, 0.5, 0.25], abs=0.02)
    quantiles = choice.quantiles(256)
    assert [(quantiles == value * 256).mean() for value in (3, 5, 7)] == [0.25, 0.5, 0.25]


def test_quantiles_are_ascending_and_even() -> None:
    table = Numbers.model_validate([1, 3]).quantiles(1000)
    assert table.dtype == np.int32
    assert len(table) == 4096
    assert (np.diff(table) >= 0).all()
    assert (table[0], table[-1]) == (1000, 3000)
    assert table.mean() == pytest.approx(2000, abs=0.5)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ([3, 1], "lower end first"),
        ([1, 2, 3], "two ends"),
        ("wide", "Numbers"),
        (True, "write a number"),
        ([-1, 5], "between 0 and 10"),
        ({"values": []}, "at least one"),
        ({"values": [1, 11]}, "between 0 and 10"),
        ({"values": [1, 2], "weights": [1]}, "as many weights"),
        ({"values": [1, 2], "weights": [0, 0]}, "not all 0"),
        (float("nan"), "finite"),
    ],
)
def test_what_cannot_be_meant_is_refused(written: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Block.model_validate({"width": written})


def test_schema_shows_the_three_forms() -> None:
    forms = Block.model_json_schema()["$defs"]["Numbers"]["anyOf"]
    assert [form["type"] for form in forms] == ["number", "array", "object"]
