"""The exceptions of rainkit, drawn once.

Each class stands for one kind of trouble that a user can act on; `rainkit.cli` turns them into exit codes and is the
only place that does. The message of an exception is complete: it says what is wrong, where, and what to do.
"""

from __future__ import annotations


class RainkitError(Exception):
    """Base of everything that rainkit raises on purpose.

    Attributes
    ----------
    exit_code : int
        Exit status of the command line when this error ends a command: 1 failed, 2 usage or recipe.
    """

    exit_code: int = 1


class RecipeError(RainkitError):
    """A recipe, study or option that cannot be used; every problem of the file is in the message."""

    exit_code = 2


class SourceError(RainkitError):
    """Pictures that cannot be read: a missing folder, an empty one, a damaged file."""


class BuildError(RainkitError):
    """A build that cannot start or cannot go on: a locked folder, another recipe, a full disk, too few backgrounds."""


class IntegrityError(RainkitError):
    """Bytes or pixels that are not what the manifest says."""


class ValidationError(RainkitError):
    """A corpus that fails a gate of `rainkit validate`."""


class TrainingError(RainkitError):
    """A training that cannot go on: a loss that is not a number, a GPU out of memory."""
