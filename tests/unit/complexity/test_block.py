from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from rainkit.complexity import COMPOSITES, DEFAULT_ESTIMATORS, ESTIMATORS, INGREDIENTS, Complexity, require_same_ids
from rainkit.errors import BuildError


def load(**fields: object) -> Complexity:
    return Complexity.model_validate(fields)


def kinds(block: Complexity) -> list[str]:
    return [instrument.kind for instrument in block.instruments]


def test_the_default_measures_what_its_score_needs() -> None:
    block = Complexity()
    assert tuple(kinds(block)) == DEFAULT_ESTIMATORS
    assert set(COMPOSITES["composite"]) <= set(DEFAULT_ESTIMATORS)


def test_a_name_is_short_for_a_mapping() -> None:
    short = load(estimators=["jpeg_ratio", {"kind": "colour_count"}])
    assert short == load(estimators=[{"kind": "jpeg_ratio"}, {"kind": "colour_count"}])
    assert load(estimators="jpeg_ratio").estimators == load(estimators=["jpeg_ratio"]).estimators
    assert Complexity.model_validate(short.model_dump()) == short


def test_the_schema_takes_names_and_mappings() -> None:
    items = Complexity.model_json_schema()["properties"]["estimators"]["items"]["anyOf"]
    assert items[0]["enum"] == list(ESTIMATORS)
    assert set(items[1]["discriminator"]["mapping"]) == set(ESTIMATORS)


def test_members_of_the_score_are_added_once() -> None:
    assert kinds(load(estimators=["jpeg_ratio"], score="jpeg_ratio")) == ["jpeg_ratio"]
    assert kinds(load(estimators=["jpeg_ratio"], score="delentropy")) == ["jpeg_ratio", "delentropy"]
    human = load(estimators=["colour_count"], score="human")
    assert kinds(human) == ["colour_count", "contour_count", "spatial_information"]
    assert kinds(load(estimators=[], weights={"edge_density": 2})) == ["edge_density"]


def test_columns_have_identities() -> None:
    picture, patch = load(unit="picture").ids, load(unit="patch").ids
    assert picture["colour_count"] == "colour_count@rgb-256/1"
    assert patch["colour_count"] == "colour_count@rgb-native/1"
    assert set(picture) == {*DEFAULT_ESTIMATORS, "score"}
    others: list[dict[str, object]] = [
        {"unit": "patch"},
        {"score": "human"},
        {"score": "jpeg_ratio"},
        {"weights": {"jpeg_ratio": 1}},
        {"weights": {"jpeg_ratio": 2, "delentropy": 1}},
    ]
    assert len({load(**fields).score_id for fields in [{}, *others]}) == 6


def test_combine_gives_score_and_spread() -> None:
    columns = {kind: np.linspace(0, 5, 7) for kind in DEFAULT_ESTIMATORS}
    score, spread = Complexity().combine(columns)
    assert score.shape == spread.shape == (7,)
    assert ((score >= 0) & (score <= 1)).all()
    single, none = load(score="colour_count").combine(columns)
    assert np.array_equal(single, columns["colour_count"])
    assert not none.any()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"estimators": ["gradient_entrophy"]}, "gradient_entrophy"),
        ({"estimators": ["jpeg_ratio", "jpeg_ratio"]}, "stands twice"),
        ({"estimators": list(INGREDIENTS)}, "contour_count"),
        ({"score": "beauty"}, "unknown score 'beauty'; one of composite, human, gradient_entropy"),
        ({"score": "jpeg_ratio", "weights": {"jpeg_ratio": 1}}, "weights are for a composite"),
        ({"weights": {"beauty": 1}}, "no estimator: beauty"),
        ({"weights": {}}, "weights"),
        ({"weights": {"jpeg_ratio": 0}}, "greater than 0"),
        ({"unit": "pixel"}, "picture"),
        ({"stride": 0}, "greater than or equal to 1"),
        ({"estimators": [{"kind": "jpeg_ratio", "quality": 50}]}, "quality"),
    ],
)
def test_what_cannot_be_measured_is_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        load(**fields)


def test_scores_of_other_instruments_are_never_mixed() -> None:
    ours = Complexity().ids
    require_same_ids(ours, dict(ours), "an earlier manifest")
    require_same_ids(ours, {"other": "x"}, "an earlier manifest")
    with pytest.raises(BuildError, match=r"old\.parquet.*colour_count@rgb-256/0 there, colour_count@rgb-256/1 here"):
        require_same_ids(ours, {**ours, "colour_count": "colour_count@rgb-256/0"}, "old.parquet")
