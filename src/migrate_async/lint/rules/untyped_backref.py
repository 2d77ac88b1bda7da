"""`relationship(backref=...)`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.lint import patterns
from migrate_async.lint.rule import Example, Rule, place
from migrate_async.lint.view import View
from migrate_async.model.finding import Finding

_RELATIONSHIPS = frozenset({"sqlalchemy.orm.relationship", "sqlalchemy.orm.relation"})


class UntypedBackref(Rule):
    """The other end of a relationship is made by `backref`, in no class body.

    ## Why

    The attribute that `backref` makes is written nowhere in its class: no type checker knows it,
    no search finds it, and nobody sees there that reading it runs a query, which in async code
    raises `MissingGreenlet`. SQLAlchemy 2.0 calls `backref` legacy.

    ## Fix

    Write both ends with `back_populates`, typed: `items: Mapped[list["Item"]] =
    relationship(back_populates="user")`. `migrate-async migrate --step models` does it.

    ## False alarms

    None known.
    """

    CODE = "MA813"
    CONSEQUENCE = "a lazy load that nobody sees in the code raises MissingGreenlet in async code"
    REMEDY = "run `migrate-async migrate --step models`, or write both ends with `back_populates`"
    PER_FILE = True
    EXAMPLES = (
        Example(
            "a backref by its name and as a call",
            """\
from sqlalchemy.orm import backref, relationship

from app.models import Base


class User(Base):
    __tablename__ = "users"

    items = relationship("Item", backref="user")  # error
    notes = relationship("Note", backref=backref("user", lazy="joined"))  # error
""",
        ),
        Example(
            "both ends written",
            """\
from sqlalchemy.orm import Mapped, relationship

from app.models import Base


class User(Base):
    __tablename__ = "users"

    items: Mapped[list["Item"]] = relationship(back_populates="user")
""",
        ),
        Example(
            "no backref",
            """\
from sqlalchemy.orm import relationship

items = relationship("Item", backref=None)
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for use in patterns.uses(view, _RELATIONSHIPS):
            given = patterns.keyword(use.node, "backref")
            if given is None or patterns.is_false(given.value):
                continue
            target = use.node.args[0] if use.node.args else use.node
            related = [place(target, use.function, "the class that gets the attribute")]
            message = "`backref` makes an attribute that its class does not show"
            yield self.finding(given, use.function, message, related=related)
