"""One picture in two splits, found by its pixels: what a manifest that is wrong cannot say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rainkit import duplicates, images
from rainkit.data.corpus import Corpus
from rainkit.leaks import Leak, find_leaks
from rainkit.pictures import PictureSet
from rainkit.recipe import Validation
from rainkit.records import Engine, Picture, Pixels, Report

BLOCKS = 4
"""Blocks across and down in which two pictures are compared."""
_BUSY = 8.0  # a slope of one level a pixel, which Sobel's kernel counts eightfold
_ALIKE = 0.6


def find_twins(
    corpus: Corpus, rows: Sequence[int], thresholds: Validation, engine: Engine, *, crops: bool, report: Report
) -> tuple[list[str], int]:
    """Return pairs of clean pictures in two splits that are one picture, in words, and how many were compared.

    Mirrored, turned, resized, noisy and coded copies are found by hashes; what hashes propose is checked on the pixels
    themselves. Pictures with edges in less than half of their blocks say too little and are told only by equal pixels.

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
    busy, alike = compare_edges(one, other)
    return busy >= BLOCKS * BLOCKS // 2 and alike >= thresholds.twin_agreement * busy


def compare_edges(first: Pixels, second: Pixels) -> tuple[int, int]:
    """Return in how many blocks of two grey pictures there are edges, and in how many of these the edges agree.

    Blocks are judged one by one, so that a frame or a horizon that many pictures share does not outweigh the rest; the
    mean of each is taken out, so that even ramps agree in nothing.

    Parameters
    ----------
    first, second : uint8 array, H x W
        One size, at least `BLOCKS` px each way.
    """
    busy = alike = 0
    one, other = (_find_edges(picture) for picture in (first, second))
    height, width = first.shape
    for top, bottom in pairwise(np.linspace(0, height, BLOCKS + 1).astype(int).tolist()):
        for left, right in pairwise(np.linspace(0, width, BLOCKS + 1).astype(int).tolist()):
            a, b = (edges[:, top:bottom, left:right] for edges in (one, other))
            a, b = (part - part.mean(axis=(1, 2), keepdims=True) for part in (a, b))
            power = float(np.vdot(a, a)), float(np.vdot(b, b))
            if max(power) < _BUSY**2 * a.size:
                continue
            busy += 1
            alike += float(np.vdot(a, b)) > _ALIKE * math.sqrt(power[0] * power[1])
    return busy, alike


def _find_edges(picture: Pixels) -> NDArray[np.float32]:
    """Return the slopes across and down, float32 2 x H x W, in eighths of a level a pixel; noise is smoothed."""
    smooth = cv2.GaussianBlur(picture, (0, 0), 1.0)
    return np.stack([cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)])


def take_rows(corpus: Corpus, limit: int | None) -> list[int]:
    """Return the rows of a corpus, or `limit` of them: as many of each split, evenly spaced over it."""
    rows: list[int] = []
    for split in corpus.splits:
        here = corpus.rows(split)
        each = len(here) if limit is None else min(len(here), max(1, limit // len(corpus.splits)))
        rows += here[np.arange(each) * len(here) // each].tolist()
    return rows
