"""Presets of `noise_blur`: the ranges of the generalisation study, in the units of the public noise recipe."""

from __future__ import annotations

from typing import Any

from rainkit.rain.presets.preset import Confidence, Preset

_PAPER = "Gu et al., Networks are Slacking Off, NeurIPS 2023, arXiv 2305.15134"
_SEQUEL = "the same group's later generator, arXiv 2407.19789"
_NOTE = (
    "Brightness follows `opacity`, tuned so that the mean layer of 128 px patches is that of the public script (within "
    "5 percent); the script itself stretches each picture from its darkest to its brightest spot."
)


def _preset(suffix: str, quantity: list[float], fields: dict[str, Any], source: str, *, sure: Confidence) -> Preset:
    return Preset(f"slacking-off-{suffix}", "noise_blur", {"quantity": quantity, **fields}, source, sure, _NOTE)


def _paper(
    name: str, quantity: list[float], width: Any, length: list[int], direction: list[int], opacity: list[float]
) -> Preset:
    fields = {"width": width, "length": length, "direction": direction, "opacity": opacity}
    return _preset(name, quantity, fields, _PAPER, sure="remembered")


def _sequel(
    name: str, share: list[float], width: Any, length: list[int], direction: list[int], opacity: list[float]
) -> Preset:
    # The later generator states the share of seeded pixels itself: quantity = 25600 share.
    fields = {"width": width, "length": length, "direction": direction, "opacity": opacity}
    return _preset(f"{name}-2024", [25600 * part for part in share], fields, _SEQUEL, sure="read")


_MOSTLY_FIVE = {"values": [3, 5, 7], "weights": [0.25, 0.5, 0.25]}

PRESETS: tuple[Preset, ...] = (
    _paper("small", [200, 300], 5, [30, 31], [-5, 5], [0.22, 0.38]),
    _paper("medium", [100, 300], {"values": [3, 5, 7]}, [20, 40], [-30, 30], [0.28, 0.48]),
    _paper("large", [50, 500], {"values": [1, 3, 5, 7, 9]}, [5, 60], [-70, 70], [0.24, 0.42]),
    _sequel("small", [0.002, 0.004], {"values": [1, 3]}, [25, 35], [-10, 10], [0.4, 0.72]),
    _sequel("medium", [0.005, 0.007], _MOSTLY_FIVE, [35, 45], [-30, 30], [0.28, 0.48]),
    _sequel("large", [0.008, 0.010], {"values": [7, 9]}, [45, 55], [-60, 60], [0.19, 0.33]),
)
"""Presets of the family."""
