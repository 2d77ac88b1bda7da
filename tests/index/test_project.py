"""The facade: places, names, robustness."""

from __future__ import annotations

import pytest

from migrate_async.index.project import build
from migrate_async.model import syntax as s
from support.projects import module_input, project

SOURCE = """
    y = 1
    class A:
        z = y
        def f(self, x=y):
            return [x for x in y if x]
        g = lambda self: y
"""


@pytest.mark.parametrize(
    ("line", "kind", "function"),
    [(2, "module", "<module>"), (4, "class", "<module>"), (5, "class", "<module>")],
)
def test_scopes_of_names(line: int, kind: str, function: str) -> None:
    found = project({"m.py": SOURCE})
    (node,) = [
        node
        for stmt in found.modules["m"].syntax.body
        for node in s.walk(stmt)
        if isinstance(node, s.Name) and node.line == line and node.id == "y"
    ] or [found.modules["m"].syntax.body[0]]
    scope = found.scope_of(node)
    assert (scope.kind, scope.function.name) == (kind, function)


def test_scopes_inside_comprehensions_and_lambdas() -> None:
    found = project({"m.py": SOURCE})
    names = [
        node
        for stmt in found.modules["m"].syntax.body
        for node in s.walk(stmt)
        if isinstance(node, s.Name)
    ]
    scopes = [(node.line, node.id, found.scope_of(node).kind) for node in names if node.line > 5]
    assert scopes == [
        (6, "x", "comprehension"),
        (6, "x", "comprehension"),
        (6, "y", "function"),
        (6, "x", "comprehension"),
        (7, "g", "class"),
        (7, "y", "function"),
    ]
    lambda_name = names[-1]
    assert found.function_of(lambda_name).is_lambda


def test_parents_lead_from_any_node_to_the_module() -> None:
    found = project({"m.py": SOURCE})
    syntax = found.modules["m"].syntax
    for stmt in syntax.body:
        for node in s.walk(stmt):
            steps = 0
            current: s.AnyNode | s.ModuleSyntax = node
            while not isinstance(current, s.ModuleSyntax):
                current = found.parent(current)
                steps += 1
            assert current is syntax
            assert steps < 20


def test_statements_of_expressions() -> None:
    found = project({"m.py": "def f():\n    if g(1):\n        return h(2)"})
    function = found.function("m.f")
    assert function is not None
    statements = [type(found.statement_of(site.node)).__name__ for site in found.calls(function)]
    assert statements == ["If", "Return"]


def test_qualified_names_reach_nested_definitions() -> None:
    found = project(
        {
            "a/b.py": """
                class C:
                    class D:
                        def m(self):
                            def inner(): ...
            """
        }
    )
    assert found.function("a.b.C.D.m.inner") is not None
    assert found.function("a.b.<module>") is found.modules["a.b"].body
    assert found.cls("a.b.C.D") is not None
    assert found.function("a.b.missing") is None


def test_an_empty_project_has_no_facts() -> None:
    found = build([])
    assert (found.functions, found.classes, found.routes, found.models) == ([], [], [], {})


def test_two_builds_agree() -> None:
    files = {"m.py": SOURCE, "n.py": "from m import *\ndef h(db): A().f(); db.query(A).all()"}
    sites = []
    for _ in range(2):
        found = project(files)
        sites.append(
            [
                (site.node.span, [target.qualname for target in site.targets], site.operation)
                for function in found.functions
                for site in found.calls(function)
            ]
        )
    assert sites[0] == sites[1]


def test_long_chains_and_deep_nesting_are_no_problem() -> None:
    chain = "db.query(x)" + ".filter(1)" * 60 + ".all()"
    nested = "[" * 40 + "db" + "]" * 40
    calls = "\n".join(f"def f{i}(): return f{i + 1}()" for i in range(300))
    source = f"def f(db): {chain}; {nested}\n{calls}\ndef f300(): return 1"
    found = build([module_input("m.py", source)])
    function = found.function("m.f")
    assert function is not None
    assert [site.operation.name for site in found.calls(function) if site.operation] == ["all"]


def test_mutually_recursive_functions_do_not_blow_up() -> None:
    count = 60
    bodies = [
        f"def f{i}(x): return " + " or ".join(f"f{(i * 7 + k) % count}(x)" for k in range(6))
        for i in range(count)
    ]
    found = build([module_input("m.py", "\n".join(bodies))])
    assert len(found.functions) == count + 1
