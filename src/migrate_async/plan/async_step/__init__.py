"""The step that changes colour: from sync functions on a sync session to coroutines.

`world` knows who converts and what stays; `functions`, `sync_side` and `modules` plan the edits,
`step` puts them in order.
"""

from migrate_async.plan.async_step.step import AsyncStep

__all__ = ["AsyncStep"]
