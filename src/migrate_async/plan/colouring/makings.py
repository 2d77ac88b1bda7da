"""Where objects are made that keep a session, be it by a helper: `Service(db)`, `new_service(db)`.

What such an object does with its session, other objects do that it makes: `repos.users` of a
property that returns `Users(self.session)`.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from migrate_async.index.project import Project
from migrate_async.index.scopes import Function
from migrate_async.index.sites import CallSite
from migrate_async.model import syntax as s
from migrate_async.model.plan import LENDS, Reason
from migrate_async.plan.colouring.holders import Holders


class Makings:
    """Answers for one project, of which the functions `coloured` run SQL.

    What a method makes that is among the `kept` is no affair of who makes its object: it lends an
    async side itself.
    """

    def __init__(
        self,
        project: Project,
        holders: Holders,
        coloured: Mapping[Function, Reason],
        kept: Container[Function] = (),
    ) -> None:
        self._project = project
        self._holders = holders
        self._coloured = coloured
        self._kept = kept
        self._members: dict[CallSite, frozenset[Function]] = {}

    def of(self, function: Function) -> Iterator[CallSite]:
        """The calls by which `function` makes one."""
        return (site for site in self._project.calls(function) if self.members(site))

    def members(self, site: CallSite) -> frozenset[Function]:
        """The functions that use the session of what `site` makes; empty: it makes none."""
        found = self._members.get(site)
        if found is None:
            self._members[site] = frozenset()  # a helper that calls itself
            found = self._members[site] = frozenset(self._found(site))
        return found

    def sessions(self, site: CallSite) -> list[s.Expr] | None:
        """The arguments of `site` that are a sync session; None if one is no name, or may be one.

        Without a session the object has none of its maker's.
        """
        call = site.node
        assert isinstance(call, s.Call)  # noqa: S101  see `_found`
        kinds = {value: self._project.session_kind(value, site.scope) for value in call.values}
        found = [value for value, kind in kinds.items() if kind == "sync"]
        if all(map(s.dotted_name, found)) and not self._takes_unknown(site, call, found):
            return found
        return None

    def _takes_unknown(self, site: CallSite, call: s.Call, known: list[s.Expr]) -> bool:
        """Whether what is taken for a session is something of which nobody knows what it is."""
        for receiver, param, value in self._project.passes(call, site.scope):
            if value in known or isinstance(value, s.Constant):
                continue
            taken = s.Name(*param.span, param.name)
            if self._project.session_kind(taken, receiver.scope) == "sync":
                return True
        return False

    def is_helper(self, function: Function) -> bool:
        """Whether `function` only hands a session that it is given on to what it makes."""
        reason = self._coloured.get(function)
        is_idle = reason is None or reason.code == LENDS
        return is_idle and not self._holders.uses(function)

    def _found(self, site: CallSite) -> Iterator[Function]:
        if site.kind != "call" or not isinstance(site.node, s.Call):
            return
        for target in site.targets:
            if target.name == "__init__" and target.cls is not None:
                if self._holders.holds(target.cls):
                    yield from self._of_class(self._holders.members(target.cls))
            elif self.is_helper(target) and self._project.takes_session(target, "sync"):
                for made in self.of(target):
                    yield from self.members(made)

    def _of_class(self, members: tuple[Function, ...]) -> Iterator[Function]:
        yield from members
        for member in filter(self.is_of_holder, members):
            for made in self.of(member) if member not in self._kept else ():
                yield from self.members(made)

    def is_of_holder(self, function: Function) -> bool:
        """Whether it is a method that uses the session of its object."""
        return function.cls is not None and self._holders.holds(function.cls)
