"""Leaks: pictures that two sets share, even where one is mirrored, turned, cropped, resized, re-encoded or rained on.

Whole pictures are compared by perceptual hash in all eight orientations; crops by the hashes of hundreds of windows of
each picture. Where both pictures can be read, what the hashes propose is checked by the agreement of their detail.
"""

from __future__ import annotations

from rainkit.leaks.findings import Leak, LeakReport
from rainkit.leaks.fingerprints import Fingerprint, take_fingerprints
from rainkit.leaks.search import find_leaks

__all__ = ["Fingerprint", "Leak", "LeakReport", "find_leaks", "take_fingerprints"]
