"""What the planner decides where the models, the flow or the settings make the difference."""

from __future__ import annotations

import textwrap

import pytest

from migrate_async.config import Settings
from migrate_async.index.project import Function
from migrate_async.model.plan import ReplaceExpression
from migrate_async.plan.queries import plan_queries
from support import projects, query_cases

PREAMBLE = """\
from sqlalchemy import and_, func
from sqlalchemy.orm import Query, Session, aliased, joinedload, selectinload
from support.corpus_models import Address, Base, Item, Node, Order, OrderLine, User


"""


def _converted(body: str, *, signature: str = "db: Session", awaited: bool = False) -> str:
    """The lines of a function after conversion."""
    function = f"def case({signature}):\n" + textwrap.indent(body, "    ") + "\n"
    after = query_cases.convert(PREAMBLE + function, awaited=awaited)
    return textwrap.dedent(after.partition("):\n")[2]).strip()


PINNED = [
    "db.query(User).filter(User.id == 1).first()",
    "db.query(User).filter(1 == User.id).first()",
    "db.query(User).filter(User.active, User.id == x.id).first()",
    "db.query(User).filter(and_(User.id == 1, User.active)).first()",
    "db.query(User).filter((User.id == 1) & User.active).first()",
    "db.query(User).filter_by(id=x).first()",
    "db.query(User).filter(User.active).filter_by(email='x').first()",
    "db.query(User).filter(User.nickname == 'x').first()",
    "db.query(OrderLine).filter_by(order_id=1, item_id=2).first()",
    "db.query(Address).filter_by(street='x', city='y').first()",
    "db.query(User).options(selectinload(User.addresses)).filter(User.id == 1).first()",
    "db.query(User).filter(User.id == 1, User.addresses.any(Address.city == 'x')).first()",
    "db.query(User).filter(User.id == 1).order_by(User.name).first()",
]
NOT_PINNED = [
    "db.query(User).filter(User.id > 1).first()",
    "db.query(User).filter(User.name == 'x').first()",
    "db.query(User).filter((User.id == 1) | User.active).first()",
    "db.query(User).filter(~(User.id == 1)).first()",
    "db.query(User).filter(User.nickname == x).first()",
    "db.query(User).filter_by(nickname=None).first()",
    "db.query(User).filter(User.id == Address.user_id).first()",
    "db.query(User).filter(User.id == 1, Address.user_id == User.id).first()",
    "db.query(User).join(User.addresses).filter(User.id == 1).first()",
    "db.query(User).filter(User.id == 1).offset(1).first()",
    "db.query(OrderLine).filter_by(order_id=1).first()",
    "db.query(Node).join(Node.children).filter(Node.id == 1).first()",
    "db.query(User, Address).filter(User.id == 1).first()",
    "db.query(Node).filter(aliased(Node).id == 1).first()",
]


@pytest.mark.parametrize("chain", PINNED)
def test_criteria_that_name_one_row_need_no_limit(chain: str) -> None:
    assert ".scalar_one_or_none()" in _converted(f"return {chain}", signature="db: Session, x")


@pytest.mark.parametrize("chain", NOT_PINNED)
def test_other_criteria_keep_the_limit(chain: str) -> None:
    after = _converted(f"return {chain}", signature="db: Session, x")
    assert ".limit(1)" in after
    assert "one_or_none" not in after


@pytest.mark.parametrize(
    ("annotation", "is_pinned"),
    [("str", True), ("Optional[str]", False), ("str | None", False), ("Any", False)],
)
def test_an_annotation_says_whether_a_value_may_be_null(annotation: str, is_pinned: bool) -> None:
    """`nickname IS NULL` would find several rows."""
    body = "return db.query(User).filter(User.nickname == x).first()"
    after = _converted(body, signature=f"db: Session, x: {annotation}")
    assert ("scalar_one_or_none" in after) is is_pinned


UNIQUE = [
    "db.query(User).join(User.addresses)",
    "db.query(User).join(Address)",
    "db.query(Order)",
    "db.query(User).options(joinedload(User.orders))",
    "db.query(User).options(*x)",
    "db.query(User).filter(*x)",
    "db.query(User).filter(x)",
    "db.query(User).filter(Address.user_id == User.id)",
    "db.query(User).order_by(Address.city)",
    "db.query(User).select_from(Address).join(Address.user)",
    "db.query(User, Address.city).join(User.addresses)",
    "db.query(OrderLine).options(joinedload(OrderLine.order))",
]
NOT_UNIQUE = [
    "db.query(User)",
    "db.query(User).filter(User.active).order_by(User.id)",
    "db.query(User).filter(User.id == x, User.name.in_(x))",
    "db.query(User).filter(User.orders.any(Order.status == 'x'))",
    "db.query(User).options(selectinload(User.orders))",
    "db.query(Address).options(joinedload(Address.user))",
    "db.query(Address).join(Address.user)",
    "db.query(User, Address).join(User.addresses)",
    "db.query(User.id).join(User.addresses)",
    "db.query(func.count(User.id))",
    "db.query(User).join(User.addresses).yield_per(5)",
]


@pytest.mark.parametrize("chain", UNIQUE)
def test_rows_that_may_repeat_are_made_unique(chain: str) -> None:
    assert ".unique()" in _converted(f"return {chain}.all()", signature="db: Session, x")


