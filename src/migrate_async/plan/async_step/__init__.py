"""The step that changes colour: from sync functions on a sync session to coroutines.

`grounds` are the same whoever converts; `world` knows who does and what stays; `functions`,
`sync_side` and `modules` plan the edits, `step` puts them in order.
"""

from migrate_async.plan.async_step.grounds import Grounds
from migrate_async.plan.async_step.step import AsyncStep

__all__ = ["AsyncStep", "Grounds"]
