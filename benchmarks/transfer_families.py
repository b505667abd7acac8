"""Families of rain to choose recipes on: groups of different makers, each from light to heavy, none in a candidate.

Severity and mean brightness decide much of what a network scores, so each group spans both; the mean over groups, not
over families, is what counts. Rendered streak layers (`--bank`) are those of other makers: K. Garg and S. K. Nayar,
"Photorealistic rendering of rain streaks", SIGGRAPH 2006, has a database of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from transfer_peers import PEERS, crop_pairs

from rainkit.data.torch import ReadableCorpus
from rainkit.rain.presets import PRESETS
from rainkit.records import Pixels
from rainkit.seeds import Stream
from rainkit.train.evaluate import Case, Cases

PATCH, EACH = 192, 24
"""Side of a held-out picture, px, and pictures of each family."""
VEIL = "veil"
"""The group that is reported apart: it holds what a veil does to whole pictures."""


def preset(name: str, **fields: Any) -> dict[str, Any]:
    """Return a preset as a recipe writes it."""
    return {"kind": PRESETS[name].kind, "preset": name, **fields}


def bank(folder: Path, layers: Any, strength: list[float], zoom: list[float], **fields: Any) -> dict[str, Any]:
    """Return rain of streak pictures laid on one another."""
    return {"kind": "layer_bank", "folder": str(folder.resolve()), "layers": layers, "mix": "add", "compose": "add",
            "strength": strength, "zoom": zoom, "rotate": [-30, 30], **fields}  # fmt: skip


def _haze(depth: str, beta: list[float], distance: list[float], airlight: list[float]) -> dict[str, Any]:
    return {"depth": depth, "beta": beta, "distance_m": distance, "airlight": airlight}


NEAR = _haze("plane", [30, 42], [8, 40], [0.3, 0.9])
"""The extinction, distances and airlight of the public generator of heavy rain, over one distance."""
WIDE = _haze("plane", [8, 30], [10, 60], [0.4, 0.9])


def list_families(layers: Path | None) -> dict[str, dict[str, dict[str, Any]]]:
    """Return group -> family -> rain; the groups of streak pictures only where their folder is given."""
    groups: dict[str, dict[str, dict[str, Any]]] = {
        "vector": {name: preset(name) for name in ("rain100l-like", "rain100h-like", "hq-rain-like")},
        "editor": {name: preset(name) for name in ("rain800-like", "rain1400-like", "slacking-off-large-2024")},
        "physical": {name: preset(name) for name in ("shower", "downpour")},
        "albumentations": {"undimmed": {"kind": "albumentations", "brightness": 1.0, "rain_type": "heavy"}},
        VEIL: {
            "outdoor-rain-like": preset("outdoor-rain-like"),
            "veiled rain100h-like": preset("rain100h-like", compose="heavy", veil=WIDE),
        },
    }
    if layers is not None:
        groups["rendered"] = {
            "rendered, light": bank(layers, 1, [0.3, 0.6], [0.9, 1.6]),
            "rendered": bank(layers, [1, 3], [0.5, 1.0], [0.9, 1.6]),
            "rendered, heavy": bank(layers, [3, 4], [0.8, 1.4], [0.9, 1.6]),
        }
        groups["soft"] = {
            "soft, light": bank(layers, [1, 2], [0.3, 0.7], [2.5, 5]),
            "soft": bank(layers, [2, 3], [0.5, 1.0], [2.5, 5]),
            "soft, dense": bank(layers, [3, 4], [0.9, 1.6], [2.5, 5]),
        }
        fog = _haze("plane", [3, 12], [100, 300], [0.4, 0.9])
        groups[VEIL] |= {
            "veiled rendered": bank(layers, [1, 3], [0.5, 1.0], [0.9, 1.6], compose="heavy", veil=WIDE),
            "veiled soft": bank(layers, [1, 3], [0.2, 0.8], [1.5, 4], compose="heavy", veil=NEAR),
            "fog and faint streaks": bank(layers, [1, 3], [0.1, 0.4], [1, 3], compose="heavy", veil=fog),
        }
    return groups


EDITED = {
    "edited, light": ((0.2, 1.2), (15, 50)),
    "edited": ((-0.9, 0.3), (12, 38)),
    "edited, dense": ((-2.4, -0.8), (15, 38)),
}
"""Black point, in standard deviations of the noise, and gain, levels each, of the dense noise of picture editors."""


def rain_by_editor(clean: Pixels, rng: Stream, black: tuple[float, float], gain: tuple[float, float]) -> Pixels:
    """Return rain as tutorials for picture editors make it: Gaussian noise, motion blur, soft focus, levels, added.

    A low black point leaves no pixel without rain, as dense rain does; rainkit's simulators draw streaks one by one.
    """
    height, width = clean.shape[:2]
    reach = int(rng.integers(12, 60, 1)[0])
    line = np.zeros((reach, reach), dtype=np.float32)
    line[:, reach // 2] = 1
    turn = cv2.getRotationMatrix2D((reach / 2 - 0.5, reach / 2 - 0.5), rng.number(-45, 45), 1)
    kernel = cv2.warpAffine(line, turn, (reach, reach))
    shape = (height + 128, width + 128)
    uniform = rng.uniform(12 * shape[0] * shape[1], -0.5, 0.5).reshape(12, *shape)
    noise = cv2.filter2D(uniform.sum(axis=0).astype(np.float32), -1, kernel)  # twelve uniform numbers: nearly Gaussian
    noise = cv2.GaussianBlur(noise, (0, 0), rng.number(0.5, 2.0))[64:-64, 64:-64]
    noise = (noise - noise.mean()) / noise.std()
    layer = np.clip(rng.number(*gain) * (noise - rng.number(*black)), 0, 255)
    return np.clip(clean + layer[..., None] + 0.5, 0, 255).astype(np.uint8)


def list_scripted(pictures: list[Pixels]) -> dict[str, dict[str, list[tuple[Pixels, Pixels]]]]:
    """Return group -> family -> pairs, of generators that are not rainkit's."""
    edited = {
        name: crop_pairs(name, pictures, partial(rain_by_editor, black=black, gain=gain), EACH, PATCH)
        for name, (black, gain) in EDITED.items()
    }
    scripts = {f"noise {name}": crop_pairs(name, pictures, PEERS[name](), EACH, PATCH)
               for name in ("script-small", "script-large")}  # fmt: skip
    return {"edited": edited, "script": scripts}


def collect(
    corpus: ReadableCorpus, groups: Mapping[str, Mapping[str, Any]], pictures: list[Pixels]
) -> dict[str, tuple[str, Cases]]:
    """Return family -> its group and its cases: those of a corpus of every rain, and those of other generators."""
    rains = np.array(corpus.samples["rain"].to_pylist())
    found = {}
    for group, families in groups.items():
        for name in families:
            rows = [corpus.read(int(row)) for row in np.flatnonzero(rains == slug(name))]
            found[name] = (group, _cases(name, [(pair["rainy"], pair["clean"]) for pair in rows]))
    for group, scripted in list_scripted(pictures).items():
        found |= {name: (group, _cases(name, pairs)) for name, pairs in scripted.items()}
    return found


def slug(name: str) -> str:
    """Return a family's name as a recipe may write it."""
    return name.replace(", ", "-").replace(" ", "-")


def _cases(name: str, pairs: list[tuple[Pixels, Pixels]]) -> Cases:
    return Cases(len(pairs), lambda number: Case(f"{name}-{number}", name, None, name, str(number), *pairs[number]))
