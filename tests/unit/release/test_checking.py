"""One fault of a shard is named once, at its place; what lies elsewhere than the manifest says is not looked at."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rainkit.data import open_corpus
from rainkit.errors import IntegrityError
from rainkit.release.checking import compare_types, list_types
from rainkit.release.checksums import write_checksums
from rainkit.release.verify import VerifyReport, verify

Make = Callable[..., Path]
FIRST = "data/train/tiny-train-000000.tar"
SECOND = "data/train/tiny-train-000001.tar"


def kinds(outcome: VerifyReport) -> set[str]:
    return {problem.kind for problem in outcome.problems}


def detail(outcome: VerifyReport, kind: str) -> str:
    return next(problem.detail for problem in outcome.problems if problem.kind == kind)


@pytest.mark.parametrize("deep", [False, True])
def test_a_truncated_shard_is_one_fault(make_corpus: Make, deep: bool) -> None:
    folder = make_corpus()
    end = open_corpus(folder).samples["rainy_offset"][1].as_py() + 10
    (folder / FIRST).write_bytes((folder / FIRST).read_bytes()[:end])
    outcome = verify(folder, deep=deep)
    assert [problem.kind for problem in outcome.problems] == ["changed", "structure", "index"]
    assert f"{FIRST} is truncated" in detail(outcome, "structure")
    assert {problem.file for problem in outcome.problems} == {FIRST, "wids-train.json"}
    assert outcome.notes == [
        f"{FIRST}: 2 of 3 samples not looked at, train-00001 first: their members are not where the manifest says"
    ]
    assert outcome.counts["decoded"] == 4 + 28 * deep


def test_swapped_shards_are_named(make_corpus: Make, capfd: pytest.CaptureFixture[str]) -> None:
    folder = make_corpus()
    first = (folder / FIRST).read_bytes()
    (folder / FIRST).write_bytes((folder / SECOND).read_bytes())
    (folder / SECOND).write_bytes(first)
    outcome = verify(folder, deep=True)
    assert f"these are the bytes of {SECOND}: the files were swapped" in detail(outcome, "changed")
    assert "sample train-00000 of the manifest is missing (3 are)" in detail(outcome, "keys")
    assert {problem.kind for problem in outcome.problems} == {"changed", "keys", "index"}
    assert [note.partition(":")[0] for note in outcome.notes] == [FIRST, SECOND]
    assert capfd.readouterr().err == ""


def test_an_md5_is_named_where_it_was_computed(make_corpus: Make) -> None:
    folder = make_corpus()
    data = (folder / FIRST).read_bytes()
    (folder / FIRST).write_bytes(data[:-512])
    index = json.loads((folder / "wids-train.json").read_text())["shardlist"][0]
    words = f"has 3 samples, {len(data)} bytes; it has 3, {len(data) - 512} bytes"
    assert detail(verify(folder), "index").endswith(words)
    other = hashlib.md5(data[:-512], usedforsecurity=False).hexdigest()
    words = f"{len(data)} bytes and md5 {index['md5sum']}; it has 3, {len(data) - 512} bytes and md5 {other}"
    assert detail(verify(folder, deep=True), "index").endswith(words)


def test_a_damaged_header_does_not_hide_other_pictures(make_corpus: Make) -> None:
    folder = make_corpus()
    rows = open_corpus(folder).samples.slice(0, 3).to_pylist()
    data = bytearray((folder / FIRST).read_bytes())
    data[rows[0]["rainy_offset"] - 512] ^= 1
    data[rows[2]["rainy_offset"] + rows[2]["rainy_size"] // 2] ^= 1
    (folder / FIRST).write_bytes(data)
    outcome = verify(folder)
    assert [(problem.kind, problem.sample) for problem in outcome.problems] == [
        ("changed", ""), ("structure", ""), ("pixels", "train-00002"),
    ]  # fmt: skip
    assert "1 of 3 samples not looked at, train-00000 first" in outcome.notes[0]


def test_the_first_wrong_byte_is_placed(make_corpus: Make) -> None:
    folder = make_corpus()
    row = open_corpus(folder).samples.slice(1, 1).to_pylist()[0]
    data = bytearray((folder / FIRST).read_bytes())
    data[row["rain_offset"] + row["rain_size"] // 2] ^= 1
    (folder / FIRST).write_bytes(bytes(data))
    outcome = verify(folder)
    assert kinds(outcome) == {"changed", "pixels"}
    assert [problem.sample for problem in outcome.problems] == ["", "train-00001"]
    assert f"train-00001.rain.png at byte {row['rain_offset']}" in detail(outcome, "pixels")


def test_a_forged_shard_with_right_checksums_needs_deep(make_corpus: Make) -> None:
    folder = make_corpus()
    other = open_corpus(folder).read_bytes("validation-00000", ("clean",))["clean"]
    data = (folder / FIRST).read_bytes()
    row = open_corpus(folder).samples.slice(0, 1).to_pylist()[0]
    assert len(other) == row["clean_size"]
    (folder / FIRST).write_bytes(data[: row["clean_offset"]] + bytes(other) + data[row["clean_offset"] + len(other) :])
    write_checksums(folder)
    assert verify(folder).ok
    outcome = verify(folder, deep=True)
    assert kinds(outcome) == {"pixels", "index"}
    assert "its pixel digest is" in detail(outcome, "pixels")


def test_a_label_of_equal_length_and_another_type_is_named(make_corpus: Make) -> None:
    folder = make_corpus()
    data = (folder / FIRST).read_bytes()
    assert data.count(b'"index": 1, ') == 1
    (folder / FIRST).write_bytes(data.replace(b'"index": 1, ', b'"index":"1",'))
    words = "its index is of type str ('1'), the manifest's is int (1)"
    assert f"{FIRST}: train-00001.json at byte" in detail(verify(folder), "labels")
    assert words in detail(verify(folder), "labels")


def test_types_of_labels() -> None:
    types = {"b": "float", "a[]": "int", "c.d": "str", "c.e": "bool", "f[].g": "int"}
    assert list_types({"b": 1.5, "a": [1, 2], "c": {"d": "x", "e": True}, "f": [{"g": 1}, {"g": 2}]}) == types
    with pytest.raises(IntegrityError, match=r"it has no field c\.e, which is bool in the shards before"):
        compare_types({name: types[name] for name in types if name != "c.e"}, types, "the shards before")
    with pytest.raises(IntegrityError, match="its b is of type int, that of the samples before is float"):
        compare_types(types | {"b": "int"}, types, "the samples before")
