"""Rain side by side with what people use: one thread, in one run, with every label made.

    python benchmarks/rain.py [--size 512x512] [--rounds 7] [--only NAME] [--patches]

Each of ours draws the layer (and the streak vectors where it has them), composes the rainy picture and makes mask,
coverage and PSNR; the peers only make a rainy picture.

Contenders take turns by blocks: each makes pictures for about 0.3 s, a new seed each, then the next one does, for
several rounds. Rain is drawn in a row where a corpus is built, with its tables and memory in the cache; turns call by
call would measure how much of the cache the contender before has taken, which is up to half of the time of a fast one.
Times are processor time a picture, the mean of a block: the median over the rounds, which gives the ratios, and the
least, which other work on the machine disturbs least. `--patches` measures `rainkit.samples.render` instead: what a
build does for a patch of 128 px, encoding apart.
"""

from __future__ import annotations

import functools
import importlib.metadata
import math
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
from rainkit.recipe import Recipe
from rainkit.records import Sample
from rainkit.samples.rendering import render

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

BLOCK = 0.3
"""Seconds that a contender runs before the next one does."""

AGAINST = {
    "streaks": "albumentations heavy",
    "noise_blur": "noise script, blended",
    "particles": "albumentations heavy",
    "layer_bank": "albumentations heavy",
}
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


def _noise_layer(shape: tuple[int, ...], seed: int) -> Pixels:
    """Return a layer by the recipe that is passed around: noise, threshold, rotated diagonal kernel, min-max."""
    rng = np.random.default_rng(seed)
    quantity, length, width, direction = rng.uniform(200, 300), 30, 5, rng.uniform(-5, 5)
    noise = rng.uniform(0, 256, shape[:2])
    noise[noise < 256 - quantity * 0.01] = 0
    noise = cv2.filter2D(noise, -1, np.array([[0, 0.1, 0], [0.1, 8, 0.1], [0, 0.1, 0]]))
    turned = cv2.getRotationMatrix2D((length / 2, length / 2), direction - 45, 1)
    kernel = cv2.warpAffine(np.diag(np.ones(length)), turned, (length, length))
    kernel = cv2.GaussianBlur(kernel, (width, width), 0)
    return cv2.normalize(cv2.filter2D(noise, -1, kernel), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def _added_noise(image: Pixels, seed: int) -> Pixels:
    """Return the picture with the script's layer added."""
    rain = _noise_layer(image.shape, seed)
    return np.asarray(cv2.add(image, cv2.merge([rain, rain, rain])))


def _blended_noise(image: Pixels, seed: int) -> Pixels:
    """Return the picture blended with the script's layer, channel by channel in float, as the script mostly ends."""
    rain = _noise_layer(image.shape, seed).astype(np.float32)
    rainy = image.copy()
    for channel in range(3):
        rainy[..., channel] = rainy[..., channel] * (255 - rain) / 255.0 + 0.8 * rain
    return rainy


def _peers() -> dict[str, Contender]:
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    import albumentations

    heavy = albumentations.RandomRain(rain_type="heavy", p=1.0)
    return {
        "albumentations heavy": lambda image, seed: heavy(image=image)["image"],
        "noise script, blended": _blended_noise,
        "noise script, added": _added_noise,
    }


def _picture(shape: tuple[int, int]) -> Pixels:
    """Return a picture with soft areas and edges."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    waves = [rows // 5 + columns // 9, (rows * columns) // 4001, rows // 4 + (columns // 64 % 2) * 60]
    return np.stack([wave % 256 for wave in waves], axis=-1).astype(np.uint8)


def measure(contenders: dict[str, Callable[[int], Any]], rounds: int) -> dict[str, tuple[float, float]]:
    """Return median and least processor seconds of a picture by contender, which take turns by blocks."""
    calls = {}
    for name, contender in contenders.items():
        contender(0)
        start = time.process_time()
        for seed in range(3):
            contender(seed)
        calls[name] = max(3, math.ceil(3.0 * BLOCK / max(time.process_time() - start, 1e-6)))
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name, contender in contenders.items():
            start = time.process_time()
            for seed in range(calls[name]):
                contender(number * calls[name] + seed)
            times[name].append((time.process_time() - start) / calls[name])
    return {name: (statistics.median(each), min(each)) for name, each in times.items()}


def _pictures(shape: tuple[int, int], only: str) -> dict[str, Callable[[int], Any]]:
    """Return the contenders for pictures of one size, each a function of a seed."""
    image = _picture(shape)
    ours = {name: _ours(*case, shape) for name, case in OURS.items() if only in name}
    return {name: functools.partial(contender, image) for name, contender in (_peers() | ours).items()}


def _patches(only: str) -> dict[str, Callable[[int], Any]]:
    """Return what a build does for a patch by each rain of ours."""
    image = _picture((480, 640))
    cases = {name: case for name, case in OURS.items() if "layers" not in case[1] and only in name}
    rains = {f"r{i}": simulator(kind, **fields) for i, (kind, fields) in enumerate(cases.values())}
    recipe = Recipe.model_validate(
        {
            "rainkit": 1,
            "name": "patches",
            "version": "1.0.0",
            "seed": 1,
            "rain": rains,
            "sources": {"drawn": {"kind": "procedural"}},
            "splits": {"train": {"share": 1, "samples": 1, "rain": next(iter(rains))}},
            "samples": {"patch": 128},
        }
    )

    def run(rain: str, seed: int) -> Any:
        crop = (seed % 512, seed % 352, 128, 128)
        return render(Sample(f"k{seed}", "train", seed, 0, "b", crop, 0.0, 0.0, {}, rain, seed), image, recipe)

    return {name: functools.partial(run, rain) for name, rain in zip(cases, rains, strict=True)}


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


def _print_table(title: str, found: dict[str, tuple[float, float]]) -> None:
    print(f"\n| {title} | ms, median | ms, least | peer | times faster |\n|---|---:|---:|---|---:|")
    for name, (median, least) in found.items():
        peer = next((peer for family, peer in AGAINST.items() if name.startswith(family) and peer in found), "")
        ratio = f"{found[peer][0] / median:.2f}" if peer else ""
        print(f"| {name} | {median * 1e3:.3g} | {least * 1e3:.3g} | {peer} | {ratio} |")


@click.command()
@click.option("--size", "sizes", multiple=True, default=("512x512", "1920x1080"), help="WIDTHxHEIGHT; may be repeated.")
@click.option("--rounds", default=7, help="Rounds over all contenders.")
@click.option("--only", default="", help="Only those of ours whose name has this in it.")
@click.option("--patches", is_flag=True, help="Time the drawing of samples of 128 px instead.")
def main(sizes: tuple[str, ...], rounds: int, only: str, patches: bool) -> None:
    """Print a table for each size, and the time of the first call."""
    images.use_threads(1)
    versions = {name: importlib.metadata.version(name) for name in ("numpy", "numba", "albumentations")}
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    print(f"Python {platform.python_version()}, OpenCV {cv2.__version__}, {listed}; one thread, {rounds} rounds.")
    if patches:
        _print_table("128 x 128, as a build draws it", measure(_patches(only), rounds))
        return
    for size in sizes:
        width, height = (int(part) for part in size.split("x"))
        _print_table(f"{width} x {height}", measure(_pictures((height, width), only), rounds))
    with tempfile.TemporaryDirectory() as cache:
        cold, warm = _first_call(cache), _first_call(cache)
    print(f"\nFirst picture of a process: {cold:.1f} s where nothing is compiled, {warm:.2f} s afterwards.")


if __name__ == "__main__":
    main()
