"""PNG and JPEG encoders and decoders side by side, on pictures as samples hold them.

    python benchmarks/codecs.py [--pictures FOLDER] [--repeats 9]

Patches of photographs (of drawn pictures without --pictures), rain layers and masks, at 128 and 512 px. Contenders run
interleaved in one process with one thread; rates and ratios are medians over the rounds. Every encoder is checked for
losslessness by OpenCV and Pillow before it is timed.
"""

from __future__ import annotations

import importlib
import io
import platform
import statistics
import struct
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import cv2
import fpng
import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

from rainkit import images
from rainkit.rain import SIMULATORS
from rainkit.seeds import Stream
from rainkit.sources import FolderSource, ProceduralSource

Pixels = NDArray[np.uint8]
COUNTS = {128: 64, 512: 8}


def take_patches(folder: Path | None, size: int, count: int) -> list[Pixels]:
    """Return patches of real pictures, or of drawn ones."""
    if folder is None:
        drawn = ProceduralSource(count=count, size=size)()
        return [np.asarray(picture.read()) for picture in drawn]
    rng, patches = Stream(1, "patches"), []
    found = list(FolderSource(path=folder)())
    for place in rng.permutation(len(found)).tolist() * count:
        data = found[place].read()
        assert isinstance(data, bytes)
        pixels = images.decode(data)
        height, width = pixels.shape[:2]
        if min(height, width) >= size:
            y, x = rng.integer(0, height - size + 1), rng.integer(0, width - size + 1)
            patches.append(np.ascontiguousarray(pixels[y : y + size, x : x + size]))
        if len(patches) == count:
            break
    return patches


def draw_layers(size: int, count: int) -> list[Pixels]:
    """Return grey rain layers."""
    simulator: Any = SIMULATORS["streaks"]()
    layers = [simulator((size, size), Stream(1, "layer", i)).layer for i in range(count)]
    return [layer if layer.ndim == 2 else np.ascontiguousarray(layer[..., 0]) for layer in layers]


def _with_cv2(pixels: Pixels, extension: str = ".png", flags: Sequence[int] = ()) -> bytes:
    array = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(extension, array, list(flags))[1].tobytes())


def _with_pillow(pixels: Pixels, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def _with_up_filter(pixels: Pixels, compress: Callable[[Any, int], bytes]) -> bytes:
    height, width = pixels.shape[:2]
    flat = pixels.reshape(height, -1)
    rows = np.full((height, flat.shape[1] + 1), 2, np.uint8)
    rows[0, 1:] = flat[0]
    np.subtract(flat[1:], flat[:-1], out=rows[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if pixels.ndim == 2 else 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))
        for name, data in chunks
    )


RUNS = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP)
RUNS += (cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)


def png_encoders() -> dict[str, Callable[[Pixels], bytes]]:
    """Return name to encoder; ours first."""
    encoders: dict[str, Callable[[Pixels], bytes]] = {
        "rainkit": images.encode_png,
        "OpenCV, default": _with_cv2,
        "OpenCV, up, runs, level 1": lambda pixels: _with_cv2(pixels, flags=RUNS),
        "OpenCV, level 6": lambda pixels: _with_cv2(pixels, flags=(cv2.IMWRITE_PNG_COMPRESSION, 6)),
        "Pillow, default": _with_pillow,
        "Pillow, level 1": lambda pixels: _with_pillow(pixels, compress_level=1),
        "up filter + zlib 1": lambda pixels: _with_up_filter(pixels, zlib.compress),
    }
    try:
        isal = importlib.import_module("isal.isal_zlib")
        encoders["up filter + ISA-L 1"] = lambda pixels: _with_up_filter(pixels, isal.compress)
    except ImportError:
        pass
    return encoders


def race(contenders: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each contender in each round; the rounds interleave them."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, work in contenders.items():
            start = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - start)
    return times


