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
    from migrate_async.runtime.leaks import LeakDetector as LeakDetector
    from migrate_async.runtime.leaks import leaks as leaks
    from migrate_async.runtime.leaks import watch_leaks as watch_leaks
    from migrate_async.runtime.legacy.adapter import SyncSessionAdapter as SyncSessionAdapter
    from migrate_async.runtime.legacy.container import Container as Container
    from migrate_async.runtime.legacy.container import adopt_registry as adopt_registry
    from migrate_async.runtime.legacy.install import install as install
    from migrate_async.runtime.legacy.install import uninstall as uninstall
    from migrate_async.runtime.legacy.loop import run_async as run_async
    from migrate_async.runtime.legacy.modes import Mode as Mode
    from migrate_async.runtime.legacy.modes import in_mode as in_mode
    from migrate_async.runtime.legacy.modes import use_mode as use_mode
    from migrate_async.runtime.legacy.overrides import install_overrides as install_overrides
    from migrate_async.runtime.legacy.sessions import LegacySession as LegacySession
    from migrate_async.runtime.legacy.sessions import get_sync_db as get_sync_db
    from migrate_async.runtime.legacy.sessions import legacy_engine as legacy_engine
    from migrate_async.runtime.legacy.sessions import legacy_sessionmaker as legacy_sessionmaker
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
    from migrate_async.runtime.status import status_router as status_router
    from migrate_async.runtime.telemetry import migration_report as migration_report
    from migrate_async.runtime.telemetry import start_telemetry as start_telemetry
    from migrate_async.runtime.unit_of_work import UnitOfWork as UnitOfWork
    from migrate_async.runtime.urls import mask_url as mask_url
    from migrate_async.runtime.urls import to_async_url as to_async_url
    from migrate_async.runtime.urls import to_sync_url as to_sync_url

__version__ = "0.1.0"

_EXPORTS = {
    "AsyncRepository": "repository",
    "Base": "base",
    "ConnectionCheck": "database",
    "Container": "legacy.container",
    "CursorPage": "pagination",
    "Database": "database",
    "DatabaseInfo": "database",
    "DbSession": "dependencies",
    "FairAsyncQueuePool": "pools",
    "HopSession": "hop",
    "InMemoryRepository": "memory",
    "InMemoryUnitOfWork": "memory",
    "LeakDetector": "leaks",
    "LegacySession": "legacy.sessions",
    "Mode": "legacy.modes",
    "Page": "pagination",
    "SoftDeleteMixin": "soft_delete",
    "SyncSessionAdapter": "legacy.adapter",
    "TimestampMixin": "mixins",
    "UnitOfWork": "unit_of_work",
    "UserTrackingMixin": "mixins",
    "adopt_registry": "legacy.container",
    "async_sessionmaker": "engine",
    "check_db_connection": "database",
    "close_db": "database",
    "create_async_engine": "engine",
    "get_database": "database",
    "get_db": "dependencies",
    "get_db_info": "database",
    "get_sync_db": "legacy.sessions",
    "health_router": "http",
    "in_mode": "legacy.modes",
    "init_db": "database",
    "install": "legacy.install",
    "install_error_handlers": "http",
    "install_overrides": "legacy.overrides",
    "leaks": "leaks",
    "legacy_engine": "legacy.sessions",
    "legacy_sessionmaker": "legacy.sessions",
    "lifespan": "http",
    "mask_url": "urls",
    "migration_report": "telemetry",
    "paginate": "pagination",
    "paginate_by_key": "pagination",
    "run_async": "legacy.loop",
    "run_migrations": "migrations",
    "start_telemetry": "telemetry",
    "status_router": "status",
    "to_async_url": "urls",
    "to_sync_url": "urls",
    "uninstall": "legacy.install",
    "use_mode": "legacy.modes",
    "watch_leaks": "leaks",
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
