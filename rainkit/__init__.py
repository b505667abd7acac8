"""rainkit compiles a recipe into a deraining corpus.

The path: sources offer pictures; `backgrounds` admits them; `complexity` measures them and `strata` sorts them; a plan
names every sample; `rain` draws; `shards` and the `manifest` are committed; a `release` can be verified and rebuilt; a
small network trained on the corpus judges it.

>>> import rainkit
>>> rainkit.Stream(1, "rain").integer(0, 10) in range(10)
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from rainkit.data import open_corpus
    from rainkit.errors import RainkitError
    from rainkit.live import open_live
    from rainkit.pipeline import build, plan
    from rainkit.rain import draw
    from rainkit.rain.compose import compose
    from rainkit.recipe import Recipe, load_recipe
    from rainkit.release.verify import verify
    from rainkit.seeds import Stream

_PLACES = {
    "RainkitError": "rainkit.errors",
    "Recipe": "rainkit.recipe",
    "Stream": "rainkit.seeds",
    "build": "rainkit.pipeline",
    "compose": "rainkit.rain.compose",
    "draw": "rainkit.rain",
    "load_recipe": "rainkit.recipe",
    "open_corpus": "rainkit.data",
    "open_live": "rainkit.live",
    "plan": "rainkit.pipeline",
    "verify": "rainkit.release.verify",
}

__all__ = [
    "RainkitError",
    "Recipe",
    "Stream",
    "build",
    "compose",
    "draw",
    "load_recipe",
    "open_corpus",
    "open_live",
    "plan",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is used, so that `import rainkit` costs nothing."""
    if name not in _PLACES:
        raise AttributeError(f"module 'rainkit' has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
