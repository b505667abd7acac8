"""Presets of `noise_blur`: the ranges of the generalisation study, in the units of the public noise recipe."""

from __future__ import annotations

from typing import Any

from rainkit.rain.presets.preset import Preset

_PAPER = "Gu et al., Networks are Slacking Off, NeurIPS 2023, arXiv 2305.15134"
_SEQUEL = "the same group's later generator, arXiv 2407.19789"
_NOTE = (
    "Brightness follows `opacity`, tuned so that the mean layer of 128 px patches is that of the public script (within "
    "5 percent); the script itself stretches each picture from its darkest to its brightest spot."
)


def _paper(name: str, quantity: list[float], **fields: Any) -> Preset:
    return Preset(f"slacking-off-{name}", "noise_blur", {"quantity": quantity, **fields}, _PAPER, "remembered", _NOTE)


def _sequel(name: str, share: list[float], **fields: Any) -> Preset:
    # The later generator states the share of seeded pixels itself: quantity = 25600 share.
    fields = {"quantity": [25600 * part for part in share], **fields}
    return Preset(f"slacking-off-{name}-2024", "noise_blur", fields, _SEQUEL, "read", _NOTE)


_MOSTLY_FIVE = {"values": [3, 5, 7], "weights": [0.25, 0.5, 0.25]}

_THIN = {"values": [1, 3]}
_MIDDLE = {"values": [3, 5, 7]}
_WIDE = {"values": [7, 9]}
_ODD = {"values": [1, 3, 5, 7, 9]}

PRESETS: tuple[Preset, ...] = (
    _paper("small", [200, 300], width=5, length=[30, 31], direction=[-5, 5], opacity=[0.22, 0.38]),
    _paper("medium", [100, 300], width=_MIDDLE, length=[20, 40], direction=[-30, 30], opacity=[0.28, 0.48]),
    _paper("large", [50, 500], width=_ODD, length=[5, 60], direction=[-70, 70], opacity=[0.24, 0.42]),
    _sequel("small", [0.002, 0.004], width=_THIN, length=[25, 35], direction=[-10, 10], opacity=[0.4, 0.72]),
    _sequel("medium", [0.005, 0.007], width=_MOSTLY_FIVE, length=[35, 45], direction=[-30, 30], opacity=[0.28, 0.48]),
    _sequel("large", [0.008, 0.010], width=_WIDE, length=[45, 55], direction=[-60, 60], opacity=[0.19, 0.33]),
)
"""Presets of the family."""
