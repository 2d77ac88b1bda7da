"""Add and remove imports, touching no other line.

An added name joins an import of the same module (also when that is written relatively), else it
gets a line among the imports of its kind: standard library, third party, first party, relative.
What stands under `if TYPE_CHECKING:`, `try:` or any other condition is left as it is.
"""

from __future__ import annotations

import ast
import dataclasses
import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

import msgspec

from migrate_async.knowledge.shim import sync_class_name_of, sync_name_of
from migrate_async.model.plan import FilePlan, ImportChange, ReplaceStatement
from migrate_async.rewrite import name_order
from migrate_async.rewrite.islands import rewrite, style_of
from migrate_async.rewrite.lines import Style
from migrate_async.rewrite.names import used_names
from migrate_async.source.lines import split_lines
from migrate_async.source.trees import parse_module

Statement = ast.Import | ast.ImportFrom
Position = tuple[int, int]

_OF_ASYNC_CODE = frozenset({"migrate_async", "sqlalchemy.ext.asyncio"})


def change_imports(text: str, file: FilePlan, limit: int | None = None) -> str:
    """`text` with the imports of `file` added if missing; the unneeded ones are gone if unused.

    The path of `file` tells what relative imports mean; the packages around it are `first_party`,
    too. `text` has to be valid Python. `limit` is the length of lines, None: what `text` keeps to.
    """
    imports = [_in_place(change, file.unneeded) for change in file.imports]
    rebound = {_bound(change) for change in imports} & set(file.unneeded)
    text = _without(text, rebound, used=set())
    doomed = set(file.unneeded) - rebound
    if doomed and imports:
        doomed -= used_names(parse_module(text), text)
    for change in sorted(set(imports), key=_order):
        text = _Source.parse(text, file, limit, frozenset(doomed)).with_import(change)
    if doomed:
        rest = _without(text, doomed, used=None)
        text = rest if rest == text else _rejoined(rest, text, file, limit)
    return text


def _in_place(change: ImportChange, unneeded: Sequence[str]) -> ImportChange:
    """`change`, beside the name of the sync side that has held its place and goes."""
    if change.beside or change.alias or not change.name:
        return change
    sides = (sync_name_of(change.name), sync_class_name_of(change.name))
    held = [name for name in sides if name in unneeded]
    return msgspec.structs.replace(change, beside=held[0]) if held else change


def _order(change: ImportChange) -> tuple[str, str, str]:
    return change.module, change.name, change.alias


def _bound(change: ImportChange) -> str:
    return change.alias or change.name or change.module.split(".")[0]


# --- removing ----------------------------------------------------------------------------------


def _without(text: str, unneeded: set[str], used: set[str] | None) -> str:
    """`text` without the imports of `unneeded` names that are not `used` (None: find out)."""
    if not unneeded:
        return text
    tree = parse_module(text)
    doomed = unneeded - (used_names(tree, text) if used is None else used)
    lines = split_lines(text)
    whole: list[ReplaceStatement] = []
    for statement in _removable(tree.body) if doomed else ():
        gone = [alias for alias in statement.names if _is_doomed(alias, statement, doomed)]
        if gone and len(gone) == len(statement.names):
            span = (*_start(statement, lines), *_end(statement, lines))
            whole.append(ReplaceStatement(span=span, codemod=""))
        elif gone:  # one name at a time: each cut moves the ones after it
            return _without(_without_name(statement, gone[-1], lines), unneeded, used)
    return rewrite(text, whole)


def _removable(body: Sequence[ast.stmt]) -> Iterator[Statement]:
    """The imports in `body` and in the functions and classes below it."""
    for statement in body:
        if isinstance(statement, Statement):
            yield statement
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _removable(statement.body)


def _is_doomed(alias: ast.alias, statement: Statement, doomed: set[str]) -> bool:
    if alias.asname == alias.name:  # `import a as a`: an export
        return False
    if alias.name in doomed and isinstance(statement, ast.Import) and not alias.asname:
        return True
    return (alias.asname or alias.name.split(".")[0]) in doomed


def _without_name(statement: Statement, alias: ast.alias, lines: list[str]) -> str:
    index = statement.names.index(alias)
    start, end = _start(alias, lines), _end(alias, lines)
    if _alone_on_line(statement, index):
        return _cut(lines, (alias.lineno, 0), (alias.lineno + 1, 0))
    if index + 1 < len(statement.names):
        return _cut(lines, start, _start(statement.names[index + 1], lines))
    return _cut(lines, _end(statement.names[index - 1], lines), end)


