"""Write the tables of docs/manifest.md from the schemas in the code. Run: python docs/manifest.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rainkit.manifest import SCHEMA_VERSION, backgrounds_schema, members_of, metadata_of, refused_schema
from rainkit.recipe import load_recipe
from rainkit.samples.draw import rows_schema

PAGE = Path(__file__).with_name("manifest.md")
START, END = "<!-- columns: python docs/manifest.py -->\n", "<!-- end of columns -->\n"
RECIPE = PAGE.parents[1] / "recipes" / "quickstart.yaml"


def columns(schema: Any) -> Iterator[str]:
    """Yield the lines of a table of columns."""
    yield "| column | type | unit | what it is |"
    yield "|---|---|---|---|"
    for field in schema:
        about, unit = (field.metadata.get(key, b"").decode() for key in (b"description", b"unit"))
        yield f"| `{field.name}` | {field.type} | {unit} | {about} |"
    yield ""


def reference() -> str:
    """Return the part of the page between its marks."""
    samples = rows_schema(load_recipe(RECIPE))
    estimators = json.loads(metadata_of(samples)["estimators"])
    backgrounds = backgrounds_schema(estimators, [samples.field("score_spread")])
    lines = [
        f"Version of the schema: {SCHEMA_VERSION}. The tables are those of `recipes/{RECIPE.name}`: other recipes have"
    ]
    lines += ["such columns for their own members and estimators.", ""]
    lines += ["### samples.parquet", "", *columns(samples), "### backgrounds.parquet", "", *columns(backgrounds)]
    lines += ["### refused.parquet", "", *columns(refused_schema())]
    lines += ["### Metadata of the schemas", ""]
    lines += [f"- `rainkit:members` of samples.parquet: `{json.dumps(members_of(samples))}`"]
    lines += [f"- `rainkit:estimators`, by column: `{json.dumps(estimators)}`"]
    lines += ["- `rainkit:table` and `rainkit:schema_version`: which table it is, in which version"]
    return "\n".join(lines) + "\n"


def fill(page: str) -> str:
    """Return the page with the part between its marks written anew."""
    before, _, rest = page.partition(START)
    return before + START + "\n" + reference() + "\n" + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
