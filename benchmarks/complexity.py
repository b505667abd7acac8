"""How fast, how true, how human and how robust the instrument is: Markdown tables.

    python benchmarks/complexity.py speed
    python benchmarks/complexity.py truth
    RAINKIT_DATA=FOLDER python benchmarks/complexity.py people robustness

`speed` times ours and theirs in turn, in one thread, and prints medians of processor time and their ratios; `truth` the
rank correlation of estimators with the ladders; `people` the one with ratings in FOLDER/complexity_ratings;
`robustness` what changes to FOLDER/backgrounds/bsds500 do to ranks and quintiles.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import platform
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from rainkit.complexity import (
    COMPOSITES,
    ESTIMATORS,
    INGREDIENTS,
    INSTRUMENTS,
    LADDERS,
    Complexity,
    View,
    canonical_view,
    climb,
    composite,
    measure,
    measure_patches,
    native_view,
    patch_grid,
    ranks,
)
from rainkit.complexity.ladders import MEANT, STEPS
from rainkit.images import decode, encode_jpeg, use_threads
from rainkit.records import Pixels

Columns = Mapping[str, NDArray[np.float64]]
CATEGORIES = ("objects", "scenes")


def _time(functions: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the median processor time of each function in milliseconds; other programs do not count.

    The functions run in turn, each often enough for 4 ms, so that none is timed with the other's data in the caches.
    """

    def run(function: Callable[[], object], count: int) -> float:
        start = time.thread_time()
        for _ in range(count):
            function()
        return 1e3 * (time.thread_time() - start) / count

    counts = {
        name: 1 + int(4.0 / max(1e-3, min(run(function, 1), run(function, 3)))) for name, function in functions.items()
    }
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            times[name].append(run(function, counts[name]))
    return {name: float(np.median(found)) for name, found in times.items()}


def _row(*cells: object) -> None:
    print("|", " | ".join(str(cell) for cell in cells), "|")


def _head(*cells: str) -> None:
    print()
    _row(*cells)
    _row(*("---" for _ in cells))


def count_structure(plane: list[list[int]], scales: int) -> float:
    """Return structural complexity the usual way: nested lists, one pixel at a time."""
    fine = [[float(value) for value in row] for row in plane]
    total = 0.0
    for scale in range(1, scales + 1):
        side = 2**scale
        coarse = [[0.0] * len(fine[0]) for _ in fine]
        for top in range(0, len(fine) - side + 1, side):
            for left in range(0, len(fine[0]) - side + 1, side):
                mean = 0.0
                for y in range(top, top + side):
                    for x in range(left, left + side):
                        mean += fine[y][x]
                mean /= side * side
                for y in range(top, top + side):
                    for x in range(left, left + side):
                        coarse[y][x] = mean
        product = own = other = 0.0
        for y in range(len(fine)):
            for x in range(len(fine[0])):
                product += fine[y][x] * coarse[y][x]
                own += fine[y][x] ** 2
                other += coarse[y][x] ** 2
        total += abs(product - (own + other) / 2) / (len(fine) * len(fine[0]))
        fine = coarse
    return total


def _picture() -> Pixels:
    """Return a drawing of 3 megapixels with texture and a little noise, whose JPEG is as large as a photograph's."""
    tile = climb("contrast")[4]
    scene = np.tile(tile, (6, 8, 1))[:1448, :2048].astype(np.int16)
    noise = np.random.Generator(np.random.Philox(1)).integers(-3, 4, scene.shape)
    return np.clip(scene + noise, 0, 255).astype(np.uint8)


def speed(repeats: int) -> None:
    """Print times and ratios."""
    import siti_tools
    import skimage

    pixels = _picture()
    data = encode_jpeg(pixels, 90)
    default = Complexity().instruments
    view = canonical_view(pixels)
    print(f"\n{platform.processor() or platform.machine()}, numpy {np.__version__}, OpenCV {cv2.__version__}, ", end="")
    print(f"scikit-image {skimage.__version__}, siti-tools {getattr(siti_tools, '__version__', '')}, one thread")

    found = _time({"decode": lambda: decode(data), "default": lambda: measure(pixels, default),
                   "view": lambda: canonical_view(pixels)}, repeats)  # fmt: skip
    _head(f"3-megapixel JPEG of {len(data) / 1e6:.1f} MB", "ms", "share of decoding")
    for name in ("decode", "view", "default"):
        label = {"decode": "decode", "view": "canonical view", "default": "view and default set"}[name]
        _row(label, f"{found[name]:.2f}", f"{found[name] / found['decode']:.1%}")

    native = native_view(pixels)
    _time_estimators(pixels, native, view, repeats)
    _time_peers(view.luma, native.luma, repeats)


