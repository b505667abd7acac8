"""The card of a corpus: README.md, whose YAML header the Hub reads and whose text people read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from rainkit.backgrounds import REASONS
from rainkit.manifest import member_column
from rainkit.recipe import CHANNELS, Recipe
from rainkit.release.croissant import cite
from rainkit.release.figures import FIGURE, MAX_COLUMNS
from rainkit.release.hub import hub_splits, make_header
from rainkit.release.page import PAGE
from rainkit.release.summary import Summary

_BAR = 40
"""Characters of the longest bar of the histogram."""

_LOADERS = """\
```python
import rainkit                                   # random access through the manifest

corpus = rainkit.open_corpus("{corpus}")
pair = corpus.read(0)                            # {{"rainy": uint8 H x W x 3, "clean": ...}}
```

```python
import webdataset                                # streaming, any framework

dataset = webdataset.WebDataset("{first}", shardshuffle=False).decode("rgb8").to_tuple("rainy.png", "clean.png")
```

```python
import wids                                      # random access by number

dataset = wids.ShardListDataset("{corpus}/wids-{split}.json")
```

```python
import datasets                                  # Hugging Face; streaming=True reads without a copy

dataset = datasets.load_dataset("{corpus}", split="{hub_split}")
```

```python
import mlcroissant                               # Croissant

records = mlcroissant.Dataset("{corpus}/croissant.json").records("manifest")
```
"""
_QUERY = """\
```sql
-- DuckDB; polars.read_parquet and pandas.read_parquet read the same file
SELECT split, stratum, rain, count(*) AS samples, avg(coverage) AS coverage, avg(psnr_rainy) AS psnr
FROM '{corpus}/metadata/samples.parquet' GROUP BY ALL ORDER BY ALL;
```
"""


def format_card(recipe: Recipe, summary: Summary) -> str:
    """Return the card: a YAML header and Markdown.

    Parameters
    ----------
    recipe : Recipe
        The recipe of the corpus.
    summary : Summary
        What it holds.
    """
    header = yaml.safe_dump(make_header(recipe, summary), sort_keys=False, allow_unicode=True, width=120)
    parts = [
        *_introduction(recipe, summary),
        *_statistics(recipe, summary),
        *_members(recipe, summary),
        *_making(recipe, summary),
        *_origins(recipe, summary),
        *_refusals(summary),
        *_loading(recipe, summary),
        *_citing(recipe, summary),
    ]
    return f"---\n{header}---\n\n" + "\n".join(parts) + "\n"


def format_table(columns: Sequence[str], rows: Iterator[Sequence[Any]], right: int) -> list[str]:
    """Return a Markdown table whose last `right` columns are set flush right."""

    def line(cells: Sequence[Any]) -> str:
        return "| " + " | ".join(_cell(cell) for cell in cells) + " |"

    rule = ["---"] * (len(columns) - right) + ["---:"] * right
    return [line(columns), line(rule), *(line(row) for row in rows), ""]


def _cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|") or "not stated"


def _introduction(recipe: Recipe, summary: Summary) -> list[str]:
    lines = [f"# {recipe.name} {recipe.version}", ""]
    if recipe.description:
        lines += [recipe.description.strip(), ""]
    rains = len({cell.rain for cell in summary.cells})
    lines += [
        f"A deraining corpus: {summary.total:,} pairs of a rainy and a clean picture in {len(summary.samples)} "
        f"split{'s' * (len(summary.samples) != 1)}, with {rains} kind{'s' * (rains != 1)} of rain, exact labels, and "
        "strata by the complexity of the background. Rainy pictures follow from the clean ones and the labels bit for "
        "bit. A picture, and what looks nearly like it, is in one split only.",
        "",
    ]
    if summary.part:
        lines += ["**This is a part of the corpus, drawn again from its manifest; all numbers speak of the part.**", ""]
    return lines if summary.pictures else lines + _rebuilding(recipe, summary)


def _rebuilding(recipe: Recipe, summary: Summary) -> list[str]:
    """Return how a release without pictures becomes a corpus; sources that rainkit draws have no place to give."""
    folders = [f"--source {each.name}=FOLDER" for each in summary.origins if recipe.sources[each.name].location_fields]
    needs = (
        "With the backgrounds on disk, under any names and in any folders, `rainkit rebuild` draws"
        if folders
        else "Its backgrounds are drawn as well, so `rainkit rebuild` needs nothing else to draw"
    )
    and_checks = "and checks" if folders else "and to check"
    return [
        f"**This release holds the manifest and the recipe, no pictures.** {needs} the corpus again {and_checks} the "
        "pixels of every sample:",
        "",
        "```sh",
        " ".join([f"rainkit rebuild {summary.corpus} -o corpora", *folders]),
        "```",
        "",
    ]


def _statistics(recipe: Recipe, summary: Summary) -> list[str]:
    rows = (
        (cell.split, cell.stratum, cell.rain, f"{cell.samples:,}", f"{cell.coverage:.3f}", f"{cell.psnr:.2f}")
        for cell in summary.cells
    )
    columns = ("split", "stratum", "rain", "samples", "coverage", "PSNR (dB)")
    shown = "figures and samples" if summary.pictures else "figures"
    lines = ["## What it holds", "", f"[{PAGE}]({PAGE}) shows it in {shown}, in any browser.", ""]
    if summary.pictures:
        rains = ", ".join(sorted({cell.rain for cell in summary.cells})[:MAX_COLUMNS])
        text = f"Rainy and clean pictures by stratum, the simplest backgrounds above, and by rain: {rains}."
        lines += [f"![{text}]({FIGURE})", "", text, ""]
    lines += format_table(columns, rows, 3)
    lines += [
        "Stratum 0 has the simplest backgrounds. Coverage is the mean share of pixels with rain (a channel changed by "
        f"at least {recipe.samples.mask_threshold} of 255); PSNR is that of the rainy picture against the clean one, "
        "mean over samples, all three channels.",
        "",
        f"Complexity of the samples' backgrounds: `{recipe.complexity.score}`, of the {recipe.complexity.unit}.",
        "",
        "```text",
        *_histogram(summary),
        "```",
        "",
    ]
    return lines


def _histogram(summary: Summary) -> Iterator[str]:
    most = max((count for _, count in summary.histogram), default=0)
    for low, count in summary.histogram:
        bar = "#" * -(-count * _BAR // most)
        yield f"{low:10.4g}  {bar:<{_BAR}}  {count}"
    if summary.edges:
        yield "strata begin at  " + "  ".join(f"{edge:.4g}" for edge in summary.edges)


def _members(recipe: Recipe, summary: Summary) -> list[str]:
    texts = {**CHANNELS, "json": "labels: what was drawn and measured"}
    rows = ((f"`KEY.{extension}`", texts[member_column(extension)]) for extension in summary.members)
    lines = ["## A sample", "", *format_table(("member", "what it is"), rows, 0)]
    return [
        *lines,
        "`metadata/samples.parquet` has one row a sample, with the place of every member in its shard, the crop, the "
        "scores, the drawn parameters, and a digest of the pixels of every picture; each column is described in the "
        "file itself. `metadata/backgrounds.parquet` lists the backgrounds and `metadata/refused.parquet` the pictures "
        "that were not admitted.",
        "",
    ]


def _making(recipe: Recipe, summary: Summary) -> list[str]:
    rows = ((f"`{name}`", version) for name, version in summary.components.items())
    return [
        "## How it was made",
        "",
        f"Built by rainkit from `recipe.yaml`, seed {recipe.seed}, with these components:",
        "",
        *format_table(("component", "version"), rows, 1),
        f"Fingerprint of recipe and components: `{summary.fingerprint}`. The same recipe, backgrounds and components "
        "give the same pixels on every processor, however many workers draw them.",
        "",
    ]


def _origins(recipe: Recipe, summary: Summary) -> list[str]:
    rows = (
        (
            origin.name,
            "; ".join(filter(None, origin.licenses)),
            "; ".join(filter(None, origin.attributions)),
            f"{origin.backgrounds:,}",
            f"{origin.samples:,}",
        )
        for origin in summary.origins
    )
    columns = ("source", "licence", "attribution", "backgrounds", "samples")
    return [
        "## Licence and sources",
        "",
        f"Licence of the corpus: {_cell(recipe.license)}. Backgrounds keep the licences of their sources:",
        "",
        *format_table(columns, rows, 2),
    ]


def _refusals(summary: Summary) -> list[str]:
    if not summary.refused:
        return ["No picture of the sources was refused.", ""]
    rows = ((f"`{reason}`", REASONS.get(reason, ""), f"{count:,}") for reason, count in summary.refused.items())
    lines = ["Pictures of the sources that were not admitted:", ""]
    return [*lines, *format_table(("reason", "meaning", "pictures"), rows, 1)]


def _loading(recipe: Recipe, summary: Summary) -> list[str]:
    lines = ["## How to load it", ""]
    if summary.pictures:
        split = next(iter(summary.samples))
        shards = [shard.path for shard in summary.shards if shard.split == split]
        first = f"{summary.corpus}/{_brace(shards)}"
        hub = hub_splits(list(summary.samples))[split]
        lines += _LOADERS.format(corpus=summary.corpus, first=first, split=split, hub_split=hub).splitlines()
        lines.append("")
        if recipe.shards.by == "stratum":
            stratum = min(cell.stratum for cell in summary.cells if cell.split == split)
            one = f'`datasets.load_dataset("{summary.corpus}", "stratum-{stratum}", split="{hub}")`'
            lines += [f"A shard holds one stratum: shuffle shards where you stream. {one} loads one stratum alone.", ""]
    lines += [*_QUERY.format(corpus=summary.corpus).splitlines(), ""]
    check = "`sha256sum -c checksums.sha256`, or `rainkit verify`, checks the files."
    return [*lines, check, ""]


def _brace(paths: Sequence[str]) -> str:
    """Return shards as one name with braces, such as data/train/a-train-{000000..000003}.tar.

    Where shards hold strata, the name counts those as well: a-train-stratum-{0..4}-{000000..000003}.tar, or, where some
    have more shards than others, a-train-stratum-{0-{000000..000003},1-000000}.tar.
    """
    runs: dict[str, list[str]] = {}
    for path in paths:
        stem, _, number = path.removesuffix(".tar").rpartition("-")
        runs.setdefault(stem, []).append(number)
    counted = {stem: _count(numbers) for stem, numbers in runs.items()}
    if len(counted) == 1:
        return "".join(f"{stem}-{numbers}.tar" for stem, numbers in counted.items())
    before, _, _ = next(iter(counted)).rpartition("-")
    strata = {stem.removeprefix(f"{before}-"): numbers for stem, numbers in counted.items()}
    if len(set(strata.values())) == 1:
        return f"{before}-{_count(list(strata))}-{next(iter(strata.values()))}.tar"
    return f"{before}-{{{','.join(f'{stratum}-{numbers}' for stratum, numbers in strata.items())}}}.tar"


def _count(numbers: Sequence[str]) -> str:
    """Return ascending numbers of equally many digits in braces: as a range, or a list where some are left out."""
    if len(numbers) == 1:
        return numbers[0]
    if int(numbers[-1]) - int(numbers[0]) == len(numbers) - 1:
        return f"{{{numbers[0]}..{numbers[-1]}}}"
    return f"{{{','.join(numbers)}}}"


def _citing(recipe: Recipe, summary: Summary) -> list[str]:
    date = f"Published {recipe.date}." if recipe.date else "The recipe states no date of publication."
    return [
        "## How to cite",
        "",
        "```bibtex",
        *cite(recipe, summary).splitlines(),
        "```",
        "",
        f'{date} Strata by complexity answer J. Gu et al., "Networks are Slacking Off: Understanding Generalization '
        'Problem in Image Deraining", NeurIPS 2023, arXiv:2305.15134.',
    ]
