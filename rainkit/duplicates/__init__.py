"""Near-duplicates: a perceptual hash, its orientations, and groups of pictures that are nearly identical.

The hash keeps the signs of the lowest frequencies of a picture, so a mirrored or turned copy has a hash that follows
from the original's by moving and inverting bits: one hash a picture finds copies in all eight orientations, also from
a manifest, without its pixels.
"""

from __future__ import annotations

from rainkit.duplicates.agreement import ALIKE_CROP, ALIKE_WHOLE, agreement, turn
from rainkit.duplicates.hashing import ORIENTATIONS, hash_rectangles, orient, perceptual_hash
from rainkit.duplicates.search import Pairs, find_pairs, group
from rainkit.duplicates.windows import GRID, hash_windows, thumbnail, window_of

__all__ = [
    "ALIKE_CROP",
    "ALIKE_WHOLE",
    "GRID",
    "ORIENTATIONS",
    "Pairs",
    "agreement",
    "find_pairs",
    "group",
    "hash_rectangles",
    "hash_windows",
    "orient",
    "perceptual_hash",
    "thumbnail",
    "turn",
    "window_of",
]
