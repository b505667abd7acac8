"""The table of estimators."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rainkit.complexity.codec import JpegRatio, JpegRatioColour
from rainkit.complexity.frequency import FrequencyEnergy
from rainkit.complexity.gradient import GradientEntropy, MultiscaleGradientEntropy
from rainkit.complexity.instrument import Instrument

ESTIMATORS: dict[str, type[Instrument]] = {
    "gradient_entropy": GradientEntropy,
    "gradient_entropy_3": MultiscaleGradientEntropy,
    "jpeg_ratio": JpegRatio,
    "jpeg_ratio_colour": JpegRatioColour,
    "frequency_energy": FrequencyEnergy,
}
"""Estimators by kind."""

AnyEstimator = Annotated[
    GradientEntropy | MultiscaleGradientEntropy | JpegRatio | JpegRatioColour | FrequencyEnergy,
    Field(discriminator="kind"),
]
"""Any estimator of a recipe, told apart by `kind`."""

DEFAULT_ESTIMATORS: tuple[str, ...] = ("gradient_entropy", "jpeg_ratio", "frequency_energy")
"""What a recipe measures when it does not say."""
