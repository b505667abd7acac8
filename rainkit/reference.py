"""What the components say of themselves: kinds, fields, units, defaults, presets; for `rainkit show` and the docs."""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from rainkit.complexity import ESTIMATORS
from rainkit.engines import ENGINES
from rainkit.rain import PRESETS, SIMULATORS
from rainkit.sources import SOURCES
from rainkit.strata import METHODS

TABLES: dict[str, Mapping[str, type[BaseModel]]] = {
    "sources": SOURCES,
    "estimators": ESTIMATORS,
    "strata": METHODS,
    "simulators": SIMULATORS,
    "engines": ENGINES,
}
"""Every table of components by the word for what it holds."""
TAGS = ("kind", "method")
"""Fields that only name the component."""


def first_paragraph(text: str | None) -> str:
    """Return the first paragraph of a docstring, on one line."""
    return " ".join(inspect.cleandoc(text or "").split("\n\n")[0].split())


def list_components() -> dict[str, dict[str, str]]:
    """Return table -> kind -> what it is."""
    return {
        name: {kind: first_paragraph(model.__doc__) for kind, model in table.items()} for name, table in TABLES.items()
    }


def list_presets() -> dict[str, str]:
    """Return preset -> what it imitates."""
    return {name: f"{preset.kind}: {preset.source}" for name, preset in PRESETS.items()}


def find_component(kind: str) -> type[BaseModel]:
    """Return the model of a kind; KeyError where there is none."""
    for table in TABLES.values():
        if kind in table:
            return table[kind]
    raise KeyError(kind)


def type_name(annotation: Any) -> str:
    """Return a type as people write it in a recipe."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_name(parts[0])
    if origin is Literal:
        return " | ".join(map(str, parts))
    if origin is Union or origin is types.UnionType:
        return " | ".join(dict.fromkeys(type_name(part) for part in parts))
    if origin in {tuple, list}:
        inner = dict.fromkeys(type_name(part) for part in parts if part is not Ellipsis)
        return f"[{', '.join(inner)}{', ...' if Ellipsis in parts or origin is list else ''}]"
    if origin is dict:
        return f"{{{type_name(parts[0])}: {type_name(parts[1])}}}"
    names = {str: "text", int: "integer", float: "number", bool: "true | false", type(None): "null"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)))


def describe_fields(model: type[BaseModel]) -> list[dict[str, str]]:
    """Return a row for each field of a model but its tag: name, type, default, unit, what it is."""
    rows = []
    for name, field in model.model_fields.items():
        if name in TAGS:
            continue
        default = field.get_default(call_default_factory=True, validated_data={})
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        rows.append(
            {
                "field": name,
                "type": type_name(field.annotation),
                "default": "required" if default is PydanticUndefined else _plain(default),
                "unit": str(extra.get("unit", "")),
                "about": field.description or "",
            }
        )
    return rows


def _plain(value: Any) -> str:
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    return json.dumps(value, default=lambda item: getattr(item, "model_dump", lambda: str(item))())


def describe_component(kind: str) -> dict[str, Any]:
    """Return what a component is, and its fields."""
    model = find_component(kind)
    return {"kind": kind, "about": inspect.cleandoc(model.__doc__ or ""), "fields": describe_fields(model)}


def describe_preset(name: str) -> dict[str, Any]:
    """Return what a preset imitates, where its numbers come from, and how it sets the fields of its simulator."""
    preset = PRESETS[name]
    rows = describe_fields(SIMULATORS[preset.kind])
    fields = {key: _plain(value) for key, value in preset.fields.items()}
    chosen = [{**row, "default": fields[row["field"]]} for row in rows if row["field"] in fields]
    about = f"Simulator: {preset.kind}. Source: {preset.source}. Confidence: {preset.confidence}."
    if preset.note:
        about += f" {preset.note}"
    return {"preset": name, "kind": preset.kind, "about": about, "fields": chosen}
