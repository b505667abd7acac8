"""Settings that every test shares."""

from __future__ import annotations

import os

# Before NumPy, OpenCV and torch are imported: tests run side by side, so each process keeps to one thread.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
