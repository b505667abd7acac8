"""Corpora that are broken on purpose, to show that each gate bites.

A broken corpus is complete: its shards, manifest, indexes, card and checksums agree with one another, as those of a
pipeline with a mistake in it would. So `rainkit verify` passes it, and only what is wrong with its pictures is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rainkit import complexity, images
from rainkit.data.corpus import Corpus, open_corpus
from rainkit.errors import RecipeError
from rainkit.images import encode_npy, encode_png
from rainkit.manifest import write_table
from rainkit.rain import labels as measuring
from rainkit.rain.compose import compose
from rainkit.recipe import Recipe, parse_recipe
from rainkit.records import Pixels, Rain
from rainkit.release.checksums import write_checksums
from rainkit.release.describe import write_descriptions
from rainkit.samples.rendering import parse_colour
from rainkit.shards import write_shard

Members = dict[str, NDArray[Any]]
Row = dict[str, Any]


@dataclass(frozen=True)
class Broken:
    """Samples of a corpus on their way to another one.

    Attributes
    ----------
    corpus : Corpus
        The sound corpus.
    recipe : Recipe
        Its recipe.
    rows : list of dict
        Its manifest.
    """

    corpus: Corpus
    recipe: Recipe
    rows: list[Row]

    def read(self, row: int) -> Members:
        """Return the arrays of a sample."""
        names = [name for name in self.corpus.members if name != "json"]
        found: Members = self.corpus.read(row, names)
        return found


def _shift(broken: Broken, row: int, members: Members, facts: Row) -> None:
    """Move the rainy picture two pixels to the right, as where crops of input and target were rounded apart."""
    members["rainy"] = np.roll(members["rainy"], 2, axis=1)


def _dim(broken: Broken, row: int, members: Members, facts: Row) -> None:
    """Darken the target by a fifth, as where one of both went through another brightness."""
    members["clean"] = (members["clean"].astype(np.uint16) * 4 // 5).astype(np.uint8)


def _empty(broken: Broken, row: int, members: Members, facts: Row) -> None:
    """Take the rain away and let the labels say so, as where a simulator draws nothing."""
    members["rainy"] = members["clean"].copy()
    for name in ("rain", "mask"):
        if name in members:
            members[name] = np.zeros_like(members[name])
    facts |= {"coverage": 0.0, "rain_mean": 0.0, "composition": "add", "airlight": "#000000"}


def _shuffle(broken: Broken, row: int, members: Members, facts: Row) -> None:
    """Exchange the rainy picture for that of another background, as where two lists were sorted differently."""
    own = facts["background_id"]
    others = [
        number for number, other in enumerate(broken.rows)
        if other["split"] == facts["split"] and other["background_id"] != own
    ]  # fmt: skip
    members["rainy"] = broken.read(others[row % len(others)])["rainy"]


def _flatten(broken: Broken, row: int, members: Members, facts: Row) -> None:
    """Make pictures of the lowest stratum one grey, as where a source holds blank pages."""
    if facts["stratum"] != 0:
        return
    clean = np.full_like(members["clean"], 96)
    members["rainy"] = _rain_on(clean, members, facts)
    members["clean"] = clean


def _leak(broken: Broken, row: int, members: Members, facts: Row) -> None:
    """Cut half of the pictures of other splits from backgrounds of the first one, and let the manifest say so."""
    donor = _donor(broken, row, facts)
    if donor is None:
        return
    theirs = broken.rows[donor]
    members["rainy"], members["clean"] = _transplant(broken.read(donor)["clean"], members, facts)
    for name in ("background_id", "group", "source", "source_path", "crop_x", "crop_y", "crop_w", "crop_h"):
        facts[name] = theirs[name]
    _rescore(broken, members["clean"], facts)


def _hide_leak(broken: Broken, row: int, members: Members, facts: Row) -> None:
    """Make half of the pictures of other splits mirrored copies of the first one's, under other names."""
    donor = _donor(broken, row, facts)
    if donor is None:
        return
    mirrored = np.ascontiguousarray(broken.read(donor)["clean"][:, ::-1])
    members["rainy"], members["clean"] = _transplant(mirrored, members, facts)
    _rescore(broken, members["clean"], facts)


def _donor(broken: Broken, row: int, facts: Row) -> int | None:
    """Return a row of the first split for every other row of the others, None for the rest."""
    first = broken.rows[0]["split"]
    if facts["split"] == first or row % 2:
        return None
    rows = [number for number, other in enumerate(broken.rows) if other["split"] == first]
    return rows[row % len(rows)]


def _transplant(clean: Pixels, members: Members, facts: Row) -> tuple[Pixels, Pixels]:
    if clean.shape != members["clean"].shape:
        raise RecipeError("a leak needs samples of one size; give a corpus with samples.patch")
    return _rain_on(clean, members, facts), clean


def _rain_on(clean: Pixels, members: Members, facts: Row) -> Pixels:
    """Return another clean picture under the rain of a sample."""
    if "rain" not in members:
        raise RecipeError("this corpus does not ship the rain layer; add `rain` to samples.channels")
    return compose(clean, Rain(members["rain"], facts["composition"], {}, colour=parse_colour(facts["streak_colour"]),
                               transmission=members.get("transmission"), airlight=parse_colour(facts["airlight"]),
                               light=facts["light"]))  # fmt: skip


