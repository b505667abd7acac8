"""Licences by their SPDX identifiers: what the Hub calls them, and where their text stands."""

from __future__ import annotations

import re

HUB_LICENCES: dict[str, str] = {
    "Apache-2.0": "apache-2.0",
    "MIT": "mit",
    "BSD-2-Clause": "bsd-2-clause",
    "BSD-3-Clause": "bsd-3-clause",
    "GPL-3.0-only": "gpl-3.0",
    "GPL-3.0-or-later": "gpl-3.0",
    "GFDL-1.3-or-later": "gfdl",
    "Unlicense": "unlicense",
    "CC0-1.0": "cc0-1.0",
    "CC-BY-2.0": "cc-by-2.0",
    "CC-BY-2.5": "cc-by-2.5",
    "CC-BY-3.0": "cc-by-3.0",
    "CC-BY-4.0": "cc-by-4.0",
    "CC-BY-SA-3.0": "cc-by-sa-3.0",
    "CC-BY-SA-4.0": "cc-by-sa-4.0",
    "CC-BY-NC-2.0": "cc-by-nc-2.0",
    "CC-BY-NC-3.0": "cc-by-nc-3.0",
    "CC-BY-NC-4.0": "cc-by-nc-4.0",
    "CC-BY-ND-4.0": "cc-by-nd-4.0",
    "CC-BY-NC-ND-3.0": "cc-by-nc-nd-3.0",
    "CC-BY-NC-ND-4.0": "cc-by-nc-nd-4.0",
    "CC-BY-NC-SA-2.0": "cc-by-nc-sa-2.0",
    "CC-BY-NC-SA-3.0": "cc-by-nc-sa-3.0",
    "CC-BY-NC-SA-4.0": "cc-by-nc-sa-4.0",
    "ODbL-1.0": "odbl",
    "ODC-By-1.0": "odc-by",
    "PDDL-1.0": "pddl",
}
"""SPDX identifier to the identifier in the header of a dataset card (hub-docs, repositories-licenses)."""

_BY_NAME = {spdx.lower(): spdx for spdx in HUB_LICENCES}


def hub_license(name: str) -> str:
    """Return what the Hub calls a licence: "unknown" for none, "other" for one that it has no word for.

    Examples
    --------
    >>> hub_license("CC-BY-4.0"), hub_license("research-only"), hub_license("")
    ('cc-by-4.0', 'other', 'unknown')
    """
    if not name:
        return "unknown"
    return HUB_LICENCES.get(_BY_NAME.get(name.lower(), ""), "other")


def license_slug(name: str) -> str:
    """Return a licence's name as the Hub's `license_name` takes it: lower case, digits, dots and hyphens."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-") or "other"


def license_url(name: str) -> str:
    """Return where the text of a licence stands; the name itself for one that SPDX does not list."""
    spdx = _BY_NAME.get(name.lower())
    return f"https://spdx.org/licenses/{spdx}.html" if spdx else name or "not stated"
