"""Pictures in WebDataset shards: tar files, read member by member through their offsets."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from rainkit.errors import SourceError
from rainkit.records import Component, Picture
from rainkit.sources.folder import EXTENSIONS


class WebdatasetSource(Component):
    """Every picture of the tar files in a folder, by file name and by the place in the file.

    Only the headers of the tar files are read at first; a picture is read by itself, from its offset.
    """

    kind: Literal["webdataset"] = Field("webdataset", description="WebDataset shards (tar files).")
    path: Path = Field(description="A tar file, or a folder with tar files, relative to the recipe's own folder.")
    shards: str = Field("*.tar", description="Which files of the folder are shards, as a glob.")
    member: str | None = Field(
        None, description='What to read of each sample, such as "clean.png"; null for every picture.'
    )
    license: str = Field("", description="Licence of the pictures, SPDX where it has a name; empty when unknown.")
    attribution: str = Field("", description="Whom to name for the pictures.")

    location_fields: ClassVar[tuple[str, ...]] = ("path",)

    def at(self, base: Path) -> WebdatasetSource:
        """Return a copy whose path is taken from `base` where it is relative."""
        return self.model_copy(update={"path": base / self.path.expanduser()})

    def __call__(self) -> Iterator[Picture]:
        """Return the pictures; the path of one is "SHARD/MEMBER".

        Raises
        ------
        SourceError
            If there is no shard, one cannot be read, or there is no picture in them.
        """
        pictures = [picture for shard in list_files(self.path, self.shards) for picture in self._list_shard(shard)]
        if not pictures:
            looked = f"members named KEY.{self.member}" if self.member else f"members ending in {', '.join(EXTENSIONS)}"
            raise SourceError(f"no pictures in the tar files at {self.path}: looked for {looked}")
        return iter(pictures)

    def _list_shard(self, shard: Path) -> list[Picture]:
        try:
            with tarfile.open(shard, "r:") as archive:
                return [
                    Picture(f"{shard.name}/{member.name}", partial(_read_range, shard, member.offset_data, member.size))
                    for member in archive
                    if member.isfile() and self._is_wanted(member.name)
                ]
        except (tarfile.TarError, OSError) as error:
            raise SourceError(
                f"{shard} cannot be read as a plain tar file: {error}; compressed ones must be unpacked"
            ) from error

    def _is_wanted(self, name: str) -> bool:
        file = name.rpartition("/")[2]
        if self.member is not None:
            return file.partition(".")[2] == self.member
        return file.lower().endswith(EXTENSIONS)


def list_files(path: Path, glob: str) -> list[Path]:
    """Return a file itself, or the files of a folder that match a glob, sorted by name.

    Raises
    ------
    SourceError
        If there are none.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise SourceError(
            f"there is no file or folder {path}: check the path, or move the source with --source NAME=PATH"
        )
    files = sorted(file for file in path.glob(glob) if file.is_file())
    if not files:
        raise SourceError(f"no files {glob} in {path}")
    return files


def _read_range(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(size)
