"""The tables of estimators and of ingredients."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rainkit.complexity.codec import JpegRatio, JpegRatioColour
from rainkit.complexity.coefficients import DctSignificance, HadamardSignificance
from rainkit.complexity.colour import ColourCount, Colourfulness
from rainkit.complexity.edges import ContourCount, EdgeDensity, SpatialInformation
from rainkit.complexity.frequency import FrequencyEnergy, SpectralEntropy, SpectralSlope
from rainkit.complexity.gradient import GradientEntropy, MultiscaleGradientEntropy
from rainkit.complexity.histograms import Delentropy, GreyEntropy, RmsContrast
from rainkit.complexity.instrument import Instrument
from rainkit.complexity.structure import StructuralComplexity, StructuralComplexityFull

ESTIMATORS: dict[str, type[Instrument]] = {
    "gradient_entropy": GradientEntropy,
    "gradient_entropy_3": MultiscaleGradientEntropy,
    "delentropy": Delentropy,
    "grey_entropy": GreyEntropy,
    "jpeg_ratio": JpegRatio,
    "jpeg_ratio_colour": JpegRatioColour,
    "frequency_energy": FrequencyEnergy,
    "spectral_slope": SpectralSlope,
    "spectral_entropy": SpectralEntropy,
    "dct_significance": DctSignificance,
    "hadamard_significance": HadamardSignificance,
    "spatial_information": SpatialInformation,
    "edge_density": EdgeDensity,
    "structural_complexity": StructuralComplexity,
    "structural_complexity_full": StructuralComplexityFull,
    "colour_count": ColourCount,
    "colourfulness": Colourfulness,
    "rms_contrast": RmsContrast,
}
"""Estimators by kind: what a recipe may list."""

INGREDIENTS: dict[str, type[Instrument]] = {"contour_count": ContourCount}
"""Instruments by kind that were tuned on people's ratings: measured for a composite that names them, never listed."""

INSTRUMENTS: dict[str, type[Instrument]] = {**ESTIMATORS, **INGREDIENTS}
"""Everything that can become a column."""

AnyEstimator = Annotated[
    GradientEntropy
    | MultiscaleGradientEntropy
    | Delentropy
    | GreyEntropy
    | JpegRatio
    | JpegRatioColour
    | FrequencyEnergy
    | SpectralSlope
    | SpectralEntropy
    | DctSignificance
    | HadamardSignificance
    | SpatialInformation
    | EdgeDensity
    | StructuralComplexity
    | StructuralComplexityFull
    | ColourCount
    | Colourfulness
    | RmsContrast,
    Field(discriminator="kind"),
]
"""Any estimator of a recipe, told apart by `kind`."""

DEFAULT_ESTIMATORS: tuple[str, ...] = ("gradient_entropy_3", "dct_significance", "colour_count", "frequency_energy")
"""What a recipe measures when it does not say: the members of the composite, and the share of fine detail."""
