"""Presets of `particles`: rainkit's own rain, by rain rate, and of `layer_bank`."""

from __future__ import annotations

from rainkit.rain.presets.preset import Preset

_OWN = "rainkit: physical rain, tuned by eye on dark, bright, smooth and busy photographs"
_RAINMIX = "Guo et al., EfficientDeRain (RainMix), AAAI 2021, arXiv 2009.09238"
# Fog that grows over the whole picture: facades stay readable, hills and streets fade towards the top.
_HAZE = {"near_m": [15, 30], "horizon": [-0.2, 0.25], "airlight": [0.5, 0.7]}

_DRIZZLE = Preset(
    "drizzle",
    "particles",
    {
        "rain_rate_mm_h": [0.5, 2.0],
        "smallest": 0.35,
        "wind": [-1.5, 1.5],
        "exposure_ms": [8, 16],
        "gain": 26,
        "veil": {"depth": "plane", "distance_m": [30, 120], "airlight": [0.5, 0.7]},
    },
    _OWN,
    "own",
    "Thin, short, faint streaks, behind them hardly a veil.",
)
_SHOWER = Preset(
    "shower",
    "particles",
    {
        "rain_rate_mm_h": [4, 12],
        "smallest": 0.45,
        "wind": [-2.5, 2.5],
        "exposure_ms": [10, 18],
        "veil": {"distance_m": [100, 250], **_HAZE},
    },
    _OWN,
    "own",
    "Streaks of all distances; near ones long and soft.",
)
_DOWNPOUR = Preset(
    "downpour",
    "particles",
    {
        "rain_rate_mm_h": [25, 50],
        "smallest": 0.55,
        "wind": [-3, 3],
        "exposure_ms": [10, 18],
        "cover": 0.18,
        "veil": {"distance_m": [90, 200], **_HAZE},
    },
    _OWN,
    "own",
    "Dense rain before a grey distance.",
)
_STORM = Preset(
    "storm",
    "particles",
    {
        "rain_rate_mm_h": [60, 120],
        "smallest": 0.55,
        "wind": {"values": [-6, -5, -4, -3, 3, 4, 5, 6]},
        "turbulence": 0.8,
        "exposure_ms": [10, 18],
        "cover": 0.2,
        "veil": {"distance_m": [70, 140], **_HAZE, "near_m": [10, 25], "airlight": [0.45, 0.65]},
    },
    _OWN,
    "own",
    "Driven rain in which the distance drowns.",
)
_RAINMIX_LIKE = Preset(
    "rainmix-like",
    "layer_bank",
    {
        "layers": 3,
        "mix": "rainmix",
        "rotate": [-30, 30],
        "shear": [-0.3, 0.3],
        "zoom": [1.0, 2.0],
        "strength": [1.0, 1.5],
    },
    _RAINMIX,
    "matched",
    "Three layers mixed as in AugMix and screened; give `folder` for layers of your own, as the original needs.",
)

PRESETS: tuple[Preset, ...] = (_DRIZZLE, _SHOWER, _DOWNPOUR, _STORM, _RAINMIX_LIKE)
"""Presets of the family."""
