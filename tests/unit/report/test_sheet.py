from __future__ import annotations

import numpy as np
import pytest

from rainkit.report.sheet import SheetRow, draw_error, draw_sheet


def flat(height: int, width: int, level: int) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def test_error_says_sign_and_size() -> None:
    clean = flat(2, 3, 100)
    result = clean.copy()
    result[0, 0], result[1, 1], result[0, 2] = 110, 95, 255
    error = draw_error(result, clean)
    assert error[0, 0].tolist() == [40, 0, 0]
    assert error[1, 1].tolist() == [0, 0, 20]
    assert error[0, 2].tolist() == [255, 0, 0]
    assert error[1, 0].tolist() == [0, 0, 0]


def test_rows_of_other_sizes_and_without_truth_share_a_sheet() -> None:
    rows = [
        SheetRow("best", flat(500, 250, 1), flat(500, 250, 2), flat(500, 250, 3)),
        SheetRow("no truth", flat(32, 32, 4), flat(32, 32, 5)),
    ]
    sheet = draw_sheet(rows, panel=128)
    assert sheet.dtype == np.uint8
    assert {1, 2, 3, 4, 5} <= set(np.unique(sheet))
    # The first row is reduced to 128 x 64 px a panel, the second enlarged four times to 128 x 128.
    assert (sheet == 2).all(axis=2).sum() == 128 * 64
    assert (sheet == 5).all(axis=2).sum() == 128 * 128
    with pytest.raises(ValueError, match="at least one row"):
        draw_sheet([])
