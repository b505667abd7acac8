"""Verification finds each kind of damage, names it, and finds nothing where there is none."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from rainkit import manifest
from rainkit.errors import SourceError
from rainkit.release.checking import KINDS
from rainkit.release.checksums import CHECKSUMS, write_checksums
from rainkit.release.verify import VerifyReport, verify, write_report
from rainkit.shards import scan_shard, write_shard

Make = Callable[..., Path]
FIRST = "data/train/tiny-train-000000.tar"
SECOND = "data/train/tiny-train-000001.tar"
LAST = "data/train/tiny-train-000002.tar"


def kinds(outcome: VerifyReport) -> set[str]:
    assert all(problem.kind in KINDS for problem in outcome.problems)
    return {problem.kind for problem in outcome.problems}


def detail(outcome: VerifyReport, kind: str) -> str:
    return next(problem.detail for problem in outcome.problems if problem.kind == kind)


def edit_table(folder: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change the manifest and make its checksum right again."""
    path = folder / "metadata/samples.parquet"
    table = change(manifest.read_table(path, "samples"))
    pq.write_table(table.replace_schema_metadata(pq.read_schema(path).metadata), path)
    write_checksums(folder)


def set_cell(name: str, row: int, value: Any) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        values = table[name].to_pylist()
        values[row] = value
        field = table.schema.field(name)
        return table.set_column(table.column_names.index(name), field, pa.array(values, field.type))

    return change


def rewrite_shard(folder: Path, change: Callable[[str, dict[str, bytes]], tuple[str, dict[str, bytes]]]) -> None:
    """Write the first shard again with other contents, as a tool that knows the format would."""
    data = (folder / FIRST).read_bytes()
    samples = [
        (sample.key, {name: data[m.offset : m.offset + m.size] for name, m in sample.members.items()})
        for sample in scan_shard(folder / FIRST).samples
    ]
    record = write_shard(folder / FIRST, [change(*sample) for sample in samples])

    def place(table: pa.Table) -> pa.Table:
        for row, sample in enumerate(record.samples):
            for extension, member in sample.members.items():
                name = manifest.member_column(extension)
                table = set_cell(f"{name}_offset", row, member.offset)(table)
                table = set_cell(f"{name}_size", row, member.size)(table)
        return table

    edit_table(folder, place)


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("jobs", [None, 2])
def test_a_sound_corpus_is_sound(make_corpus: Make, deep: bool, jobs: int | None) -> None:
    folder = make_corpus()
    (folder / "validation.json").write_text("{}")
    stages: list[Any] = []

    def report(stage: str, steps: int) -> Callable[[int, str], None]:
        stages.append((stage, steps))
        return lambda count, word: stages.append(word)

    outcome = verify(folder, deep=deep, jobs=jobs, report=report)
    assert outcome.problems == []
    assert outcome.ok
    assert (outcome.corpus, outcome.notes) == ("tiny-1.0.0", [])
    files = sum(1 for line in (folder / CHECKSUMS).read_text().splitlines())
    expected = {"files": files, "shards": 4, "samples": 10, "decoded": 40 if deep else 0, "redrawn": 0}
    assert {name: outcome.counts[name] for name in expected} == expected
    assert (
        outcome.counts["bytes"]
        == sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) - 2 - (folder / CHECKSUMS).stat().st_size
    )
    assert stages[0] == ("verify", 4)
    assert set(stages[1:]) >= {FIRST, SECOND}


def test_missing_and_further_files_are_named(make_corpus: Make) -> None:
    folder = make_corpus()
    (folder / SECOND).unlink()
    (folder / "README.md").unlink()
    (folder / "data/train/new.tar").write_bytes(b"")
    (folder / "elsewhere").symlink_to(folder.parent)
    outcome = verify(folder)
    found = {(problem.kind, problem.file) for problem in outcome.problems}
    assert found == {
        ("missing", SECOND), ("missing", "README.md"), ("extra", "data/train/new.tar"), ("extra", "elsewhere"),
    }  # fmt: skip


def test_changed_files_beside_the_shards_are_named(make_corpus: Make) -> None:
    folder = make_corpus()
    (folder / "README.md").write_text("# other\n")
    outcome = verify(folder)
    assert [(problem.kind, problem.file) for problem in outcome.problems] == [("changed", "README.md")]


