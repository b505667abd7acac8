"""What a file says about its picture before a pixel is decoded: format, size, orientation, and whether it is whole.

JPEG, PNG and WebP are read here, because a header is read for every picture that is decoded; the rarer formats are
opened by Pillow, whose plugins read no pixels on opening.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_ORIENTATION = 0x0112
OTHER_FORMATS = ("GIF", "JPEG2000", "PPM")
"""What is read besides, by Pillow; no others, because some of its readers start programs on what they are given."""
# Start-of-frame markers: C0..CF without DHT (C4), JPG (C8) and DAC (CC); ITU-T T.81 table B.1.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN = 0xDA
# Markers that have no length: TEM, RST0..7, SOI, EOI.
_BARE = frozenset({0x01, *range(0xD0, 0xDA)})
# In entropy-coded data FF 00 is a byte FF and FF D0..D7 restart; any other FF xx ends the scan (T.81 B.1.1.5).
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_END_OF_IMAGE = b"\xff\xd9"


class PictureError(ValueError):
    """Bytes that are not a picture that rainkit can decode."""


class TruncatedError(PictureError):
    """A picture of which a part is missing or damaged."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says about its picture.

    Attributes
    ----------
    format : str
        `jpeg`, `png`, `bmp`, `tiff`, `webp`, or Pillow's name of another format in lower case.
    width, height : int
        Size in pixels as stored, before orientation.
    orientation : int
        EXIF orientation, 1 (upright) to 8.
    alpha : bool
        Whether pixels may be transparent.
    """

    format: str
    width: int
    height: int
    orientation: int = 1
    alpha: bool = False

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.width * self.height


def probe(data: bytes) -> Header:
    """Return the header of an encoded picture; no pixel is decoded, whatever size the file claims.

    Raises
    ------
    PictureError
        If the bytes are no picture or the header is damaged.
    """
    if not data:
        raise TruncatedError("the file is empty")
    try:
        if data.startswith(b"\xff\xd8"):
            header = _probe_jpeg(data)
        elif data.startswith(_PNG_MAGIC):
            header = _probe_png(data)
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            header = _probe_webp(data)
        else:
            header = _probe_with_pillow(data)
    except TruncatedError:
        raise
    except (struct.error, IndexError) as error:
        raise TruncatedError("the file ends inside its header") from error
    if header.width < 1 or header.height < 1:
        raise PictureError(f"the header claims a size of {header.width} x {header.height}")
    return header


def check_whole(data: bytes, header: Header) -> None:
    """Raise if the file visibly lacks a part of its picture.

    JPEG must have an end marker after its last scan (a decoder fills what is missing with grey and says nothing); every
    chunk of a PNG must be there with the right CRC; the lengths that WebP and BMP state must fit.

    Raises
    ------
    TruncatedError
        Says what is missing.
    """
    check = {"jpeg": _check_jpeg, "png": _check_png, "webp": _check_webp, "bmp": _check_bmp}.get(header.format)
    if check is None:
        return
    try:
        check(data)
    except struct.error as error:
        raise TruncatedError(f"the {header.format.upper()} file ends where more was announced") from error


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end) of each segment's content; the scan after SOS is skipped."""
    position, size = 2, len(data)
    while True:
        while position < size and data[position] != 0xFF:
            position += 1  # libjpeg, too, skips stray bytes between segments
        while position < size and data[position] == 0xFF:
            position += 1
        if position >= size:
            return
        marker = data[position]
        position += 1
        if marker in _BARE or marker == 0:
            yield marker, position, position
            continue
        (length,) = struct.unpack_from(">H", data, position)
        yield marker, position + 2, position + length
        position += max(length, 2)
        if marker == _SCAN:
            found = _SCAN_END.search(data, position)
            if found is None:
                return
            position = found.start()


def _probe_jpeg(data: bytes) -> Header:
    orientation = 1
    for marker, start, end in _jpeg_segments(data):
        if marker == 0xE1 and data[start : start + 6] == b"Exif\0\0":
            orientation = _exif_orientation(data[start + 6 : end])
        elif marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, start + 1)
            return Header("jpeg", width, height, orientation)
        elif marker == 0xD9:
            break
    raise TruncatedError("the JPEG file ends before its frame header")


def _check_jpeg(data: bytes) -> None:
    scans = 0
    for marker, _, end in _jpeg_segments(data):
        if marker == _SCAN:
            scans += 1
            # The usual case, without a walk through the scan: in one, these two bytes can only be the marker.
            if data.endswith(_END_OF_IMAGE) and len(data) > end + 1:
                return
        elif marker == 0xD9 and scans:
            return
    raise TruncatedError("the JPEG file has no end marker after its last scan" if scans else "the JPEG has no scan")


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield (name, start, end) of each chunk's content."""
    position = len(_PNG_MAGIC)
    while position < len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        yield name, position + 8, position + 8 + length
        position += length + 12