def _rescore(broken: Broken, clean: Pixels, facts: Row) -> None:
    """Write the complexity of the new picture, so that nothing but the leak is wrong."""
    block = broken.recipe.complexity
    if block.unit != "patch":
        return
    rect = np.array([[0, 0, clean.shape[1], clean.shape[0]]], dtype=np.int32)
    columns = complexity.measure_patches(clean, broken.recipe.instruments, rect)
    score, spread = block.combine(columns)
    edges = json.loads(broken.corpus.metadata["strata"])["edges"]
    facts |= {kind: float(values[0]) for kind, values in columns.items() if kind in facts}
    facts |= {"score": float(score[0]), "score_spread": float(spread[0])}
    facts["stratum"] = int(np.searchsorted(edges, score[0], side="right"))


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to break a corpus.

    Attributes
    ----------
    change : callable
        Alters the members and the row of one sample in place.
    must : frozenset of str
        Gates that must fail.
    may : frozenset of str
        Gates that may fail besides, because they follow from it.
    """

    change: Callable[[Broken, int, Members, Row], None]
    must: frozenset[str]
    may: frozenset[str] = frozenset()

    @property
    def what(self) -> str:
        """What is done, in a sentence."""
        return (self.change.__doc__ or "").splitlines()[0]


_LEARNED = frozenset({"learning", "background", "generalisation", "seeds"})

FAULTS: dict[str, Fault] = {
    "shifted pairs": Fault(_shift, frozenset({"pairs", "alignment"}), _LEARNED),
    "dimmed clean": Fault(_dim, frozenset({"pairs", "brightness"}), _LEARNED | {"complexity"}),
    "empty rain": Fault(_empty, frozenset({"rain"}), _LEARNED),
    "leaked split": Fault(_leak, frozenset({"leaks"})),
    "hidden leak": Fault(_hide_leak, frozenset({"leaks"})),
    "shuffled pairs": Fault(_shuffle, frozenset({"pairs", "partners"}), _LEARNED),
    "constant stratum": Fault(_flatten, frozenset({"complexity"}), _LEARNED),
}
"""Every fault by name."""


def break_corpus(address: str | Path, target: Path, fault: str) -> Path:
    """Write a copy of a corpus with a fault and return its folder.

    Parameters
    ----------
    address : str or Path
        A sound corpus on this machine, with the member `rain`.
    target : Path
        Folder to write; must not exist.
    fault : str
        Key of `FAULTS`.

    Raises
    ------
    RecipeError
        If there is no such fault, or the corpus lacks what it needs.
    """
    if fault not in FAULTS:
        raise RecipeError(f"there is no fault {fault!r}: choose one of {', '.join(FAULTS)}")
    corpus = open_corpus(address)
    recipe = parse_recipe(bytes(corpus.store.read("recipe.yaml")).decode())
    broken = Broken(corpus, recipe, corpus.samples.to_pylist())
    copytree(address, target, ignore=ignore_patterns(".*", "validation.json"))
    change = FAULTS[fault].change
    rows: list[Row] = []
    for shard in dict.fromkeys(row["shard"] for row in broken.rows):
        numbers = [number for number, row in enumerate(broken.rows) if row["shard"] == shard]
        rows += _write_shard(target / shard, broken, numbers, change)
    write_table(target / "metadata" / "samples.parquet", corpus.samples.schema, rows)
    write_descriptions(target, recipe)
    write_checksums(target)
    return target


def _write_shard(
    path: Path, broken: Broken, numbers: list[int], change: Callable[[Broken, int, Members, Row], None]
) -> list[Row]:
    """Write the changed samples of a shard and return their rows."""
    rows: list[Row] = []

    def samples() -> Any:
        for number in numbers:
            members, facts = broken.read(number), dict(broken.rows[number])
            change(broken, number, members, facts)
            rainy, clean = members["rainy"], members["clean"]
            # A pipeline measures what it wrote: the manifest is honest about pixels, though not about their cause.
            facts["psnr_rainy"] = measuring.psnr(clean, rainy)
            facts |= {f"{name}_digest": images.pixel_digest(array) for name, array in members.items()
                      if f"{name}_digest" in facts}  # fmt: skip
            rows.append(facts)
            yield facts["key"], _encode(broken.corpus, number, members, facts)

    written = write_shard(path, samples())
    for row, record in zip(rows, written.samples, strict=True):
        for name, extension in broken.corpus.members.items():
            place = record.members[extension]
            row[f"{name}_offset"], row[f"{name}_size"] = place.offset, place.size
    return rows


def _encode(corpus: Corpus, number: int, members: Members, facts: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the members as bytes, the JSON one with what the manifest says now."""
    description = corpus.read(number, ("json",))["json"]
    description |= {name: facts[name] for name in description if name in facts}
    description["crop"] = [facts[f"crop_{side}"] for side in "xywh"]
    description["complexity"] = {name: facts[name] for name in description["complexity"]}
    encoded = {corpus.members["json"]: json.dumps(description, ensure_ascii=True, sort_keys=True).encode()}
    for name, array in members.items():
        extension = corpus.members[name]
        encoded[extension] = encode_png(array) if extension.endswith(".png") else encode_npy(array)
    return encoded
