"""Presets of `noise_blur`: the ranges of the generalisation study, in the units of the public noise recipe."""

from __future__ import annotations

from typing import Any

from rainkit.rain.presets.preset import Preset

_PAPER = "Gu et al., Networks are Slacking Off, NeurIPS 2023, arXiv 2305.15134"
_SEQUEL = "the same group's later generator, arXiv 2407.19789"
_NOTE = (
    "Brightness does not depend on the draw, as it does in the public recipe, whose min-max stretch ties it to the "
    "densest spot of each picture."
)


def _paper(name: str, quantity: list[int], width: Any, length: list[int], direction: list[int]) -> Preset:
    fields = {"quantity": quantity, "width": width, "length": length, "direction": direction}
    return Preset(f"slacking-off-{name}", "noise_blur", fields, _PAPER, "remembered", _NOTE)


def _sequel(name: str, share: list[float], width: Any, length: list[int], direction: list[int]) -> Preset:
    # The later generator states the share of seeded pixels itself: quantity = 25600 share.
    quantity = [25600 * part for part in share]
    fields = {"quantity": quantity, "width": width, "length": length, "direction": direction}
    return Preset(f"slacking-off-{name}-2024", "noise_blur", fields, _SEQUEL, "read", _NOTE)


PRESETS: tuple[Preset, ...] = (
    _paper("small", [200, 300], 5, [30, 31], [-5, 5]),
    _paper("medium", [100, 300], {"values": [3, 5, 7]}, [20, 40], [-30, 30]),
    _paper("large", [50, 500], {"values": [1, 3, 5, 7, 9]}, [5, 60], [-70, 70]),
    _sequel("small", [0.002, 0.004], {"values": [1, 3]}, [25, 35], [-10, 10]),
    _sequel("medium", [0.005, 0.007], {"values": [3, 5, 7], "weights": [0.25, 0.5, 0.25]}, [35, 45], [-30, 30]),
    _sequel("large", [0.008, 0.010], {"values": [7, 9]}, [45, 55], [-60, 60]),
)
"""Presets of the family."""
