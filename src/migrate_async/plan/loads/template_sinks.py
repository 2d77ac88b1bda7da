"""Where code hands objects to Jinja templates."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.declarative import string
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Scope, last_name
from migrate_async.index.types import held
from migrate_async.model import syntax as s
from migrate_async.plan.loads.paths import Path
from migrate_async.plan.loads.schema_reads import Reads, SchemaReads
from migrate_async.plan.loads.sinks import Sink
from migrate_async.plan.loads.templates import Chain, chains

_RESPONSES = frozenset({"TemplateResponse", "render_template", "render_template_async"})
_RENDERS = frozenset({"render", "render_async", "generate", "stream"})
_GETS = frozenset({"get_template", "select_template"})


class TemplateSinks:
    def __init__(self, project: Project, schema_reads: SchemaReads) -> None:
        self._project = project
        self._schema_reads = schema_reads
        self._models = tuple(model.cls for model in project.models.values())

    def of(self, function: Function) -> Iterator[Sink]:
        """What `function` gives to the templates that it names."""
        for call in function.calls:
            name = self._template(call.node, call.scope)
            if name is None:
                continue
            reads = chains(name, self._project.templates)
            for variable, value, scope in self._context(call.node, call.scope):
                found = frozenset(self._paths(value, scope, reads.get(variable, frozenset())))
                if found:
                    yield Sink(function, value, value, scope, Reads(found), name)

    def _paths(self, value: s.Expr, scope: Scope, read: frozenset[Chain]) -> Iterator[Path]:
        for model in held(self._project.infer(value, scope), self._models):
            for chain in read:
                yield from self._schema_reads.along(model, chain)

    def _template(self, call: s.Call, scope: Scope) -> str | None:
        """The name of the template that `call` renders."""
        method = last_name(call.func)
        if method in _RESPONSES:
            given = [*call.args, *(k.value for k in call.keywords if k.arg in ("name", None))]
            return next((string(item) for item in given if string(item)), None)
        if method in _RENDERS and isinstance(call.func, s.Attribute):
            template = self._project.value_of(call.func.value, scope) or call.func.value
            if isinstance(template, s.Call) and last_name(template.func) in _GETS:
                return next((string(item) for item in template.args if string(item)), None)
        return None

    def _context(self, call: s.Call, scope: Scope) -> Iterator[tuple[str, s.Expr, Scope]]:
        """The variables of the template, with their values."""
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        for context in (*call.args, *(v for k, v in given.items() if k in ("context", None))):
            display = self._project.value_of(context, scope) or context
            if isinstance(display, s.Mapping):
                for key, value in zip(display.keys, display.values, strict=True):
                    if key is not None and string(key):
                        yield string(key), value, self._project.scope_of(value)
            elif isinstance(display, s.Call) and last_name(display.func) == "dict":
                for keyword in display.keywords:
                    if keyword.arg is not None:
                        yield keyword.arg, keyword.value, self._project.scope_of(keyword.value)
        if last_name(call.func) != "TemplateResponse":
            yield from ((name, value, scope) for name, value in given.items() if name is not None)
