"""YAML text to plain values, with the place of each: safe, bounded, no duplicate keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rainkit.errors import RecipeError

MAX_BYTES = 1 << 20
MAX_NODES = 100_000
"""Bound on values after aliases are followed, so that a few lines cannot unfold to gigabytes."""

_MERGE = "tag:yaml.org,2002:merge"
_PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp")}

Address = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column, counted from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Text:
    """A YAML file as plain values, and where each of them stands.

    Attributes
    ----------
    name : str
        File name as the user gave it.
    value : object
        dict, list, str, int, float, bool or None.
    places : dict
        Address of a value to its `Place`; for a value of a mapping, the place of its key.
    problems : list of (Address, str)
        What is wrong with the text itself, such as a key that stands twice.
    """

    name: str
    value: Any = None
    places: dict[Address, Place] = field(default_factory=dict)
    problems: list[tuple[Address, str]] = field(default_factory=list)

    def place(self, address: Address) -> Place:
        """Return the place of the value at an address, or of the nearest one that holds it."""
        while address and address not in self.places:
            address = address[:-1]
        return self.places.get(address, Place(1, 1))


class _Reader:
    """Turns a node tree into values and notes their places."""

    def __init__(self, text: Text, constructor: yaml.constructor.SafeConstructor) -> None:
        self.text = text
        self.constructor = constructor
        self.count = 0

    def read(self, node: yaml.Node, address: Address) -> Any:
        self._count(1)
        self.text.places.setdefault(address, Place(node.start_mark.line + 1, node.start_mark.column + 1))
        if node.tag not in _PLAIN:
            mark = node.start_mark
            raise RecipeError(
                f"{self.text.name}:{mark.line + 1}:{mark.column + 1}: the tag {node.tag!r} is not plain data; a recipe "
                f"holds no objects"
            )
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, address)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*address, i)) for i, item in enumerate(node.value)]
        try:
            return self.constructor.construct_object(node, deep=True)
        except ValueError as error:  # a date that is in no calendar, a number of thousands of digits
            raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from error

    def _count(self, more: int) -> None:
        self.count += more
        if self.count > MAX_NODES:
            raise RecipeError(f"{self.text.name}: more than {MAX_NODES} values once aliases are followed; write fewer")

    def _mapping(self, node: yaml.MappingNode, address: Address) -> dict[str, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag != _MERGE:
                name = str(key.value)
                if name in seen:
                    place = (*address, name)
                    self.text.problems.append((place, "stands twice; keep one"))
                    self.text.places[place] = Place(key.start_mark.line + 1, key.start_mark.column + 1)
                seen.add(name)
        values: dict[str, Any] = {}
        for name, (key, item) in self._merged(node).items():
            self.text.places.setdefault((*address, name), Place(key.start_mark.line + 1, key.start_mark.column + 1))
            values[name] = self.read(item, (*address, name))
        return values

    def _merged(self, node: yaml.MappingNode) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Return the pairs of a mapping by key, its own before those that `<<` merges in; what is merged counts too."""
        own = {str(key.value): (key, item) for key, item in node.value if key.tag != _MERGE}
        for key, item in node.value:
            if key.tag == _MERGE:
                for other in item.value if isinstance(item, yaml.SequenceNode) else [item]:
                    if not isinstance(other, yaml.MappingNode):
                        raise yaml.MarkedYAMLError(problem="<< takes a mapping", problem_mark=other.start_mark)
                    self._count(len(other.value))
                    own = {**self._merged(other), **own}
        return own


def _one_line(error: yaml.MarkedYAMLError, name: str) -> str:
    mark = error.problem_mark or error.context_mark
    where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    context = f" {error.context}" if error.context else ""
    return f"{where}: not valid YAML: {error.problem or 'unreadable'}{context}"


def parse(data: str, name: str) -> Text:
    """Read YAML text.

    Parameters
    ----------
    data : str
        The text; one document. `${...}` and the like are plain text.
    name : str
        File name for messages.

    Raises
    ------
    RecipeError
        If the text is too large, is not YAML, holds a tag that is not plain data, or unfolds too far.
    """
    if len(data.encode()) > MAX_BYTES:
        raise RecipeError(f"{name}: larger than {MAX_BYTES >> 20} MiB, which no recipe needs; is this the right file?")
    text = Text(name)
    try:
        loader = yaml.SafeLoader(data)
    except yaml.reader.ReaderError as error:
        line = data.count("\n", 0, error.position) + 1
        column = error.position - data.rfind("\n", 0, error.position)
        raise RecipeError(f"{name}:{line}:{column}: not text: the character U+{error.character:04X}") from error
    try:
        node = loader.get_single_node()
        if node is not None:
            text.value = _Reader(text, loader).read(node, ())
    except yaml.MarkedYAMLError as error:
        raise RecipeError(_one_line(error, name)) from error
    except (yaml.YAMLError, ValueError) as error:
        raise RecipeError(f"{name}: not valid YAML: {error}") from error
    except RecursionError as error:
        raise RecipeError(f"{name}: a value that holds itself, or nesting too deep") from error
    finally:
        loader.dispose()
    return text


def read(path: Path) -> Text:
    """Read a YAML file; see `parse`.

    Raises
    ------
    RecipeError
        If the file cannot be read or parsed.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RecipeError(
                f"{path}: larger than {MAX_BYTES >> 20} MiB, which no recipe needs; is this the right file?"
            )
        return parse(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError as error:
        raise RecipeError(f"{path}: no such file; `rainkit init` writes a recipe to start from") from error
    except IsADirectoryError as error:
        raise RecipeError(f"{path}: a folder, not a recipe; name the file in it") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}") from error
