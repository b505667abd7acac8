"""Shards: deterministic tar files whose members can be read by offset, without opening the tar by name.

A shard is a plain POSIX ustar archive, so every reader of WebDataset opens it. Headers are made by hand from one
template: nothing of the machine, the user or the clock gets into the bytes, and offsets are known while writing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rainkit.errors import BuildError, IntegrityError
from rainkit.files import committing

BLOCK = 512
"""Bytes of a tar block; headers and contents begin on multiples of it."""
RECORD = 20 * BLOCK
"""Bytes of a tar record; GNU tar and Python's tarfile pad the end of an archive to a multiple of it."""
OWNER = b"rainkit"
"""User and group name in every header."""
MAX_PATH = 100
"""Bytes of a ustar name field; readers of WebDataset meet no prefix field and no extension header."""
MAX_MEMBER = 8**11 - 1
"""Largest member that eleven octal digits can state, in bytes."""

_KEY = re.compile(r"(?!__)[A-Za-z0-9_-]+", re.ASCII)
_EXTENSION = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*", re.ASCII)
# Hugging Face datasets turns members with these last parts into integers, and some readers unpickle the others.
_RESERVED = frozenset({"id", "cls", "cls2", "class", "count", "index", "inx", "pyd", "pickle", "pkl"})
_OTHER_KINDS = {b"5": "a folder"} | dict.fromkeys((b"x", b"g", b"L", b"K"), "an extension header")
_UNSAFE_KINDS = {b"1": "a hard link", b"2": "a symbolic link"} | dict.fromkeys((b"3", b"4", b"6"), "a device or a pipe")
_WITHOUT_CONTENT = frozenset({*_UNSAFE_KINDS, b"5"})
_CHUNK = 1 << 20

_TEMPLATE = bytearray(BLOCK)
_TEMPLATE[100:108] = b"0000644\0"  # mode
_TEMPLATE[108:116] = _TEMPLATE[116:124] = b"0000000\0"  # uid, gid
_TEMPLATE[136:148] = b"00000000000\0"  # mtime
_TEMPLATE[148:156] = b" " * 8  # the checksum counts itself as spaces
_TEMPLATE[156:157] = b"0"  # regular file
_TEMPLATE[257:265] = b"ustar\x0000"
_TEMPLATE[265 : 265 + len(OWNER)] = _TEMPLATE[297 : 297 + len(OWNER)] = OWNER
_TEMPLATE[329:337] = _TEMPLATE[337:345] = b"0000000\0"  # device numbers
_AFTER_NAME, _AFTER_SIZE = bytes(_TEMPLATE[100:124]), bytes(_TEMPLATE[136:148])
_AFTER_SUM = bytes(_TEMPLATE[156:])
_TEMPLATE_SUM = sum(_TEMPLATE)


