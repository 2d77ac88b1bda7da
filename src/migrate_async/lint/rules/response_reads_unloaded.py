"""`response_model=OrderOut` where the query did not load `Order.items`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.project import Model
from migrate_async.index.scopes import Class, Function, Scope
from migrate_async.index.types import Types
from migrate_async.knowledge.sqlalchemy import ON_ACCESS
from migrate_async.lint.hazards.passing import holds, passed
from migrate_async.lint.hazards.unloaded import ALL, UnloadedReads, loads_itself
from migrate_async.lint.rule import Example, Rule, place
from migrate_async.lint.view import View
from migrate_async.model import syntax as s
from migrate_async.model.finding import Finding
from migrate_async.plan.colouring.schemas import VALIDATORS, Schemas, classes_in
from migrate_async.plan.hazards.hits import short
from migrate_async.plan.loads.origins import Origin, Origins

_HEAD = """\
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.models import Order

app = FastAPI()


class ItemOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int


class OrderOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    items: list[ItemOut]


class OrderIn(BaseModel):
    id: int


"""
_MODELS = """\
# file: app/models.py
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    items: Mapped[list["Item"]] = relationship()


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
"""


class ResponseReadsUnloaded(Rule):
    """A response model reads a relationship that the query of an async route did not load.

    ## Why

    FastAPI fills a response model from the attributes of the object that the route returns. A
    relationship that is not loaded runs a query when it is read, and an async session cannot run
    one there: the response fails with `MissingGreenlet`, wrapped in a validation error.

    ## Fix

    Load the relationship with its object: `select(Order).options(selectinload(Order.items))`.

    ## False alarms

    The query has to be visible, in the route or (with medium confidence) in a function that it
    calls. A field that is filled from another attribute by an alias is not known to be.
    """

    CODE = "MA708"
    CONSEQUENCE = "the route fails with MissingGreenlet each time it finds something"
    REMEDY = "load it with `selectinload` in the query, or put `@lazy_response` above the route"
    EXAMPLES = (
        Example(
            "the route's response model, for one object and for many",
            _HEAD
            + """\
@app.get("/one", response_model=OrderOut)
async def one(db: AsyncSession, key: int):
    order = await db.get(Order, key)
    return order  # error


@app.get("/all")
async def all_orders(db: AsyncSession) -> list[OrderOut]:
    return (await db.scalars(select(Order))).all()  # error
"""
            + _MODELS,
        ),
        Example(
            "an explicit validation",
            _HEAD
            + """\
async def one(db: AsyncSession, key: int):
    order = await db.scalar(select(Order).where(Order.id == key))
    return OrderOut.model_validate(order)  # error
"""
            + _MODELS,
        ),
        Example(
            "a function that gets the object validates it",
            _HEAD
            + """\
def shown(order: Order) -> OrderOut:
    return OrderOut.model_validate(order)


async def show(db: AsyncSession, key: int):
    order = await db.get(Order, key)
    return shown(order)  # error
"""
            + _MODELS,
        ),
        Example(
            "the relationship is loaded",
            _HEAD
            + """\
@app.get("/one", response_model=OrderOut)
async def one(db: AsyncSession, key: int):
    return await db.get(Order, key, options=[selectinload(Order.items)])


@app.get("/two", response_model=OrderOut)
async def two(db: AsyncSession, key: int):
    order = await db.get(Order, key)
    await db.refresh(order, attribute_names=["items"])
    return order
"""
            + _MODELS,
        ),
        Example(
            "the response loads what it reads",
            "from migrate_async import lazy_response\n"
            + _HEAD
            + """\
@app.get("/one", response_model=OrderOut)
@lazy_response
async def one(db: AsyncSession, key: int):
    return await db.get(Order, key)
"""
            + _MODELS,
        ),
        Example(
            "the response model has no such field",
            _HEAD
            + """\
@app.get("/one", response_model=OrderIn)
async def one(db: AsyncSession, key: int):
    return await db.get(Order, key)
"""
            + _MODELS,
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.strict_coroutines:
            for value, scope, types in self._filled(view, function):
                origin = view.analysis(Origins).of(value, scope)
                if origin is not None:
                    yield from self._unloaded(view, function, value, types, origin)

    def _filled(self, view: View, function: Function) -> Iterator[tuple[s.Expr, Scope, Types]]:
        """Values that schemas are filled from, with the types of these schemas."""
        for types in view.analysis(_schemas).response_types(function):
            for value in function.returns:
                yield value, function.scope, types
        yield from _validated(view, function)
        for given in passed(view.project, function):
            for value, scope, types in _validated(view, given.helper):
                if holds(value, given.name, scope):
                    yield given.value, given.scope, types

    def _unloaded(
        self, view: View, function: Function, value: s.Expr, types: Types, origin: Origin
    ) -> Iterator[Finding]:
        scope = view.project.scope_of(value)
        held = {cls.qualname for cls in classes_in(view.project.infer(value, scope))}
        models = [model for name in sorted(held) if (model := view.project.models.get(name))]
        schemas = [cls for cls in classes_in(types) if view.analysis(_schemas).is_schema(cls)]
        if len(models) != 1 or len(schemas) != 1:
            return
        for schema, model, name in _reads(view, schemas[0], models[0], origin.loaded, set()):
            if loads_itself(function, name):
                continue
            yield self.finding(
                value,
                function,
                f"`{short(value)}`: {schema.name} reads `{model.cls.name}.{name}`, which was not "
                "loaded",
                confidence=view.analysis(UnloadedReads).confidence(origin, None, function),
                related=(place(origin.call, origin.function, "loaded here"),),
            )


def _reads(
    view: View, schema: Class, model: Model, loaded: frozenset[str], seen: set[Class]
) -> Iterator[tuple[Class, Model, str]]:
    """The relationships that filling `schema` reads although they are not loaded."""
    if schema in seen or ALL in loaded:
        return
    seen.add(schema)
    for name, types in view.analysis(_schemas).fields(schema).items():
        relationship = model.relationships.get(name)
        if relationship is None:
            continue
        if relationship.lazy in ON_ACCESS and name not in loaded:
            yield schema, model, name
            continue
        target = relationship.target
        related = view.project.models.get(target.qualname) if target is not None else None
        inner = [cls for cls in classes_in(types) if view.analysis(_schemas).is_schema(cls)]
        if related is not None and len(inner) == 1:
            yield from _reads(view, inner[0], related, loaded, seen)


def _validated(view: View, function: Function) -> Iterator[tuple[s.Expr, Scope, Types]]:
    """What `function` gives to `OrderOut.model_validate()` and the like."""
    for call in function.calls:
        func = call.node.func
        if isinstance(func, s.Attribute) and func.attr in VALIDATORS and call.node.args:
            yield call.node.args[0], call.scope, view.project.infer(func.value, call.scope)


def _schemas(view: View) -> Schemas:
    """What responses and validations fill from attributes."""
    return Schemas(view.project)
