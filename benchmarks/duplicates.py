"""Near-duplicates: hashing pictures and grouping hashes, beside what people use today.

    python benchmarks/duplicates.py [--count 100000] [--repeats 3] [--pictures 60]

Contenders run interleaved in one process with one thread; a ratio is the median over the repeats of theirs / ours. Half
of the hashes are random, half are near copies of others in random orientations. Every contender looks for pairs within
10 of 64 bits. Ours covers all eight orientations; faiss, the comparison of all with all, and the BK-tree answer for one
orientation, and their times are multiplied by eight where the column says so. The BK-tree is asked about a sample of
the hashes, scaled up, because all of them would take an hour.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import importlib
import importlib.metadata
import importlib.util
import platform
import statistics
import time
from collections.abc import Callable

import click
import numba
import numpy as np
from numpy.typing import NDArray

from rainkit.duplicates import ORIENTATIONS, group, orient, perceptual_hash
from rainkit.images import use_threads
from rainkit.seeds import Stream

DISTANCE = 10
Hashes = NDArray[np.uint64]


def make_hashes(count: int) -> Hashes:
    """Return random hashes, every second one a near copy of the one before it in some orientation."""
    rng = Stream(1, "hashes")
    hashes = rng.bits(count)
    names = list(ORIENTATIONS)
    kinds = rng.child("turn").integers(0, len(names), count)
    flips = rng.child("bits").integers(0, 64, 4 * count).reshape(4, count).astype(np.uint64)
    copies = hashes[0 : count - 1 : 2].copy()
    for number, name in enumerate(names):
        chosen = kinds[1::2][: copies.size] == number
        copies[chosen] = orient(copies[chosen], name)
    for row in flips[:, 1::2]:
        copies ^= np.uint64(1) << row[: copies.size]
    hashes[1::2] = copies[: hashes[1::2].size]
    return hashes


@numba.njit(cache=True)
def _compare_all(hashes: Hashes, distance: int) -> int:
    near = 0
    for i in range(hashes.size):
        for j in range(i):
            word = hashes[i] ^ hashes[j]
            word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
            word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
            word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
            near += (word * np.uint64(0x0101010101010101)) >> np.uint64(56) <= np.uint64(distance)
    return near


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def _make_searches(hashes: Hashes) -> dict[str, tuple[Callable[[], float], str]]:
    """Return name -> (a function that returns seconds for all hashes, and what it covers)."""
    searches: dict[str, tuple[Callable[[], float], str]] = {
        "rainkit.duplicates.group": (lambda: _seconds(lambda: group(hashes, DISTANCE)), "8 orientations"),
        "rainkit.duplicates.group, upright": (
            lambda: _seconds(lambda: group(hashes, DISTANCE, orientations=False)), "1 orientation"
        ),
        "numba, all with all": (lambda: 8 * _seconds(lambda: _compare_all(hashes, DISTANCE)), "1 orientation, x 8"),
    }  # fmt: skip
    if _has("faiss"):
        faiss = importlib.import_module("faiss")
        rows = np.ascontiguousarray(hashes).view(np.uint8).reshape(-1, 8)

        def flat() -> None:
            index = faiss.IndexBinaryFlat(64)
            index.add(rows)
            index.range_search(rows[: len(rows) // 20], DISTANCE + 1)

        searches["faiss IndexBinaryFlat"] = (lambda: 8 * 20 * _seconds(flat), "1 orientation of 1 in 20, x 160")
    if _has("pybktree"):
        tree = importlib.import_module("pybktree")
        words = hashes.tolist()
        grown = tree.BKTree(tree.hamming_distance, words)
        few = words[:: max(1, len(words) // 20)][:20]

        def ask() -> None:
            for word in few:
                grown.find(word, DISTANCE)

        searches["pybktree (questions alone)"] = (
            lambda: 8 * len(words) / len(few) * _seconds(ask),
            f"1 orientation of {len(few)}, scaled",
        )
    return searches


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _make_hashers(pictures: list[NDArray[np.uint8]]) -> dict[str, Callable[[], float]]:
    hashers = {"rainkit.duplicates.perceptual_hash": lambda: _seconds(lambda: [perceptual_hash(p) for p in pictures])}
    if _has("imagehash"):
        imagehash, pillow = importlib.import_module("imagehash"), importlib.import_module("PIL.Image")
        images = [pillow.fromarray(picture) for picture in pictures]
        hashers["imagehash.phash"] = lambda: _seconds(lambda: [imagehash.phash(image) for image in images])
    return hashers


def _print(title: str, rows: list[tuple[str, ...]], head: tuple[str, ...]) -> None:
    click.echo(f"\n{title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        click.echo(f"| {' | '.join(row)} |")


@click.command()
@click.option("--count", default=100_000, show_default=True, help="Hashes.")
@click.option("--repeats", default=3, show_default=True, help="Rounds.")
@click.option("--pictures", default=60, show_default=True, help="Pictures of 1 MPix to hash.")
def main(count: int, repeats: int, pictures: int) -> None:
    """Print two tables of medians and ratios."""
    use_threads(1)
    hashes = make_hashes(count)
    group(hashes[:100], DISTANCE)
    _compare_all(hashes[:100], DISTANCE)
    labels = group(hashes, DISTANCE)
    found = int((labels[1::2] == labels[: labels[1::2].size * 2 : 2]).sum())
    modules = {
        "numpy": "numpy",
        "numba": "numba",
        "faiss-cpu": "faiss",
        "pybktree": "pybktree",
        "imagehash": "imagehash",
    }
    versions = {name: importlib.metadata.version(name) for name, module in modules.items() if _has(module)}
    click.echo(f"{platform.machine()}, Python {platform.python_version()}, {versions}, one thread")
    click.echo(
        f"{count:,} hashes, {len(set(labels.tolist())):,} groups, {found:,} of {count // 2:,} planted pairs joined"
    )
    searches = _make_searches(hashes)
    times: dict[str, list[float]] = {name: [] for name in searches}
    for _ in range(repeats):
        for name, (search, _covers) in searches.items():
            times[name].append(search())
    ours = times["rainkit.duplicates.group"]
    rows = [
        (name, covers, f"{statistics.median(times[name]):.2f} s",
         f"{statistics.median(t / o for t, o in zip(times[name], ours, strict=True)):.1f}")
        for name, (_, covers) in searches.items()
    ]  # fmt: skip
    _print(f"Near-duplicates among {count:,} hashes", rows, ("search", "covers", "seconds", "ratio to ours"))
    noise = Stream(2, "pictures").integers(0, 256, 1000 * 1000 * 3).reshape(1000, 1000, 3).astype(np.uint8)
    hashers = _make_hashers([np.roll(noise, 7 * shift, axis=0) for shift in range(pictures)])
    each = {name: [hasher() / pictures * 1e3 for _ in range(repeats)] for name, hasher in hashers.items()}
    first = each["rainkit.duplicates.perceptual_hash"]
    rows = [
        (name, f"{statistics.median(spent):.2f} ms",
         f"{statistics.median(s / f for s, f in zip(spent, first, strict=True)):.1f}")
        for name, spent in each.items()
    ]  # fmt: skip
    _print("Hashing a decoded picture of 1 MPix", rows, ("hash", "median", "ratio to ours"))


if __name__ == "__main__":
    main()
