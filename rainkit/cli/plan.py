"""`rainkit plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rainkit.cli.build import Stages
from rainkit.cli.output import json_option, print_fields, print_json, print_table
from rainkit.cli.settings import SEND, LocalPath, engine_options, make_engine, moved_sources, source_option

if TYPE_CHECKING:
    from rainkit.forecast import Estimate
    from rainkit.pipeline import Planned


@click.command()
@click.argument("recipe", type=LocalPath())
@click.option("--output", type=LocalPath(SEND), help="Write every row of the plan to this Parquet file.")
@source_option
@engine_options
@json_option
def command(recipe: Path, output: Path | None, sources: tuple[str, ...], as_json: bool, **engine: Any) -> None:
    r"""Say what a recipe would build: counts, shards, and estimated bytes and time; no shard is written.

    Bytes and time are estimated from a few samples that are drawn and thrown away.

    \b
    Example:
      rainkit plan recipe.yaml --output plan.parquet
    """
    from rainkit.forecast import estimate, summarise, write_plan
    from rainkit.pipeline import plan
    from rainkit.recipe import fingerprint, load_recipe

    loaded = load_recipe(recipe, moved_sources(sources))
    runner, cache = make_engine(**engine)
    with Stages() as report:
        planned = plan(loaded, runner, cache, report)
    rows, guess = summarise(planned.plan), estimate(planned.plan, planned.survey)
    if output is not None:
        write_plan(planned.plan, output)
    survey = planned.survey
    totals = {
        "corpus": f"{loaded.name}-{loaded.version}",
        "fingerprint": fingerprint(loaded),
        "pictures": survey.offered,
        "backgrounds": len(survey.backgrounds),
        "refused": survey.reasons,
        "units": len(planned.plan.units.score),
        "strata_edges": list(planned.stratification.edges),
        "shards": sum(1 for _ in planned.plan.shards()),
        "samples": sum(row["samples"] for row in rows),
        "estimated_bytes": guess.bytes,
        "estimated_seconds_one_worker": guess.seconds,
    }
    if as_json:
        print_json({**totals, "counts": rows})
    else:
        _print(planned, rows, totals, guess)


def _print(planned: Planned, rows: list[dict[str, Any]], totals: dict[str, Any], guess: Estimate) -> None:
    """Print the table of counts, then what the whole corpus would be."""
    recipe, survey = planned.plan.recipe, planned.survey
    print_table(
        "",
        ["split", "backgrounds", "stratum", "rain", "samples"],
        [
            (row["split"], planned.plan.splits.count(row["split"]), row["stratum"], row["rain"], f"{row['samples']:,}")
            for row in rows
        ],
        right=["backgrounds", "stratum", "samples"],
    )
    refused = ", ".join(f"{count} {reason}" for reason, count in survey.reasons.items())
    unused = planned.plan.splits.count("unused")
    print_fields(
        {
            "corpus": totals["corpus"],
            "backgrounds": f"{len(survey.backgrounds):,} of {survey.offered:,} pictures"
            + (f" ({refused})" if refused else "")
            + (f"; {unused} in no split" if unused else ""),
            "strata": f"{recipe.complexity.score} by {recipe.complexity.unit}, edges "
            + ", ".join(f"{edge:.4g}" for edge in planned.stratification.edges),
            "samples": f"{totals['samples']:,} in {totals['shards']} shards",
            "estimate": f"{guess.bytes / 1e6:,.0f} MB, {guess.seconds:,.0f} s one worker, from {guess.samples} samples",
        }
    )
