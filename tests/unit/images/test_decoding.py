from __future__ import annotations

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from rainkit.images import (
    PictureError,
    TruncatedError,
    decode,
    decode_depth,
    decode_stored,
    encode_jpeg,
    encode_png,
    probe,
)

ORIENTATION = 0x0112


def smooth(height: int = 70, width: int = 90) -> NDArray[np.uint8]:
    seed = (np.arange(9 * 8 * 3, dtype=np.int64) * 7919 % 256).astype(np.uint8).reshape(9, 8, 3)
    return np.asarray(cv2.resize(seed, (width, height), interpolation=cv2.INTER_LINEAR))


def save(pixels: NDArray[np.generic] | Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(stream, kind, **options)
    return stream.getvalue()


def exif(orientation: int) -> Image.Exif:
    block = Image.Exif()
    block[ORIENTATION] = orientation
    return block


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "options"), [("JPEG", {"quality": 95}), ("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True})]
)
def test_pictures_are_upright(kind: str, options: dict[str, object], orientation: int) -> None:
    data = save(smooth(), kind, exif=exif(orientation), **options)
    header = probe(data)
    assert (header.format, header.width, header.height, header.orientation) == (kind.lower(), 90, 70, orientation)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    assert np.array_equal(decode(data), np.asarray(upright))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "WEBP"])
def test_lossless_formats_keep_every_pixel(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    assert np.array_equal(decode(save(smooth(), kind, **options)), smooth())


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "JPEG"])
def test_grey_becomes_three_equal_bands(kind: str) -> None:
    grey = smooth()[..., 0]
    pixels = decode(save(grey, kind))
    assert pixels.shape == (70, 90, 3)
    assert np.array_equal(pixels[..., 0], pixels[..., 2])
    assert np.abs(pixels[..., 1].astype(int) - grey).max() <= (8 if kind == "JPEG" else 0)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_transparency_lies_over_white(kind: str) -> None:
    alpha = np.tile(np.linspace(0, 255, 90).astype(np.uint8), (70, 1))
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    pixels = decode(save(np.dstack([smooth(), alpha]), kind, **options))
    wide = alpha[..., None].astype(np.float64)
    assert np.array_equal(pixels, np.floor((smooth() * wide + 255.0 * (255.0 - wide)) / 255.0 + 0.5).astype(np.uint8))


