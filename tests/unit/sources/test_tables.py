from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rainkit.errors import SourceError
from rainkit.images import encode_png
from rainkit.records import Picture
from rainkit.sources import HuggingfaceSource, ParquetSource

STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def table(*values: bytes) -> pa.Table:
    cells = [{"bytes": value, "path": f"{i}.png"} for i, value in enumerate(values)]
    return pa.table({"label": list(range(len(values))), "image": pa.array(cells, STRUCT)})


def save_to_disk(folder: Path, *values: bytes) -> None:
    """Write what `datasets.Dataset.save_to_disk` writes, in two record batches."""
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}))
    rows = table(*values)
    with (
        pa.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as sink,
        pa.ipc.new_stream(sink, rows.schema) as out,
    ):
        out.write_table(rows.slice(0, 1))
        out.write_table(rows.slice(1))


def contents(pictures: list[Picture]) -> dict[str, bytes]:
    return {picture.path: pickle.loads(pickle.dumps(picture)).read() for picture in pictures}


def test_rows_of_parquet_files_are_read_alone(tmp_path: Path) -> None:
    pq.write_table(table(b"c", b"d", b"e"), tmp_path / "two.parquet", row_group_size=2)
    pq.write_table(pa.table({"jpg": [b"a", b"b"]}), tmp_path / "one.parquet")
    pictures = list(ParquetSource(path=tmp_path)())
    expected = {"one.parquet/000000": b"a", "one.parquet/000001": b"b"}
    expected |= {f"two.parquet/00000{i}": value for i, value in enumerate((b"c", b"d", b"e"))}
    assert contents(pictures) == expected
    assert contents(pictures[::-1]) == expected


def test_a_column_must_be_named_where_there_are_several(tmp_path: Path) -> None:
    pq.write_table(pa.table({"rainy": [b"a"], "clean": [b"b"], "name": ["x"]}), tmp_path / "pairs.parquet")
    assert contents(list(ParquetSource(path=tmp_path, column="clean")())) == {"pairs.parquet/000000": b"b"}
    with pytest.raises(SourceError, match=r"several \(rainy, clean\); name one with `column`"):
        ParquetSource(path=tmp_path)()
    with pytest.raises(SourceError, match=r"no column 'name' with pictures; there are: rainy, clean"):
        ParquetSource(path=tmp_path, column="name")()


def test_wrong_parquet_is_said_once(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no files \*\.parquet"):
        ParquetSource(path=tmp_path)()
    pq.write_table(pa.table({"image": pa.array([], pa.binary())}), tmp_path / "empty.parquet")
    with pytest.raises(SourceError, match=r"they have no rows"):
        ParquetSource(path=tmp_path)()
    (tmp_path / "empty.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(SourceError, match=r"empty\.parquet cannot be read as parquet"):
        ParquetSource(path=tmp_path)()


def test_an_empty_cell_cannot_be_read(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": pa.array([None, b"a"], pa.binary())}), tmp_path / "a.parquet")
    first, second = ParquetSource(path=tmp_path)()
    assert second.read() == b"a"
    with pytest.raises(OSError, match="the cell is empty"):
        first.read()


def test_a_saved_dataset_is_read_by_split(tmp_path: Path) -> None:
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    save_to_disk(tmp_path / "train", b"a", b"b", b"c")
    save_to_disk(tmp_path / "test", b"d", b"e")
    name = "data-00000-of-00001.arrow"
    train = {f"train/{name}/00000{i}": value for i, value in enumerate((b"a", b"b", b"c"))}
    assert contents(list(HuggingfaceSource(path=tmp_path, split="train")())) == train
    both = contents(list(HuggingfaceSource(path=Path(tmp_path.name)).at(tmp_path.parent)()))
    assert both == train | {f"test/{name}/00000{i}": value for i, value in enumerate((b"d", b"e"))}
    with pytest.raises(SourceError, match=r"no arrow files of a split 'dev'.*test/data-00000"):
        HuggingfaceSource(path=tmp_path, split="dev")()


def test_a_clone_with_parquet_is_read_by_split(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / ".cache").mkdir()
    for split, value in (("train", b"a"), ("test", b"b")):
        pq.write_table(table(value), tmp_path / "data" / f"{split}-00000-of-00001.parquet")
    (tmp_path / ".cache" / "x.parquet").write_bytes(b"not to be read")
    assert contents(list(HuggingfaceSource(path=tmp_path, split="test")())) == {
        "data/test-00000-of-00001.parquet/000000": b"b"
    }
    assert len(list(HuggingfaceSource(path=tmp_path)())) == 2


def test_folders_of_pictures_are_read_by_split(tmp_path: Path) -> None:
    for name in ("train/a.jpg", "train/cats/b.png", "test/c.PNG", "metadata.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    assert [picture.path for picture in HuggingfaceSource(path=tmp_path, split="train")()] == [
        "train/a.jpg",
        "train/cats/b.png",
    ]
    assert len(list(HuggingfaceSource(path=tmp_path)())) == 3
    with pytest.raises(SourceError, match="no pictures below"):
        HuggingfaceSource(path=tmp_path, split="dev")()
    with pytest.raises(SourceError, match="there is no folder"):
        HuggingfaceSource(path=tmp_path / "nowhere")()


def test_cells_that_name_a_file_are_read_from_beside_the_table(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(b"beside")
    cells = pa.array([{"bytes": None, "path": "0.png"}], STRUCT)
    pq.write_table(pa.table({"image": cells}), tmp_path / "a.parquet")
    assert contents(list(ParquetSource(path=tmp_path)())) == {"a.parquet/000000": b"beside"}


@pytest.mark.reader
@pytest.mark.filterwarnings("ignore")
def test_what_datasets_itself_writes_is_read(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    cells = [{"bytes": encode_png(np.full((4, 4, 3), level, np.uint8)), "path": None} for level in (1, 2, 3)]
    rows = datasets.Dataset.from_dict({"image": cells, "label": [0, 1, 0]}).cast_column("image", datasets.Image())
    datasets.DatasetDict({"train": rows, "test": rows.select([2])}).save_to_disk(tmp_path / "saved")
    rows.to_parquet(tmp_path / "clone" / "data" / "train-00000-of-00001.parquet")
    expected = [cell["bytes"] for cell in cells]
    for folder in ("saved", "clone"):
        source = HuggingfaceSource(path=tmp_path / folder, split="train")
        assert list(contents(list(source())).values()) == expected
    assert list(contents(list(HuggingfaceSource(path=tmp_path / "saved", split="test")())).values()) == expected[2:]
