"""Pages of HTML from templates that travel with the package."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Template


def load_template(package: str, name: str, **filters: Callable[..., Any]) -> Template:
    """Return a template whose values are escaped, and for which a value that is missing is an error.

    Parameters
    ----------
    package : str
        Package that has a folder `templates`, such as `rainkit.release`.
    name : str
        File in it.
    **filters : callable
        What the template may apply to values.
    """
    import jinja2  # noqa: PLC0415 - a fifth of a second that only pages are worth

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= filters
    text = resources.files(package).joinpath("templates", name).read_text(encoding="utf-8")
    return environment.from_string(text)
