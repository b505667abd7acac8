"""Presets that imitate public sets whose generators were never released, or were recipes for a picture editor.

They are tuned so that, over natural photographs, the look and the mean PSNR of the rainy pictures come near those of
the set. The PSNR values in the notes are those of the rainy test pictures (luma) that deraining papers report, given
from memory.
"""

from __future__ import annotations

from typing import Any

from rainkit.rain.presets.preset import Preset

_YANG = "Yang et al., Deep Joint Rain Detection and Removal from a Single Image, CVPR 2017"
_ZHANG = "Zhang, Sindagi, Patel, Image De-raining Using a Conditional GAN, arXiv 1701.05957"
_FU = "Fu et al., Removing Rain from Single Images via a Deep Detail Network, CVPR 2017"
_DID = "Zhang, Patel, Density-aware Single Image De-raining using a Multi-stream Dense Network, CVPR 2018"
_LI = "Li, Cheong, Tan, Heavy Rain Image Restoration, CVPR 2019, equation 2, and its authors' generator"
_HQ = "Chen et al., Towards Unified Deep Image Deraining: A Survey and A New Benchmark (HQ-RAIN), arXiv 2310.03535"


def _layer(name: str, density: Any, length: Any, width: Any, opacity: Any, **fields: Any) -> dict[str, Any]:
    """Return the fields of a layer of streaks."""
    return {"name": name, "density": density, "length": length, "width": width, "opacity": opacity, **fields}


_RAIN100L = Preset(
    "rain100l-like",
    "streaks",
    {
        "layers": [
            _layer("rain", [1000, 2600], [20, 45], [1.4, 2.8], [0.11, 0.31], spread=[0.5, 2], softness=[0.5, 1.2])
        ],
        "direction": [-35, 35],
        "fan": 0,
    },
    _YANG,
    "matched",
    "One kind of streak, sparse; rainy pictures near 27 dB.",
)
_RAIN100H = Preset(
    "rain100h-like",
    "streaks",
    {
        "layers": [
            _layer("fine", [6000, 11000], [20, 50], [0.8, 1.6], [0.12, 0.35], spread=[2, 5]),
            _layer("long", [1500, 2700], [60, 160], [1.5, 3.5], [0.2, 0.45], spread=[0.5, 2], softness=[0.5, 1.5]),
        ],
        "direction": [-35, 35],
        "fan": 0,
    },
    _YANG,
    "matched",
    "Two kinds of streaks that cover nearly everything; rainy pictures near 13.5 dB.",
)
_RAIN800 = Preset(
    "rain800-like",
    "noise_blur",
    {
        "quantity": [300, 1200],
        "length": [15, 45],
        "width": [1.5, 4],
        "direction": [-45, 45],
        "opacity": [0.1, 0.22],
        "variation": 0.7,
        "taper": 0.3,
        "compose": "screen",
    },
    _ZHANG,
    "matched",
    "The authors drew rain of many strengths and directions in a picture editor; rainy pictures near 22.5 dB.",
)
_RAIN1400 = Preset(
    "rain1400-like",
    "noise_blur",
    {
        "quantity": {"values": [180, 420]},
        "length": [20, 45],
        "width": [2.5, 5],
        "direction": {"values": [-45, -30, -15, 0, 15, 30, 45]},
        "opacity": [0.13, 0.24],
        "variation": 0.6,
        "taper": 0.25,
        "compose": "screen",
    },
    _FU,
    "matched",
    "Seven directions times two magnitudes are the 14 variants of each picture; how the authors chose theirs is not "
    "published. Rainy pictures near 25 dB.",
)


def _did(name: str, noise: list[float], opacity: list[float]) -> Preset:
    # Of the specks of an editor's noise, those that its recipe's levels leave, about one in twelve, become streaks.
    fields = {
        "quantity": [25600 * part / 12 for part in noise],
        "length": [12, 32],
        "width": [1, 2.5],
        "direction": [-40, 40],
        "opacity": opacity,
        "variation": 0.8,
        "taper": 0.3,
        "compose": "screen",
    }
    note = f"A picture editor's noise of {noise[0]:.0%} to {noise[1]:.0%}, motion-blurred; rainy pictures near 23.6 dB."
    return Preset(f"did-{name}-like", "noise_blur", fields, _DID, "matched", note)


_OUTDOOR = Preset(
    "outdoor-rain-like",
    "noise_blur",
    {
        "quantity": {"values": [150, 350, 700]},
        "length": [21, 60],
        "width": [1.5, 3.5],
        "direction": {"values": [-10, -5, 0, 5, 10]},
        "opacity": [0.12, 0.26],
        "variation": 0.7,
        "taper": 0.25,
        "compose": "heavy",
        "veil": {
            "beta": [30, 42],
            "depth": "map",
            "distance_m": [8, 40],
            "airlight": [0.3, 0.9],
        },
    },
    _LI,
    "matched",
    "Five directions times three amounts are the 15 variants of each picture. Lengths, directions, beta and airlight "
    "are those of the authors' generator, on depths for which 1 is 100 m; depth comes from the map beside the picture, "
    "or is one distance. The clean target is the picture, where the authors' is a blurred one.",
)
_HQ_RAIN = Preset(
    "hq-rain-like",
    "streaks",
    {
        "layers": [
            _layer("far", [2000, 5000], [14, 36], [1.2, 2.2], [0.12, 0.32], spread=[1, 3]),
            _layer("middle", [300, 900], [36, 90], [1.8, 3.4], [0.18, 0.42], spread=[1, 3], softness=[0.6, 1.4]),
            _layer("near", [5, 30], [90, 260], [4, 8], [0.14, 0.32], spread=[1, 4], softness=[2, 6]),
        ],
        "direction": [-25, 25],
        "fan": [-6, 6],
        "reference_height": 1000,
        "compose": "screen",
    },
    _HQ,
    "matched",
    "Layers of three distances in high resolution; sizes follow the height of the picture.",
)

PRESETS: tuple[Preset, ...] = (
    _RAIN100L,
    _RAIN100H,
    _RAIN800,
    _RAIN1400,
    _did("light", [0.05, 0.35], [0.13, 0.26]),
    _did("medium", [0.35, 0.65], [0.12, 0.22]),
    _did("heavy", [0.65, 0.95], [0.12, 0.22]),
    _OUTDOOR,
    _HQ_RAIN,
)
"""Presets of the family."""
