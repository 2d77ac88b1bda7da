"""What has no faithful translation stays as it is, and is reported with its code."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from migrate_async.config import Settings
from migrate_async.knowledge import query_refusals
from migrate_async.knowledge.query_refusals import Refusal
from migrate_async.plan.queries import QueryPlan
from support import query_cases

PREAMBLE = """\
from fastapi_pagination.ext.sqlalchemy import paginate
from sqlalchemy import bindparam, desc, event, func, text
from sqlalchemy.orm import Query, Session, aliased, lazyload, relationship, sessionmaker
from support.corpus_models import Address, Document, Node, Order, User
"""

CASES = [
    # --- members without a counterpart
    ("MA101", "db.query(User).enable_eagerloads(False).all()"),
    ("MA101", "db.query(User).enable_assertions(False).all()"),
    ("MA101", "db.query(User).join(User.addresses).reset_joinpoint().filter_by(name='a').all()"),
    ("MA101", "db.query(User).with_transformation(f).all()"),
    ("MA101", "db.query(User).with_session(db).all()"),
    ("MA101", "db.query(User).from_self().all()"),
    ("MA101", "db.query(User).is_single_entity"),
    ("MA101", "db.query(User).session"),
    ("MA101", "list(db.query(User).instances(cursor))"),
    ("MA101", "db.query(User).merge_result(rows)"),
    ("MA101", "db.query(User).dispatch"),
    ("MA101", "db.query(User).join('addresses').all()"),
    ("MA101", "db.query(User).join((Address, User.id == Address.user_id)).all()"),
    ("MA101", "db.query(Node).join(Node.children, aliased=True).all()"),
    ("MA102", "db.query(User).paginate(page=1)"),
    ("MA102", "db.query(User).get_or_404(1)"),
    # --- what is selected
    ("MA103", "db.query(*columns).all()"),
    ("MA103", "db.query(unknown).all()"),
    ("MA103", "db.query(unknown).first()"),
    ("MA103", "db.query(User.id).get(1)"),
    ("MA103", "db.query(User, Address).delete()"),
    ("MA103", "db.query(User, Address).union(db.query(User, Address)).all()"),
    ("MA110", "q = db.query(User)\nif f: q = q.add_columns(User.id)\nq.all()"),
    ("MA110", "q = db.query(User) if f else db.query(User.id)\nq.all()"),
    # --- order of calls
    ("MA104", "db.query(User).limit(1).filter(User.active).all()"),
    ("MA104", "db.query(User).offset(1).filter_by(name='a').all()"),
    ("MA104", "db.query(User).slice(1, 2).order_by(User.id).all()"),
    ("MA104", "q = db.query(User)\nif f: q = q.limit(1)\nq.join(User.addresses).all()"),
    ("MA105", "db.query(User).union(db.query(User)).filter(User.active).all()"),
    ("MA105", "db.query(User).union(db.query(User)).order_by(User.id).all()"),
    ("MA105", "db.query(User).union(db.query(User)).union(db.query(User)).all()"),
    ("MA106", "db.query(User).limit(1).delete()"),
    ("MA106", "db.query(User).order_by(User.id).update({'age': 1})"),
    ("MA106", "db.query(User).join(User.addresses).delete()"),
    ("MA106", "db.query(User).options(lazyload('*')).delete()"),
    ("MA106", "db.query(User).filter(User.id == bindparam('x')).params(values).delete()"),
    ("MA106", "q = db.query(User).execution_options(a=1)\nq.update({'age': 1})"),
    ("MA107", "db.query(User).update({'age': 1}, update_args=values)"),
    ("MA115", "db.query(User).filter(User.active).get(1)"),
    ("MA115", "q = db.query(User).options(lazyload('*'))\nq.get(1)"),
    ("MA123", "db.query(User).from_statement(text('x')).limit(1).all()"),
    ("MA123", "db.query(User).filter(User.active).from_statement(text('x')).all()"),
    ("MA123", "db.query(User).from_statement(text('x')).count()"),
    ("MA124", "q = db.query(User)\nif f: q = q.filter(User.active)\nq.delete()"),
    ("MA126", "db.query(User.id).select_from(User).select_from(Address).all()"),
    # --- pages
    ("MA128", "paginate(db.query(User).populate_existing())"),
    # --- where a query goes
    ("MA107", "f(db.query(User))"),
    ("MA107", "rows = [db.query(User)]"),
    ("MA107", "rows = {'q': db.query(User)}"),
    ("MA107", "self.query = db.query(User)"),
    ("MA107", "values['q'] = db.query(User)"),
    ("MA107", "run = db.query(User).all"),
    ("MA107", "lambda: db.query(User)"),
    ("MA107", "global kept\nkept = db.query(User)"),
    ("MA107", "q = db.query(User) if f else f.other\nq.all()"),
    ("MA107", "q = db.query(User)\nif f: q = f()\nq.all()"),
    ("MA107", "yield db.query(User)"),
    ("MA107", "isinstance(db.query(User), Query)"),
    ("MA107", "return [db.query(X) for X in (User, Address)]"),
    ("MA107", "db.query(User) + 1"),
    ("MA107", "db.query(User).subquery(with_labels=f)"),
    ("MA109", "if db.query(User): f()"),
    ("MA109", "if f and not db.query(User): f()"),
    ("MA109", "q = db.query(User) or f"),
    ("MA109", "q = db.query(User)\nf(q and q.all())"),
    # --- subscripts
    ("MA111", "db.query(User)[-1]"),
    ("MA111", "db.query(User)[-3:]"),
    ("MA111", "db.query(User)[:-1]"),
    ("MA111", "db.query(User)[3:1]"),
    ("MA111", "db.query(User).limit(5)[f()]"),
    # --- names of columns
    ("MA112", "[row._asdict() for row in db.query(func.count(User.id))]"),
    ("MA112", "db.query(User.id, Address.id).first()._mapping"),
    ("MA113", "db.query(User).order_by(desc('users_name')).all()"),
    ("MA116", "db.query(Address).with_parent(user).all()"),
    ("MA116", "db.query(Address).with_parent(user, 'addresses').all()"),
]


def _module(body: str, head: str = PREAMBLE) -> str:
    function = "def case(db: Session, self, f, unknown, columns, values, user, rows, cursor):\n"
    return head + "\n\n" + function + textwrap.indent(body, "    ") + "\n"


def _codes(found: QueryPlan) -> set[str]:
    return {item.code for items in found.diagnostics.values() for item in items}


@pytest.mark.parametrize(("code", "body"), CASES, ids=[f"{code} {body}" for code, body in CASES])
def test_chain_is_left_and_reported(code: str, body: str) -> None:
    """The text is unchanged, and the code says why."""
    source = _module(body)
    found = query_cases.plan(query_cases.index(source))
    assert code in _codes(found)
    assert {chain.state for chain in found.chains} >= {"leave"}
    assert query_cases.convert(source).count("db.query") == source.count("db.query") or (
        len({chain.group for chain in found.chains}) > 1
    )


@pytest.mark.parametrize(
    "hook",
    [
        "Local = sessionmaker(query_cls=object)",
        "@event.listens_for(Query, 'before_compile', retval=True)\ndef hide(query): ...",
    ],
)
def test_queries_that_are_no_plain_ones_are_left(hook: str) -> None:
    """A `query_cls` or a compile event changes what every query means."""
    source = _module("return db.query(User).all()", f"{PREAMBLE}\n{hook}\n")
    found = query_cases.plan(query_cases.index(source))
    assert [chain.code for chain in found.chains] == ["MA117"]
    assert query_cases.convert(source) == source


REGISTRY = """
class M(Base):
    __tablename__ = "m"
    id = Column(Integer, primary_key=True)

