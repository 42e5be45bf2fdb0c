"""Types and defaults, from the JSON Schema that pydantic makes of a model, in words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scripts.reference.markdown import code, prose

__all__ = ["Schema", "default_text", "field_rows", "model_text", "type_text"]

Schema = Mapping[str, Any]
_WORDS = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean"}
_PARAMETER = re.compile(r"^:(?:ivar|param) (\w+): (.*(?:\n +.*)*)", re.MULTILINE)
_TEMPLATE = "template"
_ANY = "value"


def type_text(schema: Schema, name_of: Callable[[str], str]) -> str:
    """What a value may be.

    :param name_of: how another model is called, from the name of its class; "" for plainly a map.
    """
    found = dict.fromkeys(_alternatives(schema, name_of))
    last = [_TEMPLATE] if found.pop(_TEMPLATE, 0) is None else []
    words = [*found, *last]
    return ", ".join(words[:-1]) + " or " + words[-1] if len(words) > 1 else words[0]


def _alternatives(schema: Schema, name_of: Callable[[str], str]) -> Iterator[str]:
    for key in ("anyOf", "oneOf"):
        for each in schema.get(key, ()):
            yield from _alternatives(each, name_of)
    if "anyOf" in schema or "oneOf" in schema or schema.get("type") == "null":
        return
    if schema.get("description") == "a Jinja template":
        yield _TEMPLATE
    elif "enum" in schema or "const" in schema:
        yield from (code(str(value)) for value in schema.get("enum", [schema.get("const")]))
    elif "$ref" in schema or "properties" in schema:
        name = name_of(schema.get("$ref", schema.get("title", "")).rpartition("/")[2])
        yield f"map ({name})" if name else "map"
    elif schema.get("type") == "array":
        yield _of("list", type_text(schema.get("items", {}), name_of) if schema.get("items") else "")
    elif schema.get("type") == "object":
        values = schema.get("additionalProperties")
        yield _of("map", type_text(values, name_of) if isinstance(values, dict) and values else "")
    elif schema.get("type") in _WORDS:
        yield _WORDS[schema["type"]] + _limits(schema)
    else:
        yield _ANY


def _of(whole: str, part: str) -> str:
    if not part or part == _ANY:
        return whole
    plural = (
        part.replace("map (", "maps (", 1) if part.startswith("map (") else f"{part}s" if part in ("integer", "number", "map") else part
    )
    return f"{whole} of {f'({plural})' if ' or ' in part else plural}"


def _limits(schema: Schema) -> str:
    low, high = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is not None and high is not None:
        return f" from {low} to {high}"
    above = "at least" if "minimum" in schema else "above"
    return f" {above} {low}" if low is not None else f" up to {high}" if high is not None else ""


def default_text(schema: Schema, definitions: Schema) -> str:
    """A default as YAML takes it; "" for none, and for what is as good as none."""
    value = schema.get("default")
    if value is None or value in ("", [], {}):
        return ""
    inner = definitions.get(str(schema.get("items", {}).get("$ref", "")).rpartition("/")[2], {}).get("properties", {})
    if inner:
        value = [{key: each for key, each in entry.items() if each != inner[key].get("default")} for entry in value]
    return code(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def field_rows(schema: Schema, definitions: Schema, name_of: Callable[[str], str]) -> Iterator[tuple[str, str, str, str]]:
    """Name, type, default and description of each field of a model. What its class says of a field counts where the field says nothing."""
    required = schema.get("required", [])
    told = {name: re.sub(r"\s+", " ", text) for name, text in _PARAMETER.findall(schema.get("description", ""))}
    for name, field in schema.get("properties", {}).items():
        default = "required" if name in required else default_text(field, definitions)
        description = field.get("description") or told.get(name, "")
        yield code(name), type_text(field, name_of), default, prose(description)


def model_text(schema: Schema) -> str:
    """What a class says of itself, in its first paragraph."""
    return prose(_PARAMETER.sub("", schema.get("description", "")).strip().partition("\n\n")[0])
