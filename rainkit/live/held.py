"""Decoded backgrounds, kept in memory up to a number of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rainkit.records import Background, Picture
from rainkit.samples.draw import Decoded, read_background


class HeldBackgrounds:
    """Backgrounds by id, decoded when they are first asked for; the ones used longest ago make room for others.

    It pickles without the pictures that it holds. Threads may share it.

    Parameters
    ----------
    backgrounds, pictures : mapping
        Id to the background, and to how it is read.
    capacity : int
        Bytes of pixels to hold; one background is held whatever its size.
    """

    def __init__(self, backgrounds: Mapping[str, Background], pictures: Mapping[str, Picture], capacity: int) -> None:
        self.backgrounds, self.pictures, self.capacity = backgrounds, pictures, capacity
        self._empty()

    def _empty(self) -> None:
        self.size = 0
        self.decoded = 0
        self._held: OrderedDict[str, Decoded] = OrderedDict()
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"backgrounds": self.backgrounds, "pictures": self.pictures, "capacity": self.capacity}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._empty()

    def get(self, name: str) -> Decoded:
        """Return pixels and depth map (or None) of a background.

        Raises
        ------
        SourceError
            If it cannot be read any more, or has other pixels than the manifest says.
        """
        with self._lock:
            found = self._held.get(name)
            if found is not None:
                self._held.move_to_end(name)
                return found
        # Outside the lock: two threads may decode one picture twice, none waits for another's.
        found = read_background(self.backgrounds[name], self.pictures[name])
        with self._lock:
            self.decoded += 1
            if name not in self._held:
                self._held[name] = found
                self.size += _bytes(found)
            while self.size > self.capacity and len(self._held) > 1:
                self.size -= _bytes(self._held.popitem(last=False)[1])
        return found

    def fill(self, threads: int) -> int:
        """Decode as many backgrounds as there is room for, and return how many are held.

        Parameters
        ----------
        threads : int
            Decoders at a time; decoding releases the interpreter's lock.
        """
        names, room = [], self.capacity - self.size
        for name, background in self.backgrounds.items():
            # What a depth map takes is not known before it is read: then the last ones make room again.
            room -= background.width * background.height * 3 * (name not in self._held)
            if room < 0:
                break
            names.append(name)
        with ThreadPoolExecutor(max_workers=max(threads, 1)) as pool:
            for _ in pool.map(self.get, names):
                pass
        return len(self._held)


def _bytes(decoded: Decoded) -> int:
    return decoded[0].nbytes + (decoded[1].nbytes if decoded[1] is not None else 0)
