"""migrate-async: from sync SQLAlchemy to async SQLAlchemy 2.x, one route at a time.

The names of the runtime are loaded on first use: `import migrate_async` alone imports neither
SQLAlchemy nor FastAPI, nor anything of the tooling.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from migrate_async.runtime.awaitable_cached_property import (
        awaitable_cached_property as awaitable_cached_property,
    )
    from migrate_async.runtime.base import Base as Base
    from migrate_async.runtime.column_values import as_column_values as as_column_values
    from migrate_async.runtime.comparing import as_compared as as_compared
    from migrate_async.runtime.comparing import as_integer as as_integer
    from migrate_async.runtime.current_user import acting_as as acting_as
    from migrate_async.runtime.current_user import current_user_id as current_user_id
    from migrate_async.runtime.current_user import set_current_user as set_current_user
    from migrate_async.runtime.current_user import track_user as track_user
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
    from migrate_async.runtime.engine import async_engine_from_config as async_engine_from_config
    from migrate_async.runtime.engine import async_engine_from_url as async_engine_from_url
    from migrate_async.runtime.engine import async_sessionmaker as async_sessionmaker
    from migrate_async.runtime.engine import create_async_engine as create_async_engine
    from migrate_async.runtime.errors import (
        DatabaseAlreadyInitialised as DatabaseAlreadyInitialised,
    )
    from migrate_async.runtime.errors import DatabaseNotInitialised as DatabaseNotInitialised
    from migrate_async.runtime.errors import IgnoredURLArgumentWarning as IgnoredURLArgumentWarning
    from migrate_async.runtime.errors import InsecureConnection as InsecureConnection
    from migrate_async.runtime.errors import MigrateAsyncRuntimeError as MigrateAsyncRuntimeError
    from migrate_async.runtime.errors import MissingDependencyError as MissingDependencyError
    from migrate_async.runtime.errors import UncommittedWorkWarning as UncommittedWorkWarning
    from migrate_async.runtime.errors import UnsupportedURL as UnsupportedURL
    from migrate_async.runtime.errors import UnsupportedURLArgument as UnsupportedURLArgument
    from migrate_async.runtime.hop import HopSession as HopSession
    from migrate_async.runtime.hop import hop_class as hop_class
    from migrate_async.runtime.hop import sync_side as sync_side
    from migrate_async.runtime.http import health_router as health_router
    from migrate_async.runtime.http import install_error_handlers as install_error_handlers
    from migrate_async.runtime.http import lifespan as lifespan
    from migrate_async.runtime.implicit_io import implicit_io as implicit_io
    from migrate_async.runtime.late_expiry import LateExpirySession as LateExpirySession
    from migrate_async.runtime.late_expiry import expire_late as expire_late
    from migrate_async.runtime.lazy_response import lazy_response as lazy_response
    from migrate_async.runtime.leaks import LeakDetector as LeakDetector
    from migrate_async.runtime.leaks import leaks as leaks
    from migrate_async.runtime.leaks import watch_leaks as watch_leaks
    from migrate_async.runtime.legacy.adapter import SyncSessionAdapter as SyncSessionAdapter
    from migrate_async.runtime.legacy.blocking import blocking_engine as blocking_engine
    from migrate_async.runtime.legacy.blocking import blocking_session as blocking_session
    from migrate_async.runtime.legacy.calling import async_side as async_side
    from migrate_async.runtime.legacy.calling import call_async as call_async
    from migrate_async.runtime.legacy.container import Container as Container
    from migrate_async.runtime.legacy.container import adopt_registry as adopt_registry
    from migrate_async.runtime.legacy.deprecation import LegacyShimWarning as LegacyShimWarning
    from migrate_async.runtime.legacy.deprecation import LegacyUse as LegacyUse
    from migrate_async.runtime.legacy.deprecation import legacy_uses as legacy_uses
    from migrate_async.runtime.legacy.deprecation import sync_twin as sync_twin
    from migrate_async.runtime.legacy.habits.sql_text import ParameterRefused as ParameterRefused
    from migrate_async.runtime.legacy.install import (
        SessionScopeMiddleware as SessionScopeMiddleware,
    )
    from migrate_async.runtime.legacy.install import install as install
    from migrate_async.runtime.legacy.install import uninstall as uninstall
    from migrate_async.runtime.legacy.modes import Mode as Mode
    from migrate_async.runtime.legacy.modes import in_mode as in_mode
    from migrate_async.runtime.legacy.modes import use_mode as use_mode
    from migrate_async.runtime.legacy.overrides import install_overrides as install_overrides
    from migrate_async.runtime.legacy.scripts import run_async as run_async
    from migrate_async.runtime.legacy.scripts import run_legacy as run_legacy
    from migrate_async.runtime.legacy.sessions import LegacySession as LegacySession
    from migrate_async.runtime.legacy.sessions import SessionLocal as SessionLocal
    from migrate_async.runtime.legacy.sessions import get_sync_db as get_sync_db
    from migrate_async.runtime.legacy.sessions import legacy_engine as legacy_engine
    from migrate_async.runtime.legacy.sessions import legacy_scoped_session as legacy_scoped_session
    from migrate_async.runtime.legacy.sessions import legacy_sessionmaker as legacy_sessionmaker
    from migrate_async.runtime.memory import InMemoryRepository as InMemoryRepository
    from migrate_async.runtime.memory import InMemoryUnitOfWork as InMemoryUnitOfWork
    from migrate_async.runtime.migrations import run_migrations as run_migrations
    from migrate_async.runtime.migrations import run_migrations_sync as run_migrations_sync
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
    from migrate_async.runtime.task_sessions import task_scoped_session as task_scoped_session
    from migrate_async.runtime.telemetry import migration_report as migration_report
    from migrate_async.runtime.telemetry import start_telemetry as start_telemetry
    from migrate_async.runtime.telemetry_export import (
        register_opentelemetry as register_opentelemetry,
    )
    from migrate_async.runtime.telemetry_export import register_prometheus as register_prometheus
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
    "DatabaseAlreadyInitialised": "errors",
    "DatabaseInfo": "database",
    "DatabaseNotInitialised": "errors",
    "DbSession": "dependencies",
    "FairAsyncQueuePool": "pools",
    "HopSession": "hop",
    "IgnoredURLArgumentWarning": "errors",
    "InMemoryRepository": "memory",
    "InMemoryUnitOfWork": "memory",
    "InsecureConnection": "errors",
    "LateExpirySession": "late_expiry",
    "LeakDetector": "leaks",
    "LegacySession": "legacy.sessions",
    "LegacyShimWarning": "legacy.deprecation",
    "LegacyUse": "legacy.deprecation",
    "MigrateAsyncRuntimeError": "errors",
    "MissingDependencyError": "errors",
    "Mode": "legacy.modes",
    "Page": "pagination",
    "ParameterRefused": "legacy.habits.sql_text",
    "SessionLocal": "legacy.sessions",
    "SessionScopeMiddleware": "legacy.install",
    "SoftDeleteMixin": "soft_delete",
    "SyncSessionAdapter": "legacy.adapter",
    "TimestampMixin": "mixins",
    "UncommittedWorkWarning": "errors",
    "UnitOfWork": "unit_of_work",
    "UnsupportedURL": "errors",
    "UnsupportedURLArgument": "errors",
    "UserTrackingMixin": "mixins",
    "acting_as": "current_user",
    "adopt_registry": "legacy.container",
    "as_column_values": "column_values",
    "as_compared": "comparing",
    "as_integer": "comparing",
    "async_engine_from_config": "engine",
    "async_engine_from_url": "engine",
    "async_sessionmaker": "engine",
    "awaitable_cached_property": "awaitable_cached_property",
    "blocking_engine": "legacy.blocking",
    "blocking_session": "legacy.blocking",
    "async_side": "legacy.calling",
    "call_async": "legacy.calling",
    "check_db_connection": "database",
    "close_db": "database",
    "create_async_engine": "engine",
    "current_user_id": "current_user",
    "expire_late": "late_expiry",
    "get_database": "database",
    "get_db": "dependencies",
    "get_db_info": "database",
    "get_sync_db": "legacy.sessions",
    "health_router": "http",
    "hop_class": "hop",
    "implicit_io": "implicit_io",
    "in_mode": "legacy.modes",
    "init_db": "database",
    "install": "legacy.install",
    "install_error_handlers": "http",
    "install_overrides": "legacy.overrides",
    "lazy_response": "lazy_response",
    "leaks": "leaks",
    "legacy_engine": "legacy.sessions",
    "legacy_scoped_session": "legacy.sessions",
    "legacy_sessionmaker": "legacy.sessions",
    "legacy_uses": "legacy.deprecation",
    "lifespan": "http",
    "mask_url": "urls",
    "migration_report": "telemetry",
    "paginate": "pagination",
    "paginate_by_key": "pagination",
    "register_opentelemetry": "telemetry_export",
    "register_prometheus": "telemetry_export",
    "run_async": "legacy.scripts",
    "run_legacy": "legacy.scripts",
    "run_migrations": "migrations",
    "run_migrations_sync": "migrations",
    "set_current_user": "current_user",
    "start_telemetry": "telemetry",
    "status_router": "status",
    "sync_side": "hop",
    "sync_twin": "legacy.deprecation",
    "task_scoped_session": "task_sessions",
    "to_async_url": "urls",
    "to_sync_url": "urls",
    "track_user": "current_user",
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