def test_transparency_of_grey_and_palettes_lies_over_white() -> None:
    grey = np.dstack([np.full((8, 8), 100, np.uint8), np.full((8, 8), 51, np.uint8)])
    assert set(decode(save(grey, "PNG")).ravel().tolist()) == {(100 * 51 + 255 * 204 + 127) // 255}
    palette = Image.fromarray(np.zeros((8, 8), np.uint8)).convert("P")
    assert decode(save(palette, "PNG", transparency=0)).min() == 255


@pytest.mark.parametrize("extension", [".png", ".tiff"])
@pytest.mark.parametrize("bands", [1, 3])
def test_sixteen_bits_keep_their_high_byte(extension: str, bands: int) -> None:
    deep = (np.arange(64 * 3, dtype=np.uint32) * 331 % 65536).astype(np.uint16).reshape(8, 8, 3)
    stored = deep if bands == 3 else deep[..., 0]
    data = cv2.imencode(extension, stored[..., ::-1] if bands == 3 else stored)[1].tobytes()
    expected = (deep if bands == 3 else np.repeat(stored[..., None], 3, axis=2)) >> 8
    assert np.array_equal(decode(data), expected.astype(np.uint8))


def test_sixteen_bits_with_alpha() -> None:
    deep = np.full((4, 4, 4), 200 * 257, np.uint16)
    deep[..., 3] = 51 * 257
    data = cv2.imencode(".png", deep)[1].tobytes()
    assert set(decode(data).ravel().tolist()) == {(200 * 51 + 255 * 204 + 127) // 255}


def test_samples_without_a_range_are_refused() -> None:
    with pytest.raises(PictureError, match="mode F"):
        decode(save(np.ones((4, 4), np.float32), "TIFF"))


@pytest.mark.parametrize("kind", ["WEBP", "GIF"])
def test_the_first_frame_of_a_film_is_read(kind: str) -> None:
    frames = [Image.fromarray(np.full((40, 50, 3), level, np.uint8)) for level in (40, 200)]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = save(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert decode(data).shape == (40, 50, 3)
    assert np.unique(decode(data)).tolist() == [40]


def test_tall_pictures_with_alpha_are_the_same_in_strips() -> None:
    pixels = np.dstack([smooth(600, 20), smooth(600, 20)[..., 0]])
    upper, whole = decode(encode_with_alpha(pixels[:300])), decode(encode_with_alpha(pixels))
    assert np.array_equal(whole[:300], upper)
    assert np.array_equal(whole[300:], decode(encode_with_alpha(pixels[300:])))


def encode_with_alpha(pixels: NDArray[np.uint8]) -> bytes:
    return save(pixels, "PNG")


@pytest.mark.parametrize("kind", ["PPM", "JPEG2000"])
def test_rarer_formats_are_read(kind: str) -> None:
    assert np.array_equal(decode(save(smooth(), kind)), smooth())


def test_no_program_is_started_for_a_picture() -> None:
    data = save(smooth(), "EPS")  # Pillow would run Ghostscript on it
    with pytest.raises(PictureError, match="not a JPEG, PNG"):
        decode(data)


def test_cmyk_and_bilevel_are_read() -> None:
    image = Image.fromarray(smooth())
    assert np.abs(decode(save(image.convert("CMYK"), "TIFF")).astype(int) - smooth()).max() <= 2
    assert set(np.unique(decode(save(image.convert("1"), "PNG")))) == {0, 255}


def enormous_png() -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = zlib.compress(bytes(2501) * 20000, 9)
    header = struct.pack(">IIBBBBB", 20000, 20000, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_the_size_of_an_enormous_picture_is_read_without_decoding() -> None:
    header = probe(enormous_png())
    assert header.pixels == 400_000_000


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "WEBP"])
def test_a_size_is_read_beyond_the_limit_of_pillow(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = save(smooth(), kind)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # its warnings are errors here
    assert probe(data).pixels == 6300


@pytest.mark.parametrize("options", [{"quality": 80}, {"lossless": True}, {"quality": 80, "exif": exif(1)}])
@pytest.mark.parametrize("alpha", [False, True])
def test_every_kind_of_webp_is_known_by_its_header(options: dict[str, object], alpha: bool) -> None:
    pixels = np.dstack([smooth(), smooth()[..., 0]]) if alpha else smooth()
    header = probe(save(pixels, "WEBP", **options))
    assert (header.format, header.width, header.height, header.orientation) == ("webp", 90, 70, 1)
    assert header.alpha == alpha


JPEGS = {
    "baseline": {"quality": 90},
    "progressive": {"quality": 90, "progressive": True},
    "restarts": {"quality": 90, "restart_marker_rows": 1},
    "thumbnail": {"quality": 90, "exif": b"Exif\0\0II*\0\x08\0\0\0" + encode_jpeg(smooth(16, 16))},
}


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_cut_anywhere_is_truncated(name: str) -> None:
    data = save(smooth(), "JPEG", **JPEGS[name])
    assert decode(data).shape == (70, 90, 3)
    for end in range(2, len(data) - 1):
        with pytest.raises(TruncatedError):
            decode(data[:end])


def test_a_jpeg_whose_tail_was_never_written_is_truncated() -> None:
    data = save(smooth(), "JPEG", quality=95)
    with pytest.raises(TruncatedError, match="no end marker after its last scan"):
        decode(data[: len(data) // 2] + bytes(len(data) // 2))


@pytest.mark.parametrize("options", [{}, {"restart_marker_rows": 1}, {"subsampling": 0}])
@pytest.mark.parametrize("grey", [False, True])
def test_a_jpeg_that_was_cut_and_closed_is_truncated(options: dict[str, object], grey: bool) -> None:
    data = save(smooth()[..., 0] if grey else smooth(), "JPEG", quality=95, **options)
    assert decode(data).shape == (70, 90, 3)
    with pytest.raises(TruncatedError, match="filled with grey"):
        decode(data[: len(data) * 3 // 4] + b"\xff\xd9")


def test_a_jpeg_with_a_grey_corner_is_whole() -> None:
    pixels = smooth()
    pixels[32:] = 128
    assert np.ptp(decode(save(pixels, "JPEG", quality=95))[-8:, -8:]) == 0


def test_a_jpeg_with_something_behind_it_is_whole() -> None:
    data = save(smooth(), "JPEG", quality=95)
    assert np.array_equal(decode(data + b"\0\0 trailing words"), decode(data))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "WEBP"])
def test_other_formats_cut_short_are_refused(kind: str) -> None:
    data = save(smooth(), kind)
    for end in (len(data) // 3, len(data) // 2, len(data) - 9):
        with pytest.raises(PictureError):
            decode(data[:end])


def test_a_damaged_png_is_named_by_its_chunk() -> None:
    data = bytearray(save(smooth(), "PNG"))
    data[len(data) // 2] ^= 0x10
    with pytest.raises(TruncatedError, match=r"chunk IDAT at byte \d+ is damaged"):
        decode(bytes(data))


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"BM", b"RIFF", b"II*\0", b"GIF89a", b"text" * 99]
)
def test_bytes_that_are_no_picture_are_refused(data: bytes) -> None:
    with pytest.raises(PictureError):
        decode(data)


def test_depth_maps_of_sixteen_bits() -> None:
    stored = np.array([[0, 1], [300, 65535]], dtype=np.uint16)
    data = cv2.imencode(".png", stored)[1].tobytes()
    assert decode_depth(data).dtype == np.uint16
    assert np.array_equal(decode_depth(data), stored)
    assert decode_depth(data, 0.1).tolist() == [[0, 0], [30, 6554]]
    assert decode_depth(data, 10.0).tolist() == [[0, 10], [3000, 65535]]
    with pytest.raises(PictureError, match="must be grey"):
        decode_depth(encode_png(smooth()))


def test_opencv_is_quiet_while_it_decodes_and_keeps_its_level(capfd: pytest.CaptureFixture[str]) -> None:
    data = save(smooth(), "PNG")
    damaged = data[: len(data) // 2]
    before = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_WARNING)
    try:
        cv2.imdecode(np.frombuffer(damaged, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
        assert "incomplete" in capfd.readouterr().err, "OpenCV says nothing of its own any more"

        def refuse(_: int) -> None:
            with pytest.raises(PictureError):
                decode_stored(damaged)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(refuse, range(200)))
        assert capfd.readouterr().err == ""
        assert cv2.utils.logging.getLogLevel() == cv2.utils.logging.LOG_LEVEL_WARNING
    finally:
        cv2.utils.logging.setLogLevel(before)
