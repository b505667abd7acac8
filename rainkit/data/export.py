"""A corpus as folders of pictures, in the layouts that training codes expect."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rainkit.data.corpus import Corpus
from rainkit.errors import BuildError, RecipeError
from rainkit.files import partial_path, write_error
from rainkit.records import Advance


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the pictures of a pair go, within the folder of their split.

    Attributes
    ----------
    about : str
        Who expects it.
    rainy, clean : str
        Paths with `{key}`, and `{number}` that counts from 1, without the extension.
    index : str
        Name of a further file that lists the pairs, empty for none.
    """

    about: str
    rainy: str
    clean: str
    index: str = ""


LAYOUTS: dict[str, Layout] = {
    "input-target": Layout("Restormer, MPRNet, Rain13K", "input/{key}", "target/{key}"),
    "rainy-gt": Layout("folders of rainy and ground truth pictures of equal names", "rainy/{key}", "gt/{key}"),
    "rain-norain": Layout("Rain100L, Rain100H and their loaders", "rain-{number}", "norain-{number}", "names.csv"),
    "basicsr": Layout("BasicSR's PairedImageDataset", "lq/{key}", "gt/{key}", "meta_info.txt"),
}
"""Layout by name."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote: the folder, and pairs per split."""

    folder: Path
    pairs: dict[str, int]


def export(
    corpus: Corpus,
    folder: Path | str,
    layout: str = "input-target",
    splits: Sequence[str] | None = None,
    advance: Advance | None = None,
) -> Exported:
    """Write the rainy and clean pictures of a corpus as files; their bytes are copied, not encoded again.

    The folder appears whole, under its name, when every picture is written.

    Parameters
    ----------
    corpus : Corpus
        As `open_corpus` returns it.
    folder : Path or str
        New or empty; each split becomes a folder in it.
    layout : str
        A key of `LAYOUTS`.
    splits : sequence of str, optional
        Only these.
    advance : callable, optional
        Called with 1 and a key for each pair.

    Raises
    ------
    RecipeError
        If there is no such layout.
    SourceError
        If there is no such split, or the corpus cannot be read.
    BuildError
        If the folder holds something, or cannot be written.
    """
    if layout not in LAYOUTS:
        raise RecipeError(f"there is no layout {layout!r}: choose one of {', '.join(LAYOUTS)}")
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BuildError(f"{folder} exists and is not an empty folder: choose another one")
    chosen = tuple(splits) if splits else corpus.splits
    rows = {split: corpus.rows(split).tolist() for split in chosen}
    partial = partial_path(folder.absolute())
    try:
        shutil.rmtree(partial, ignore_errors=True)
        for split in chosen:
            _export_split(corpus, rows[split], partial / split, LAYOUTS[layout], advance)
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    except OSError as error:
        raise write_error(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Exported(folder, {split: len(rows[split]) for split in chosen})


def _export_split(corpus: Corpus, rows: Sequence[int], folder: Path, layout: Layout, advance: Advance | None) -> None:
    suffixes = {name: corpus.members[name].rpartition(".")[2] for name in ("rainy", "clean")}
    for pattern in (layout.rainy, layout.clean):
        (folder / pattern).parent.mkdir(parents=True, exist_ok=True)
    keys = corpus.samples["key"]
    lines: list[tuple[str, str, str, tuple[int, ...]]] = []
    for number, row in enumerate(rows, 1):
        key = keys[row].as_py()
        data = corpus.read_bytes(row, ("rainy", "clean"))
        names = {}
        for name, pattern in (("rainy", layout.rainy), ("clean", layout.clean)):
            names[name] = f"{pattern.format(key=key, number=number)}.{suffixes[name]}"
            (folder / names[name]).write_bytes(data[name])
        if layout.index:
            shape = corpus.read(row, ("clean",))["clean"].shape if layout.index == "meta_info.txt" else ()
            lines.append((names["rainy"], names["clean"], key, shape))
        if advance:
            advance(1, key)
    if layout.index:
        (folder / layout.index).write_text(_format_index(layout.index, lines), encoding="utf-8", newline="")


def _format_index(name: str, lines: Sequence[tuple[str, str, str, tuple[int, ...]]]) -> str:
    """Return the text of an index: BasicSR's meta file, or a table that leads back to the keys.

    A line of BasicSR's meta file is a name within the folder of ground truths, a space, and (height,width,channels),
    of which its loader reads the name alone. That format is remembered and not checked against BasicSR here.
    """
    if name == "meta_info.txt":
        return "".join(f"{Path(clean).name} ({','.join(map(str, shape))})\n" for _, clean, _, shape in lines)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("rainy", "clean", "key"))
    table.writerows(line[:3] for line in lines)
    return text.getvalue()
