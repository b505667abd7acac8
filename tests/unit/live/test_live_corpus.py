from __future__ import annotations

import json
import multiprocessing
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from rainkit.data import Corpus
from rainkit.data.torch import BatchStream, CorpusDataset, CorpusPairs, Pool
from rainkit.errors import IntegrityError, SourceError
from rainkit.live import LiveCorpus, open_live
from rainkit.manifest import add_metadata, read_table, write_table
from rainkit.release.checksums import write_checksums

SHORT, LONG = 12, 40


def open_here(corpus: Corpus | Path, home: Path, split: str = "train", **options: Any) -> LiveCorpus:
    address = corpus.address if isinstance(corpus, Corpus) else corpus
    return open_live(address, split, sources={"photos": home / "photos"}, **options)


def require_equal(drawn: dict[str, Any], stored: dict[str, Any]) -> None:
    """Compare every member: arrays with shape and type, the description word for word."""
    assert drawn.keys() == stored.keys()
    for name, value in stored.items():
        if name == "json":
            assert json.dumps(drawn[name], sort_keys=True) == json.dumps(value, sort_keys=True)
        else:
            assert (drawn[name].dtype, drawn[name].shape) == (value.dtype, value.shape)
            assert np.array_equal(drawn[name], value), name


def batches(stream: BatchStream, **options: Any) -> list[torch.Tensor]:
    return [torch.stack(pair) for pair in DataLoader(stream, batch_size=None, **options)]


def live_pairs(live: LiveCorpus, patch: int | None = 32, seed: int = 0) -> CorpusPairs:
    return CorpusPairs([live.pool()], patch, seed=seed)


def test_every_sample_is_the_stored_one_and_goes_on_as_an_extension(
    versions: tuple[Corpus, Corpus], home: Path
) -> None:
    short, long = versions
    for split in short.splits:
        live = open_here(short, home, split)
        rows = short.rows(split)
        assert len(live) == len(rows) == len(live.samples)
        assert live.members == short.members
        for number, row in enumerate(rows.tolist()):
            key = short.samples["key"][row].as_py()
            assert live.sample(number).key == key
            assert live.row_of(key) == number
            require_equal(live.read(number), short.read(row))
        later = [row for row in long.rows(split).tolist() if long.samples["index"][row].as_py() >= len(rows)]
        assert len(later) == len(long.rows(split)) - len(rows)
        for row in later:
            key, number = (long.samples[name][row].as_py() for name in ("key", "index"))
            assert live.sample(number).key == key
            assert live.row_of(key) == number
            require_equal(live.read(number), long.read(row))
            require_equal(live.read(key, ("clean", "rainy")), long.read(row, ("clean", "rainy")))


def test_no_sample_comes_twice(patches: Corpus, home: Path) -> None:
    live = open_here(patches, home)
    samples = [live.sample(row) for row in range(3000)]
    assert len({sample.rain_seed for sample in samples}) == 3000
    assert {sample.split for sample in samples} == {"train"}
    assert [sample.index for sample in samples] == list(range(3000))
    assert live.sample(10**12).key.startswith("train-1000000000000-")


def test_backgrounds_are_decoded_once_and_held_within_the_room(patches: Corpus, home: Path) -> None:
    live = open_here(patches, home)
    used = {live.sample(row).background_id for row in range(60)}
    for row in range(60):
        live.read(row, ("rainy",))
    assert live.held.decoded == len(used) > 2
    small = open_here(patches, home, cache_bytes=2 * 96 * 80 * 3)
    for row in range(60):
        require_equal(small.read(row), live.read(row))
        assert 0 < small.held.size <= 2 * 96 * 80 * 3
    assert small.held.decoded > len(used)


