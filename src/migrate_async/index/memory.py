"""Remembered results of a computation that runs into itself.

A result that was computed while something it needs was still being computed is provisional: it
serves until the outermost such computation, the head of the cycle, is done, and is computed anew
when it is asked for again. A result is thrown away a limited number of times, so that the work
stays linear in the number of results; more often if nothing was found, which is most likely to be
wrong: each `query = query.filter(...)` waits for all the others.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from migrate_async.index.types import UNKNOWN, Types, in_order

Key = TypeVar("Key")
_Token: TypeAlias = tuple[int, object]

_MAX_DEPTH = 400
_MAX_RETRIES = 2
_MAX_EMPTY_RETRIES = 20
_FREE = sys.maxsize


class Memory:
    """Runs computations for any number of memos (dictionaries of results)."""

    def __init__(self) -> None:
        self._known: dict[Types, Types] = {}
        """Each result once: most are empty, or the types of a name that is used often."""
        self._running: dict[_Token, int] = {}
        self._retries: Counter[_Token] = Counter()
        self._heads: defaultdict[int, list[tuple[dict[Any, Types], object]]] = defaultdict(list)
        self._lowest = _FREE
        """Depth of the lowest running computation that the current one has met."""
        self.provisional: dict[_Token, int] = {}
        """Provisional results, with the depth of the head of their cycle."""

    def recall(self, memo: dict[Key, Types], key: Key) -> Types | None:
        """The remembered result; what uses a provisional one becomes provisional."""
        found = memo.get(key)
        if found is not None and self.provisional:
            head = self.provisional.get((id(memo), key), _FREE)
            self._lowest = min(self._lowest, head)
        return found

    def remember(
        self, memo: dict[Key, Types], key: Key, compute: Callable[..., Types], *args: object
    ) -> Types:
        """Compute and note `memo[key]`; empty when that is being computed already."""
        token = (id(memo), key)
        depth = len(self._running)
        running = self._running.get(token, 0 if depth > _MAX_DEPTH else None)
        if running is not None:
            self._lowest = min(self._lowest, running)
            return UNKNOWN
        self._running[token] = depth
        outer, self._lowest = self._lowest, _FREE
        try:
            found = compute(*args)
            memo[key] = found = self._once(found)
        finally:
            del self._running[token]
            lowest, self._lowest = self._lowest, outer
        if lowest < depth:
            self._lowest = min(outer, lowest)
            self._note(memo, key, depth, lowest, _MAX_RETRIES if found else _MAX_EMPTY_RETRIES)
        elif depth in self._heads:
            self._drop(self._heads.pop(depth))
        return found

    def _once(self, types: Types) -> Types:
        known = self._known.get(types)
        if known is None:
            known = self._known[types] = in_order(types)
        return known

    def _note(
        self, memo: dict[Any, Types], key: object, depth: int, head: int, retries: int
    ) -> None:
        """The result, and those that waited for it, wait for the computation at `head`."""
        waiting = self._heads.pop(depth, [])
        for inner_memo, inner_key in waiting:
            self.provisional[id(inner_memo), inner_key] = head
        token = (id(memo), key)
        if self._retries[token] < retries:
            self._retries[token] += 1
            self.provisional[token] = head
            waiting.append((memo, key))
        self._heads[head].extend(waiting)

    def _drop(self, waiting: list[tuple[dict[Any, Types], object]]) -> None:
        for memo, key in waiting:
            memo.pop(key, None)
            self.provisional.pop((id(memo), key), None)
