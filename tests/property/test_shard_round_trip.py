"""Whatever goes into a shard comes out of it, for ours and for Python's own reader."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from rainkit.errors import IntegrityError
from rainkit.shards import scan_shard, walk_samples, write_shard

KEYS = st.from_regex(r"(?!__)[A-Za-z0-9_-]{1,40}", fullmatch=True)
EXTENSIONS = st.sets(st.sampled_from(["json", "rainy.png", "clean.png", "streaks.npy", "mask.png"]), min_size=1)


@st.composite
def sample_lists(draw: st.DrawFn) -> list[tuple[str, dict[str, bytes]]]:
    extensions = sorted(draw(EXTENSIONS))
    keys = draw(st.lists(KEYS, unique=True, max_size=6))
    sizes = st.integers(0, 1600)
    return [
        (key, {extension: bytes([i % 251]) * draw(sizes) for extension in extensions}) for i, key in enumerate(keys)
    ]


@settings(deadline=None, max_examples=60)
@given(samples=sample_lists())
def test_round_trip(samples: list[tuple[str, dict[str, bytes]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tar"
        record = write_shard(path, samples)
        data = path.read_bytes()
        assert scan_shard(path) == record
        with tarfile.open(path) as archive:
            read = {info.name: archive.extractfile(info).read() for info in archive}  # type: ignore[union-attr]
    assert read == {f"{key}.{extension}": members[extension] for key, members in samples for extension in members}
    for sample, (_, members) in zip(record.samples, samples, strict=True):
        for extension, place in sample.members.items():
            assert data[place.offset : place.offset + place.size] == members[extension]


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=1200), st.integers(0, 3000), st.integers(1, 255))
def test_damage_never_passes_for_another_structure(noise: bytes, position: int, change: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tar"
        record = write_shard(path, [("a", {"json": noise}), ("b", {"json": b"{}"})])
        data = bytearray(path.read_bytes())
    position %= len(data)
    data[position] ^= change
    contents = [range(m.offset, m.offset + m.size) for sample in record.samples for m in sample.members.values()]
    try:
        samples = tuple(walk_samples(bytes(data), "a.tar"))
    except IntegrityError:
        assert not any(position in content for content in contents)
    else:
        # A changed content is for digests to find; the structure must be untouched.
        assert any(position in content for content in contents)
        assert samples == record.samples
