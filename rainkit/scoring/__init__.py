"""Scores of any pictures: measured, tabulated, compared; useful without building a corpus."""

from __future__ import annotations

from rainkit.scoring.measure import choose_instruments, score_pictures
from rainkit.scoring.scores import Column, Scores

__all__ = ["Column", "Scores", "choose_instruments", "score_pictures"]
