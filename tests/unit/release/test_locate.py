from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from rainkit.backgrounds import Backgrounds, examine
from rainkit.engines.serial import Serial
from rainkit.errors import SourceError
from rainkit.records import Background, Picture
from rainkit.release import locate as module
from rainkit.release.locate import locate
from rainkit.sources import FolderSource, ProceduralSource


def admit(source: FolderSource | ProceduralSource, name: str) -> list[Background]:
    """Return the pictures of a source that a build would admit."""
    block = Backgrounds(min_size=16)
    results = [examine(picture, name, "", "", block) for picture in source()]
    return [result[0] for result in results if isinstance(result, tuple)]


@pytest.fixture
def photos(home: Path) -> list[Background]:
    return admit(FolderSource(path=home / "photos"), "photos")


def test_what_lies_where_it_lay_is_found_without_a_search(
    photos: list[Background], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    hash_pictures = module.hash_pictures

    def note(pictures: Sequence[Picture]) -> object:
        read.extend(picture.path for picture in pictures)
        return hash_pictures(pictures)

    monkeypatch.setattr(module, "_examine", lambda pictures, engine: note(pictures))
    found = locate(photos, {"photos": FolderSource(path=home / "photos")}, ["photos"], Serial())
    assert found.missing == ()
    assert sorted(read) == sorted(background.path for background in photos)


def test_only_pictures_of_the_right_size_are_decoded(
    photos: list[Background], home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.open(home / "photos" / photos[0].path).save(tmp_path / "same.bmp")
    Image.new("RGB", (31, 32)).save(tmp_path / "other.bmp")
    (tmp_path / "text").write_text("no picture")
    decoded: list[str] = []
    digest = module._digest_picture
    monkeypatch.setattr(module, "_digest_picture", lambda picture: (decoded.append(picture.path), digest(picture))[1])
    found = locate(photos, {"photos": FolderSource(path=tmp_path)}, ["photos"], Serial())
    assert set(found.pictures) == {photos[0].id}
    assert len(found.missing) == len(photos) - 1
    # Known pictures are offered twice: by their source, and as files of any name.
    assert set(decoded) == {"same.bmp"}


def test_a_file_with_the_old_name_and_another_content_is_not_taken(
    photos: list[Background], home: Path, tmp_path: Path
) -> None:
    first, second, *_ = photos
    for one, other in ((first, second), (second, first)):
        (tmp_path / one.path).parent.mkdir(exist_ok=True)
        (tmp_path / one.path).write_bytes((home / "photos" / other.path).read_bytes())
    found = locate([first, second], {"photos": FolderSource(path=tmp_path)}, ["photos"], Serial())
    assert found.pictures[first.id].path == second.path
    assert found.pictures[second.id].path == first.path


def test_pictures_of_one_source_are_found_at_the_place_of_another(photos: list[Background], home: Path) -> None:
    sources = {"photos": FolderSource(path=Path("nowhere")), "others": FolderSource(path=home / "photos")}
    assert locate(photos, sources, ["others"], Serial()).missing == ()


def test_drawn_pictures_need_no_place() -> None:
    source = ProceduralSource(count=3, size=(64, 64), families=("dead_leaves",))
    drawn = admit(source, "drawn")
    assert set(locate(drawn, {"drawn": source}, [], Serial()).pictures) == {each.id for each in drawn}
    fewer = source.model_copy(update={"count": 1})
    assert len(locate(drawn, {"drawn": fewer}, [], Serial()).missing) == 2


def test_places_that_are_not_there(photos: list[Background], tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is nothing at"):
        locate(photos, {"photos": FolderSource(path=tmp_path / "x")}, ["photos"], Serial())
    found = locate(photos, {"photos": FolderSource(path=tmp_path)}, ["photos"], Serial())
    assert len(found.missing) == len(photos)


def test_damaged_containers_are_passed_over(photos: list[Background], home: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.tar").write_bytes(b"no archive")
    (tmp_path / "broken.parquet").write_bytes(b"no table")
    (tmp_path / "kept").write_bytes((home / "photos" / photos[0].path).read_bytes())
    found = locate(photos[:1], {"photos": FolderSource(path=tmp_path)}, ["photos"], Serial())
    assert found.missing == ()


def test_a_picture_in_another_file_keeps_its_depth_map(photos: list[Background], home: Path, tmp_path: Path) -> None:
    Image.open(home / "photos" / photos[0].path).save(tmp_path / "same.bmp")
    Image.new("I;16", (96, 80), 900).save(tmp_path / "same_depth.png")
    source = FolderSource(path=tmp_path, depth="{stem}_depth.png")
    found = locate(photos[:1], {"photos": source}, ["photos"], Serial()).pictures[photos[0].id]
    assert found.depth is not None
    assert found.depth()[0, 0] == 900
