"""The plan: what changes, where, and why. Pure data; the codemods execute it.

An edit names the syntax node that it is about by its span (see `model.syntax`) and the codemod
that owns it. All edits of a function are in the plan or none is. Expressions written by the plan
are given as source text; the codemods parse them with LibCST.
"""

from __future__ import annotations

import enum
from typing import TypeAlias, Union

import msgspec

from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.syntax import Span

PLAN_VERSION = 1


class Step(enum.Enum):
    """Which part of the migration a run does (DESIGN: two independent steps)."""

    QUERIES = "queries"
    ASYNC = "async"
    ALL = "all"
    """Both of the above."""
    MODELS = "models"
    """Declarative models in 2.0 style; sync code is fine with it, so it can be done at any time."""
    TESTS = "tests"
    """Tests on an async client instead of `TestClient`, and on async sessions of their own."""
    ALEMBIC = "alembic"
    """Alembic's `env.py` on an async engine, also where a sync one would do."""


class Verdict(enum.Enum):
    CONVERT = "convert"
    BRIDGE = "bridge"
    """Stays sync, and converted code calls it."""
    TWIN = "twin"
    """Converts under another name, beside the sync original (`keep = "both"`)."""
    KEEP = "keep"
    WAIT = "wait"
    """Was not selected; a later run converts it."""


LENDS = "lends-session"
"""The code of a reason: runs no SQL, and hands a session on to what does."""

SUITE_STAYS = "suite-stays"
"""The code of why tests stay on sync sessions."""


class Reason(msgspec.Struct, frozen=True):
    """One link in the chain that explains a decision.

    `code` is stable (`session-operation`, `calls`, `called-by`, `boundary`, ...); `because_of` is
    the qualified name of the function that the reason leads on to, if any.
    """

    code: str
    text: str
    path: str = ""
    line: int = 0
    because_of: str = ""


class FunctionDecision(msgspec.Struct, frozen=True):
    """What becomes of one function, with its reasons, the nearest first."""

    function: str
    path: str
    line: int
    verdict: str
    reasons: tuple[Reason, ...] = ()
    route: str = ""


# --- edits -------------------------------------------------------------------------------------


