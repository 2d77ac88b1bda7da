"""`functools.cached_property` for values that take an `await`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar, overload

_T = TypeVar("_T")


class awaitable_cached_property(Generic[_T]):  # noqa: N801 - named as what it takes the place of
    """A coroutine that runs once for each object, read as an attribute.

        class Orders:
            @awaitable_cached_property
            async def service(self) -> OrderService:
                return OrderService(self.db, await self.group)

        order = await (await orders.service).get(1)

    Each read gives something to await. The first `await` runs the coroutine; those after it get
    what that has returned, which is kept in the `__dict__` of the object, as `cached_property`
    keeps it. An exception is not kept. Two tasks that ask at the same time may both run it, and
    get the value that was there first.
    """

    def __init__(self, function: Callable[[Any], Awaitable[_T]]) -> None:
        self._function = function
        self._name = getattr(function, "__name__", "")
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> awaitable_cached_property[_T]: ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> Awaitable[_T]: ...
    def __get__(
        self, instance: object, owner: type | None = None
    ) -> awaitable_cached_property[_T] | Awaitable[_T]:
        return self if instance is None else self._value(instance)

    def __set__(self, instance: object, value: _T) -> None:
        """Let later reads give `value`; with this method, no read finds it without an `await`."""
        vars(instance)[self._name] = value

    async def _value(self, instance: object) -> _T:
        kept: dict[str, _T] = vars(instance)
        if self._name not in kept:
            kept.setdefault(self._name, await self._function(instance))
        return kept[self._name]
