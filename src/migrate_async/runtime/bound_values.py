"""Types of columns whose values are changed on their way to the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Dialect
from sqlalchemy.types import TypeEngine

_Kind = TypeVar("_Kind", bound=TypeEngine[Any])


def before_driver(
    base: type[_Kind], prefix: str, convert: Callable[[_Kind, Any], Any]
) -> type[_Kind]:
    """`base`, of which `convert` changes what goes to the driver; its name begins with `prefix`.

    :param convert: gets the type of the column, and the value that `base` gives the driver.
    """

    def bind_processor(self: _Kind, dialect: Dialect) -> Callable[[Any], Any]:
        before = base.bind_processor(self, dialect)

        def process(value: Any) -> Any:
            return convert(self, before(value) if before is not None else value)

        return process

    return type(f"{prefix}{base.__name__}", (base,), {"bind_processor": bind_processor})


def before_type(base: type[_Kind], prefix: str, convert: Callable[[Any], Any]) -> type[_Kind]:
    """`base`, to which `convert` hands what the application gives; `prefix` begins its name."""

    def bind_processor(self: _Kind, dialect: Dialect) -> Callable[[Any], Any]:
        before = base.bind_processor(self, dialect)

        def process(value: Any) -> Any:
            given = convert(value)
            return before(given) if before is not None else given

        return process

    return type(f"{prefix}{base.__name__}", (base,), {"bind_processor": bind_processor})