def _alone_on_line(statement: Statement, index: int) -> bool:
    line = statement.names[index].lineno
    taken = [statement.lineno, statement.end_lineno or statement.lineno]
    taken += [alias.lineno for i, alias in enumerate(statement.names) if i != index]
    return line not in taken


def _cut(lines: Sequence[str], start: Position, end: Position) -> str:
    return _replaced(lines, start, end, "")


def _replaced(lines: Sequence[str], start: Position, end: Position, new: str) -> str:
    head = [*lines[: start[0] - 1], lines[start[0] - 1][: start[1]]]
    tail = [lines[end[0] - 1][end[1] :], *lines[end[0] :]] if end[0] <= len(lines) else []
    return "".join([*head, new, *tail])


def _start(node: ast.alias | Statement, lines: Sequence[str]) -> Position:
    return node.lineno, _column(lines, node.lineno, node.col_offset)


def _end(node: ast.alias | Statement, lines: Sequence[str]) -> Position:
    line = node.end_lineno or node.lineno
    return line, _column(lines, line, node.end_col_offset or 0)


def _column(lines: Sequence[str], line: int, offset: int) -> int:
    return len(lines[line - 1].encode()[:offset].decode("utf-8", "ignore"))


def _rejoined(text: str, before: str, file: FilePlan, limit: int | None) -> str:
    """`text` with those imports on one line that had not been written before the migration.

    Names that an earlier run needed had made them too long, and some are not in `text` any more.
    """
    source = _Source.parse(text, file, limit)
    long = {s.module: _names(s) for s in _brought(parse_module(before).body)}
    for statement in _brought(source.body):
        line = f"from {statement.module} import {', '.join(_names(statement))}"
        is_plain = "#" not in source.text_of(statement) and statement.lineno != statement.end_lineno
        is_shorter = len(_names(statement)) < len(long.get(statement.module, ()))
        if is_plain and is_shorter and len(line) <= source.style.limit:
            start, end = _start(statement, source.lines), _end(statement, source.lines)
            return _rejoined(_replaced(source.lines, start, end, line), before, file, limit)
    return text


def _brought(body: Sequence[ast.stmt]) -> Iterator[ast.ImportFrom]:
    """The imports of names that sync code has no use for, without aliases."""
    for statement in body:
        if not isinstance(statement, ast.ImportFrom) or statement.module not in _OF_ASYNC_CODE:
            continue
        if not any(alias.asname for alias in statement.names):
            yield statement


# --- adding ------------------------------------------------------------------------------------


def _names(statement: ast.ImportFrom) -> list[str]:
    return [alias.name for alias in statement.names]


def _size(statement: ast.ImportFrom) -> int:
    return len(statement.names)


def _index_in(names: Sequence[str], change: ImportChange) -> int:
    if change.beside not in names:
        return name_order.adding(names, change.name)
    index = name_order.passing if change.passing else name_order.returning
    return index(names, change.name, change.beside)


