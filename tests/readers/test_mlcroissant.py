"""mlcroissant validates the description and loads records through it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rainkit.data import Corpus

pytest.importorskip("mlcroissant")
pytestmark = [pytest.mark.reader, pytest.mark.filterwarnings("default")]


def text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def test_the_description_is_valid_without_warnings(shelf: Path, run: Callable[..., str], quiet_home: Path) -> None:
    said = run("mlcroissant", "validate", "--jsonld", "croissant.json", cwd=shelf)
    assert "Done." in said
    assert "error" not in said.lower()
    assert "warning" not in said.lower()


def test_the_manifest_loads(shelf: Path, rows: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    import mlcroissant

    monkeypatch.chdir(shelf)
    records = list(mlcroissant.Dataset(jsonld="croissant.json").records("manifest"))
    assert len(records) == len(rows)
    for record in records:
        row = rows[text(record["manifest/key"])]
        assert float(record["manifest/score"]) == row["score"]
        assert int(record["manifest/rainy_offset"]) == row["rainy_offset"]
        assert text(record["manifest/rain_params"]) == row["rain_params"]


@pytest.mark.parametrize("channel", ["rainy", "clean", "mask"])
def test_pictures_load_with_their_labels(
    truth: Corpus, rows: dict[str, Any], quiet_home: Path, run: Callable[..., str], channel: str
) -> None:
    # In a process of its own: the place of the reader's cache is fixed when it is imported.
    code = f"""
import io, pickle, sys, mlcroissant
records = []
for record in mlcroissant.Dataset(jsonld="croissant.json").records("{channel}"):
    buffer = io.BytesIO()
    record["{channel}/image"].save(buffer, "PNG")
    records.append({{**record, "{channel}/image": buffer.getvalue()}})
print(pickle.dumps(records).hex())
"""
    import pickle

    said = run("python", "-c", code, cwd=truth.address)
    records = pickle.loads(bytes.fromhex(next(line for line in said.splitlines() if line.startswith("80"))))
    assert sorted(text(record[f"{channel}/key"]) for record in records) == sorted(rows)
    for record in records:
        key = text(record[f"{channel}/key"])
        image = np.asarray(Image.open(io.BytesIO(record[f"{channel}/image"])))
        assert np.array_equal(image, truth.read(key)[channel])
        assert text(record[f"{channel}/split"]) == rows[key]["split"]
        assert text(record[f"{channel}/rain"]) == rows[key]["rain"]
        assert float(record[f"{channel}/coverage"]) == rows[key]["coverage"]