def test_an_unfinished_corpus_is_said(make_corpus: Make) -> None:
    folder = make_corpus()
    (folder / CHECKSUMS).unlink()
    outcome = verify(folder)
    assert kinds(outcome) == {"incomplete"}
    assert "run the build again" in detail(outcome, "incomplete")


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (set_cell("key", 1, "train-00000"), "manifest", "key train-00000 appears more than once"),
        (set_cell("index", 2, 7), "manifest", "sample train-00002 has index 7 out of turn"),
        (set_cell("background_id", 3, "nobody"), "manifest", "background nobody of sample train-00003 is not in"),
        (set_cell("background_id", 8, "t000000000000000"), "leak", "has samples in train and validation"),
        (set_cell("rainy_offset", 1, 77), "offsets", "the manifest says"),
        (set_cell("rainy_size", 1, -77), "offsets", "the manifest says -77"),
        (set_cell("rainy_offset", 1, 2**40), "offsets", "train-00001.rainy.png is"),
        (set_cell("key", 1, "train-99999"), "keys", "sample train-99999 of the manifest is missing (1 are)"),
        (set_cell("stratum", 1, 0), "labels", "its stratum is 1, the manifest says 0"),
        (set_cell("shard", 1, "data/train/none.tar"), "manifest", "data/train/none.tar is named by the manifest"),
        (set_cell("shard", 1, "../outside.tar"), "manifest", "climbs out of the corpus"),
        (set_cell("key", 1, "../outside"), "manifest", "is no key of a sample"),
        (lambda table: table.slice(1), "keys", "sample train-00000 is not in the manifest (1 are not)"),
        (lambda table: table.filter(pc.not_equal(table["shard"], LAST)), "manifest", "names no sample"),
        (lambda table: table.drop_columns(["split"]), "manifest", "column split should be string, it is missing"),
        (set_cell("rain_digest", 0, "0" * 32), "pixels", "train-00000.rain.png"),
    ],
)
def test_an_edited_manifest_is_found(
    make_corpus: Make, change: Callable[[pa.Table], pa.Table], kind: str, words: str
) -> None:
    folder = make_corpus()
    edit_table(folder, change)
    outcome = verify(folder, deep=True)
    assert kind in kinds(outcome)
    assert any(problem.kind == kind and words in problem.detail for problem in outcome.problems), outcome.problems


def relabel(
    change: Mapping[str, Any], only: str = ""
) -> Callable[[str, dict[str, bytes]], tuple[str, dict[str, bytes]]]:
    def rewrite(key: str, members: dict[str, bytes]) -> tuple[str, dict[str, bytes]]:
        label = json.loads(members["json"]) | (change if only in key else {})
        return key, members | {"json": json.dumps(label).encode()}

    return rewrite


@pytest.mark.parametrize(
    ("change", "only", "words"),
    [
        ({"score": 1}, "00001", "train-00001.json at byte"),
        ({"score": 1}, "00000", "its score is of type int (1), the manifest's is float (0."),
        ({"stratum": True}, "00001", "its stratum is of type bool (True), the manifest's is int (1)"),
        ({"rain": ["small"]}, "00000", "its rain is of type list (['small']), the manifest's is str"),
        ({"more": 1}, "00002", "it has a field more of type int, which the samples before have not"),
        ({"score": None}, "", "the value at score is None"),
        ({"score": float("nan")}, "", "the value at score is nan"),
        ({"list": []}, "", "the list at list is empty"),
        ({"list": [1, 1.5]}, "", "the list at list is of mixed types"),
        ({"rain": "heavy"}, "00001", "its rain is 'heavy', the manifest says 'small'"),
    ],
)
def test_labels_of_wrong_types_or_values_are_named(
    make_corpus: Make, change: Mapping[str, Any], only: str, words: str
) -> None:
    folder = make_corpus()
    rewrite_shard(folder, relabel(change, only))
    outcome = verify(folder)
    assert words in detail(outcome, "labels")
    assert f"{FIRST}: train-0000" in detail(outcome, "labels")


def test_labels_that_differ_from_shard_to_shard_are_named(make_corpus: Make) -> None:
    folder = make_corpus()
    rewrite_shard(folder, relabel({"new": 1.5}))
    words = f"{SECOND}, its labels: it has no field new, which is float in the shards before"
    assert detail(verify(folder), "labels") == words


def test_another_member_set_is_named(make_corpus: Make) -> None:
    folder = make_corpus()
    rewrite_shard(folder, lambda key, members: (key, {n: c for n, c in members.items() if n != "rain.png"}))
    assert "has members clean.png, json, rainy.png, streaks.npy" in detail(verify(folder), "members")


@pytest.mark.parametrize("name", ["/etc/passwd.png", "../../outside.png"])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.SYMTYPE])
def test_a_tar_that_reaches_out_is_named(make_corpus: Make, name: str, kind: bytes) -> None:
    folder = make_corpus()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    (folder / FIRST).write_bytes(buffer.getvalue())
    write_checksums(folder)
    words = "is a symbolic link" if kind == tarfile.SYMTYPE else "has an absolute name"
    words = "has a name that climbs out" if kind == tarfile.REGTYPE and ".." in name else words
    assert f"{FIRST} at byte 0: member {name!r} {words}" in detail(verify(folder), "structure")


