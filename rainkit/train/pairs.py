"""Pairs of pictures in folders that others made: which file belongs to which."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rainkit import images
from rainkit.errors import SourceError
from rainkit.records import Pixels

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})
LAYOUTS = (
    ("input", "target"), ("rainy", "gt"), ("rainy", "clean"), ("rain", "norain"), ("lq", "gt"),
    ("rainy_image", "ground_truth"),
)  # fmt: skip
"""Folder names of input and target that public sets and `rainkit export` use; capitals do not matter."""

RULES: dict[str, Callable[[str], str | None]] = {
    "NAME, NAME": lambda name: name,
    "rain-N, norain-N": lambda name: f"no{name}" if re.match(r"rain\b|rain\d", name) else None,
    "N_rain, N_clean": lambda name: f"{name[:-5]}_clean" if name.endswith("_rain") else None,
    "NAME_K, NAME": lambda name: re.sub(r"_[^_]+$", "", name) if "_" in name else None,
}
"""How a target's name follows from an input's, without suffix; None where a rule does not apply; tried in order."""


@dataclass(frozen=True, slots=True)
class PicturePair:
    """Files of a rainy picture and of its clean one."""

    rainy: Path
    clean: Path

    def read(self) -> tuple[Pixels, Pixels]:
        """Return both pictures, uint8 H x W x 3.

        Raises
        ------
        SourceError
            If one cannot be decoded, or their sizes differ.
        """
        rainy, clean = read_picture(self.rainy), read_picture(self.clean)
        if rainy.shape != clean.shape:
            sizes = [f"{path} is {pixels.shape[1]} x {pixels.shape[0]} px" for path, pixels in
                     ((self.rainy, rainy), (self.clean, clean))]  # fmt: skip
            raise SourceError(f"a pair of different size: {' and '.join(sizes)}; crop or replace one of them")
        return rainy, clean


def read_picture(path: Path) -> Pixels:
    """Return a picture file as uint8 H x W x 3 RGB.

    Raises
    ------
    SourceError
        If it cannot be read or decoded.
    """
    try:
        return images.decode(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SourceError(f"{path}: cannot be read as a picture ({error})") from error


def list_pictures(folder: Path) -> list[Path]:
    """Return the picture files of a folder, numbers in their names counted as numbers.

    Raises
    ------
    SourceError
        If the folder is missing or holds no picture.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder}: {'a file; name its folder' if folder.exists() else 'no such folder'}")
    found = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
    if not found:
        raise SourceError(f"{folder}: no pictures there ({', '.join(sorted(SUFFIXES))})")
    return sorted(found, key=lambda path: [(len(part), part) for part in re.split(r"(\d+)", path.stem)])


def find_pairs(inputs: Path, targets: Path) -> list[PicturePair]:
    """Return the pairs of two folders, or of one folder that holds both under different names.

    The first of `RULES` that gives every input a target and leaves no target over is taken; suffixes may differ.

    Raises
    ------
    SourceError
        If a folder is missing or empty, or files have no partner; the message names some of them.
    """
    rainy, clean = list_pictures(inputs), list_pictures(targets)
    tried = [
        _match(name, rule, rainy, clean, shared=inputs.resolve() == targets.resolve()) for name, rule in RULES.items()
    ]
    best = min(tried, key=lambda match: len(match.alone))
    if best.alone or not best.pairs:
        counts = f"{len(rainy)} inputs in {inputs}, {len(clean)} targets in {targets}"
        raise SourceError(
            f"{counts}: {len(best.alone)} without partner by the rule '{best.rule}', such as "
            f"{', '.join(path.name for path in best.alone[:5])}; rules are {'; '.join(RULES)}"
        )
    return best.pairs


def find_layout(root: Path) -> list[PicturePair]:
    """Return the pairs of a folder that holds input and target folders, or both kinds of files itself.

    Raises
    ------
    SourceError
        If none of `LAYOUTS` is there, or several, or as `find_pairs`.
    """
    if not root.is_dir():
        raise SourceError(f"{root}: no such folder")
    folders = sorted(path for path in root.iterdir() if path.is_dir())
    found = [
        (first, second)
        for inputs, targets in LAYOUTS
        for first, second in itertools.product(folders, folders)
        if (first.name.lower(), second.name.lower()) == (inputs, targets)
    ]
    if len(found) > 1:
        names = ", or ".join(f"{first.name}/ {second.name}/" for first, second in found)
        raise SourceError(f"{root}: pairs may be those of {names}; name both folders instead")
    if found:
        return find_pairs(*found[0])
    if not any(path.suffix.lower() in SUFFIXES for path in root.iterdir()):
        names = ", ".join(f"{inputs}/ {targets}/" for inputs, targets in LAYOUTS)
        raise SourceError(f"{root}: neither pictures nor one of the layouts {names}; name both folders instead")
    return find_pairs(root, root)


@dataclass(frozen=True, slots=True)
class _Match:
    rule: str
    pairs: list[PicturePair]
    alone: list[Path]


def _match(
    name: str, rule: Callable[[str], str | None], rainy: Sequence[Path], clean: Sequence[Path], *, shared: bool
) -> _Match:
    by_stem = {path.stem: path for path in clean}
    pairs, alone, used = [], [], set()
    for path in rainy:
        partner = rule(path.stem)
        target = by_stem.get(partner) if partner is not None else None
        if target is not None and target != path:
            pairs.append(PicturePair(path, target))
            used.add(target)
        else:
            alone.append(path)
    if shared:
        return _Match(name, pairs, [path for path in alone if path not in used])
    return _Match(name, pairs, alone + [path for path in clean if path not in used])
