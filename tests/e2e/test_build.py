"""`rainkit build`: from a recipe to a corpus, whole and always the same."""

from __future__ import annotations

import gc
import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import time
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from rainkit.images import pixel_digest

Run = Any


def checksums(corpus: Path) -> str:
    return (corpus / "checksums.sha256").read_text()


def read_pictures(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def test_the_path_is_the_last_line(rainkit: Run, recipe: Path, corpus: Path) -> None:
    done = rainkit("build", recipe, "-o", corpus.parent)
    assert done.stdout.splitlines()[-1] == str(corpus)
    assert "is complete; nothing to do" in done.stderr
    again = json.loads(rainkit("build", recipe, "-o", corpus.parent, "--json").stdout)
    assert (again["already"], again["samples"], again["shards"]) == (True, 100, 5)
    assert again["bytes"] == sum(path.stat().st_size for path in corpus.glob("data/*/*.tar"))


def test_workers_change_no_byte(rainkit: Run, recipe: Path, corpus: Path, tmp_path: Path) -> None:
    rainkit("build", recipe, "-o", tmp_path, "--workers", "2", "--no-cache")
    assert checksums(tmp_path / "tiny-1.0.0") == checksums(corpus)


def test_shards_by_stratum_hold_the_same_samples_with_any_workers(
    rainkit: Run, recipe: Path, corpus: Path, tmp_path: Path
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe.read_text().replace("shards: {samples: 25}", "shards: {samples: 25, by: stratum}"))
    for workers in ("1", "2"):
        rainkit("build", path, "-o", tmp_path / workers, "--workers", workers, "--no-cache")
    one, two = (tmp_path / workers / "tiny-1.0.0" for workers in ("1", "2"))
    assert checksums(one) == checksums(two)
    rainkit("verify", two, "--deep")
    before, after = (pq.read_table(each / "metadata" / "samples.parquet").to_pandas() for each in (corpus, two))
    assert max(before["shard"]) == "data/validation/tiny-validation-000000.tar"
    assert max(after["shard"]) == "data/validation/tiny-validation-stratum-2-000000.tar"
    places = [name for name in before if name.endswith(("_offset", "_size"))]
    before, after = (each.drop(columns=["shard", *places]).set_index("key").sort_index() for each in (before, after))
    assert after.equals(before)
    planned = json.loads(rainkit("plan", path, "--json", "--output", tmp_path / "plan.parquet").stdout)
    assert planned["shards"] == len(list(two.glob("data/*/*.tar")))
    tables = tmp_path / "plan.parquet", two / "metadata" / "samples.parquet"
    rows = [pq.read_table(table, columns=["key", "shard"]).sort_by("key").to_pylist() for table in tables]
    assert rows[0] == rows[1]


def test_sha256sum_agrees(corpus: Path) -> None:
    lines = dict(reversed(line.split("  ", 1)) for line in checksums(corpus).splitlines())
    files = {p.relative_to(corpus).as_posix() for p in corpus.rglob("*") if p.is_file()}
    assert set(lines) == files - {"checksums.sha256"}
    for name, digest in lines.items():
        assert hashlib.sha256((corpus / name).read_bytes()).hexdigest() == digest


def test_the_manifest_reads_members_without_the_tar(corpus: Path) -> None:
    rows = pq.read_table(corpus / "metadata" / "samples.parquet").to_pylist()
    assert len(rows) == 100
    for row in rows[::7]:
        with (corpus / row["shard"]).open("rb") as file:
            for member in ("rainy", "clean", "rain", "mask"):
                file.seek(row[f"{member}_offset"])
                pixels = read_pictures(file.read(row[f"{member}_size"]))
                if pixels.ndim == 3:
                    pixels = np.ascontiguousarray(pixels[:, :, ::-1])
                assert pixel_digest(pixels) == row[f"{member}_digest"]


def test_rainy_is_clean_and_rain_to_the_bit(corpus: Path) -> None:
    seen = 0
    for path in sorted(corpus.glob("data/*/*.tar")):
        with tarfile.open(path) as tar:
            members = {m.name: tar.extractfile(m).read() for m in tar}  # type: ignore[union-attr]
        for key in {name.split(".")[0] for name in members}:
            about = json.loads(members[f"{key}.json"])
            rainy, clean = read_pictures(members[f"{key}.rainy.png"]), read_pictures(members[f"{key}.clean.png"])
            rain, mask = read_pictures(members[f"{key}.rain.png"]), read_pictures(members[f"{key}.mask.png"])
            assert about["composition"] == "add"
            assert np.array_equal(rainy, cv2.add(clean, cv2.merge([rain] * 3)))
            assert np.array_equal(mask, np.where(rain >= 3, 255, 0))
            assert about["coverage"] == pytest.approx((mask > 0).mean())
            seen += 1
    assert seen == 100


def test_shards_are_plain_and_sorted(corpus: Path) -> None:
    for path in sorted(corpus.glob("data/*/*.tar")):
        with tarfile.open(path) as tar:
            names = [member.name for member in tar]
            assert all(m.mtime == 0 and m.isreg() and m.uid == 0 and m.pax_headers == {} for m in tar.getmembers())
        assert names == sorted(names)
        sets = {}
        for name in names:
            key, _, extension = name.partition(".")
            sets.setdefault(key, []).append(extension)
        assert set(map(tuple, sets.values())) == {("clean.png", "json", "mask.png", "rain.png", "rainy.png")}


def test_splits_share_no_background(corpus: Path) -> None:
    table = pq.read_table(corpus / "metadata" / "samples.parquet").to_pandas()
    per_split = table.groupby("split")["group"].agg(set)
    assert per_split["train"].isdisjoint(per_split["test"])
    assert per_split["train"].isdisjoint(per_split["validation"])


def test_strata_are_what_the_shards_hold(corpus: Path) -> None:
    """Patches are scored again from the finished shards and fall in the stratum that the manifest states."""
    from rainkit.complexity import Complexity, measure_patches
    from rainkit.strata import read_stratification

    block = Complexity(unit="patch")
    edges = read_stratification(corpus)["edges"]
    for row in pq.read_table(corpus / "metadata" / "samples.parquet").to_pylist():
        with (corpus / row["shard"]).open("rb") as file:
            file.seek(row["clean_offset"])
            clean = np.ascontiguousarray(read_pictures(file.read(row["clean_size"]))[:, :, ::-1])
        values = measure_patches(clean, block.instruments, np.array([[0, 0, 64, 64]], np.int32))
        score = block.combine(values)[0][0]
        assert score == row["score"]
        assert int(np.searchsorted(edges, score, side="right")) == row["stratum"]


def test_a_second_build_scores_nothing(environment: dict[str, str], recipe: Path, corpus: Path, tmp_path: Path) -> None:
    text = recipe.read_text().replace("version: 1.0.0", "version: 1.0.1")
    (tmp_path / "recipe.yaml").write_text(text)
    code = (
        "import sys, rainkit.survey.measuring as s\n"
        "def refuse(*a): raise AssertionError('measured again')\n"
        "s._measure = refuse\n"
        "from rainkit.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "build", str(tmp_path / "recipe.yaml"), "-o", str(tmp_path), "-w", "1"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_another_recipe_in_the_folder_is_refused_with_the_difference(
    rainkit: Run, recipe: Path, corpus: Path, tmp_path: Path
) -> None:
    (tmp_path / "recipe.yaml").write_text(recipe.read_text().replace("seed: 7", "seed: 8"))
    before = checksums(corpus)
    done = rainkit("build", tmp_path / "recipe.yaml", "-o", corpus.parent, code=1)
    assert "belongs to another recipe" in done.stderr
    assert "-seed: 7" in done.stderr
    assert "+seed: 8" in done.stderr
    assert checksums(corpus) == before


def start(environment: dict[str, str], *arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "rainkit", *map(str, arguments)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


@pytest.fixture(scope="module")
def longer(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe that takes long enough to be killed in the middle of."""
    text = recipe.read_text().replace("samples: 60", "samples: 1500").replace("name: tiny", "name: longer")
    path = tmp_path_factory.mktemp("longer") / "recipe.yaml"
    path.write_text(text)
    return path


def kill_after(process: subprocess.Popen[str], folder: Path, shards: int) -> bool:
    """Kill a build with its workers once so many shards are finished; return whether it was still alive."""
    while process.poll() is None and len(list(folder.glob(".rainkit/rows/[!.]*.parquet"))) < shards:
        time.sleep(0.005)
    alive = process.poll() is None
    if alive:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return alive


def test_a_killed_build_ends_in_the_same_bytes(
    rainkit: Run, environment: dict[str, str], longer: Path, tmp_path: Path
) -> None:
    rainkit("build", longer, "-o", tmp_path / "whole", "-w", "2")
    wanted = checksums(tmp_path / "whole" / "longer-1.0.0")
    generator = random.Random(5)
    folder = tmp_path / "killed" / "longer-1.0.0"
    # Of 62 shards: before the first, at random moments between, and while the last are drawn or committed.
    for shards in (0, *sorted(generator.sample(range(1, 55), 3)), 62):
        process = start(environment, "build", longer, "-o", tmp_path / "killed", "-w", "2")
        killed = kill_after(process, folder, shards)
        assert killed or shards == 62
        if killed:
            assert not (folder / "checksums.sha256").exists()
    rainkit("build", longer, "-o", tmp_path / "killed", "-w", "2")
    assert checksums(folder) == wanted
    assert not (folder / ".rainkit").exists()


def test_ctrl_c_leaves_a_folder_that_can_be_continued(
    rainkit: Run, environment: dict[str, str], longer: Path, tmp_path: Path
) -> None:
    process = start(environment, "build", longer, "-o", tmp_path, "-w", "2")
    folder = tmp_path / "longer-1.0.0"
    while process.poll() is None and not list(folder.glob(".rainkit/rows/[!.]*.parquet")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert said.strip().endswith("rainkit: interrupted")
    assert "Traceback" not in said
    assert not list(folder.glob("data/*/.*.part"))
    done = rainkit("build", longer, "-o", tmp_path)
    assert "from an earlier run" in done.stderr


def test_the_second_of_two_builds_is_refused(
    rainkit: Run, environment: dict[str, str], longer: Path, tmp_path: Path
) -> None:
    process = start(environment, "build", longer, "-o", tmp_path, "-w", "1")
    while process.poll() is None and not (tmp_path / "longer-1.0.0" / ".rainkit" / "build.json").exists():
        time.sleep(0.02)
    done = rainkit("build", longer, "-o", tmp_path, code=1)
    assert "is being built by another process" in done.stderr
    process.communicate(timeout=120)
    assert process.returncode == 0


def test_the_plan_is_what_is_built(rainkit: Run, recipe: Path, corpus: Path, tmp_path: Path) -> None:
    done = rainkit("plan", recipe, "--json", "--output", tmp_path / "plan.parquet")
    counts = json.loads(done.stdout)
    planned = pq.read_table(tmp_path / "plan.parquet").to_pandas().set_index("key").sort_index()
    built = pq.read_table(corpus / "metadata" / "samples.parquet").to_pandas().set_index("key").sort_index()
    shared = ["split", "index", "stratum", "background_id", "crop_x", "crop_y", "rain", "rain_seed", "score"]
    assert planned[shared].equals(built[shared])
    assert counts["samples"] == 100
    assert sum(row["samples"] for row in counts["counts"]) == 100
    size = sum(path.stat().st_size for path in corpus.glob("data/*/*.tar"))
    assert 0.5 < counts["estimated_bytes"] / size < 2


def test_the_webdataset_reader_reads_it(corpus: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    shards = sorted(map(str, corpus.glob("data/train/*.tar")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the reader leaves its files to the garbage collector
        samples = list(webdataset.WebDataset(shards, shardshuffle=False).decode("rgb8"))
        gc.collect()
    assert len(samples) == 60
    assert samples[0]["rainy.png"].shape == (64, 64, 3)
    assert samples[0]["json"]["key"] == samples[0]["__key__"]


def test_init_writes_a_recipe_that_builds(rainkit: Run, tmp_path: Path) -> None:
    rainkit("init", tmp_path / "new")
    done = rainkit("plan", tmp_path / "new" / "recipe.yaml", "--json")
    assert json.loads(done.stdout)["samples"] == 600
    again = rainkit("init", tmp_path / "new", code=2)
    assert "left alone" in again.stderr


def test_quiet_where_nobody_looks(rainkit: Run, recipe: Path, tmp_path: Path) -> None:
    done = rainkit("build", recipe, "-o", tmp_path, "--json")
    assert json.loads(done.stdout)["samples"] == 100
    assert done.stderr == ""


def test_a_json_member_is_plain(corpus: Path) -> None:
    path = next(corpus.glob("data/train/*.tar"))
    with tarfile.open(path) as tar:
        texts = [tar.extractfile(m).read() for m in tar if m.name.endswith(".json")]  # type: ignore[union-attr]
    kinds = {tuple((k, type(v).__name__) for k, v in json.load(io.BytesIO(text)).items()) for text in texts}
    assert len(kinds) == 1
    assert "NoneType" not in str(kinds)


def test_extending_keeps_every_sample(rainkit: Run, recipe: Path, corpus: Path, tmp_path: Path) -> None:
    text = recipe.read_text().replace("version: 1.0.0", "version: 1.1.0").replace("samples: 60", "samples: 90")
    (tmp_path / "recipe.yaml").write_text(text)
    rainkit("extend", corpus, tmp_path / "recipe.yaml", "-o", tmp_path / "extended")
    rainkit("build", tmp_path / "recipe.yaml", "-o", tmp_path / "built")
    extended = tmp_path / "extended" / "tiny-1.1.0"
    assert checksums(extended) == checksums(tmp_path / "built" / "tiny-1.1.0")
    before = pq.read_table(corpus / "metadata" / "samples.parquet").to_pandas().set_index("key")
    after = pq.read_table(extended / "metadata" / "samples.parquet").to_pandas().set_index("key")
    assert len(after) == 130
    assert after.loc[before.index, "rainy_digest"].equals(before["rainy_digest"])
    (tmp_path / "recipe.yaml").write_text(text.replace("seed: 7", "seed: 8"))
    refused = rainkit("extend", corpus, tmp_path / "recipe.yaml", "-o", tmp_path / "other", code=1)
    assert "does not extend tiny-1.0.0" in refused.stderr
