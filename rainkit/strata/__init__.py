"""Strata: from scores to edges to numbered classes of complexity.

A stratification is a pure function of pairs (score, id): the order of the pictures never matters. Every method ends in
edges; a score at an edge belongs to the stratum above it, so that a score can be placed again at any time, from the
edges alone. `equal_count` is the exception: it splits ties at an edge by the hash of the ids, and its placements agree
with the edges in the closed sense (`Stratification.agrees`).

Strata serve whole pictures and patches alike: the scores and ids that come in are of one unit or the other.
"""

from __future__ import annotations

from rainkit.strata.fit import fit
from rainkit.strata.methods import (
    METHODS,
    Edges,
    EqualCount,
    Grid,
    KMeans,
    Match,
    Method,
    Quantile,
    Strata,
)
from rainkit.strata.stratification import METADATA_KEY, Stratification, read_stratification

__all__ = [
    "METADATA_KEY",
    "METHODS",
    "Edges",
    "EqualCount",
    "Grid",
    "KMeans",
    "Match",
    "Method",
    "Quantile",
    "Strata",
    "Stratification",
    "fit",
    "read_stratification",
]
