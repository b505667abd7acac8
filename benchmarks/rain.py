"""Rain side by side with what people use: one thread, interleaved, with every label made.

    python benchmarks/rain.py [--size 512x512] [--repeats 15] [--only NAME]

Each of ours draws the layer (and the streak vectors where it has them), composes the rainy picture and makes mask,
coverage and PSNR; the peers only make a rainy picture. Times are medians of processor time over the rounds, which other
work on the machine disturbs less; ratios are those of medians.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from rainkit import images
from rainkit.rain import draw, simulator

Pixels = NDArray[np.uint8]
Contender = Callable[[Pixels, int], Any]

OURS: dict[str, tuple[str, dict[str, Any]]] = {
    "streaks": ("streaks", {}),
    "streaks, as many and as long as albumentations heavy": ("streaks", {"layers": "heavy"}),
    "noise_blur slacking-off-small": ("slacking-off-small", {}),
    "noise_blur slacking-off-medium": ("slacking-off-medium", {}),
    "noise_blur slacking-off-large": ("slacking-off-large", {}),
    "particles 10 mm/h": ("particles", {"rain_rate_mm_h": 10}),
    "particles 25 mm/h": ("particles", {"rain_rate_mm_h": 25}),
    "particles 100 mm/h": ("particles", {"rain_rate_mm_h": 100}),
    "particles 25 mm/h before a veil": ("particles", {"rain_rate_mm_h": 25, "veil": {}}),
    "particles, preset storm": ("storm", {}),
    "layer_bank of its own layers": ("rainmix-like", {}),
}
"""Name of each contender of ours: simulator or preset, and fields; add a line to add one."""

AGAINST = {"streaks": "albumentations heavy", "noise_blur": "noise script", "particles": "albumentations heavy", "layer_bank": "albumentations heavy"}
"""The peer that each family is compared with."""


def _ours(name: str, fields: dict[str, Any], shape: tuple[int, int]) -> Contender:
    if fields.get("layers") == "heavy":  # one drop a row, an eighth of the height long
        density = shape[0] / (shape[0] * shape[1]) * 1e6
        layer = {"density": density, "length": shape[0] / 8, "width": 1, "softness": 2, "opacity": 0.8}
        fields = {**fields, "layers": [layer]}
    model = simulator(name, **fields)

    def run(image: Pixels, seed: int) -> Any:
        drawn = draw(image, model, seed)
        return drawn.rainy, drawn.mask, drawn.coverage, drawn.psnr, drawn.rain.streaks

    return run


def _noise_script(image: Pixels, seed: int) -> Pixels:
    """Return rain by the recipe that is passed around: noise, threshold, rotated diagonal kernel, min-max, add."""
    rng = np.random.default_rng(seed)
    quantity, length, width, direction = rng.uniform(200, 300), 30, 5, rng.uniform(-5, 5)
    noise = rng.uniform(0, 256, image.shape[:2])
    noise[noise < 256 - quantity * 0.01] = 0
    noise = cv2.filter2D(noise, -1, np.array([[0, 0.1, 0], [0.1, 8, 0.1], [0, 0.1, 0]]))
    turned = cv2.getRotationMatrix2D((length / 2, length / 2), direction - 45, 1)
    kernel = cv2.warpAffine(np.diag(np.ones(length)), turned, (length, length))
    kernel = cv2.GaussianBlur(kernel, (width, width), 0)
    rain = cv2.normalize(cv2.filter2D(noise, -1, kernel), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    return np.asarray(cv2.add(image, cv2.merge([rain, rain, rain])))


def _peers() -> dict[str, Contender]:
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    import albumentations

    heavy = albumentations.RandomRain(rain_type="heavy", p=1.0)
    return {
        "albumentations heavy": lambda image, seed: heavy(image=image)["image"],
        "noise script": _noise_script,
    }


def _picture(shape: tuple[int, int]) -> Pixels:
    """Return a picture with soft areas and edges."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    waves = [rows // 5 + columns // 9, (rows * columns) // 4001, rows // 4 + (columns // 64 % 2) * 60]
    return np.stack([wave % 256 for wave in waves], axis=-1).astype(np.uint8)


def measure(shape: tuple[int, int], repeats: int, only: str) -> dict[str, list[float]]:
    """Return the processor seconds of each round, by contender."""
    image = _picture(shape)
    contenders = _peers() | {name: _ours(*case, shape) for name, case in OURS.items() if only in name}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for contender in contenders.values():
        contender(image, 0)
    for seed in range(repeats):
        for name, contender in contenders.items():
            start = time.process_time()
            contender(image, seed)
            times[name].append(time.process_time() - start)
    return times


def _first_call(cache: str) -> float:
    """Return the seconds of the first draw of a fresh process with the given cache of compiled kernels."""
    code = (
        "import time, numpy as np; from rainkit.rain import draw; from rainkit.rain import compose; "
        "image = np.zeros((64, 64, 3), np.uint8); start = time.perf_counter(); draw(image, 'streaks', 1); "
        "print(time.perf_counter() - start)"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


@click.command()
@click.option("--size", "sizes", multiple=True, default=("512x512", "1920x1080"), help="WIDTHxHEIGHT; may be repeated.")
@click.option("--repeats", default=15, help="Rounds.")
@click.option("--only", default="", help="Only those of ours whose name has this in it.")
def main(sizes: tuple[str, ...], repeats: int, only: str) -> None:
    """Print a table for each size, and the time of the first call."""
    images.use_threads(1)
    versions = {name: importlib.metadata.version(name) for name in ("numpy", "numba", "albumentations")}
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    print(f"Python {platform.python_version()}, OpenCV {cv2.__version__}, {listed}; one thread, {repeats} rounds.")
    for size in sizes:
        width, height = (int(part) for part in size.split("x"))
        medians = {name: statistics.median(t) for name, t in measure((height, width), repeats, only).items()}
        print(f"\n| {width} x {height} | ms | peer | times faster |\n|---|---:|---|---:|")
        for name, median in medians.items():
            peer = next((peer for family, peer in AGAINST.items() if name.startswith(family)), "")
            ratio = f"{medians[peer] / median:.2f}" if peer else ""
            print(f"| {name} | {median * 1e3:.2f} | {peer} | {ratio} |")
    with tempfile.TemporaryDirectory() as cache:
        cold, warm = _first_call(cache), _first_call(cache)
    print(f"\nFirst picture of a process: {cold:.1f} s where nothing is compiled, {warm:.2f} s afterwards.")


if __name__ == "__main__":
    main()