def print_table(
    title: str, times: Mapping[str, list[float]], work: tuple[int, int], sizes: Mapping[str, float]
) -> None:
    """Print rates, times of one picture, ratios to the first contender and sizes; `work` is pictures and pixels."""
    count, pixels = work
    first = next(iter(times.values()))
    print(f"\n### {title}\n\n| contender | MPix/s | us each | time over the first | bytes a pixel |")
    print("|---|---|---|---|---|")
    for name, values in times.items():
        middle = statistics.median(values)
        ratio = statistics.median(a / b for a, b in zip(values, first, strict=True))
        size = f"{sizes[name]:.3f}" if name in sizes else ""
        print(f"| {name} | {pixels / middle / 1e6:.1f} | {middle / count * 1e6:.0f} | {ratio:.2f} | {size} |")


def race_png(title: str, pictures: list[Pixels], repeats: int) -> None:
    """Time PNG encoders, and OpenCV and Pillow reading what rainkit wrote."""
    encoders, sizes = png_encoders(), {}
    total = sum(picture.shape[0] * picture.shape[1] for picture in pictures)
    for name, encode in encoders.items():
        written = [encode(picture) for picture in pictures]
        for picture, data in zip(pictures, written, strict=True):
            assert np.array_equal(images.decode_stored(data), picture), name
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), picture), name
        sizes[name] = sum(map(len, written)) / total
    contenders = {name: lambda encode=encode: [encode(p) for p in pictures] for name, encode in encoders.items()}
    print_table(f"{title}, writing PNG", race(contenders, repeats), (len(pictures), total), sizes)
    ours, theirs = [images.encode_png(p) for p in pictures], [_with_cv2(p) for p in pictures]
    readers = {
        "rainkit's files, checked, by rainkit.decode": lambda: [images.decode(data) for data in ours],
        "rainkit's files by decode_stored": lambda: [images.decode_stored(data) for data in ours],
        "rainkit's files by Pillow": lambda: [np.asarray(Image.open(io.BytesIO(data))) for data in ours],
        "OpenCV's files by decode_stored": lambda: [images.decode_stored(data) for data in theirs],
    }
    print_table(f"{title}, reading PNG", race(readers, repeats), (len(pictures), total), {})


def race_jpeg(title: str, pictures: list[Pixels], repeats: int) -> None:
    """Time JPEG encoders and decoders at quality 95."""
    total = sum(picture.shape[0] * picture.shape[1] for picture in pictures)
    files = [images.encode_jpeg(picture, 95) for picture in pictures]
    arrays = [np.frombuffer(data, np.uint8) for data in files]
    writers = {
        "rainkit": lambda: [images.encode_jpeg(p, 95) for p in pictures],
        "Pillow": lambda: [_with_pillow(p, "JPEG", quality=95) for p in pictures],
    }
    print_table(f"{title}, writing JPEG", race(writers, repeats), (len(pictures), total), {})
    readers: dict[str, Callable[[], object]] = {
        "rainkit.decode, which checks the file": lambda: [images.decode(data) for data in files],
        "OpenCV": lambda: [cv2.imdecode(array, cv2.IMREAD_COLOR_RGB) for array in arrays],
        "Pillow": lambda: [np.asarray(Image.open(io.BytesIO(data))) for data in files],
    }
    try:
        simplejpeg = importlib.import_module("simplejpeg")
        readers["simplejpeg"] = lambda: [simplejpeg.decode_jpeg(data) for data in files]
    except ImportError:
        pass
    print_table(f"{title}, reading JPEG", race(readers, repeats), (len(pictures), total), {})


@click.command(help=__doc__)
@click.option(
    "--pictures", type=click.Path(path_type=Path, exists=True), help="Folder of pictures to cut patches from."
)
@click.option("--repeats", default=9)
def main(pictures: Path | None, repeats: int) -> None:
    images.use_threads(1)
    versions = f"OpenCV {cv2.__version__}, Pillow {PIL.__version__}, fpng {fpng.__version__}"
    print(f"Python {platform.python_version()}, {versions}")
    for size, count in COUNTS.items():
        patches = take_patches(pictures, size, count)
        layers = draw_layers(size, count)
        if patches:
            race_png(f"RGB patches of {size} px", patches, repeats)
            race_jpeg(f"RGB patches of {size} px", patches, repeats)
        race_png(f"grey rain layers of {size} px", layers, repeats)
        race_png(f"masks of {size} px", [(layer >= 3).astype(np.uint8) * 255 for layer in layers], repeats)


if __name__ == "__main__":
    main()
