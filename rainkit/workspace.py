"""The folder of a corpus while it is being built: locked, resumable, complete when its last file appears.

`.rainkit/` in the folder holds the lock, what is being built, and the rows of each finished shard. It is removed once
`checksums.sha256`, the last file, is in place; until then a build of the same plan continues, and any other is refused.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rainkit.errors import BuildError, RecipeError
from rainkit.files import write_bytes, write_error
from rainkit.locking import hold_lock
from rainkit.manifest import metadata_of
from rainkit.recipe import Recipe, component_versions, dump_recipe, fingerprint, parse_recipe

LAST = "checksums.sha256"
"""The file that makes a corpus complete."""

STATE = ".rainkit"


class Workspace:
    """The folder of one corpus, locked for this process.

    Parameters
    ----------
    folder : Path
        NAME-VERSION in the output folder.
    recipe : Recipe
        What is to be built there.
    """

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self.folder = folder
        self.recipe = recipe
        self.state = folder / STATE

    @property
    def complete(self) -> bool:
        """Whether the corpus has its last file."""
        return (self.folder / LAST).exists()

    def rows(self, shard: str) -> Path:
        """Return where the rows of a finished shard, named by its path, are kept until the manifest is written."""
        return self.state / "rows" / f"{PurePosixPath(shard).stem}.parquet"

    def finished(self, shard: str) -> dict[str, Any] | None:
        """Return size, sha256, md5 and samples of a shard that is whole, None for one that is still to be drawn."""
        try:
            schema = pq.read_schema(self.rows(shard))
            identity: dict[str, Any] = json.loads(metadata_of(schema)["shard"])
            size = (self.folder / shard).stat().st_size
        except (OSError, KeyError, ValueError, pa.ArrowException):
            return None
        return identity if identity["size"] == size else None

    def begin(self, plan: str) -> None:
        """Note what is being built, or check that an unfinished build is of the same recipe and pictures.

        Parameters
        ----------
        plan : str
            Digest of the backgrounds; with the recipe's fingerprint it decides every byte.

        Raises
        ------
        BuildError
            If the folder holds an unfinished build of other pictures, or cannot be written.
        """
        note = self.state / "build.json"
        identity = {"fingerprint": fingerprint(self.recipe), "plan": plan}
        if note.exists():
            found = json.loads(note.read_text(encoding="utf-8"))
            if found != identity:
                raise BuildError(
                    f"{self.folder} holds an unfinished build of the same recipe from other pictures; put the pictures "
                    f"back as they were, or remove the folder and build again"
                )
            return
        make_folder(self.state / "rows")
        for split in self.recipe.splits:
            make_folder(self.folder / "data" / split)
        make_folder(self.folder / "metadata")
        write_bytes(self.folder / "recipe.yaml", dump_recipe(self.recipe).encode())
        write_bytes(self.state / "components.json", json.dumps(component_versions(self.recipe)).encode())
        write_bytes(note, json.dumps(identity).encode())

    def close(self) -> None:
        """Remove what only a build needs."""
        shutil.rmtree(self.state, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Create a folder and its parents.

    Raises
    ------
    BuildError
        If the system refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(folder, error) from error


def _refuse_other(folder: Path, recipe: Recipe) -> None:
    """Raise BuildError if the folder belongs to another recipe, and show the difference."""
    path = folder / "recipe.yaml"
    if folder.exists() and not folder.is_dir():
        raise BuildError(
            f"{folder} is a file, and a corpus of this recipe would be a folder of that name; move it away"
        )
    if not path.exists():
        stranger = _first_file(folder) if folder.exists() else None
        if stranger is not None:
            raise BuildError(
                f"{folder} exists and is not a corpus (it holds {stranger!r}); choose another output folder"
            )
        return
    if (
        not (folder / LAST).exists()
        and not (folder / STATE / "build.json").exists()
        and not _first_file(folder / "data")
    ):
        return  # a build that was cut off before it had begun; its recipe is written again
    there, ours = path.read_text(encoding="utf-8"), dump_recipe(recipe)
    if there != ours and not is_same_recipe(there, recipe):
        lines = difflib.unified_diff(
            there.splitlines(), ours.splitlines(), "built there", "this recipe", lineterm="", n=1
        )
        raise BuildError(
            f"{folder} belongs to another recipe; raise `version`, or choose another output folder\n" + "\n".join(lines)
        )
    versions, ours_now = _read_versions(folder), component_versions(recipe)
    if versions is not None and versions != ours_now:
        moved = sorted({name for name, _ in versions.items() ^ ours_now.items()})
        raise BuildError(
            f"{folder} was begun with other versions of {', '.join(moved)}, and is kept: raise `version` and build "
            f"again, or go on with the rainkit that began it"
        )


def _remove_parts(folder: Path) -> None:
    """Remove files that were begun and not finished; whoever writes holds the lock, so nobody needs them."""
    for pattern in ("data/*/.*.part", f"{STATE}/rows/.*.part"):
        for left in folder.glob(pattern):
            left.unlink(missing_ok=True)


def _first_file(folder: Path) -> str | None:
    """Return the name of a file below a folder that is not of an unfinished build, None where there is none."""
    names = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if not path.is_dir())
    return next((name.as_posix() for name in names if name.parts[0] != STATE and not name.name.startswith(".")), None)


def is_same_recipe(text: str, recipe: Recipe) -> bool:
    """Return whether a resolved recipe asks for the same corpus, though it may be written otherwise."""
    try:
        return fingerprint(parse_recipe(text)) == fingerprint(recipe)
    except RecipeError:
        return False


def _read_versions(folder: Path) -> dict[str, int] | None:
    """Return the versions of the components that a corpus, finished or not, is made with; None where nothing says."""
    note = folder / STATE / "components.json"
    try:
        if note.exists():
            versions: dict[str, int] = json.loads(note.read_text(encoding="utf-8"))
        else:
            versions = json.loads(metadata_of(pq.read_schema(folder / "metadata" / "samples.parquet"))["components"])
    except (OSError, KeyError, ValueError, pa.ArrowException):
        return None
    return versions


@contextmanager
def open_workspace(folder: Path, recipe: Recipe) -> Iterator[Workspace]:
    """Lock the folder of a corpus for the length of the block.

    Raises
    ------
    BuildError
        If another build holds the folder, it belongs to another recipe or to something else, or cannot be written.
    """
    new = not folder.exists()
    if not new:
        _refuse_other(folder, recipe)
    workspace = Workspace(folder, recipe)
    if workspace.complete:
        yield workspace
        return
    make_folder(workspace.state)
    busy = f"{folder} is being built by another process; wait for it, or choose another folder"
    with hold_lock(workspace.state / "lock", busy):
        try:
            # Again, now that nobody else can write: the folder may have changed hands before it was locked.
            _refuse_other(folder, recipe)
            _remove_parts(folder)
            yield workspace
        finally:
            # A worker that had to be killed could not remove what it had begun.
            _remove_parts(folder)
            if not (workspace.state / "build.json").exists() and not workspace.complete:
                # Nothing was begun: leave the disk as it was found, and do so before another may take the lock.
                shutil.rmtree(workspace.state, ignore_errors=True)
                if new:
                    with contextlib.suppress(OSError):
                        folder.rmdir()
