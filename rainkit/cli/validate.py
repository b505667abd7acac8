"""`rainkit validate`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rainkit.cli.build import Stages
from rainkit.cli.output import json_option, print_json, print_table
from rainkit.cli.settings import SEND, LocalPath

if TYPE_CHECKING:
    from rainkit.records import Advance
    from rainkit.train.gates import Finding
    from rainkit.train.verdict import Verdict

_SHOWN = ("gain_psnr_y", "e_r", "e_b", "removal", "rain_free_error", "removal_per_damage")


class _Stages(Stages):
    UNITS = {**Stages.UNITS, "verify": "shards", "pairs": "pairs", "networks": "steps"}  # noqa: RUF012
    TITLES = {  # noqa: RUF012
        **Stages.TITLES, "verify": "Verifying", "pairs": "Examining pairs", "networks": "Training and judging",
    }  # fmt: skip

    def __call__(self, stage: str, steps: int) -> Advance:
        title = "Looking for leaks" if stage.startswith("Reading") else stage
        return super().__call__(title, steps)


@click.command()
@click.argument("corpus")
@click.option("--budget", default="standard", show_default=True, type=click.Choice(["quick", "standard", "full"]),
              help="How much is looked at, and how long networks are trained.")  # fmt: skip
@click.option("--steps", type=click.IntRange(min=1), help="Optimizer steps, in place of the budget's.")
@click.option("--seeds", type=click.IntRange(min=2), help="Networks, in place of the budget's.")
@click.option("--train-anyway", is_flag=True, help="Train networks even where an earlier gate failed.")
@click.option("--device", default="auto", show_default=True, type=click.Choice(["auto", "cpu", "cuda"]))
@click.option("-w", "--workers", type=int, help="Processes; one per processor where not given.")
@click.option("-o", "--output", type=LocalPath(SEND, dir_okay=False),
              help="Where the verdict goes  [default: validation.json in the corpus]")  # fmt: skip
@json_option
def command(
    corpus: str, *, budget: str, steps: int | None, seeds: int | None, train_anyway: bool, device: str,
    workers: int | None, output: Path | None, as_json: bool,
) -> None:  # fmt: skip
    r"""Judge whether a corpus may be released.

    Files, counts, strata, leaks, pairs and rain are judged first, each by a gate with a value, a threshold and a
    reason; then networks of different seeds are trained and judged on seen and unseen rain. Thresholds stand in the
    recipe under `validation`. A run that was cut off goes on where it was. Exit status 1 if a gate fails.

    \b
    Example:
      rainkit validate corpora/quickstart-1.0.0 --budget quick
    """
    from rainkit.cli.settings import require_modules
    from rainkit.files import require_writable
    from rainkit.train.validate import validate
    from rainkit.train.verdict import BUDGETS, NAME, write_verdict

    require_modules("torch", "safetensors")
    path = output or (None if "://" in corpus else Path(corpus) / NAME)
    if path is not None and (output or path.parent.is_dir()):  # before minutes of training
        require_writable(path)
    usual = BUDGETS[budget]
    spent = replace(usual, steps=steps or usual.steps, seeds=seeds or usual.seeds)
    with _Stages() as report:
        verdict = validate(
            corpus,
            budget=budget if spent == usual else spent,
            jobs=workers,
            device=device,
            train_anyway=train_anyway,
            report=report,
        )
    if path is not None:
        write_verdict(verdict, path)
    if as_json:
        print_json(verdict.to_dict())
    else:
        print_verdict(verdict)
        if path is not None:
            click.echo(path)
    if not verdict.passed:
        raise click.exceptions.Exit(1)


def print_verdict(verdict: Verdict) -> None:
    """Print the gates, what the networks did in each stratum, and one line that says what follows."""
    rows = [
        (finding.gate, finding.status.upper() if finding.passed is False else finding.status,
         _cell(finding.value), _bound(finding), finding.unit, finding.reason)
        for finding in verdict.findings
    ]  # fmt: skip
    print_table("", ["gate", "", "value", "asked", "unit", "why"], rows, right=["value", "asked"])
    if verdict.results is not None:
        _print_results(verdict)
    for note in verdict.notes:
        click.echo(f"note: {note}")
    spent = "no network trained"
    if verdict.results is not None:
        spent = f"{verdict.spent.seeds} networks of {verdict.spent.steps} steps"
    if verdict.passed:
        click.echo(f"{verdict.corpus} may be released: all {len(verdict.findings)} gates passed ({spent})")
    else:
        click.echo(f"{verdict.corpus} may NOT be released: {', '.join(verdict.failed)} failed ({spent})")


def _bound(finding: Finding) -> str:
    """Return the threshold with the direction in which it holds."""
    if finding.threshold is None:
        return "-"
    least = finding.gate in {"partners", "learning", "generalisation"}
    return f"{'>=' if least else '<='} {_cell(finding.threshold)}"


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e6 else f"{value:.3g}"


def _print_results(verdict: Verdict) -> None:
    from rainkit.train.metrics import METRICS, RATIOS

    units = {name: (METRICS | RATIOS)[name].unit for name in _SHOWN}
    entries: list[dict[str, Any]] = verdict.to_dict()["results"]["by_stratum"]
    rows = [
        (entry["exam"], entry["stratum"], *(_interval(entry["metrics"].get(name)) for name in _SHOWN))
        for entry in sorted(entries, key=lambda entry: (entry["exam"], entry["stratum"]))
    ]
    titles = [f"{name} {units[name]}".strip() for name in _SHOWN]
    click.echo(
        f"Networks on rain that is seen ({verdict.splits['seen']}) and unseen ({verdict.splits['unseen']}), all seeds, "
        "with 95 % intervals over backgrounds"
    )
    print_table("", ["rain", "stratum", *titles], rows, right=["stratum", *titles])


def _interval(value: dict[str, Any] | None) -> str:
    if value is None or value["mean"] is None:
        return "-"
    if value["low"] is None:
        return f"{value['mean']:.2f}"
    return f"{value['mean']:.2f} [{value['low']:.2f}, {value['high']:.2f}]"
