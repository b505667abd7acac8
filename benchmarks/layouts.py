"""Memory layouts of the networks on a CPU: contiguous over channels last, in processor time.

    python benchmarks/layouts.py

A training step of 8 x 64 px and a picture of 481 x 321 px, one thread, the layouts in turn; medians.
"""

from __future__ import annotations

import datetime
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import click
import torch
from torch.nn import functional

from rainkit.train.config import parse_training
from rainkit.train.networks.derainer import count_parameters

LAYOUTS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}


def list_works(preset: str, layout: torch.memory_format) -> dict[str, Callable[[], None]]:
    """Return what is timed of a network in a layout, by name."""
    torch.manual_seed(0)
    config = parse_training(preset, {})
    network = config.network().to(memory_format=layout)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    rainy, clean, picture = torch.rand(8, 3, 64, 64), torch.rand(8, 3, 64, 64), torch.rand(1, 3, 321, 481)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        functional.l1_loss(network(rainy), clean).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    def derain() -> None:
        with torch.no_grad():
            network(picture)

    return {"step": step, "picture": derain}


def measure(preset: str, repeats: int) -> dict[tuple[str, str], float]:
    """Return median seconds of processor time by layout and work."""
    works = {name: list_works(preset, layout) for name, layout in LAYOUTS.items()}
    times: dict[tuple[str, str], list[float]] = {}
    for repeat in range(repeats + 1):
        for name, parts in works.items():
            for part, work in parts.items():
                begin = time.process_time()
                work()
                if repeat:  # the first is slower: memory is fetched, kernels are chosen
                    times.setdefault((name, part), []).append(time.process_time() - begin)
    return {key: statistics.median(values) for key, values in times.items()}


@click.command()
@click.option("--repeats", default=15, show_default=True)
def main(repeats: int) -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print(f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, torch {torch.__version__}, one thread, processor time\n")
    print("| network | weights | steps/s | step: contiguous / channels last | picture: contiguous / channels last |")
    print("|---|---|---|---|---|")
    for preset in ("tiny", "base", "unet", "nafnet"):
        found = measure(preset, repeats)
        ratios = [found["contiguous", part] / found["channels last", part] for part in ("step", "picture")]
        weights = count_parameters(parse_training(preset, {}).network())
        print(
            f"| {preset} | {weights:,} | {1 / found['channels last', 'step']:.1f} | {ratios[0]:.2f} | {ratios[1]:.2f} |"
        )


if __name__ == "__main__":
    main()
