"""End to end: `rainkit build` beside the codec floor and beside the pipeline that people write today.

    python benchmarks/build.py [--folder PICTURES] [--samples 1000] [--patch 128] [--repeats 3]

The floor decodes every background once and encodes the same members with the same encoder, and does nothing else. The
plain pipeline is Pillow, albumentations RandomRain, Pillow's PNG and webdataset.ShardWriter, one picture after the
other; it writes rainy and clean alone, since it knows no layer. All of it runs interleaved, one process and one thread
unless a row says otherwise; ratios are medians over the repeats.
"""

from __future__ import annotations

import io
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import click
import cv2
import numpy as np

from rainkit import images
from rainkit.engines import Processes, Serial
from rainkit.pipeline import build, plan
from rainkit.recipe import Recipe, parse_recipe
from rainkit.samples import draw, encode, render

RECIPE = """
rainkit: 1
name: benchmark
version: 1.0.0
seed: 1
sources: {{photos: {{kind: folder, path: "{folder}"}}}}
backgrounds: {{min_size: 64, deduplicate: null}}
complexity: {{unit: {unit}}}
rain: {{small: {{kind: noise_blur, preset: slacking-off-small}}}}
splits: {{train: {{share: 1, samples: {samples}, rain: small}}}}
samples: {{patch: {patch}, channels: {channels}}}
shards: {{samples: {shard}}}
"""


def make_pictures(folder: Path, count: int) -> None:
    """Write procedural pictures as JPEG of quality 92, 512 x 512."""
    from rainkit.sources import ProceduralSource

    folder.mkdir()
    for i, picture in enumerate(ProceduralSource(count=count)()):
        (folder / f"{i:04d}.jpg").write_bytes(images.encode_jpeg(picture.read(), 92))  # type: ignore[arg-type]


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def make_floor(recipe: Recipe, folder: Path, target: Path) -> Callable[[], object]:
    """Return the floor: decode the sources once, encode the same members, write them end to end."""
    planned = plan(recipe)
    backgrounds = {background.id: background for background in planned.survey.backgrounds}
    rows = planned.plan.rows("train", 0, recipe.splits["train"].samples)
    held = {
        name: draw.read_background(backgrounds[name], picture)[0] for name, picture in planned.survey.pictures.items()
    }
    rendered = [render(row, held[row.background_id], recipe) for row in rows]

    def floor() -> None:
        for path in sorted(folder.iterdir()):
            images.decode(path.read_bytes())
        with target.open("wb") as file:
            for sample in rendered:
                for data in encode(sample, {}).values():
                    file.write(data)

    return floor


def make_plain(folder: Path, target: Path, samples: int, patch: int | None) -> Callable[[], object]:
    """Return the pipeline that people write today."""
    import albumentations
    import webdataset
    from PIL import Image

    paths = sorted(folder.iterdir())

    def plain() -> None:
        rain = albumentations.RandomRain(p=1.0)
        with webdataset.ShardWriter(str(target / "plain-%06d.tar"), maxcount=1000, verbose=0) as sink:
            for i in range(samples):
                clean = np.asarray(Image.open(paths[i % len(paths)]).convert("RGB"))
                if patch is not None:
                    clean = albumentations.RandomCrop(patch, patch, p=1.0)(image=clean)["image"]
                rainy = rain(image=clean)["image"]
                members = {"__key__": f"{i:08d}", "json": json.dumps({"index": i})}
                for name, pixels in (("rainy", rainy), ("clean", clean)):
                    held = io.BytesIO()
                    Image.fromarray(pixels).save(held, "PNG")
                    members[f"{name}.png"] = held.getvalue()
                sink.write(members)

    return plain


def with_encoder(encoder: Callable[[Any], bytes], work: Callable[[], object]) -> Callable[[], object]:
    """Return the same work with another PNG encoder."""
    from rainkit.samples import rendering as module

    def changed() -> None:
        ours = module.encode_png
        module.encode_png = encoder
        try:
            work()
        finally:
            module.encode_png = ours

    return changed


