"""One walk per module: scopes with bindings, calls with their context, returns, yields, parents.

The walk takes two Python frames per level of nesting, fewer than `extract` took to build the
tree, so whatever could be extracted can be walked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from migrate_async.index import scopes as sc
from migrate_async.index.dataclass_init import written_init
from migrate_async.index.lifespan_state import yielded_state
from migrate_async.index.types import UNKNOWN
from migrate_async.model import syntax as s

Parent: TypeAlias = "s.AnyNode | s.ModuleSyntax"
Context: TypeAlias = tuple[str, ...]


class Symbols:
    """What the walks of all modules found."""

    def __init__(self) -> None:
        self.functions: list[sc.Function] = []
        self.classes: list[sc.Class] = []
        self.parents: dict[Parent, Parent] = {}
        self.scopes: dict[Parent, sc.Scope] = {}
        self.state: dict[str, list[sc.Binding]] = {}
        """Bindings of `<anything>.state.<name> = value`, and of what lifespans yield, by name."""


def walk_module(source: sc.ModuleInput, symbols: Symbols) -> sc.Module:
    """Collect the symbols of one module."""
    module = sc.Module(source)
    symbols.functions.append(module.body)
    symbols.scopes[source.syntax] = module.scope
    _Walk(module, symbols).block(source.syntax.body, source.syntax, ())
    return module


class _Walk:
    def __init__(self, module: sc.Module, symbols: Symbols) -> None:
        self._module = module
        self._symbols = symbols
        self._parents = symbols.parents
        self._scope = module.scope
        self._function = module.body

    # --- dispatch ------------------------------------------------------------------------------

    def block(self, body: Iterable[s.Stmt], parent: Parent, context: Context) -> None:
        for stmt in body:
            self._parents[stmt] = parent
            handler = _STATEMENTS.get(type(stmt))
            if handler is not None:
                handler(self, stmt, context)
            else:
                self._plain(stmt, context)

    def expr(
        self, node: s.Expr | None, parent: Parent, context: Context, usage: str = "value"
    ) -> None:
        if node is None:
            return
        self._parents[node] = parent
        handler = _EXPRESSIONS.get(type(node))
        if handler is not None:
            handler(self, node, context, usage)
        elif not isinstance(node, s.Constant):
            self._plain(node, context)

    def _plain(self, node: s.AnyNode, context: Context) -> None:
        for child in s.children(node):
            self.expr(child, node, context)  # type: ignore[arg-type]

    # --- expressions ---------------------------------------------------------------------------

    def _refer(self, node: s.Expr, context: Context, usage: str) -> None:
        if usage not in ("callee", "annotation"):
            reference = sc.Reference(node, self._scope, usage, context)
            self._function.references.append(reference)

    def _name(self, node: s.Name, context: Context, usage: str) -> None:
        if usage not in ("callee", "annotation"):
            reference = sc.Reference(node, self._scope, usage, context)
            self._function.references.append(reference)

    def _attribute(self, node: s.Attribute, context: Context, usage: str) -> None:
        self._module.attributes.add(node.attr)
        self._refer(node, context, usage)
        self.expr(node.value, node, context, "base" if usage != "annotation" else usage)

    def _call(self, node: s.Call, context: Context, usage: str) -> None:
        if usage == "annotation":
            context = _within(context, "annotation")
        awaited = isinstance(self._parents[node], s.Await)
        name = sc.last_name(node.func)
        call = sc.RawCall(node, self._scope, context, awaited, name)
        self._function.calls.append(call)
        self.expr(node.func, node, context, "callee")
        if node.args or node.keywords:
            inner = _within(context, "argument")
            role = _ROLES.get(name) or _ROLES.setdefault(name, f"arg:{name or '?'}")
            for arg in node.args:
                self.expr(arg, node, inner, role)
            for keyword in node.keywords:
                self._parents[keyword] = node
                self.expr(keyword.value, keyword, inner, role)

    def _subscript(self, node: s.Subscript, context: Context, usage: str) -> None:
        if usage == "annotation":
            self.expr(node.value, node, context, usage)
            self.expr(node.index, node, context, usage)
            return
        self._implicit(node.value, "__getitem__", context, False)
        self.expr(node.value, node, context, "base")
        self.expr(node.index, node, context)

    def _await(self, node: s.Await, context: Context, _usage: str) -> None:
        self.expr(node.value, node, context)

    def _conditional(self, node: s.Conditional, context: Context, usage: str) -> None:
        self.expr(node.test, node, _within(context, "condition"))
        self.expr(node.body, node, context, usage)
        self.expr(node.orelse, node, context, usage)

    def _sequence(self, node: s.Sequence, context: Context, usage: str) -> None:
        usage = usage if usage == "annotation" else "value"
        for item in node.items:
            self.expr(item, node, context, usage)

    def _operation(self, node: s.Operation, context: Context, usage: str) -> None:
        if node.operator in _MEMBERSHIP:
            self._implicit(node.operands[-1], "__contains__", context, False)
        usage = usage if usage == "annotation" else "value"
        for operand in node.operands:
            self.expr(operand, node, context, usage)

    def _mapping(self, node: s.Mapping, context: Context, _usage: str) -> None:
        for key in node.keys:
            self.expr(key, node, context)
        for value in node.values:
            self.expr(value, node, context)

    def _starred(self, node: s.Starred, context: Context, _usage: str) -> None:
        self._implicit(node.value, "__iter__", context, False)
        self.expr(node.value, node, context)

    def _yield(self, node: s.Yield, context: Context, _usage: str) -> None:
        self._function.is_generator = True
        self._function.yields.append(node)
        for name, value in yielded_state(self._function.node, node):
            self._symbols.state.setdefault(name, []).append(sc.ValueBinding(self._scope, value))
        if node.is_from and node.value is not None:
            self._implicit(node.value, "__iter__", context, False)
        self.expr(node.value, node, context)

    def _named(self, node: s.NamedExpression, context: Context, _usage: str) -> None:
        self._parents[node.target] = node
        scope = self._scope
        while scope.kind == "comprehension" and scope.parent is not None:
            scope = scope.parent
        scope.bind(node.target.id, sc.ValueBinding(self._scope, node.value))
        self.expr(node.value, node, context)

    def _lambda(self, node: s.Lambda, _context: Context, _usage: str) -> None:
        for param in node.params:
            self._parents[param] = node
            self.expr(param.default, param, ("default",))
        outer, scope = self._function, self._scope
        qualname = f"{_prefix(outer)}.<lambda:{node.line}:{node.col}>"
        function = sc.Function(qualname, self._module, node, None, outer)
        function.scope = sc.Scope("function", scope, function)
        function.returns.append(node.body)
        self._register(function, node)
        self.expr(node.body, node, ("lambda",))
        self._function, self._scope = outer, scope

    def _comprehension(self, node: s.Comprehension, context: Context, _usage: str) -> None:
        outer = self._scope
        scope = sc.Scope("comprehension", outer, self._function, outer.cls)
        self._symbols.scopes[node] = scope
        kind = "generator" if node.kind == "generator" else "comprehension"
        inner = _within(context, kind)
        for position, generator in enumerate(node.generators):
            self._parents[generator] = node
            # The first iterable is evaluated outside, by the code around the comprehension.
            place = context if position == 0 else inner
            self._implicit(generator.iter, "__iter__", place, generator.is_async)
            self.expr(generator.iter, generator, place, "iter")
            self._scope = scope
            source = sc.IterationBinding(outer if position == 0 else scope, generator.iter)
            self._target(generator.target, source, generator, inner)
            for condition in generator.conditions:
                self.expr(condition, generator, _within(inner, "condition"))
        self._scope = scope
        for element in node.elements:
            self.expr(element, node, inner)
        self._scope = outer

    def _implicit(self, node: s.Expr, method: str, context: Context, is_async: bool) -> None:
        if not isinstance(node, s.Constant):
            found = sc.Implicit(node, self._scope, method, context, is_async)
            self._function.implicit.append(found)

    # --- targets -------------------------------------------------------------------------------

    def _target(self, node: s.Expr, binding: sc.Binding, parent: Parent, context: Context) -> None:
        self._parents[node] = parent
        if isinstance(node, s.Name):
            self._scope.bind(node.id, binding)
        elif isinstance(node, s.Sequence):
            for index, item in enumerate(node.items):
                starred = isinstance(item, s.Starred)
                element = sc.ElementBinding(binding.scope, binding, index, starred)
                self._target(item, element, node, context)
        elif isinstance(node, s.Starred):
            self._target(node.value, binding, node, context)
        elif isinstance(node, s.Attribute):
            self._attribute_target(node, binding)
            self._function.sets.append(sc.Reference(node, self._scope, "target", context))
            self.expr(node.value, node, context, "base")
        else:
            self._plain(node, context)

    def _attribute_target(self, node: s.Attribute, binding: sc.Binding) -> None:
        self._module.attributes.add(node.attr)
        value = node.value
        if isinstance(value, s.Name):
            method = self._function
            if method.cls is not None and value.id == method.self_name:
                method.cls.instance.setdefault(node.attr, []).append(binding)
        elif isinstance(value, s.Attribute) and value.attr == "state":
            self._symbols.state.setdefault(node.attr, []).append(binding)

    # --- statements ----------------------------------------------------------------------------

    def _assign(self, node: s.Assign, context: Context) -> None:
        binding = sc.ValueBinding(self._scope, node.value)
        for target in node.targets:
            self._target(target, binding, node, context)
            if isinstance(target, s.Sequence):
                self._implicit(node.value, "__iter__", context, False)
        self.expr(node.value, node, context)

    def _annotated(self, node: s.AnnotatedAssign, context: Context) -> None:
        scope = self._scope
        if scope.kind == "class" and scope.parent is not None and _names_itself(node):
            scope = scope.parent  # `Post: Post` in a class body means the class outside
        binding = sc.AnnotatedBinding(scope, node.annotation, node.value)
        self._target(node.target, binding, node, context)
        self.expr(node.annotation, node, context, "annotation")
        self.expr(node.value, node, context)

    def _augmented(self, node: s.AugmentedAssign, context: Context) -> None:
        if isinstance(node.target, s.Attribute):
            self._function.sets.append(sc.Reference(node.target, self._scope, "target", context))
        self.expr(node.target, node, context, "base")
        self.expr(node.value, node, context)

    def _return(self, node: s.Return, context: Context) -> None:
        if node.value is not None:
            self._function.returns.append(node.value)
            self.expr(node.value, node, context)

    def _if(self, node: s.If | s.While, context: Context) -> None:
        self.expr(node.test, node, _within(context, "condition"))
        if self._scope.kind == "module" and _is_main_guard(node.test):
            context = _within(context, "main")
        self.block(node.body, node, context)
        self.block(node.orelse, node, context)

    def _for(self, node: s.For, context: Context) -> None:
        self._implicit(node.iter, "__iter__", context, node.is_async)
        self._target(node.target, sc.IterationBinding(self._scope, node.iter), node, context)
        self.expr(node.iter, node, context, "iter")
        self.block(node.body, node, context)
        self.block(node.orelse, node, context)

    def _with(self, node: s.With, context: Context) -> None:
        for item in node.items:
            self._parents[item] = node
            self._implicit(item.context, "__enter__", context, node.is_async)
            if item.target is not None:
                binding = sc.WithBinding(self._scope, item.context)
                self._target(item.target, binding, item, context)
            self.expr(item.context, item, context)
        self.block(node.body, node, context)

    def _try(self, node: s.Try, context: Context) -> None:
        self.block(node.body, node, context)
        for handler in node.handlers:
            self._parents[handler] = node
            self.expr(handler.error, handler, context)
            if handler.name is not None:
                self._scope.bind(handler.name, sc.FixedBinding(self._scope, UNKNOWN))
            self.block(handler.body, handler, context)
        self.block(node.orelse, node, context)
        self.block(node.finalbody, node, context)

    def _match(self, node: s.Match, context: Context) -> None:
        self.expr(node.subject, node, context)
        for case in node.cases:
            self._parents[case] = node
            self._patterns(node, case, context)
            for value in case.values:
                self.expr(value, case, context)
            self.expr(case.guard, case, _within(context, "condition"))
            self.block(case.body, case, context)

    def _patterns(self, node: s.Match, case: s.Case, context: Context) -> None:
        """What the pattern of `case` binds, and the classes that it names."""
        known: dict[str, list[sc.Binding]] = {}
        if case.whole:
            known[case.whole] = [sc.ValueBinding(self._scope, node.subject)]
        for pattern in case.classes:
            self._parents[pattern] = case
            self.expr(pattern.cls, pattern, context, "annotation")
            if pattern.name:
                binding = sc.AnnotatedBinding(self._scope, pattern.cls, None)
                known.setdefault(pattern.name, []).append(binding)
            for attribute, name in zip(pattern.attributes, pattern.bound, strict=True):
                read = sc.AttributeBinding(self._scope, pattern.cls, attribute)
                known.setdefault(name, []).append(read)
        for name in dict.fromkeys(case.names):
            for found in known.get(name) or [sc.FixedBinding(self._scope, UNKNOWN)]:
                self._scope.bind(name, found)

    def _simple(self, node: s.Simple, context: Context) -> None:
        if node.keyword == "typealias" and isinstance(node.operands[0], s.Name):
            binding = sc.ValueBinding(self._scope, node.operands[-1])
            self._scope.bind(node.operands[0].id, binding)
            usage = "annotation"
        else:
            usage = "value"
        if node.keyword == "assert":
            context = _within(context, "condition")
        for operand in node.operands:
            self.expr(operand, node, context, usage)

    def _scoping(self, node: s.Scoping, _context: Context) -> None:
        for name in node.names:
            target = self._module.scope if node.keyword == "global" else self._outer_binding(name)
            self._scope.globals[name] = target

    def _outer_binding(self, name: str) -> sc.Scope:
        scope = self._scope.parent
        while scope is not None and scope.parent is not None:
            if scope.kind == "function" and name in scope.names:
                return scope
            scope = scope.parent
        return self._scope

    # --- definitions ---------------------------------------------------------------------------

    def _register(self, function: sc.Function, node: s.FunctionDef | s.Lambda) -> None:
        """Make `function` the current one and bind its parameters."""
        self._symbols.functions.append(function)
        self._symbols.scopes[node] = function.scope
        for position, param in enumerate(node.params):
            binding = sc.ParameterBinding(function.scope, function, param, position)
            function.scope.names[param.name] = [binding]
        self._function, self._scope = function, function.scope

    def _def(self, node: s.FunctionDef, context: Context) -> None:
        for decorator in node.decorators:
            self.expr(decorator, node, _within(context, "decorator"), "decorator")
        for param in node.params:
            self._parents[param] = node
            self.expr(param.default, param, _within(context, "default"))
            self.expr(param.annotation, param, context, "annotation")
        self.expr(node.returns, node, context, "annotation")
        self._define(node, self._scope.cls if self._scope.kind == "class" else None)

    def _define(self, node: s.FunctionDef, cls: sc.Class | None) -> None:
        outer, scope = self._function, self._scope
        prefix = cls.qualname if cls is not None else _prefix(outer)
        qualname = f"{prefix}.{node.name}"
        function = sc.Function(qualname, self._module, node, cls, outer)
        function.scope = sc.Scope("function", scope, function)
        scope.bind(node.name, sc.FunctionBinding(scope, function))
        self._register(function, node)
        self.block(node.body, node, ())
        self._function, self._scope = outer, scope

    def _class(self, node: s.ClassDef, context: Context) -> None:
        outer = self._scope
        prefix = (
            outer.cls.qualname if outer.kind == "class" and outer.cls else _prefix(self._function)
        )
        cls = sc.Class(node, f"{prefix}.{node.name}", len(self._symbols.classes))
        cls.scope = sc.Scope("class", outer, self._function, cls)
        self._symbols.classes.append(cls)
        self._symbols.scopes[node] = cls.scope
        outer.bind(node.name, sc.ClassBinding(outer, cls))
        for base in node.bases:
            self.expr(base, node, context, "annotation")
        for keyword in node.keywords:
            self._parents[keyword] = node
            self.expr(keyword.value, keyword, context)
        for decorator in node.decorators:
            self.expr(decorator, node, _within(context, "decorator"), "decorator")
        self._scope = cls.scope
        self.block(node.body, node, context)
        self._written_init(node)
        self._scope = outer

    def _written_init(self, cls: s.ClassDef) -> None:
        """The fields of a dataclass are walked already: only what stores them is new."""
        node = written_init(cls)
        if node is not None:
            self._parents[node] = cls
            self._parents.update(dict.fromkeys(node.params, node))
            self._define(node, self._scope.cls)

    # --- imports -------------------------------------------------------------------------------

    def _import(self, node: s.Import, _context: Context) -> None:
        for alias in node.names:
            self._parents[alias] = node
            head = alias.name.partition(".")[0]
            dotted = alias.name if alias.asname else head
            self._scope.bind(alias.asname or head, sc.ImportBinding(self._scope, dotted))

    def _import_from(self, node: s.ImportFrom, _context: Context) -> None:
        base = self._absolute(node)
        for alias in node.names:
            self._parents[alias] = node
            if alias.name == "*":
                self._module.stars.append(base)
            else:
                name = alias.asname or alias.name
                self._scope.bind(name, sc.FromBinding(self._scope, base, alias.name))

    def _absolute(self, node: s.ImportFrom) -> str:
        if not node.level:
            return node.module
        parts = self._module.name.split(".")
        drop = node.level - 1 if self._module.is_package else node.level
        parts = parts[: len(parts) - drop] if drop else parts
        return ".".join([*parts, node.module] if node.module else parts)


_ROLES: dict[str, str] = {}
"""`arg:<callee>` by callee, so that each is there once."""


def _within(context: Context, kind: str) -> Context:
    return context if kind in context else (*context, kind)


def _prefix(function: sc.Function) -> str:
    return function.module.name if function.is_module else function.qualname


def _names_itself(node: s.AnnotatedAssign) -> bool:
    """Whether the annotation mentions the name that it is about."""
    name = node.target.id if isinstance(node.target, s.Name) else ""
    return any(isinstance(part, s.Name) and part.id == name for part in s.walk(node.annotation))


def _is_main_guard(test: s.Expr) -> bool:
    return any(isinstance(node, s.Name) and node.id == "__name__" for node in s.walk(test))


_MEMBERSHIP = frozenset({"in", "not in"})

_EXPRESSIONS: dict[type, Callable[[_Walk, Any, Context, str], None]] = {
    s.Name: _Walk._name,
    s.Attribute: _Walk._attribute,
    s.Call: _Walk._call,
    s.Subscript: _Walk._subscript,
    s.Await: _Walk._await,
    s.Conditional: _Walk._conditional,
    s.Lambda: _Walk._lambda,
    s.Comprehension: _Walk._comprehension,
    s.Starred: _Walk._starred,
    s.Yield: _Walk._yield,
    s.NamedExpression: _Walk._named,
    s.Mapping: _Walk._mapping,
    s.Operation: _Walk._operation,
    s.Sequence: _Walk._sequence,
}
_STATEMENTS: dict[type, Callable[[_Walk, Any, Context], None]] = {
    s.Assign: _Walk._assign,
    s.AnnotatedAssign: _Walk._annotated,
    s.AugmentedAssign: _Walk._augmented,
    s.ExpressionStatement: lambda w, n, c: w.expr(n.value, n, c),
    s.Return: _Walk._return,
    s.If: _Walk._if,
    s.While: _Walk._if,
    s.For: _Walk._for,
    s.With: _Walk._with,
    s.Try: _Walk._try,
    s.Match: _Walk._match,
    s.FunctionDef: _Walk._def,
    s.ClassDef: _Walk._class,
    s.Import: _Walk._import,
    s.ImportFrom: _Walk._import_from,
    s.Scoping: _Walk._scoping,
    s.Simple: _Walk._simple,
}