def test_the_first_pass_of_training_is_that_of_the_stored_corpus(patches: Corpus, home: Path) -> None:
    stored = CorpusPairs([Pool(patches, patches.rows("train"))], 32, seed=4)
    live = live_pairs(open_here(patches, home), seed=4)
    for position in range(SHORT):
        for drawn, read in zip(live.pair(position), stored.pair(position), strict=True):
            assert np.array_equal(drawn, read)
    assert [live.place(position)[1] for position in range(SHORT, 100)] == list(range(SHORT, 100))
    assert not np.array_equal(live.pair(SHORT)[0], stored.pair(SHORT)[0])
    assert live.digest != stored.digest


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_workers_make_the_batches_that_one_process_makes(patches: Corpus, home: Path, context: str) -> None:
    stream = BatchStream(live_pairs(open_here(patches, home)), batch=3, steps=9)
    expected = batches(stream)
    assert len(expected) == 9
    for count in (1, 2) if context == "fork" else (1,):
        found = batches(stream, num_workers=count, multiprocessing_context=context)
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_ranks_share_the_pairs_and_a_later_start_continues(patches: Corpus, home: Path) -> None:
    pairs = live_pairs(open_here(patches, home))
    whole = batches(BatchStream(pairs, batch=4, steps=6))
    halves = [batches(BatchStream(pairs, batch=2, steps=6, rank=rank, ranks=2)) for rank in (0, 1)]
    assert len(halves[0]) == len(halves[1]) == 6
    for step, batch in enumerate(whole):
        assert torch.equal(torch.cat([halves[0][step], halves[1][step]], dim=1), batch)
    fresh = live_pairs(open_here(patches, home))
    later = batches(BatchStream(fresh, batch=4, steps=6, start=4))
    assert all(torch.equal(a, b) for a, b in zip(later, whole[4:], strict=True))


def test_it_mixes_with_a_stored_corpus_and_serves_a_map_style_dataset(patches: Corpus, home: Path) -> None:
    live = open_here(patches, home)
    pairs = CorpusPairs([live.pool(3.0), Pool(patches, patches.rows("unseen"), 1.0)], 32)
    places = [pairs.place(position) for position in range(2000)]
    assert sum(pool == 0 for pool, _ in places) == 1500
    assert sorted(row for pool, row in places if pool == 0) == list(range(1500))
    assert {row for pool, row in places if pool == 1} == set(patches.rows("unseen").tolist())
    item = CorpusDataset(live, "train", ("rainy", "mask"))[3]
    assert item["rainy"].shape == (3, 48, 48)
    assert item["mask"].shape == (1, 48, 48)


