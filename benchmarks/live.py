"""What a sample costs when it is drawn while it is read, beside reading it from a shard; by rain.

One thread. Stored samples, live samples with the backgrounds in memory, and live samples with room for one background
are taken in turn, and medians of the repeats are compared, so a busy machine disturbs all of them alike.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import click

import rainkit
from rainkit.cache import default_path
from rainkit.cli.settings import moved_sources, source_option
from rainkit.images import use_threads

PAIR = ("rainy", "clean")


def clock(read: Callable[[int], Any], rows: list[int]) -> float:
    """Return microseconds a sample."""
    begun = time.perf_counter()
    for row in rows:
        read(row)
    return (time.perf_counter() - begun) / len(rows) * 1e6


@click.command()
@click.argument("corpus")
@source_option
@click.option("--split", default="train", show_default=True)
@click.option("--samples", default=100, show_default=True, help="Samples of each rain and turn.")
@click.option("--repeats", default=5, show_default=True)
def main(corpus: str, sources: tuple[str, ...], split: str, samples: int, repeats: int) -> None:
    use_threads(1)
    stored = rainkit.open_corpus(corpus)
    options: dict[str, Any] = {"sources": moved_sources(sources), "cache": default_path()}
    rainkit.open_live(corpus, split, **options)
    begun = time.perf_counter()
    live = rainkit.open_live(corpus, split, **options)
    opening = time.perf_counter() - begun
    small = rainkit.open_live(corpus, split, cache_bytes=0, **options)
    rows, rains = stored.rows(split), live.samples["rain"].to_pylist()
    print(f"rainkit {rainkit.__version__}, Python {platform.python_version()}; {len(live)} samples, one thread")
    print(f"opening with every measurement remembered: {opening:.2f} s\n")
    print("| rain | samples | stored, µs | live / stored | live, new rain / stored | live, backgrounds decoded anew |")
    print("|---|---|---|---|---|---|")
    for rain in sorted(set(rains)):
        here = [row for row, name in enumerate(rains) if name == rain][:samples]
        later = [row for row in range(len(live), len(live) + 50 * samples) if live.sample(row).rain == rain][:samples]
        ways = {
            "stored": (lambda row: stored.read(int(rows[row]), PAIR), here),
            "live": (lambda row: live.read(row, PAIR), here),
            "new": (lambda row: live.read(row, PAIR), later),
            "decoded": (lambda row: small.read(row, PAIR), here),
        }
        for read, chosen in ways.values():
            clock(read, chosen)
        times = {way: [] for way in ways}
        for _ in range(repeats):
            for way, (read, chosen) in ways.items():
                times[way].append(clock(read, chosen))
        median = {way: statistics.median(each) for way, each in times.items()}
        ratios = " | ".join(f"{median[way] / median['stored']:.2f}" for way in ("live", "new", "decoded"))
        print(f"| {rain} | {len(here)} | {median['stored']:.0f} | {ratios} |")


if __name__ == "__main__":
    main()
