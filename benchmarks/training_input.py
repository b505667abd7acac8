"""What reading costs beside a training step: our reader, decoding or keeping pictures, and the usual loader.

One thread for everything. Batches are read without training, then steps are made on one kept batch; both are repeated
in turn and medians are compared, so a busy machine disturbs all of them alike.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import torch

import rainkit
from rainkit.data.corpus import open_corpus
from rainkit.data.torch import BatchStream, CorpusPairs, Pool, select_rows
from rainkit.train.config import Machine, Training
from rainkit.train.networks import PRESETS
from rainkit.train.state import State

ENDLESS = 10**9


def read_ours(corpus: Any, batch: int, patch: int, cache_bytes: int) -> Callable[[], Any]:
    """Return a function that reads the next batch by our reader."""
    pairs = CorpusPairs([Pool(corpus, select_rows(corpus, "train"))], patch, cache_bytes=cache_bytes)
    batches = iter(BatchStream(pairs, batch, ENDLESS))
    return lambda: next(batches)


def read_webdataset(folder: Path, batch: int, patch: int) -> Callable[[], Any]:
    """Return a function that reads the next batch by webdataset with a shuffle buffer, decoding by OpenCV."""
    import webdataset

    shards = sorted(str(path) for path in folder.glob("data/train/*.tar"))

    def decode(data: bytes) -> np.ndarray:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)

    def crop(sample: dict[str, bytes]) -> tuple[np.ndarray, np.ndarray]:
        pair = decode(sample["rainy.png"]), decode(sample["clean.png"])
        return pair[0][:patch, :patch], pair[1][:patch, :patch]

    dataset = webdataset.WebDataset(shards, shardshuffle=False).repeat().shuffle(500).map(crop)
    samples: Iterator[tuple[np.ndarray, np.ndarray]] = iter(dataset)

    def read() -> list[torch.Tensor]:
        drawn = list(itertools.islice(samples, batch))
        return [
            torch.from_numpy(np.stack([pair[side] for pair in drawn]).transpose(0, 3, 1, 2).copy()) for side in (0, 1)
        ]

    return read


def make_step(config: Training, device: str, batch: Any) -> Callable[[], Any]:
    """Return a function that makes one training step on a kept batch."""
    from rainkit.train import loop

    state = State(config, torch.device(device), Machine(device="cpu" if device == "cpu" else "cuda"))
    rainy, clean = (pixels.to(device) for pixels in batch)

    def step() -> None:
        loop._step(config, state, state.network, rainy, clean)
        if device != "cpu":
            torch.cuda.synchronize()

    return step


def clock(work: Callable[[], Any], times: int) -> float:
    """Return milliseconds a call."""
    begun = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - begun) / times * 1e3


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--network", default="tiny", type=click.Choice(sorted(PRESETS)))
@click.option("--batch", default=8)
@click.option("--patch", default=64)
@click.option("--repeats", default=7)
@click.option("--device", default="cpu", type=click.Choice(["cpu", "cuda"]))
def main(*, folder: Path, network: str, batch: int, patch: int, repeats: int, device: str) -> None:
    """Print what reading a batch of the corpus in FOLDER costs beside a training step."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    corpus = open_corpus(folder)
    config = Training(network=PRESETS[network], batch=batch, patch=patch, steps=ENDLESS)
    works = {
        "rainkit, kept in memory": read_ours(corpus, batch, patch, 2**31),
        "rainkit, decoded each time": read_ours(corpus, batch, patch, 0),
        "webdataset, shuffle buffer": read_webdataset(folder, batch, patch),
    }
    for _ in range(len(select_rows(corpus, "train")) // batch + 1):  # fill the memory
        works["rainkit, kept in memory"]()
    works["step"] = make_step(config, device, works["rainkit, decoded each time"]())
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            times[name].append(clock(work, 10))
    step = statistics.median(times.pop("step"))
    print(f"rainkit {rainkit.__version__}, torch {torch.__version__}, {network}, {batch} x {patch} px, {device}, "
          f"step {step:.1f} ms\n")  # fmt: skip
    print("| reader | ms a batch | share of a step |\n|---|---|---|")
    for name, values in times.items():
        print(f"| {name} | {statistics.median(values):.2f} | {statistics.median(values) / step:.1%} |")


if __name__ == "__main__":
    main()
