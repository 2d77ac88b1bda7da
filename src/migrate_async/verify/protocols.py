"""`for`, `with` and generator expressions that have the other colour than what they work on."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index import types as t
from migrate_async.index.project import CallSite, Function, Project
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.verify import findings as f
from migrate_async.verify.coroutines import Coroutines

_SYNC_ENTRY = frozenset({"__enter__", "__exit__"})
_ASYNC_ENTRY = frozenset({"__aenter__", "__aexit__"})


class Protocols:
    """The checks of one function after the other."""

    def __init__(self, project: Project, coroutines: Coroutines) -> None:
        self._project = project
        self._coroutines = coroutines

    def check(self, fn: Function) -> Iterator[Diagnostic]:
        for site in self._project.calls(fn):
            message = self._entered(site) if site.kind == "implicit" else self._called(site)
            if message:
                yield f.WRONG_PROTOCOL.at(fn.module.path, site.node.span, message)
        for call in fn.calls:
            for argument in call.node.args:
                if isinstance(argument, s.Comprehension) and self._is_lost(argument, call.node):
                    message = "a generator expression that awaits gives an async generator"
                    yield f.ASYNC_GENERATOR.at(fn.module.path, argument.span, message)

    # --- with ----------------------------------------------------------------------------------

    def _entered(self, site: CallSite) -> str:
        """`with` on an object: a session, or one whose class has only the other methods."""
        parent = self._project.parent(site.node)
        if not isinstance(parent, s.WithItem) or (isinstance(site.node, s.Call) and site.targets):
            names = {target.name for target in site.targets}
            if not names or not names <= _SYNC_ENTRY | _ASYNC_ENTRY:
                return ""
        if site.operation is not None:
            return _mismatch(is_async=site.operation.is_async, written_async=site.awaited)
        names = {target.name for target in site.targets}
        if names and names <= _ASYNC_ENTRY:
            return _mismatch(is_async=True, written_async=site.awaited)
        if names and names <= _SYNC_ENTRY:
            return _mismatch(is_async=False, written_async=site.awaited)
        return ""

    # --- what a call gives ---------------------------------------------------------------------

    def _called(self, site: CallSite) -> str:
        written = self._written(site.node)
        if written is None:
            return ""
        kind, is_async = written
        if kind == "with":
            operation = site.operation
            if operation is not None and operation.name in ("begin", "begin_nested", "connect"):
                return _mismatch(is_async=operation.is_async, written_async=is_async)
            return self._context(site, written_async=is_async)
        if self._coroutines.is_async_generator(site) and not is_async:
            return f"`for` over the async generator {site.targets[0].qualname}"
        is_plain = bool(site.targets) and all(
            fn.is_generator and not fn.is_async and not fn.decorator_names for fn in site.targets
        )
        return (
            f"`async for` over a plain generator {site.targets[0].name}"
            if is_plain and is_async
            else ""
        )

    def _context(self, site: CallSite, *, written_async: bool) -> str:
        """Functions made context managers by `contextmanager` or `asynccontextmanager`."""
        names = [fn.decorator_names for fn in site.targets]
        if names and all("asynccontextmanager" in found for found in names):
            return _mismatch(is_async=True, written_async=written_async)
        if names and all("contextmanager" in found for found in names):
            return _mismatch(is_async=False, written_async=written_async)
        return ""

    def _written(self, node: s.Expr) -> tuple[str, bool] | None:
        """The statement that works on `node`, and whether it is async."""
        parent = self._project.parent(node)
        if isinstance(parent, s.For) and parent.iter is node:
            return "for", parent.is_async
        if isinstance(parent, s.Generator) and parent.iter is node:
            return "for", parent.is_async
        if isinstance(parent, s.WithItem):
            statement = self._project.parent(parent)
            return "with", isinstance(statement, s.With) and statement.is_async
        return None

    # --- generator expressions -----------------------------------------------------------------

    def _is_lost(self, argument: s.Comprehension, call: s.Call) -> bool:
        """Whether an async generator expression is an argument of a builtin."""
        if argument.kind != "generator" or not _awaits(argument):
            return False
        types = self._project.infer(call.func, self._project.scope_of(call))
        return bool(types) and all(
            isinstance(item, t.External)
            and item.dotted.startswith("builtins.")
            and not item.dotted.endswith((".aiter", ".anext"))
            for item in types
        )


def _mismatch(*, is_async: bool, written_async: bool) -> str:
    if is_async == written_async:
        return ""
    return "`with` on an async context manager" if is_async else "`async with` on a sync one"


def _awaits(node: s.Comprehension) -> bool:
    """Whether it awaits while it is consumed (its first iterable is evaluated before)."""
    if any(generator.is_async for generator in node.generators):
        return True
    first = node.generators[0]
    parts: list[s.AnyNode] = [*node.elements, *first.conditions, *node.generators[1:]]
    return any(isinstance(inner, s.Await) for part in parts for inner in s.walk(part))
