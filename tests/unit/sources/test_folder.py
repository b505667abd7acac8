from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from rainkit.errors import SourceError
from rainkit.images import PictureError, encode_png
from rainkit.sources import FolderSource
from rainkit.sources.folder import compile_glob

PNG = encode_png(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PNG)
    return folder


def paths(folder: Path, **fields: object) -> list[str]:
    return [picture.path for picture in FolderSource(path=folder, **fields)()]  # type: ignore[arg-type]


def test_pictures_are_found_below_the_folder_in_code_point_order(tmp_path: Path) -> None:
    fill(
        tmp_path, "b.png", "a/z.JPG", "a/b/c.webp", "B.tif", "é.bmp", "a.jpeg", "notes.txt", ".hidden.png", ".git/x.png"
    )
    assert paths(tmp_path) == ["B.tif", "a.jpeg", "a/b/c.webp", "a/z.JPG", "b.png", "é.bmp"]


def test_reading_is_lazy_and_survives_pickling(tmp_path: Path) -> None:
    fill(tmp_path, "a.png")
    (picture,) = FolderSource(path=tmp_path)()
    assert pickle.loads(pickle.dumps(picture)).read() == PNG
    (tmp_path / "a.png").unlink()
    with pytest.raises(OSError, match="No such file"):
        picture.read()


def test_globs_include_and_exclude(tmp_path: Path) -> None:
    fill(tmp_path, "train/a.png", "train/deep/b.png", "test/c.png", "train/d.ppm", "train/x_mask.png")
    assert paths(tmp_path, include=("train/**/*.png",)) == ["train/a.png", "train/deep/b.png", "train/x_mask.png"]
    assert paths(tmp_path, include=("*.ppm",)) == ["train/d.ppm"]
    assert paths(tmp_path, exclude=("*_mask.*", "test/**")) == ["train/a.png", "train/deep/b.png"]


@pytest.mark.parametrize(
    ("glob", "met", "missed"),
    [
        ("*.png", ["a.png", "b/a.png"], ["a.png.txt", "a.PNG"]),
        ("a/*.png", ["a/b.png"], ["a/b/c.png", "x/a/b.png"]),
        ("**/a/?.png", ["a/b.png", "x/y/a/b.png"], ["a/bb.png", "xa/b.png"]),
        ("[ab]*.png", ["a1.png", "z/b.png"], ["c.png"]),
        ("[!ab]*.png", ["c.png"], ["a1.png"]),
        ("a+(1).png", ["a+(1).png"], ["aa1.png"]),
        ("a[.png", ["a[.png"], ["a.png"]),
    ],
)
def test_globs_meet_what_a_shell_would(glob: str, met: list[str], missed: list[str]) -> None:
    pattern = compile_glob(glob)
    assert all(pattern.fullmatch(name) for name in met)
    assert not any(pattern.fullmatch(name) for name in missed)


def test_loops_of_links_end_and_a_folder_goes_by_its_own_name(tmp_path: Path) -> None:
    fill(tmp_path, "real/a.png")
    (tmp_path / "real" / "up").symlink_to("..")
    (tmp_path / "alias").symlink_to("real")
    (tmp_path / "self.png").symlink_to("self.png")
    elsewhere = fill(tmp_path.with_name(f"{tmp_path.name}-elsewhere"), "b.png")
    (tmp_path / "linked").symlink_to(elsewhere)
    assert paths(tmp_path) == ["linked/b.png", "real/a.png", "self.png"]


def test_names_that_are_not_utf8_are_shown_with_escapes_and_read(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.png")).write_bytes(PNG)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    fill(tmp_path, "\\xff\\xfe.png")
    other, picture = FolderSource(path=tmp_path)()
    assert picture.path == "\\xff\\xfe.png"
    assert other.path == "\\\\xff\\\\xfe.png"
    assert picture.path.encode("utf-8")
    assert pickle.loads(pickle.dumps(picture)).read() == pickle.loads(pickle.dumps(other)).read() == PNG


def test_the_longest_names_are_read(tmp_path: Path) -> None:
    name = "x" * 251 + ".png"
    fill(tmp_path, name)
    (picture,) = FolderSource(path=tmp_path)()
    assert picture.path == name
    assert picture.read() == PNG


def test_folders_too_deep_to_open_are_named(tmp_path: Path) -> None:
    fill(tmp_path, "a.png")
    start = Path.cwd()
    try:
        os.chdir(tmp_path)
        for _ in range(20):  # one by one, because the whole path is longer than the system takes
            Path("d" * 250).mkdir()
            os.chdir("d" * 250)
    finally:
        os.chdir(start)
    with pytest.raises(SourceError, match=r"cannot be read: File name too long; mend it or leave it out"):
        FolderSource(path=tmp_path)()


def test_depth_maps_lie_beside_their_pictures(tmp_path: Path) -> None:
    fill(tmp_path, "a/one.png", "two.png")
    depth = np.array([[0, 100], [200, 255]], dtype=np.uint8)
    (tmp_path / "a" / "one_depth.png").write_bytes(encode_png(depth))
    source = FolderSource(path=tmp_path, depth="{stem}_depth.png", depth_centimetres=10.0)
    one, two = source()
    assert (one.path, two.path) == ("a/one.png", "two.png")
    assert two.depth is None
    assert one.depth is not None
    metres = pickle.loads(pickle.dumps(one)).depth()
    assert metres.dtype == np.uint16
    assert np.array_equal(metres, depth.astype(np.uint16) * 10)
    (tmp_path / "a" / "one_depth.png").write_bytes(PNG)
    with pytest.raises(PictureError, match="must be grey"):
        one.depth()


def test_depth_maps_may_lie_in_another_folder(tmp_path: Path) -> None:
    fill(tmp_path, "rgb/one.png")
    (tmp_path / "depth").mkdir()
    (tmp_path / "depth" / "one.png").write_bytes(encode_png(np.full((2, 2), 7, np.uint8)))
    (one,) = FolderSource(path=tmp_path, depth="../depth/{stem}.png")()
    assert one.path == "rgb/one.png"
    assert one.depth is not None
    assert one.depth().max() == 7


def test_a_relative_path_starts_at_the_base(tmp_path: Path) -> None:
    fill(tmp_path / "photos", "a.png")
    source = FolderSource(path=Path("photos"), exclude=("b*",), license="CC0-1.0")
    moved = source.at(tmp_path)
    assert moved.path == tmp_path / "photos"
    assert moved.model_copy(update={"path": source.path}) == source
    assert source.at(Path("/elsewhere")).path == Path("/elsewhere/photos")
    assert FolderSource(path=tmp_path).at(Path("/elsewhere")).path == tmp_path


def test_what_cannot_be_a_source_is_said_once(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no folder .*nowhere: check the path, or move the source"):
        FolderSource(path=tmp_path / "nowhere")()
    with pytest.raises(SourceError, match=r"no pictures below .*: looked for \.bmp, .*\.webp, and it holds no files"):
        FolderSource(path=tmp_path)()
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(SourceError, match=r"its 1 files, such as 'notes.txt', do not match"):
        FolderSource(path=tmp_path)()
    with pytest.raises(SourceError, match=r"is a file, not a folder"):
        FolderSource(path=tmp_path / "notes.txt")()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "locked/b.png")
    (tmp_path / "locked").chmod(0)
    try:
        with pytest.raises(SourceError, match=r"locked cannot be read: Permission denied"):
            FolderSource(path=tmp_path)()
    finally:
        (tmp_path / "locked").chmod(0o700)
