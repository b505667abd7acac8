from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path

import pytest

from rainkit.errors import SourceError
from rainkit.sources import WebdatasetSource


def write_tar(path: Path, members: dict[str, bytes], mode: str = "w") -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    write_tar(tmp_path / "b-000001.tar", {"k3.rainy.png": b"r3", "k3.clean.png": b"c3"})
    write_tar(
        tmp_path / "a-000000.tar", {"k1.rainy.png": b"r1", "k1.clean.png": b"c1", "k1.json": b"{}", "k2.JPG": b"j2"}
    )
    return tmp_path


def test_every_picture_is_read_from_its_offset(shards: Path) -> None:
    found = {picture.path: pickle.loads(pickle.dumps(picture)).read() for picture in WebdatasetSource(path=shards)()}
    assert found == {
        "a-000000.tar/k1.rainy.png": b"r1",
        "a-000000.tar/k1.clean.png": b"c1",
        "a-000000.tar/k2.JPG": b"j2",
        "b-000001.tar/k3.rainy.png": b"r3",
        "b-000001.tar/k3.clean.png": b"c3",
    }


def test_one_member_of_each_sample(shards: Path) -> None:
    source = WebdatasetSource(path=Path(shards.name), member="clean.png").at(shards.parent)
    assert [picture.path for picture in source()] == ["a-000000.tar/k1.clean.png", "b-000001.tar/k3.clean.png"]


def test_one_shard_and_some_shards(shards: Path) -> None:
    assert len(list(WebdatasetSource(path=shards / "b-000001.tar")())) == 2
    assert len(list(WebdatasetSource(path=shards, shards="a-*.tar")())) == 3


def test_what_cannot_be_read_is_said_once(shards: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no file or folder"):
        WebdatasetSource(path=shards / "nowhere")()
    with pytest.raises(SourceError, match=r"no files \*\.zip in"):
        WebdatasetSource(path=shards, shards="*.zip")()
    with pytest.raises(SourceError, match=r"looked for members named KEY\.gt\.png"):
        WebdatasetSource(path=shards, member="gt.png")()
    write_tar(shards / "c.tar", {"k.png": b"x"}, "w:gz")
    with pytest.raises(SourceError, match=r"c\.tar cannot be read as a plain tar file.*must be unpacked"):
        WebdatasetSource(path=shards)()