@dataclasses.dataclass(frozen=True)
class _Source:
    """A module's text and its unconditional imports, in order."""

    lines: list[str]
    path: PurePosixPath
    body: list[ast.stmt]
    style: Style
    doomed: frozenset[str]
    """Imported names that will be removed: they make no line too long."""
    first_party: frozenset[str]

    @classmethod
    def parse(
        cls, text: str, file: FilePlan, limit: int | None, doomed: frozenset[str] = frozenset()
    ) -> _Source:
        tree = parse_module(text)
        style = style_of(text, tree, limit)
        path = PurePosixPath(file.path)
        first_party = frozenset((*path.parts[:-1], *file.first_party))
        return cls(split_lines(text), path, tree.body, style, doomed, first_party)

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def text_of(self, statement: Statement) -> str:
        """The lines that `statement` stands on."""
        return "".join(self.lines[statement.lineno - 1 : statement.end_lineno])

    @property
    def newline(self) -> str:
        first = self.lines[0] if self.lines else "\n"
        return first[len(first.rstrip("\r\n")) :] or "\n"

    def with_import(self, change: ImportChange) -> str:
        """The text with `change` made."""
        statements = [s for s in self.body if isinstance(s, Statement)]
        if any(self._provides(statement, change) for statement in statements):
            return self.text
        fitting = [
            statement
            for statement in statements
            if isinstance(statement, ast.ImportFrom) and self._can_join(statement, change)
        ]
        if not fitting:
            return self._with_line(change)
        return self._joined(self._home(fitting, change), change)

    def _home(self, fitting: Sequence[ast.ImportFrom], change: ImportChange) -> ast.ImportFrom:
        """Which of the `fitting` imports gets the name; names take turns in one and the same."""
        if not change.beside:
            return fitting[0]
        holders = [statement for statement in fitting if change.beside in _names(statement)]
        if not holders:  # a name that is passing may have a line of its own: none for others
            return max(fitting, key=_size)
        if change.passing or _size(holders[0]) > 1:
            return holders[0]
        return self._left(holders[0], fitting, change)

    def _left(
        self, holder: ast.ImportFrom, fitting: Sequence[ast.ImportFrom], change: ImportChange
    ) -> ast.ImportFrom:
        """The import that the name left: the one below its `holder`, if that has no room for both.

        Others that are passing through may have lines between.
        """
        start = self.body.index(holder) + 1
        below = itertools.takewhile(lambda s: s in fitting, self.body[start:])
        for statement in below:
            if isinstance(statement, ast.ImportFrom) and _size(statement) > 1:
                fits = self._fits(statement, change.name, change.beside)
                return holder if fits else statement
        return holder

    def _absolute(self, module: str, level: int) -> str:
        """The absolute dotted name, as far as the path tells, of what is imported from."""
        package = self.path.parts[:-level] if level else ()
        return ".".join([*package, *([module] if module else [])])

    def _is_module(self, statement: ast.ImportFrom, module: str) -> bool:
        own = self._absolute(statement.module or "", statement.level)
        name = module.lstrip(".")
        wanted = self._absolute(name, len(module) - len(name))
        return own == wanted or (statement.level > 0 and own.endswith("." + wanted))

    def _provides(self, statement: Statement, change: ImportChange) -> bool:
        if isinstance(statement, ast.ImportFrom):
            if not change.name or not self._is_module(statement, change.module):
                return False
            wanted = (change.name, change.alias or change.name)
        elif change.name:
            return False
        else:
            wanted = (change.module, change.alias or change.module)
        return any((alias.name, alias.asname or alias.name) == wanted for alias in statement.names)

    def _can_join(self, statement: ast.ImportFrom, change: ImportChange) -> bool:
        if not change.name or statement.names[0].name == "*":
            return False
        line = self.lines[statement.lineno - 1].split("#")[0]
        return ";" not in line and "\\" not in line and self._is_module(statement, change.module)

    def _joined(self, statement: ast.ImportFrom, change: ImportChange) -> str:
        new = f"{change.name} as {change.alias}" if change.alias else change.name
        index = _index_in(_names(statement), change)
        if statement.lineno == statement.end_lineno:
            return self._joined_on_line(statement, index, new, change)
        if all(_alone_on_line(statement, i) for i in range(len(statement.names))):
            return self._joined_as_line(statement, index, new)
        if index < len(statement.names):
            start = _start(statement.names[index], self.lines)
            return _replaced(self.lines, start, start, f"{new}, ")
        end = _end(statement.names[-1], self.lines)
        return _replaced(self.lines, end, end, f", {new}")

    def _joined_on_line(
        self, statement: ast.ImportFrom, index: int, new: str, change: ImportChange
    ) -> str:
        start = _start(statement.names[0], self.lines)
        end = _end(statement.names[-1], self.lines)
        names = [ast.unparse(alias) for alias in statement.names]
        names.insert(index, new)
        if self._fits(statement, new) or (change.beside and not change.passing):
            # Its line was fine before `name` and `beside` took turns, and will be again.
            return _replaced(self.lines, start, end, ", ".join(names))
        if change.beside:
            return self._above(statement, change)
        block = self.newline.join(["(", *(f"{self.style.unit}{name}," for name in names), ")"])
        return _replaced(self.lines, start, end, block)

    def _fits(self, statement: ast.ImportFrom, *more: str) -> bool:
        """Is there room for `more` names on the line, or does its length not matter?"""
        if "(" in self.lines[statement.lineno - 1].split("#")[0]:
            return True
        names = [ast.unparse(alias) for alias in statement.names]
        stay = [name for name in names if name not in self.doomed]
        column = _start(statement.names[0], self.lines)[1]
        return column + len(", ".join([*stay, *more])) <= self.style.limit

    def _above(self, statement: ast.ImportFrom, change: ImportChange) -> str:
        """A line of its own for a name that shares the place of one in `statement`."""
        module = "." * statement.level + (statement.module or "")
        at = (statement.lineno, 0)
        return _replaced(self.lines, at, at, _line_of(change, module) + self.newline)

    def _joined_as_line(self, statement: ast.ImportFrom, index: int, new: str) -> str:
        last = statement.names[-1]
        line = self.lines[last.lineno - 1]
        added = f"{line[: _start(last, self.lines)[1]]}{new},{self.newline}"
        if index < len(statement.names):
            at = (statement.names[index].lineno, 0)
            return _replaced(self.lines, at, at, added)
        end = _end(last, self.lines)
        has_comma = line[end[1] :].lstrip().startswith(",")
        rest = line[end[1] :] if has_comma else f",{line[end[1] :]}"
        return _replaced(self.lines, end, (end[0] + 1, 0), rest + added)

    # A line of its own.

    def _with_line(self, change: ImportChange) -> str:
        new = _line_of(change, change.module)
        place, before, after = self._line_place(change)
        text = f"{self.newline * before}{new}{self.newline}{self.newline * after}"
        if place > len(self.lines) and self.lines and not self.lines[-1].endswith(("\n", "\r")):
            text = self.newline + text
        at = (min(place, len(self.lines) + 1), 0)
        if at[0] > len(self.lines):
            return self.text + text
        return _replaced(self.lines, at, at, text)

    def _line_place(self, change: ImportChange) -> tuple[int, int, int]:
        """The line to insert at, and the blank lines to put before and after."""
        known = [(self._key(s), s) for s in self._import_block()]
        key = self._key_of(change.module, change.name)
        same = [pair for pair in known if pair[0][0] == key[0]]
        if same:
            keys = [pair[0] for pair in same]
            # Where nothing is in order: the place that does not depend on what came first.
            smaller = [number for number, known in enumerate(keys, start=1) if known < key]
            index = max(smaller, default=0)
            if index == 0:
                return same[0][1].lineno, 0, 0
            return self._line_after(same[index - 1][1]), 0, 0
        earlier = [statement for k, statement in known if k[0] < key[0]]
        if earlier:
            line = self._line_after(earlier[-1])
            return line, 1, self._gap(line)
        if known:
            return known[0][1].lineno, 0, 1
        return self._first_place()

    def _gap(self, line: int) -> int:
        """Is a blank line missing before `line`?"""
        return int(line <= len(self.lines) and bool(self.lines[line - 1].strip()))

    def _line_after(self, statement: ast.stmt) -> int:
        return (statement.end_lineno or statement.lineno) + 1

    def _first_place(self) -> tuple[int, int, int]:
        header = [s for s in self.body if _is_header(s)]
        if header:
            line = self._line_after(header[-1])
            return line, 1, self._gap(line)
        if not self.body:
            return len(self.lines) + 1, 0, 0
        first = self.body[0]
        decorators = getattr(first, "decorator_list", ())
        line = min([first.lineno, *(d.lineno for d in decorators)])
        return line, 0, 2 if isinstance(first, _DEFINITIONS) else 1

    def _import_block(self) -> list[Statement]:
        """The imports before the first other statement, without those from `__future__`."""
        rest = itertools.dropwhile(_is_header, self.body)
        block = itertools.takewhile(lambda s: isinstance(s, Statement | ast.If | ast.Try), rest)
        return [s for s in block if isinstance(s, Statement)]

    def _key(self, statement: Statement) -> tuple[int, int, str]:
        if isinstance(statement, ast.Import):
            return self._key_of(statement.names[0].name, "")
        if statement.level:
            return (3, 1, "." * statement.level + (statement.module or ""))
        return self._key_of(statement.module or "", "*")

    def _key_of(self, module: str, name: str) -> tuple[int, int, str]:
        top = module.split(".", maxsplit=1)[0]
        if not top:
            return (3, int(bool(name)), module)
        if top in sys.stdlib_module_names:
            return (0, int(bool(name)), module)
        return (2 if top in self.first_party else 1, int(bool(name)), module)


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _is_header(statement: ast.stmt) -> bool:
    """Is it the docstring or an import from `__future__`?"""
    if isinstance(statement, ast.ImportFrom):
        return statement.module == "__future__"
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _line_of(change: ImportChange, module: str) -> str:
    alias = f" as {change.alias}" if change.alias else ""
    if not change.name:
        return f"import {module}{alias}"
    return f"from {module} import {change.name}{alias}"
