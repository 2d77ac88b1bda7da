"""Give recorded places and models the names that the tool's other output has."""

from __future__ import annotations

from collections.abc import Iterable

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.model import syntax as s
from migrate_async.model.profile import Place

RESPONSE = "response"


class Addresses:
    """Knows which function of a project a line is in, and its models."""

    def __init__(self, project: Project) -> None:
        self._functions: dict[str, list[Function]] = {}
        for function in project.functions:
            if isinstance(function.node, s.FunctionDef):
                self._functions.setdefault(function.module.path, []).append(function)
        self._modules = {module.path: module.body for module in project.modules.values()}
        self._models = frozenset(project.models)
        self._by_name: dict[str, list[str]] = {}
        for qualname in project.models:
            self._by_name.setdefault(qualname.rpartition(".")[2], []).append(qualname)

    def place(self, path: str, line: int, via: str = "") -> Place:
        """The place with its function; that of a response is where the route's `def` is."""
        around = self._around(path, line)
        if around is not None and around.node is not None:
            at_def = via == RESPONSE and line <= around.node.line
            return Place(path, around.node.line if at_def else line, around.qualname)
        body = self._modules.get(path)
        return Place(path, line, body.qualname if body is not None else "")

    def model(self, name: str) -> str:
        """The dotted name of a model whose module may be imported under another name."""
        named = self._by_name.get(name.rpartition(".")[2], [])
        return named[0] if name not in self._models and len(named) == 1 else name

    def _around(self, path: str, line: int) -> Function | None:
        """The innermost function that has the line, its decorators included."""
        found = [fn for fn in self._functions.get(path, ()) if _has(fn, line)]
        return max(found, key=_start, default=None)


def _has(function: Function, line: int) -> bool:
    assert function.node is not None  # noqa: S101  only those are kept
    return _start(function) <= line <= function.node.end_line


def _start(function: Function) -> int:
    node = function.node
    assert isinstance(node, s.FunctionDef)  # noqa: S101  only those are kept
    return min(_lines(node.decorators), default=node.line)


def _lines(nodes: Iterable[s.Expr]) -> Iterable[int]:
    return (node.line for node in nodes)
