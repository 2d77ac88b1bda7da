"""Names that SQLAlchemy removed, renamed or deprecated."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Module
from migrate_async.knowledge import sqlalchemy
from migrate_async.knowledge.legacy_api import CALLS, NAMES, Change
from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding, Fix
from migrate_async.model.plan import AnyEdit, ImportChange, ReplaceExpression


class RemovedName(Rule):
    """A name is imported or called that SQLAlchemy removed, renamed or deprecated.

    ## Why

    The removed names fail when the module is imported, so that nothing of the application starts;
    the deprecated ones warn and go in a later release.

    ## Fix

    The finding names what to write instead. Names that were only renamed are replaced.

    ## False alarms

    Imports under a `try`, or under a condition about the release, are left alone: code that has
    to run on several releases writes them. Changes that only 2.1 makes have medium confidence
    unless the setting `target-sqlalchemy` is 2.1.
    """

    CODE = "MA807"
    CONSEQUENCE = "the import or the call fails on the release that removed the name"
    REMEDY = "write what replaces the name"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "a renamed function",
            """\
from sqlalchemy.orm import relation  # error

items = relation("Item")
""",
            """\
from sqlalchemy.orm import relationship

items = relationship("Item")
""",
        ),
        Example(
            "an option that was removed",
            """\
from sqlalchemy.orm import Session, joinedload_all  # error
""",
        ),
        Example(
            "classical mapping",
            """\
from sqlalchemy import orm
from sqlalchemy.orm import mapper

from app.models import User, users

mapper(User, users)  # error
orm.eagerload("items")  # error
""",
        ),
        Example(
            "deprecated since 2.1 only",
            """\
from sqlalchemy.orm import declarative_mixin  # error: medium
""",
        ),
        Example(
            "the new name for newer releases",
            """\
try:
    from sqlalchemy.engine import Row
except ImportError:
    from sqlalchemy.engine import RowProxy as Row
""",
        ),
        Example(
            "a name of the project's own",
            """\
from app.relations import relation

items = relation("Item")
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        yield from self._imported(view)
        yield from self._called(view)

    def _imported(self, view: View) -> Iterator[Finding]:
        for module in view.modules:
            for statement, name in patterns.imports(module):
                change = NAMES.get(sqlalchemy.canonical(f"{statement.module}.{name.name}"))
                change = change or NAMES.get(statement.module)
                if change is not None and not patterns.is_guarded(view, statement):
                    sure = patterns.confidence(view, change)
                    fix = _renaming(view, module, statement, name, change)
                    yield self.finding(
                        statement,
                        module.body,
                        f"`{name.name}` {change.fate}",
                        confidence=sure,
                        remedy=f"use {change.instead}",
                        fix=fix,
                    )

    def _called(self, view: View) -> Iterator[Finding]:
        for use in patterns.uses(view, {**NAMES, **CALLS}):
            is_imported = isinstance(use.node.func, s.Name) and use.name not in CALLS
            if not is_imported and not patterns.is_guarded(view, use.node):
                change = CALLS.get(use.name) or NAMES[use.name]
                yield self.finding(
                    use.node,
                    use.function,
                    f"`{use.name.rpartition('.')[2]}` {change.fate}",
                    confidence=patterns.confidence(view, change),
                    remedy=f"use {change.instead}",
                )


def _renaming(
    view: View, module: Module, statement: s.ImportFrom, name: s.ImportedName, change: Change
) -> Fix | None:
    """The import and all uses under the new name, where the old name is bound only once."""
    bindings = module.scope.names.get(name.name, [])
    if not change.renamed or name.asname or len(bindings) != 1:
        return None
    if change.renamed in module.scope.names or statement not in module.syntax.body:
        return None
    edits: list[AnyEdit] = [
        ReplaceExpression(span=node.span, codemod=patterns.CODEMOD, code=change.renamed)
        for node in patterns.mentions(view, module, name.name)
    ]
    return Fix(
        f"use `{change.renamed}`",
        patterns.SAFE,
        tuple(edits),
        (ImportChange(patterns.CODEMOD, statement.module, change.renamed),),
        (name.name,),
    )
