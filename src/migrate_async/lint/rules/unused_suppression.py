"""`# noqa: MA601` where nothing is left to suppress."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from migrate_async.index.scopes import Module
from migrate_async.lint import registry
from migrate_async.lint.comments import Suppression, without
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.suppression import split
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Applicability, Finding, Fix
from migrate_async.model.plan import ReplaceComment


class UnusedSuppression(Rule):
    """A comment suppresses a rule that finds nothing there.

    ## Why

    What was suppressed is gone, or was never there. The comment stays, and will silence the next
    real finding on that statement.

    ## Fix

    Remove the code from the comment, or the comment.

    ## False alarms

    Only codes of this linter are looked at, and only those of rules that run: a code that is not
    selected may have a finding. A bare `# noqa` is never reported, it may be meant for others.
    """

    CODE = "MA899"
    READS_FINDINGS = True
    CONSEQUENCE = "the comment hides the next real finding at this place"
    REMEDY = "remove the code, or the whole comment"
    EXAMPLES = (
        Example(
            "nothing is found there any more",
            """\
from sqlalchemy import text
from sqlalchemy.orm import Session


def users(db: Session):
    return db.scalars(text("SELECT name FROM users")).all()  # noqa: MA801  # error
""",
            fixed="""\
from sqlalchemy import text
from sqlalchemy.orm import Session


def users(db: Session):
    return db.scalars(text("SELECT name FROM users")).all()
""",
        ),
        Example(
            "a code that no rule has",
            """\
def total(numbers):
    return sum(numbers)  # noqa: E501, MA000 long  # error
""",
            fixed="""\
def total(numbers):
    return sum(numbers)  # noqa: E501 long
""",
        ),
        Example(
            "for a file that has nothing to ignore",
            """\
# migrate-async: ignore-file[MA801]  # error


def total(numbers):
    return sum(numbers)
""",
        ),
        Example(
            "it suppresses a finding",
            """\
from sqlalchemy.orm import Session


def users(db: Session):
    return db.query("users").all()  # noqa: MA801 the report needs Query
""",
        ),
        Example(
            "a code of another linter, and a bare comment",
            """\
import os  # noqa: F401
import sys  # noqa
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        modules = {module.path: module for module in view.modules}
        for path, unused in split(view.found, view.modules).unused.items():
            told = [(each, why) for each in unused if (why := self._reason(each, view))]
            for suppression, message in told:
                comment = suppression.comment
                codes = {each.code for each, _ in told if each.comment is comment}
                fix = self._fix(comment, codes, modules[path])
                yield self.finding(suppression.place, modules[path].body, message, fix=fix)

    def _reason(self, suppression: Suppression, view: View) -> str:
        """Why the suppression is unused; empty where nobody can tell, or it is not ours."""
        code = suppression.code
        if not code or code == self.CODE:
            return ""
        if code in view.ran:
            what = "in this file" if suppression.whole_file else "here"
            return f"`{code}` is suppressed, but finds nothing {what}"
        is_known = any(code == rule.CODE for rule in registry.rules())
        return "" if is_known else f"`{code}` is suppressed, but no rule has that code"

    def _fix(self, comment: s.Comment, codes: Collection[str], module: Module) -> Fix | None:
        """All unused codes of a comment go together.

        A comment alone on its line stays when it would be empty: no line may go.
        """
        left = without(comment, codes)
        if not left and not _has_code(module, comment.line):
            return None
        edit = ReplaceComment(span=comment.span, codemod=self.name(), code=left)
        listed = ", ".join(f"`{code}`" for code in sorted(codes))
        title = f"remove {listed}" if left else "remove the comment"
        return Fix(title, Applicability.SAFE.value, (edit,))


def _has_code(module: Module, line: int) -> bool:
    """Whether a statement starts, ends or goes on at `line`."""
    body = module.syntax.body
    return any(statement.line <= line <= statement.end_line for statement in body)
