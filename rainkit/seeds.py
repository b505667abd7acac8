"""The only maker of random numbers.

A `Stream` is addressed, not advanced: it is a function of a seed and a path of names, so any sample can be drawn alone,
in any order, by any worker. It is built on the raw output of the Philox 4x64 counter-based generator [1]_; NumPy
promises those bits and not the streams of its distributions (NEP 19), so the few distributions that rainkit needs are
derived here from the bits by integer arithmetic and by additions and multiplications of doubles, which IEEE 754 makes
equal everywhere.

References
----------
.. [1] J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import bisect
import functools
import hashlib
import json
import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 4
"""Words that Philox 4x64 makes from one value of its counter."""
_LOG_BITS = 12
_FIXED = 40
# -ln((i + 1) / 4096) in 2^-40: Python's math.log is within one unit of the last place, far below half a step.
_LOG_TABLE: NDArray[np.int64] = np.array(
    [0] + [round(math.log1p(i / (1 << _LOG_BITS)) * (1 << _FIXED)) for i in range(1, (1 << _LOG_BITS) + 1)],
    dtype=np.int64,
)
_LN2 = round(math.log(2.0) * (1 << _FIXED))


def derive(seed: int, *path: str | int) -> int:
    """Return the 128-bit key of a path of names under a seed.

    Parameters
    ----------
    seed : int
        Seed of the recipe.
    *path : str or int
        Names, outermost first; `("rain", "a")` and `("raina",)` are different paths.
    """
    text = f"[{','.join([str(seed), *map(_literal, path)])}]"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")


def _literal(part: str | int) -> str:
    """Return a part of a path as JSON; most are plain words, which need no encoder."""
    if isinstance(part, int):
        return str(int(part))
    plain = part.isascii() and part.isprintable() and '"' not in part and "\\" not in part
    return f'"{part}"' if plain else json.dumps(part)


def share(seed: int, *path: str | int) -> float:
    """Return a number in [0, 1) that depends on seed and path alone, a multiple of 2^-53."""
    return (derive(seed, *path) >> 75) * 2.0**-53


def _span(low: int, high: int) -> int:
    """Return how many integers lie in [low, high); raise ValueError unless there are 1 to 2^31."""
    if not 0 < high - low <= 2**31:
        raise ValueError(f"integers needs 0 < high - low <= 2**31, not {high - low}")
    return high - low


@functools.lru_cache(maxsize=256)
def _edges(weights: tuple[float, ...]) -> tuple[int, ...]:
    """Return where each weight but the first begins, of 2^53; raise ValueError if the weights are impossible."""
    total = math.fsum(weights)
    if not weights or min(weights) < 0 or not math.isfinite(total) or total <= 0:
        raise ValueError(f"weights must be finite, not negative, and not all zero: {list(weights)}")
    return tuple(round(math.fsum(weights[: i + 1]) / total * 2**53) for i in range(len(weights) - 1))


class _Engine(threading.local):
    """One Philox generator per thread, which every stream sets to its own key and counter before it draws."""

    def __init__(self) -> None:
        self.philox = np.random.Philox(key=np.zeros(2, dtype=np.uint64))
        # Lists of Python's integers are set several times faster than arrays, whose elements are boxed one by one.
        self.counter = [0, 0, 0, 0]
        self.inner: dict[str, Sequence[int]] = {"counter": self.counter, "key": (0, 0)}
        self.state: Any = {
            "bit_generator": "Philox", "state": self.inner, "buffer": [0] * _BLOCK, "buffer_pos": _BLOCK,
            "has_uint32": 0, "uinteger": 0,
        }  # fmt: skip

    def seek(self, key: tuple[int, int], block: int) -> None:
        """Make the next word the first of a block; counters of a stream stay below 2^64."""
        self.counter[0] = block
        self.inner["key"] = key
        self.philox.state = self.state


_ENGINE = _Engine()


class Stream:
    """Random numbers addressed by (seed, path).

    Parameters
    ----------
    seed : int
        Any integer.
    *path : str or int
        Names that lead to this stream.

    Examples
    --------
    >>> Stream(1, "rain", "a").integers(0, 100, 3).tolist() == Stream(1, "rain", "a").integers(0, 100, 3).tolist()
    True
    """

    __slots__ = ("_block", "_four", "_key", "_path", "_position", "_seed")

    def __init__(self, seed: int, *path: str | int) -> None:
        self._seed = seed
        self._path = path
        self._position = 0
        self._key: tuple[int, int] | None = None
        self._block = -1
        self._four: list[int] = []

    def _halves(self) -> tuple[int, int]:
        """Return the key as two words."""
        if self._key is None:
            key = derive(self._seed, *self._path)
            self._key = key & (2**64 - 1), key >> 64
        return self._key

    def _word(self) -> int:
        """Return the next word; single ones come from a block that is kept, without arrays."""
        block, place = divmod(self._position, _BLOCK)
        if block != self._block:
            _ENGINE.seek(self._halves(), block)
            self._four = _ENGINE.philox.random_raw(_BLOCK).tolist()
            self._block = block
        self._position += 1
        return self._four[place]

    def __repr__(self) -> str:
        return f"Stream({', '.join(repr(part) for part in (self._seed, *self._path))})"

    def child(self, *path: str | int) -> Stream:
        """Return the stream below this one; independent of how much was drawn from this one."""
        return Stream(self._seed, *self._path, *path)

    def bits(self, count: int) -> NDArray[np.uint64]:
        """Return the next `count` raw 64-bit words, shape (count,), dtype uint64."""
        block, done = divmod(self._position, _BLOCK)
        self._position += count
        # Setting the state of one generator costs a tenth of making another; the words are the same.
        _ENGINE.seek(self._halves(), block)
        return np.asarray(_ENGINE.philox.random_raw(done + count), dtype=np.uint64)[done:]

    def skip(self, count: int) -> None:
        """Pass over the next `count` words."""
        self._position += count

    def uniform(self, count: int, low: float = 0.0, high: float = 1.0) -> NDArray[np.float64]:
        """Return `count` doubles in [low, high): multiples of 2^-53 of the span, shape (count,)."""
        unit = (self.bits(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return np.asarray(low + unit * (high - low))

    def integers(self, low: int, high: int, count: int) -> NDArray[np.int64]:
        """Return `count` integers in [low, high), shape (count,), dtype int64.

        The high 32 bits of a word times the span, shifted: the bias is below span / 2^32.

        Raises
        ------
        ValueError
            If `high <= low` or the span exceeds 2^31.
        """
        span = np.uint64(_span(low, high))
        words = self.bits(count) >> np.uint64(32)
        return ((words * span) >> np.uint64(32)).astype(np.int64) + low

    def integer(self, low: int, high: int) -> int:
        """Return one integer in [low, high), the next of `integers`.

        Raises
        ------
        ValueError
            If `high <= low` or the span exceeds 2^31.
        """
        return low + ((self._word() >> 32) * _span(low, high) >> 32)

    def number(self, low: float = 0.0, high: float = 1.0) -> float:
        """Return one double in [low, high), the next of `uniform`."""
        return low + (self._word() >> 11) * 2.0**-53 * (high - low)

    def choice(self, weights: Sequence[float], count: int) -> NDArray[np.int64]:
        """Return `count` indices into `weights`, drawn in proportion to them, shape (count,), dtype int64.

        Raises
        ------
        ValueError
            If there is no positive weight, or one is negative or not finite.
        """
        edges = np.array(_edges(tuple(weights)), dtype=np.int64)
        words = (self.bits(count) >> np.uint64(11)).astype(np.int64)
        return np.searchsorted(edges, words, side="right").astype(np.int64)

    def index(self, weights: Sequence[float]) -> int:
        """Return one index into `weights`, the next of `choice`; it raises what `choice` raises."""
        return bisect.bisect_right(_edges(tuple(weights)), self._word() >> 11)

    def permutation(self, count: int) -> NDArray[np.int64]:
        """Return the integers below `count` in random order, shape (count,), dtype int64."""
        return np.argsort(self.bits(count), kind="stable").astype(np.int64)

    def normal(self, count: int, mean: float = 0.0, deviation: float = 1.0) -> NDArray[np.float64]:
        """Return `count` nearly normal doubles, shape (count,).

        The sum of twelve uniform integers (Irwin-Hall): exact arithmetic, |z| <= 6, excess kurtosis -0.1.
        """
        words = (self.bits(6 * count)).reshape(6, count)
        halves = (words >> np.uint64(32)).astype(np.int64) + (words & np.uint64(0xFFFFFFFF)).astype(np.int64)
        total = halves.sum(axis=0, dtype=np.int64) - 6 * (2**32 - 1)
        return np.asarray(mean + deviation * (total.astype(np.float64) * 2.0**-32))

    def deviate(self, mean: float = 0.0, deviation: float = 1.0) -> float:
        """Return one nearly normal double, the next of `normal`."""
        words = [self._word() for _ in range(6)]
        total = sum((word >> 32) + (word & 0xFFFFFFFF) for word in words) - 6 * (2**32 - 1)
        return mean + deviation * (total * 2.0**-32)

    def exponential(self, count: int) -> NDArray[np.float64]:
        """Return `count` doubles from the unit exponential distribution, multiples of 2^-40, shape (count,).

        -ln(u) by an integer table with linear interpolation, because vectorised logarithms differ between processors.
        The interpolation is exact to 8e-9.
        """
        words = (self.bits(count) >> np.uint64(12)).astype(np.int64) + 1  # 1 .. 2^52
        # u = words / 2^52 = m * 2^e with m in [1, 2): frexp is exact.
        mantissa, exponent = np.frexp(words.astype(np.float64))
        fraction = ((mantissa * 2.0 - 1.0) * (1 << 52)).astype(np.int64)
        index = fraction >> (52 - _LOG_BITS)
        rest = (fraction & ((1 << (52 - _LOG_BITS)) - 1)) >> 20  # 20 bits
        low = _LOG_TABLE[index]
        log_mantissa = low + (((_LOG_TABLE[index + 1] - low) * rest) >> 20)
        fixed = (53 - exponent.astype(np.int64)) * _LN2 - log_mantissa
        return np.asarray(np.maximum(fixed, 0).astype(np.float64) * 2.0**-_FIXED)

    def gamma(self, shape: int, count: int) -> NDArray[np.float64]:
        """Return `count` doubles from the gamma distribution of whole `shape` and unit scale, shape (count,)."""
        return np.asarray(self.exponential(shape * count).reshape(shape, count).cumsum(axis=0)[-1])

    def generator(self) -> np.random.Generator:
        """Return a NumPy generator on this path, for libraries that want one; its distributions may change."""
        return np.random.Generator(np.random.Philox(key=np.array(self._halves(), dtype=np.uint64)))
