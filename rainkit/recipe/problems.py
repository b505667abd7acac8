"""Validation errors as sentences with a place: every problem of a file at once."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from rainkit.errors import RecipeError
from rainkit.recipe.text import Address, Text


def suggest(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'X'?" for the known word nearest to `word`, else the known words, else nothing."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""


def _address(value: Any, loc: Sequence[str | int]) -> Address:
    """Return where in the plain values an error of pydantic points: its path less the tags that unions put in."""
    address: list[str | int] = []
    tagged = False
    for i, part in enumerate(loc):
        if isinstance(value, dict):
            if part in value and not (value.get("kind", value.get("method")) == part and not tagged):
                value, tagged = value[part], False
                address.append(part)
                continue
            if value.get("kind", value.get("method")) == part and not tagged:
                tagged = True
                continue
            if i == len(loc) - 1:
                address.append(part)
            continue
        if isinstance(value, list) and isinstance(part, int) and part < len(value):
            value, tagged = value[part], False
            address.append(part)
    return tuple(address)


def _members(annotation: Any) -> list[Any]:
    """Return the types that an annotation may stand for, without Annotated, None and unions around them."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin is Union or origin is types.UnionType:
        return [member for part in get_args(annotation) for member in _members(part)]
    return [] if annotation is type(None) else [annotation]


def _models_at(model: type[BaseModel], value: Any, address: Address) -> list[type[BaseModel]]:
    """Return the models that may describe the mapping at an address."""
    kinds: list[Any] = [model]
    for part in address:
        following: list[Any] = []
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel) and part in kind.model_fields:
                following += _members(kind.model_fields[str(part)].annotation)
            elif get_origin(kind) in {dict, list, tuple}:
                following += _members(get_args(kind)[-1 if get_origin(kind) is dict else 0])
        value = _below(value, part)
        tag = value.get("kind", value.get("method")) if isinstance(value, dict) else None
        chosen = [kind for kind in following if tag is not None and _tag(kind) == tag]
        kinds = chosen or following
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]


def _below(value: Any, part: str | int) -> Any:
    """Return what lies at a key or index of a plain value, None where there is nothing."""
    if isinstance(value, dict):
        return value.get(part)
    return value[part] if isinstance(value, list) and isinstance(part, int) and part < len(value) else None


def _tag(kind: Any) -> str | None:
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return None
    for name in ("kind", "method"):
        if name in kind.model_fields:
            return str(kind.model_fields[name].default)
    return None


def _sentence(error: Any, model: type[BaseModel], value: Any, address: Address) -> str:
    kind, context = error["type"], error.get("ctx") or {}
    if kind == "extra_forbidden":
        fields = {name for found in _models_at(model, value, address[:-1]) for name in found.model_fields}
        return f"unknown key{suggest(str(address[-1]), fields)}"
    if kind == "missing":
        return "is required and missing"
    if kind == "union_tag_invalid":
        known = [word.strip(" '") for word in str(context["expected_tags"]).split(",")]
        return (
            f"unknown {str(context['discriminator']).strip(chr(39))} {context['tag']!r}{suggest(context['tag'], known)}"
        )
    if kind == "union_tag_not_found":
        return f"needs the key {str(context['discriminator']).strip(chr(39))!r}, which says what it is"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        known = [word.strip(" '") for word in str(context["expected"]).replace(" or ", ",").split(",")]
        return f"{error['input']!r} is not one of its values{suggest(str(error['input']), known)}"
    if kind == "too_short":
        return f"needs at least {context['min_length']}, and has {context['actual_length']}"
    if kind in {"dict_type", "model_type", "model_attributes_type"}:
        return f"needs a mapping (name: value), not {_short(error['input'])}"
    message = error["msg"][:1].lower() + error["msg"][1:]
    if kind == "string_type" and not isinstance(error["input"], dict | list):
        return f'{message}; write it in quotes: "{error["input"]}"'
    return f"{message}, not {_short(error['input'])}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def dotted(address: Address) -> str:
    """Return an address as people write it: `rain.small.width`, `complexity.estimators[1]`."""
    text = ""
    for part in address:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "(the whole file)"


def collect(error: ValidationError | None, model: type[BaseModel], text: Text) -> RecipeError | None:
    """Return one error that lists every problem of a file, each as `file:line:column: path: what is wrong`.

    Parameters
    ----------
    error : pydantic.ValidationError or None
        What the models said of the text's value.
    model : type
        The model it was read as.
    text : Text
        The file; its own `problems` come along.

    Returns
    -------
    RecipeError or None
        None where there is no problem.
    """
    problems, branches = list(text.problems), dict[Address, str]()
    for detail in error.errors() if error is not None else ():
        if not detail["loc"] and hasattr(detail.get("ctx", {}).get("error"), "problems"):
            problems += detail["ctx"]["error"].problems
            continue
        address = _address(text.value, detail["loc"])
        if detail["type"] == "missing" and address[-1:] != detail["loc"][-1:]:
            address = (*address, detail["loc"][-1])
        # A union without a tag reports each branch that failed; one sentence a place is enough, best the known words.
        if address not in branches or detail["type"] == "literal_error":
            branches[address] = _sentence(detail, model, text.value, address)
    lines = set()
    for address, sentence in [*problems, *branches.items()]:
        place = text.place(address)
        lines.add((place.line, place.column, f"{dotted(address)}: {sentence}"))
    rows = [f"{text.name}:{line}:{column}: {what}" for line, column, what in sorted(lines)]
    if not rows:
        return None
    head = "1 problem" if len(rows) == 1 else f"{len(rows)} problems"
    return RecipeError(f"{head} in {text.name}\n" + "\n".join(f"  {row}" for row in rows))