@pytest.mark.parametrize("chain", NOT_UNIQUE)
def test_rows_that_cannot_repeat_are_not(chain: str) -> None:
    assert ".unique()" not in _converted(f"return {chain}.all()", signature="db: Session, x")


def test_result_gets_a_line_of_its_own() -> None:
    after = _converted("users = db.query(User).all()\nreturn users", awaited=True)
    assert after == (
        "result = await db.execute(select(User))\nusers = result.scalars().all()\nreturn users"
    )


def test_name_of_the_result_is_a_free_one() -> None:
    after = _converted("result = db.query(User).all()\nreturn result", awaited=True)
    assert after.startswith("result_2 = await db.execute(select(User))\nresult = result_2.scalars")


def test_inline_style() -> None:
    source = f"{PREAMBLE}def case(db: Session):\n    return db.query(User).all()\n"
    settings = Settings(style="inline")
    after = query_cases.convert(source, awaited=True, settings=settings)
    assert after.endswith("    return (await db.execute(select(User))).scalars().all()\n")


def test_streamed_rows_are_awaited_one_by_one() -> None:
    body = "for user in db.query(User).yield_per(9):\n    print(user)"
    assert _converted(body, awaited=True) == (
        "async for user in await db.stream_scalars(select(User).execution_options(yield_per=9)):\n"
        "    print(user)"
    )


def test_streaming_by_option() -> None:
    body = "return db.query(User.id).execution_options(stream_results=True).all()"
    assert _converted(body, awaited=True) == (
        "return await (\n"
        "    await db.stream(select(User.id).execution_options(stream_results=True))\n"
        ").all()"
    )


@pytest.mark.parametrize(
    ("target", "annotation"), [("2.0", "Select[tuple[User]]"), ("2.1", "Select[User]")]
)
def test_annotation_of_the_target_version(target: str, annotation: str) -> None:
    source = (
        f"{PREAMBLE}def base(db: Session) -> Query:\n    return db.query(User)\n\n\n"
        "def case(db: Session):\n    return base(db).all()\n"
    )
    settings = Settings(target_sqlalchemy=target)  # type: ignore[arg-type]
    after = query_cases.convert(source, settings=settings)
    assert f"def base(db: Session) -> {annotation}:" in after
    assert "Query" not in after


def test_session_of_a_helper_is_added_to_it_and_its_callers() -> None:
    source = (
        f"{PREAMBLE}def page(query: Query, size: int = 5):\n    return query.limit(size).all()\n"
        "\n\ndef case(session: Session):\n    return page(session.query(User), size=2)\n"
    )
    after = query_cases.convert(source)
    assert "def page(query: Select[tuple[User]], size: int = 5, *, db: Session):" in after
    assert "    return db.execute(query.limit(size)).scalars().all()" in after
    assert "    return page(select(User), size=2, db=session)" in after


def test_only_converted_functions_await() -> None:
    """Each function is asked for its own colour."""
    source = (
        f"{PREAMBLE}def one(db: Session):\n    return db.query(User).count()\n"
        "\n\ndef two(db: Session):\n    return db.query(User).count()\n"
    )
    project = query_cases.index(source)

    def awaited(function: Function) -> bool:
        return function.name == "two"

    found = plan_queries(project, Settings(), awaited)
    colours = {
        function.name: [edit.awaited for edit in item.edits]  # type: ignore[union-attr]
        for function, item in found.functions.items()
    }
    assert colours == {"one": [False], "two": [True]}


def test_chains_say_what_they_are() -> None:
    body = "query = db.query(User)\nif x: query = query.filter(User.active)\nreturn query.all()"
    source = f"{PREAMBLE}def case(db: Session, x):\n" + textwrap.indent(body, "    ")
    chains = query_cases.plan(query_cases.index(source)).chains
    assert [(chain.expression, chain.executes) for chain in chains] == [
        ("db.query(User)", False),
        ("query.filter(User.active)", False),
        ("query.all()", True),
    ]
    assert len({chain.group for chain in chains}) == 1


def test_awaited_and_plain_form_differ_in_colour_only() -> None:
    body = "return [db.query(User).get(id) for id in x]"
    assert _converted(body, signature="db: Session, x") == "return [db.get(User, id) for id in x]"
    assert (
        _converted(body, signature="db: Session, x", awaited=True)
        == "return [await db.get(User, id) for id in x]"
    )


def test_annotation_names_only_what_the_module_imports() -> None:
    """A helper in another module may get queries of a model that it has never heard of."""
    helper = """\
        from sqlalchemy.orm import Query

        def narrow(query: Query) -> Query:
            return query.limit(5)
        """
    source = f"{PREAMBLE}from helper import narrow\n\n"
    source += "def case(db: Session):\n    return narrow(db.query(User)).all()\n"
    files = {"support/corpus_models.py": query_cases.MODELS.read_text(encoding="utf-8")}
    inputs = {**files, "helper.py": helper, "cases.py": source}
    found = plan_queries(projects.project(inputs), Settings(), lambda _: False)
    edits = [
        edit
        for function, item in found.functions.items()
        for edit in item.edits
        if function.name == "narrow"
    ]
    codes = [edit.code for edit in edits if isinstance(edit, ReplaceExpression)]
    assert codes == ["Select", "Select"]
