"""Which functions convert, which stay, and the reason that is given."""

from __future__ import annotations

from collections.abc import Mapping

from migrate_async.config import Settings
from migrate_async.model.plan import DelegateCall, Plan, Step
from migrate_async.model.selection import Selection
from migrate_async.plan.planner import make_plan
from support.projects import project

DATABASE = """
    from sqlalchemy import create_engine
    from sqlalchemy.orm import declarative_base, sessionmaker

    engine = create_engine("sqlite:///app.db")
    SessionLocal = sessionmaker(bind=engine)
    Base = declarative_base()

    def get_db():
        db = SessionLocal()
        try:
            yield db
        finally:
            db.close()
"""

MODELS = """
    from sqlalchemy import Column, Integer, String
    from .database import Base

    class User(Base):
        __tablename__ = "users"
        id = Column(Integer, primary_key=True)
        name = Column(String)
"""


def plan(files: Mapping[str, str], selection: tuple[str, ...] = ()) -> Plan:
    app = {"app/__init__.py": "", "app/database.py": DATABASE, "app/models.py": MODELS, **files}
    return make_plan(project(app), Step.ALL, Settings(), Selection(paths=selection))


def verdicts(found: Plan) -> dict[str, str]:
    """Verdicts of all functions but those of the database module."""
    return {
        decision.function: decision.verdict
        for decision in found.functions
        if not decision.function.startswith("app.database.")
    }


def reason(found: Plan, function: str) -> str:
    decision = next(item for item in found.functions if item.function == function)
    return decision.reasons[0].code


def test_callers_of_a_coloured_function_are_coloured_through_modules() -> None:
    found = plan(
        {
            "app/crud.py": """
                from sqlalchemy.orm import Session

                def touch(db: Session):
                    db.commit()

                def between(db: Session):
                    return touch(db)
            """,
            "app/service.py": """
                from . import crud

                def outer(db):
                    return crud.between(db)

                def untouched():
                    return 1
            """,
        }
    )
    assert verdicts(found) == {
        "app.crud.touch": "convert",
        "app.crud.between": "convert",
        "app.service.outer": "convert",
    }


def test_a_chain_of_reasons_leads_down_to_the_operation() -> None:
    found = plan(
        {
            "app/crud.py": """
                def inner(db):
                    db.flush()

                def outer(db):
                    inner(db)
            """
        }
    )
    outer = next(item for item in found.functions if item.function == "app.crud.outer")
    assert [item.code for item in outer.reasons] == ["calls", "session-operation"]


def test_a_property_stays_and_so_does_what_it_calls() -> None:
    found = plan(
        {
            "app/crud.py": """
                from sqlalchemy.orm import object_session

                def count(db):
                    return db.execute("SELECT 1").scalar()

                class Thing:
                    @property
                    def size(self):
                        return count(object_session(self))
            """
        }
    )
    assert verdicts(found)["app.crud.Thing.size"] == "keep"
    assert reason(found, "app.crud.count") == "called-by-sync"


def test_a_call_in_a_generator_expression_cannot_be_awaited() -> None:
    found = plan(
        {
            "app/crud.py": """
                def one(db, number):
                    db.flush()
                    return number

                def total(db):
                    return sum(one(db, n) for n in range(3))
            """
        }
    )
    assert reason(found, "app.crud.total") == "no-await"
    assert verdicts(found)["app.crud.one"] == "keep"


def test_methods_that_share_self_db_convert_together_or_not_at_all() -> None:
    found = plan(
        {
            "app/service.py": """
                import functools
                from sqlalchemy.orm import Session

                class Service:
                    def __init__(self, db: Session):
                        self.db = db

                    def save(self):
                        self.db.commit()

                    @functools.lru_cache
                    def cached(self):
                        return self.db.execute("SELECT 1").scalar()
            """
        }
    )
    assert reason(found, "app.service.Service.cached") == "decorator"
    assert reason(found, "app.service.Service.save") == "shares-session"


def test_a_session_of_the_whole_process_is_not_given_to_tasks() -> None:
    found = plan(
        {
            "app/jobs.py": """
                from .database import SessionLocal

                db = SessionLocal()

                def run():
                    db.commit()
            """
        }
    )
    assert reason(found, "app.jobs.run") == "shared-session"


