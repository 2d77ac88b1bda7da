"""What a codemod is: a name, a documentation with examples, and the edits of a plan.

A codemod decides nothing about the project: the plan names the edits, and whichever of them carry
the codemod's `NAME` are made. Subclasses therefore hold no code:

    class QueryToSelect(PlannedCodemod):
        \"\"\"Turn legacy queries into 2.0-style statements. ...\"\"\"

        NAME = "query-to-select"
        CODE = "MA100"
        EXAMPLES = (Example("one row", before="...", after="..."), ...)
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
from abc import ABC
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import libcst as cst
import msgspec
from libcst.codemod import CodemodCommand, CodemodContext, SkipFile

from migrate_async.errors import InternalError, StalePlanError
from migrate_async.model.plan import FilePlan, Plan, Step, decode
from migrate_async.rewrite.engine import rewrite_text
from migrate_async.source.read import digest_of

ALONE = "module.py"
"""The path of a module that is planned by itself."""


@dataclasses.dataclass(frozen=True)
class Example:
    """Documentation and test in one. Without `after` the text must come out as it is.

    `title` says what the case is about or, where nothing changes, the reason. Without a `plan` the
    planner makes one from `before` alone.
    """

    title: str
    before: str
    after: str | None = None
    plan: Plan | None = None


class PlannedCodemod(CodemodCommand, ABC):
    """Base of all codemods; each is also an ordinary LibCST command.

    `plan` is a plan, or the path of one as JSON. Without it each file is planned by itself, as if
    there were no other: enough for examples, too little for functions that call each other.
    """

    NAME: ClassVar[str]
    """The name that edits carry, and the command line takes."""
    CODE: ClassVar[str]
    """The stable code of what it reports."""
    EXAMPLES: ClassVar[tuple[Example, ...]]
    STEP: ClassVar[Step] = Step.ALL
    """The step to plan for when there is no plan."""
    AFTER: ClassVar[tuple[str, ...]] = ()
    """Names of the codemods that come before this one in lists."""

    planner: ClassVar[Callable[[str, Step], Plan]]

    def __init_subclass__(cls, **arguments: object) -> None:
        super().__init_subclass__(**arguments)
        if ABC in cls.__bases__:
            return
        _check(cls)
        cls.DESCRIPTION = (cls.__doc__ or "").strip().splitlines()[0]

    def __init__(self, context: CodemodContext, plan: Plan | str | None = None) -> None:
        super().__init__(context)
        self._plan = _read_plan(plan) if isinstance(plan, str) else plan

    @staticmethod
    def add_args(parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--plan",
            metavar="PATH",
            default=None,
            help="the output of `migrate-async plan --format json`; "
            "without it each file is planned by itself",
        )

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        """`tree` with the edits of this codemod made.

        Raises `SkipFile` when the file is not in the plan, changed since, or does not fit it.
        """
        file = self._file(tree)
        try:
            text = rewrite_text(only(file, self.NAME), tree.code)
        except InternalError as error:
            raise SkipFile(f"MA901: {error}") from error
        return cst.parse_module(text, config=tree.config_for_parsing)

    def _file(self, tree: cst.Module) -> FilePlan:
        if self._plan is None:
            return _only_file(type(self).planner(tree.code, self.STEP))
        file = _find(self._plan, self.context.filename or "")
        if file is None:
            raise SkipFile("not in the plan")
        if file.digest and file.digest != digest_of(tree.bytes):
            raise SkipFile("the file changed after the plan was made: plan again")
        return file


def plan_alone(text: str, step: Step) -> Plan:
    """The plan for one module by itself."""
    from migrate_async.config import Settings  # noqa: PLC0415 - planning is not always needed
    from migrate_async.index.extract import extract  # noqa: PLC0415
    from migrate_async.index.project import ModuleInput, build  # noqa: PLC0415
    from migrate_async.plan.planner import make_plan  # noqa: PLC0415

    settings = Settings()
    module = ModuleInput(ALONE, ALONE.removesuffix(".py"), False, extract(text, ALONE))
    return make_plan(build([module], settings), step, settings)


PlannedCodemod.planner = staticmethod(plan_alone)


def run_example(codemod: type[PlannedCodemod], example: Example) -> str:
    """What `codemod` makes of the example's text."""
    plan = example.plan or codemod.planner(example.before, codemod.STEP)
    return rewrite_text(only(_only_file(plan), codemod.NAME), example.before)


def only(file: FilePlan, codemod: str) -> FilePlan:
    """`file` with the edits and imports of one codemod."""
    return msgspec.structs.replace(
        file,
        edits=tuple(edit for edit in file.edits if edit.codemod == codemod),
        imports=tuple(change for change in file.imports if change.codemod == codemod),
    )


def _check(cls: type[PlannedCodemod]) -> None:
    """Refuse a codemod that does not say what it does, and show what it leaves."""
    for name in ("NAME", "CODE"):
        if not isinstance(getattr(cls, name, None), str):
            raise TypeError(f"{cls.__name__} has no {name}")
    if not (cls.__doc__ or "").strip():
        raise TypeError(f"{cls.__name__} has no docstring")
    examples = getattr(cls, "EXAMPLES", ())
    if not any(example.after is not None for example in examples):
        raise TypeError(f"{cls.__name__} has no example of what it changes")
    if not any(example.after is None for example in examples):
        raise TypeError(f"{cls.__name__} has no example of what it leaves alone")


@functools.cache
def _read_plan(path: str) -> Plan:
    """The plan in the file `path`; read once in each process."""
    try:
        return decode(Path(path).read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise StalePlanError(f"{path} holds no plan of this version: {error}") from error


def _find(plan: Plan, filename: str) -> FilePlan | None:
    """The file of the plan that `filename` (often absolute) ends with; the longest that fits."""
    name = "/" + Path(filename).as_posix().lstrip("/")
    fitting = [file for file in plan.files if name.endswith("/" + file.path)]
    return max(fitting, key=lambda file: len(file.path), default=None)


def _only_file(plan: Plan) -> FilePlan:
    return plan.files[0] if plan.files else FilePlan(path=ALONE, digest="")
