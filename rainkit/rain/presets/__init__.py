"""Presets: rain that has a name, with where its numbers come from.

A simulator with `preset: NAME` starts from the fields of the preset; fields that the recipe writes itself win. Names
end in `-like` unless the numbers stand in the publication that is cited.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from rainkit.rain.presets import noise, particles, sets
from rainkit.rain.presets.preset import Confidence, Preset

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {preset.name: preset for preset in (*particles.PRESETS, *noise.PRESETS, *sets.PRESETS)}
)
"""Every preset by name."""


def start_from(data: Any, kind: str) -> Any:
    """Return the fields of a simulator with those of its preset beneath them.

    Parameters
    ----------
    data : mapping
        Fields as a recipe gives them; anything else is returned as it is, for the model to refuse.
    kind : str
        Kind of the simulator.

    Raises
    ------
    ValueError
        If there is no such preset, or it belongs to another kind.
    """
    name = data.get("preset") if isinstance(data, dict) else None
    if not isinstance(name, str):
        return data
    preset = PRESETS.get(name)
    mine = sorted(other.name for other in PRESETS.values() if other.kind == kind)
    if preset is None:
        raise ValueError(f"no preset named {name!r}; {kind} has {', '.join(mine) or 'none'}")
    if preset.kind != kind:
        raise ValueError(f"preset {name!r} belongs to kind {preset.kind}, not {kind}; {kind} has {', '.join(mine)}")
    return {**preset.fields, **data}


__all__ = ["PRESETS", "Confidence", "Preset", "start_from"]
