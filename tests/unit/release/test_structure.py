"""The quick look at a shard's layout agrees with the careful one, byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rainkit.release.structure import expected_headers, find_differences, is_laid_out
from rainkit.shards import ShardRecord, make_header, write_shard

SIZES = (0, 1, 511, 512, 513, 1300)


@pytest.fixture
def shard(tmp_path: Path) -> tuple[bytes, ShardRecord]:
    samples = [(f"k{i}", {"png": bytes([i]) * size, "json": b"{}" * i}) for i, size in enumerate(SIZES)]
    record = write_shard(tmp_path / "a.tar", samples)
    return (tmp_path / "a.tar").read_bytes(), record


def _layout(record: ShardRecord) -> tuple[list[bytes], np.ndarray, np.ndarray]:
    members = [(f"{s.key}.{e}".encode(), m.offset, m.size) for s in record.samples for e, m in s.members.items()]
    names, offsets, sizes = zip(*members, strict=True)
    return list(names), np.array(offsets), np.array(sizes)


def _differences(data: bytes, record: ShardRecord) -> list[tuple[str, str, str]]:
    places = {extension: [s.members[extension] for s in record.samples] for extension in ("png", "json")}
    return find_differences(data, "a.tar", [s.key for s in record.samples], places)


def test_headers_equal_those_of_the_writer() -> None:
    names = [b"a", b"key-1.rainy.png", b"x" * 100]
    sizes = np.array([0, 8**11 - 1, 123456789])
    headers = expected_headers(names, sizes)
    assert [row.tobytes() for row in headers] == [
        make_header(*pair) for pair in zip(names, sizes.tolist(), strict=True)
    ]


def test_a_sound_shard_passes(shard: tuple[bytes, ShardRecord]) -> None:
    data, record = shard
    assert is_laid_out(data, *_layout(record))
    assert _differences(data, record) == []


def test_any_changed_byte_beside_the_contents_is_seen(shard: tuple[bytes, ShardRecord]) -> None:
    data, record = shard
    names, offsets, sizes = _layout(record)
    inside = np.zeros(len(data), dtype=bool)
    for offset, size in zip(offsets, sizes, strict=True):
        inside[offset : offset + size] = True
    for position in range(0, len(data), 7):
        damaged = bytearray(data)
        damaged[position] ^= 0x20
        assert is_laid_out(bytes(damaged), names, offsets, sizes) == inside[position], position
        assert (_differences(bytes(damaged), record) == []) == inside[position], position


@pytest.mark.parametrize("length", [0, 100, 512, 5000, -10240, -1, 10240])
def test_another_length_is_seen(shard: tuple[bytes, ShardRecord], length: int) -> None:
    data, record = shard
    other = data[:length] if length < len(data) - 1 and length != 10240 else data + bytes(length)
    assert not is_laid_out(other, *_layout(record))
    assert _differences(other, record)


def test_other_places_and_names_are_seen(shard: tuple[bytes, ShardRecord]) -> None:
    data, record = shard
    names, offsets, sizes = _layout(record)
    for changed in (
        (names[::-1], offsets, sizes),
        (names[1:], offsets[1:], sizes[1:]),
        (names, offsets + 512, sizes),
        (names, offsets, sizes + 1),
        (names, offsets, -sizes),
        ([b"", *names[1:]], offsets, sizes),
        ([b"x" * 101, *names[1:]], offsets, sizes),
    ):
        assert not is_laid_out(data, *changed)


def test_an_empty_shard(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.tar", [])
    none = np.zeros(0, dtype=np.int64)
    assert is_laid_out((tmp_path / "a.tar").read_bytes(), [], none, none)
