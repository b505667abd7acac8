"""The message for each wrong recipe in recipes/: NAME.yaml gives NAME.txt."""

from __future__ import annotations

from pathlib import Path

from rainkit.errors import RecipeError
from rainkit.recipe import parse_recipe

FOLDER = Path(__file__).parent / "recipes"


def message(path: Path) -> str:
    """Return what a user is told about a recipe."""
    try:
        parse_recipe(path.read_text(encoding="utf-8"), path.name)
    except RecipeError as error:
        return f"{error}\n"
    return "no problem\n"


def main() -> None:
    """Write every message."""
    for path in sorted(FOLDER.glob("*.yaml")):
        path.with_suffix(".txt").write_text(message(path), encoding="utf-8")
