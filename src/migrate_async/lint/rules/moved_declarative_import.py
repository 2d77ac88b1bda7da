"""`sqlalchemy.ext.declarative`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.knowledge.legacy_api import MOVED_DECLARATIVE
from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding, Fix
from migrate_async.model.plan import ReplaceStatement

_OLD, _NEW = "sqlalchemy.ext.declarative", "sqlalchemy.orm"


class MovedDeclarativeImport(Rule):
    """The declarative system is imported from where it was before SQLAlchemy 1.4.

    ## Why

    `sqlalchemy.ext.declarative` is a shell since 1.4: its functions warn with each call on 2.0,
    and the module goes in a later release.

    ## Fix

    Import from `sqlalchemy.orm`. It is the same function; the fix changes nothing else.

    ## False alarms

    None known. `AbstractConcreteBase`, `ConcreteBase` and `DeferredReflection` still live in the
    old module and stay there. Imports under a `try` are left alone.
    """

    CODE = "MA803"
    CONSEQUENCE = "each start of the application warns, and a later release fails at the import"
    REMEDY = "import it from `sqlalchemy.orm`"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "a moved function",
            """\
from sqlalchemy.ext.declarative import declarative_base  # error

Base = declarative_base()
""",
            """\
from sqlalchemy.orm import declarative_base

Base = declarative_base()
""",
        ),
        Example(
            "one of several names moved",
            """\
from sqlalchemy.ext.declarative import ConcreteBase, declared_attr as attr  # error
""",
            """\
from sqlalchemy.ext.declarative import ConcreteBase
from sqlalchemy.orm import declared_attr as attr
""",
        ),
        Example(
            "a name that did not move",
            """\
from sqlalchemy.ext.declarative import DeferredReflection
""",
        ),
        Example(
            "the new home for newer releases",
            """\
try:
    from sqlalchemy.orm import declarative_base
except ImportError:
    from sqlalchemy.ext.declarative import declarative_base
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for module in view.modules:
            seen: set[s.ImportFrom] = set()
            for statement, _ in patterns.imports(module):
                moved = [name for name in statement.names if name.name in MOVED_DECLARATIVE]
                if statement.module != _OLD or not moved or statement in seen:
                    continue
                seen.add(statement)
                if not patterns.is_guarded(view, statement):
                    names = ", ".join(f"`{name.name}`" for name in moved)
                    verb = "is" if len(moved) == 1 else "are"
                    message = f"{names} {verb} in `{_NEW}` since SQLAlchemy 1.4"
                    yield self.finding(statement, module.body, message, fix=_fix(statement))


def _fix(statement: s.ImportFrom) -> Fix:
    stays = [name for name in statement.names if name.name not in MOVED_DECLARATIVE]
    moved = [name for name in statement.names if name.name in MOVED_DECLARATIVE]
    lines = [_line(home, names) for home, names in ((_OLD, stays), (_NEW, moved)) if names]
    edit = ReplaceStatement(span=statement.span, codemod=patterns.CODEMOD, code="\n".join(lines))
    return patterns.safe(f"import from `{_NEW}`", edit)


def _line(home: str, names: list[s.ImportedName]) -> str:
    texts = [f"{name.name} as {name.asname}" if name.asname else name.name for name in names]
    return f"from {home} import {', '.join(texts)}"
