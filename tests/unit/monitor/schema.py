"""As much of JSON Schema as tools/monitor/schema.json uses, to judge what madkv-monitor --json prints."""

import json
import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
KNOWN = {"$schema", "title", "description", "type", "required", "properties", "items", "const", "enum",
         "pattern", "minimum", "maximum", "additionalProperties"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
         "null": type(None)}


def load():
    """The schema of this tree."""
    with open(os.path.join(TOP, "tools", "monitor", "schema.json"), encoding="utf-8") as file:
        return json.load(file)


def _is(value, name):
    return isinstance(value, TYPES[name]) and not (name == "integer" and isinstance(value, bool))


def problems(value, schema, path="$"):
    """Yields a line for each place that does not fit."""
    unknown = set(schema) - KNOWN
    if unknown:
        yield f"{path}: the schema uses {unknown}"
    wanted = schema.get("type")
    if wanted is not None:
        wanted = wanted if isinstance(wanted, list) else [wanted]
        if not any(_is(value, name) for name in wanted):
            yield f"{path}: {value!r} is none of {wanted}"
            return
    if "const" in schema and value != schema["const"]:
        yield f"{path}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is none of {schema['enum']}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{path}: {value!r} is not {schema['pattern']}"
    if _is(value, "integer"):
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            yield f"{path}: {value} is out of range"
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from problems(item, schema.get("items", {}), f"{path}[{i}]")
    if isinstance(value, dict):
        for name in schema.get("required", []):
            if name not in value:
                yield f"{path}: no {name}"
        for name, item in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties", {}))
            yield from problems(item, inner, f"{path}.{name}")
