"""What was measured once is not measured again: facts and scores of pictures, by content and instrument.

The cache only saves time. It is a SQLite file in the user's cache directory (`RAINKIT_CACHE` names another directory,
an empty value switches it off); a damaged or unwritable one is passed over.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import platformdirs

FORMAT = 1
"""Raised when what the values mean changes; files of other formats are left alone."""


def default_path() -> Path | None:
    """Return the cache file of this user, or None where the cache is switched off."""
    place = os.environ.get("RAINKIT_CACHE")
    if place is not None and not place.strip():
        return None
    folder = Path(place) if place else Path(platformdirs.user_cache_dir("rainkit", appauthor=False))
    return folder / f"measurements-{FORMAT}.sqlite"


class Cache:
    """Values by (content, facet), in a file that several processes may use at once.

    Parameters
    ----------
    path : Path or None
        The file; None for a cache that holds nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._connection = self._open(path) if path is not None else None

    @staticmethod
    def _open(path: Path) -> sqlite3.Connection | None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, timeout=30, isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS facts "
                "(content TEXT, facet TEXT, value TEXT, PRIMARY KEY (content, facet)) WITHOUT ROWID"
            )
        except (OSError, sqlite3.Error):
            return None
        return connection

    def get(self, content: str, facets: Iterable[str]) -> dict[str, Any]:
        """Return what is known of a content, by facet; facets that are not known are left out."""
        wanted = set(facets)
        if self._connection is None or not wanted:
            return {}
        try:
            rows = self._connection.execute("SELECT facet, value FROM facts WHERE content = ?", (content,)).fetchall()
            return {facet: json.loads(value) for facet, value in rows if facet in wanted}
        except (sqlite3.Error, ValueError):
            return {}

    def put(self, facts: Mapping[tuple[str, str], Any]) -> None:
        """Keep values by (content, facet); plain JSON values, floats exactly."""
        if self._connection is None or not facts:
            return
        rows = [(content, facet, json.dumps(value)) for (content, facet), value in facts.items()]
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", rows)
        except sqlite3.Error:
            return

    def close(self) -> None:
        """Let the file go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
