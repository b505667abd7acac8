"""Draw a corpus again from its manifest, its recipe and its backgrounds, and compare every sample with the manifest.

Nothing is measured, selected or planned anew: the rows of samples.parquet say what each sample was made from, so that
any part of a corpus can be drawn alone, and a corpus can be drawn where only some of its sources are at hand.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rainkit.engines.serial import Serial
from rainkit.errors import BuildError, IntegrityError
from rainkit.files import write_bytes
from rainkit.manifest import add_metadata, metadata_of, write_table
from rainkit.recipe import Recipe, ShardId, parse_shard, shard_path
from rainkit.records import Advance, Background, Engine, Report, quiet
from rainkit.release.checksums import write_checksums
from rainkit.release.clearing import clear_begun
from rainkit.release.describe import write_descriptions
from rainkit.release.locate import Located
from rainkit.release.original import Original, Selection
from rainkit.release.redraw import RedrawTask, redraw_shard
from rainkit.samples.draw import ShardTask
from rainkit.workspace import Workspace, open_workspace

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The outcome.

    Attributes
    ----------
    folder : Path
        The corpus.
    samples, of : int
        Samples drawn, and samples of the manifest.
    shards, bytes : int
        What was written.
    identical, compared : int
        Shards that equal the original byte for byte, and shards that were drawn whole and whose original checksum is
        known.
    differing : tuple of str
        The shards that were compared and have other bytes; every pixel and label in them is as the manifest says.
    checked : bool
        Whether recipe and tables were compared with the manifest's checksums.sha256; False where it has none.
    missing : tuple of str
        "SOURCE:PATH" of backgrounds that were not found.
    already : bool
        Whether the same had been rebuilt before, and nothing was done.
    """

    folder: Path
    samples: int
    of: int
    shards: int = 0
    bytes: int = 0
    identical: int = 0
    compared: int = 0
    differing: tuple[str, ...] = ()
    checked: bool = True
    missing: tuple[str, ...] = ()
    already: bool = False


def rebuild(
    manifest: Path,
    parent: Path,
    sources: Mapping[str, str],
    selection: Selection | None = None,
    *,
    engine: Engine | None = None,
    report: Report = quiet,
) -> Rebuilt:
    """Draw a corpus again, or a part of it.

    Parameters
    ----------
    manifest : Path
        A corpus, with or without its shards, or a release of its manifest.
    parent : Path
        Output folder; the corpus is NAME-VERSION in it.
    sources : mapping of str to str
        Where sources, and rains that read files, lie on this disk, by name. What lies there may have other names and
        another layout: backgrounds are found by content.
    selection : Selection, optional
        Which samples to draw.
    engine : Engine, optional
        Runs the shards; in this process where not given.
    report : callable
        Follows the progress.

    Raises
    ------
    BuildError
        If backgrounds are missing, a component has another version, or the folder cannot be written.
    IntegrityError
        If the manifest is not what its checksums say, has a row that cannot be drawn, or a sample comes out otherwise
        than it says: that shard is not kept, nor is the folder where it was to be the first.
    """
    engine, selection = engine or Serial(), selection or Selection()
    original = Original(manifest, sources)
    rows = original.select(selection)
    folder = _place(original, parent)
    with open_workspace(folder, original.recipe) as work:
        identity = _identify(original, rows, selection)
        if work.complete:
            return _already(work, identity, rows, original)
        located = original.locate(_list_backgrounds(original, rows), engine)
        rows = _leave_out(rows, located, selection, original)
        shards = _group(original.recipe, rows)
        work.begin(identity)
        _draw(work, original, rows, shards, located=located, engine=engine, advance=report("draw", len(rows)))
        done = _commit(work, original, rows, shards, identity)
        work.close()
    return _describe(folder, original, rows, done, located)


def _place(original: Original, parent: Path) -> Path:
    """Return the folder of the corpus, which is never that of the manifest."""
    folder = parent / f"{original.recipe.name}-{original.recipe.version}"
    if folder.resolve() == original.folder.resolve():
        raise BuildError(f"{folder} is the manifest itself; choose another output folder")
    return folder


def _list_backgrounds(original: Original, rows: pa.Table) -> dict[str, Background]:
    return original.backgrounds(set(pc.unique(rows["background_id"]).to_pylist()))


def _draw(
    work: Workspace,
    original: Original,
    rows: pa.Table,
    shards: Mapping[str, list[int]],
    *,
    located: Located,
    engine: Engine,
    advance: Advance,
) -> None:
    """Draw the shards that an earlier rebuild has not left; a manifest that is wrong at the first leaves nothing."""
    backgrounds = _list_backgrounds(original, rows)
    left = [path for path in shards if work.finished(path) is None]
    advance(len(rows) - sum(len(shards[path]) for path in left), "")
    tasks = (_task(work, original, rows.take(pa.array(shards[path])), backgrounds, located) for path in left)
    try:
        for number, count in engine(redraw_shard, tasks):
            advance(count, left[number])
    except IntegrityError:
        clear_begun(work)
        raise


def _describe(
    folder: Path, original: Original, rows: pa.Table, done: Mapping[str, Mapping[str, Any]], located: Located
) -> Rebuilt:
    """Return the outcome: what was written, and how it compares with the original as far as that is known."""
    stated, drawn = Counter(original.table["shard"].to_pylist()), Counter(rows["shard"].to_pylist())
    known = {path: digest for path, digest in original.shard_digests().items() if stated[path] == drawn[path]}
    differing = tuple(path for path, each in done.items() if known.get(path, each["sha256"]) != each["sha256"])
    compared = sum(path in known for path in done)
    return Rebuilt(
        folder=folder, samples=len(rows), of=len(original.table), shards=len(done),
        bytes=sum(each["size"] for each in done.values()), identical=compared - len(differing), compared=compared,
        differing=differing, checked=original.compared,
        missing=tuple(f"{each.source}:{each.path}" for each in located.missing),
    )  # fmt: skip


