"""What a run is asked to migrate: routes, routers, modules, functions, paths, or everything."""

from __future__ import annotations

import msgspec


class Selection(msgspec.Struct, frozen=True):
    """Names as they were given on the command line; an empty selection means everything.

    `routes` are `GET /users/{id}`, or a path for all its methods; `routers` are variables
    (`app.routers.users.router`), modules that hold one, or prefixes (`/users`); `modules` are
    dotted names, each with its submodules; `functions` are qualified names. Any unambiguous end of
    a dotted name will do. `next` adds that many of the cheapest routes that are still sync, and
    `percent` as many as are that part of all routes, rounded up.
    """

    paths: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    routers: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    next: int = 0
    percent: int = 0

    @property
    def is_everything(self) -> bool:
        return not (self.is_by_name or self.paths)

    @property
    def is_by_name(self) -> bool:
        """Whether something other than paths is chosen."""
        named = self.routes or self.routers or self.modules or self.functions
        return bool(named or self.next or self.percent)


EVERYTHING = Selection()
