"""The gates of a corpus: pure functions from tables to findings, each with a value, a threshold and a reason.

Tables of samples are the manifest's; tables of pairs come from `rainkit.train.examine`; tables of results from
`rainkit.train.trial`, with a column `seed`, which says which network it was. A gate that has nothing to judge by fails
and says why; a gate that could only repeat another one's failure is not judged.
"""

from __future__ import annotations

from rainkit.train.gates.finding import Finding, follow
from rainkit.train.gates.networks import check_background, check_generalisation, check_learning, check_seeds
from rainkit.train.gates.pairs import (
    check_alignment,
    check_brightness,
    check_complexity,
    check_exactness,
    check_partners,
    check_rain,
)
from rainkit.train.gates.tables import PlannedSplit, check_counts, check_integrity, check_leaks, check_strata

GATES: dict[str, str] = {
    "integrity": "files, tables and pixels are as recorded",
    "counts": "samples and rains are as planned",
    "strata": "samples are of the planned strata, complexity rises with them",
    "complexity": "measured again, pictures are of their stratum, and none is flat",
    "leaks": "no picture lies in two splits, by the manifest or by its pixels",
    "pairs": "clean picture and labels give the rainy one bit for bit",
    "partners": "rainy and clean are of one picture",
    "alignment": "rainy and clean lie over one another",
    "brightness": "rain and nothing else changed the brightness",
    "rain": "coverage and brightening are those of the recipe's rains",
    "learning": "a small network beats the input on seen rain",
    "background": "it keeps what is not rain",
    "generalisation": "it does no harm under unseen rain, in any stratum",
    "seeds": "networks of other seeds agree",
}
"""Every gate in the order of judgement, and what it asks."""

__all__ = [
    "GATES",
    "Finding",
    "PlannedSplit",
    "check_alignment",
    "check_background",
    "check_brightness",
    "check_complexity",
    "check_counts",
    "check_exactness",
    "check_generalisation",
    "check_integrity",
    "check_leaks",
    "check_learning",
    "check_partners",
    "check_rain",
    "check_seeds",
    "check_strata",
    "follow",
]
