from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rainkit.cli.rebuild import command
from rainkit.errors import BuildError, SourceError
from rainkit.release.publish import publish
from rainkit.release.virtual import release_manifest


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [*map(str, arguments), "--workers", "1"])


def test_the_corpus_is_the_last_line(built: Path, home: Path, tmp_path: Path) -> None:
    done = run(built, "--source", f"photos={home / 'photos'}", "-o", tmp_path)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{tmp_path / built.name}\n"
    assert "16 of 16 samples in 4 shards" in done.stderr
    assert "4 of 4 shards equal the original" in done.stderr
    assert "nothing to do" in run(built, "--source", f"photos={home / 'photos'}", "-o", tmp_path).stderr


def test_keys_come_from_a_file(built: Path, home: Path, tmp_path: Path) -> None:
    from rainkit.manifest import read_table

    keys = read_table(built / "metadata/samples.parquet", "samples")["key"].to_pylist()
    (tmp_path / "keys.txt").write_text(f"{keys[0]}\n{keys[9]}\n")
    place = f"photos={home / 'photos'}"
    done = run(built, "--source", place, "-o", tmp_path, "--keys", tmp_path / "keys.txt", "--key", keys[4], "--json")
    assert json.loads(done.stdout)["samples"] == 3


def test_an_address_serves_as_manifest(built: Path, home: Path, tmp_path: Path) -> None:
    address = publish(release_manifest(built, tmp_path / "manifests"), f"memory://{tmp_path.name}").address
    done = run(address, "--source", f"photos={home / 'photos'}", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / built.name / "README.md").read_bytes() == (built / "README.md").read_bytes()
    broken = run("memory://nothing-here", "-o", tmp_path / "out2")
    assert isinstance(broken.exception, SourceError)
    assert "there is no recipe.yaml" in str(broken.exception)
    assert not (tmp_path / "out2").exists()


def test_missing_pictures_are_listed(built: Path, home: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(home / "photos", photos)
    for path in sorted(photos.glob("photo-*.png"))[2:]:
        path.unlink()
    arguments = [built, "--source", f"photos={photos}", "-o", tmp_path / "out"]
    assert isinstance(run(*arguments).exception, BuildError)
    done = run(*arguments, "--partial")
    assert done.exit_code == 0, done.output
    lines = [line for line in done.stderr.splitlines() if line.startswith("missing: photos:photo-")]
    assert lines
    assert len(set(lines)) == len(lines)
    assert all(not (photos / line.partition("photos:")[2]).exists() for line in lines)


@pytest.mark.parametrize("text", ["photos", "=x", "photos="])
def test_sources_are_name_and_path(built: Path, tmp_path: Path, text: str) -> None:
    from rainkit.errors import RecipeError

    assert isinstance(run(built, "--source", text, "-o", tmp_path).exception, RecipeError)