def pillow_png(pixels: Any) -> bytes:
    """Encode as Pillow does by default."""
    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG")
    return held.getvalue()


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path, exists=True), help="Pictures; procedural ones where not given."
)
@click.option("--pictures", default=200, help="Number of procedural pictures.")
@click.option("--samples", default=1000)
@click.option("--patch", default=128, help="0 for whole pictures.")
@click.option("--repeats", default=3)
def main(folder: Path | None, pictures: int, samples: int, patch: int, repeats: int) -> None:
    """Print the table."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        if folder is None:
            folder = place / "pictures"
            make_pictures(folder, pictures)
        rows = measure(place, folder, samples, patch or None, repeats)
    print_table(rows, samples)


def measure(place: Path, folder: Path, samples: int, patch: int | None, repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each way, one for each repeat, interleaved."""
    unit = "patch" if patch else "picture"
    fields = {
        "folder": folder,
        "unit": unit,
        "patch": patch or "null",
        "samples": samples,
        "shard": max(samples // 8, 1),
    }
    full = parse_recipe(RECIPE.format(**fields, channels="[rainy, clean, rain, mask]"))
    pair = parse_recipe(RECIPE.format(**fields, channels="[rainy, clean]"))
    cache, count = place / "cache.sqlite", iter(range(10_000))

    def run(recipe: Recipe, engine: Any, remembered: Path | None) -> Callable[[], object]:
        return lambda: build(recipe, place / str(next(count)), engine, remembered)

    plan(full, cache=cache)
    ways: dict[str, Callable[[], object]] = {
        "floor, 4 channels": make_floor(full, folder, place / "floor"),
        "floor, rainy and clean": make_floor(pair, folder, place / "floor2"),
        "rainkit, 4 channels": run(full, Serial(), cache),
        "rainkit, 4 channels, measuring anew": run(full, Serial(), None),
        "rainkit, rainy and clean": run(pair, Serial(), cache),
        "rainkit, rainy and clean, Pillow's PNG": with_encoder(pillow_png, run(pair, Serial(), cache)),
        "rainkit, 4 channels, processes with 1 worker": run(full, Processes(workers=1), cache),
        "rainkit, 4 channels, processes with 2 workers": run(full, Processes(workers=2), cache),
        "plain pipeline, rainy and clean": make_plain(folder, place, samples, patch),
    }
    rows: dict[str, list[float]] = {title: [] for title in ways}
    for title in ("rainkit, 4 channels", "rainkit, 4 channels, processes with 2 workers"):
        ways[title]()  # compile, start the fork server
    for _ in range(repeats):
        for title, work in ways.items():
            rows[title].append(seconds(work))
    return rows


def print_table(rows: dict[str, list[float]], samples: int) -> None:
    """Print samples/s of each way and the ratios that matter."""
    print(f"Python {platform.python_version()}, OpenCV {cv2.__version__}, {os.cpu_count()} processors\n")
    print("| way | samples/s |\n|---|---|")
    for title, times in rows.items():
        print(f"| {title} | {samples / statistics.median(times):,.0f} |")

    def ratio(slow: str, fast: str) -> str:
        pairs = sorted(a / b for a, b in zip(rows[slow], rows[fast], strict=True))
        return f"{statistics.median(pairs):.2f} ({pairs[0]:.2f}..{pairs[-1]:.2f})"

    print("\n| ratio | median (range) |\n|---|---|")
    print(f"| time over the floor, 4 channels | {ratio('rainkit, 4 channels', 'floor, 4 channels')} |")
    print(f"| the same, measuring anew | {ratio('rainkit, 4 channels, measuring anew', 'floor, 4 channels')} |")
    print(f"| time over the floor, rainy and clean | {ratio('rainkit, rainy and clean', 'floor, rainy and clean')} |")
    plain = "plain pipeline, rainy and clean"
    print(f"| plain pipeline over rainkit, rainy and clean | {ratio(plain, 'rainkit, rainy and clean')} |")
    print(f"| plain pipeline over rainkit, 4 channels | {ratio(plain, 'rainkit, 4 channels')} |")
    pillow = "rainkit, rainy and clean, Pillow's PNG"
    print(f"| of that, the encoder alone (Pillow's PNG over ours) | {ratio(pillow, 'rainkit, rainy and clean')} |")
    print(f"| plain pipeline over rainkit with Pillow's PNG | {ratio(plain, pillow)} |")
    one, two = (f"rainkit, 4 channels, processes with {n} worker{'s' * (n > 1)}" for n in (1, 2))
    print(f"| one worker over two | {ratio(one, two)} |")


if __name__ == "__main__":
    main()
