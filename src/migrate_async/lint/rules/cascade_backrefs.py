"""`cascade_backrefs=True`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.declarative import is_true
from migrate_async.knowledge.legacy_api import CASCADE_BACKREFS
from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model.finding import Confidence, Finding


class CascadeBackrefs(Rule):
    """A relationship asks for the cascade along backrefs that SQLAlchemy 2.0 removed.

    ## Why

    Before 2.0, `item.user = user` put `item` into the session of `user`. With 2.0 it does not;
    the argument that asks for the old behaviour raises when the mappers are configured.

    ## Fix

    Drop the argument, and `session.add()` each object that should be stored.

    ## False alarms

    `cascade_backrefs=False` is what 2.0 does, and left alone. A variable has medium
    confidence.
    """

    CODE = "MA814"
    CONSEQUENCE = "the mappers cannot be configured on 2.0; without it, objects are not stored"
    REMEDY = "drop the argument and add objects with `session.add()`"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "a relationship that asks for it",
            """\
from sqlalchemy.orm import backref, relationship

items = relationship("Item", back_populates="user", cascade_backrefs=True)  # error
notes = relationship("Note", backref=backref("user", cascade_backrefs=True))  # error
""",
        ),
        Example(
            "what 2.0 does anyway",
            """\
from sqlalchemy.orm import relationship

items = relationship("Item", back_populates="user", cascade_backrefs=False)
""",
        ),
        Example(
            "another cascade",
            """\
from sqlalchemy.orm import relationship

items = relationship("Item", back_populates="user", cascade="all, delete-orphan")
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for use, node, label, change in patterns.arguments(view, CASCADE_BACKREFS):
            sure = Confidence.HIGH if is_true(node.value) else Confidence.MEDIUM
            yield self.finding(node, use.function, f"{label} {change.fate}", confidence=sure)
