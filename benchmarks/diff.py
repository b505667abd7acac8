"""`rainkit diff` of two manifests of a million rows, beside a merge in pandas and a join in DuckDB.

    python benchmarks/diff.py [--rows 1000000] [--repeats 3]

Of the newer manifest's rows 1 % are gone, 1 % are new, 1 % have other pixels, 1 % another stratum, and every file has
another size. Each contender runs in a process of its own, interleaved; the peak of its
resident memory is that of the process. The merge finds the rows that are gone or new and the columns that differ, which
is a part of what a diff says.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import click
import numpy as np
import pyarrow as pa

from rainkit.manifest import add_metadata, has_pixels, member_column, number_field, samples_schema, write_table

MEMBERS = ("rainy.png", "clean.png", "rain.png", "mask.png", "json")
ESTIMATORS = ("gradient_entropy", "jpeg_ratio", "frequency_energy")
PARAMETERS = '{"angle": %d, "count": 1234, "length": 27, "opacity": 201, "thickness": 3, "wind": -4}'
CONTENDERS = {
    "rainkit": "from pathlib import Path; from rainkit.release.diff import diff; d = diff(Path(A), Path(B)); "
    "print(d.added.count, d.removed.count, d.pixels.count, d.strata.count)",
    "pandas": "import pandas; a, b = pandas.read_parquet(A), pandas.read_parquet(B); "
    "m = a.merge(b, on='key', how='outer', suffixes=('', '_b'), indicator=True); k = m[m._merge == 'both']; "
    "d = {c: (k[c] != k[c + '_b']).sum() for c in a.columns if c != 'key'}; "
    "print((m._merge == 'right_only').sum(), (m._merge == 'left_only').sum(), d['rainy_digest'], d['stratum'])",
    "duckdb": "import duckdb; duckdb.sql('SET threads = 1; SET enable_progress_bar = false'); "
    "c = [x[0] for x in duckdb.sql(f\"DESCRIBE SELECT * FROM '{A}'\").fetchall() if x[0] != 'key']; "
    "s = ', '.join(f'count(*) FILTER (a.\"{x}\" <> b.\"{x}\")' for x in c); "
    "r = duckdb.sql(f\"SELECT count(*) FILTER (a.key IS NULL), count(*) FILTER (b.key IS NULL), {s} FROM '{A}' a "
    "FULL JOIN '{B}' b USING (key)\").fetchall()[0]; "
    "print(r[0], r[1], r[2 + c.index('rainy_digest')], r[2 + c.index('stratum')])",
}
PROGRAM = """
import resource, sys, time
A, B = sys.argv[1:]
start = time.perf_counter()
{code}
used = resource.getrusage(resource.RUSAGE_SELF)
print(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


def make_values(field: pa.Field, number: np.ndarray, changed: bool) -> object:
    """Return the values of a column for some rows."""
    name, numbers = field.name, number.tolist()
    texts = [f"{n * 0x9E3779B97F4A7C15 % (1 << 127):032x}" for n in numbers] if pa.types.is_string(field.type) else []
    made = {
        "key": lambda: [f"train-{n:08d}-{text[-8:]}" for n, text in zip(numbers, texts, strict=True)],
        "shard": lambda: [f"data/train/x-train-{n // 1000:06d}.tar" for n in numbers],
        "source_path": lambda: [f"folder/{n % 30_000:06d}.jpg" for n in numbers],
        "rain_params": lambda: [PARAMETERS % (n % 90) for n in numbers],
        "stratum": lambda: number % 5 + (number % 100 == 4) * changed,
        "rainy_digest": lambda: [
            text[::-1] if changed and n % 100 == 3 else text for n, text in zip(numbers, texts, strict=True)
        ],
        **dict.fromkeys(("background_id", "rain_seed", "group"), lambda: [text[-16:] for text in texts]),
    }
    if name in made:
        return made[name]()
    if name.endswith("_digest"):
        return texts
    if name.endswith("_size"):
        return number % 9000 + 100 + changed
    if texts:
        return ["photos"] * len(numbers)
    return number % 100_003 / 100_003 if pa.types.is_floating(field.type) else number % 1_000_003


def make_batches(schema: pa.Schema, numbers: np.ndarray, changed: bool) -> Iterator[pa.RecordBatch]:
    """Yield rows of a manifest: functions of their number, and of whether it is the newer one."""
    for start in range(0, len(numbers), 50_000):
        number = numbers[start : start + 50_000]
        columns = {field.name: pa.array(make_values(field, number, changed)).cast(field.type) for field in schema}
        yield pa.RecordBatch.from_pydict(columns, schema=schema)


def write_manifests(folder: Path, rows: int, *, shuffle: bool) -> tuple[Path, Path]:
    """Write the older and the newer manifest."""
    extra = [number_field("score_spread", "Spread.")]
    schema = add_metadata(
        samples_schema(MEMBERS, {name: f"{name}@x/1" for name in ESTIMATORS}, extra), corpus="x-1.0.0"
    )
    assert all(f"{member_column(member)}_digest" in schema.names for member in MEMBERS if has_pixels(member))
    older, newer = folder / "older.parquet", folder / "newer.parquet"
    write_table(older, schema, make_batches(schema, np.arange(rows, dtype=np.int64), changed=False))
    numbers = np.arange(rows + rows // 100, dtype=np.int64)
    numbers = numbers[(numbers >= rows) | (numbers % 100 != 7)]
    if shuffle:
        numbers = np.random.default_rng(0).permutation(numbers)
    write_table(newer, schema, make_batches(schema, numbers, changed=True))
    return older, newer


@click.command()
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--repeats", default=3, show_default=True)
@click.option("--shuffle", is_flag=True, help="Put the newer rows in random order, which no build does.")
def main(rows: int, repeats: int, *, shuffle: bool) -> None:
    """Compare two manifests in three ways and print a table."""
    times: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    work: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    peaks: dict[str, float] = dict.fromkeys(CONTENDERS, 0.0)
    answers: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = list(map(str, write_manifests(Path(folder), rows, shuffle=shuffle)))
        for _ in range(repeats):
            for name, code in CONTENDERS.items():
                program = PROGRAM.format(code=code)
                done = subprocess.run(
                    [sys.executable, "-c", program, *paths], capture_output=True, text=True, check=True
                )
                *_, answers[name], last = done.stdout.splitlines()
                seconds, processor, peak = map(float, last.split())
                times[name].append(seconds)
                work[name].append(processor)
                peaks[name] = max(peaks[name], peak)
    if len(set(answers.values())) > 1:
        raise click.ClickException(f"the contenders disagree: {json.dumps(answers)}")
    ours = statistics.median(times["rainkit"])
    click.echo(f"{rows:,} rows, Python {platform.python_version()}, pyarrow {pa.__version__}; {answers['rainkit']}\n")
    click.echo("| diff by | seconds | against rainkit | processor seconds, with imports | peak memory (MiB) |")
    click.echo("| --- | ---: | ---: | ---: | ---: |")
    for name, values in times.items():
        median = statistics.median(values)
        processor = statistics.median(work[name])
        click.echo(f"| {name} | {median:.2f} | {median / ours:.2f} | {processor:.2f} | {peaks[name]:.0f} |")


if __name__ == "__main__":
    main()
