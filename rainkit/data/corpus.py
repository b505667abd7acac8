"""A corpus read back: its table, and any sample at random through the offsets in the manifest."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml
from numpy.typing import NDArray

from rainkit.data.members import decode_member
from rainkit.data.stores import LocalStore, Store, open_store
from rainkit.errors import IntegrityError, SourceError
from rainkit.manifest import TableKind, members_of, metadata_of, read_table

if TYPE_CHECKING:
    import pandas

GAP = 65536
"""Bytes between two wanted members that a remote read fetches rather than asks twice."""


class Corpus:
    """A corpus on this machine or at an address; nothing but the manifest is read before a sample is asked for.

    A corpus pickles as its address and opens again where it is unpickled. Reads are safe in threads, in forked
    processes and in the workers of a DataLoader.

    Parameters
    ----------
    store : Store
        Where the files lie.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def __getstate__(self) -> dict[str, Any]:
        return {"store": self.store}

    def __repr__(self) -> str:
        return f"Corpus({self.store.address!r})"

    def __len__(self) -> int:
        return int(self.samples.num_rows)

    @property
    def address(self) -> str:
        """Folder or address of the corpus."""
        return self.store.address

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """The resolved recipe, as plain values."""
        found = yaml.safe_load(bytes(self.store.read("recipe.yaml")))
        if not isinstance(found, dict):
            raise IntegrityError(f"recipe.yaml in {self.address} is not a mapping")
        return found

    @cached_property
    def samples(self) -> pa.Table:
        """`metadata/samples.parquet`: one row a sample, columns as `docs/manifest.md` lists them."""
        return self._read_table("samples")

    @cached_property
    def backgrounds(self) -> pa.Table:
        """`metadata/backgrounds.parquet`: one row an admitted picture."""
        return self._read_table("backgrounds")

    @cached_property
    def refused(self) -> pa.Table:
        """`metadata/refused.parquet`: one row a picture that was not admitted."""
        return self._read_table("refused")

    def _read_table(self, kind: TableKind) -> pa.Table:
        path = f"metadata/{kind}.parquet"
        try:
            data = self.store.read(path)
        except SourceError as error:
            raise SourceError(f"{self.address} is not a corpus, or its build is not finished: {error}") from error
        try:
            return read_table(io.BytesIO(data), kind)
        except IntegrityError as error:
            raise IntegrityError(f"{self.address}/{path}: {error}") from error

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits, in the order of the manifest."""
        return tuple(self.samples["split"].unique().to_pylist())

    @cached_property
    def members(self) -> dict[str, str]:
        """Name of each member -> its extension, such as {"rainy": "rainy.png", "json": "json"}."""
        return members_of(self.samples.schema)

    @cached_property
    def metadata(self) -> dict[str, str]:
        """What the manifest says of itself, such as `corpus` and `schema_version`."""
        return metadata_of(self.samples.schema)

    def table(self) -> pandas.DataFrame:
        """Return the samples as a pandas data frame."""
        frame: pandas.DataFrame = self.samples.to_pandas()
        return frame

    def rows(self, split: str | None = None) -> NDArray[np.int64]:
        """Return the row numbers of a split, or of all samples, ascending.

        Raises
        ------
        SourceError
            If there is no such split.
        """
        if split is None:
            return np.arange(len(self), dtype=np.int64)
        if split not in self.splits:
            raise SourceError(f"{self.address} has no split {split!r}: it has {', '.join(self.splits)}")
        return np.flatnonzero(pc.equal(self.samples["split"], split).to_numpy())

    def row_of(self, key: str) -> int:
        """Return the row number of a key.

        Raises
        ------
        SourceError
            If there is no such sample.
        """
        try:
            return self._row_by_key[key]
        except KeyError:
            raise SourceError(f"{self.address} has no sample {key!r}") from None

    @cached_property
    def _row_by_key(self) -> dict[str, int]:
        return {key: row for row, key in enumerate(self.samples["key"].to_pylist())}

    @cached_property
    def _shards(self) -> tuple[list[str], list[int]]:
        """Paths of the shards, and the number of its shard for each row."""
        encoded = self.samples["shard"].combine_chunks().dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        return encoded.dictionary.to_pylist(), encoded.indices.to_pylist()

    @cached_property
    def _places(self) -> dict[str, tuple[list[int], list[int]]]:
        """Offsets and sizes of each member by row; lists, because one element of them costs less than of an array."""
        columns = self.samples
        return {
            name: (columns[f"{name}_offset"].to_pylist(), columns[f"{name}_size"].to_pylist()) for name in self.members
        }

    def _choose(self, members: Sequence[str] | None) -> Sequence[str]:
        if members is None:
            return tuple(self.members)
        for name in members:
            if name not in self.members:
                raise SourceError(f"{self.address} has no member {name!r}: it has {', '.join(self.members)}")
        return members

    def read_bytes(self, row: int | str, members: Sequence[str] | None = None) -> dict[str, memoryview]:
        """Return members of a sample as they are stored; parameters and errors as for `read`."""
        row = self.row_of(row) if isinstance(row, str) else row
        names = self._choose(members)
        shards, numbers = self._shards
        if not 0 <= row < len(numbers):  # a negative one would be taken for a row from the end
            raise SourceError(f"{self.address} has no row {row}: it has {len(numbers)} samples, numbered from 0")
        path, places = shards[numbers[row]], self._places
        spans = {name: (places[name][0][row], places[name][1][row]) for name in names}
        try:
            if isinstance(self.store, LocalStore):
                return {name: self.store.read_range(path, *span) for name, span in spans.items()}
            return _fetch(self.store, path, spans)
        except SourceError as error:
            if self._lists(path):
                raise
            raise SourceError(
                f"{self.address} is a release of the manifest alone, without pictures: draw them with `rainkit "
                "rebuild`, or while a network trains with `rainkit train --live`"
            ) from error

    def _lists(self, path: str) -> bool:
        """Return whether the corpus says that it has a file; one that lists none may have it."""
        try:
            listed = bytes(self.store.read("checksums.sha256")).decode(errors="replace")
        except SourceError:
            return True
        return path in listed

    def read(self, row: int | str, members: Sequence[str] | None = None) -> dict[str, Any]:
        """Return members of a sample, decoded.

        Parameters
        ----------
        row : int or str
            Row number in `samples`, from 0 to `len(corpus) - 1`, or key. A negative number is no row: one that was
            computed wrongly must not give a sample from the end.
        members : sequence of str, optional
            Which, such as `("rainy", "clean")`; all without it.

        Returns
        -------
        dict
            Name of the member -> uint8 array H x W x 3 (RGB) or H x W for pictures, an array for `.npy`, a dict for
            JSON.

        Raises
        ------
        SourceError
            If there is no such sample or member, or its shard cannot be read.
        IntegrityError
            If the bytes are not what the manifest says.
        """
        data = self.read_bytes(row, members)
        return {
            name: decode_member(self.members[name], content, f"member {name} of sample {row} in {self.address}")
            for name, content in data.items()
        }

    def iterate(
        self, split: str | None = None, members: Sequence[str] | None = None
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (key, members) of every sample in the order of the shards; parameters as for `rows` and `read`."""
        keys = self.samples["key"]
        for row in self.rows(split).tolist():
            yield keys[row].as_py(), self.read(row, members)


