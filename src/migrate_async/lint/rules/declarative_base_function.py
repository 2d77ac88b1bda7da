"""`declarative_base()`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint import patterns
from migrate_async.lint.library_calls import Use
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding, Fix
from migrate_async.model.plan import ReplaceStatement


class DeclarativeBaseFunction(Rule):
    """The base of the models is made by the function `declarative_base()`.

    ## Why

    The function gives a class that type checkers know nothing about: `Mapped[...]` columns of its
    subclasses have no types. Since SQLAlchemy 2.0 the class `DeclarativeBase` supersedes it.

    ## Fix

    `class Base(DeclarativeBase): pass`; arguments of the function become attributes of the class.
    The fix does it where the function has no arguments. It is not marked as safe: code that looks
    at the base, at its metaclass or its `__init_subclass__`, can tell the two apart.
    `migrate-async migrate --step models` does it together with the models.

    ## False alarms

    None known.
    """

    CODE = "MA804"
    CONSEQUENCE = "models stay untyped, so that wrong attribute types are found in production"
    REMEDY = "write `class Base(DeclarativeBase): pass`"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "a base without arguments",
            """\
from sqlalchemy.orm import declarative_base

Base = declarative_base()  # error
""",
            """\
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass
""",
        ),
        Example(
            "a base with arguments",
            """\
from sqlalchemy.orm import declarative_base

from app.base import CustomBase

Base = declarative_base(cls=CustomBase)  # error
""",
        ),
        Example(
            "the class",
            """\
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass
""",
        ),
        Example(
            "a function of the project's own",
            """\
from app.database import declarative_base

Base = declarative_base()
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for use in patterns.uses(view, {"sqlalchemy.orm.declarative_base"}):
            if not patterns.is_guarded(view, use.node):
                message = "`declarative_base()` is superseded by the class `DeclarativeBase`"
                yield self.finding(use.node, use.function, message, fix=_fix(view, use))


def _fix(view: View, use: Use) -> Fix | None:
    statement = view.project.statement_of(use.node)
    if not isinstance(statement, s.Assign) or statement.value is not use.node:
        return None
    target = statement.targets[0]
    given = use.node.args or use.node.keywords
    if given or len(statement.targets) != 1 or not isinstance(target, s.Name):
        return None
    base, imports = patterns.imported(view, use.function, "sqlalchemy.orm.DeclarativeBase")
    edit = ReplaceStatement(
        span=statement.span,
        codemod=patterns.CODEMOD,
        code=f"class {target.id}({base}):\n    pass",
    )
    unneeded = s.dotted_name(use.node.func).partition(".")[0]
    return Fix("write a class", patterns.UNSAFE, (edit,), imports, (unneeded,))
