"""The card of a corpus: README.md, whose YAML header the Hub reads and whose text people read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from rainkit.backgrounds import REASONS
from rainkit.manifest import member_column
from rainkit.recipe import CHANNELS, Recipe
from rainkit.release.croissant import cite
from rainkit.release.figures import FIGURE, MAX_COLUMNS
from rainkit.release.licences import hub_license, license_slug
from rainkit.release.summary import Summary

_SIZES = {
    10**3: "n<1K",
    10**4: "1K<n<10K",
    10**5: "10K<n<100K",
    10**6: "100K<n<1M",
    10**7: "1M<n<10M",
    10**8: "10M<n<100M",
    10**9: "100M<n<1B",
    10**10: "1B<n<10B",
}
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
    header = yaml.safe_dump(_header(recipe, summary), sort_keys=False, allow_unicode=True, width=120)
    parts = [
        *_introduction(recipe, summary),
        *_statistics(recipe, summary),
        *_members(recipe, summary),
        *_making(recipe, summary),
        *_origins(recipe, summary),
        *_refusals(summary),
        *_loading(summary),
        *_citing(recipe, summary),
    ]
    return f"---\n{header}---\n\n" + "\n".join(parts) + "\n"


def size_category(samples: int) -> str:
    """Return the Hub's word for a number of samples."""
    return next((word for limit, word in _SIZES.items() if samples < limit), "10B<n<100B")


def hub_splits(splits: Sequence[str]) -> dict[str, str]:
    """Return split -> its name on the Hub, where a name has letters, digits and underscores only."""
    names: dict[str, str] = {}
    for split in splits:
        name = re.sub(r"\W", "_", split, flags=re.ASCII)
        while name in names.values():
            name += "_"
        names[split] = name
    return names


def _header(recipe: Recipe, summary: Summary) -> dict[str, Any]:
    license_ = hub_license(recipe.license)
    header: dict[str, Any] = {"license": license_}
    if license_ == "other":
        header["license_name"] = license_slug(recipe.license)
    header |= {
        "pretty_name": f"{recipe.name} {recipe.version}",
        "task_categories": ["image-to-image"],
        "size_categories": [size_category(summary.total)],
        "tags": ["deraining", "image-restoration", "synthetic", "rain", "rainkit", "webdataset"],
    }
    if summary.pictures:
        names = hub_splits(list(summary.samples))
        files = [{"split": names[split], "path": f"data/{split}/*.tar"} for split in summary.samples]
        header["configs"] = [{"config_name": "default", "data_files": files}]
        header["dataset_info"] = {
            "features": hub_features(summary),
            "splits": [{"name": names[split], "num_examples": count} for split, count in summary.samples.items()],
        }
    return header


def hub_features(summary: Summary) -> list[dict[str, Any]]:
    """Return the columns that Hugging Face datasets should make of a sample, declared so that it guesses no type."""
    features: list[dict[str, Any]] = []
    for extension in summary.members:
        if extension.endswith(".png"):
            features.append({"name": extension, "dtype": "image"})
        elif extension == "json":
            features.append({"name": extension, **_feature(summary.example)})
        else:
            kind = "uint16" if extension == "depth.npy" else "int32"
            features.append({"name": extension, "list": {"list": kind}})
    return [*features, {"name": "__key__", "dtype": "string"}, {"name": "__url__", "dtype": "string"}]


def _feature(value: Any) -> dict[str, Any]:
    """Return the feature of a value of the JSON member, whose type is the same in every sample."""
    if isinstance(value, Mapping):
        return {"struct": [{"name": name, **_feature(item)} for name, item in value.items()]}
    if isinstance(value, list):
        inner = _feature(value[0])
        return {"list": inner["dtype"] if inner.keys() == {"dtype"} else inner}
    kinds = {bool: "bool", int: "int64", float: "float64", str: "string"}
    return {"dtype": kinds[type(value)]}


def _table(columns: Sequence[str], rows: Iterator[Sequence[Any]], right: int) -> list[str]:
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
    lines = ["## What it holds", ""]
    if summary.pictures:
        rains = ", ".join(sorted({cell.rain for cell in summary.cells})[:MAX_COLUMNS])
        text = f"Rainy and clean pictures by stratum, the simplest backgrounds above, and by rain: {rains}."
        lines += [f"![{text}]({FIGURE})", "", text, ""]
    lines += _table(columns, rows, 3)
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
    lines = ["## A sample", "", *_table(("member", "what it is"), rows, 0)]
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
        *_table(("component", "version"), rows, 1),
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
        *_table(columns, rows, 2),
    ]


def _refusals(summary: Summary) -> list[str]:
    if not summary.refused:
        return ["No picture of the sources was refused.", ""]
    rows = ((f"`{reason}`", REASONS.get(reason, ""), f"{count:,}") for reason, count in summary.refused.items())
    lines = ["Pictures of the sources that were not admitted:", ""]
    return [*lines, *_table(("reason", "meaning", "pictures"), rows, 1)]


def _loading(summary: Summary) -> list[str]:
    lines = ["## How to load it", ""]
    if summary.pictures:
        split = next(iter(summary.samples))
        shards = [shard.path for shard in summary.shards if shard.split == split]
        first = f"{summary.corpus}/{_brace(shards)}"
        hub = hub_splits(list(summary.samples))[split]
        lines += _LOADERS.format(corpus=summary.corpus, first=first, split=split, hub_split=hub).splitlines()
        lines.append("")
    lines += [*_QUERY.format(corpus=summary.corpus).splitlines(), ""]
    check = "`sha256sum -c checksums.sha256`, or `rainkit verify`, checks the files."
    return [*lines, check, ""]


def _brace(paths: Sequence[str]) -> str:
    """Return shards as one name with braces, such as data/train/a-train-{000000..000003}.tar."""
    if len(paths) == 1:
        return paths[0]
    number = re.compile(r"(\d+)(\.tar)$")
    first, last = number.search(paths[0]), number.search(paths[-1])
    if first is None or last is None:
        return paths[0]
    return f"{paths[0][: first.start()]}{{{first[1]}..{last[1]}}}.tar"


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
