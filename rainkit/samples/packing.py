"""Which samples a shard holds: a run of the samples of a split, or of one stratum of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rainkit.recipe.naming import ShardId


@dataclass(frozen=True, slots=True)
class Turns:
    """Where some of the samples of a split come: the same places of every period.

    Attributes
    ----------
    period : int
        Length of a period, in samples of the split.
    places : int64 array (N,)
        Places of a period, 0 <= place < period, ascending; at least one.
    """

    period: int
    places: NDArray[np.int64]

    def indices(self, start: int, stop: int) -> NDArray[np.int64]:
        """Return the index in the split of those numbered `start <= number < stop` among these samples, ascending."""
        number = np.arange(start, stop, dtype=np.int64)
        return number // len(self.places) * self.period + self.places[number % len(self.places)]

    def count(self, samples: int) -> int:
        """Return how many of these are among the first `samples` of the split."""
        periods, rest = divmod(samples, self.period)
        return periods * len(self.places) + int(np.searchsorted(self.places, rest))


EVERY = Turns(1, np.zeros(1, dtype=np.int64))
"""Every sample of a split."""


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """The samples that one task draws: those numbered `start <= number < stop` of a split, or of a stratum of it.

    Attributes
    ----------
    id : ShardId
        The shard.
    start, stop : int
        Numbers among the samples of the split where shards mix strata, else among those of the stratum.
    """

    id: ShardId
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start
