"""Write every golden file again: `python tests/golden/regenerate.py [NAME ...]`.

Look at the difference before a commit: a golden file that changes is a change that users see.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(names: list[str]) -> None:
    """Run `main()` of each `make_NAME.py` beside this file."""
    sys.path.insert(0, str(HERE))
    found = sorted(path.stem for path in HERE.glob("make_*.py"))
    for name in found:
        if not names or name.removeprefix("make_") in names:
            importlib.import_module(name).main()
            print(f"{name.removeprefix('make_')} written")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
