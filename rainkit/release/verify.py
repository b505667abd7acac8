"""Whether a corpus is what it says: files against checksums, shards against the manifest, pixels against digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml
from numpy.typing import NDArray

from rainkit.data.corpus import Corpus
from rainkit.data.stores import open_store
from rainkit.engines import choose_engine
from rainkit.errors import IntegrityError, SourceError
from rainkit.images import pixel_digest
from rainkit.records import Report
from rainkit.release.checking import Problem, ShardCheck, ShardFindings, check_shard, compare_types
from rainkit.release.checksums import CHECKSUMS, belongs, parse_checksums
from rainkit.release.consistency import check_index, check_tables
from rainkit.seeds import Stream

SMALL = 64 << 20
"""Bytes of shards below which starting worker processes (about a second) costs more than it saves."""

Redraw = Callable[[Sequence[Mapping[str, Any]]], Iterable[Mapping[str, NDArray[Any]]]]
"""Draws samples again: rows of the manifest -> for each, in order, the arrays by name of the member."""


@dataclass(slots=True)
class VerifyReport:
    """The outcome of a verification.

    Attributes
    ----------
    address : str
        Folder or address of the corpus.
    corpus : str
        Name and version, as the manifest says.
    checksums : str
        SHA-256 of checksums.sha256, which stands for every byte of the corpus.
    problems : list of Problem
        Every difference, in the order of files.
    counts : dict of str to int
        `files`, `bytes`, `shards`, `samples` checked; `decoded` members; `redrawn` samples.
    notes : list of str
        What could not be looked at, such as further files at an address that cannot be listed.
    """

    address: str
    corpus: str = ""
    checksums: str = ""
    problems: list[Problem] = field(default_factory=list)
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("files", "bytes", "shards", "samples", "decoded", "redrawn"), 0)
    )
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether there is no difference."""
        return not self.problems

    def add(self, kind: str, file: str, detail: str, sample: str = "") -> None:
        """Note a difference."""
        self.problems.append(Problem(kind, file, sample, detail))

    def first_of_each_kind(self) -> list[Problem]:
        """Return the first problem of each kind."""
        first: dict[str, Problem] = {}
        for problem in self.problems:
            first.setdefault(problem.kind, problem)
        return list(first.values())

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        return {"ok": self.ok, **asdict(self)}


def verify(
    address: str | Path,
    *,
    deep: bool = False,
    redraw: Redraw | None = None,
    redraws: int = 16,
    seed: int = 0,
    jobs: int | None = None,
    report: Report | None = None,
    **options: Any,
) -> VerifyReport:
    """Check a corpus, a release of manifests alone, or either at a remote address.

    Parameters
    ----------
    address : str or Path
        Folder, or any address that fsspec opens.
    deep : bool
        Decode every picture and array and compare it with its digest; check the md5 of the indexes.
    redraw : callable, optional
        Draws samples again from their backgrounds; see `Redraw`.
    redraws : int
        How many samples are drawn again, chosen at random.
    seed : int
        Of that choice.
    jobs : int, optional
        Processes; without it, one per processor, or this one alone for a small corpus.
    report : callable, optional
        Follows the progress.
    **options
        Passed to the file system of an address.

    Returns
    -------
    VerifyReport
        Differences are in the report; they are not raised.

    Raises
    ------
    SourceError
        If there is nothing at the address, or what is there is no corpus.
    """
    corpus = Corpus(open_store(address, **options))
    outcome = VerifyReport(corpus.address)
    listed = _read_checksums(corpus, outcome)
    tables = _read_tables(corpus, outcome)
    shards = tables["samples"]["shard"].unique().to_pylist() if "samples" in tables else []
    # Checksums that list no shard at all were written for a release of manifests alone.
    virtual = listed is not None and not any(path in listed for path in shards)
    _check_presence(corpus, listed, shards, virtual, outcome)
    _check_files(corpus, listed or {}, set(shards), outcome)
    if "samples" not in tables:
        return outcome
    outcome.problems += check_tables(tables)
    if virtual:
        outcome.notes.append("a release of manifests alone: there are no shards to check")
    else:
        tasks = _list_tasks(corpus, shards, listed or {}, deep)
        findings = _check_shards(corpus, shards, tasks, jobs, report)
        _collect(findings, listed or {}, outcome)
        outcome.problems += check_index(corpus, {each.path: each for each in findings})
    if redraw is not None:
        _check_redrawn(corpus, redraw, redraws, seed, outcome)
    return outcome


