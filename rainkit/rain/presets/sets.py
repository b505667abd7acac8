"""Presets of `streaks` that imitate public sets."""

from __future__ import annotations

from rainkit.rain.presets.preset import Preset

PRESETS: tuple[Preset, ...] = ()
"""Presets of the family."""
