"""`rainkit score` as a user runs it: a folder, shards, a Parquet file, a corpus."""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rainkit.images import encode_jpeg, encode_png
from rainkit.seeds import Stream

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same five pictures as a folder, a shard and a Parquet file."""
    root = tmp_path_factory.mktemp("pictures")
    folder = root / "folder" / "below"
    folder.mkdir(parents=True)
    rows = []
    for number in range(5):
        noise = Stream(number, "picture").integers(0, 20 * number + 1, 300 * 300 * 3).reshape(300, 300, 3)
        data = encode_png(noise.astype(np.uint8)) if number % 2 else encode_jpeg(noise.astype(np.uint8))
        (folder / f"{number}.{'png' if number % 2 else 'jpg'}").write_bytes(data)
        rows.append({"bytes": data, "path": f"{number}"})
    with tarfile.open(root / "shard.tar", "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name)
    pq.write_table(pa.table({"image": rows}), root / "pictures.parquet")
    return root


def test_any_kind_of_set_has_the_same_scores(rainkit: Run, pictures: Path, tmp_path: Path) -> None:
    paths = [pictures / "folder", pictures / "shard.tar", pictures / "pictures.parquet"]
    done = rainkit("score", *paths, "-o", tmp_path / "scores", "-w", "2", "--no-cache")
    files = [Path(line).name for line in done.stdout.splitlines()[-4:]]
    assert files == ["scores.parquet", "scores.csv", "scores.json", "index.html"]
    frame = pq.read_table(tmp_path / "scores" / "scores.parquet").to_pandas()
    assert frame.groupby("set").size().to_dict() == {"folder": 5, "shard.tar": 5, "pictures.parquet": 5}
    values = frame.drop(columns=["set", "path"]).to_numpy(dtype=float).reshape(3, 5, -1)
    assert (values == values[0]).all()
    assert "folder, 5" in done.stdout


def test_workers_and_cache_change_nothing(rainkit: Run, pictures: Path, tmp_path: Path) -> None:
    for name, options in {"a": ["-w", "1", "--no-cache"], "b": ["-w", "2"], "c": ["-w", "1"]}.items():
        rainkit("score", pictures / "folder", "-o", tmp_path / name, *options)
    contents = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("a", "b", "c")]
    assert contents[0] == contents[1] == contents[2]


def test_a_corpus_is_scored_by_its_clean_pictures(rainkit: Run, corpus: Path) -> None:
    done = rainkit("score", corpus, "-e", "jpeg_ratio", "--no-guards", "--json")
    document = json.loads(done.stdout)
    assert document["sets"] == {corpus.name: 100}
    assert {"composite", "jpeg_ratio"} <= set(document["columns"])


def test_sets_are_named_and_compared(rainkit: Run, pictures: Path) -> None:
    folder = pictures / "folder"
    done = rainkit("score", f"one={folder}", f"two={folder}", "-e", "rms_contrast", "--json")
    assert json.loads(done.stdout)["sets"] == {"one": 5, "two": 5}
    twice = rainkit("score", f"one={folder}", f"one={folder}", code=2)
    assert "two sets are called one" in twice.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere"], 1, "there is nothing there"),
        (["{empty}"], 1, "no pictures below"),
        (["{folder}", "-e", "jpg_ratio"], 2, "did you mean"),
        ([], 2, "Missing argument"),
    ],
)
def test_mistakes_say_what_to_do(
    rainkit: Run, pictures: Path, tmp_path: Path, *, arguments: list[str], code: int, message: str
) -> None:
    places = {"{empty}": str(tmp_path), "{folder}": str(pictures / "folder")}
    done = rainkit("score", *(places.get(argument, argument) for argument in arguments), code=code)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_pictures_that_cannot_be_read_are_named_and_the_rest_is_scored(
    rainkit: Run, pictures: Path, tmp_path: Path
) -> None:
    (tmp_path / "good.png").write_bytes((pictures / "folder" / "below" / "1.png").read_bytes())
    (tmp_path / "cut.png").write_bytes((pictures / "folder" / "below" / "1.png").read_bytes()[:5000])
    done = rainkit("score", tmp_path, "-e", "rms_contrast", "--json")
    assert json.loads(done.stdout)["sets"] == {tmp_path.name: 1}
    assert "cut.png" in done.stderr