def test_samples_whose_members_are_apart_are_named(make_corpus: Make) -> None:
    folder = make_corpus()
    with tarfile.open(folder / FIRST) as archive:
        members = [(info, archive.extractfile(info)) for info in archive.getmembers()]
        contents = [(info, file.read() if file else b"") for info, file in members]
    data = (folder / FIRST).read_bytes()
    blocks = {}
    for info, _ in contents:
        blocks[info.name] = data[info.offset : info.offset_data + -(-info.size // 512) * 512]
    names = [info.name for info, _ in contents]
    order = [*names[1:], names[0]]
    body = b"".join(blocks[name] for name in order)
    (folder / FIRST).write_bytes(body + data[len(body) :])
    write_checksums(folder)
    assert "not adjacent" in detail(verify(folder), "keys")


def test_a_wrong_index_is_named(make_corpus: Make) -> None:
    folder = make_corpus()
    index = json.loads((folder / "wids-train.json").read_text())
    index["shardlist"][0]["nsamples"] = 9
    index["shardlist"][1]["url"] = "data/train/other.tar"
    (folder / "wids-train.json").write_text(json.dumps(index))
    (folder / "wids-validation.json").write_text("[]")
    write_checksums(folder)
    details = [problem.detail for problem in verify(folder).problems]
    assert any("has 9 samples" in text for text in details)
    assert any(f"does not list {SECOND}" in text for text in details)
    assert any("wids-validation.json is no wids index" in text for text in details)


def test_a_recipe_of_something_else_is_named(make_corpus: Make) -> None:
    folder = make_corpus()
    (folder / "recipe.yaml").write_text("name: other\nversion: 2.0.0\n")
    write_checksums(folder)
    assert "the recipe is of other-2.0.0" in detail(verify(folder), "manifest")
    (folder / "recipe.yaml").write_text("[1")
    assert {"changed", "manifest"} == kinds(verify(folder))


def test_climbing_checksums_are_named(make_corpus: Make) -> None:
    folder = make_corpus()
    with (folder / CHECKSUMS).open("a") as file:
        file.write(f"{'0' * 64}  ../../etc/passwd\n")
    assert "climbs" in detail(verify(folder), "changed")


def test_a_release_of_manifests_alone(make_corpus: Make) -> None:
    folder = make_corpus()
    shutil.rmtree(folder / "data")
    write_checksums(folder)
    outcome = verify(folder)
    assert outcome.ok
    assert "manifests alone" in outcome.notes[0]
    edit_table(folder, set_cell("index", 2, 7))
    assert kinds(verify(folder)) == {"manifest"}


def test_a_remote_corpus(make_corpus: Make) -> None:
    folder = make_corpus()
    memory = fsspec.filesystem("memory")
    memory.put(str(folder), "/tiny", recursive=True)
    try:
        assert verify("memory://tiny", deep=True).problems == []
        memory.pipe_file("/tiny/extra.txt", b"x")
        memory.rm_file(f"/tiny/{SECOND}")
        assert {(problem.kind, problem.file) for problem in verify("memory://tiny").problems} == {
            ("extra", "extra.txt"),
            ("missing", SECOND),
        }
    finally:
        memory.rm("/tiny", recursive=True)


def test_an_address_that_cannot_be_listed_is_noted(make_corpus: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_corpus()
    monkeypatch.setattr("rainkit.data.stores.LocalStore.list_files", lambda store: None)
    outcome = verify(folder)
    assert outcome.ok
    assert "cannot be listed" in outcome.notes[0]


def test_nothing_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not a corpus"):
        verify(tmp_path)


def test_redrawn_samples_are_compared(make_corpus: Make, expected_arrays: Callable[..., dict[str, Any]]) -> None:
    folder = make_corpus()
    asked: list[str] = []

    def redraw(rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        for row in rows:
            asked.append(row["key"])
            arrays = expected_arrays(row["key"], row["crop_h"], row["crop_w"])
            if row["key"] == "train-00004":
                arrays["rain"] = arrays["rain"] ^ 1
                del arrays["clean"]
            yield arrays

    outcome = verify(folder, redraw=redraw, redraws=3)
    assert (len(set(asked)), outcome.counts["redrawn"]) == (3, 3)
    outcome = verify(folder, redraw=redraw, redraws=100)
    assert outcome.counts["redrawn"] == 10
    assert [(problem.kind, problem.sample) for problem in outcome.problems] == [("redraw", "train-00004")] * 2
    assert "nothing" in outcome.problems[0].detail


def test_report_as_json(make_corpus: Make, tmp_path: Path) -> None:
    folder = make_corpus()
    (folder / "README.md").write_text("# other\n")
    (folder / "extra.txt").write_text("")
    (folder / "extra-2.txt").write_text("")
    outcome = verify(folder)
    write_report(outcome, tmp_path / "report.json")
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["ok"] is False
    assert [problem["kind"] for problem in found["problems"]] == ["extra", "extra", "changed"]
    assert [problem.kind for problem in outcome.first_of_each_kind()] == ["extra", "changed"]
    assert len(found["checksums"]) == 64
