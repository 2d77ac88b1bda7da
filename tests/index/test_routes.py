"""Routes: paths, methods, response models, dependencies."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.index.routes import Route
from migrate_async.model import syntax as s
from support.projects import project

APP = {
    "app/__init__.py": "",
    "app/config.py": """
        class Settings:
            API: str = "/api/v1"
        settings = Settings()
    """,
    "app/deps.py": """
        from typing import Annotated
        from fastapi import Depends
        from sqlalchemy.orm import Session
        def get_db():
            yield Session()
        def get_user(db: Session = Depends(get_db)): ...
        def log(): ...
        def audit(): ...
        SessionDep = Annotated[Session, Depends(get_db)]
    """,
    "app/users.py": """
        from fastapi import APIRouter, Depends
        from app.deps import SessionDep, audit, get_user
        router = APIRouter(prefix="/users", dependencies=[Depends(audit)])
        @router.get("/{id}", response_model=int)
        def read(id: int, db: SessionDep, user=Depends(get_user)): ...
        @router.api_route("/any", methods=["put", "PATCH"])
        def change() -> str: ...
        @router.websocket("/ws")
        def socket(): ...
        def added(): ...
        router.add_api_route("/added", added, methods=["DELETE"])
        class Thing:
            def get(self, key): return lambda f: f
        thing = Thing()
        @thing.get("/no")
        def no_route(): ...
    """,
    "app/api.py": """
        from fastapi import APIRouter
        from app import users
        api = APIRouter()
        api.include_router(users.router, prefix="/v")
    """,
    "app/main.py": """
        from fastapi import Depends, FastAPI
        from app.api import api
        from app.config import settings
        from app.deps import log
        import app.users as u
        app = FastAPI()
        app.include_router(api, prefix=settings.API, dependencies=[Depends(log)])
        app.include_router(u.router, prefix=f"{settings.API}/{unknown.x}")
        @app.get("/")
        async def root(): ...
    """,
}


def route(found: Project, name: str) -> Route:
    (match,) = [item for item in found.routes if item.function.name == name]
    return match


def test_paths_join_all_prefixes_on_every_way_to_a_router() -> None:
    found = route(project(APP), "read")
    assert found.paths == ("/api/v1/v/users/{id}", "/api/v1/{unknown.x}/users/{id}")
    assert found.path == found.paths[0]


def test_methods() -> None:
    found = project(APP)
    assert route(found, "read").methods == ("GET",)
    assert route(found, "change").methods == ("PUT", "PATCH")
    assert route(found, "added").methods == ("DELETE",)
    assert route(found, "socket").methods == ("WEBSOCKET",)


def test_a_method_named_like_a_route_decorator_is_none() -> None:
    found = project(APP)
    assert {item.function.name for item in found.routes} == {
        "read",
        "change",
        "socket",
        "added",
        "root",
    }


def test_dependencies_of_app_router_and_parameters() -> None:
    names = [fn.name for fn in route(project(APP), "read").dependencies]
    assert names == ["log", "audit", "get_db", "get_user"]


def test_response_models_come_from_the_decorator_or_the_annotation() -> None:
    found = project(APP)
    read, change, root = (route(found, name).response_model for name in ("read", "change", "root"))
    assert isinstance(read, s.Name)
    assert read.id == "int"
    assert isinstance(change, s.Name)
    assert change.id == "str"
    assert root is None


def test_routers_that_the_index_cannot_see_are_guessed_from_the_path() -> None:
    found = project({"m.py": "router = make()\n@router.get('/x')\ndef f(): ..."})
    assert [item.path for item in found.routes] == ["/x"]


def test_routers_that_include_each_other_end() -> None:
    found = project(
        {
            "m.py": """
                from fastapi import APIRouter
                a = APIRouter(prefix="/a")
                b = APIRouter(prefix="/b")
                a.include_router(b)
                b.include_router(a)
                @a.get("/x")
                def f(): ...
            """
        }
    )
    assert route(found, "f").path.endswith("/a/x")
