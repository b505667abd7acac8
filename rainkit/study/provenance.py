"""What made the results of a run: versions, day and machine, kept beside them and compared before they are used again.

None of it is part of a run's digest: a study finds the results of an older release, and says that they are such.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import platform
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rainkit import __version__
from rainkit.engines import available_cpus
from rainkit.files import write_bytes
from rainkit.locking import LOCK, hold_lock

NAME = "made.json"
"""File in the folder of a run: name of the results -> what made them."""
VERSIONS = ("trained_rainkit", "trained_torch", "rainkit", "torch", "metrics")
"""What is compared: who trained the network, then who judged it."""
FACTS = (*VERSIONS, "date", "device", "machine")
_UNKNOWN = "unknown"
_CPU_INFO = Path("/proc/cpuinfo")


def list_versions() -> dict[str, str]:
    """Return the versions that train and judge here, by the names in `VERSIONS`."""
    from rainkit.train.metrics import METRICS_VERSION  # noqa: PLC0415 - only where something is judged

    try:
        torch = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        torch = _UNKNOWN
    both = {"rainkit": __version__, "torch": torch}
    return {f"trained_{name}": value for name, value in both.items()} | both | {"metrics": str(METRICS_VERSION)}


def note_results(run: Path, name: str, device: str) -> None:
    """Note in the folder of a run that its results of this name were made here and today.

    Parameters
    ----------
    run : Path
        Folder of the run.
    name : str
        Of the results, without suffix.
    device : str
        What the network ran on.

    Raises
    ------
    BuildError
        If the disk refuses.
    """
    made = {
        **list_versions(),
        **_read_trained(run),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "device": device,
        "machine": describe_machine(),
    }
    noted = {**_read(run / NAME), name: made}
    write_bytes(run / NAME, (json.dumps(noted, indent=2, sort_keys=True) + "\n").encode())


def read_makers(run: Path, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return what made each of a run's results, by their name; what was not noted is "unknown".

    Of results that were made before this was kept, the checkpoint tells who trained the network.
    """
    noted, trained = _read(run / NAME), _read_trained(run)
    found = {}
    for name in names:
        made = {**trained, **noted.get(name, {})}
        found[name] = {fact: str(made.get(fact, _UNKNOWN)) for fact in FACTS}
    return found


def is_stale(made: Mapping[str, str]) -> bool:
    """Return whether results were made by versions that are not those here; unknown ones are given the benefit."""
    here = list_versions()
    return any(made[name] not in {_UNKNOWN, here[name]} for name in VERSIONS)


def find_stale(runs: Mapping[Path, Iterable[str]]) -> list[Path]:
    """Return the folders of runs that were trained or judged, wholly or so far, by other versions than those here.

    Parameters
    ----------
    runs : mapping of Path to iterable of str
        Folder to the names of the results that will be used.
    """
    return [run for run, names in runs.items() if any(is_stale(made) for made in read_makers(run, names).values())]


def remove_runs(runs: Iterable[Path]) -> None:
    """Remove the folders of runs, so that they are trained again.

    Raises
    ------
    BuildError
        If another process trains in one of them.
    """
    for run in runs:
        with hold_lock(run / LOCK, f"{run} is being trained by another process; wait for it"):
            shutil.rmtree(run)


def describe_makers(runs: Mapping[Path, Iterable[str]]) -> Iterator[str]:
    """Yield Markdown: how many results each set of versions, machine and day made, and what to mind."""
    counts: dict[tuple[str, ...], int] = {}
    for run, names in runs.items():
        for made in read_makers(run, names).values():
            key = tuple(made[fact] for fact in FACTS)
            counts[key] = counts.get(key, 0) + 1
    yield from ("## Made by", "")
    yield "| results | trained by rainkit | torch | judged by rainkit | torch | metrics | date | device | machine |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for key, count in sorted(counts.items()):
        yield f"| {count} | {' | '.join(key)} |"
    yield ""
    stale = len(find_stale(runs))
    if stale:
        yield (
            f"**{stale} of {len(runs)} runs are of other versions** than those that wrote this page (rainkit "
            f"{__version__}): what differs between runs may be due to the versions. `rainkit study --renew` trains "
            "them again."
        )
        yield ""


def describe_machine() -> str:
    """Return system, processor and the number of processors that may be used, without the name of the machine."""
    model = platform.processor() or platform.machine()
    if _CPU_INFO.is_file():
        lines = _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return f"{platform.system()}, {model}, {available_cpus()} processors"


def _read_trained(run: Path) -> dict[str, str]:
    """Return who wrote the newest checkpoint of a run; nothing where there is none."""
    checkpoints = sorted(run.glob("step-*.json"), key=lambda path: (len(path.name), path.name))
    record = _read(checkpoints[-1]) if checkpoints else {}
    return {f"trained_{name}": str(record[name]) for name in ("rainkit", "torch") if name in record}


def _read(path: Path) -> dict[str, Any]:
    """Return a JSON object, empty where there is none or it is damaged: it says nothing then."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
