"""A session goes into a call that nothing is known about."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding


class UnresolvedSessionCall(Rule):
    """A session is passed to a call that could not be resolved.

    ## Why

    Whatever is called may keep the session, close it or run blocking operations on it. The linter
    does not see it, so other rules say nothing about it: the absence of findings is no proof here.

    ## Fix

    Annotate the object whose method is called, or import the function where the linter finds it.

    ## False alarms

    The call may be perfectly right; the finding only says that nobody looked. It has low
    confidence always, and is shown with `--strict`.
    """

    CODE = "MA898"
    BEST = Confidence.LOW
    CONSEQUENCE = "leaks and blocking calls behind this call are not found"
    REMEDY = "annotate what is called, or import it from where it is defined"
    EXAMPLES = (
        Example(
            "a method of something unknown",
            """\
from sqlalchemy.orm import Session


def export(exporter, db: Session):
    exporter.run(db)  # error: low
""",
        ),
        Example(
            "a function of the project",
            """\
from sqlalchemy.orm import Session


def run(db: Session):
    db.commit()


def export(db: Session):
    run(db)
""",
        ),
        Example(
            "no session is passed",
            """\
def export(exporter, path):
    exporter.run(path)
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.functions:
            for site in view.project.calls(function):
                call = site.node
                if site.resolved or not isinstance(call, s.Call):
                    continue
                if not view.project.passes_session(site):
                    continue
                name = s.dotted_name(call.func) or "a call"
                message = f"`{name}` gets a session and could not be resolved"
                yield self.finding(call, function, message, confidence=Confidence.LOW)
