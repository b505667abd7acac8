"""Rain side by side with what people use: one thread, interleaved, with every label made.

    python benchmarks/rain.py [--size 512x512] [--rounds 15] [--only NAME]

Each of ours draws the layer (and the streak vectors where it has them), composes the rainy picture and makes mask,
coverage and PSNR; the peers only make a rainy picture. A time is processor time, the least of the rounds for each of a
few seeds and the mean over the seeds: on a machine with other work the least is what repeats.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
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

SEEDS = 6
"""Pictures that a contender makes in a row in each round: rain is drawn with warm caches where a corpus is built."""

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


def measure(shape: tuple[int, int], rounds: int, only: str) -> dict[str, float]:
    """Return the processor seconds of a picture, by contender: the mean over seeds of the least over rounds."""
    image = _picture(shape)
    contenders = _peers() | {name: _ours(*case, shape) for name, case in OURS.items() if only in name}
    times = {name: np.full((rounds, SEEDS), np.inf) for name in contenders}
    for contender in contenders.values():
        contender(image, 0)
    for number in range(rounds):
        for name, contender in contenders.items():
            for seed in range(SEEDS):
                start = time.process_time()
                contender(image, seed)
                times[name][number, seed] = time.process_time() - start
    return {name: float(each.min(axis=0).mean()) for name, each in times.items()}


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
@click.option("--rounds", default=15, help="Rounds over all contenders.")
@click.option("--only", default="", help="Only those of ours whose name has this in it.")
def main(sizes: tuple[str, ...], rounds: int, only: str) -> None:
    """Print a table for each size, and the time of the first call."""
    images.use_threads(1)
    versions = {name: importlib.metadata.version(name) for name in ("numpy", "numba", "albumentations")}
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    print(f"Python {platform.python_version()}, OpenCV {cv2.__version__}, {listed}; one thread, {rounds} rounds.")
    for size in sizes:
        width, height = (int(part) for part in size.split("x"))
        found = measure((height, width), rounds, only)
        print(f"\n| {width} x {height} | ms | peer | times faster |\n|---|---:|---|---:|")
        for name, seconds in found.items():
            peer = next((peer for family, peer in AGAINST.items() if name.startswith(family)), "")
            ratio = f"{found[peer] / seconds:.2f}" if peer else ""
            print(f"| {name} | {seconds * 1e3:.2f} | {peer} | {ratio} |")
    with tempfile.TemporaryDirectory() as cache:
        cold, warm = _first_call(cache), _first_call(cache)
    print(f"\nFirst picture of a process: {cold:.1f} s where nothing is compiled, {warm:.2f} s afterwards.")


if __name__ == "__main__":
    main()