def _fetch(store: Store, path: str, spans: Mapping[str, tuple[int, int]]) -> dict[str, memoryview]:
    """Return spans of a file that lies far away: neighbours in one request."""
    found: dict[str, memoryview] = {}
    group: list[str] = []
    start = end = -GAP - 1

    def close() -> None:
        if group:
            data = store.read_range(path, start, end - start)
            found.update({name: data[spans[name][0] - start :][: spans[name][1]] for name in group})

    for name in sorted(spans, key=lambda name: spans[name]):
        offset, size = spans[name]
        if offset - end > GAP:
            close()
            group, start, end = [], offset, offset
        group.append(name)
        end = max(end, offset + size)
    close()
    return {name: found[name] for name in spans}


def open_corpus(address: str | Path, **options: Any) -> Corpus:
    """Open a corpus that `rainkit build` wrote.

    Parameters
    ----------
    address : str or Path
        Its folder, or any address that fsspec opens: `https://...` (the server must answer range requests),
        `s3://...`, `hf://...`, `memory://...`.
    **options
        Passed to the file system of an address, such as `anon=True` for S3.

    Returns
    -------
    Corpus

    Raises
    ------
    SourceError
        If there is no corpus.
    IntegrityError
        If its manifest is damaged, of a newer version, or has paths that leave the corpus.

    Examples
    --------
    >>> corpus = open_corpus("corpora/quickstart-1.0.0")  # doctest: +SKIP
    >>> corpus.read(0, ("rainy", "clean"))["rainy"].shape  # doctest: +SKIP
    (128, 128, 3)
    """
    corpus = Corpus(open_store(address, **options))
    _ = corpus.samples  # a wrong address is told here and not at the first sample
    return corpus
