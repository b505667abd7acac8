"""The recipe block `validation:`: what a corpus must reach before it may be released. It cannot change a pixel."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]


class Validation(BaseModel):
    """Thresholds of the gates of `rainkit validate`, and which splits they are judged on.

    The defaults are calibrated on the quickstart corpus with the preset `tiny`; docs/validate.md has the margins.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    train: str | None = Field(
        None, description="Split that networks are trained on; `train`, or the largest split, where not given."
    )
    seen: str | None = Field(
        None, description="Split of held-out pictures with rain that `train` has too; found where not given."
    )
    unseen: str | None = Field(
        None, description="Split with rain that `train` has not; found where not given, else drawn from a preset."
    )
    coverage: dict[str, tuple[Share, Share]] = Field(
        default_factory=dict, description="Coverage that pictures of a rain must have, by name, [low, high]."
    )
    shifted_share: float = Field(0.05, ge=0, le=1, description="Pairs that may look displaced: weak edges mislead.")
    displaced_margin: float = Field(
        0.05, ge=0, le=2, description="By how much a displacement must agree better before it is believed."
    )
    agreement: float = Field(0.15, ge=-1, le=1, description="Median correlation of the edges of rainy and clean.")
    darker_share: float = Field(0.02, ge=0, le=1, description="Values that rain without a veil may darken, mean share.")
    floor: float = Field(
        3.0, ge=0, description="Light that the driest places may gain, median of pairs.",
        json_schema_extra={"unit": "levels"},
    )  # fmt: skip
    label_tolerance: float = Field(
        0.01, ge=0, description="PSNR of rainy against clean less that in the manifest.",
        json_schema_extra={"unit": "dB"},
    )  # fmt: skip
    empty_share: float = Field(0.05, ge=0, le=1, description="Pictures of a rain that may have next to none.")
    empty_coverage: float = Field(0.001, ge=0, le=1, description="Coverage below which a picture has next to no rain.")
    outside_share: float = Field(
        0.15, ge=0, le=1,
        description="Pictures whose coverage or brightening may lie outside what the recipe's rain gives when drawn "
        "again on them.",
    )  # fmt: skip
    flat_share: float = Field(0.05, ge=0, le=1, description="Pictures of a stratum that may be of one colour.")
    flat_contrast: float = Field(
        0.5, ge=0, description="Contrast below which a picture is of one colour.", json_schema_extra={"unit": "levels"}
    )
    score_tolerance: float = Field(
        1e-3, ge=0, description="Complexity measured again less that in the manifest, relative above 1."
    )
    misplaced_share: float = Field(
        0.01, ge=0, le=1, description="Pictures that may fall in another stratum when measured again."
    )
    twin_agreement: float = Field(
        0.9, ge=0, le=1, description="Share of blocks whose edges agree from which two pictures count as one picture."
    )
    gain_seen: float = Field(
        1.0, description="Least gain over the input on seen rain, PSNR-Y.", json_schema_extra={"unit": "dB"}
    )
    removal_seen: float = Field(
        0.25, description="Least share of the rain's structure that is removed on seen rain: brightness is not rain."
    )
    background: float = Field(
        15.0, gt=0, description="Largest E_B of the networks on seen rain.", json_schema_extra={"unit": "levels"}
    )
    rain_free_error: float = Field(
        15.0, gt=0, description="Largest mean-free error on input without rain.", json_schema_extra={"unit": "levels"}
    )
    gain_unseen: float = Field(
        0.0, description="Least gain over the input on unseen rain, PSNR-Y.", json_schema_extra={"unit": "dB"}
    )
    gain_stratum: float = Field(
        -1.5, description="Least gain over the input on unseen rain in each stratum, PSNR-Y.",
        json_schema_extra={"unit": "dB"},
    )  # fmt: skip
    removal_unseen: float = Field(
        0.1, description="Least share of the rain's structure that is removed on unseen rain, over all strata."
    )
    seed_spread: float = Field(
        1.5, gt=0, description="Largest difference between seeds in the gain on seen rain.",
        json_schema_extra={"unit": "dB"},
    )  # fmt: skip

    @model_validator(mode="after")
    def _ordered(self) -> Validation:
        for rain, (low, high) in self.coverage.items():
            if low > high:
                raise ValueError(
                    f"coverage of {rain}: the range [{low:g}, {high:g}] is empty, write the lower end first"
                )
        return self