def _identify(original: Original, rows: pa.Table, selection: Selection) -> str:
    """Return the digest of what is to be drawn, so that an unfinished rebuild of something else is not continued."""
    digest = hashlib.sha256(f"rebuild/{selection.partial}/".encode())
    for key in rows["key"].to_pylist():
        digest.update(f"{key}\n".encode())
    for name in original.schema.names:
        if name.endswith("_digest"):
            digest.update("".join(rows[name].to_pylist()).encode())
    return digest.hexdigest()


def _already(work: Workspace, identity: str, rows: pa.Table, original: Original) -> Rebuilt:
    entries = metadata_of(pq.read_schema(work.folder / "metadata" / "samples.parquet"))
    whole = len(rows) == len(original.table) and "selection" not in entries
    if not whole and entries.get("selection") != identity:
        raise BuildError(f"{work.folder} holds another part of this corpus; choose another output folder")
    count = pq.read_metadata(work.folder / "metadata" / "samples.parquet").num_rows
    return Rebuilt(work.folder, count, len(original.table), checked=original.compared, already=True)


def _leave_out(rows: pa.Table, located: Located, selection: Selection, original: Original) -> pa.Table:
    """Return the rows whose backgrounds were found.

    Raises
    ------
    BuildError
        If backgrounds are missing and the selection is not partial, or nothing is left.
    """
    if not located.missing:
        return rows
    ids = pa.array([background.id for background in located.missing])
    lost = pc.is_in(rows["background_id"], value_set=ids)
    kept = rows.filter(pc.invert(lost))
    if selection.partial and len(kept):
        return kept
    first = ", ".join(f"{each.source}:{each.path}" for each in located.missing[:_SHOWN])
    total = len(pc.unique(rows["background_id"]))
    nowhere = sorted({each.source for each in located.missing} - original.placed)
    hint = "".join(f"; say where it lies with --source {name}=PATH" for name in nowhere)
    raise BuildError(
        f"{len(located.missing)} of {total} backgrounds are not there, so {pc.sum(lost).as_py()} of {len(rows)} "
        f"samples cannot be drawn: {first}{', ...' * (len(located.missing) > _SHOWN)}{hint or '; add them'}, or draw "
        f"the rest with --partial"
    )


def _group(recipe: Recipe, rows: pa.Table) -> dict[str, list[int]]:
    """Return shard -> numbers of its rows, in the order of the manifest.

    Raises
    ------
    IntegrityError
        If a row names a shard that no build would place it in: a manifest does not choose where files are written.
    """
    groups: dict[str, list[int]] = {}
    checked: set[tuple[str, str, int | None]] = set()
    mixed = recipe.shards.by == "split"
    columns = (rows[name].to_pylist() for name in ("shard", "split", "stratum"))
    for number, (path, split, stratum) in enumerate(zip(*columns, strict=True)):
        groups.setdefault(path, []).append(number)
        place = path, split, None if mixed else stratum
        if place not in checked:
            _check_place(recipe, *place)
            checked.add(place)
    return groups


def _check_place(recipe: Recipe, path: str, split: str, stratum: int | None) -> None:
    found = parse_shard(path)
    if found is None or split not in recipe.splits or path != shard_path(recipe, ShardId(split, stratum, found.number)):
        samples = repr(split) if stratum is None else f"stratum {stratum} of {split!r}"
        raise IntegrityError(
            f"the manifest names a shard {path!r} of {samples} that no build of its recipe would write"
        )


def _task(
    work: Workspace, original: Original, rows: pa.Table, backgrounds: Mapping[str, Background], located: Located
) -> RedrawTask:
    stated = rows.to_pylist()
    shard, ids = stated[0]["shard"], {row["background_id"] for row in stated}
    task = ShardTask(
        recipe=work.recipe,
        identity=metadata_of(original.schema).get("fingerprint", ""),
        samples=tuple(original.sample(row) for row in stated),
        backgrounds={name: backgrounds[name] for name in ids},
        pictures={name: located.pictures[name] for name in ids},
        shard=work.folder / shard,
        rows=work.rows(shard),
        name=shard,
    )
    return RedrawTask(task, tuple(stated))


def _commit(
    work: Workspace, original: Original, rows: pa.Table, shards: Mapping[str, list[int]], identity: str
) -> dict[str, dict[str, Any]]:
    """Write the manifest, the card and, last, the checksums; return shard -> its size and digests.

    The rows are those of the original but for offsets and sizes, which another encoder changes.
    """
    done, places = {}, []
    columns = [name for name in original.schema.names if name.endswith(("_offset", "_size"))]
    for path in shards:
        done[path] = work.finished(path) or {}
        places.append(pq.read_table(work.rows(path), columns=columns))
    table = rows.take(pa.array([number for numbers in shards.values() for number in numbers]))
    drawn = pa.concat_tables(places)
    for name in columns:
        position = table.schema.get_field_index(name)
        table = table.set_column(position, table.schema.field(name), drawn[name])
    schema = original.schema
    if len(rows) < len(original.table):
        schema = add_metadata(schema, selection=identity)
    metadata = work.folder / "metadata"
    write_table(metadata / "samples.parquet", schema, table)
    for name in ("backgrounds.parquet", "refused.parquet"):
        write_bytes(metadata / name, (original.folder / "metadata" / name).read_bytes())
    write_bytes(work.folder / "recipe.yaml", original.text)
    write_checksums(work.folder, write_descriptions(work.folder, work.recipe, done))
    return done
