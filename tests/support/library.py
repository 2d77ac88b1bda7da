"""A small schema for the tests of the runtime: authors, their books, and everything optional."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.asyncio import async_sessionmaker as _async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, deferred, mapped_column, relationship

from migrate_async.runtime.base import AsyncAttrs, AutomaticTableName, SafeRepresentation
from migrate_async.runtime.engine import async_sessionmaker, create_async_engine
from migrate_async.runtime.mixins import SoftDeleteMixin, TimestampMixin, UserTrackingMixin
from support.databases import fresh_database

Sessions = _async_sessionmaker[AsyncSession]


class LibraryBase(AutomaticTableName, SafeRepresentation, AsyncAttrs, DeclarativeBase):
    """A base of its own, so that the tests do not share a registry."""


class Author(SoftDeleteMixin, TimestampMixin, UserTrackingMixin, LibraryBase):
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    born: Mapped[int | None]
    password_hash: Mapped[str | None] = mapped_column(String(100))
    biography: Mapped[str | None] = deferred(mapped_column(String(1000)))
    books: Mapped[list[Book]] = relationship(back_populates="author")


class Book(SoftDeleteMixin, LibraryBase):
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(100))
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship(back_populates="books")


class Loan(LibraryBase):
    """A composite primary key, and nothing optional."""

    book_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reader: Mapped[str] = mapped_column(String(50), primary_key=True)
    due: Mapped[datetime | None]
    shelf: Mapped[str | None] = mapped_column(String(10))
    place: Mapped[int | None]

    __table_args__ = (UniqueConstraint("shelf", "place"),)


@asynccontextmanager
async def library_sessions(backend: str, folder: Path) -> AsyncIterator[Sessions]:
    """Yield a session factory on a new database with the tables of this module."""
    async with fresh_database(backend, folder) as url:
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(LibraryBase.metadata.create_all)
        try:
            yield async_sessionmaker(engine)
        finally:
            await engine.dispose()
