"""One picture in two splits, found by its pixels: what a manifest that is wrong cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from rainkit import duplicates, images
from rainkit.data.corpus import Corpus
from rainkit.leaks import Leak, find_leaks
from rainkit.pictures import PictureSet
from rainkit.recipe import Validation
from rainkit.records import Engine, Picture, Pixels
from rainkit.release.verify import Report


def find_twins(
    corpus: Corpus, rows: Sequence[int], thresholds: Validation, engine: Engine, *, crops: bool, report: Report
) -> tuple[list[str], int]:
    """Return pairs of clean pictures in two splits that are one picture, in words, and how many were compared.

    Mirrored, turned, resized, noisy and coded copies are found by hashes; what hashes propose is checked on the pixels
    themselves. Pictures without edges say nothing.

    Parameters
    ----------
    corpus : Corpus
        As opened.
    rows : sequence of int
        Samples to compare; equal pictures are found among all samples.
    thresholds : Validation
        Those of `twin_agreement` and `flat_contrast`.
    engine : Engine
        Runs the batches.
    crops : bool
        Whether to look for crops too, which takes far longer.
    report : callable
        Follows the progress.
    """
    table = corpus.samples.select(["key", "split", "clean_digest"])
    keys, splits, digests = (table[name].to_pylist() for name in table.column_names)
    equal = _find_equal(corpus, keys, splits, digests, thresholds.flat_contrast)
    unique = {(digests[row], splits[row]): row for row in reversed(list(rows))}
    chosen = sorted(unique.values())
    place = {keys[row]: row for row in chosen}
    pictures = [Picture(keys[row], partial(_read_clean, corpus, row)) for row in chosen]
    found = find_leaks(PictureSet(Path(corpus.address), "corpus", pictures), crops=crops, engine=engine, report=report)
    near = [
        f"{leak.first} ({splits[place[leak.first]]}) and {leak.second} ({splits[place[leak.second]]}): "
        f"{leak.describe()}"
        for leak in found.leaks
        if splits[place[leak.first]] != splits[place[leak.second]]
        and digests[place[leak.first]] != digests[place[leak.second]]
        and _is_confirmed(corpus, place[leak.first], place[leak.second], leak, thresholds)
    ]
    return equal + near, len(chosen)


def _read_clean(corpus: Corpus, row: int) -> Pixels:
    pixels: Pixels = corpus.read(row, ("clean",))["clean"]
    return pixels


def _find_equal(
    corpus: Corpus, keys: Sequence[str], splits: Sequence[str], digests: Sequence[str], flat: float
) -> list[str]:
    """Return pictures that appear in two splits with equal pixels; those of one colour are equal by nature."""
    first: dict[str, int] = {}
    doubled: dict[str, int] = {}
    for row, digest in enumerate(digests):
        if splits[first.setdefault(digest, row)] != splits[row]:
            doubled.setdefault(digest, row)
    return [
        f"{keys[first[digest]]} ({splits[first[digest]]}) and {keys[row]} ({splits[row]}): identical pixels"
        for digest, row in doubled.items()
        if float(images.luma(_read_clean(corpus, row)).std()) >= flat
    ]


def _is_confirmed(corpus: Corpus, first: int, second: int, leak: Leak, thresholds: Validation) -> bool:
    """Return whether the edges of two pictures agree, the first turned as the hashes propose."""
    if leak.crop:
        return True
    one = duplicates.turn(images.luma(_read_clean(corpus, first)), leak.orientation)
    other = images.luma(_read_clean(corpus, second))
    if one.shape != other.shape:
        one = np.asarray(cv2.resize(one, other.shape[::-1], interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return correlate_edges(one, other) >= thresholds.twin_agreement


def correlate_edges(first: Pixels, second: Pixels) -> float:
    """Return the correlation of the edges of two grey pictures, -1 to 1; 0 where one has none.

    The mean is taken out, so that two even ramps, which all smooth patches resemble, agree in nothing.
    """
    total = 0.0
    for axes in ((1, 0), (0, 1)):
        edges = [cv2.Sobel(cv2.GaussianBlur(side, (0, 0), 1.0), cv2.CV_32F, *axes) for side in (first, second)]
        a, b = (edge - edge.mean() for edge in edges)
        norm = float(np.linalg.norm(a) * np.linalg.norm(b))
        total += float(np.vdot(a, b)) / norm / 2 if norm > 0 else 0.0
    return total


def take_rows(corpus: Corpus, limit: int | None) -> list[int]:
    """Return the rows of a corpus, or `limit` of them: as many of each split, evenly spaced over it."""
    rows: list[int] = []
    for split in corpus.splits:
        here = corpus.rows(split)
        each = len(here) if limit is None else min(len(here), max(1, limit // len(corpus.splits)))
        rows += here[np.arange(each) * len(here) // each].tolist()
    return rows
