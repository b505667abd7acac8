"""Whether a shard is laid out exactly as the manifest says: all headers, all padding, nothing between or after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rainkit.errors import IntegrityError
from rainkit.shards import BLOCK, MAX_PATH, RECORD, Member, SampleRecord, make_header, walk_samples

_NAME, _SIZE, _SUM = slice(0, MAX_PATH), slice(124, 135), slice(148, 154)


def expected_headers(names: Sequence[bytes], sizes: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the ustar headers of many members at once, equal to `shards.make_header` of each.

    Parameters
    ----------
    names : sequence of bytes
        Each of 1 to 100 ASCII bytes.
    sizes : int64 array, shape (N,)
        Bytes of the contents, below 8^11.

    Returns
    -------
    uint8 array, N x 512
    """
    headers = np.tile(np.frombuffer(make_header(b"a", 0), dtype=np.uint8), (len(names), 1))
    headers[:, _NAME] = np.array(names, dtype=f"S{MAX_PATH}").view(np.uint8).reshape(-1, MAX_PATH)
    headers[:, _SIZE] = 48 + (sizes[:, None] >> np.arange(30, -1, -3) & 7)
    headers[:, 148:156] = 32
    totals = headers.sum(axis=1, dtype=np.int64)
    headers[:, _SUM] = 48 + (totals[:, None] >> np.arange(15, -1, -3) & 7)
    headers[:, 154] = 0
    return headers


def is_laid_out(
    data: bytes | memoryview, names: Sequence[bytes], offsets: NDArray[np.int64], sizes: NDArray[np.int64]
) -> bool:
    """Return whether an archive consists of exactly these members, in this order, as `write_shard` lays them out.

    Parameters
    ----------
    data : bytes-like
        The whole archive.
    names : sequence of bytes
        Names of the members.
    offsets, sizes : int64 array, shape (N,)
        Places of their contents.
    """
    padded = sizes + (-sizes % BLOCK) + BLOCK
    ends = np.cumsum(padded)
    end = int(ends[-1]) + 2 * BLOCK if len(ends) else 2 * BLOCK
    if len(data) != end + -end % RECORD or (sizes < 0).any() or not all(0 < len(n) <= MAX_PATH for n in names):
        return False
    if not np.array_equal(offsets, ends - padded + BLOCK):
        return False
    blocks = np.frombuffer(data, dtype=np.uint8).reshape(-1, BLOCK)
    if not np.array_equal(blocks[offsets // BLOCK - 1], expected_headers(names, sizes)):
        return False
    # Padding is where bytes could hide that no digest covers.
    ragged = np.flatnonzero(sizes % BLOCK)
    last = blocks[(offsets[ragged] + sizes[ragged]) // BLOCK]
    beyond = np.arange(BLOCK) >= (sizes[ragged] % BLOCK)[:, None]
    return not (last[beyond].any() or blocks[int(ends[-1]) // BLOCK if len(ends) else 0 :].any())


def find_placed(
    data: bytes | memoryview, names: Sequence[bytes], offsets: NDArray[np.int64], sizes: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which members lie where the manifest says, with their name and size in the header before; bool (N,).

    Parameters are those of `is_laid_out`.
    """
    there = np.zeros(len(names), dtype=np.bool_)
    for number, (name, offset, size) in enumerate(zip(names, offsets.tolist(), sizes.tolist(), strict=True)):
        header = bytes(data[offset - BLOCK : offset]) if BLOCK <= offset <= offset + size <= len(data) else b""
        there[number] = header[_NAME].rstrip(b"\0") == name and header[_SIZE] == b"%011o" % max(size, 0)
    return there


def find_differences(
    data: bytes | memoryview, path: str, keys: Sequence[str], places: Mapping[str, Sequence[Member]]
) -> list[tuple[str, str, str]]:
    """Return what is wrong with the layout of a shard as (kind, sample, sentence); the first of each kind.

    Parameters
    ----------
    data : bytes-like
        The whole archive.
    path : str
        What to call it.
    keys : sequence of str
        Samples that the manifest places in the shard, in its order.
    places : mapping of str to sequence of Member
        Extension -> place of that member in each sample, as the manifest says.
    """
    found: dict[str, tuple[str, str, str]] = {}

    def note(kind: str, sample: str, sentence: str) -> None:
        found.setdefault(kind, (kind, sample, sentence))

    samples: list[SampleRecord] = []
    try:
        samples.extend(walk_samples(data, path))
    except IntegrityError as error:
        note("structure", "", str(error))
        return list(found.values())
    if [sample.key for sample in samples] != list(keys):
        _compare_keys(samples, keys, path, note)
    rows = {key: row for row, key in enumerate(keys)}
    for sample in samples:
        row = rows.get(sample.key)
        if row is None:
            continue
        if set(sample.members) != set(places):
            has, wants = ", ".join(sorted(sample.members)), ", ".join(sorted(places))
            note("members", sample.key, f"{path}: sample {sample.key} has members {has}; the manifest says {wants}")
            continue
        for extension, place in sample.members.items():
            stated = places[extension][row]
            if place != stated:
                sentence = (
                    f"{path}: {sample.key}.{extension} is {place.size} bytes at byte {place.offset}; "
                    f"the manifest says {stated.size} at {stated.offset}"
                )
                note("offsets", sample.key, sentence)
    return list(found.values())


def _compare_keys(
    samples: Sequence[SampleRecord], keys: Sequence[str], path: str, note: Callable[[str, str, str], None]
) -> None:
    there, stated = {sample.key for sample in samples}, set(keys)
    if len(there) < len(samples):
        counts = Counter(sample.key for sample in samples)
        double = next(key for key, count in counts.items() if count > 1)
        note("keys", double, f"{path}: sample {double} appears twice, or its members are not adjacent")
    elif stated - there:
        key = min(stated - there)
        note("keys", key, f"{path}: sample {key} of the manifest is missing ({len(stated - there)} are)")
    elif there - stated:
        key = min(there - stated)
        note("keys", key, f"{path}: sample {key} is not in the manifest ({len(there - stated)} are not)")
    else:
        note("keys", "", f"{path}: samples are in another order than in the manifest")
