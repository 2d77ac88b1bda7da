"""`relationship(lazy="dynamic")` and `lazy="noload"`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.knowledge.legacy_api import Change
from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Confidence, Finding

_RELATIONSHIPS = frozenset({"sqlalchemy.orm.relationship", "sqlalchemy.orm.backref"})
_NOLOAD = Change("`raiseload()`", "changelog_21: 11045", deprecated="2.1")


class DynamicRelationship(Rule):
    """A relationship loads with `lazy="dynamic"` or `lazy="noload"`.

    ## Why

    A dynamic relationship is a `Query`: each use of it runs SQL on the sync session, which in
    async code raises `MissingGreenlet`. SQLAlchemy 2.0 supersedes it with `write_only`. `noload`
    gives an empty collection for related rows that do exist, and is deprecated since 2.1.

    ## Fix

    `WriteOnlyMapped[...]` with `relationship(lazy="write_only")`, read with `item.select()`; or a
    plain relationship and `selectinload()`. For `noload`: `raise_on_sql`.

    ## False alarms

    None known. `noload` has medium confidence unless the setting `target-sqlalchemy` is 2.1.
    """

    CODE = "MA822"
    CONSEQUENCE = "reading the relationship raises MissingGreenlet in async code"
    REMEDY = 'use `lazy="write_only"`, or a plain relationship with `selectinload()`'
    PER_FILE = True
    EXAMPLES = (
        Example(
            "a dynamic relationship, and a backref that is one",
            """\
from sqlalchemy.orm import backref, relationship

items = relationship("Item", lazy="dynamic")  # error
notes = relationship("Note", backref=backref("user", lazy="dynamic"))  # error
empty = relationship("Other", lazy="noload")  # error: medium
""",
        ),
        Example(
            "strategies that stay",
            """\
from sqlalchemy.orm import relationship

items = relationship("Item", lazy="selectin")
notes = relationship("Note", lazy="write_only")
""",
        ),
        Example(
            "a relationship without a strategy",
            """\
from sqlalchemy.orm import relationship

items = relationship("Item")
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for use in patterns.uses(view, _RELATIONSHIPS):
            given = patterns.keyword(use.node, "lazy")
            if given is None or not isinstance(given.value, s.Constant):
                continue
            if given.value.value == "dynamic":
                message = "a dynamic relationship runs a legacy `Query` whenever it is used"
                yield self.finding(given, use.function, message, confidence=Confidence.HIGH)
            elif given.value.value == "noload":
                sure = patterns.confidence(view, _NOLOAD)
                message = f"`noload` hides related rows and {_NOLOAD.fate}"
                yield self.finding(given, use.function, message, confidence=sure)
