"""Look through a project for what a migration gets wrong. Nothing of it is imported or run."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping

from migrate_async.index.project import Project
from migrate_async.model.diagnostic import Diagnostic
from migrate_async.source.trees import parse_module
from migrate_async.verify import findings as f
from migrate_async.verify.awaits import Awaits
from migrate_async.verify.bindings import check_bindings, check_injected
from migrate_async.verify.coroutines import Coroutines
from migrate_async.verify.imports import Exists, Imports
from migrate_async.verify.names import has_star_import, line_of, undefined_names
from migrate_async.verify.overrides import check_overrides
from migrate_async.verify.protocols import Protocols
from migrate_async.verify.usage import Usages


def verify_tree(project: Project, texts: Mapping[str, str], exists: Exists) -> list[Diagnostic]:
    """What is wrong with the project, sorted by place; see `verify.findings` for the codes.

    `texts` has the text of each module by path; `exists` tells of files that were not indexed.
    """
    usages = Usages(project)
    coroutines = Coroutines(project, usages)
    awaits = Awaits(project, usages, coroutines)
    protocols = Protocols(project, coroutines)
    imports = Imports(project, exists)
    found: list[Diagnostic] = []
    for fn in project.functions:
        found += awaits.check(fn)
        found += protocols.check(fn)
        found += check_overrides(project, coroutines, fn)
        found += check_bindings(project, fn)
        found += check_injected(project, fn)
        found += imports.check_attributes(fn)
    for fn in project.originals.torn:
        if fn.node is not None:
            message = f"{fn.qualname} and its async twin may no longer do the same"
            found.append(f.TORN_TWIN.at(fn.module.path, fn.node.span, message))
    for module in project.modules.values():
        found += imports.check(module)
        found += check_text(module.path, texts[module.path])
    return sorted(set(found))


def check_text(path: str, text: str) -> Iterator[Diagnostic]:
    """What the compiler says of a module: that it does not compile, or of names without a value."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parse_module(text)
            compile(tree, path, "exec", dont_inherit=True)
        names = undefined_names(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None) or 0
        yield f.DOES_NOT_COMPILE.at(path, (line, 0, line, 0), f"does not compile: {error}")
        return
    if names and not has_star_import(text) and "NameError" not in text:
        for name in sorted(names):
            line = line_of(name, tree)
            yield f.UNDEFINED_NAME.at(path, (line, 0, line, 0), f"{name} is not defined")
