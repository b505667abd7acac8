"""Pictures in a folder that the `datasets` library wrote, or that was cloned from the Hub; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from rainkit.errors import SourceError
from rainkit.records import Component, Picture
from rainkit.sources.folder import FolderSource
from rainkit.sources.tables import Layout, list_table


class HuggingfaceSource(Component):
    """Every picture of a dataset on this disk: as `save_to_disk` left it, as Parquet, or as folders of pictures."""

    kind: Literal["huggingface"] = Field("huggingface", description="A dataset folder of the Hugging Face Hub.")
    path: Path = Field(description="The dataset's folder, relative to the recipe's own folder.")
    split: str | None = Field(None, description="Which split to read, such as train; null for all.")
    column: str | None = Field(None, description="The column of pictures; null where there is only one that can be.")
    license: str = Field("", description="Licence of the pictures, SPDX where it has a name; empty when unknown.")
    attribution: str = Field("", description="Whom to name for the pictures.")

    location_fields: ClassVar[tuple[str, ...]] = ("path",)

    def at(self, base: Path) -> HuggingfaceSource:
        """Return a copy whose path is taken from `base` where it is relative."""
        return self.model_copy(update={"path": base / self.path.expanduser()})

    def __call__(self) -> Iterator[Picture]:
        """Return the pictures; the path of one is "FILE/ROW", or that of the file in a folder of pictures.

        Raises
        ------
        SourceError
            If the folder or the split is missing, or there is no picture in it.
        """
        if not self.path.is_dir():
            raise SourceError(
                f"there is no folder {self.path}: check the path, or move the source with --source NAME=PATH"
            )
        for layout in ("arrow", "parquet"):
            files = self._find(layout)
            if files:
                return iter(self._list_tables(files, layout))
        # imagefolder: one folder per split, or none.
        split = [] if self.split is None else [f"{self.split}/**", f"**/{self.split}/**"]
        return FolderSource(path=self.path, include=tuple(f"{glob}/*{end}" for glob in split for end in _ENDS))()

    def _find(self, layout: Layout) -> list[Path]:
        files = sorted(file for file in self.path.rglob(f"*.{layout}") if not file.name.startswith("cache-"))
        return [file for file in files if not any(part.startswith(".") for part in file.relative_to(self.path).parts)]

    def _list_tables(self, files: list[Path], layout: Layout) -> list[Picture]:
        names = {file: file.relative_to(self.path).as_posix() for file in files}
        chosen = [file for file in files if self.split is None or _is_of_split(names[file], self.split)]
        if not chosen:
            raise SourceError(
                f"no {layout} files of a split {self.split!r} in {self.path}; there are: {', '.join(names.values())}"
            )
        pictures = [picture for file in chosen for picture in list_table(file, names[file], self.column, layout)]
        if not pictures:
            raise SourceError(f"no pictures in the {layout} files at {self.path}: they have no rows")
        return pictures


_ENDS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".JPG", ".JPEG", ".PNG")


def _is_of_split(name: str, split: str) -> bool:
    """Tell whether a file belongs to a split: it lies in a folder of that name, or is named SPLIT-00000-of-00001."""
    *folders, file = name.split("/")
    return split in folders or file.split(".")[0] == split or file.startswith(f"{split}-")