def _time_estimators(pixels: Pixels, native: View, view: View, repeats: int) -> None:
    """Print what each estimator takes on the view of a picture and on its patches."""
    default = Complexity().instruments
    grid = patch_grid(1448, 2048, 128)
    instruments = [instrument() for instrument in INSTRUMENTS.values()]
    found = _time(
        {"default set": lambda: measure_patches(pixels, default, grid)}
        | {each.kind: partial(each.many, native.plane(each.view), grid) for each in instruments},
        max(3, repeats // 4),
    )
    whole_view = _time({each.kind: partial(each, view.plane(each.view)) for each in instruments}, repeats)
    _head("estimator", "canonical view, ms", "patches of 128 px a second")
    _row(
        "default set",
        f"{sum(whole_view[each.kind] for each in default):.3f}",
        f"{1e3 * len(grid) / found['default set']:,.0f}",
    )
    for kind in INSTRUMENTS:
        _row(kind, f"{whole_view[kind]:.3f}", f"{1e3 * len(grid) / found[kind]:,.0f}")


def _time_peers(plane: Pixels, large: Pixels, repeats: int) -> None:
    """Print measures beside those of other packages, on the luma of the view and of the whole picture."""
    from siti_tools.siti import SiTiCalculator
    from skimage.measure import shannon_entropy

    wide, rows = plane.astype(np.float64), plane.tolist()
    information, entropy = ESTIMATORS["spatial_information"](), ESTIMATORS["grey_entropy"]()
    structure = ESTIMATORS["structural_complexity"]()
    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "spatial information, view: siti-tools": (lambda: information(plane), lambda: SiTiCalculator.si(wide)),
        "grey entropy, view: scikit-image": (lambda: entropy(plane), lambda: shannon_entropy(plane)),
        "grey entropy, 3 megapixels: scikit-image": (lambda: entropy(large), lambda: shannon_entropy(large)),
        "structural complexity, view: Python loops": (lambda: structure(plane), lambda: count_structure(rows, 4)),
    }
    _head("measure and peer", "ours, ms", "theirs, ms", "ratio")
    for name, (mine, theirs) in pairs.items():
        found = _time({"mine": mine, "theirs": theirs}, max(3, repeats // 4))
        _row(name, f"{found['mine']:.4f}", f"{found['theirs']:.3f}", f"{found['theirs'] / found['mine']:,.0f}")


def _columns(pictures: Iterable[Pixels]) -> dict[str, NDArray[np.float64]]:
    """Return the column of every instrument and composite."""
    instruments = [instrument() for instrument in INSTRUMENTS.values()]
    rows = [measure(pixels, instruments) for pixels in pictures]
    columns = {kind: np.array([row[kind] for row in rows]) for kind in INSTRUMENTS}
    return columns | {name: composite(columns, weights)[0] for name, weights in COMPOSITES.items()}


def _rank(first: Iterable[float], second: Iterable[float]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a constant column correlates with nothing
        return float(np.nan_to_num(spearmanr(list(first), list(second)).statistic))


def truth(_: int) -> None:
    """Print the least rank correlation with each ladder over three seeds; in brackets where none is meant."""
    tables = {name: [_columns(climb(name, seed)) for seed in range(3)] for name in LADDERS}
    _head("estimator", *LADDERS)
    for kind in (*ESTIMATORS, *COMPOSITES):
        cells = []
        for name, found in tables.items():
            least = min(_rank(range(STEPS), columns[kind]) for columns in found)
            cells.append(f"{least:.2f}" if name in MEANT[kind] else f"({least:.2f})")
        _row(kind, *cells)


def _fit(columns: Columns, ratings: NDArray[np.float64], members: tuple[str, ...]) -> tuple[float, ...]:
    """Return the weights, each 1 or 2, whose composite agrees best with the ratings; the smallest of equals."""
    table = [ranks(kind, columns[kind]) for kind in members]
    best = max(
        (weights for weights in itertools.product((1, 2), repeat=len(members))),
        key=lambda weights: (
            round(_rank(sum(w * row for w, row in zip(weights, table, strict=True)), ratings), 3),
            -sum(weights),
        ),
    )
    return tuple(float(weight) for weight in best)


def people(_: int) -> None:
    """Print the rank correlation with people's ratings, and what weights tuned on one category reach on the other."""
    folder = Path(os.environ["RAINKIT_DATA"]) / "complexity_ratings"
    with (folder / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    columns: dict[str, Columns] = {}
    ratings: dict[str, NDArray[np.float64]] = {}
    for category in CATEGORIES:
        own = [row for row in rows if row["category"] == category]
        columns[category] = _columns(decode((folder / category / row["file"]).read_bytes()) for row in own)
        ratings[category] = np.array([float(row["score"]) for row in own])
    _head("estimator", *CATEGORIES, "mean")
    for kind in (*ESTIMATORS, *INGREDIENTS, *COMPOSITES):
        found = [_rank(columns[category][kind], ratings[category]) for category in CATEGORIES]
        _row(
            kind + (" (tuned)" if kind in {*INGREDIENTS, "human"} else ""),
            *(f"{x:.3f}" for x in (*found, np.mean(found))),
        )
    members = tuple(COMPOSITES["human"])
    _head("weights of " + ", ".join(members), "tuned on", "tested on", "rank correlation")
    for tuned, tested in (CATEGORIES, CATEGORIES[::-1]):
        weights = _fit(columns[tuned], ratings[tuned], members)
        chosen = {kind: weight for kind, weight in zip(members, weights, strict=True) if weight}
        score = composite(columns[tested], chosen)[0]
        _row(":".join(f"{weight:g}" for weight in weights), tuned, tested, f"{_rank(score, ratings[tested]):.3f}")


def _noisy(pixels: Pixels, index: int) -> Pixels:
    noise = np.random.Generator(np.random.Philox(index)).normal(0, 5, pixels.shape)
    return np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)


def _crop(pixels: Pixels, _: int) -> Pixels:
    height, width = pixels.shape[:2]
    return np.ascontiguousarray(pixels[height // 10 : height - height // 10, width // 10 : width - width // 10])


CHANGES: dict[str, Callable[[Pixels, int], Pixels]] = {
    "half size": lambda p, _: np.asarray(cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8),
    "JPEG q50": lambda p, _: decode(encode_jpeg(p, 50)),
    "noise 5": _noisy,
    "border 10 %": lambda p, _: np.asarray(cv2.copyMakeBorder(p, 24, 24, 0, 0, cv2.BORDER_CONSTANT), np.uint8),
    "crop to 80 %": _crop,
}


def _quintiles(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.argsort(np.argsort(values, kind="stable"), kind="stable") * 5 // len(values)


def robustness(_: int) -> None:
    """Print, for each change, the rank correlation and the share of pictures that stay in their quintile."""
    folder = Path(os.environ["RAINKIT_DATA"]) / "backgrounds" / "bsds500"
    pictures = [decode(path.read_bytes()) for path in sorted(folder.iterdir())]
    before = _columns(pictures)
    after = {
        name: _columns(change(pixels, index) for index, pixels in enumerate(pictures))
        for name, change in CHANGES.items()
    }
    _head("estimator", *(f"{name}: rank, same quintile" for name in CHANGES))
    for kind in (*ESTIMATORS, *COMPOSITES):
        cells = []
        for columns in after.values():
            same = float((_quintiles(before[kind]) == _quintiles(columns[kind])).mean())
            cells.append(f"{_rank(before[kind], columns[kind]):.2f}, {same:.0%}")
        _row(kind, *cells)


TABLES = {"speed": speed, "truth": truth, "people": people, "robustness": robustness}


def main() -> None:
    """Print the tables that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", choices=list(TABLES), default=["speed"])
    parser.add_argument("--repeats", type=int, default=40, help="times that each function is run")
    options = parser.parse_args()
    use_threads(1)
    for name in options.tables:
        TABLES[name](options.repeats)


if __name__ == "__main__":
    main()
