from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from rainkit.cli.diff import command
from rainkit.errors import IntegrityError
from rainkit.images import encode_png
from rainkit.manifest import add_metadata, read_table, write_table
from rainkit.release import diff as module
from rainkit.release.diff import RULES, diff

Edit = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


@pytest.fixture
def edited(built: Path, copy_corpus: Callable[[Path], Path]) -> Callable[..., Path]:
    """Return a function that copies the corpus and changes rows of its manifest."""

    def make(edit: Edit = lambda rows: rows, schema: Callable[[pa.Schema], pa.Schema] = lambda schema: schema) -> Path:
        corpus = copy_corpus(built)
        path = corpus / "metadata/samples.parquet"
        rows = edit(read_table(path, "samples").to_pylist())
        write_table(path, schema(pq.read_schema(path)), rows)
        return corpus

    return make


def change(column: str, value: object, *rows: int) -> Edit:
    def edit(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for row in rows:
            table[row][column] = value
        return table

    return edit


def test_a_corpus_equals_itself(built: Path) -> None:
    found = diff(built, built)
    assert found.verdict == "none"
    assert found.equal.count == 16
    assert found.reasons == {}
    assert found.fits


def test_order_of_rows_is_no_difference(built: Path, edited: Callable[..., Path]) -> None:
    found = diff(built, edited(lambda rows: rows[::-1]))
    assert found.equal.count == 16
    assert found.verdict == "none"


def test_more_samples_are_a_minor_version_and_change_none(built: Path, extended: Path) -> None:
    found = diff(built, extended)
    assert (found.added.count, found.removed.count, found.equal.count) == (11, 0, 16)
    assert found.recipe == {"version": ("1.0.0", "1.1.0"), "splits.train.samples": (12, 23)}
    assert (found.verdict, found.stated, found.fits) == ("minor", "minor", True)
    assert len(found.added.first) == module.EXAMPLES
    back = diff(extended, built)
    assert (back.removed.count, back.verdict, back.stated, back.fits) == (11, "major", "back", False)


@pytest.mark.parametrize(
    ("column", "value", "outcome"),
    [
        ("rainy_digest", "0" * 32, ("pixels", "major")),
        ("mask_digest", "0" * 32, ("pixels", "major")),
        ("coverage", 0.125, ("labels", "minor")),
        ("license", "MIT", ("labels", "minor")),
        ("json_size", 7, ("packed", "patch")),
        ("rainy_size", 7, ("encoded", "patch")),
        ("streaks_size", 7, ("encoded", "patch")),
        ("clean_offset", 7, ("packed", "patch")),
        ("shard", "data/train/x.tar", ("packed", "patch")),
    ],
)
def test_changes_are_told_apart(
    built: Path, edited: Callable[..., Path], column: str, value: object, outcome: tuple[str, str]
) -> None:
    kind, verdict = outcome
    found = diff(built, edited(change(column, value, 2, 5)))
    assert getattr(found, kind).count == 2
    assert found.equal.count == 14
    assert found.columns == {column: 2}
    assert found.verdict == verdict
    others = {"added", "removed", "pixels", "labels", "strata", "encoded", "packed"} - {kind}
    assert all(getattr(found, other).count == 0 for other in others)


def test_a_sample_counts_once(built: Path, edited: Callable[..., Path]) -> None:
    changes = {"rainy_digest": "0" * 32, "coverage": 0.125, "rainy_size": 7, "shard": "data/train/x.tar", "license": ""}

    def edit(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for skipped, row in enumerate(rows[:4]):
            row.update(list(changes.items())[skipped:4])
        return rows

    found = diff(built, edited(edit))
    assert [getattr(found, kind).count for kind in ("pixels", "labels", "encoded", "packed")] == [1, 1, 1, 1]
    assert found.equal.count == 12
    assert found.columns == {"rainy_digest": 1, "coverage": 2, "rainy_size": 3, "shard": 4}


def test_moved_strata_are_counted_by_way(built: Path, edited: Callable[..., Path]) -> None:
    strata = read_table(built / "metadata/samples.parquet", "samples")["stratum"].to_pylist()
    simple = [row for row, stratum in enumerate(strata) if stratum == 0][:3]
    found = diff(built, edited(change("stratum", 1, *simple)))
    assert found.moves == {"0 -> 1": len(simple)}
    assert found.strata.count == len(simple)
    assert found.verdict == "major"


def test_pixels_equal_under_another_encoder(
    built: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rainkit.release.rebuild import rebuild
    from rainkit.samples import rendering

    def encode_otherwise(array: Any) -> bytes:
        data = encode_png(array)
        text = b"tEXtComment\0other"
        chunk = (len(text) - 4).to_bytes(4, "big") + text + __import__("zlib").crc32(text).to_bytes(4, "big")
        return data[:33] + chunk + data[33:]

    monkeypatch.setattr(rendering, "encode_png", encode_otherwise)
    done = rebuild(built, tmp_path, {"photos": str(home / "photos")})
    assert done.identical == 0
    assert done.compared == 4
    found = diff(built, done.folder)
    assert found.encoded.count == 16
    assert found.pixels.count == found.labels.count == 0
    assert found.verdict == "patch"


def test_components_columns_and_members(built: Path, edited: Callable[..., Path]) -> None:
    def extend(schema: pa.Schema) -> pa.Schema:
        return add_metadata(schema.append(pa.field("wind", pa.float64(), nullable=False)), components='{"rain/x": 2}')

    found = diff(built, edited(lambda rows: [{**row, "wind": 1.0} for row in rows], extend))
    assert found.components["rain/x"] == (None, 2)
    assert found.components["rain/streaks"][1] is None
    assert found.fields == {"added": ["wind"], "removed": []}
    assert set(found.reasons) == {"columns added", "components changed"}
    assert found.verdict == "minor"


def test_every_rule_is_a_step() -> None:
    assert set(RULES.values()) <= set(module.STEPS)


@pytest.mark.parametrize(
    ("older", "newer", "step"),
    [
        ("a-1.0.0", "a-2.0.0", "major"),
        ("a-1.9.0", "a-1.10.0", "minor"),
        ("a-1.0.0", "a-1.0.1", "patch"),
        ("a-1.0.0", "a-1.0.0", "none"),
        ("a-1.2.0", "a-1.1.9", "back"),
        ("a-1.0.0", "b-2.0.0", ""),
        ("samples.parquet", "a-1.0.0", ""),
    ],
)
def test_stated_steps(older: str, newer: str, step: str) -> None:
    assert module._stated(older, newer) == step


def test_places_of_a_manifest(built: Path, tmp_path: Path) -> None:
    assert diff(built / "metadata", built / "metadata" / "samples.parquet").verdict == "none"
    lone = tmp_path / "samples.parquet"
    lone.write_bytes((built / "metadata/samples.parquet").read_bytes())
    found = diff(lone, built)
    assert found.backgrounds == {}
    assert found.equal.count == 16
    with pytest.raises(IntegrityError, match=r"holds no metadata/samples\.parquet"):
        diff(tmp_path / "nothing", built)


def test_bad_tables_are_refused(built: Path, edited: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="a key stands twice"):
        diff(built, edited(lambda rows: [*rows, rows[0]]))
    broken = tmp_path / "samples.parquet"
    broken.write_bytes(b"PAR1 no table")
    with pytest.raises(IntegrityError, match="cannot be read as Parquet"):
        diff(built, broken)
    pq.write_table(pa.table({"key": ["a"]}), broken)
    with pytest.raises(IntegrityError, match="not a samples table"):
        diff(broken, built)


def test_the_command_says_it_in_text_and_json(built: Path, extended: Path) -> None:
    runner = CliRunner()
    text = runner.invoke(command, [str(built), str(extended), "--check"])
    assert text.exit_code == 0
    for words in (
        "small-1.0.0 -> small-1.1.0",
        "11  added",
        "16  equal",
        "verdict: minor",
        "version: rises by a minor step, which fits",
    ):
        assert words in text.stdout
    document = json.loads(runner.invoke(command, [str(built), str(extended), "--json"]).stdout)
    assert document["verdict"] == "minor"
    assert document["recipe"]["splits.train.samples"] == [12, 23]
    assert document["fits"] is True
    failed = runner.invoke(command, [str(extended), str(built), "--check"])
    assert failed.exit_code == 1
    assert failed.stderr == "rainkit: the version goes back, and the change asks for a major step\n"
    words = "version: goes back from small-1.1.0 to small-1.0.0; was the newer one meant to come first?"
    assert failed.stdout.splitlines()[-1] == words
    assert "a part of" not in text.stdout + failed.stdout


@pytest.mark.parametrize(
    ("older", "newer", "words"),
    [
        ("1.0.0", "1.0.0", "the version stays the same, and the change asks for a major step"),
        ("1.0.0", "1.0.1", "the version rises by a patch, and the change asks for a major step"),
    ],
)
def test_a_version_that_rises_too_little_is_said_in_words(
    edited: Callable[..., Path], built: Path, older: str, newer: str, words: str
) -> None:
    assert built.name.endswith(older)
    name = f"small-{newer}"
    corpus = edited(change("rainy_digest", "0" * 32, 2), lambda schema: add_metadata(schema, corpus=name))
    failed = CliRunner().invoke(command, [str(built), str(corpus), "--check"])
    assert (failed.exit_code, failed.stderr) == (1, f"rainkit: {words}\n")


def test_a_part_is_said_to_be_one(
    built: Path, extended: Path, home: Path, tmp_path: Path, edited: Callable[..., Path]
) -> None:
    from rainkit.release.original import Selection
    from rainkit.release.rebuild import rebuild

    part = rebuild(built, tmp_path, {"photos": str(home / "photos")}, Selection(splits=("unseen-rain",))).folder
    found, runner = diff(built, part), CliRunner()
    assert (found.parts, found.is_part, found.verdict) == (("newer",), True, "major")
    text = runner.invoke(command, [str(built), str(part)]).stdout
    assert "the second is a part of the first: 4 of its 16 samples, drawn by a selection and alike" in text
    assert "what is said to be removed was left out of the part" in text
    document = json.loads(runner.invoke(command, [str(built), str(part), "--json"]).stdout)
    assert (document["parts"], document["is_part"]) == (["newer"], True)
    back = runner.invoke(command, [str(part), str(built)]).stdout
    assert "the first is a part of a corpus, drawn by a selection; what it lacks was left out of it" in back
    assert "the second" not in back
    other = edited(change("coverage", 0.5, 13), lambda schema: add_metadata(schema, selection="x"))
    assert (diff(built, other).parts, diff(built, other).is_part) == (("newer",), False)
    assert diff(built, extended).parts == ()
