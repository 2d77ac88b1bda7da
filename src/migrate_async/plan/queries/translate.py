"""One piece of a chain to one `QueryRewrite`."""

from __future__ import annotations

from migrate_async.index.project import Project
from migrate_async.knowledge import query_refusals as why
from migrate_async.model import syntax as s
from migrate_async.model.plan import AddArgument, AnyEdit, Link, MakeAsync, QueryRewrite
from migrate_async.plan.names import free_name
from migrate_async.plan.queries.bulk import BULK
from migrate_async.plan.queries.chains import Piece
from migrate_async.plan.queries.draft import STATEMENT, Draft, Setting
from migrate_async.plan.queries.names import CODEMOD
from migrate_async.plan.queries.pages import paginate
from migrate_async.plan.queries.products import PRODUCTS
from migrate_async.plan.queries.steps import add_step, check
from migrate_async.plan.queries.terminals import EXECUTED, iterate
from migrate_async.plan.text import text

_ENDINGS = {**EXECUTED, **PRODUCTS, **BULK}


def translate(piece: Piece, setting: Setting) -> Draft:
    """The translation of `piece`.

    Raises `Left` when there is none that means the same.
    """
    draft = Draft(piece, setting)
    if piece.is_dynamic:
        draft.root = f"{text(piece.root)}.statement"
    for number, step in enumerate(piece.steps):
        if step.ends:
            check(draft, step, piece.states[number])
            _ENDINGS[step.name](draft, number, step, piece.states[number])
        else:
            add_step(draft, number)
    if piece.last is None or not piece.last.ends:
        _end(draft)
    if piece.head is not None and draft.builds and not draft.root:
        draft.root = f"{draft.name('sqlalchemy.select')}({{*}})"
    if draft.builds and setting.loads:
        draft.links[:0] = [Link("options", -1, option) for option in setting.loads]
    if (draft.runs or piece.page is not None) and setting.awaited:
        _check_place(draft)
    return draft


def _end(draft: Draft) -> None:
    """What is done with a query that no step of the piece ends."""
    piece = draft.piece
    if piece.page is not None:
        paginate(draft, piece.state)
    elif piece.executes:
        iterate(draft, piece.state)
    elif draft.statement != STATEMENT:
        draft.call = draft.statement


def edits(draft: Draft, style: str) -> tuple[AnyEdit, ...]:
    """The edits that carry out `draft`."""
    piece = draft.piece
    awaited = draft.runs and draft.setting.awaited
    hoisted = awaited and style == "result" and bool(draft.tail)
    rewrite = QueryRewrite(
        span=piece.node.span,
        codemod=CODEMOD,
        root=draft.root,
        links=tuple(draft.links),
        call=draft.call,
        tail=draft.tail,
        awaited=awaited,
        hoist=free_name(piece.function, "result") if hoisted else "",
    )
    if draft.page_session and piece.page is not None:
        span, code = piece.page.span, draft.page_session
        return rewrite, AddArgument(span=span, codemod=CODEMOD, code=code, first=True)
    if not draft.loop_is_async:
        return (rewrite,)
    parent = draft.setting.project.project.parent(piece.node)
    span = parent.span if isinstance(parent, s.For) else piece.node.span
    return rewrite, MakeAsync(span=span, codemod=CODEMOD)


def _check_place(draft: Draft) -> None:
    """Raise `Left` where an `await` would turn a generator expression into an async one."""
    piece, project = draft.piece, draft.setting.project.project
    if is_out_of_place(project, piece.node, looped=draft.loop_is_async):
        raise draft.left(why.OUT_OF_PLACE, piece.node, place="a generator expression")


def is_out_of_place(project: Project, node: s.Expr, *, looped: bool = False) -> bool:
    """Whether awaiting `node`, or looping over it, would make a generator expression async.

    Its first iterable is evaluated outside, and at once.
    """
    child: s.AnyNode | s.ModuleSyntax = node
    iterated: s.AnyNode | None = None
    while not isinstance(child, s.FunctionDef | s.Lambda | s.ModuleSyntax):
        around = project.parent(child)
        if isinstance(around, s.Generator):
            iterated = around if child is around.iter else None
        is_generator = isinstance(around, s.Comprehension) and around.kind == "generator"
        if is_generator and not (_is_first(around, iterated) and not looped):
            return True
        child = around
    return False


def _is_first(comprehension: s.AnyNode | s.ModuleSyntax, iterated: s.AnyNode | None) -> bool:
    """Is the iterable of `iterated` evaluated outside of the comprehension, and at once?"""
    return isinstance(comprehension, s.Comprehension) and iterated is comprehension.generators[0]
