"""Other names of functions, given at the top of a module: `get_db_session = get_db`.

Who reads or calls such a name means the function: to give one is no use of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

from migrate_async.index import scopes as sc
from migrate_async.index import types as t
from migrate_async.index.infer import Inference
from migrate_async.model import syntax as s


def function_aliases(inference: Inference, names: Set[str]) -> dict[s.Expr, str]:
    """The aliases of functions called `names`: what is on the right, and the name on the left."""
    modules = [fn for fn in inference.symbols.functions if fn.is_module]
    given: dict[s.Expr, str] = {}
    while True:
        known = names | set(given.values())
        found = {
            node: name for module in modules for node, name in _given(module, known, inference)
        }
        if found.keys() == given.keys():
            return found
        given = found


def _given(
    module: sc.Function, names: Set[str], inference: Inference
) -> Iterator[tuple[s.Expr, str]]:
    for reference in module.references:
        name = sc.last_name(reference.node)
        if name not in names or reference.scope is not module.scope:
            continue
        target = _name_given(reference.node, inference.symbols.parents)
        if target is None or len(module.scope.names.get(target, ())) != 1:
            continue
        types = inference.infer(reference.node, reference.scope)
        if types and all(isinstance(item, t.FunctionObject) for item in types):
            yield reference.node, target


def _name_given(
    node: s.Expr, parents: Mapping[s.AnyNode | s.ModuleSyntax, s.AnyNode | s.ModuleSyntax]
) -> str | None:
    """The name in `name = node`, a statement at the top level of its module."""
    statement = parents[node]
    if not isinstance(statement, s.Assign) or statement.value is not node:
        return None
    target = statement.targets[0]
    is_one = len(statement.targets) == 1 and isinstance(target, s.Name)
    is_top = isinstance(parents[statement], s.ModuleSyntax)
    return target.id if is_one and is_top and isinstance(target, s.Name) else None
