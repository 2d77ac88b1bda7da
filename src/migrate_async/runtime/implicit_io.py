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
from types import FunctionType
from typing import Any, TypeAlias, TypeVar, overload

from migrate_async.runtime.frames import location_of
from migrate_async.runtime.legacy.bridge import drive, run_awaiting
from migrate_async.runtime.legacy.deprecation import warn_legacy
from migrate_async.runtime.running import in_greenlet
from migrate_async.runtime.sync_sides import sync_side_of
from migrate_async.runtime.turns import Turns

_F = TypeVar("_F", bound=Callable[..., Any])
_Arguments: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]
_Given: TypeAlias = Callable[[tuple[Any, ...], dict[str, Any]], _Arguments]

_MARK = "__migrate_async_implicit_io__"
_hooked = False


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
    _hook_routes()
    wrapper = wraps(function)(_with_globals_of(function, made))
    setattr(wrapper, _MARK, True)
    return wrapper  # type: ignore[return-value]


def _coroutine(
    function: Callable[..., Coroutine[Any, Any, Any]], given: _Given
) -> Callable[..., Any]:
    driven, count = _driven, _counter(function)

    async def implicit(*args: Any, **options: Any) -> Any:
        count()
        args, options = given(args, options)
        return await driven(function(*args, **options))

    return implicit


def _generator(
    function: Callable[..., AsyncGenerator[Any, Any]], given: _Given
) -> Callable[..., Any]:
    driven, count = _driven, _counter(function)

    async def implicit(*args: Any, **options: Any) -> AsyncGenerator[Any, Any]:
        count()
        args, options = given(args, options)
        generator = function(*args, **options)
        step: Any = generator.__anext__()
        while True:
            try:
                item = await driven(step)
            except StopAsyncIteration:
                return
            try:
                sent = yield item
            except GeneratorExit:
                await driven(generator.aclose())
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


async def _driven(awaitable: Any) -> Any:
    return await (awaitable if in_greenlet() else drive(Turns(_awaiting(awaitable))))


async def _awaiting(awaitable: Any) -> Any:
    return await awaitable


def _counter(function: Callable[..., Any]) -> Callable[[], object]:
    where = location_of(function)
    return lambda: warn_legacy(
        f"implicit I/O in {function.__qualname__}", "`await` on an AsyncSession", where
    )


def _with_globals_of(function: Callable[..., Any], wrapper: Callable[..., Any]) -> FunctionType:
    """`wrapper` among the names of the module of `function`.

    FastAPI looks there for what annotations name that are strings.
    """
    assert isinstance(wrapper, FunctionType)  # noqa: S101  it was made above
    names = getattr(function, "__globals__", wrapper.__globals__)
    return FunctionType(
        wrapper.__code__, names, wrapper.__name__, wrapper.__defaults__, wrapper.__closure__
    )


# --- the response ------------------------------------------------------------------------------


def _hook_routes() -> None:
    """From now on, FastAPI also validates the responses of decorated routes in the greenlet."""
    global _hooked  # noqa: PLW0603
    if _hooked:
        return
    _hooked = True
    try:
        from fastapi.routing import APIRoute  # noqa: PLC0415
    except ImportError:
        return
    # Through `setattr`: a type checker rightly dislikes replacing methods.
    setattr(APIRoute, "get_route_handler", _driving(APIRoute.get_route_handler))  # noqa: B010


def _driving(make_handler: Callable[[Any], Callable[[Any], Coroutine[Any, Any, Any]]]) -> Any:
    @wraps(make_handler)
    def get_route_handler(route: Any) -> Any:
        handle = make_handler(route)
        if not getattr(route.endpoint, _MARK, False):
            return handle

        async def handler(request: Any) -> Any:
            return await _driven(handle(request))

        return handler

    return get_route_handler
