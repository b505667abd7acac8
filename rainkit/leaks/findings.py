"""What a comparison finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Leak:
    """A pair of pictures, one of each set, that are nearly identical.

    Attributes
    ----------
    first, second : str
        Names within the two sets.
    orientation : str
        How the first is to be turned to look like the second, a key of `duplicates.ORIENTATIONS`.
    crop : str
        "" for whole pictures; "first" or "second" for the one that is a crop of the other.
    window : tuple of float
        x, y, width, height of the crop in the other picture, as shares of its sides.
    change : str
        "identical" pixels; "encoded" again or resized, under two levels of difference; "altered"; "unknown" without
        pixels.
    lighter : float
        Mean of the second minus that of the first, levels of 0..255; rain makes a picture lighter.
    resized : bool
        Whether whole pictures differ in size.
    distance : int
        Hamming distance of the hashes, bits.
    agreement : float or None
        Correlation of detail, 0..1; None where one of the two is known by its hash alone.
    """

    first: str
    second: str
    orientation: str
    crop: str
    window: tuple[float, float, float, float]
    change: str
    lighter: float
    resized: bool
    distance: int
    agreement: float | None

    def describe(self) -> str:
        """Return how the two are related, in a few words."""
        words = [] if self.orientation == "upright" else [self.orientation]
        if self.crop:
            words.append(f"{self.crop} is a crop, {self.window[2]:.0%} x {self.window[3]:.0%}")
        if self.resized:
            words.append("resized")
        if self.change == "identical":
            words.append("identical pixels")
        elif self.change == "encoded" and not self.resized:
            words.append("encoded again")
        elif self.change == "altered":
            words.append(f"altered, {abs(self.lighter):.0f} levels {'lighter' if self.lighter >= 0 else 'darker'}")
        return "; ".join(words) or "same"


@dataclass(frozen=True, slots=True)
class LeakReport:
    """What a comparison found.

    Attributes
    ----------
    leaks : list of Leak
        Pairs, by the names of the first and second.
    first, second : int
        Pictures that were compared.
    unreadable : list of tuple of str and str
        Pictures that could not be read, and why.
    """

    leaks: list[Leak]
    first: int
    second: int
    unreadable: list[tuple[str, str]]

    @property
    def shared(self) -> tuple[int, int]:
        """How many pictures of each set are in some pair."""
        return len({leak.first for leak in self.leaks}), len({leak.second for leak in self.leaks})

    def document(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        pairs = [{**asdict(leak), "description": leak.describe()} for leak in self.leaks]
        return {
            "pairs": len(pairs),
            "first": {"pictures": self.first, "shared": self.shared[0]},
            "second": {"pictures": self.second, "shared": self.shared[1]},
            "unreadable": [{"picture": name, "reason": reason} for name, reason in self.unreadable],
            "leaks": pairs,
        }
