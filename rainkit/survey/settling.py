"""What only all pictures together decide: duplicates, near-duplicates, limits, and whether too many were refused."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from rainkit import duplicates
from rainkit.errors import BuildError
from rainkit.recipe import Recipe
from rainkit.records import Background, Picture, Refused
from rainkit.survey.measuring import Measured, Offer


@dataclass(frozen=True, slots=True)
class Survey:
    """What a recipe's sources hold.

    Attributes
    ----------
    measured : list of Measured
        Admitted pictures in the order of their digests.
    pictures : dict of str to Picture
        Background id to how it is read.
    refused : list of Refused
        Pictures that were not admitted.
    offered, remembered : int
        Pictures that the sources offer, and those of them that the cache knew.
    """

    measured: list[Measured]
    pictures: dict[str, Picture]
    refused: list[Refused]
    offered: int
    remembered: int
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def backgrounds(self) -> list[Background]:
        """Admitted pictures, in the order of their digests."""
        return [measured.background for measured in self.measured]


def settle(recipe: Recipe, offers: Sequence[Offer], found: Sequence[Measured | Refused]) -> Survey:
    """Admit or refuse what only all pictures together decide."""
    refused = [result for result in found if isinstance(result, Refused)]
    kept: dict[str, tuple[Measured, Picture]] = {}
    for offer, result in zip(offers, found, strict=True):
        if isinstance(result, Refused):
            continue
        background = result.background
        twin = kept.get(background.id)
        if twin is not None:
            same = twin[0].background
            reason = "duplicate_bytes" if same.sha256 == background.sha256 else "duplicate_pixels"
            detail = f"the same {'file' if reason == 'duplicate_bytes' else 'pixels'} as {same.source}:{same.path}"
            refused.append(Refused(background.source, background.path, reason, detail))
            continue
        kept[background.id] = (result, offer.picture)
    ordered = [kept[name] for name in sorted(kept)]
    ordered, more = _admit_together(recipe, ordered)
    refused += more
    _check_refusals(recipe, len(offers), refused)
    if not ordered:
        reasons = ", ".join(f"{count} {reason}" for reason, count in Counter(r.reason for r in refused).most_common())
        raise BuildError(
            f"no backgrounds: all {len(offers)} pictures were refused ({reasons}); see backgrounds: in the recipe"
        )
    return Survey(
        measured=[measured for measured, _ in ordered],
        pictures={measured.background.id: picture for measured, picture in ordered},
        refused=sorted(refused, key=lambda r: (r.source, r.path)),
        offered=len(offers),
        remembered=0,
        reasons=dict(Counter(r.reason for r in refused).most_common()),
    )


_EXPECTED = frozenset({"limit", "near_duplicate", "duplicate_bytes", "duplicate_pixels"})
"""Refusals that say nothing against a picture; they count towards no share and stop nothing."""


def _check_refusals(recipe: Recipe, offered: int, refused: Iterable[Refused]) -> None:
    block = recipe.backgrounds
    bad = [result for result in refused if result.reason not in _EXPECTED]
    if bad and block.on_refusal == "stop":
        first = bad[0]
        raise BuildError(
            f"{first.source}:{first.path} is refused ({first.reason}: {first.detail}) and backgrounds.on_refusal is "
            f"stop; {len(bad)} of {offered} pictures are refused in all"
        )
    if len(bad) > block.max_refused_share * offered:
        counts = ", ".join(f"{count} {reason}" for reason, count in Counter(r.reason for r in bad).most_common())
        raise BuildError(
            f"{len(bad)} of {offered} pictures are refused ({counts}), more than backgrounds.max_refused_share "
            f"= {block.max_refused_share:g}; the first: {bad[0].source}:{bad[0].path}: {bad[0].detail}"
        )


Item = tuple[Measured, Picture]


def _admit_together(recipe: Recipe, ordered: list[Item]) -> tuple[list[Item], list[Refused]]:
    """Refuse what is smaller than the patch, what guards refuse, near-duplicates, and what is over the limit."""
    refused: list[Refused] = []
    block, patch = recipe.backgrounds, recipe.samples.patch

    def keep(item: Item, reason: str, detail: str) -> bool:
        if reason:
            refused.append(Refused(item[0].background.source, item[0].background.path, reason, detail))
        return not reason

    ordered = [item for item in ordered if keep(item, *_too_small(item[0].background, patch))]
    ordered = [item for item in ordered if keep(item, *(block.guards.refusal(item[0].guards) or ("", "")))]
    if block.deduplicate is not None and ordered:
        firsts = _firsts(ordered, block.deduplicate)
        if block.near_duplicates == "keep_together":
            ordered = [_grouped(item, first) for item, first in zip(ordered, firsts, strict=True)]
        else:
            pairs = zip(ordered, firsts, strict=True)
            ordered = [item for item, first in pairs if keep(item, *_near_duplicate(item[0].background, first))]
    if block.limit is not None:
        over = [item for item in ordered[block.limit :] if keep(item, "limit", f"backgrounds.limit is {block.limit}")]
        ordered = ordered[: block.limit] + over
    return ordered, refused


def _too_small(background: Background, patch: int | None) -> tuple[str, str]:
    width, height = background.width, background.height
    if patch is None or min(width, height) >= patch:
        return "", ""
    return "too_small", f"{width} x {height}; a patch of {patch} does not fit"


def _firsts(ordered: Sequence[Item], distance: int) -> list[Background]:
    """Return, for each picture, the first of those that it is nearly identical to; itself where it is that one."""
    hashes = np.array([measured.hash for measured, _ in ordered], dtype=np.uint64)
    first: dict[int, Background] = {}
    labels = duplicates.group(hashes, distance).tolist()
    for (measured, _), label in zip(ordered, labels, strict=True):
        first.setdefault(label, measured.background)
    return [first[label] for label in labels]


def _near_duplicate(background: Background, first: Background) -> tuple[str, str]:
    return ("", "") if first is background else ("near_duplicate", f"looks like {first.source}:{first.path}")


def _grouped(item: Item, first: Background) -> Item:
    background = dataclasses.replace(item[0].background, group=first.group)
    return dataclasses.replace(item[0], background=background), item[1]
