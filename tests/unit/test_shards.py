"""A shard is exact, readable by everyone, and whole or absent."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import webdataset

from rainkit import files
from rainkit.errors import BuildError, IntegrityError
from rainkit.shards import BLOCK, RECORD, make_header, parse_header, scan_shard, walk_samples, write_shard

SAMPLES = [
    (f"train-{i:03d}", {"rainy.png": bytes([i]) * (700 + i), "clean.png": b"c" * 512, "json": b'{"a": 1.0}'})
    for i in range(5)
]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_record_says_where_the_bytes_are(tmp_path: Path) -> None:
    record = write_shard(tmp_path / "a.tar", SAMPLES)
    data = (tmp_path / "a.tar").read_bytes()
    assert record.size == len(data)
    assert len(data) % RECORD == 0
    assert record.sha256 == hashlib.sha256(data).hexdigest()
    assert record.md5 == hashlib.md5(data).hexdigest()
    assert [sample.key for sample in record.samples] == [key for key, _ in SAMPLES]
    for sample, (_, members) in zip(record.samples, SAMPLES, strict=True):
        assert list(sample.members) == sorted(members)
        for extension, place in sample.members.items():
            assert data[place.offset : place.offset + place.size] == members[extension]
    assert _names(tmp_path) == ["a.tar"]


def test_tarfile_reads_it_as_plain_ustar(tmp_path: Path) -> None:
    record = write_shard(tmp_path / "a.tar", SAMPLES)
    with tarfile.open(tmp_path / "a.tar") as archive:
        infos = archive.getmembers()
    assert [info.name for info in infos][:3] == ["train-000.clean.png", "train-000.json", "train-000.rainy.png"]
    for info in infos:
        assert (info.mode, info.uid, info.gid, info.mtime, info.uname, info.gname, info.pax_headers) == (
            (0o644, 0, 0, 0, "rainkit", "rainkit", {})
        )
        assert info.isreg()
    places = [place.offset for sample in record.samples for place in sample.members.values()]
    assert [info.offset_data for info in infos] == places


def test_header_equals_the_one_of_tarfile() -> None:
    info = tarfile.TarInfo("train-000.rainy.png")
    info.size, info.mode, info.uname, info.gname = 12345, 0o644, "rainkit", "rainkit"
    expected = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    ours = bytearray(make_header(b"train-000.rainy.png", 12345))
    # Newer versions of tarfile leave the device numbers of plain files empty; both forms are POSIX.
    for header in (expected, ours):
        header[329:345] = bytes(16)
        header[148:156] = bytes(8)
    assert ours == expected


# webdataset leaves the closing of its files to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_webdataset_reads_it(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.tar", SAMPLES)
    dataset = webdataset.WebDataset(str(tmp_path / "a.tar"), shardshuffle=False)
    read = [(sample["__key__"], sample["rainy.png"]) for sample in dataset]
    assert read == [(key, members["rainy.png"]) for key, members in SAMPLES]


def test_bytes_are_a_function_of_the_samples(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.tar", SAMPLES)
    write_shard(tmp_path / "b.tar", ((key, dict(reversed(list(members.items())))) for key, members in SAMPLES))
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_large_members_cross_chunks(tmp_path: Path) -> None:
    samples = [(f"k{i}", {"npy": bytes([i]) * (1 << 20), "json": b"{}"}) for i in range(4)]
    record = write_shard(tmp_path / "a.tar", samples)
    assert scan_shard(tmp_path / "a.tar") == record


def test_an_empty_shard_is_an_empty_archive(tmp_path: Path) -> None:
    record = write_shard(tmp_path / "a.tar", [])
    assert (record.size, record.samples) == (RECORD, ())
    with tarfile.open(tmp_path / "a.tar") as archive:
        assert archive.getmembers() == []


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([("a.b", {"png": b""})], "a dot would end it"),
        ([("__a", {"png": b""})], "not begin with __"),
        ([("a/b", {"png": b""})], "must be letters"),
        ([("a", {"PNG": b""})], "lower-case"),
        ([("a", {"rainy.id": b""})], "misread"),
        ([("a", {".png": b""})], "misread"),
        ([("a", {})], "no members"),
        ([("a", {"png": b""}), ("a", {"png": b""})], "twice"),
        ([("a", {"png": b""}), ("b", {"jpg": b""})], "same members"),
        ([("a" * 97, {"png": b""})], "100 ASCII"),
    ],
)
def test_samples_that_loaders_would_misread_are_refused(
    tmp_path: Path, samples: list[tuple[str, dict[str, bytes]]], words: str
) -> None:
    with pytest.raises(BuildError, match=words):
        write_shard(tmp_path / "a.tar", samples)
    assert _names(tmp_path) == []


def test_a_name_of_exactly_one_hundred_bytes_fits(tmp_path: Path) -> None:
    write_shard(tmp_path / "a.tar", [("a" * 96, {"png": b"x"})])
    with tarfile.open(tmp_path / "a.tar") as archive:
        assert archive.getnames() == ["a" * 96 + ".png"]


def test_a_member_beyond_octal_is_refused() -> None:
    with pytest.raises(BuildError, match="at most"):
        make_header(b"a.png", 8**11)


class _StoppedError(Exception):
    """Stands for anything that samples may raise."""


@pytest.mark.parametrize("error", [_StoppedError, KeyboardInterrupt, OSError])
def test_errors_of_the_samples_pass_and_leave_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "a.tar").write_bytes(b"old")

    def samples() -> Iterator[tuple[str, dict[str, bytes]]]:
        yield "a", {"npy": bytes(3 << 20)}
        assert (tmp_path / ".a.tar.part").stat().st_size > 1 << 20
        raise error

    with pytest.raises(error) as caught:
        write_shard(tmp_path / "a.tar", samples())
    assert type(caught.value) is error
    assert _names(tmp_path) == ["a.tar"]
    assert (tmp_path / "a.tar").read_bytes() == b"old"


@pytest.mark.skipif(os.name == "nt", reason="limits of a process are POSIX")
def test_a_write_that_the_system_refuses_leaves_nothing(tmp_path: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with pytest.raises(BuildError, match=r"cannot write a\.tar in .*file would be larger"):
            write_shard(tmp_path / "a.tar", [("a", {"npy": bytes(3 << 20)})])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert _names(tmp_path) == []


def test_a_full_disk_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fsync)
    with pytest.raises(BuildError, match="the disk is full") as caught:
        write_shard(tmp_path / "a.tar", SAMPLES)
    assert str(tmp_path) in str(caught.value)
    assert _names(tmp_path) == []


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="the folder does not exist"):
        write_shard(tmp_path / "no" / "a.tar", SAMPLES)


def test_no_reader_sees_a_partial_shard(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def samples() -> Iterator[tuple[str, dict[str, bytes]]]:
        for key, members in SAMPLES:
            thread = threading.Thread(target=lambda: seen.append([path.name for path in tmp_path.glob("*.tar")]))
            thread.start()
            thread.join()
            yield key, members

    write_shard(tmp_path / "a.tar", samples())
    assert len(seen) == len(SAMPLES)
    assert all(names == [] for names in seen)


def _damage(data: bytes, position: int, value: bytes) -> bytes:
    return data[:position] + value + data[position + len(value) :]


def _archive(**changes: object) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        info = tarfile.TarInfo("a.png")
        for name, value in changes.items():
            setattr(info, name, value)
        archive.addfile(info, io.BytesIO(b"x" * info.size))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (_archive(type=tarfile.SYMTYPE, linkname="/etc/passwd"), "a symbolic link"),
        (_archive(type=tarfile.LNKTYPE, linkname="b.png"), "a hard link"),
        (_archive(type=tarfile.DIRTYPE), "a folder"),
        (_archive(type=tarfile.FIFOTYPE), "a device or a pipe"),
        (_archive(name="/a.png"), "has an absolute name"),
        (_archive(name="../a.png"), "has a name that climbs out"),
        (_archive(name="a/../../b.png"), "has a name that climbs out"),
        (_archive(uid=7), "not one that rainkit writes"),
        (_archive(mtime=7), "not one that rainkit writes"),
    ],
)
def test_members_that_could_do_harm_are_named(data: bytes, words: str) -> None:
    with pytest.raises(IntegrityError, match=words):
        list(walk_samples(data, "x.tar"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "'a.json' is a symbolic link; a shard holds plain"),
        ({"type": tarfile.LNKTYPE, "linkname": "a.png"}, "'a.json' is a hard link"),
        ({"name": "/etc/cron.d/a"}, "'/etc/cron.d/a' has an absolute name"),
        ({"name": "../../a"}, r"'../../a' has a name that climbs out"),
        ({}, "member 'a.png' is not one that rainkit writes"),
    ],
)
def test_the_member_that_could_do_harm_is_named_behind_others(change: dict[str, Any], words: str) -> None:
    """An archive of another program, in which every header differs from rainkit's."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in ("a.png", "a.json", "b.png"):
            info = tarfile.TarInfo(name)
            info.size = 700
            for attribute, value in change.items() if name == "a.json" else ():
                setattr(info, attribute, value)
            archive.addfile(info, io.BytesIO(bytes(700)))
    place = 0 if not change else 3 * BLOCK
    with pytest.raises(IntegrityError, match=f"x.tar at byte {place}: .*{words}"):
        list(walk_samples(stream.getvalue(), "x.tar"))


