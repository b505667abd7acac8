"""How complex a picture is: estimators, views, the composite."""

from __future__ import annotations

from rainkit.complexity.block import Complexity
from rainkit.complexity.codec import JpegRatio, JpegRatioColour
from rainkit.complexity.composite import COMPOSITES, composite, ranks
from rainkit.complexity.estimators import DEFAULT_ESTIMATORS, ESTIMATORS, AnyEstimator
from rainkit.complexity.frequency import FrequencyEnergy
from rainkit.complexity.gradient import GradientEntropy, MultiscaleGradientEntropy
from rainkit.complexity.instrument import Instrument, require_same_ids
from rainkit.complexity.measuring import measure, measure_patches
from rainkit.complexity.reference import reference, reference_version
from rainkit.complexity.views import View, canonical_view, native_view, patch_grid, view_size

__all__ = [
    "COMPOSITES",
    "DEFAULT_ESTIMATORS",
    "ESTIMATORS",
    "AnyEstimator",
    "Complexity",
    "FrequencyEnergy",
    "GradientEntropy",
    "Instrument",
    "JpegRatio",
    "JpegRatioColour",
    "MultiscaleGradientEntropy",
    "View",
    "canonical_view",
    "composite",
    "measure",
    "measure_patches",
    "native_view",
    "patch_grid",
    "ranks",
    "reference",
    "reference_version",
    "require_same_ids",
    "view_size",
]
