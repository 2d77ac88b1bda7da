"""Whether a call commits, by what it is given: `save(db, order, commit=False)` does not.

Nothing but a commit expires objects. A refresh where there was none would lose what has been
written to the object and not been flushed, and fail for one that has only been added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, ParameterBinding
from migrate_async.index.sites import CallSite
from migrate_async.model import syntax as s
from migrate_async.plan import blocks

Known = frozenset[tuple[str, bool]]
"""Parameters whose truth is known, with it."""

_NOTHING: Known = frozenset()
_CHOICES = frozenset({"and", "or"})


class _Flow(NamedTuple):
    """What a block does: `may` commit, `leaves` the function without it, goes on (`falls`).

    `sure`: where it goes on, it has committed.
    """

    may: bool = False
    leaves: bool = False
    falls: bool = True
    sure: bool = False

    def then(self, later: _Flow) -> _Flow:
        """This and what runs after it."""
        if not self.falls:
            return self
        return _Flow(
            self.may or later.may,
            self.leaves or (later.leaves and not self.sure),
            later.falls,
            self.sure or later.sure,
        )


class Certainty:
    """Answers for one project.

    `is_commit` tells the statements that commit by themselves, `may_commit` the functions that
    commit in some case.
    """

    def __init__(
        self,
        project: Project,
        is_commit: Callable[[s.Stmt], bool],
        may_commit: Callable[[Function], bool],
    ) -> None:
        self._project = project
        self._is_commit = is_commit
        self._may_commit = may_commit
        self._answers: dict[tuple[Function, Known], bool | None] = {}
        self._sites: dict[Function, dict[s.Stmt, tuple[CallSite, ...]]] = {}

    def sites(self, function: Function, statement: s.Stmt) -> tuple[CallSite, ...]:
        """The calls of functions of the project that stand in `statement`, not in its blocks."""
        if function not in self._sites:
            found: dict[s.Stmt, tuple[CallSite, ...]] = {}
            for site in self._project.calls(function):
                if site.kind == "call" and site.targets:
                    where = self._project.statement_of(site.node)
                    found[where] = (*found.get(where, ()), site)
            self._sites[function] = found
        return self._sites[function].get(statement, ())

    def calls_commit(self, function: Function, statement: s.Stmt) -> bool | None:
        """Whether what `statement` calls commits; None: it may."""
        return _any(self._site(site, _NOTHING) for site in self.sites(function, statement))

    # --- calls ---------------------------------------------------------------------------------

    def _site(self, site: CallSite, known: Known) -> bool | None:
        if not any(map(self._may_commit, site.targets)):
            return False
        found = {self._function(fn, self._given(site, fn, known)) for fn in site.targets}
        told = found.pop() if len(found) == 1 else None
        return None if told and self._is_chosen(site.node) else told

    def _given(self, site: CallSite, target: Function, known: Known) -> Known:
        """The parameters of `target` of which the call tells whether they are true."""
        call = site.node
        if not isinstance(call, s.Call) or _unpacks(call):
            return _NOTHING
        passed = {
            param.name: value
            for fn, param, value in self._project.passes(call, site.scope)
            if fn is target
        }
        found = {}
        for param in target.params:
            is_passed = param.name in passed
            value = passed[param.name] if is_passed else param.default
            truth = None if value is None else _truth(value, known if is_passed else _NOTHING)
            if truth is not None and _is_constant(target, param.name):
                found[param.name] = truth
        return frozenset(found.items())

    def _is_chosen(self, call: s.Expr) -> bool:
        """Whether something decides if a call of a statement runs: `flag and save(db)`."""
        statement, node = self._project.statement_of(call), self._project.parent(call)
        while node is not statement and not isinstance(node, s.ModuleSyntax):
            is_choice = isinstance(node, s.Operation) and node.operator in _CHOICES
            if is_choice or isinstance(node, s.Conditional | s.Comprehension):
                return True
            node = self._project.parent(node)
        return False

    # --- functions -----------------------------------------------------------------------------

    def _function(self, function: Function, known: Known) -> bool | None:
        key = (function, known)
        if key not in self._answers:
            self._answers[key] = False
            if isinstance(function.node, s.FunctionDef):
                flow = self._block(function, function.node.body, known)
                is_sure = not flow.leaves and (flow.sure or not flow.falls)
                self._answers[key] = (is_sure or None) if flow.may else False
        return self._answers[key]

    def _block(self, function: Function, block: Iterable[s.Stmt], known: Known) -> _Flow:
        flow = _Flow()
        for statement in block:
            flow = flow.then(self._statement(function, statement, known))
        return flow

    def _statement(self, function: Function, statement: s.Stmt, known: Known) -> _Flow:
        told = _any(self._site(site, known) for site in self.sites(function, statement))
        own = told if told or not self._is_commit(statement) else True
        head = _Flow(may=own is not False, sure=own is True)
        if isinstance(statement, s.Return):
            return head.then(_Flow(leaves=True, falls=False))
        if isinstance(statement, s.Raise):
            return _Flow(falls=False)
        return head.then(self._inside(function, statement, known))

    def _inside(self, function: Function, statement: s.Stmt, known: Known) -> _Flow:
        """What the blocks of a compound statement do."""
        inner = [self._block(function, block, known) for block in blocks.inner_blocks(statement)]
        if isinstance(statement, s.If):
            truth = _truth(statement.test, known)
            return _either(inner) if truth is None else inner[0 if truth else 1]
        if isinstance(statement, s.With):
            return inner[0]
        if isinstance(statement, s.Try):
            body, *handlers, orelse, final = inner
            return _either([body.then(orelse), *handlers]).then(final)
        return _either([*inner, _Flow()]) if inner else _Flow()


def _either(flows: list[_Flow]) -> _Flow:
    """One of `flows` runs."""
    return _Flow(
        any(flow.may for flow in flows),
        any(flow.leaves for flow in flows),
        any(flow.falls for flow in flows),
        all(flow.sure for flow in flows if flow.falls),
    )


def _any(answers: Iterable[bool | None]) -> bool | None:
    found = set(answers)
    return True if True in found else None if None in found else False


def _truth(node: s.Expr, known: Known) -> bool | None:
    """Whether `node` counts as true; None: only a run can tell."""
    if isinstance(node, s.Constant) and node.kind in ("bool", "None"):
        return node.kind == "bool" and bool(node.value)
    if isinstance(node, s.Name):
        return dict(known).get(node.id)
    if not isinstance(node, s.Operation):
        return None
    parts = [_truth(operand, known) for operand in node.operands]
    if node.operator == "not":
        return None if parts[0] is None else not parts[0]
    if node.operator not in _CHOICES:
        return None
    deciding = node.operator == "or"
    return deciding if deciding in parts else None if None in parts else not deciding


def _is_constant(function: Function, name: str) -> bool:
    """Whether the parameter keeps the value that it is given."""
    return all(isinstance(b, ParameterBinding) for b in function.scope.names.get(name, ()))


def _unpacks(call: s.Call) -> bool:
    return any(isinstance(value, s.Starred) for value in call.args) or any(
        keyword.arg is None for keyword in call.keywords
    )
