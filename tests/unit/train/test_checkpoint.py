from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from rainkit.errors import IntegrityError, SourceError
from rainkit.train.checkpoint import load_network, read_checkpoint, write_checkpoint
from rainkit.train.config import Training
from rainkit.train.networks import Residual

CONFIG = Training(network=Residual(channels=4, blocks=1))


def written(run: Path, step: int = 7, channels: int = 4) -> Path:
    network = Residual(channels=channels, blocks=1)()
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    return write_checkpoint(run, step, CONFIG, "ab" * 32, tensors)


def test_reads_what_was_written_by_any_of_its_names(tmp_path: Path) -> None:
    path = written(tmp_path)
    for place in (tmp_path, path, path.with_suffix(".safetensors")):
        checkpoint = read_checkpoint(place)
        assert (checkpoint.step, checkpoint.config, checkpoint.pairs) == (7, CONFIG, "ab" * 32)
    network, _ = load_network(tmp_path)
    assert network(torch.zeros(1, 3, 8, 8)).shape == (1, 3, 8, 8)


def test_the_newest_two_stay_by_number_and_not_by_name(tmp_path: Path) -> None:
    for step in (999_999, 1_000_000, 1_000_001):
        written(tmp_path, step)
    assert sorted(path.name for path in tmp_path.glob("*.json")) == ["step-1000000.json", "step-1000001.json"]
    assert len(list(tmp_path.iterdir())) == 4
    assert read_checkpoint(tmp_path).step == 1_000_001


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no checkpoint there"):
        read_checkpoint(tmp_path)
    with pytest.raises(SourceError, match="no checkpoint there"):
        read_checkpoint(tmp_path / "missing.json")


def test_altered_weights_and_altered_facts_are_found(tmp_path: Path) -> None:
    path = written(tmp_path)
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"step": 8}))
    with pytest.raises(IntegrityError, match="altered"):
        read_checkpoint(path)
    path.write_text(json.dumps(record))
    weights = path.with_suffix(".safetensors")
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match="altered"):
        read_checkpoint(path)
    weights.unlink()
    with pytest.raises(IntegrityError, match=r"weights step-000007.safetensors are missing"):
        read_checkpoint(path)


def test_the_newest_whole_checkpoint_before_a_damaged_one_is_named(tmp_path: Path) -> None:
    older, path = written(tmp_path, 5), written(tmp_path, 7)
    record = path.read_text()
    path.write_text("{")
    said = "step-000005.json beside it is whole: name that one, or remove step-000007.json and step-000007.safetensors"
    with pytest.raises(IntegrityError, match=said):
        read_checkpoint(tmp_path)
    assert read_checkpoint(older).step == 5
    path.with_suffix(".safetensors").unlink()
    path.write_text(record)
    with pytest.raises(IntegrityError, match=f"missing beside it; {said}"):
        read_checkpoint(tmp_path)
    older.write_text("{")
    with pytest.raises(IntegrityError, match="no older one beside it is whole: train again"):
        read_checkpoint(tmp_path)
    written(tmp_path, 9)
    with pytest.raises(IntegrityError, match="no older one"):
        read_checkpoint(path)


def test_weights_of_another_network_are_named(tmp_path: Path) -> None:
    written(tmp_path, channels=6)
    with pytest.raises(IntegrityError, match=r"another network; 7 tensors differ, first body\.1\.bias"):
        load_network(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weights": 3}', '{"weights": {"file": "step-000007.safetensors"}}'])
def test_other_files_are_no_checkpoint(tmp_path: Path, text: str) -> None:
    path = written(tmp_path)
    path.write_text(text)
    with pytest.raises(IntegrityError, match="not a checkpoint"):
        read_checkpoint(path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(IntegrityError, match="update rainkit"):
        read_checkpoint(path)
