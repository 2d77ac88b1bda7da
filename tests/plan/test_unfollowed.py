"""Methods that nobody is known to call, and calls of their names on something unknown."""

from __future__ import annotations

import pytest

from migrate_async.config import Settings
from migrate_async.model.plan import Step
from migrate_async.plan.planner import make_plan
from support.projects import project

APP = """
    from sqlalchemy import create_engine
    from sqlalchemy.orm import Session, sessionmaker
    from library import Client

    client = Client()
    SessionLocal = sessionmaker(bind=create_engine("sqlite://"))

    class Notices:
        def create(self, db: Session, text: str, *, urgent: bool = False):
            db.commit()

    class Names:
        @staticmethod
        def create():
            with SessionLocal() as db:
                db.commit()

        @hook
        def publish(self, db: Session):
            db.commit()

    class Anything:
        def create(self, db: Session, *rest, **more):
            db.commit()

    def send(text):
        {call}
"""


def verdict_of(call: str, method: str) -> tuple[str, str]:
    found = make_plan(project({"app.py": APP.replace("{call}", call)}), Step.ALL, Settings())
    decision = next(item for item in found.functions if item.function == f"app.{method}")
    return decision.verdict, decision.reasons[0].code


@pytest.mark.parametrize(
    "call",
    [
        "client.messages.create(body=text, to=7)",
        "client.messages.create(text)",
        "client.messages.create(text, 1, 2)",
        "client.messages.create(text, 1, wrong=2)",
        "client.messages.create(text, text=1, db=2)",
        "client.messages.create()",
    ],
)
def test_a_method_that_could_not_take_the_arguments_is_not_meant(call: str) -> None:
    assert verdict_of(call, "Notices.create") == ("convert", "session-operation")


@pytest.mark.parametrize(
    "call",
    [
        "client.notices.create(text, 1)",
        "client.notices.create(text, 1, urgent=True)",
        "client.notices.create(db=text, text=1)",
        "client.notices.create(*text)",
        "client.notices.create(**text)",
    ],
)
def test_a_method_that_takes_the_arguments_may_be_meant(call: str) -> None:
    assert verdict_of(call, "Notices.create") == ("keep", "called-by-name")


def test_what_takes_anything_may_be_meant() -> None:
    assert verdict_of("client.notices.create(text, 1, 2, body=3)", "Anything.create")[0] == "keep"


def test_a_static_method_takes_no_self() -> None:
    assert verdict_of("client.notices.create(text)", "Names.create")[0] == "convert"
    assert verdict_of("client.notices.create()", "Names.create")[0] == "keep"


def test_a_decorator_may_drop_arguments() -> None:
    assert verdict_of("client.hook.publish(db=1, more=2)", "Names.publish")[0] == "keep"