def _read_checksums(corpus: Corpus, outcome: VerifyReport) -> dict[str, str] | None:
    """Return path -> SHA-256, None where the file is missing or malformed."""
    try:
        data = bytes(corpus.store.read(CHECKSUMS))
    except SourceError as error:
        outcome.add("incomplete", CHECKSUMS, f"{error}; a build writes it last: run the build again to finish it")
        return None
    outcome.checksums = hashlib.sha256(data).hexdigest()
    try:
        return parse_checksums(data.decode("utf-8", "backslashreplace"))
    except IntegrityError as error:
        outcome.add("changed", CHECKSUMS, str(error))
        return None


def _read_tables(corpus: Corpus, outcome: VerifyReport) -> dict[str, pa.Table]:
    """Return the tables of the manifest that can be read."""
    tables: dict[str, pa.Table] = {}
    for kind in ("samples", "backgrounds", "refused"):
        try:
            tables[kind] = getattr(corpus, kind)
        except IntegrityError as error:
            outcome.add("manifest", f"metadata/{kind}.parquet", str(error))
        except SourceError as error:
            if kind == "samples" and not outcome.checksums:
                raise
            outcome.add("missing", f"metadata/{kind}.parquet", str(error))
    if "samples" in tables:
        outcome.corpus = corpus.metadata.get("corpus", "")
        outcome.counts["samples"] = tables["samples"].num_rows
        _check_recipe(corpus, outcome)
    return tables


def _check_recipe(corpus: Corpus, outcome: VerifyReport) -> None:
    """Compare the name of the recipe with that in the manifest."""
    try:
        name = f"{corpus.recipe.get('name')}-{corpus.recipe.get('version')}"
    except SourceError as error:
        outcome.add("missing", "recipe.yaml", str(error))
    except (IntegrityError, yaml.YAMLError) as error:
        outcome.add("manifest", "recipe.yaml", f"recipe.yaml cannot be read: {error}")
    else:
        if name != outcome.corpus:
            outcome.add("manifest", "recipe.yaml", f"the recipe is of {name}, the manifest of {outcome.corpus}")


def _check_presence(
    corpus: Corpus, listed: dict[str, str] | None, shards: Sequence[str], virtual: bool, outcome: VerifyReport
) -> None:
    """Compare the files that are there, those that are listed, and the shards of the manifest."""
    there = corpus.store.list_files()
    if there is None:
        outcome.notes.append("the address cannot be listed, so further files would not be seen")
    elif listed is not None:
        for path in sorted(path for path in there if belongs(path) and path not in listed):
            outcome.add("extra", path, f"{path} is not in {CHECKSUMS}")
    if listed is None or virtual:
        return
    for path in shards:
        if path not in listed:
            outcome.add("manifest", path, f"{path} is named by the manifest and not in {CHECKSUMS}")
    for path in sorted(set(listed) - set(shards)):
        if path.startswith("data/") and path.endswith(".tar"):
            outcome.add("manifest", path, f"{path} is a shard of which the manifest names no sample")


def _check_files(corpus: Corpus, listed: dict[str, str], shards: set[str], outcome: VerifyReport) -> None:
    """Hash every listed file but the shards, which are hashed as they are checked."""
    known = {digest: path for path, digest in listed.items()}
    for path, digest in sorted(listed.items()):
        if path in shards:
            continue
        try:
            data = corpus.store.read(path)
        except SourceError as error:
            outcome.add("missing", path, str(error))
            continue
        outcome.counts["files"] += 1
        outcome.counts["bytes"] += len(data)
        actual = hashlib.sha256(data).hexdigest()
        if actual != digest:
            outcome.add("changed", path, _describe_change(path, digest, actual, known))


