"""What `rainkit validate` said of a corpus, in the card that its release carries.

A corpus is judged when it is finished, so its own card cannot speak of it. A release has the card with one section more
at its end, and checksums of that card; without the section it is the corpus, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from rainkit.errors import IntegrityError
from rainkit.files import write_bytes
from rainkit.release.card import format_table
from rainkit.release.checksums import CHECKSUMS, format_checksums, read_checksums
from rainkit.release.describe import CARD

VERDICT = "validation.json"
"""Name of the verdict in a corpus."""
HEADING = "## How it was judged"
"""Begins the section of the card; it is the last one."""


def add_verdict(corpus: Path, folder: Path) -> dict[str, Path]:
    """Write the card with the verdict on a corpus, and checksums with that card, into a folder.

    Parameters
    ----------
    corpus : Path
        A finished corpus; it is not changed.
    folder : Path
        Where the two files go.

    Returns
    -------
    dict of str to Path
        Name of a file of the corpus -> what its release has instead; empty where there is no verdict.

    Raises
    ------
    IntegrityError
        If the verdict cannot be read or is about other bytes, or the card is not as its checksum says.
    """
    if not (corpus / VERDICT).is_file():
        return {}
    listed, card = read_checksums(corpus), (corpus / CARD).read_bytes()
    if _hash(card) != listed.get(CARD):
        raise IntegrityError(f"{corpus / CARD} is not as {CHECKSUMS} says; verify the corpus")
    plain, _, _ = card.partition(f"\n{HEADING}\n".encode())
    built = format_checksums(listed | {CARD: _hash(plain)}).encode()
    verdict = _read(corpus / VERDICT)
    # A release that was fetched and judged again names the checksums that it came with.
    if verdict["checksums_sha256"] not in {_hash(built), _hash((corpus / CHECKSUMS).read_bytes())}:
        raise IntegrityError(
            f"{corpus / VERDICT} judges other bytes than {corpus} has: judge it again with "
            f"`rainkit validate {corpus}`, or remove that file"
        )
    judged = plain + "\n".join(["", HEADING, "", *_section(verdict)]).encode()
    write_bytes(folder / CARD, judged)
    write_bytes(folder / CHECKSUMS, format_checksums(listed | {CARD: _hash(judged)}).encode())
    return {CARD: folder / CARD, CHECKSUMS: folder / CHECKSUMS}


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    """Return a verdict that has what the card says of it."""
    try:
        verdict: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _section(verdict)
        _ = verdict["checksums_sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        text = f"{type(error).__name__}: {error}"
        raise IntegrityError(
            f"{path} is no verdict of `rainkit validate`: {text}; judge again, or remove it"
        ) from error
    return verdict


def _section(verdict: dict[str, Any]) -> list[str]:
    """Return the lines of the section: one a gate, in the order they were asked, without any date."""
    failed, budget = verdict["failed"], verdict["budget"]
    outcome = "It passes every gate" if verdict["passed"] else f"**It fails {', '.join(failed) or 'to be judged'}**"
    rows = ((f"`{gate['gate']}`", gate["status"], gate["reason"]) for gate in verdict["gates"])
    return [
        f"{outcome}. Said by `rainkit validate` of rainkit {verdict['rainkit']}, budget {budget['name']} "
        f"({budget['seeds']} networks, {budget['steps']} steps); `{VERDICT}` has every number and threshold.",
        "",
        *format_table(("gate", "verdict", "found"), rows, 0),
    ]