def _probe_png(data: bytes) -> Header:
    width, height = struct.unpack_from(">II", data, 16)
    colour = data[25]
    orientation, alpha = 1, colour in (4, 6)
    for name, start, end in _png_chunks(data):
        if name == b"IDAT":
            break
        if name == b"eXIf":
            orientation = _exif_orientation(data[start:end])
        alpha |= name == b"tRNS"
    return Header("png", width, height, orientation, alpha)


def _check_png(data: bytes) -> None:
    view = memoryview(data)
    for name, start, end in _png_chunks(data):
        (stated,) = struct.unpack_from(">I", data, end)
        if zlib.crc32(view[start - 4 : end]) != stated:
            raise TruncatedError(f"the PNG chunk {name.decode('latin-1')} at byte {start - 8} is damaged (CRC)")
        if name == b"IEND":
            return
    raise TruncatedError("the PNG file has no end chunk")


def _probe_webp(data: bytes) -> Header:
    """Read the first chunk: lossy `VP8 `, lossless `VP8L`, or `VP8X` with other chunks behind it (RFC 9649)."""
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[start : start + 3], "little") + 1 for start in (24, 27))
        return Header("webp", width, height, _webp_orientation(data), bool(data[20] & 0x10))
    if kind == b"VP8L" and data[20] == 0x2F:
        (bits,) = struct.unpack_from("<I", data, 21)
        return Header("webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, 1, bool(bits >> 28 & 1))
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return Header("webp", width & 0x3FFF, height & 0x3FFF)
    raise PictureError("the WebP file has no picture in its first chunk")


def _webp_orientation(data: bytes) -> int:
    position = 12
    while position + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, position)
        if name == b"EXIF":
            return _exif_orientation(data[position + 8 : position + 8 + length].removeprefix(b"Exif\0\0"))
        position += 8 + length + (length & 1)
    return 1


def _check_webp(data: bytes) -> None:
    (length,) = struct.unpack_from("<I", data, 4)
    if len(data) < length + 8:
        raise TruncatedError(f"the WebP file should have {length + 8} bytes and has {len(data)}")


def _check_bmp(data: bytes) -> None:
    offset, _, width, height = struct.unpack_from("<IIii", data, 10)
    bits, compression = struct.unpack_from("<HI", data, 28)
    if compression not in (0, 3):
        return
    needed = offset + (width * bits + 31) // 32 * 4 * abs(height)
    if len(data) < needed:
        raise TruncatedError(f"the BMP file should have {needed} bytes and has {len(data)}")


def _exif_orientation(exif: bytes) -> int:
    """Return the orientation of an EXIF block (a TIFF header and its first directory); 1 where it is not stated."""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    try:
        if order is None:
            return 1
        (directory,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, directory)
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(order + "HH", exif, entry)
            if tag == _ORIENTATION:
                (value,) = struct.unpack_from(order + ("H" if kind == 3 else "I"), exif, entry + 8)
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass  # a damaged EXIF block says nothing about the pixels
    return 1


def _probe_with_pillow(data: bytes) -> Header:
    from PIL import BmpImagePlugin, Image, ImageFile, TiffImagePlugin  # noqa: PLC0415 - 30 ms, rarely needed

    plugins: dict[bytes, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
        b"BM": BmpImagePlugin.BmpImageFile,
        b"II": TiffImagePlugin.TiffImageFile,
        b"MM": TiffImagePlugin.TiffImageFile,
    }
    # The plugins are called by themselves: Image.open would refuse large pictures by a global limit of its own.
    plugin = plugins.get(data[:2])
    try:
        image = plugin(io.BytesIO(data)) if plugin else Image.open(io.BytesIO(data), formats=OTHER_FORMATS)
    except Exception as error:  # plugins raise nearly anything on damaged bytes
        raise PictureError("not a JPEG, PNG, TIFF, WebP or BMP picture, or its header is damaged") from error
    with image:
        width, height = image.size
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            width, height = int(image.tag_v2[256]), int(image.tag_v2[257])
        orientation = int(image.getexif().get(_ORIENTATION, 1))
        alpha = "A" in image.getbands() or "transparency" in image.info
        name = (image.format or "unknown").lower()
    return Header(name, width, height, orientation if 1 <= orientation <= 8 else 1, alpha)
