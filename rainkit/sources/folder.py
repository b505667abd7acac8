"""Pictures in a folder of this machine."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rainkit.errors import SourceError
from rainkit.images import decode_depth
from rainkit.records import Component, Picture

EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""What a folder is searched for, in any case, unless `include` says otherwise."""


class FolderSource(Component):
    """Every picture below a folder, in the order of their paths.

    Links to folders are followed, each folder once, so that loops end. Hidden files and folders (".name") are skipped.
    Names that are not UTF-8 are shown with escapes, and read all the same.
    """

    kind: Literal["folder"] = Field("folder", description="A folder of pictures.")
    path: Path = Field(description="The folder; relative to the recipe's own folder. --source NAME=PATH moves it.")
    include: tuple[str, ...] = Field(
        (),
        description="Globs of what to read, in place of the known extensions; one with a slash meets the whole path.",
    )
    exclude: tuple[str, ...] = Field((), description="Globs of what to leave out; matched as in include.")
    depth: str | None = Field(
        None,
        description='Where the depth map of a picture lies, from its folder, such as "{stem}_depth.png".',
        pattern=r"\{stem\}",
    )
    depth_centimetres: float = Field(
        1.0, gt=0, description="Centimetres per unit of a depth map.", json_schema_extra={"unit": "cm"}
    )
    license: str = Field("", description="Licence of the pictures, SPDX where it has a name; empty when unknown.")
    attribution: str = Field("", description="Whom to name for the pictures.")

    location_fields: ClassVar[tuple[str, ...]] = ("path",)

    def at(self, base: Path) -> FolderSource:
        """Return a copy whose path is taken from `base` where it is relative."""
        return self.model_copy(update={"path": base / self.path.expanduser()})

    def __call__(self) -> Iterator[Picture]:
        """Return the pictures in code-point order of their paths; nothing but names is read yet.

        Raises
        ------
        SourceError
            If the folder is missing, unreadable, or holds no picture.
        """
        files = _find_files(self.path)
        wanted = _filter_paths(self.include, self.exclude)
        names = {name: real for name, real in files.items() if wanted(name)}
        maps: dict[str, str] = {}
        if self.depth is not None:
            maps = {name: _depth_name(name, self.depth) for name in names}
            names = {name: real for name, real in names.items() if name not in set(maps.values())}
        if not names:
            raise SourceError(self._explain_empty(files))
        return iter([self._picture(name, names[name], files.get(maps.get(name, ""))) for name in sorted(names)])

    def _picture(self, name: str, real: str, depth: str | None) -> Picture:
        reader = partial(_read_depth, depth, self.depth_centimetres) if depth is not None else None
        return Picture(name, partial(_read_bytes, real), reader)

    def _explain_empty(self, files: dict[str, str]) -> str:
        looked = ", ".join(self.include or EXTENSIONS)
        if self.exclude:
            looked += f" without {', '.join(self.exclude)}"
        found = f"its {len(files)} files, such as {min(files)!r}, do not match" if files else "it holds no files"
        return f"no pictures below {self.path}: looked for {looked}, and {found}"


@dataclass(frozen=True)
class _Folder:
    real: str
    name: str


def _find_files(root: Path) -> dict[str, str]:
    """Return name -> path of every visible file below `root`; folders are visited once, links to folders last."""
    if not root.exists():
        raise SourceError(f"there is no folder {root}: check the path, or move the source with --source NAME=PATH")
    if not root.is_dir():
        raise SourceError(f"{root} is a file, not a folder of pictures")
    files: dict[str, str] = {}
    seen: set[tuple[int, int]] = set()
    plain, linked = [_Folder(str(root), "")], list[_Folder]()
    while plain or linked:
        # Real folders before links, and links in order, so that one folder always goes by the same name.
        folder = plain.pop() if plain else linked.pop(0)
        for entry in _list_folder(folder, seen):
            name = folder.name + _readable(entry.name)
            if not _is_folder(entry):
                files[name] = entry.path
            elif entry.is_symlink():
                linked.append(_Folder(entry.path, name + "/"))
            else:
                plain.append(_Folder(entry.path, name + "/"))
        linked.sort(key=lambda link: link.name)
    return files


def _list_folder(folder: _Folder, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """Return the visible entries of a folder, none when it was seen before."""
    try:
        status = Path(folder.real).stat()
        if (status.st_dev, status.st_ino) in seen:
            return []
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder.real) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise SourceError(
            f"the folder {_readable(folder.real)} cannot be read: {error.strerror}; "
            "mend it or leave it out of the source"
        ) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself: counted as a picture that cannot be read, if it is named like one
        return False


def _readable(name: str) -> str:
    r"""Return a file name as valid Unicode: bytes that are not UTF-8 become escapes such as \xff.

    Backslashes are doubled, so that two names never become one.
    """
    return os.fsencode(name).replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def _depth_name(name: str, pattern: str) -> str:
    folder, _, file = name.rpartition("/")
    stem = file.rpartition(".")[0] or file
    return os.path.normpath(
        f"{folder}/{pattern.replace('{stem}', stem)}" if folder else pattern.replace("{stem}", stem)
    )


def _read_bytes(path: str) -> bytes:
    return Path(path).read_bytes()


def _read_depth(path: str, centimetres: float) -> NDArray[np.uint16]:
    return decode_depth(_read_bytes(path), centimetres)


def _filter_paths(include: tuple[str, ...], exclude: tuple[str, ...]) -> Callable[[str], bool]:
    """Return the test of a name against globs; without `include`, against the known extensions."""
    taken = [compile_glob(glob) for glob in include]
    left = [compile_glob(glob) for glob in exclude]

    def wanted(name: str) -> bool:
        known = any(glob.fullmatch(name) for glob in taken) if taken else name.lower().endswith(EXTENSIONS)
        return known and not any(glob.fullmatch(name) for glob in left)

    return wanted


def compile_glob(glob: str) -> re.Pattern[str]:
    """Return a glob as a pattern for whole relative paths.

    "*" and "?" stay within a name, "**" crosses folders, "[ab]" and "[!ab]" are sets. A glob without a slash meets the
    last part of a path, at any depth.

    Examples
    --------
    >>> bool(compile_glob("*.png").fullmatch("a/b/c.png")), bool(compile_glob("a/*.png").fullmatch("a/b/c.png"))
    (True, False)
    >>> bool(compile_glob("a/**/*.png").fullmatch("a/b/c.png")), bool(compile_glob("a/**/*.png").fullmatch("a/c.png"))
    (True, True)
    """
    text = glob if "/" in glob else f"**/{glob}"
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", text.removeprefix("/"), re.DOTALL)
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    out = []
    for token in tokens:
        if token in parts:
            out.append(parts[token])
        elif len(token) > 2 and token.startswith("["):
            inside = token[1:-1].replace("\\", "\\\\")
            out.append(f"[{'^' + inside[1:] if inside.startswith('!') else inside}]")
        else:
            out.append(re.escape(token))
    return re.compile("".join(out), re.DOTALL)
