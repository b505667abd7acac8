"""Torch datasets over a corpus: map-style for any loop, and an endless sequence of batches for training.

The sequence is addressed, not advanced: pair number n is a function of (seed, n) alone. So the number of workers cannot
change what a network sees, every rank makes equally many steps, and the state to resume from is one integer.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from rainkit.data.pairs import CorpusPairs, PairSequence, Pool, ReadableCorpus, select_rows
from rainkit.data.prefetch import prefetch
from rainkit.errors import RainkitError, RecipeError

Batch = tuple[Tensor, Tensor]
"""Rainy and clean pictures, uint8 N x 3 x H x W."""

__all__ = [
    "Batch",
    "BatchStream",
    "CorpusDataset",
    "CorpusPairs",
    "PairSequence",
    "Pool",
    "ReadableCorpus",
    "iterate",
    "select_rows",
    "to_tensor",
]


def to_tensor(pixels: NDArray[np.generic]) -> Tensor:
    """Return H x W (x C) pixels as a C x H x W tensor of the same dtype; a copy."""
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return torch.from_numpy(np.array(planes, order="C"))


class CorpusDataset(Dataset[dict[str, Tensor]]):
    """Map-style dataset of a corpus: an item is a dict of member name to uint8 tensor, C x H x W.

    Parameters
    ----------
    corpus : Corpus
        As `rainkit.data.open_corpus` returns it.
    split : str, optional
        Only this split.
    members : sequence of str
        What to decode, such as `("rainy", "clean", "mask")`: pictures and arrays.
    transform : callable, optional
        Applied to each item.

    Raises
    ------
    RecipeError
        If the split has no sample, or a member is no array, such as `json`.
    """

    def __init__(
        self,
        corpus: ReadableCorpus,
        split: str | None = None,
        members: Sequence[str] = ("rainy", "clean"),
        transform: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None,
    ) -> None:
        self.corpus = corpus
        self.rows = select_rows(corpus, split)
        self.members = tuple(members)
        self.transform = transform
        extensions: Mapping[str, str] = getattr(corpus, "members", {})
        for name in self.members:
            if extensions.get(name, "").rpartition(".")[2] == "json":
                raise RecipeError(
                    f"member {name} is no picture or array, and an item holds tensors: read it with "
                    f"corpus.read(row, ({name!r},)), or take its columns from corpus.samples"
                )

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        arrays = self.corpus.read(int(self.rows[index]), self.members)
        item = {name: to_tensor(array) for name, array in arrays.items()}
        return self.transform(item) if self.transform else item


class BatchStream(IterableDataset[Batch]):
    """Batches of a sequence of pairs, shared out over workers and ranks so that each rank makes equally many steps.

    Use it with `DataLoader(stream, batch_size=None, num_workers=...)`: the batches and their order do not depend on the
    number of workers. `state_dict` and `load_state_dict` are what torchdata's StatefulDataLoader calls; a plain loop
    passes the number of its next step as `start` instead.

    Parameters
    ----------
    pairs : PairSequence
        Where pairs come from.
    batch : int
        Pairs a rank sees in a step.
    steps : int
        Number of the step to stop before.
    start : int
        Number of the first step.
    rank, ranks : int
        Which of how many training processes this is.
    """

    def __init__(
        self, pairs: PairSequence, batch: int, steps: int, start: int = 0, *, rank: int = 0, ranks: int = 1
    ) -> None:
        self.pairs, self.batch, self.steps, self.start = pairs, batch, steps, start
        self.rank, self.ranks = rank, ranks
        self._done = 0

    def __len__(self) -> int:
        return max(0, self.steps - self.start)

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        index, count = (worker.id, worker.num_workers) if worker else (0, 1)
        first = self.start + self._done * count + index
        for step in range(first, self.steps, count):
            self._done += 1
            yield self.at(step)
        self._done = 0

    def at(self, step: int) -> Batch:
        """Return the batch of a step: rainy and clean, uint8 N x 3 x H x W.

        Raises
        ------
        RecipeError
            If its pictures are whole and of different size.
        """
        first = (step * self.ranks + self.rank) * self.batch
        drawn = [self.pairs.pair(first + number) for number in range(self.batch)]
        sizes = sorted({rainy.shape[1::-1] for rainy, _ in drawn})
        if len(sizes) > 1:
            words = " and ".join(f"{width} x {height} px" for width, height in sizes[:2])
            raise RecipeError(f"whole pictures of {words} cannot share a batch: choose a patch, or a batch of 1")
        rainy, clean = (np.stack([pair[side] for pair in drawn]).transpose(0, 3, 1, 2) for side in (0, 1))
        return torch.from_numpy(np.ascontiguousarray(rainy)), torch.from_numpy(np.ascontiguousarray(clean))

    def state_dict(self) -> dict[str, int]:
        """Return where this copy of the stream is: batches given out, by this worker where there are several."""
        return {"done": self._done}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue where `state` was taken; with the same number of workers."""
        self._done = state["done"]


def iterate(stream: BatchStream, workers: int = 0, pin: bool = False) -> Generator[Batch, None, None]:
    """Yield the batches of a stream, read ahead by a thread, or by `workers` processes.

    Parameters
    ----------
    stream : BatchStream
        What to read.
    workers : int
        Processes; 0 for one thread in this process, which is enough on a CPU (decoding releases the lock).
    pin : bool
        Whether to place batches in page-locked memory, for copies to a GPU.

    Raises
    ------
    RainkitError
        That of reading, also where a process read.
    """
    if workers:
        try:
            yield from DataLoader(stream, batch_size=None, num_workers=workers, pin_memory=pin, prefetch_factor=4)
        except RainkitError as error:
            # Torch puts the worker's traceback before the words of the error.
            name = f"{type(error).__module__}.{type(error).__qualname__}: "
            raise type(error)(str(error).rpartition(name)[2].strip()) from None
        return
    batches = ((rainy.pin_memory(), clean.pin_memory()) for rainy, clean in stream) if pin else stream
    with contextlib.closing(prefetch(batches, depth=4)) as ready:
        yield from ready