def test_a_session_passed_to_an_unknown_callee_is_left_alone() -> None:
    found = plan(
        {
            "app/jobs.py": """
                def run(db, helper):
                    helper.work(db)
                    db.commit()
            """
        }
    )
    assert reason(found, "app.jobs.run") == "unresolved"


def test_what_is_outside_the_selection_stays_and_keeps_its_callees() -> None:
    found = plan(
        {
            "app/shared.py": """
                def helper(db):
                    db.flush()
            """,
            "app/new.py": """
                from .shared import helper

                def route(db):
                    helper(db)
                    db.commit()
            """,
            "app/old.py": """
                from .shared import helper

                def route(db):
                    helper(db)
            """,
        },
        selection=("app/new.py", "app/shared.py"),
    )
    assert verdicts(found) == {
        "app.new.route": "convert",
        "app.old.route": "wait",
        "app.shared.helper": "bridge",
    }


def test_tests_that_only_send_requests_take_no_part() -> None:
    found = plan(
        {
            "app/main.py": """
                from fastapi import Depends, FastAPI
                from .database import get_db

                app = FastAPI()

                @app.get("/")
                def index(db=Depends(get_db)):
                    db.commit()
            """,
            "tests/test_app.py": """
                from sqlalchemy import create_engine
                from sqlalchemy.orm import sessionmaker
                from app.database import get_db
                from app.main import app

                Testing = sessionmaker(bind=create_engine("sqlite://"))

                def override():
                    db = Testing()
                    try:
                        yield db
                    finally:
                        db.close()

                app.dependency_overrides[get_db] = override
            """,
        }
    )
    assert verdicts(found) == {"app.main.index": "convert"}
    assert all(not file.path.startswith("tests/") for file in found.files)


def test_a_project_without_a_session_has_an_empty_plan() -> None:
    found = make_plan(project({"app.py": "def f():\n    return 1\n"}), Step.ALL, Settings())
    assert found.files == ()
    assert found.functions == ()


def test_who_reads_a_property_that_queries_stays_and_is_bridged() -> None:
    found = plan(
        {
            "app/crud.py": """
                from sqlalchemy.orm import Session, object_session
                from .models import User

                class Account(User):
                    @property
                    def size(self):
                        return object_session(self).query(User).count()

                def describe(account: Account):
                    return {"size": account.size}

                def show(db: Session):
                    return describe(db.get(Account, 1))
            """
        }
    )
    assert verdicts(found) == {
        "app.crud.Account.size": "keep",
        "app.crud.describe": "bridge",
        "app.crud.show": "convert",
    }
    assert reason(found, "app.crud.describe") == "property"


def test_a_function_inside_that_stays_sync_keeps_the_one_that_owns_its_session() -> None:
    found = plan(
        {
            "app/crud.py": """
                import re
                from sqlalchemy.orm import Session
                from .models import User

                def expand(db: Session, text):
                    return re.sub("[0-9]+", lambda match: db.get(User, match.group()).name, text)

                def outer(db: Session):
                    db.flush()
                    return expand(db, "1")

                def unused(db: Session):
                    return expand(db, "1")
            """
        }
    )
    assert reason(found, "app.crud.expand") == "shares-session"
    assert reason(found, "app.crud.unused") == "for-nothing"
    assert verdicts(found)["app.crud.outer"] == "convert"


def test_what_a_thread_runs_does_not_keep_who_starts_it() -> None:
    found = plan(
        {
            "app/crud.py": """
                from concurrent.futures import ThreadPoolExecutor
                from sqlalchemy.orm import Session
                from .database import SessionLocal
                from .models import User

                def check(number):
                    with SessionLocal() as db:
                        return db.get(User, number)

                def check_all(db: Session):
                    db.commit()
                    with ThreadPoolExecutor() as pool:
                        return list(pool.map(check, [1, 2]))
            """
        }
    )
    assert verdicts(found) == {"app.crud.check": "keep", "app.crud.check_all": "convert"}


def test_a_decorator_that_has_a_coroutine_function_already_is_no_obstacle() -> None:
    text = """
        from fastapi import Depends, FastAPI, Request
        from sqlalchemy.orm import Session
        from .database import get_db
        from .limits import limiter
        from .models import User

        app = FastAPI()

        @app.get("/now")
        @limiter.limit("1/s")
        async def now(request: Request, db: Session = Depends(get_db)):
            return db.get(User, 1)

        @app.get("/later")
        @limiter.limit("1/s")
        def later(request: Request, db: Session = Depends(get_db)):
            return db.get(User, 1)
    """
    found = plan({"app/main.py": text})
    assert verdicts(found) == {"app.main.now": "convert", "app.main.later": "keep"}


