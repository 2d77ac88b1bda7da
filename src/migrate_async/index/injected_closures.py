"""Dependencies and routes that functions make: FastAPI alone calls what they return, and awaits it.

def require(role):
    def check(user: User = Depends(current_user)): ...

    return check

admin = require("admin")

@app.get("/", dependencies=[Depends(admin), Depends(require("editor"))])

router.add_api_route("/items", endpoint=self.get_all_func())
"""

from __future__ import annotations

from migrate_async.index import scopes as sc
from migrate_async.index.callgraph import CallGraph
from migrate_async.index.infer import Inference
from migrate_async.index.override_tables import is_override_table
from migrate_async.index.parameters import is_depends
from migrate_async.index.routers import added_function
from migrate_async.index.sites import ValueUse
from migrate_async.index.variable_reads import reads_of
from migrate_async.model import syntax as s


class InjectedClosures:
    """Answers for one project."""

    def __init__(self, inference: Inference, graph: CallGraph) -> None:
        self._inference = inference
        self._graph = graph
        self._known: dict[sc.Function, bool] = {}

    def is_returned_to_fastapi(self, use: ValueUse) -> bool:
        """Whether `use` is a `return`, and FastAPI gets whatever the function returns."""
        return isinstance(self._graph.parent(use.node), s.Return) and self._is_asked(use.function)

    def _is_asked(self, maker: sc.Function) -> bool:
        """Whether each call of `maker` is for FastAPI, and nothing else is done with it."""
        if maker not in self._known:
            self._known[maker] = False
            sites = self._graph.callers.get(maker, ())
            self._known[maker] = (
                bool(sites)
                and not maker.is_async
                and not maker.is_generator
                and not self._graph.value_uses.get(maker)
                and all(
                    site.kind == "call" and self._is_injected(site.node, site.function)
                    for site in sites
                )
            )
        return self._known[maker]

    def _is_injected(self, node: s.Expr, function: sc.Function) -> bool:
        """Whether the value of `node` goes to FastAPI, from where it stands or by a name."""
        around = self._graph.parent(node)
        if isinstance(around, s.Keyword):
            around = self._graph.parent(around)
        if isinstance(around, s.Return):
            return self._is_asked(function)
        if isinstance(around, s.Call):
            return self._is_argument(node)
        if not isinstance(around, s.Assign) or not function.is_module or len(around.targets) != 1:
            return False
        target = around.targets[0]
        if not isinstance(target, s.Name):
            return False
        uses = list(reads_of(target.id, node, self._inference))
        return bool(uses) and all(self._is_argument(use) for use in uses)

    def _is_argument(self, node: s.Expr) -> bool:
        """Whether `node` is injected, a route, or the name of a dependency that is overridden."""
        around = self._graph.parent(node)
        if isinstance(around, s.Keyword):
            around = self._graph.parent(around)
        if isinstance(around, s.Call) and around.func is not node:
            return is_depends(around) or added_function(around) is node
        return is_override_table(node, self._graph)
