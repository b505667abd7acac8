"""Where clean pictures come from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rainkit.records import Component
from rainkit.sources.folder import FolderSource
from rainkit.sources.procedural import ProceduralSource

SOURCES: dict[str, type[Component]] = {
    "folder": FolderSource,
    "procedural": ProceduralSource,
}
"""Kind to source."""

AnySource = Annotated[FolderSource | ProceduralSource, Field(discriminator="kind")]
"""A source in a recipe."""

__all__ = ["SOURCES", "AnySource", "FolderSource", "ProceduralSource"]