def test_the_limits_of_slowapi_await_what_they_limit() -> None:
    text = """
        from fastapi import Depends, FastAPI, Request
        from slowapi import Limiter
        from slowapi.util import get_remote_address
        from sqlalchemy.orm import Session
        from .database import get_db
        from .models import User

        limiter = Limiter(key_func=get_remote_address)
        app = FastAPI()

        @app.get("/later")
        @limiter.limit("1/s")
        def later(request: Request, db: Session = Depends(get_db)):
            return db.get(User, 1)
    """
    assert verdicts(plan({"app/main.py": text})) == {"app.main.later": "convert"}


def test_who_takes_a_session_from_an_object_lives_in_its_world() -> None:
    """FastAPI makes one `Paging` for both: `here` cannot have another session than `there`."""
    found = plan(
        {
            "app/routes.py": """
                from fastapi import APIRouter, Depends
                from sqlalchemy.orm import Session
                from .database import get_db
                from .models import User

                router = APIRouter()

                class Paging:
                    def __init__(self, limit: int = 10, db: Session = Depends(get_db)):
                        self.limit, self.db = limit, db

                @router.get("/here")
                def here(paging: Paging = Depends()):
                    return paging.db.query(User).limit(paging.limit).all()

                @router.get("/there")
                def there(paging: Paging = Depends()):
                    return sum(paging.db.query(User).count() for _ in range(3))
            """
        }
    )
    assert reason(found, "app.routes.there") == "no-await"
    assert reason(found, "app.routes.here") == "shares-session"


def test_a_query_in_a_generator_expression_cannot_be_awaited() -> None:
    found = plan(
        {
            "app/crud.py": """
                from sqlalchemy.orm import Session
                from .models import User

                def missing(db: Session, names):
                    return any(db.query(User).filter_by(name=n).count() == 0 for n in names)

                def listed(db: Session, names):
                    return [db.query(User).filter_by(name=n).count() for n in names]

                def joined(db: Session):
                    return ", ".join(user.name for user in db.query(User))
            """
        }
    )
    assert reason(found, "app.crud.missing") == "no-await"
    assert verdicts(found) == {
        "app.crud.missing": "keep",
        "app.crud.listed": "convert",
        "app.crud.joined": "convert",
    }


DECORATORS = """
    from functools import wraps
    from sqlalchemy.orm import Session
    from .models import User

    def transactional(function):
        @wraps(function)
        def wrapper(*args, **kwargs):
            db = kwargs.get("db") or args[0]
            result = function(*args, **kwargs)
            db.commit()
            return result
        return wrapper

    def committing(function):
        @wraps(function)
        def wrapper(db: Session, *args):
            result = function(db, *args)
            db.commit()
            return result
        return wrapper

    def logged(function):
        @wraps(function)
        def wrapper(*args):
            print(function.__name__)
            return function(*args)
        return wrapper

    @{decorator}
    def rename(db: Session, user: User, name: str):
        user.name = name

    def service(db: Session, name: str):
        user = db.query(User).first()
        rename(db, user, name)
"""


def test_a_function_has_the_colour_of_what_runs_in_its_place() -> None:
    """Its own text uses no session: without the wrapper's, its caller would not bridge it."""
    found = plan({"app/crud.py": DECORATORS.replace("{decorator}", "transactional")})
    assert reason(found, "app.crud.rename") == "called-by-sync"
    edits = [edit for file in found.files for edit in file.edits]
    assert any(isinstance(edit, DelegateCall) and edit.to == "db.run_sync" for edit in edits)


def test_a_wrapper_that_can_await_converts_with_what_it_wraps() -> None:
    found = plan({"app/crud.py": DECORATORS.replace("{decorator}", "committing")})
    assert verdicts(found) == {
        "app.crud.committing.wrapper": "convert",
        "app.crud.rename": "convert",
        "app.crud.service": "convert",
    }


def test_a_wrapper_without_a_session_colours_nothing() -> None:
    found = plan({"app/crud.py": DECORATORS.replace("{decorator}", "logged")})
    assert "app.crud.rename" not in verdicts(found)


