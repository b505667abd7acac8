"""Memory that is used again from picture to picture, because fresh pages cost more than the arithmetic on them."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

LARGEST = 1 << 26
"""Bytes above which memory is not kept."""


class _Kept(threading.local):
    def __init__(self) -> None:
        self.blocks: dict[str, NDArray[np.uint8]] = {}


_KEPT = _Kept()


def borrow(name: str, shape: tuple[int, ...], dtype: DTypeLike, *, zero: bool = False) -> NDArray[Any]:
    """Return an array whose memory the next call with the same name in this thread takes again.

    Parameters
    ----------
    name : str
        Who borrows; one array of a name is in use at a time, and none leaves the function that borrowed it.
    shape : tuple of int
        Shape of the array.
    dtype : dtype
        Type of its numbers.
    zero : bool
        Whether it is filled with zeros; otherwise it holds whatever was there.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    block = _KEPT.blocks.get(name)
    if block is None or block.size < size:
        block = np.empty(size, dtype=np.uint8)
        if size <= LARGEST:
            _KEPT.blocks[name] = block
    array = block[:size].view(dtype).reshape(shape)
    if zero:
        array.fill(0)
    return array
