"""Samples: planned before anything is drawn, then drawn one by one as pure functions of their row."""

from rainkit.samples.packing import ShardPlan
from rainkit.samples.plan import PERIOD, UNUSED, Plan, Units, assign_split, schedule
from rainkit.samples.rendering import EXTENSIONS, Rendered, crop, describe, encode, members, render, tinted

__all__ = [
    "EXTENSIONS",
    "PERIOD",
    "UNUSED",
    "Plan",
    "Rendered",
    "ShardPlan",
    "Units",
    "assign_split",
    "crop",
    "describe",
    "encode",
    "members",
    "render",
    "schedule",
    "tinted",
]
