"""Follow the names of database code from file to file until nothing new is found.

A name is hot when its definition mentions a database or another hot name. What is hot in a module
is a set of names as the module itself writes them: `save`, and `models.User` where `models` is a
module that it imports. The result is the least fix-point: it does not depend on any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migrate_async.source.blocks import Block, blocks_of
from migrate_async.source.needles import Needles
from migrate_async.source.tree import Tree, Use


class Spread:
    """The files of `tree` that matter because of `seeds`, and what is hot in them."""

    def __init__(self, tree: Tree, seeds: Iterable[str], needles: Needles) -> None:
        self._tree = tree
        self._needles = needles
        self._seeds = frozenset(seeds)
        self.hot: dict[str, set[str]] = {}
        """Modules that matter to their hot names."""
        self._blocks: dict[str, list[Block]] = {}
        self._below: dict[str, set[str]] = {}
        """Packages to the modules below them with something hot, those themselves included."""
        self._run()

    @property
    def paths(self) -> set[str]:
        """The files that matter."""
        return {self._tree.paths[module] for module in self.hot}

    def hot_blocks(self, module: str) -> Iterator[Block]:
        """The definitions of `module` that define something hot, and statements without names."""
        hot = self.hot[module]
        for block in self._blocks[module]:
            if not block.names or not hot.isdisjoint(block.names):
                yield block

    def _run(self) -> None:
        grown = {name for path in sorted(self._seeds) if (name := self._enter(path, ()))}
        while grown:
            paths = {path for module in grown for path in self._takers(module)}
            grown = {name for path in paths if (name := self._enter(path, self._incoming(path)))}

    def _takers(self, module: str) -> Iterator[str]:
        """Files that may import something hot from `module`: a look before imports are read."""
        last = {name.rpartition(".")[2].encode() for name in self.hot[module]}
        signs = (b"import *", *sorted(last, key=len))
        for path in self._tree.importers(module):
            name, data = self._tree.names[path], self._tree.contents[path]
            may_hand_on = name.is_package and module.startswith(f"{name.dotted}.")
            if may_hand_on or name.dotted in self.hot or any(sign in data for sign in signs):
                yield path

    def _enter(self, path: str, names: Iterable[str]) -> str:
        """Make `names` hot in the file; its module if anything there became hot by that."""
        module = self._tree.names[path].dotted
        incoming = set(names)
        is_new = module not in self.hot
        if is_new and not incoming and path not in self._seeds:
            return ""
        if is_new:
            text = self._tree.contents[path].decode("utf-8", "replace").replace("\r\n", "\n")
            self._blocks[module] = list(blocks_of(text))
            self.hot[module] = set(self._tree.database_names(path))
            incoming |= set(self._incoming(path))
        elif incoming <= self.hot[module]:
            return ""
        before = set() if is_new else set(self.hot[module])
        self.hot[module] |= incoming
        self._grow(module, path, is_new)
        if self.hot[module] == before:
            return ""
        self._note(module)
        return module

    def _note(self, module: str) -> None:
        package = module
        while package:
            self._below.setdefault(package, set()).add(module)
            package = package.rpartition(".")[0]

    # --- inside one file -----------------------------------------------------------------------

    def _grow(self, module: str, path: str, is_new: bool) -> None:
        hot = self.hot[module]
        cold = [block for block in self._blocks[module] if not block.names <= hot]
        if is_new:
            for block in cold:
                if self._is_source(block.text, path):
                    hot |= self._names(block, path)
        changed = True
        while changed:
            changed = False
            dotted = [name for name in hot if "." in name]
            for block in cold:
                if block.names <= hot or not _mentions(block, hot, dotted):
                    continue
                new = self._names(block, path) - hot
                changed = changed or bool(new)
                hot |= new

    def _names(self, block: Block, path: str) -> frozenset[str]:
        if not block.is_call:
            return block.names
        return block.names - {use.bound for use in self._tree.uses(path)}

    def _is_source(self, text: str, path: str) -> bool:
        if self._needles.in_text(text):
            return True
        return path in self._seeds and self._needles.has_session(text)

    # --- between files -------------------------------------------------------------------------

    def _incoming(self, path: str) -> Iterator[str]:
        """What the file imports that is hot, as it is called there."""
        for use in self._tree.uses(path):
            if use.name == "*":
                yield from self.hot.get(use.home, ())
            elif use.name:
                yield from self._renamed(use)
            elif use.home in self._below:
                yield from self._attributes(use, path)

    def _renamed(self, use: Use) -> Iterator[str]:
        inside = f"{use.name}."
        for name in self.hot.get(use.home, ()):
            if name == use.name:
                yield use.bound
            elif name.startswith(inside):
                yield f"{use.bound}.{name.removeprefix(inside)}"

    def _attributes(self, use: Use, path: str) -> Iterator[str]:
        """Hot names as attributes of an imported module, where the file mentions them.

        A package hands on the modules in it even if it does not mention what is in them.
        """
        importer, data = self._tree.names[path], self._tree.contents[path]
        is_handed_on = importer.is_package and use.home.startswith(f"{importer.dotted}.")
        for module in self._below[use.home]:
            prefix = f"{use.bound}{module.removeprefix(use.home)}."
            if not is_handed_on and prefix.encode() not in data:
                continue
            for name in self.hot[module]:
                # Modules that import each other would name each other for ever.
                if "." not in name and (is_handed_on or f"{prefix}{name}".encode() in data):
                    yield f"{prefix}{name}"


def _mentions(block: Block, hot: set[str], dotted: list[str]) -> bool:
    return not hot.isdisjoint(block.words) or any(name in block.text for name in dotted)
