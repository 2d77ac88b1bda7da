"""migrate-async: from sync SQLAlchemy to async SQLAlchemy 2.x, one route at a time.

The names of the runtime are loaded on first use: `import migrate_async` alone imports neither
SQLAlchemy nor FastAPI, nor anything of the tooling.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from migrate_async.runtime.base import Base as Base
    from migrate_async.runtime.database import ConnectionCheck as ConnectionCheck
    from migrate_async.runtime.database import Database as Database
    from migrate_async.runtime.database import DatabaseInfo as DatabaseInfo
    from migrate_async.runtime.database import check_db_connection as check_db_connection
    from migrate_async.runtime.database import close_db as close_db
    from migrate_async.runtime.database import get_database as get_database
    from migrate_async.runtime.database import get_db_info as get_db_info
    from migrate_async.runtime.database import init_db as init_db
    from migrate_async.runtime.dependencies import DbSession as DbSession
    from migrate_async.runtime.dependencies import get_db as get_db
    from migrate_async.runtime.engine import async_sessionmaker as async_sessionmaker
    from migrate_async.runtime.engine import create_async_engine as create_async_engine
    from migrate_async.runtime.hop import HopSession as HopSession
    from migrate_async.runtime.http import health_router as health_router
    from migrate_async.runtime.http import install_error_handlers as install_error_handlers
    from migrate_async.runtime.http import lifespan as lifespan
    from migrate_async.runtime.memory import InMemoryRepository as InMemoryRepository
    from migrate_async.runtime.memory import InMemoryUnitOfWork as InMemoryUnitOfWork
    from migrate_async.runtime.migrations import run_migrations as run_migrations
    from migrate_async.runtime.mixins import TimestampMixin as TimestampMixin
    from migrate_async.runtime.mixins import UserTrackingMixin as UserTrackingMixin
    from migrate_async.runtime.pagination import CursorPage as CursorPage
    from migrate_async.runtime.pagination import Page as Page
    from migrate_async.runtime.pagination import paginate as paginate
    from migrate_async.runtime.pagination import paginate_by_key as paginate_by_key
    from migrate_async.runtime.pools import FairAsyncQueuePool as FairAsyncQueuePool
    from migrate_async.runtime.repository import AsyncRepository as AsyncRepository
    from migrate_async.runtime.soft_delete import SoftDeleteMixin as SoftDeleteMixin
    from migrate_async.runtime.soft_delete import with_deleted as with_deleted
    from migrate_async.runtime.unit_of_work import UnitOfWork as UnitOfWork
    from migrate_async.runtime.urls import mask_url as mask_url
    from migrate_async.runtime.urls import to_async_url as to_async_url
    from migrate_async.runtime.urls import to_sync_url as to_sync_url

__version__ = "0.1.0"

_EXPORTS = {
    "HopSession": "hop",
    "AsyncRepository": "repository",
    "Base": "base",
    "ConnectionCheck": "database",
    "CursorPage": "pagination",
    "Database": "database",
    "DatabaseInfo": "database",
    "DbSession": "dependencies",
    "FairAsyncQueuePool": "pools",
    "InMemoryRepository": "memory",
    "InMemoryUnitOfWork": "memory",
    "Page": "pagination",
    "SoftDeleteMixin": "soft_delete",
    "TimestampMixin": "mixins",
    "UnitOfWork": "unit_of_work",
    "UserTrackingMixin": "mixins",
    "async_sessionmaker": "engine",
    "check_db_connection": "database",
    "close_db": "database",
    "create_async_engine": "engine",
    "get_database": "database",
    "get_db": "dependencies",
    "get_db_info": "database",
    "health_router": "http",
    "init_db": "database",
    "install_error_handlers": "http",
    "lifespan": "http",
    "mask_url": "urls",
    "paginate": "pagination",
    "paginate_by_key": "pagination",
    "run_migrations": "migrations",
    "to_async_url": "urls",
    "to_sync_url": "urls",
    "with_deleted": "soft_delete",
}
"""Public name -> module of `migrate_async.runtime`; a test holds it against the imports above."""


def __getattr__(name: str) -> object:
    module = _EXPORTS.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.runtime.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
