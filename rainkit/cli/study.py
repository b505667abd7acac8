"""`rainkit study`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rainkit.cli.output import json_option, print_json, print_table, progress
from rainkit.cli.settings import SEND, LocalPath, engine_options, moved_sources, source_option

if TYPE_CHECKING:
    from rainkit.study.load import Loaded
    from rainkit.study.running import Planned
    from rainkit.study.summary import Comparison


@click.command()
@click.argument("study", type=LocalPath())
@click.option("-o", "--output", default=Path("studies"), show_default=True, type=LocalPath(SEND),
              help="Folder that the study is put in, as NAME.")  # fmt: skip
@source_option
@click.option("--grid", "grids", multiple=True, help="Only this grid; may be given several times.")
@click.option("--seeds", type=click.IntRange(min=1), help="Only so many seeds of each grid.")
@click.option("--renew", is_flag=True,
              help="Remove runs of other versions of rainkit, torch or the metrics, and train them again.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would be trained, and build nothing.")
@click.option("--no-figures", is_flag=True, help="Tables only; figures need matplotlib.")
@click.option("--device", default="auto", show_default=True, type=click.Choice(["auto", "cpu", "cuda"]))
@engine_options
@json_option
def command(
    *, study: Path, output: Path, sources: tuple[str, ...], grids: tuple[str, ...], seeds: int | None, renew: bool,
    dry_run: bool, no_figures: bool, device: str, as_json: bool, **engine: Any,
) -> None:  # fmt: skip
    r"""Build a grid of corpora, train on each, and compare by paired differences.

    Corpora and runs are kept by content in the study's folder: what is finished is not done again, and a run that was
    killed continues. Workers are processes of one thread. A drawn source may be replaced by a folder with --source. The
    path of the report is the last line on stdout.

    \b
    Example:
      rainkit study recipes/studies/slacking-off-mini.yaml --workers 2
      rainkit study recipes/studies/slacking-off-mini.yaml --source photos=/data/bsds500 -o studies/photos
    """
    from rainkit.cli.settings import make_engine, require_modules
    from rainkit.study.grid import expand
    from rainkit.study.load import load_study
    from rainkit.study.running import plan_study, run_trials

    loaded = load_study(study, moved_sources(sources))
    if dry_run:
        cells = list(expand(loaded.study, grids, seeds))
        _print_cells(cells, as_json)
        return
    require_modules("torch", "safetensors", *(() if no_figures else ("matplotlib",)))
    folder = output / loaded.study.name
    runner, cache = make_engine(**engine)
    planned = _build(loaded, folder, plan_study, grids=grids, seeds=seeds, engine=runner, cache=cache, device=device)
    _look_at_versions(planned, renew=renew)
    left = sum(1 for trial in planned.trials.values() if trial.missing)
    click.echo(f"{len(planned.trials)} trainings, {len(planned.trials) - left} of them finished before", err=True)
    with progress("Training", left, "runs") as advance:
        run_trials(planned.trials.values(), runner, lambda run: advance(1, Path(run).name))
    comparisons = _conclude(loaded, planned, folder, figures=not no_figures)
    if as_json:
        print_json(_as_json(comparisons, folder))
        return
    _print_verdicts(comparisons)
    click.echo(folder / "report.md")


def _build(loaded: Loaded, folder: Path, plan: Any, **options: Any) -> Planned:
    from contextlib import ExitStack

    with ExitStack() as stack:
        planned: Planned = plan(
            loaded, folder, **options,
            report=lambda stage, steps: stack.enter_context(progress("Building", steps, "corpora")),
        )  # fmt: skip
    return planned


def _results_of(planned: Planned) -> dict[Path, list[str]]:
    return {Path(trial.run): list(trial.tests) for trial in planned.trials.values()}


def _look_at_versions(planned: Planned, *, renew: bool) -> None:
    """Say which runs are of other versions than those here, or remove them so that they are trained again."""
    from rainkit.study.provenance import find_stale, list_versions, remove_runs

    stale = find_stale(_results_of(planned))
    if stale and renew:
        remove_runs(stale)
    elif stale:
        here = ", ".join(f"{name} {value}" for name, value in list_versions().items() if "_" not in name)
        names = ", ".join(run.name for run in stale[:3]) + (", ..." if len(stale) > 3 else "")
        click.echo(
            f"note: {len(stale)} runs ({names}) are of other versions than {here}, and are used as they are; --renew "
            "trains them again",
            err=True,
        )


def _conclude(loaded: Loaded, planned: Planned, folder: Path, *, figures: bool) -> list[Comparison]:
    """Write tables, report and figures, and return the comparisons."""
    from rainkit.files import write_bytes
    from rainkit.study.drawing import draw_figures
    from rainkit.study.provenance import describe_makers
    from rainkit.study.running import write_plan
    from rainkit.study.summary import compare_groups, gather, tabulate, tabulate_differences, write_markdown
    from rainkit.train.evaluate import write_results

    groups = gather(planned)
    comparisons = compare_groups(loaded.study, planned, groups)
    write_plan(planned, folder / "runs.json")
    write_results(folder / "results.parquet", tabulate(groups))
    write_results(folder / "differences.parquet", tabulate_differences(comparisons))
    page = write_markdown(loaded.study, planned, groups, comparisons)
    page += "\n" + "\n".join(describe_makers(_results_of(planned)))
    if figures:
        drawn = draw_figures(loaded.study, planned, groups, comparisons, folder / "figures")
        page += "\n" + "\n".join(f"![{path.stem}](figures/{path.name})" for path in drawn) + "\n"
    write_bytes(folder / "report.md", page.encode())
    return comparisons


def _print_cells(cells: list[Any], as_json: bool) -> None:
    rows = [
        {"grid": cell.grid, **dict(cell.arm.levels), "network": cell.network, "steps": cell.steps, "seed": cell.seed}
        for cell in cells
    ]
    unique = {(frozenset(cell.arm.levels), cell.network, cell.steps, cell.seed) for cell in cells}
    total = sum(steps for _, _, steps, _ in unique)
    if as_json:
        print_json({"cells": rows, "trainings": len(unique), "steps": total})
        return
    columns = ["grid", "levels", "network", "steps", "seed"]
    lines = [(cell.grid, ", ".join(f"{axis} {level}" for axis, level in cell.arm.levels), cell.network, cell.steps,
              cell.seed) for cell in cells]  # fmt: skip
    print_table("", columns, lines, right=("steps", "seed"))
    click.echo(f"at most {len(unique)} trainings, {total:,} steps")


def _print_verdicts(comparisons: list[Comparison]) -> None:
    rows = [
        (
            each.grid,
            f"{each.first} - {each.second}",
            ", ".join(f"{axis} {level}" for axis, level in each.fixed),
            each.verdict.sentence,
        )
        for each in comparisons
    ]
    print_table("", ["grid", "compared", "where", "verdict"], rows)
    for sentence in _conclusions(comparisons):
        click.echo(sentence)


def _conclusions(comparisons: list[Comparison]) -> list[str]:
    from rainkit.study.summary import conclude

    return [sentence.replace("**", "") for sentence in conclude(comparisons)]


def _as_json(comparisons: list[Comparison], folder: Path) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "report": str(folder / "report.md"),
        "comparisons": [asdict(each) for each in comparisons],
        "conclusions": _conclusions(comparisons),
    }
