"""Results of runs as they are read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from rainkit.errors import IntegrityError, RecipeError
from rainkit.study.running import Trial, read_results
from rainkit.train.config import Training


def test_results_that_are_missing_or_damaged_say_what_to_do(tmp_path: Path) -> None:
    trial = Trial(str(tmp_path), "corpus", "train", Training(), {"unseen": ("corpus", "unseen")})
    assert trial.missing == ["unseen"]
    with pytest.raises(RecipeError, match="not finished; run the study to its end"):
        read_results(trial, "unseen")
    for content in (b"", b"PAR1 and nothing more"):
        (tmp_path / "unseen.parquet").write_bytes(content)
        with pytest.raises(IntegrityError, match=r"unseen\.parquet: damaged; remove it and run the study again"):
            read_results(trial, "unseen")
