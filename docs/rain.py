"""Write the table of presets of docs/rain.md from the code. Run: python docs/rain.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rainkit.rain import PRESETS

PAGE = Path(__file__).with_name("rain.md")
START, END = "<!-- presets: written by `python docs/rain.py` -->\n", "<!-- end -->\n"


def presets() -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| preset | kind | confidence | where the numbers come from | to know |"
    yield "| --- | --- | --- | --- | --- |"
    for preset in PRESETS.values():
        cells = f"`{preset.name}`", f"`{preset.kind}`", preset.confidence, preset.source, preset.note
        yield f"| {' | '.join(cells)} |"


def fill(page: str) -> str:
    """Return the page with the table written anew."""
    before, _, rest = page.partition(START)
    return before + START + "\n" + "\n".join(presets()) + "\n\n" + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
