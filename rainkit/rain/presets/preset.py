"""What a preset is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Confidence = Literal["published", "read", "remembered", "matched", "own"]
"""How sure the numbers are.

`published` stand in the paper that is cited, `read` were read in its authors' code or description, `remembered` come
from memory of it and are unverified, `matched` were tuned by eye and by statistics to look like the set, `own` are
rainkit's.
"""


@dataclass(frozen=True, slots=True)
class Preset:
    """Named fields of a simulator.

    Attributes
    ----------
    name : str
        Lower case, with hyphens.
    kind : str
        Kind of the simulator.
    fields : mapping of str to Any
        Fields of the simulator, as a recipe writes them.
    source : str
        Where the numbers come from.
    confidence : str
        How sure they are; see `Confidence`.
    note : str
        What differs from the original, or what to know before use.
    """

    name: str
    kind: str
    fields: Mapping[str, Any]
    source: str
    confidence: Confidence
    note: str = ""