def test_threads_read_what_one_reads(patches: Corpus, home: Path) -> None:
    live, found = open_here(patches, home, cache_bytes=1), dict[int, Any]()

    def read(rows: range) -> None:
        found.update({row: live.read(row, ("rainy",))["rainy"] for row in rows})

    threads = [threading.Thread(target=read, args=(range(first, 1200, 40),)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other = open_here(patches, home)
    assert len(found) == 120
    assert all(np.array_equal(pixels, other.read(row)["rainy"]) for row, pixels in found.items())


def read_apart(live: LiveCorpus, queue: Any) -> None:
    """Read in a process of its own; tell what was read, how many threads OpenCV has, and what was decoded."""
    before = live.held.decoded
    queue.put((live.read(SHORT + 1)["rainy"], cv2.getNumThreads(), live.held.decoded - before))


def test_it_pickles_without_what_it_holds(patches: Corpus, home: Path) -> None:
    live = open_here(patches, home)
    before = len(pickle.dumps(live))
    for row in range(60):
        live.read(row)
    assert live.digest
    assert len(pickle.dumps(live)) < before + 200
    copy = pickle.loads(pickle.dumps(live))
    assert copy.held.decoded == 0
    assert copy.digest == live.digest
    require_equal(copy.read(50), live.read(50))


@pytest.mark.parametrize("ahead", [False, True])
def test_a_worker_takes_one_thread_and_shares_what_was_held_ahead(patches: Corpus, home: Path, ahead: bool) -> None:
    live = open_here(patches, home)
    if ahead:
        assert live.hold(2) == len(live.held.backgrounds) == live.held.decoded
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=read_apart, args=(live, queue))
    threads = cv2.getNumThreads()
    cv2.setNumThreads(2)
    process.start()
    try:
        pixels, count, decoded = queue.get(timeout=60)
    finally:
        process.join()
        cv2.setNumThreads(threads)
    assert (count, decoded) == (1, 0 if ahead else 1)
    assert np.array_equal(pixels, live.read(SHORT + 1)["rainy"])


def test_the_digest_follows_what_decides_the_pixels(
    pictures: Corpus, home: Path, tmp_path: Path, copy_corpus: Callable[[Corpus], Path]
) -> None:
    first = open_here(pictures, home)
    same = open_here(copy_corpus(pictures), home, cache_bytes=5)
    assert first.digest == same.digest
    assert live_pairs(first).digest == live_pairs(same, seed=8).digest
    assert first.digest != open_here(pictures, home, "unseen").digest
    # Another depth map changes rain that has not been drawn yet, and no digest of the manifest could tell.
    photos = tmp_path / "photos"
    photos.mkdir()
    for path in (home / "photos").iterdir():
        (photos / path.name).write_bytes(path.read_bytes())
    used = next(each for each in first.held.backgrounds.values() if each.source == "photos")
    cv2.imwrite(str(photos / used.path.replace(".png", "_depth.png")), np.full((80, 96), 777, np.uint16))
    other = open_live(pictures.address, sources={"photos": photos})
    assert other.digest != first.digest
    with pytest.raises(IntegrityError, match="does not come out as the manifest says"):
        [other.read(row) for row in range(SHORT)]


def test_each_split_goes_on_in_its_own_way(patches: Corpus, home: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for path in (home / "photos").glob("photo-?.png"):  # no depth maps, which would tell the splits apart
        (photos / path.name).write_bytes(path.read_bytes())
    splits = [open_live(patches.address, split, sources={"photos": photos}) for split in ("train", "unseen")]
    assert splits[0].digest != splits[1].digest
    assert splits[0].sample(99).key != splits[1].sample(99).key


def test_a_manifest_in_another_order_keeps_its_rows(
    patches: Corpus, home: Path, copy_corpus: Callable[[Corpus], Path]
) -> None:
    folder = copy_corpus(patches)
    path = folder / "metadata/samples.parquet"
    table = read_table(path, "samples")
    write_table(path, add_metadata(table.schema), table.sort_by([("rain", "descending"), ("key", "descending")]))
    write_checksums(folder)
    live, straight = open_here(folder, home), open_here(patches, home)
    assert live.samples["index"].to_pylist() != sorted(live.samples["index"].to_pylist())
    for row, key in enumerate(live.samples["key"].to_pylist()):
        assert live.row_of(key) == row
        require_equal(live.read(row), straight.read(key))
    require_equal(live.read(SHORT), straight.read(SHORT))


def test_an_edited_digest_is_found_when_the_sample_is_drawn(
    patches: Corpus, home: Path, copy_corpus: Callable[[Corpus], Path]
) -> None:
    folder = copy_corpus(patches)
    path = folder / "metadata/samples.parquet"
    table = read_table(path, "samples")
    number = table.schema.get_field_index("mask_digest")
    column = ["0" * 32, *table["mask_digest"].to_pylist()[1:]]
    table = table.set_column(number, table.schema.field(number), [column])
    write_table(path, add_metadata(table.schema), table)
    write_checksums(folder)
    live = open_here(folder, home)
    assert live.read(0, ("rainy",))
    with pytest.raises(IntegrityError, match=r"mask of train-00000000-[0-9a-f]{8} does not come out as the manifest"):
        live.read(0)


@pytest.mark.parametrize(
    ("row", "members", "message"),
    [
        (-1, None, "counted from 0, there is no -1"),
        (0, ("rainy", "haze"), "no member 'haze': it has clean, json, mask, rain, rainy, streaks"),
        ("train-00000000-ffffffff", None, "'train' has no sample 'train-00000000-ffffffff'"),
        ("unseen-00000000-ffffffff", None, "'train' has no sample"),
        ("train-x-ffffffff", None, "'train' has no sample"),
        ("train", None, "'train' has no sample 'train'"),
        ("train-" + "9" * 30 + "-ffffffff", None, "'train' has no sample"),
    ],
)
def test_what_is_not_there_is_named(patches: Corpus, home: Path, row: Any, members: Any, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        open_here(patches, home).read(row, members)


def test_a_background_that_changes_while_it_is_used_is_named(patches: Corpus, home: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for path in (home / "photos").glob("photo-?.png"):
        (photos / path.name).write_bytes(path.read_bytes())
    live = open_live(patches.address, sources={"photos": photos})
    for path in photos.iterdir():
        path.write_bytes((home / "photos" / "photo-0.png").read_bytes())
    with pytest.raises(SourceError, match=r"photos:photo-\d\.png has changed"):
        [live.read(row) for row in range(100)]
