"""Failures of the recorder stay in the recorder."""

from __future__ import annotations

import functools
from typing import Any, Callable


def guarded(
    tell: Callable[[BaseException], None], function: Callable[..., Any]
) -> Callable[..., None]:
    """`function`, whose result is dropped and whose errors go to `tell`."""

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> None:
        try:
            function(*args, **options)
        except Exception as error:  # noqa: BLE001 - the application must not notice
            tell(error)

    return call