TREE = """
    from sqlalchemy import Column, ForeignKey, Integer
    from sqlalchemy.orm import object_session, relationship
    from .database import Base

    class Node(Base):
        __tablename__ = "nodes"
        id = Column(Integer, primary_key=True)
        parent_id = Column(ForeignKey("nodes.id"))
        parent = relationship("Node", remote_side=[id], back_populates="children")
        children = relationship("Node", back_populates="parent")

        def depth(self):
            return 1 + self.parent.depth() if self.parent else 0

        @property
        def size(self):
            return 1 + sum(child.size for child in self.children)

        def is_leaf(self):
            return not self.children

        def siblings(self):
            return object_session(self).query(Node).filter_by(parent_id=self.parent_id).all()

    def root(node: Node):
        while node.parent is not None:
            node = node.parent
        return node
"""


def test_code_that_follows_a_tree_is_coloured() -> None:
    found = verdicts(plan({"app/tree.py": TREE}))
    assert found == {
        "app.tree.Node.depth": "convert",
        "app.tree.Node.size": "keep",
        "app.tree.Node.siblings": "convert",
        "app.tree.root": "convert",
    }


PROVIDERS = """
    from abc import ABC, abstractmethod

    class Provider(ABC):
        @abstractmethod
        def key(self, db, name):
            \"""The key of `name`.\"""

    class Stored(Provider):
        def key(self, db, name):
            return db.get(User, name)

    class Fixed(Provider):
        def key(self, db, name):
            return "fixed"
"""


def test_implementations_of_an_abstract_method_share_its_colour() -> None:
    """Nobody calls it through the abstract class here; other packages may."""
    found = plan(
        {
            "app/providers.py": "    from .models import User\n" + PROVIDERS,
            "app/service.py": """
                from .providers import Stored

                def show(db):
                    return Stored().key(db, "a")
            """,
        }
    )
    assert verdicts(found) == {
        "app.providers.Provider.key": "convert",
        "app.providers.Stored.key": "convert",
        "app.providers.Fixed.key": "convert",
        "app.service.show": "convert",
    }


def test_one_that_stays_sync_keeps_the_others() -> None:
    found = plan(
        {
            "app/providers.py": "    from .models import User\n" + PROVIDERS,
            "app/service.py": """
                from .providers import Fixed, Stored

                def show(db):
                    db.flush()
                    return Stored().key(db, "a")

                NAME = Fixed().key(None, "b")
            """,
        }
    )
    assert verdicts(found) == {
        "app.providers.Provider.key": "keep",
        "app.providers.Stored.key": "bridge",
        "app.providers.Fixed.key": "keep",
        "app.service.show": "convert",
    }
    assert reason(found, "app.providers.Provider.key") == "family-kept"


def test_a_selected_implementation_takes_the_others_along() -> None:
    files = {
        "app/providers.py": PROVIDERS.partition("    class Stored")[0],
        "app/stored.py": """
            from .models import User
            from .providers import Provider

            class Stored(Provider):
                def key(self, db, name):
                    return db.get(User, name)
        """,
        "app/fixed.py": """
            from .providers import Provider

            class Fixed(Provider):
                def key(self, db, name):
                    return "fixed"
        """,
        "app/other.py": "def other(db):\n    db.flush()\n",
    }
    assert verdicts(plan(files, ("app/stored.py",))) == {
        "app.fixed.Fixed.key": "convert",
        "app.providers.Provider.key": "convert",
        "app.stored.Stored.key": "convert",
        "app.other.other": "wait",
    }


def test_what_a_table_of_classes_gives_may_not_be_what_is_declared() -> None:
    found = plan(
        {
            "app/connectors.py": """
                from typing import Any, Dict
                from .models import User

                class Connector:
                    def test(self):
                        return True

                class Plain(Connector):
                    def test(self):
                        return False

                class Mail:
                    def __init__(self, db):
                        self.db = db

                    def test(self):
                        return self.db.query(User).count() == 1

                CONNECTORS: Dict[str, Any] = {"plain": Plain, "mail": Mail}

                def connector(kind: str, db) -> Connector:
                    return CONNECTORS[kind](db)

                def check(kind: str, db):
                    return connector(kind, db).test()
            """
        }
    )
    assert verdicts(found)["app.connectors.Mail.test"] == "convert"
    assert verdicts(found)["app.connectors.check"] == "convert"
    assert verdicts(found)["app.connectors.Connector.test"] == "convert"
