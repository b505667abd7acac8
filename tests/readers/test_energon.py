"""megatron-energon prepares the corpus in place, leaves its files alone, and loads every sample."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rainkit.data import Corpus
from rainkit.release.checksums import hash_file
from rainkit.release.verify import verify

pytest.importorskip("megatron.energon")
pytestmark = [pytest.mark.reader, pytest.mark.filterwarnings("default")]

LOADER = """
import pickle
from megatron.energon import Cooker, DefaultTaskEncoder, WorkerConfig, basic_sample_keys, stateless
from megatron.energon import get_loader, get_val_dataset

@stateless
def cook(sample):
    return {**basic_sample_keys(sample), "rainy": sample["rainy.png"], "json": sample["json"]}

class Encoder(DefaultTaskEncoder):
    cookers = [Cooker(cook)]
    decoder = None

    def batch(self, samples):
        return samples

if __name__ == "__main__":
    config = WorkerConfig(rank=0, world_size=1, num_workers=0)
    dataset = get_val_dataset(".", split_part="val", batch_size=1, worker_config=config, task_encoder=Encoder())
    rows = [(sample["__key__"], sample["rainy"]) for batch in get_loader(dataset) for sample in batch]
    print(pickle.dumps(rows).hex())
"""


def test_energon_prepares_and_loads(
    copied: Path, truth: Corpus, run: Callable[..., str], quiet_home: Path, tmp_path: Path
) -> None:
    import pickle

    before = {path: hash_file(path)[0] for path in copied.rglob("*.tar")}
    parts = ["--split-parts", "train:data/train/.*", "--split-parts", "val:data/unseen-rain/.*"]
    options = ["--non-interactive", *parts, "--sample-type", "CrudeWebdataset", "--num-workers", "1", "--no-progress"]
    run("energon", "prepare", "./", *options, cwd=copied)
    assert {path: hash_file(path)[0] for path in before} == before
    assert verify(copied, jobs=1).ok
    program = tmp_path / "load.py"
    program.write_text(LOADER)
    said = run("python", program, cwd=copied)
    found = dict(pickle.loads(bytes.fromhex(next(line for line in said.splitlines() if line.startswith("80")))))
    keys = truth.samples["key"].to_pylist()
    assert {key.rpartition("/")[2] for key in found} == {keys[row] for row in truth.rows("unseen-rain").tolist()}
    for key, data in found.items():
        assert bytes(data) == bytes(truth.read_bytes(key.rpartition("/")[2], ["rainy"])["rainy"])
