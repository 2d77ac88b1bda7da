"""The way back: code that took the sync side once and converts now, and twins nobody needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from migrate_async.index.dataclass_init import written_init
from migrate_async.index.scopes import Class, FromBinding, Function, Module
from migrate_async.index.types import FunctionObject
from migrate_async.knowledge.shim import BLOCKING_ENGINE
from migrate_async.model import plan as p
from migrate_async.model import syntax as s
from migrate_async.plan.annotations import quoted_classes
from migrate_async.plan.both_worlds import implicit
from migrate_async.plan.both_worlds.dependencies import Dependencies
from migrate_async.plan.both_worlds.needs import Needs, sync_name
from migrate_async.plan.both_worlds.surroundings import Surroundings
from migrate_async.plan.colouring.holders import injected
from migrate_async.plan.engines import NAME
from migrate_async.plan.leftovers.twins import (
    Twin,
    blocking_name,
    sync_giver_name,
    sync_maker_name,
    uncached_name,
)
from migrate_async.plan.lent import LentSessions
from migrate_async.plan.module_edits import ModuleEdits, add_change
from migrate_async.plan.names import absolute
from migrate_async.plan.own_globals import own_globals
from migrate_async.plan.references import (
    inner_imports,
    names_below,
    quoted_annotations,
    references,
    renamed_in,
    written_import,
)


class Retirement:
    """Takes functions off the sync side; `needs` is what others go on taking from it."""

    def __init__(
        self,
        around: Surroundings,
        lent: LentSessions,
        needs: Needs,
        dependencies: Dependencies,
    ) -> None:
        self._project = around.project
        self._twins = around.twins
        self._lent = lent
        self._needs = needs
        self._dependencies = dependencies
        self._restored: set[s.AnyNode] = set()
        self._retired: set[s.Stmt] = set()
        self.moved: list[tuple[str, s.Span, str, str]] = []
        """Where code gets the session itself again, which side it had, and what it gets."""

    def restore(
        self, function: Function, gone: frozenset[s.AnyNode], lent: frozenset[s.AnyNode]
    ) -> ModuleEdits:
        """Edits of a function that was re-pointed once and leaves the sync side now.

        What is `gone` needs no edit; what is `lent` to objects that stay sync stays, too.
        """
        found = implicit.unmark(function)
        self._take_back(found, function)
        self._inner_imports(found, function)
        self._engines(found, function)
        nodes = [node for node in references(function) if node not in lent] if self._twins else []
        self._restore(found, function, nodes, gone)
        return found

    def restore_argument(self, function: Function, value: s.Expr) -> ModuleEdits:
        """Those of `value`, which `function`, though it stays sync, gives to what converts."""
        found = ModuleEdits()
        self._restore(found, function, names_below(value), frozenset())
        return found

    def _restore(
        self,
        found: ModuleEdits,
        function: Function,
        nodes: Iterable[s.Name | s.Attribute],
        gone: frozenset[s.AnyNode],
    ) -> None:
        """Let `nodes` of `function` that name sync sides name what these are the sides of."""
        for node in nodes:
            twin = self._twins.named(function.module, node)
            if twin is None or node in self._inside_twins or not self._is_own(node, function):
                continue
            given = "" if node in gone else self._given_for(twin, function)
            if given and isinstance(node, s.Name):
                self._restored.add(node)
                found.unneeded.append(node.id)
                edit = p.ReplaceExpression(span=node.span, codemod=NAME, code=given)
                found.edits.append(edit)
            else:
                self._rename(found, function.module, node, twin, is_gone=node in gone)

    def _given_for(self, twin: Twin, function: Function) -> str:
        """The parameter of `function`, or of one around, that stood where `twin` stands, if any.

        It can be nothing else than what the twin is the sync side of, and nobody reads it.
        """
        for outer in (function, *function.around):
            for param in outer.params:
                node = s.Name(*param.span, param.name)
                types = self._project.infer(node, outer.scope)
                is_it = types and all(
                    isinstance(item, FunctionObject)
                    and (item.fn.module, item.fn.name) == (twin.module, twin.name)
                    for item in types
                )
                if is_it and not any(n.id == param.name for n in outer.nodes(s.Name)):
                    return param.name
        return ""

    def restore_class(self, cls: Class) -> ModuleEdits:
        """Edits of a view whose methods leave the sync side: what FastAPI injects there."""
        found = ModuleEdits()
        if not self._twins or written_init(cls.node) is not None:
            return found  # which has them, too
        for _, call in injected(cls):
            for node in names_below(call):
                twin = self._twins.named(cls.module, node)
                if twin is not None:
                    self._rename(found, cls.module, node, twin)
        return found

    def _rename(
        self,
        found: ModuleEdits,
        module: Module,
        node: s.Name | s.Attribute,
        twin: Twin,
        *,
        is_gone: bool = False,
    ) -> None:
        """Let `node` name what `twin` stands beside."""
        self._restored.add(node)
        found.unneeded.append(s.dotted_name(node).partition(".")[0])
        if is_gone:
            return
        if isinstance(node, s.Attribute):
            code = f"{s.dotted_name(node.value)}.{twin.name}"
        else:
            first, dot, rest = twin.name.partition(".")  # `database.get_session`
            code = f"{self._imported_again(found, module, twin, first)}{dot}{rest}"
        found.edits.append(p.ReplaceExpression(span=node.span, codemod=NAME, code=code))

    def _engines(self, found: ModuleEdits, function: Function) -> None:
        """`blocking_engine(database.engine)` as `database.engine`."""
        for call in function.calls:
            if call.name == BLOCKING_ENGINE and self._is_own(call.node, function):
                found.edits.append(p.UnwrapCall(span=call.node.span, codemod=NAME))
                found.unneeded.append(s.dotted_name(call.node.func).partition(".")[0])

    def requote(self, function: Function) -> ModuleEdits:
        """`"SyncSessionDep"` in quotes as `"SessionDep"`, in the annotations of `function`.

        And async classes in the same quotes, as nothing else can change these then.
        """
        found, module = ModuleEdits(), function.module
        quoted = quoted_annotations(function.node) if self._twins and function.node else ()
        for text, names in quoted:
            twins = {name.id: self._twins.named(module, name) for name in names}
            new = {
                name: self._imported_again(found, module, twin, twin.name)
                for name, twin in twins.items()
                if twin is not None
            }
            if new:
                self._restored.add(text)
                classes = quoted_classes(self._project, function, names)
                found.imports += [change for _, change in classes.values()]
                new |= {name: code for name, (code, _) in classes.items()}
                found.unneeded += new
                code = renamed_in(str(text.value), new)
                found.edits.append(p.ReplaceExpression(span=text.span, codemod=NAME, code=code))
        return found

    def _imported_again(self, found: ModuleEdits, module: Module, twin: Twin, name: str) -> str:
        """What `module` calls `name` of the module of `twin`, imported if it is not, from there."""
        home = twin.module.name
        if self._has(module, home, name):
            return name
        return add_change(found, module, p.ImportChange(NAME, home, name, beside=twin.sync_name))

    def _has(self, module: Module, home: str, name: str) -> bool:
        """Whether `module` has imported `name` of the module `home`, from a third one perhaps."""
        names = self._project.names
        bindings = module.scope.names.get(name, [])
        if not bindings:
            return (home, name) in module.origins(name)  # by `import *`
        meant = names.member(home, name)
        return (
            bool(meant)
            and all(isinstance(binding, FromBinding) for binding in bindings)
            and names.lookup(name, module.scope) == meant
        )

    def _is_own(self, node: s.AnyNode, function: Function) -> bool:
        """Whether `node` is not in a function inside of `function`, which may stay sync."""
        inner = self._project.function_of(node)
        is_of_signature = inner in function.around
        return inner is function or is_of_signature or not isinstance(inner.node, s.FunctionDef)

    def _inner_imports(self, found: ModuleEdits, function: Function) -> None:
        for node in inner_imports(function) if self._twins else ():
            old = {twin.sync_name: twin.name for twin in self._imported(function.module, node)}
            if old:
                self._restored.add(node)
                code = written_import(node, old)
                edit = p.ReplaceStatement(span=node.span, codemod=NAME, code=code)
                found.edits.append(edit)

    def _imported(self, module: Module, node: s.ImportFrom) -> Iterator[Twin]:
        home, names = absolute(module, node), {item.name for item in node.names}
        for twin in self._twins:
            if twin.module.name == home and twin.sync_name in names:
                yield twin

    def _take_back(self, found: ModuleEdits, function: Function) -> None:
        """`request.state.db.sync_session` as `request.state.db`."""
        for node in self._lent.taken(function):
            self._restored.add(node)
            code = s.dotted_name(node.value)
            self.moved.append((function.module.path, node.span, s.dotted_name(node), code))
            found.edits.append(p.ReplaceExpression(span=node.span, codemod=NAME, code=code))

    def forget(self, statement: s.Stmt) -> None:
        """`statement` goes, with the names that it uses."""
        self._restored.update(s.walk(statement))

    def retire(self) -> dict[Module, ModuleEdits]:
        """Remove the sync names that nothing uses any more."""
        found: dict[Module, ModuleEdits] = {}
        used = self._used()
        used.update(twin.statement for twin in self._twins if self._is_needed(twin))
        self._spread(used)
        for twin in self._twins:
            if twin.statement in used or twin.statement in self._retired:
                continue
            self._retired.add(twin.statement)
            edits = found.setdefault(twin.module, ModuleEdits())
            edits.edits += [
                p.ReplaceStatement(span=definition.span, codemod=NAME)
                for definition in (*twin.definitions, *self._own_globals(twin))
            ]
            edits.unneeded += [
                node.id
                for definition in twin.definitions
                for node in s.walk(definition)
                if isinstance(node, s.Name)
            ]
            for module, name in self._importers(twin):
                found.setdefault(module, ModuleEdits()).gone.append(name)
        return found

    def _importers(self, twin: Twin) -> Iterator[tuple[Module, str]]:
        """Who imports `twin`, which nobody uses: by hand, the uses may have gone before."""
        for module in self._project.modules.values():
            name = None if module is twin.module else twin.local_name(module)
            if name is not None:
                yield module, name

    def _own_globals(self, twin: Twin) -> Iterable[s.Stmt]:
        """What defines the `global` variables that the copy `twin` has for itself."""
        copies = (f for f in self._twins.makers if f.node is twin.statement and f.scope.globals)
        return [
            definition
            for copy in copies
            for definition in (own_globals(self._project, copy) or {}).values()
        ]

    def _used(self) -> set[s.Stmt]:
        """The definitions of the twins that code other than twins uses."""
        used: set[s.Stmt] = set()
        twins = {twin.statement for twin in self._twins}
        if not twins:
            return used
        for module in self._project.modules.values():
            for statement in module.syntax.body:
                if statement not in twins and not isinstance(statement, (s.Import, s.ImportFrom)):
                    self._mark(used, statement, module, self._inside_twins)
        for function in self._project.functions:
            for node in inner_imports(function):
                if node not in self._restored:
                    used.update(twin.statement for twin in self._imported(function.module, node))
        return used

    def _spread(self, used: set[s.Stmt]) -> None:
        """Add what the definitions of the twins in `used` use."""
        while True:
            before = len(used)
            for twin in self._twins:
                for definition in twin.definitions if twin.statement in used else ():
                    self._mark(used, definition, twin.module)
            if len(used) == before:
                return

    @cached_property
    def _inside_twins(self) -> frozenset[s.AnyNode]:
        """The code of those that stand in something: methods, and variables in a block."""
        inside = [fn.node for fn in self._twins.makers if fn.cls is not None and fn.node]
        defining = [part for twin in self._twins.variables.values() for part in twin.definitions]
        return frozenset(node for part in (*inside, *defining) for node in s.walk(part))

    def _mark(
        self,
        used: set[s.Stmt],
        statement: s.Stmt,
        module: Module,
        without: frozenset[s.AnyNode] = frozenset(),
    ) -> None:
        """Add the twins that `statement` names, `without` some of its code."""
        named = [n for n in names_below(statement) if n not in self._restored and n not in without]
        for text, names in quoted_annotations(statement):
            named += names if text not in self._restored else ()
        for node in named:
            twin = self._twins.named(module, node)
            if twin is not None:
                used.update(self._statements_of(twin))

    def _statements_of(self, twin: Twin) -> Iterator[s.Stmt]:
        """What defines the name of `twin`, in one branch of an `if` or in another."""
        for other in self._twins:
            if (other.module, other.sync_name) == (twin.module, twin.sync_name):
                yield other.statement

    def _is_needed(self, twin: Twin) -> bool:
        """Whether code that is re-pointed in this run uses it."""
        names = {alias.sync_name for alias in self._needs.aliases}
        names.update(map(self._dependencies.sync_name, self._needs.dependencies))
        sides = map(self._dependencies.sync_name, self._needs.uncached)
        names.update(map(uncached_name, sides))
        sides = map(self._dependencies.sync_name, self._needs.blocking)
        names.update(map(blocking_name, sides))
        for variable in self._needs.variables:
            names.add(sync_name(variable))
        names.update(sync_maker_name(maker.name) for maker in self._needs.makers)
        names.update(sync_giver_name(self._project, giver) for giver in self._needs.givers)
        names.update(sync_maker_name(decorator.name) for decorator in self._needs.decorators)
        return twin.sync_name in names

    def still_lends(self, sides: Iterable[s.AnyNode]) -> bool:
        """Whether some code goes on using one of these sync sides after this run."""
        return any(node not in self._restored for node in sides)

    @property
    def leaves_some(self) -> bool:
        """Whether something of an earlier run goes on taking the sync side after this one."""
        sides = (f for f in self._twins.functions if f not in self._twins.blocking)
        if any(self._twins.functions[side].statement not in self._retired for side in sides):
            return True
        functions = self._project.functions
        return self.still_lends(node for fn in functions for node in self._lent.taken(fn))
