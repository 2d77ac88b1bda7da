"""Coroutines that have not migrated and share the session of code that has.

On the event loop a sync session cannot wait for an async driver, unless the coroutine runs in a
greenlet, as the functions do that are given to `AsyncSession.run_sync()`. `implicit_io` runs it
there: each query, flush and lazy load awaits implicitly (SQLAlchemy's term is implicit I/O), while
the event loop serves others. Of a route, the response is made there, too: what that reads loads.
Coroutines on one session take turns at it (`runtime.turns`).

A plain function becomes a coroutine function by it. That is for tests and fixtures that stay as
they are among fixtures that pytest-asyncio runs: what is async of what they are given comes to them
as its sync side (`runtime.sync_sides`).

It is for the time of a migration: each use is counted, and the first one warns.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Generator
from functools import partial, wraps
from typing import Any, TypeAlias, TypeVar, overload

from migrate_async.runtime.driven_routes import driven, mark_driven, with_globals_of
from migrate_async.runtime.frames import location_of
from migrate_async.runtime.legacy.bridge import run_awaiting
from migrate_async.runtime.legacy.deprecation import warn_legacy
from migrate_async.runtime.sync_sides import sync_side_of

_F = TypeVar("_F", bound=Callable[..., Any])
_Arguments: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]
_Given: TypeAlias = Callable[[tuple[Any, ...], dict[str, Any]], _Arguments]


@overload
def implicit_io(function: _F, /) -> _F: ...


@overload
def implicit_io(*, sync_sides: Collection[str]) -> Callable[[_F], _F]: ...


def implicit_io(
    function: _F | None = None, /, *, sync_sides: Collection[str] = ()
) -> _F | Callable[[_F], _F]:
    """Let a coroutine function, or an async generator function, use sync sessions as they are.

    The sessions are those that `HopSession` or `sync_side` make. What it starts with
    `asyncio.create_task` is not concerned; decorate that as well.

    Of a plain function or generator function it makes one of these, which gets sync sides: of an
    `AsyncSession`, an `AsyncEngine`, an `AsyncConnection` or an `async_sessionmaker` among its
    arguments, or in a tuple, list or dictionary among them.

    :param sync_sides: parameters by which a coroutine function gets sync sides, too.
    :raises TypeError: `function` is a class.
    """
    if function is None:
        return partial(_implicit, sync_sides=sync_sides)
    return _implicit(function, sync_sides)


def _implicit(function: _F, sync_sides: Collection[str]) -> _F:
    if inspect.isasyncgenfunction(function):
        made: Any = _generator(function, _some(function, sync_sides))
    elif inspect.iscoroutinefunction(function):
        made = _coroutine(function, _some(function, sync_sides))
    elif inspect.isgeneratorfunction(function):
        made = _plain_generator(function)
    elif isinstance(function, type):
        raise TypeError(f"{function.__qualname__} is no function")
    else:
        made = _plain(function)
    wrapper = wraps(function)(with_globals_of(function, made))
    mark_driven(wrapper)
    return wrapper  # type: ignore[return-value]


def _coroutine(
    function: Callable[..., Coroutine[Any, Any, Any]], given: _Given
) -> Callable[..., Any]:
    run, count = driven, _counter(function)

    async def implicit(*args: Any, **options: Any) -> Any:
        count()
        args, options = given(args, options)
        return await run(function(*args, **options))

    return implicit


def _generator(
    function: Callable[..., AsyncGenerator[Any, Any]], given: _Given
) -> Callable[..., Any]:
    run, count = driven, _counter(function)

    async def implicit(*args: Any, **options: Any) -> AsyncGenerator[Any, Any]:
        count()
        args, options = given(args, options)
        generator = function(*args, **options)
        step: Any = generator.__anext__()
        while True:
            try:
                item = await run(step)
            except StopAsyncIteration:
                return
            try:
                sent = yield item
            except GeneratorExit:
                await run(generator.aclose())
                raise
            except BaseException as error:  # noqa: BLE001  thrown into the generator
                step = generator.athrow(error)
            else:
                step = generator.asend(sent)

    return implicit


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    count, run, given = _counter(function), run_awaiting, _all

    async def implicit(*args: Any, **options: Any) -> Any:
        count()
        args, options = given(args, options)
        return await run(function, *args, **options)

    return implicit


def _plain_generator(function: Callable[..., Generator[Any, Any, Any]]) -> Callable[..., Any]:
    count, run, given, advance = _counter(function), run_awaiting, _all, _advance

    async def implicit(*args: Any, **options: Any) -> AsyncGenerator[Any, Any]:
        count()
        args, options = given(args, options)
        generator = function(*args, **options)
        step, value = generator.send, None
        while True:
            ended, item = await run(advance, step, value)
            if ended:
                return
            try:
                step, value = generator.send, (yield item)
            except GeneratorExit:
                await run(generator.close)
                raise
            except BaseException as error:  # noqa: BLE001  thrown into the generator
                step, value = generator.throw, error

    return implicit


def _advance(step: Callable[[Any], Any], value: Any) -> tuple[bool, Any]:
    """Whether a generator has ended, and else its next item.

    `StopIteration` itself cannot leave a coroutine.
    """
    try:
        return False, step(value)
    except StopIteration:
        return True, None


def _all(args: tuple[Any, ...], options: dict[str, Any]) -> _Arguments:
    """The arguments, with the sync sides of those that have one."""
    sides = {name: sync_side_of(value) for name, value in options.items()}
    return tuple(map(sync_side_of, args)), sides


def _some(function: Callable[..., Any], names: Collection[str]) -> _Given:
    """The same of the parameters `names` of `function`; others get what they are given."""
    if not names:
        return lambda args, options: (args, options)
    signature = inspect.signature(function)

    def given(args: tuple[Any, ...], options: dict[str, Any]) -> _Arguments:
        bound = signature.bind(*args, **options)
        for name in bound.arguments.keys() & names:
            bound.arguments[name] = sync_side_of(bound.arguments[name])
        return bound.args, bound.kwargs

    return given


def _counter(function: Callable[..., Any]) -> Callable[[], object]:
    where = location_of(function)
    return lambda: warn_legacy(
        f"implicit I/O in {function.__qualname__}", "`await` on an AsyncSession", where
    )
