"""Reading a corpus back: random access beside bare decoding, sequence beside webdataset, verify beside sha256sum.

    python benchmarks/reading.py [--corpus FOLDER] [--samples 600] [--patch 128] [--repeats 7]

Without a corpus, one of procedural backgrounds is built. All contenders run interleaved in this process, one thread;
files are in the page cache. Bare decoding decodes bytes that lie in memory, with the decoder named. Ratios are medians
over the repeats of the times of one round.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import click
import cv2
import numpy as np
import webdataset

from rainkit.data import Corpus, open_corpus
from rainkit.data.members import decode_member
from rainkit.images import decode_stored, use_threads
from rainkit.pipeline import build
from rainkit.recipe import parse_recipe
from rainkit.release.verify import verify
from rainkit.seeds import Stream

PAIR = ("rainy", "clean")
RECIPE = """
rainkit: 1
name: reading
version: 1.0.0
seed: 1
sources: {{drawn: {{kind: procedural, count: 24}}}}
rain: {{small: {{kind: noise_blur, preset: slacking-off-small}}}}
splits: {{train: {{share: 1, samples: {samples}, rain: small}}}}
samples: {{patch: {patch}}}
shards: {{samples: 200}}
"""

Work = Callable[[], object]


def make_contenders(corpus: Corpus) -> dict[str, Work]:
    """Return what is timed, by name; each goes over every sample once."""
    order = Stream(1, "order").permutation(len(corpus)).tolist()
    stored = [{name: bytes(data) for name, data in corpus.read_bytes(row, PAIR).items()} for row in order]
    extensions = [corpus.members[name] for name in PAIR]
    urls = [str(Path(corpus.address, path)) for path in corpus.samples["shard"].unique().to_pylist()]

    def bare(decode: Callable[[bytes], Any]) -> Work:
        return lambda: [[decode(data) for data in members.values()] for members in stored]

    def with_webdataset(decoder: Any, only: list[str] | None) -> Work:
        def read() -> None:
            dataset = webdataset.WebDataset(urls, shardshuffle=False).decode(decoder, only=only)
            for _ in dataset:
                pass

        return read

    def with_cv2(key: str, data: bytes) -> Any:
        return decode_stored(data) if key.endswith(".png") else None

    return {
        "bare decoding": bare(lambda data: decode_member("png", data)),
        "bare decoding, cv2": bare(lambda data: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)),
        "random access": lambda: [corpus.read(row, PAIR) for row in order],
        "sequential": lambda: [None for _ in corpus.iterate(members=PAIR)],
        "sequential, all members": lambda: [None for _ in corpus.iterate()],
        "webdataset": with_webdataset("rgb8", extensions),
        "webdataset, cv2": with_webdataset(with_cv2, extensions),
        "webdataset, all members": with_webdataset("rgb8", None),
        "verify": lambda: verify(corpus.address, jobs=1),
        "sha256sum": lambda: subprocess.run(["sha256sum", *urls], check=True, stdout=subprocess.DEVNULL),
    }


COMPARISONS = (
    ("random access", "bare decoding", "at most 1.05"),
    ("random access", "bare decoding, cv2", ""),
    ("webdataset", "sequential", "at least 1.2"),
    ("webdataset, cv2", "sequential", ""),
    ("webdataset, all members", "sequential, all members", ""),
    ("verify", "sha256sum", "at most 1.25"),
)


def measure(contenders: dict[str, Work], repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each contender in each round."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, work in contenders.items():
            start = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - start)
    return times


@click.command(help=__doc__)
@click.option("--corpus", "folder", type=click.Path(path_type=Path))
@click.option("--samples", default=600)
@click.option("--patch", default=128)
@click.option("--repeats", default=7)
def main(folder: Path | None, samples: int, patch: int, repeats: int) -> None:
    use_threads(1)
    warnings.simplefilter("ignore", ResourceWarning)
    place = Path(tempfile.mkdtemp())
    try:
        if folder is None:
            folder = build(parse_recipe(RECIPE.format(samples=samples, patch=patch)), place).folder
        corpus = open_corpus(folder)
        contenders = make_contenders(corpus)
        if shutil.which("sha256sum") is None:
            contenders["sha256sum"] = contenders["verify"]
        times = measure(contenders, repeats)
    finally:
        shutil.rmtree(place)
    row = corpus.samples.slice(0, 1).to_pylist()[0]
    print(f"{len(corpus)} samples of {row['crop_w']} x {row['crop_h']}, {repeats} rounds, one thread")
    print(f"Python {platform.python_version()}, OpenCV {cv2.__version__}, webdataset {webdataset.__version__}\n")
    print("| contender | ms per sample |\n|---|---|")
    for name, values in times.items():
        print(f"| {name} | {statistics.median(values) / len(corpus) * 1000:.3f} |")
    print("\n| time of | over time of | ratio | goal |\n|---|---|---|---|")
    for ours, theirs, goal in COMPARISONS:
        ratio = statistics.median(a / b for a, b in zip(times[ours], times[theirs], strict=True))
        print(f"| {ours} | {theirs} | {ratio:.2f} | {goal} |")


if __name__ == "__main__":
    main()
