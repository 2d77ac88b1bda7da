"""Functions that cannot, or cannot simply, become async."""

from __future__ import annotations

import pytest

from support.projects import project

PRELUDE = """
import click, threading, json, functools
from collections import UserDict
from celery import shared_task
from contextlib import contextmanager
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI
from pydantic import BaseModel, field_validator
from sqlalchemy import event
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.types import TypeDecorator
router = APIRouter()
app = FastAPI()
def wrap(function): return function
"""


def marked(code: str, name: str) -> tuple[str | None, tuple[str, ...]]:
    """Boundary and soft boundaries of one function."""
    found = project({"m.py": PRELUDE + code})
    (function,) = [fn for fn in found.functions if fn.name == name]
    return function.boundary, function.soft


@pytest.mark.parametrize(
    ("code", "name", "boundary"),
    [
        ("def f(): ...", "f", None),
        ("x = lambda: 1", "<lambda>", "lambda"),
        ("class A:\n    @property\n    def f(self): ...", "f", "property"),
        ("class A:\n    @functools.cached_property\n    def f(self): ...", "f", "property"),
        ("class A:\n    @hybrid_property\n    def f(self): ...", "f", "property"),
        ("class A:\n    def __init__(self): ...", "__init__", "init"),
        ("class A:\n    def __repr__(self): ...", "__repr__", "dunder"),
        ("class A:\n    def __call__(self): ...", "__call__", None),
        ("class A:\n    def __enter__(self): ...", "__enter__", None),
        ("@shared_task\ndef f(): ...", "f", "task"),
        ("@celery_app.task(bind=True)\ndef f(): ...", "f", "task"),
        ("@click.command()\ndef f(): ...", "f", "cli"),
        ("@cli.command()\ndef f(): ...", "f", "cli"),
        ("@event.listens_for(X, 'load')\ndef f(): ...", "f", "sqlalchemy-event"),
        (
            "class A(BaseModel):\n    @field_validator('x')\n    def f(cls, v): ...",
            "f",
            "validator",
        ),
        ("class A(threading.Thread):\n    def run(self): ...", "run", "override:threading.Thread"),
        ("class A(dict):\n    def get(self, k): ...", "get", "override:builtins.dict"),
        ("class A(threading.Thread):\n    def other(self): ...", "other", None),
        (
            "class A(TypeDecorator):\n    def process_bind_param(self, v, d): ...",
            "process_bind_param",
            "override:sqlalchemy.TypeDecorator",
        ),
        ("def f(): ...\nregister(f)", "f", "value:register"),
        ("def f(): ...\nTABLE = {'a': f}", "f", "value:value"),
        ("def f(): ...\nfrom anyio import to_thread\nto_thread.run_sync(f)", "f", "value:run_sync"),
        ("def f(db): ...\nasync def g(db): await db.run_sync(f)", "f", None),
        ("def f(): ...\ndef g(tasks: BackgroundTasks): tasks.add_task(f, 1)", "f", None),
        ("def f(): ...\ndef g(x=Depends(f)): ...", "f", None),
        ("def f(): ...\nrouter.add_api_route('/', f)", "f", None),
        ("def f(): ...\ndef g(): ...\napp.dependency_overrides[f] = g", "f", None),
        ("def f(): ...\ndef g(): ...\napp.dependency_overrides[f] = g", "g", None),
        ("@router.get('/')\ndef f(): ...", "f", None),
        ("@wrap\ndef f(): ...", "f", None),
    ],
)
def test_hard_boundaries(code: str, name: str, boundary: str | None) -> None:
    assert marked(code, name)[0] == boundary


def test_the_top_level_of_a_module_is_a_boundary() -> None:
    assert project({"m.py": ""}).modules["m"].body.boundary == "module-level"


@pytest.mark.parametrize(
    ("code", "soft"),
    [
        ("def f(): ...", ()),
        ("def f(): yield 1", ("generator",)),
        ("@contextmanager\ndef f(): yield 1", ("contextmanager",)),
        ("@functools.lru_cache\ndef f(): ...", ("cache:functools.lru_cache",)),
        ("@wrap\ndef f(): ...", ("decorator:m.wrap",)),
        ("@router.get('/')\ndef f(): ...", ()),
        ("@router.get('/')\n@wrap\ndef f(): ...", ("decorator:m.wrap",)),
        ("class A:\n    @staticmethod\n    def f(): ...", ()),
        ("@limiter.limit('1/s')\ndef f(): ...", ("decorator:limiter.limit",)),
    ],
)
def test_soft_boundaries(code: str, soft: tuple[str, ...]) -> None:
    assert marked(code, "f")[1] == soft


def test_decorators_are_canonical_names() -> None:
    found = project({"m.py": PRELUDE + "@router.get('/')\n@wrap\n@unknown.thing\ndef f(): ..."})
    function = found.function("m.f")
    assert function is not None
    assert function.decorators == ("fastapi.APIRouter.get", "m.wrap", "unknown.thing")
    assert function.is_route
