"""Write the tables of docs/rain.md, of the veil and of presets, from the code. Run: python docs/rain.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rainkit.rain import PRESETS
from rainkit.rain.veil import Veil
from rainkit.reference import describe_fields

PAGE = Path(__file__).with_name("rain.md")
END = "<!-- end -->\n"


def veil() -> Iterator[str]:
    """Yield the lines of the table of the veil's fields."""
    yield "| field | default | unit | what |"
    yield "| --- | --- | --- | --- |"
    for row in describe_fields(Veil):
        yield f"| `{row['field']}` | `{row['default']}` | {row['unit']} | {row['about']} |"


def presets() -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| preset | kind | confidence | where the numbers come from | to know |"
    yield "| --- | --- | --- | --- | --- |"
    for preset in PRESETS.values():
        cells = f"`{preset.name}`", f"`{preset.kind}`", preset.confidence, preset.source, preset.note
        yield f"| {' | '.join(cells)} |"


TABLES = {"veil": veil, "presets": presets}
"""Name of each table on the page to what makes its lines."""


def fill(page: str) -> str:
    """Return the page with the tables written anew."""
    for name, lines in TABLES.items():
        start = f"<!-- {name}: written by `python docs/rain.py` -->\n"
        before, _, rest = page.partition(start)
        page = before + start + "\n" + "\n".join(lines()) + "\n\n" + END + rest.partition(END)[2]
    return page


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
