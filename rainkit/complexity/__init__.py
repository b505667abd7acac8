"""How complex a picture is: estimators, views, composites, guards, and ladders to calibrate them with."""

from __future__ import annotations

from rainkit.complexity.block import Complexity
from rainkit.complexity.codec import JpegRatio, JpegRatioColour
from rainkit.complexity.coefficients import DctSignificance, HadamardSignificance
from rainkit.complexity.colour import ColourCount, Colourfulness
from rainkit.complexity.composite import COMPOSITES, composite, ranks
from rainkit.complexity.edges import ContourCount, EdgeDensity, SpatialInformation
from rainkit.complexity.estimators import DEFAULT_ESTIMATORS, ESTIMATORS, INGREDIENTS, INSTRUMENTS, AnyEstimator
from rainkit.complexity.frequency import FrequencyEnergy, SpectralEntropy, SpectralSlope
from rainkit.complexity.gradient import GradientEntropy, MultiscaleGradientEntropy
from rainkit.complexity.guards import GUARDS, Guard, Guards, measure_guards
from rainkit.complexity.histograms import Delentropy, GreyEntropy, RmsContrast
from rainkit.complexity.instrument import Instrument, require_same_ids
from rainkit.complexity.ladders import LADDERS, climb
from rainkit.complexity.measuring import measure, measure_patches
from rainkit.complexity.reference import reference, reference_version
from rainkit.complexity.structure import StructuralComplexity, StructuralComplexityFull, structural_scales
from rainkit.complexity.views import View, canonical_view, native_view, patch_grid, view_size

__all__ = [
    "COMPOSITES",
    "DEFAULT_ESTIMATORS",
    "ESTIMATORS",
    "GUARDS",
    "INGREDIENTS",
    "INSTRUMENTS",
    "LADDERS",
    "AnyEstimator",
    "ColourCount",
    "Colourfulness",
    "Complexity",
    "ContourCount",
    "DctSignificance",
    "Delentropy",
    "EdgeDensity",
    "FrequencyEnergy",
    "GradientEntropy",
    "GreyEntropy",
    "Guard",
    "Guards",
    "HadamardSignificance",
    "Instrument",
    "JpegRatio",
    "JpegRatioColour",
    "MultiscaleGradientEntropy",
    "RmsContrast",
    "SpatialInformation",
    "SpectralEntropy",
    "SpectralSlope",
    "StructuralComplexity",
    "StructuralComplexityFull",
    "View",
    "canonical_view",
    "climb",
    "composite",
    "measure",
    "measure_guards",
    "measure_patches",
    "native_view",
    "patch_grid",
    "ranks",
    "reference",
    "reference_version",
    "require_same_ids",
    "structural_scales",
    "view_size",
]