def case():
    return M.query.filter_by(id=1).first()
"""
DYNAMIC = """
class Parent(Base):
    __tablename__ = "p"
    id = Column(Integer, primary_key=True)
    kids = relationship("Parent", lazy="dynamic")

def case(parent: Parent):
    return parent.kids.filter_by(id=1).all()
"""
ENGINE = """
engine = create_engine("x")

def case():
    return engine.execute("SELECT 1")
"""


FILTERS = """
from fastapi_filter.contrib.sqlalchemy import Filter

class UserFilter(Filter):
    name: str

def case(f: UserFilter, g: Filter, db: Session):
    return %s
"""


@pytest.mark.parametrize(
    "body",
    [
        "f.sort(f.filter(db.query(User))).all()",
        "g.filter(db.query(User)).all()",
        "f.union(db.query(User.id), 1)",
    ],
)
def test_methods_of_other_libraries_are_none_of_a_statement(body: str) -> None:
    """Whatever their names are."""
    source = f"{PREAMBLE}{FILTERS % body}"
    found = query_cases.plan(query_cases.index(source))
    assert _codes(found) == {"MA107"}
    assert query_cases.convert(source) == source


DYNAMIC_READS = [
    "return list(parent.kids)",
    "return [kid.id for kid in parent.kids]",
    "for kid in parent.kids:\n        print(kid)",
    "kids = parent.kids\n    return kids.count()",
    "return parent.kids",
    "if parent.kids:\n        return 1",
    "parent.kids = []",
    "return {'kids': parent.kids}",
    "return parent.kids[0]",
]


def _of_parent(body: str) -> str:
    source = DYNAMIC.replace("return parent.kids.filter_by(id=1).all()", body)
    head = "from sqlalchemy import Column, Integer, create_engine\n"
    return f"{head}{PREAMBLE}from support.corpus_models import Base\n{source}"


@pytest.mark.parametrize("body", DYNAMIC_READS)
def test_a_dynamic_relationship_is_a_query_wherever_it_is_read(body: str) -> None:
    """Its function is left as a whole: the object may be a new one, which no query is about."""
    source = _of_parent(body)
    found = query_cases.plan(query_cases.index(source))
    assert "MA120" in _codes(found)
    assert {chain.state for chain in found.chains} == {"leave"}
    assert query_cases.convert(source) == source


@pytest.mark.parametrize("body", ["return list(parent.kids)", "return parent.kids[-1]"])
def test_one_message_says_that_it_is_left(body: str) -> None:
    assert _codes(query_cases.plan(query_cases.index(_of_parent(body)))) == {"MA120"}


@pytest.mark.parametrize("change", ["append(parent)", "remove(parent)"])
def test_a_change_of_a_dynamic_relationship_reads_nothing(change: str) -> None:
    found = query_cases.plan(query_cases.index(_of_parent(f"parent.kids.{change}")))
    assert not _codes(found)
    assert not found.chains


@pytest.mark.parametrize(
    ("code", "source"),
    [
        pytest.param("MA117", "class Soft(Query):\n    pass\n", id="subclass"),
        pytest.param("MA117", _module("Query(User, db).all()", ""), id="constructor"),
        pytest.param("MA121", REGISTRY, id="registry"),
        pytest.param("MA120", DYNAMIC.replace(".filter_by(id=1)", ""), id="dynamic"),
        pytest.param("MA119", ENGINE, id="engine"),
        pytest.param("MA122", _module("db.execute('SELECT %s', (1,))", ""), id="driver"),
        pytest.param("MA122", _module("db.execute(text('x'), {'a': 1}, {'a': 2})", ""), id="many"),
    ],
)
def test_what_is_no_chain_is_reported(code: str, source: str) -> None:
    """Code that depends on `Query` or on 1.x execution gets a diagnostic with its place."""
    head = "from sqlalchemy import Column, Integer, create_engine\n"
    source = f"{head}{PREAMBLE}from support.corpus_models import Base\n{source}"
    found = query_cases.plan(query_cases.index(source))
    assert code in _codes(found)
    assert query_cases.convert(source) == source


def test_session_out_of_reach() -> None:
    """A helper that opens its own session gives a query that nobody else can execute."""
    source = PREAMBLE + textwrap.dedent(
        """
        Local = sessionmaker()

        def base():
            session = Local()
            return session.query(User)

        def case():
            return base().all()
        """
    )
    found = query_cases.plan(query_cases.index(source))
    assert "MA108" in _codes(found)
    assert query_cases.convert(source) == source


def test_entity_without_a_name() -> None:
    """A bulk statement needs the entity, which the module does not import."""
    source = _module("return base(db).delete()", "from sqlalchemy.orm import Session\n")
    source = source.replace("\n\ndef", "\nfrom helper import base\n\n\ndef", 1)
    models = query_cases.module_input(
        "support/corpus_models.py", query_cases.MODELS.read_text(encoding="utf-8")
    )
    helper = query_cases.module_input(
        "helper.py", f"{PREAMBLE}\ndef base(db: Session):\n    return db.query(User)\n"
    )
    project = query_cases.build([models, helper, query_cases.module_input("cases.py", source)])
    assert "MA125" in _codes(query_cases.plan(project))


def test_filter_by_of_an_unknown_target() -> None:
    """On 2.1 `filter_by()` looks in all sources; on 2.0 it looks where `Query` looks."""
    source = _module(
        "part = db.query(Address).subquery()\n"
        "return db.query(User).join(part, part.c.user_id == User.id).filter_by(city='x').all()"
    )
    project = query_cases.index(source)
    strict = query_cases.plan(project, settings=Settings(target_sqlalchemy="2.1"))
    assert "MA114" in _codes(strict)
    assert "MA114" not in _codes(query_cases.plan(project))


def test_await_in_a_generator_expression() -> None:
    """It would make the generator an asynchronous one."""
    source = _module("return sum(db.query(User).get(id).age for id in rows)")
    project = query_cases.index(source)
    assert "MA127" in _codes(query_cases.plan(project, awaited=True))
    assert _codes(query_cases.plan(project)) == set()


def test_pieces_of_one_query_stay_together() -> None:
    """One use that cannot be translated keeps the others, and says where it is."""
    source = _module("q = db.query(User)\na = q.count()\nf(q)\nb = db.query(User).count()")
    found = query_cases.plan(query_cases.index(source))
    assert [chain.state for chain in found.chains] == ["leave", "leave", "translate"]
    notes = [item for items in found.diagnostics.values() for item in items]
    connected = next(item for item in notes if item.code == "MA100")
    assert "cases.py:10" in connected.message


def test_translated_with_a_note() -> None:
    """Slices with variables, the text of a statement and its truth are translated and noted."""
    code = "rows = db.query(User)[f.a:f.b]\nprint(db.query(User))\nq = db.query(User)\nif q: f()"
    found = query_cases.plan(query_cases.index(_module(code)))
    assert _codes(found) == {"MA180", "MA181", "MA182"}
    assert {chain.state for chain in found.chains} == {"translate"}


def test_every_code_is_tested() -> None:
    """No refusal is in the catalogue without a test above."""
    known = {value.code for value in vars(query_refusals).values() if isinstance(value, Refusal)}
    text = Path(__file__).read_text(encoding="utf-8")
    assert {code for code in known if f'"{code}"' not in text} == set()