def test_damage_is_named_with_its_place(tmp_path: Path) -> None:
    record = write_shard(tmp_path / "a.tar", SAMPLES)
    data = (tmp_path / "a.tar").read_bytes()
    first = next(iter(record.samples[1].members.values())).offset - BLOCK
    padding = record.samples[0].members["json"].offset + record.samples[0].members["json"].size
    cases = [
        (data[:-RECORD], "truncated|should end"),
        (data[: first + 100], "should end|truncated"),
        (data[: first + BLOCK + 10], "truncated: member 'train-001.clean.png'"),
        (_damage(data, first + 3, b"X"), f"x.tar at byte {first}: the checksum"),
        (_damage(data, padding, b"X"), "padding after member 'train-000.json'"),
        (_damage(data, len(data) - 1, b"X"), "should end with zeros"),
        (data + b"more", "should end with zeros"),
        (b"", "should end with zeros"),
    ]
    for damaged, words in cases:
        with pytest.raises(IntegrityError, match=words):
            list(walk_samples(damaged, "x.tar"))


def test_members_out_of_order_or_repeated_are_named() -> None:
    def archive(*names: str) -> bytes:
        blocks = b"".join(make_header(name.encode(), 0) for name in names)
        return blocks + bytes(2 * BLOCK + -(len(blocks) + 2 * BLOCK) % RECORD)

    assert len(list(walk_samples(archive("a.json", "a.png", "b.json", "b.png"), "x.tar"))) == 2
    for names in (("a.png", "a.json"), ("a.png", "a.png"), ("a.", "a.png")):
        with pytest.raises(IntegrityError, match="out of order or appears twice"):
            list(walk_samples(archive(*names), "x.tar"))


def test_truncated_header_is_an_integrity_error() -> None:
    with pytest.raises(IntegrityError, match="truncated"):
        parse_header(b"a" * 10, "x.tar at byte 0")


def test_scan_gives_what_write_gave(tmp_path: Path) -> None:
    record = write_shard(tmp_path / "a.tar", SAMPLES)
    assert scan_shard(tmp_path / "a.tar") == record