class Edit(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A change at `span`, executed by the codemod named `codemod`."""

    span: Span
    codemod: str


class Link(msgspec.Struct, frozen=True):
    """One method call of a rewritten chain.

    With `source >= 0` it is the chain's call number `source` (0 is the call next to the root),
    keeping its arguments, comments and line breaks, renamed to `name`. With `source == -1` it is
    new and `args` is its argument list as source text. `args` given with a source replaces the
    arguments; `{0}`, `{1}`, `{name}` in it stand for that call's own arguments and `{*}` for all
    of them.
    """

    name: str
    source: int = -1
    args: str | None = None


class QueryRewrite(Edit, frozen=True):
    """Turn a legacy `Query` chain (or a piece of one) into a 2.0-style statement.

    `span` is the outermost expression of the chain. `root` is the new head: source text in which
    `{*}`/`{0}` stand for the arguments of `session.query(...)`; empty keeps the expression that the
    chain starts from (a variable that holds a query, a call of a helper). `links` is the new chain
    on that root.

    If `call` is given the statement is executed: source text with `{stmt}` for the statement and,
    as in `Link.args`, `{n:i}` for argument `i` of original call number `n`; it is awaited when
    `awaited`. `tail` is what follows the executed call (`.scalars().all()`).
    """

    root: str = ""
    links: tuple[Link, ...] = ()
    call: str = ""
    tail: str = ""
    awaited: bool = False
    hoist: str = ""
    """Name of the local that may take the result in a statement of its own; empty: inline."""


class AwaitCall(Edit, frozen=True):
    """Await the expression at `span`; parenthesised where the syntax asks for it.

    With `hoist`, and if the awaited expression stands at the start of an attribute chain in a
    simple assignment, return or expression statement, the awaited part moves to a statement of its
    own: `result = await db.execute(...)` / `x = result.scalars().all()`.
    """

    hoist: str = ""


class AwaitAttribute(Edit, frozen=True):
    """Read the attribute at `span` through `awaitable_attrs`, awaited: it may have to be loaded.

    `order.items` becomes `await order.awaitable_attrs.items`.
    """


class MakeAsync(Edit, frozen=True):
    """Put `async` before the `def`, `with`, `for` or comprehension `for` that starts at `span`.

    For a comprehension, `span` is the span of the generator's iterable.
    """


class MakeSync(Edit, frozen=True):
    """Take `async` away from the `async def` that starts at `span`."""


class ReplaceExpression(Edit, frozen=True):
    """Replace the expression (or annotation, decorator, name) at `span` by `code`.

    `code` may hold `{}` once, which stands for the expression replaced.
    """

    code: str


class RenameAttribute(Edit, frozen=True):
    """Give the attribute at `span` another `name`; what it is an attribute of stays."""

    name: str


class ReplaceStatement(Edit, frozen=True):
    """Replace the statement at `span` by the statements in `code` (none: remove it).

    Comments and blank lines above it stay.
    """

    code: str = ""


class InsertStatements(Edit, frozen=True):
    """Insert the statements in `code` before (or after) the statement at `span`.

    With `below_hoisted`, they go between the statement and what is hoisted out of it.
    """

    code: str
    after: bool = False
    below_hoisted: bool = False


class CopyAssignment(Edit, frozen=True):
    """Below the assignment at `span`, assign `name` a copy of its value as it was.

    `names` are names in the value and the code that stands for them in the copy.
    """

    name: str
    names: tuple[tuple[str, str], ...] = ()


class CopyStatement(Edit, frozen=True):
    """Below the expression at `span`, a statement of its own, put a copy of it as it was.

    `names` as in `CopyAssignment`.
    """

    names: tuple[tuple[str, str], ...] = ()


class HoistExpression(Edit, frozen=True):
    """Give the value at `span` a `name` in a statement of its own, before the one it stands in."""

    name: str


class UnwrapBlock(Edit, frozen=True):
    """Replace the `try`, `with` or `if` statement at `span` by the statements of its body."""


class DropFinally(Edit, frozen=True):
    """Drop the `finally` of the `try` at `span`; its handlers stay."""


class ChangeBlock(Edit, frozen=True):
    """Give the compound statement at `span` a new header (`async with SessionLocal() as db:`).

    The body stays. Handlers, `else` and `finally` of a `try` are dropped.
    """

    header: str


class WrapStatements(Edit, frozen=True):
    """Put the statements from the one at `span` to the one that ends at `until` into a block.

    The statements `below` follow the block. With `enters`, the first of the statements goes into
    the head of the block: what it assigns takes the place of `{}` there.
    """

    until: Span
    header: str
    below: str = ""
    enters: bool = False


class RemoveDecorator(Edit, frozen=True):
    """Remove the decorator whose expression is at `span`."""


class KeepBoth(Edit, frozen=True):
    """Leave the `def` at `span` as it was, with the decorator `code`; below it, as edited, `name`.

    `apart` is the number of blank lines between the two.
    """

    name: str
    code: str
    apart: int


class CopyFunction(Edit, frozen=True):
    """Below the `def` at `span`, put it as it was, under `name` and with other `names` in it.

    So it is with the `attributes` that are written there as given: `("self.engine", code)`.
    """

    name: str
    names: tuple[tuple[str, str], ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    apart: int = 2
    """Blank lines between the two."""


class AddDecorator(Edit, frozen=True):
    """Put the decorator `code` (without `@`) above the other decorators of the `def` at `span`.

    The first `below` of them stay above it. An `inner` one goes below them all: it changes the
    function before they see it.
    """

    code: str
    inner: bool = False
    below: int = 0


class UnwrapCall(Edit, frozen=True):
    """Replace the call at `span` by its only argument."""


class DropAwait(Edit, frozen=True):
    """Replace the `await` expression at `span` by what it awaits."""


class DelegateCall(Edit, frozen=True):
    """Have `to` make the call at `span`: `f(a)` becomes `to(f, a)`.

    `drop` names an argument to leave out, as `RemoveArgument.name` does.
    """

    to: str
    drop: str = ""


class BridgeCall(Edit, frozen=True):
    """Have the session `to` make the call at `span`, on its sync side.

    `f(a, db=db)` becomes `db.run_sync(lambda session: f(a, db=session))`. `session` says which
    argument that is, in the order of the source. `passed` names what is evaluated before, because
    nothing can be awaited in a lambda: `(0, "a")` gives
    `db.run_sync(lambda session, a: f(a, db=session), g())`; -1 stands for what is called.
    """

    to: str
    session: int
    name: str = "session"
    passed: tuple[tuple[int, str], ...] = ()


class SpreadArgument(Edit, frozen=True):
    """Give the elements of the first argument of the call at `span` as arguments of their own.

    `f([a, b])` becomes `f(a, b)`; `f(values)` becomes `f(*values)`.
    """


class RecallCall(Edit, frozen=True):
    """Undo a `DelegateCall`: `to(f, a)` becomes `f(a)`, with `first` as a new first argument.

    A lambda in the place of `f` is replaced by its body, `first` and `a` being what it is called
    with.
    """

    first: str = ""


class NestWith(Edit, frozen=True):
    """Make some items of the `with` statement at `span` async, each run in a `with` of its own.

    `kinds` says for each item, in order, whether it is entered asynchronously.
    """

    kinds: tuple[bool, ...]


class AddParameter(Edit, frozen=True):
    """Add the parameter `code` to the function at `span`, where the syntax allows it.

    A parameter with a default goes after the last one that has none and before `*`; when
    `keyword_only`, after `*`.
    """

    code: str
    keyword_only: bool = False


class ReplaceParameter(Edit, frozen=True):
    """Replace the parameter at `span` (name, annotation, default) by `code`; empty removes it."""

    code: str


class AddBase(Edit, frozen=True):
    """Put the base class `code` before the other bases of the class statement at `span`."""

    code: str


class AnnotateName(Edit, frozen=True):
    """Annotate the name that the assignment at `span` gives a value: `x: code = value`."""

    code: str


class AnnotateReturn(Edit, frozen=True):
    """Say what the function at `span` returns: `def f() -> code:`."""

    code: str


class AddArgument(Edit, frozen=True):
    """Add the keyword argument `code` to the call at `span`; a `first` one is positional."""

    code: str
    first: bool = False


class RemoveArgument(Edit, frozen=True):
    """Remove the argument `name` (a keyword, or a position as digits) of the call at `span`."""

    name: str


class ReplaceComment(Edit, frozen=True):
    """Replace the comment at `span` by `code`; without it the blanks before it go, too.

    A comment ends its line, so nothing else of the file moves.
    """

    code: str = ""


AnyEdit: TypeAlias = Union[
    QueryRewrite,
    AwaitCall,
    AwaitAttribute,
    MakeAsync,
    MakeSync,
    ReplaceExpression,
    RenameAttribute,
    ReplaceStatement,
    InsertStatements,
    CopyAssignment,
    CopyStatement,
    HoistExpression,
    UnwrapCall,
    DropAwait,
    DelegateCall,
    BridgeCall,
    SpreadArgument,
    RecallCall,
    NestWith,
    UnwrapBlock,
    DropFinally,
    ChangeBlock,
    WrapStatements,
    RemoveDecorator,
    KeepBoth,
    CopyFunction,
    AddDecorator,
    AddParameter,
    ReplaceParameter,
    AddBase,
    AnnotateName,
    AnnotateReturn,
    AddArgument,
    RemoveArgument,
    ReplaceComment,
]


class ImportChange(msgspec.Struct, frozen=True, order=True):
    """Add `from module import name as alias` (or `import module`, with an empty `name`).

    `beside` is a name of the same module that `name` takes turns with while code migrates; one that
    is `passing` will go again, so no import is broken into lines for it.
    """

    codemod: str
    module: str
    name: str = ""
    alias: str = ""
    beside: str = ""
    passing: bool = False


class FilePlan(msgspec.Struct, frozen=True):
    """All edits of one file.

    `digest` is the SHA-256 of the bytes that the plan was made from; a file that differs is stale.
    `imports` are added if missing, above those of the project: `first_party` are the names that its
    modules begin with. `unneeded` are names whose import goes if nothing uses it after the edits.
    """

    path: str
    digest: str
    edits: tuple[AnyEdit, ...] = ()
    imports: tuple[ImportChange, ...] = ()
    unneeded: tuple[str, ...] = ()
    first_party: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """Everything that a run would do, and what it would leave, with reasons."""

    step: str
    files: tuple[FilePlan, ...] = ()
    functions: tuple[FunctionDecision, ...] = ()
    others: tuple[FunctionDecision, ...] = ()
    """Functions that reasons name and that take no part: tests, the top level of a module."""
    diagnostics: tuple[Diagnostic, ...] = ()
    counts: dict[str, int] = {}
    """`chains`, `chains-left`, `functions`, `functions-kept`, `functions-waiting`, `awaits`,
    `sessions`, `routes`, `routes-kept`, `routes-waiting`."""
    risk: str = "low"
    """`low`, `medium` (something is bridged or left to do) or `high` (it will not be written)."""
    risk_reason: str = "everything is converted"
    version: int = PLAN_VERSION


def encode(plan: Plan) -> bytes:
    """The plan as JSON."""
    return msgspec.json.encode(plan)


def decode(data: bytes | str) -> Plan:
    """The plan that `encode` wrote.

    Raises `msgspec.ValidationError` when `data` is not a plan of this version's shape.
    """
    return msgspec.json.decode(data, type=Plan)