def _describe_change(path: str, stated: str, actual: str, known: Mapping[str, str]) -> str:
    other = known.get(actual)
    swapped = f"; these are the bytes of {other}: the files were swapped or renamed" if other else ""
    return f"{path} has SHA-256 {actual}, {CHECKSUMS} says {stated}{swapped}"


def _list_tasks(corpus: Corpus, shards: Sequence[str], listed: dict[str, str], deep: bool) -> Iterator[ShardCheck]:
    """Yield a task for each shard with its rows of the manifest, copied: a slice would pickle as the whole table."""
    encoded = corpus.samples["shard"].combine_chunks().dictionary_encode()
    order = np.argsort(encoded.indices.to_numpy(), kind="stable")
    bounds = np.searchsorted(encoded.indices.to_numpy()[order], np.arange(len(encoded.dictionary) + 1))
    numbers = {path: number for number, path in enumerate(encoded.dictionary.to_pylist())}
    for path in shards:
        first, last = bounds[numbers[path]], bounds[numbers[path] + 1]
        rows = corpus.samples.take(pa.array(order[first:last]))
        yield ShardCheck(corpus.store, path, listed.get(path, ""), rows, corpus.members, deep)


def _check_shards(
    corpus: Corpus, shards: Sequence[str], tasks: Iterator[ShardCheck], jobs: int | None, report: Report | None
) -> list[ShardFindings]:
    """Return what is found in each shard, in the order of the manifest."""
    total = sum(pc.sum(corpus.samples[f"{name}_size"]).as_py() or 0 for name in corpus.members)
    workers = jobs or (1 if total < SMALL else None)
    advance = report("verify", len(shards)) if report else lambda count, word: None
    found: dict[int, ShardFindings] = {}
    for index, findings in choose_engine(workers=workers)(check_shard, tasks):
        found[index] = findings
        advance(1, findings.path)
    return [found[index] for index in range(len(shards))]


def _collect(findings: Sequence[ShardFindings], listed: dict[str, str], outcome: VerifyReport) -> None:
    """Put what was found in the shards into the report, and compare the shards with one another."""
    known = {digest: path for path, digest in listed.items()}
    types: dict[str, str] = {}
    for each in findings:
        outcome.notes += each.notes
        outcome.counts["files"] += bool(each.sha256)
        outcome.counts["shards"] += bool(each.sha256)
        outcome.counts["bytes"] += each.size
        outcome.counts["decoded"] += each.decoded
        for problem in each.problems:
            if problem.kind == "changed":
                detail = _describe_change(each.path, listed[each.path], each.sha256, known)
                outcome.add("changed", each.path, detail)
            else:
                outcome.problems.append(problem)
        if each.types and types:
            try:
                compare_types(each.types, types, "the shards before")
            except IntegrityError as error:
                outcome.add("labels", each.path, f"{each.path}, its labels: {error}")
        types = types or each.types


def _check_redrawn(corpus: Corpus, redraw: Redraw, count: int, seed: int, outcome: VerifyReport) -> None:
    """Draw random samples again and compare their digests with the manifest."""
    chosen = np.sort(Stream(seed, "verify").permutation(len(corpus))[:count])
    rows = corpus.samples.take(pa.array(chosen)).to_pylist()
    for row, arrays in zip(rows, redraw(rows), strict=True):
        outcome.counts["redrawn"] += 1
        for name in corpus.members:
            stated = row.get(f"{name}_digest")
            if stated is None:
                continue
            digest = pixel_digest(arrays[name]) if name in arrays else "nothing"
            if digest != stated:
                detail = (
                    f"{name} of sample {row['key']}, drawn again, has pixel digest {digest}, the manifest says {stated}"
                )
                outcome.add("redraw", row["shard"], detail, row["key"])


def write_report(outcome: VerifyReport, path: Path) -> None:
    """Write a report as JSON; `checksums` in it names the exact bytes that were checked, so it can be signed as it is.

    Raises
    ------
    BuildError
        If the file cannot be written.
    """
    from rainkit.files import write_bytes  # noqa: PLC0415 - the only use

    write_bytes(path, (json.dumps(outcome.to_dict(), indent=2, ensure_ascii=False) + "\n").encode())
