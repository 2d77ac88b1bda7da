"""Who does the work: processes of this machine, or a Dask cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor

from migrate_async.errors import UsageError
from migrate_async.source.parallel import cpu_count

PROCESSES, DASK = "processes", "dask"


@contextlib.contextmanager
def opened(kind: str, jobs: int, scheduler: str = "") -> Iterator[int | Executor]:
    """What `Workers.of` takes: the number of processes, or an executor, closed at the end.

    `dask` connects to the cluster at `scheduler`, by default to the one that Dask's own
    configuration names, else it starts one of `jobs` processes on this machine. Workers need the
    same version of migrate-async, and not the project's files: they get text. Raises `UsageError`
    when Dask is not installed or the cluster does not answer.
    """
    if kind == PROCESSES:
        yield jobs
        return
    try:
        import dask  # noqa: PLC0415  an optional extra, and slow to import
        from distributed import Client, LocalCluster  # noqa: PLC0415
    except ImportError as error:
        raise UsageError("--executor dask needs Dask: pip install 'migrate-async[dask]'") from error
    with contextlib.ExitStack() as stack:
        address = scheduler or dask.config.get("scheduler-address", None)
        try:
            if not address:
                workers = jobs or cpu_count()
                cluster = LocalCluster(
                    n_workers=workers, threads_per_worker=1, dashboard_address=None
                )
                address = stack.enter_context(cluster)
            client = stack.enter_context(Client(address, timeout="10s"))
        except OSError as error:
            raise UsageError(f"no Dask cluster answers at {address}: {error}") from None
        yield client.get_executor(pure=False)
