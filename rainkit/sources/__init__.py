"""Where clean pictures come from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rainkit.records import Component
from rainkit.sources.folder import FolderSource
from rainkit.sources.huggingface import HuggingfaceSource
from rainkit.sources.parquet import ParquetSource
from rainkit.sources.procedural import ProceduralSource
from rainkit.sources.webdataset import WebdatasetSource

SOURCES: dict[str, type[Component]] = {
    "folder": FolderSource,
    "procedural": ProceduralSource,
    "webdataset": WebdatasetSource,
    "parquet": ParquetSource,
    "huggingface": HuggingfaceSource,
}
"""Kind to source."""

AnySource = Annotated[
    FolderSource | ProceduralSource | WebdatasetSource | ParquetSource | HuggingfaceSource,
    Field(discriminator="kind"),
]
"""A source in a recipe."""

__all__ = [
    "SOURCES",
    "AnySource",
    "FolderSource",
    "HuggingfaceSource",
    "ParquetSource",
    "ProceduralSource",
    "WebdatasetSource",
]
