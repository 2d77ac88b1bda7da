"""JSON schemas of documents that other programs read."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec


def json_schema(kind: type[msgspec.Struct], title: str) -> dict[str, Any]:
    """The schema of `kind` with its docstrings, which msgspec before 0.23 gives indented."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **_cleaned(msgspec.json.schema(kind)),
    }


def _cleaned(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_cleaned(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    cleaned = {key: _cleaned(value) for key, value in schema.items()}
    if isinstance(cleaned.get("description"), str):
        cleaned["description"] = inspect.cleandoc(cleaned["description"])
    return cleaned
