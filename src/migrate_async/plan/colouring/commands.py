"""Functions that a package installs as commands: the script that calls one does not await it.

[project.scripts]
shop-setup = "shop.setup:main"
"""

from __future__ import annotations

from collections.abc import Iterable

from migrate_async.index.scopes import Function
from migrate_async.model.plan import Reason


class Commands:
    """Answers for `names` as they are written there: `package.module:function`."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(name.partition("[")[0].strip().replace(":", ".") for name in names)

    def reason(self, function: Function) -> Reason | None:
        """Why `function` stays sync, if it is one."""
        node = function.node
        if node is None or function.is_async or not any(_names(n, function) for n in self._names):
            return None
        text = "it cannot be `async def`: it is a command, which the command line calls and does "
        return Reason("boundary", f"{text}not await", function.module.path, node.line)


def _names(name: str, function: Function) -> bool:
    """Whether `name` is that of `function`, whichever folder imports of it start from."""
    one, other = f".{name}", f".{function.qualname}"
    return one.endswith(other) or other.endswith(one)
