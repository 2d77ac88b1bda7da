"""Paths of attributes that have to be loaded: from an object on to what hangs on it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import TypeAlias

import msgspec

from migrate_async.index.project import Relationship
from migrate_async.index.scopes import Class
from migrate_async.knowledge.sqlalchemy import EAGER, ON_ACCESS
from migrate_async.model import syntax as s


class Step(msgspec.Struct, frozen=True, cache_hash=True):
    """Reading `name` of a `model` object; `relationship` is None for a deferred column.

    It is also None for an SQL expression, which is loaded with the object but `expires` with each
    flush of it, and for a column that is `left_out` by a query. The code may see the object as one
    of a base class or mixin that lacks the attribute, `seen_as`: it may be one of another subclass.
    """

    model: Class
    name: str
    relationship: Relationship | None = None
    expires: bool = False
    left_out: bool = False
    seen_as: Class | None = None

    @property
    def target(self) -> Class | None:
        """The class of what is read; None for columns and unknown classes."""
        return self.relationship.target if self.relationship is not None else None

    @property
    def certain(self) -> Step:
        """The same, of an object that is known to have it."""
        return msgspec.structs.replace(self, seen_as=None) if self.seen_as is not None else self

    @property
    def is_many(self) -> bool:
        return self.relationship is not None and self.relationship.uselist is not False

    @property
    def is_lazy(self) -> bool:
        """Whether reading it runs SQL if no query has loaded it."""
        return self.relationship is None or self.relationship.lazy in ON_ACCESS

    @property
    def loads(self) -> bool:
        """Whether `await obj.awaitable_attrs.name` gives what the read gives."""
        return self.is_lazy or (self.relationship is not None and self.relationship.lazy in EAGER)

    @property
    def is_iterable(self) -> bool:
        """Whether iterating over what is read gives the related objects."""
        if self.relationship is None:
            return False
        given = next(
            (k.value for k in self.relationship.node.keywords if k.arg == "collection_class"), None
        )
        return given is None or s.dotted_name(given) in ("list", "set")

    @property
    def turns(self) -> bool:
        """Whether it leads to objects of the same class, which can be followed one by one."""
        return self.target is self.model and (self.is_iterable or not self.is_many)


Path: TypeAlias = tuple[Step, ...]


def needed(path: Path) -> Path:
    """`path` up to the last attribute that nothing but a read or an option loads."""
    end = max((number for number, step in enumerate(path, 1) if step.is_lazy), default=0)
    return path[:end]


def text(path: Path) -> str:
    """`Order.items.product`."""
    return ".".join([path[0].model.name, *(step.name for step in path)])


def names(path: Path) -> tuple[str, ...]:
    return tuple(step.name for step in path)


def longest(paths: Iterable[Path]) -> list[Path]:
    """`paths` without those that lead on to another one, in a stable order."""
    unique = dict.fromkeys(paths)
    prefixes = {path[:end] for path in unique for end in range(len(path))}
    return sorted((path for path in unique if path not in prefixes), key=names)


LOADERS = ("defaultload", "selectinload", "undefer")


def loaders(path: Path, loaded: Container[tuple[str, ...]]) -> Iterator[str]:
    """The loader for each step of `path`.

    `defaultload` only leads on: the mapping, or an option in `loaded`, says how that is loaded,
    and a second strategy for it would be an error.
    """
    for end, step in enumerate(path, 1):
        if step.relationship is None:
            yield "undefer"
        else:
            leads_on = end < len(path) and (not step.is_lazy or names(path[:end]) in loaded)
            yield "defaultload" if leads_on else "selectinload"


def option(
    path: Path,
    loaded: Container[tuple[str, ...]],
    name_of: Callable[[Class], str],
    loader: Mapping[str, str],
) -> str:
    """`selectinload(Order.items).selectinload(Item.product)`, for a query that loads `loaded`.

    `loader` maps each of `LOADERS` to what the module calls it.
    """
    written = ""
    for step, kind in zip(path, loaders(path, loaded), strict=True):
        head = f"{written}.{kind}" if written else loader[kind]
        written = f"{head}({name_of(step.model)}.{step.name})"
    return written


Tree: TypeAlias = "dict[str, tuple[Step, Tree]]"


def tree(paths: Iterable[Path]) -> Tree:
    """The paths as a tree of attribute names; models that share a name share the branch."""
    root: Tree = {}
    for path in sorted(paths, key=names):
        current = root
        for step in path:
            current = current.setdefault(step.name, (step, {}))[1]
    return root


def awaiting(
    owner: str, below: Tree, fresh: Callable[[str], str], endless: Container[Step] = ()
) -> Iterator[str]:
    """Lines that await the attributes in `below` of the object named `owner`, one by one.

    `fresh` gives a name that the function does not use yet; `endless` are relationships of objects
    to their own kind that are followed as far as they lead.
    """
    turn = next((step for step, _ in below.values() if step.certain in endless), None)
    if turn is not None:
        own = {name: item for name, item in below.items() if _is_like(item[0], turn)}
        yield from _if_there(owner, turn, _following(owner, turn, own, fresh, endless))
        below = {name: item for name, item in below.items() if name not in own}
    for step, inner in below.values():
        yield from _if_there(owner, step, _awaiting_one(owner, step, inner, fresh, endless))


def _is_like(step: Step, turn: Step) -> bool:
    """Whether all objects that `turn` leads to have what `step` reads."""
    return step.seen_as is None or step.model is turn.model


def _if_there(owner: str, step: Step, lines: Iterable[str]) -> Iterator[str]:
    """`lines`, where the object named `owner` has what `step` reads."""
    if step.seen_as is None:
        yield from lines
    else:
        yield f'if hasattr(type({owner}), "{step.name}"):'
        yield from indented(lines)


def _awaiting_one(
    owner: str, step: Step, inner: Tree, fresh: Callable[[str], str], endless: Container[Step]
) -> Iterator[str]:
    value = f"await {owner}.awaitable_attrs.{step.name}"
    if not inner:
        yield value
    elif step.is_many:
        item = fresh(singular(step.name))
        yield f"for {item} in {value}:"
        yield from indented(awaiting(item, inner, fresh, endless))
    else:
        name = fresh(step.name)
        yield f"{name} = {value}"
        yield f"if {name} is not None:"
        yield from indented(awaiting(name, inner, fresh, endless))


def _following(
    owner: str, turn: Step, below: Tree, fresh: Callable[[str], str], endless: Container[Step]
) -> Iterator[str]:
    """`turn` of the object named `owner`, of what that gives, and so on, with what else is read."""
    others = {
        name: (step.certain, inner) for name, (step, inner) in below.items() if step is not turn
    }
    if turn.is_many:
        pending, one = fresh("pending"), fresh(singular(turn.name))
        yield f"{pending} = [{owner}]"
        yield f"while {pending}:"
        lines = [f"{one} = {pending}.pop()", *awaiting(one, others, fresh, endless)]
        lines.append(f"{pending}.extend(await {one}.awaitable_attrs.{turn.name})")
    else:
        one = fresh(turn.name)
        yield f"{one} = {owner}"
        yield f"while {one} is not None:"
        lines = list(awaiting(one, others, fresh, endless))
        lines.append(f"{one} = await {one}.awaitable_attrs.{turn.name}")
    yield from indented(lines)


def indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)


def singular(name: str) -> str:
    """A name for one of `name`."""
    if name.endswith("children"):
        return name.removesuffix("ren")
    if name == "people":
        return "person"
    if name.endswith("ies") and len(name) > len("ies"):
        return f"{name[:-3]}y"
    if name.endswith(("sses", "shes", "tches", "xes")):
        return name.removesuffix("es")
    if name.endswith("s") and not name.endswith("ss") and len(name) > 1:
        return name[:-1]
    return f"{name}_item"
