"""From a project to its `QueryPlan`."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import cached_property

import msgspec

from migrate_async.config import Settings
from migrate_async.index.project import Project
from migrate_async.index.scopes import Function, Module
from migrate_async.knowledge import query_refusals as why
from migrate_async.model import diagnostic
from migrate_async.model import syntax as s
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.model.plan import AddArgument, AddParameter, ReplaceExpression
from migrate_async.plan.queries.chains import Piece
from migrate_async.plan.queries.custom import check_custom_queries
from migrate_async.plan.queries.draft import Draft, Left, Setting
from migrate_async.plan.queries.evaluate import Evaluator
from migrate_async.plan.queries.flow import Flow
from migrate_async.plan.queries.helpers import SessionThreading, check_helpers, describe
from migrate_async.plan.queries.ledger import Ledger, Refused, refused
from migrate_async.plan.queries.names import CODEMOD, Imports
from migrate_async.plan.queries.network import Network
from migrate_async.plan.queries.project import ProjectView, in_string
from migrate_async.plan.queries.raw import RawSql
from migrate_async.plan.queries.result import LEAVE, TRANSLATE, Chain, FunctionQueries, QueryPlan
from migrate_async.plan.queries.state import QueryState, Shape
from migrate_async.plan.queries.statements import forget_statements
from migrate_async.plan.queries.transitions import Transitions
from migrate_async.plan.queries.translate import edits, is_out_of_place, translate
from migrate_async.plan.text import text


def plan_queries(
    project: Project,
    settings: Settings,
    awaited: Callable[[Function], bool],
    loads: Mapping[s.Expr, tuple[str, ...]] | None = None,
) -> QueryPlan:
    """Plan the translation of every legacy query of `project`.

    `awaited` says of a function whether it will be a coroutine function with an async session;
    `loads` gives the loader options to add to a query, by its `session.query(...)` (or by the call
    that gives the query).
    """
    return Queries(project, settings).plan(awaited, loads)


class Queries:
    """The queries of a project: found once, planned for each way in which functions convert."""

    def __init__(self, project: Project, settings: Settings) -> None:
        self._settings = settings
        view = ProjectView(project)
        self._network = network = Network(view, Transitions(view))
        for function in network.pending():
            _run(network, function, Ledger())
        self._ledger = Ledger()
        for function in network.visited:
            _run(network, function, self._ledger)
        check_helpers(network, self._ledger)
        check_custom_queries(view, self._ledger)
        forget_statements(view, self._ledger)

    @cached_property
    def sync(self) -> QueryPlan:
        """What becomes of them while no function changes colour."""
        return self.plan(awaited=lambda _function: False)

    def plan(
        self,
        awaited: Callable[[Function], bool],
        loads: Mapping[s.Expr, tuple[str, ...]] | None = None,
    ) -> QueryPlan:
        """As `plan_queries`."""
        ledger = self._ledger.copy()
        return _Planning(self._network, ledger, self._settings, awaited, loads or {}).plan()


def _run(network: Network, function: Function, ledger: Ledger) -> None:
    flow = Flow(function, Evaluator(network, function, ledger))
    flow.run()
    network.learn_names(function, flow.bound)


class _Planning:
    def __init__(
        self,
        network: Network,
        ledger: Ledger,
        settings: Settings,
        awaited: Callable[[Function], bool],
        loads: Mapping[s.Expr, tuple[str, ...]],
    ) -> None:
        self._loads = loads
        self._network = network
        self._ledger = ledger
        self._settings = settings
        self._awaited = awaited
        self._imports: dict[Module, Imports] = {}
        self._threading = SessionThreading(network, ledger)
        self._drafts: dict[s.Expr, Draft] = {}
        self._functions: dict[Function, FunctionQueries] = {}
        self._numbers: dict[Hashable, int] = {}
        self._added: set[Function] = set()

    def plan(self) -> QueryPlan:
        for root, piece in self._ledger.pieces.items():
            self._translate(root, piece)
        self._need_sessions()
        reasons = self._reasons()
        for root, piece in self._ledger.pieces.items():
            self._conclude(root, piece, reasons)
        self._change_annotations(reasons)
        self._ask_for_none(reasons)
        self._add_raw_sql()
        self._hand_sessions_on(reasons)
        self._add_diagnostics()
        return QueryPlan(self._functions)

    # --- translation ---------------------------------------------------------------------------

    def _translate(self, root: s.Expr, piece: Piece) -> None:
        if piece.is_trivial or (piece.is_dynamic and piece.states[0].session is None):
            return  # in the second case it is refused already
        setting = Setting(
            self._network.project,
            self._names(piece.function.module),
            self._awaited(piece.function),
            self._settings.target_sqlalchemy,
            self._loads.get(piece.head or piece.root, ()),
        )
        try:
            self._drafts[root] = translate(piece, setting)
        except Left as left:
            self._ledger.refuse({root}, left.problem)

    def _names(self, module: Module) -> Imports:
        if module not in self._imports:
            functions = self._network.project.project.functions_of(module)
            inner = [fn for fn in functions if not fn.is_module]
            self._imports[module] = Imports(module, inner)
        return self._imports[module]

    def _need_sessions(self) -> None:
        """Ask for new parameters, for pieces that stand; refusals may follow from that."""
        left = self._reasons()
        for root, draft in self._drafts.items():
            ref = draft.new_session
            if ref is not None and self._ledger.groups.find(root) not in left:
                self._threading.need(ref.function, ref.text)

    def _reasons(self) -> dict[Hashable, Refused]:
        """The first problem of each group that is left."""
        found: dict[Hashable, Refused] = {}
        for origin, problem in self._ledger.refusals:
            found.setdefault(self._ledger.groups.find(origin), problem)
        return found

    # --- results -------------------------------------------------------------------------------

    def _of(self, function: Function) -> FunctionQueries:
        return self._functions.setdefault(function, FunctionQueries())

    def _conclude(self, root: s.Expr, piece: Piece, reasons: dict[Hashable, Refused]) -> None:
        if piece.is_trivial:
            return
        group = self._ledger.groups.find(root)
        found, reason = self._of(piece.function), reasons.get(group)
        draft = self._drafts.get(root)
        if reason is None and draft is not None:
            found.edits += edits(draft, self._settings.style)
            found.imports |= draft.imports
            found.unneeded |= _names_before(root)
            found.diagnostics += [self._diagnostic(note) for note in draft.notes]
        elif reason is not None:
            self._connect(root, piece, reason)
        found.chains.append(
            Chain(
                function=piece.function,
                span=piece.node.span,
                expression=describe(piece.node),
                state=TRANSLATE if reason is None else LEAVE,
                executes=piece.executes,
                group=self._numbers.setdefault(group, len(self._numbers)),
                is_stuck=piece.executes
                and is_out_of_place(self._network.project.project, piece.node),
                code="" if reason is None else reason.refusal.code,
                reason="" if reason is None else reason.message,
            )
        )

    def _connect(self, root: s.Expr, piece: Piece, reason: Refused) -> None:
        """Say which problem of another piece keeps this one, if it has none of its own."""
        own = {origin for origin, _ in self._ledger.refusals}
        if root in own or piece.head is None:
            return
        place = f"{reason.function.module.path}:{reason.node.line}"
        problem = Refused(why.CONNECTED, piece.function, piece.node, (("place", place),))
        self._of(piece.function).diagnostics.append(self._diagnostic(problem))

    def _add_diagnostics(self) -> None:
        seen: set[Refused] = set()
        for _, problem in self._ledger.refusals:
            if problem not in seen:
                seen.add(problem)
                self._of(problem.function).diagnostics.append(self._diagnostic(problem))
        for problem in self._ledger.notes:
            self._of(problem.function).diagnostics.append(self._diagnostic(problem))

    @staticmethod
    def _diagnostic(problem: Refused) -> Diagnostic:
        made = diagnostic.at(
            problem.function.module.path,
            problem.node.span,
            problem.refusal.code,
            problem.message,
            problem.next_step,
        )
        return msgspec.structs.replace(made, severity=problem.refusal.severity)

    def _add_raw_sql(self) -> None:
        raw = RawSql(self._network.project, self._awaited)
        for function in self._network.project.project.functions:
            planned = raw.plan(function, self._names(function.module))
            if planned.edits or planned.problems:
                found = self._of(function)
                found.edits += planned.edits
                found.imports |= planned.imports
                found.diagnostics += [self._diagnostic(item) for item in planned.problems]

    def _ask_for_none(self, reasons: dict[Hashable, Refused]) -> None:
        """Have tests ask what they asked of a `Query`: whether there is one."""
        for truth in self._ledger.truths.values():
            if any(self._ledger.groups.find(origin) in reasons for origin in truth.origins):
                continue
            found, node = self._of(truth.function), truth.node
            found.edits.append(ReplaceExpression(span=node.span, codemod=CODEMOD, code=truth.code))
            named = {"text": truth.code.partition(" ")[0], "code": truth.code}
            note = refused(why.ALWAYS_TRUE, truth.function, node, **named)
            found.diagnostics.append(self._diagnostic(note))

    # --- annotations and sessions --------------------------------------------------------------

    def _change_annotations(self, reasons: dict[Hashable, Refused]) -> None:
        used = {self._ledger.groups.find(root) for root in self._ledger.pieces}
        for function, annotation, origin, state in self._annotations():
            group = self._ledger.groups.find(origin)
            written = self._network.project.query_name(annotation)
            if written is None or group in reasons or group not in used:
                continue
            found = self._of(function)
            name, changes = self._names(function.module).name("sqlalchemy.Select")
            found.imports |= set(changes)
            code = f"{name}{self._argument(state, function)}"
            if isinstance(written, s.Constant):
                code = text(msgspec.structs.replace(written, value=in_string(written, code)))
            found.edits.append(ReplaceExpression(span=written.span, codemod=CODEMOD, code=code))
            found.unneeded.add(_head(written))

    def _annotations(self) -> Iterator[tuple[Function, s.Expr, Hashable, QueryState | None]]:
        for function in self._network.visited:
            for name, state in self._network.parameters(function):
                for param in function.params:
                    if param.name == name and param.annotation is not None:
                        yield function, param.annotation, ("param", function, name), state
            returned = self._network.returned(function)
            node = function.node
            if returned is not None and isinstance(node, s.FunctionDef) and node.returns:
                yield function, node.returns, ("return", function), returned
        for function, annotation, state in self._ledger.annotations:
            yield function, annotation, next(iter(state.origins)), state

    def _argument(self, state: QueryState | None, function: Function) -> str:
        """`[tuple[User]]` for a query of one entity that the module of `function` knows."""
        if state is None or state.shape is not Shape.ENTITY or state.entity is None:
            return ""
        entity = state.entity
        if entity.kind != "class" or entity.model is None:
            return ""
        name = self._network.project.name_of(entity.model, function)
        if self._settings.target_sqlalchemy == "2.1":
            return f"[{name}]" if name else ""
        return f"[tuple[{name}]]" if name else ""

    def _hand_sessions_on(self, reasons: dict[Hashable, Refused]) -> None:
        groups = self._ledger.groups
        for function, name in self._threading.needing.items():
            params = [param for param, _ in self._network.parameters(function)]
            if any(groups.find(("param", function, param)) in reasons for param in params):
                continue
            self._add_parameter(function, name)
        for caller, call, code in self._threading.arguments():
            targets = [found.function for found in self._network.project.targets(call)]
            if all(target in self._added for target in targets):
                edit = AddArgument(span=call.span, codemod=CODEMOD, code=code)
                self._of(caller).edits.append(edit)
                self._of(caller).hands_on = True

    def _add_parameter(self, function: Function, name: str) -> None:
        is_async = self._awaited(function)
        home = "sqlalchemy.ext.asyncio.AsyncSession" if is_async else "sqlalchemy.orm.Session"
        written, changes = self._names(function.module).name(home)
        found = self._of(function)
        found.imports |= set(changes)
        if function.node is None:
            return
        found.hands_on = True
        found.edits.append(
            AddParameter(
                span=function.node.span,
                codemod=CODEMOD,
                code=f"{name}: {written}",
                keyword_only=True,
            )
        )
        self._added.add(function)


def _head(written: s.Expr) -> str:
    """The imported name in `Query`, `Query[User]`, `orm.Query` or `"Query"`."""
    if isinstance(written, s.Constant):
        return "Query"
    named = written.value if isinstance(written, s.Subscript) else written
    return text(named).partition(".")[0]


def _names_before(root: s.Expr) -> set[str]:
    """The names of what a query is made with, `Session(engine).query(...)`: a select needs none."""
    func = root.func if isinstance(root, s.Call) else None
    session = func.value if isinstance(func, s.Attribute) else None
    nodes = s.walk(session) if isinstance(session, s.Call) else ()
    return {node.id for node in nodes if isinstance(node, s.Name)}
