"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from rainkit.errors import BuildError
from rainkit.files import require_writable


def test_a_place_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    require_writable(tmp_path / "new.json")
    assert not list(tmp_path.iterdir())
    (tmp_path / "old.json").write_text("kept")
    require_writable(tmp_path / "old.json")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["kept"]
    with pytest.raises(BuildError, match=r"cannot write a\.json in .*nowhere: .*the folder does not exist: create it"):
        require_writable(tmp_path / "nowhere" / "a.json")
    with pytest.raises(BuildError, match="a part of the path is a file"):
        require_writable(tmp_path / "old.json" / "a.json")
