"""Hold rewritten text against its plan, before anything is written.

Each check finds a mistake of ours, not of the user; `verify` takes the rewriting of such a file
back. Nothing of the target is executed: text is parsed, compiled and looked at.
"""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from migrate_async.model.change import FileChange
from migrate_async.model.diagnostic import Diagnostic, Severity
from migrate_async.model.plan import FilePlan, Plan, WrapStatements
from migrate_async.rewrite.names import used_names
from migrate_async.source.lines import split_lines
from migrate_async.source.trees import parse_module
from migrate_async.verify.names import KNOWN, has_star_import, line_of, undefined_names

Finding = tuple[str, int, str]
"""Code, line in the rewritten text, message."""


def verify(plan: Plan, changes: Sequence[FileChange]) -> list[FileChange]:
    """`changes`, those that fail a check with their old text and diagnostics."""
    files = {file.path: file for file in plan.files}
    return [_verified(files[change.path], change) for change in changes]


def _verified(file: FilePlan, change: FileChange) -> FileChange:
    found = check(file, change.before, change.after) if change.changed else ()
    if not found:
        return change
    diagnostics = (*change.diagnostics, *found)
    return msgspec.structs.replace(
        change, after=change.before, codemods=(), diagnostics=diagnostics
    )


def check(file: FilePlan, before: str, after: str) -> tuple[Diagnostic, ...]:
    """What is wrong with `after`, made of `before` by the edits of `file`.

    `MA902` it does not compile (which includes `await` outside an `async def`), `MA903` a statement
    without an edit changed, `MA904` a name is no longer defined, `MA905` an added import is not
    used, `MA906` an `await` makes a generator expression asynchronous.
    """
    return tuple(_diagnostic(file.path, *finding) for finding in _findings(file, before, after))


def _findings(file: FilePlan, before: str, after: str) -> Iterator[Finding]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            old, new = parse_module(before), parse_module(after)
            compile(new, file.path, "exec", dont_inherit=True)
            used = used_names(new, after)
            yield from _lost_names(old, new, before, after, used)
    except (SyntaxError, ValueError, RecursionError) as error:
        yield "MA902", getattr(error, "lineno", None) or 0, f"does not compile: {error}"
        return
    yield from _changed_statements(file, old, before, after)
    yield from _unused_imports(old, new, used)
    if "await" in after:
        yield from _async_generators(old, new)


def _diagnostic(path: str, code: str, line: int, message: str) -> Diagnostic:
    return Diagnostic(
        path=path,
        line=line,
        code=code,
        message=f"the rewritten text {message}",
        next_step="the file is left as it was; please report this as a bug of migrate-async",
        severity=Severity.ERROR.value,
    )


# --- untouched statements ----------------------------------------------------------------------


def _changed_statements(
    file: FilePlan, tree: ast.Module, before: str, after: str
) -> Iterator[Finding]:
    """Statements that no edit is about have to be in `after` as they were, in order."""
    edited = [
        (edit.span[0], max(edit.span[2], edit.until[2] if isinstance(edit, WrapStatements) else 0))
        for edit in file.edits
    ]
    old, new = split_lines(before), split_lines(after)
    position = 0
    for start, end in _untouched(tree.body, edited):
        lines = old[start - 1 : end]
        found = _index_of(lines, new, position)
        if found is None:
            yield "MA903", 0, f"lost or changed the statement of line {start}"
        else:
            position = found + len(lines)


def _untouched(
    body: Sequence[ast.stmt], edited: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    for statement in body:
        start, end = _extent(statement)
        touched = any(first <= end and last >= start for first, last in edited)
        if touched and isinstance(statement, ast.ClassDef):
            yield from _untouched(statement.body, edited)
        elif not touched and not isinstance(statement, ast.Import | ast.ImportFrom):
            yield from _without_imports(statement, start, end)


def _without_imports(statement: ast.stmt, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A function may lose an import that nothing needs any more: then look at its parts."""
    inner = [node for node in ast.walk(statement) if isinstance(node, ast.Import | ast.ImportFrom)]
    if not inner:
        yield start, end


def _extent(statement: ast.stmt) -> tuple[int, int]:
    decorators = getattr(statement, "decorator_list", ())
    start = min([statement.lineno, *(decorator.lineno for decorator in decorators)])
    return start, statement.end_lineno or statement.lineno


def _index_of(lines: Sequence[str], text: Sequence[str], start: int) -> int | None:
    """Where `lines` stand in `text`, from `start` on; the end of the last line may differ."""
    wanted = [line.rstrip("\r\n") for line in lines]
    for index in range(start, len(text) - len(wanted) + 1):
        if text[index].rstrip("\r\n") == wanted[0]:
            here = [line.rstrip("\r\n") for line in text[index : index + len(wanted)]]
            if here == wanted:
                return index
    return None


# --- names -------------------------------------------------------------------------------------


def _lost_names(
    old: ast.Module, new: ast.Module, before: str, after: str, used: set[str]
) -> Iterator[Finding]:
    """Names that were defined where they are used and no longer are."""
    if has_star_import(before) or has_star_import(after):
        return
    lost = undefined_names(after)
    if lost:
        lost -= undefined_names(before)
    unbound = used - KNOWN - _bound_names(new)  # those in strings, too
    if unbound:
        lost |= unbound & _bound_names(old)
    for name in sorted(lost):
        yield "MA904", line_of(name, new), f"uses {name!r}, which nothing defines"


def _bound_names(tree: ast.Module) -> set[str]:
    """All names that any scope of the module binds."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.alias):
            names.add(_bound(node))
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            names.add(node.name)
    return names


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name.split(".")[0]


def _unused_imports(old: ast.Module, new: ast.Module, used: set[str]) -> Iterator[Finding]:
    """A name that was imported before, from wherever, may be there for others to import."""
    known = {key[-1] for key, _ in _imports(old)}
    for key, line in _imports(new):
        if key[-1] not in known and key[-1] not in used:
            yield "MA905", line, f"imports {key[-1]!r} and does not use it"


def _imports(tree: ast.Module) -> Iterator[tuple[tuple[str, str, str], int]]:
    """What the top level imports: `(module, name, bound name)` and the line."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.name, "", _bound(alias)), node.lineno
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                module = "." * node.level + (node.module or "")
                yield (module, alias.name, _bound(alias)), node.lineno


# --- coroutines --------------------------------------------------------------------------------


def _async_generators(old: ast.Module, new: ast.Module) -> Iterator[Finding]:
    """A generator expression that awaits gives an async generator, which few callers expect."""
    found = list(_awaiting_generators(new))
    known = Counter(ast.dump(node) for node in _awaiting_generators(old)) if found else Counter()
    for node in found:
        key = ast.dump(node)
        if known[key]:
            known[key] -= 1
        else:
            yield "MA906", node.lineno, "awaits inside a generator expression"


def _awaiting_generators(tree: ast.Module) -> Iterator[ast.GeneratorExp]:
    for node in ast.walk(tree):
        if isinstance(node, ast.GeneratorExp) and _awaits_inside(node):
            yield node


def _awaits_inside(node: ast.GeneratorExp) -> bool:
    """Does it await while it is consumed? (Its first iterable is awaited before.)"""
    first = node.generators[0]
    parts: list[ast.AST] = [node.elt, first.target, *first.ifs, *node.generators[1:]]
    return any(isinstance(inner, ast.Await) for part in parts for inner in ast.walk(part))
