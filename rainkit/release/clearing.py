"""What is left of a corpus that was refused before its first shard was there: nothing."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from rainkit.errors import BuildError
from rainkit.recipe import Recipe
from rainkit.workspace import Workspace, open_workspace


def clear_begun(work: Workspace) -> None:
    """Remove what was begun in a locked folder, unless a shard of it is finished; the workspace removes the rest."""
    if work.complete or next((work.state / "rows").glob("*.parquet"), None) is not None:
        return
    for name in ("data", "metadata"):
        shutil.rmtree(work.folder / name, ignore_errors=True)
    for path in (work.folder / "recipe.yaml", work.state / "build.json"):
        path.unlink(missing_ok=True)


def withdraw(folder: Path, recipe: Recipe) -> None:
    """Remove a folder in which a build was begun and no shard finished, unless another process builds there now."""
    with suppress(BuildError), open_workspace(folder, recipe) as work:
        clear_begun(work)
    with suppress(OSError):
        folder.rmdir()  # an empty one alone
