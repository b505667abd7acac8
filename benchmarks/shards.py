"""Writing shards: hand-made headers beside webdataset's writer, with and without the digests that only we compute.

    python benchmarks/shards.py [--samples 500] [--folder FOLDER] [--repeats 9]

Samples hold five members of 36, 33, 9, 3 and 0.4 kB, as a 128 px sample does. Contenders run interleaved in one
process; ratios are medians over the rounds. Ours computes SHA-256 and md5 and syncs the file and its folder;
webdataset's writer does neither, so it is also timed with both added.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import webdataset

from rainkit.release.checksums import hash_file
from rainkit.shards import scan_shard, write_shard

SIZES = {"rainy.png": 36000, "clean.png": 33000, "rain.png": 9000, "mask.png": 3000, "json": 400}


@click.command(help=__doc__)
@click.option("--samples", default=500)
@click.option("--folder", type=click.Path(path_type=Path, exists=True), help="Disk to write to.")
@click.option("--repeats", default=9)
def main(samples: int, folder: Path | None, repeats: int) -> None:
    place = Path(tempfile.mkdtemp(dir=folder))
    noise = os.urandom(max(SIZES.values()) + samples)
    data = [
        (f"{number:08d}", {name: noise[number : number + size] for name, size in SIZES.items()})
        for number in range(samples)
    ]

    def with_webdataset() -> None:
        with webdataset.TarWriter(str(place / "b.tar"), mtime=0, encoder=False) as writer:
            for key, members in data:
                writer.write({"__key__": key, **members})

    def with_webdataset_and_digests() -> None:
        with_webdataset()
        hash_file(place / "b.tar")
        with (place / "b.tar").open("rb") as file:
            hashlib.file_digest(file, "md5")
            os.fsync(file.fileno())

    contenders: dict[str, Callable[[], object]] = {
        "rainkit": lambda: write_shard(place / "a.tar", data),
        "webdataset.TarWriter": with_webdataset,
        "webdataset.TarWriter, digests and sync": with_webdataset_and_digests,
        "rainkit, reading the structure back": lambda: scan_shard(place / "a.tar"),
        "SHA-256 alone": lambda: hash_file(place / "a.tar"),
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    try:
        for _ in range(repeats):
            for name, work in contenders.items():
                start = time.perf_counter()
                work()
                times[name].append(time.perf_counter() - start)
    finally:
        shutil.rmtree(place)
    print(f"{samples} samples of {len(SIZES)} members, {repeats} rounds")
    print(f"Python {platform.python_version()}, webdataset {webdataset.__version__}\n")
    print("| contender | us per sample | ratio to rainkit |\n|---|---|---|")
    for name, values in times.items():
        ratio = statistics.median(a / b for a, b in zip(values, times["rainkit"], strict=True))
        print(f"| {name} | {statistics.median(values) / samples * 1e6:.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
