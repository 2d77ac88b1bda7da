"""Calls of functions that stay sync, from coroutines.

f(db, a)          await db.run_sync(f, a)
f(a, db=db)       await db.run_sync(lambda session: f(a, db=session))
f(g(db), db=db)   await db.run_sync(lambda session, a: f(a, db=session), await g(db))
f(a)              await run_in_threadpool(f, a), where `f` opens a session of its own,
                  or works on the session of an object
"""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.colour_edits import NAME, ColourEdits
from migrate_async.plan.colouring.colour import Colouring
from migrate_async.plan.colouring.touches import Touches
from migrate_async.plan.handed_objects import hands_objects
from migrate_async.plan.names import import_path, local_name
from migrate_async.plan.recolouring.blocking import BlockingWork, report
from migrate_async.plan.recolouring.lending import Lending

_CALLEE = -1


class Bridges:
    """Plans the bridges of converted functions."""

    def __init__(
        self,
        project: Project,
        touches: Touches,
        colouring: Colouring,
        blocking: BlockingWork,
        lending: Lending,
    ) -> None:
        self._project = project
        self._touches = touches
        self._colouring = colouring
        self.blocking = blocking
        self.lending = lending

    def call(
        self, found: ColourEdits, function: Function, site: CallSite, *, awaited: bool = False
    ) -> None:
        """Call a function that stays sync: on the session's sync side, or in a thread.

        `awaited`: it was a coroutine until now, and the `await` is there.
        """
        call = site.node
        if not isinstance(call, s.Call):
            return
        found.bridges += 1
        values = list(_arguments(call))
        session = self._session(values, site)
        if session is None:
            self.in_thread(found, function, call, awaited=awaited)
            found.lent += hands_objects(self._project, call)
            return
        if self.lending.is_kept_by_object(site) and not awaited:
            self.lending.call(found, site)
            self.in_thread(found, function, call)
            return
        blocks = self.blocking.bridged(site)
        if blocks is not None:
            found.diagnostics.append(report(blocks, function))
        name = s.dotted_name(values[session])
        if call.args and values[session] is call.args[0]:
            # `run_sync` hands the session over as the first argument.
            edit: p.AnyEdit = p.DelegateCall(
                span=call.span, codemod=NAME, to=f"{name}.run_sync", drop="0"
            )
        else:
            edit = self._in_lambda(found, function, site, session)
        found.edits.append(edit)
        if not awaited:
            found.edits.append(p.AwaitCall(span=call.span, codemod=NAME))

    def lends(self, site: CallSite) -> bool:
        """Whether a bridge of `site` takes its session along."""
        call = site.node
        return isinstance(call, s.Call) and self._session(list(_arguments(call)), site) is not None

    def _session(self, values: list[s.Expr], site: CallSite) -> int | None:
        """Which argument is the session, if that has a name."""
        for number, value in enumerate(values):
            if self._project.session_kind(value, site.scope) == "sync":
                return number if s.dotted_name(value) else None
        return None

    def _in_lambda(
        self, found: ColourEdits, function: Function, site: CallSite, session: int
    ) -> p.BridgeCall:
        call = site.node
        assert isinstance(call, s.Call)  # noqa: S101  see `call`
        values = list(_arguments(call))
        name = s.dotted_name(values[session])
        others = {
            node.id
            for value in (call.func, *values)
            for node in s.walk(value)
            if isinstance(node, s.Name) and value is not values[session]
        }
        own = _free("session", others)
        passed = self._passed(function, site, session, {*others, own})
        outside = {number for number, _ in passed}
        inside = [value for number, value in enumerate(values) if number not in outside]
        found.sync_spans += [value.span for value in inside]
        if _CALLEE not in outside:
            found.sync_spans.append(call.func.span)
        return p.BridgeCall(
            span=call.span, codemod=NAME, to=name, session=session, name=own, passed=passed
        )

    def _passed(
        self, function: Function, site: CallSite, session: int, taken: set[str]
    ) -> tuple[tuple[int, str], ...]:
        """What is evaluated before the bridge: if one thing is awaited, all that calls anything."""
        call = site.node
        assert isinstance(call, s.Call)  # noqa: S101  see `call`
        parts = {_CALLEE: call.func, **dict(enumerate(_arguments(call)))}
        del parts[session]
        if not any(self._is_awaited(part, function) for part in parts.values()):
            return ()
        keywords = {keyword.value: keyword.arg for keyword in call.keywords}
        found = []
        for number, part in parts.items():
            if number == _CALLEE and not self._is_awaited(part, function):
                continue
            if number != _CALLEE and not any(isinstance(node, s.Call) for node in s.walk(part)):
                continue
            wanted = "call" if number == _CALLEE else keywords.get(part) or "argument"
            name = _free(wanted, taken)
            taken.add(name)
            found.append((number, name))
        return tuple(found)

    def _is_awaited(self, value: s.Expr, function: Function) -> bool:
        """Whether something in `value` is awaited once `function` is a coroutine."""
        inside = set(s.walk(value))
        if any(touch.node in inside for touch in self._touches.of(function)):
            return True
        work = self.blocking.of(function, self._colouring.coloured)
        if any(item.cure and item.site.node in inside for item in work):
            return True
        return any(
            site.node in inside
            and (
                site.operation is not None
                or any(target in self._colouring.coloured for target in site.targets)
            )
            for site in self._project.calls(function)
        )

    def in_thread(
        self, found: ColourEdits, function: Function, call: s.Call, *, awaited: bool = False
    ) -> None:
        """Make `call` in a worker thread."""
        importer = function.module
        (module, name), *others = _IN_FASTAPI if self._project.routes else _OUTSIDE
        local = local_name(importer, module, name)
        for other in others:
            local = local or local_name(importer, *other)
        if local is None:
            local = name
            found.imports.append(p.ImportChange(NAME, import_path(importer, module), name))
        found.edits.append(p.DelegateCall(span=call.span, codemod=NAME, to=local))
        if not awaited:
            found.edits.append(p.AwaitCall(span=call.span, codemod=NAME))


_IN_FASTAPI = (
    ("starlette.concurrency", "run_in_threadpool"),
    ("fastapi.concurrency", "run_in_threadpool"),
)
_OUTSIDE = (("asyncio", "to_thread"),)


def _arguments(call: s.Call) -> Iterator[s.Expr]:
    """The values of the arguments, in the order of the source."""
    yield from sorted(call.values, key=lambda value: value.span)


def _free(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name