@dataclass(frozen=True, slots=True)
class Member:
    """Where the content of a member lies in its shard, in bytes."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """A sample in a shard: its key, and its members by extension."""

    key: str
    members: Mapping[str, Member]


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """A shard as it was written.

    Attributes
    ----------
    name : str
        File name, without folder.
    size : int
        Bytes of the file.
    sha256, md5 : str
        Digests of the file in hexadecimal; md5 is what wids indexes ask for.
    samples : tuple of SampleRecord
        In the order of the file.
    """

    name: str
    size: int
    sha256: str
    md5: str
    samples: tuple[SampleRecord, ...]


def make_header(name: bytes, size: int) -> bytes:
    """Return the 512-byte ustar header (POSIX.1-1988) of a regular file.

    Parameters
    ----------
    name : bytes
        Path in the archive, at most 100 ASCII bytes.
    size : int
        Bytes of the content.

    Raises
    ------
    BuildError
        If the name or the size has no room in the header.
    """
    if not 0 < len(name) <= MAX_PATH or not name.isascii():
        raise BuildError(f"a member's name must have 1 to {MAX_PATH} ASCII characters, not {len(name)}: {name!r}")
    if size > MAX_MEMBER:
        raise BuildError(f"member {name.decode()} has {size} bytes; a tar member has at most {MAX_MEMBER}")
    digits = b"%011o" % size
    total = _TEMPLATE_SUM + sum(name) + sum(digits)
    return b"%b%b%b\0%b%06o\0 %b" % (name.ljust(MAX_PATH, b"\0"), _AFTER_NAME, digits, _AFTER_SIZE, total, _AFTER_SUM)


def check_extension(extension: str) -> None:
    """Raise `BuildError` unless all known readers load members of this extension, such as `rainy.png`."""
    if not _EXTENSION.fullmatch(extension) or extension.rpartition(".")[2] in _RESERVED:
        raise BuildError(
            f"member extension {extension!r} would be misread by other loaders: use lower-case letters, digits and "
            f"dots, and no last part of {', '.join(sorted(_RESERVED))}"
        )


class _Layout:
    """The sequence of chunks of a shard, and the records of what stands where."""

    def __init__(self) -> None:
        self.position = 0
        self.samples: list[SampleRecord] = []
        self._keys: set[str] = set()
        self._extensions: tuple[str, ...] = ()

    def _check(self, key: str, extensions: tuple[str, ...]) -> None:
        if not _KEY.fullmatch(key):
            raise BuildError(
                f"key {key!r} must be letters, digits, '-' and '_' (a dot would end it), not begin with __"
            )
        if key in self._keys:
            raise BuildError(f"key {key!r} appears twice in one shard; keys must be unique in the corpus")
        if not extensions:
            raise BuildError(f"sample {key!r} has no members")
        if extensions != self._extensions:
            if self.samples:
                raise BuildError(
                    f"sample {key!r} has members {', '.join(extensions)}, but the samples before it have "
                    f"{', '.join(self._extensions)}; every sample of a corpus has the same members"
                )
            for extension in extensions:
                check_extension(extension)
            self._extensions = extensions
        self._keys.add(key)

    def add(self, key: str, members: Mapping[str, bytes]) -> list[bytes]:
        """Return the pieces of the archive that hold a sample, and note where they lie."""
        extensions = tuple(sorted(members))
        self._check(key, extensions)
        pieces: list[bytes] = []
        places: dict[str, Member] = {}
        for extension in extensions:
            content = members[extension]
            size = len(content)
            pieces.append(make_header(f"{key}.{extension}".encode(), size))
            pieces.append(content)
            padding = -size % BLOCK
            if padding:
                pieces.append(bytes(padding))
            places[extension] = Member(self.position + BLOCK, size)
            self.position += BLOCK + size + padding
        self.samples.append(SampleRecord(key, places))
        return pieces

    def chunks(self, samples: Iterable[tuple[str, Mapping[str, bytes]]]) -> Iterator[bytes]:
        """Yield the whole archive in chunks of about a mebibyte, for few system calls and long hash updates."""
        pieces: list[bytes] = []
        start = 0
        for key, members in samples:
            pieces += self.add(key, members)
            if self.position - start >= _CHUNK:
                yield b"".join(pieces)
                pieces, start = [], self.position
        end = 2 * BLOCK
        end += -(self.position + end) % RECORD
        self.position += end
        pieces.append(bytes(end))
        yield b"".join(pieces)


def write_shard(path: Path | str, samples: Iterable[tuple[str, Mapping[str, bytes]]]) -> ShardRecord:
    """Write samples into a tar file, durable and whole, or leave nothing.

    The bytes are a function of the samples alone. The file is written under a partial name, synced, and renamed.

    Parameters
    ----------
    path : Path or str
        The shard; its folder must exist. An older file of that name is replaced.
    samples : iterable of (str, mapping of str to bytes)
        Key and members by extension (`rainy.png`, `json`), consumed lazily; members are sorted by extension.

    Returns
    -------
    ShardRecord
        Offsets and sizes of all members, and the digests of the file.

    Raises
    ------
    BuildError
        If the disk is full or the folder cannot be written, or a key or an extension would be misread by loaders.
        What `samples` raises passes through. In all cases nothing of the shard remains.
    """
    path = Path(path)
    layout = _Layout()
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with committing(path) as file:
        for chunk in layout.chunks(samples):
            sha256.update(chunk)
            md5.update(chunk)
            file.write(chunk)
    return ShardRecord(path.name, layout.position, sha256.hexdigest(), md5.hexdigest(), tuple(layout.samples))


def parse_header(header: bytes, where: str) -> tuple[str, int]:
    """Return name and size of a member from its header, which must be one that `write_shard` could have made.

    Parameters
    ----------
    header : bytes
        512 bytes.
    where : str
        What to call this place in a message, such as "x.tar at byte 512".

    Raises
    ------
    IntegrityError
        If the checksum is wrong, the member is no plain file, its name is absolute or climbs, or any field differs.
    """
    name, digits, text = header[:MAX_PATH].rstrip(b"\0"), header[124:135], _read_name(header)
    if name and not _find_danger(header) and name.isascii() and re.fullmatch(rb"[0-7]{11}", digits):
        size = int(digits, 8)
        if make_header(name, size) == header:
            return text, size
    if len(header) < BLOCK:
        raise IntegrityError(f"{where}: the file ends within a header of {BLOCK} bytes; it is truncated")
    if header[148:156] != b"%06o\0 " % (sum(header) - sum(header[148:156]) + 8 * 32):
        raise IntegrityError(f"{where}: the checksum of a tar header is wrong, these bytes are damaged")
    if danger := _find_danger(header):
        raise IntegrityError(f"{where}: member {text!r} {danger}")
    if (flag := header[156:157]) != b"0":
        kind = _OTHER_KINDS.get(flag, f"of type {flag!r}")
        raise IntegrityError(f"{where}: member {text!r} is {kind}; a shard holds plain files only")
    raise IntegrityError(f"{where}: the header of member {text!r} is not one that rainkit writes")


def _read_name(header: bytes) -> str:
    return header[:MAX_PATH].rstrip(b"\0").decode("ascii", "backslashreplace")


def _find_danger(header: bytes) -> str:
    """Return how unpacking a member would reach out of its folder, "" for one that would not."""
    text = _read_name(header)
    if kind := _UNSAFE_KINDS.get(header[156:157]):
        return f"is {kind}; a shard holds plain files only"
    if re.match(r"[/\\]|[A-Za-z]:", text):
        return "has an absolute name; do not unpack this file"
    if ".." in re.split(r"[/\\]", text):
        return "has a name that climbs out of its folder; do not unpack this file"
    return "has a name with a backslash or a colon" if "\\" in text or ":" in text else ""


def _refuse_dangers(data: bytes | memoryview, position: int, name: str) -> None:
    """Raise at the first member from a header on that would reach out, whichever program wrote the archive."""
    while position + BLOCK <= len(data):
        header = bytes(data[position : position + BLOCK])
        digits = header[124:136].strip(b" \0"), header[148:156].strip(b" \0")
        total = sum(header) - sum(header[148:156]) + 8 * 32
        if not all(re.fullmatch(rb"[0-7]+", each) for each in digits) or int(digits[1], 8) != total:
            return
        if danger := _find_danger(header):
            raise IntegrityError(f"{name} at byte {position}: member {_read_name(header)!r} {danger}")
        size = 0 if header[156:157] in _WITHOUT_CONTENT else int(digits[0], 8)
        position += BLOCK + size + -size % BLOCK


def walk_members(data: bytes | memoryview, name: str) -> Iterator[tuple[str, Member]]:
    """Yield the name and place of each member of a tar file in memory, in its order; messages call it `name`.

    Raises
    ------
    IntegrityError
        At the first byte that a shard would not have; in an archive of another program at the first dangerous member.
    """
    position, length = 0, len(data)
    while position + BLOCK <= length:
        header = bytes(data[position : position + BLOCK])
        if header.count(0) == BLOCK:
            break
        try:
            text, size = parse_header(header, f"{name} at byte {position}")
        except IntegrityError:
            _refuse_dangers(data, position, name)  # a worse fault than a header of another program
            raise
        content = position + BLOCK
        position = content + size + -size % BLOCK
        if position > length:
            raise IntegrityError(f"{name} is truncated: member {text!r} should reach byte {position}, not {length}")
        if bytes(data[content + size : position]).strip(b"\0"):
            raise IntegrityError(f"{name}: the padding after member {text!r} at byte {content + size} is not zero")
        yield text, Member(content, size)
    end = position + 2 * BLOCK
    end += -end % RECORD
    if length != end or bytes(data[position:]).strip(b"\0"):
        raise IntegrityError(f"{name}: the archive should end with zeros from byte {position} to {end}, not {length}")


def walk_samples(data: bytes | memoryview, name: str) -> Iterator[SampleRecord]:
    """Yield the samples of a shard held or mapped in memory; members of a sample are those adjacent with equal keys.

    Raises
    ------
    IntegrityError
        As `walk_members` does, and if the members of a sample are not sorted or one appears twice.
    """
    key, members, last = "", dict[str, Member](), ""
    for text, member in walk_members(data, name):
        head, _, extension = text.partition(".")
        if head != key and members:
            yield SampleRecord(key, members)
            members, last = {}, ""
        if extension <= last:
            raise IntegrityError(f"{name}: member {text!r} at byte {member.offset} is out of order or appears twice")
        key, last = head, extension
        members[extension] = member
    if members:
        yield SampleRecord(key, members)


def scan_shard(path: Path | str) -> ShardRecord:
    """Return the record of an existing shard from its bytes alone, as `write_shard` returned it.

    Raises
    ------
    IntegrityError
        If the file is not a shard that rainkit could have written.
    """
    path = Path(path)
    data = path.read_bytes()
    samples = tuple(walk_samples(memoryview(data), path.name))
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return ShardRecord(path.name, len(data), hashlib.sha256(data).hexdigest(), md5, samples)
