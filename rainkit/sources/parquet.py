"""Pictures in Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from rainkit.errors import SourceError
from rainkit.records import Component, Picture
from rainkit.sources.tables import list_table
from rainkit.sources.webdataset import list_files


class ParquetSource(Component):
    """Every row of the Parquet files in a folder, by file name and row.

    Pictures are encoded files in a column of bytes, or of structs with a field `bytes`, as the Hub has them.
    """

    kind: Literal["parquet"] = Field("parquet", description="Parquet files with encoded pictures.")
    path: Path = Field(description="A Parquet file, or a folder with Parquet files, relative to the recipe's folder.")
    files: str = Field("*.parquet", description="Which files of the folder to read, as a glob.")
    column: str | None = Field(None, description="The column of pictures; null where there is only one that can be.")
    license: str = Field("", description="Licence of the pictures, SPDX where it has a name; empty when unknown.")
    attribution: str = Field("", description="Whom to name for the pictures.")

    location_fields: ClassVar[tuple[str, ...]] = ("path",)

    def at(self, base: Path) -> ParquetSource:
        """Return a copy whose path is taken from `base` where it is relative."""
        return self.model_copy(update={"path": base / self.path.expanduser()})

    def __call__(self) -> Iterator[Picture]:
        """Return the pictures; the path of one is "FILE/ROW".

        Raises
        ------
        SourceError
            If there is no file, one cannot be read, or has no column of pictures, or there is no row.
        """
        files = list_files(self.path, self.files)
        pictures = [picture for file in files for picture in list_table(file, file.name, self.column, "parquet")]
        if not pictures:
            raise SourceError(f"no pictures in the Parquet files at {self.path}: they have no rows")
        return iter(pictures)
