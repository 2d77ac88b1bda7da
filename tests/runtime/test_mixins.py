"""Time stamps and user tracking, on every database."""

from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import Integer, bindparam, insert, select, text, update
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from migrate_async.runtime.current_user import acting_as, current_user_id
from migrate_async.runtime.mixins import UserTrackingMixin
from support.library import Author, Sessions

LONG_AGO = datetime(2000, 1, 1, 12, 30, 15, 123456, tzinfo=timezone.utc)


async def _old_author(sessions: Sessions) -> int:
    async with sessions() as session, session.begin():
        author = Author(name="Ada", created_at=LONG_AGO, updated_at=LONG_AGO)
        session.add(author)
    return author.id


async def _reload(sessions: Sessions, key: int) -> Author:
    async with sessions() as session:
        return await session.get_one(Author, key)


def _is_recent(moment: datetime) -> bool:
    return abs(datetime.now(timezone.utc) - moment) < timedelta(minutes=1)


async def test_a_new_row_has_one_aware_time_known_without_a_query(
    sessions: Sessions,
) -> None:
    async with sessions() as session:
        author = Author(name="Ada")
        session.add(author)
        await session.flush()
        assert author.created_at == author.updated_at
        assert author.created_at.tzinfo is timezone.utc
        assert _is_recent(author.created_at)


async def test_times_come_back_aware_and_to_the_microsecond(
    sessions: Sessions,
) -> None:
    author = await _reload(sessions, await _old_author(sessions))
    assert author.created_at == LONG_AGO
    assert author.created_at.utcoffset() == timedelta(0)


async def test_a_time_in_another_zone_is_the_same_instant(sessions: Sessions) -> None:
    local = LONG_AGO.astimezone(timezone(timedelta(hours=5, minutes=30)))
    async with sessions() as session, session.begin():
        session.add(author := Author(name="Ada", created_at=local))
    async with sessions() as session:
        found = await session.scalar(select(Author.id).where(Author.created_at == LONG_AGO))
    assert found == author.id


async def test_a_naive_time_is_refused(sqlite_sessions: Sessions) -> None:
    async with sqlite_sessions() as session:
        session.add(Author(name="Ada", created_at=datetime(2000, 1, 1)))
        with pytest.raises(StatementError, match="no time zone"):
            await session.flush()


async def test_an_update_of_the_object_moves_only_updated_at(
    sessions: Sessions,
) -> None:
    key = await _old_author(sessions)
    async with sessions() as session, session.begin():
        author = await session.get_one(Author, key)
        author.born = 1815
        await session.flush()
        assert _is_recent(author.updated_at)
    author = await _reload(sessions, key)
    assert _is_recent(author.updated_at)
    assert author.created_at == LONG_AGO


async def test_a_commit_without_a_change_does_not_move_updated_at(
    sqlite_sessions: Sessions,
) -> None:
    key = await _old_author(sqlite_sessions)
    async with sqlite_sessions() as session, session.begin():
        author = await session.get_one(Author, key)
        author.name = "Ada"
    assert (await _reload(sqlite_sessions, key)).updated_at == LONG_AGO


async def test_bulk_updates_move_updated_at(sessions: Sessions) -> None:
    table = Author.__table__
    for statement, parameters in [
        (update(Author).values(born=1), None),
        (update(Author), [{"id": 1, "born": 2}]),
        (update(table).values(born=3), None),
        (update(table).where(table.c.id == bindparam("key")), [{"key": 1, "born": 4}]),
    ]:
        async with sessions() as session, session.begin():
            await session.execute(text("DELETE FROM authors"))
            session.add(Author(id=1, name="Ada", created_at=LONG_AGO, updated_at=LONG_AGO))
        async with sessions() as session, session.begin():
            if "key" in str(parameters):
                connection = await session.connection()
                await connection.execute(statement, parameters)
            else:
                await session.execute(statement, parameters)
        author = await _reload(sessions, 1)
        assert _is_recent(author.updated_at), str(statement)
        assert author.created_at == LONG_AGO


async def test_raw_sql_inserts_get_the_time_of_the_database_in_utc(
    sessions: Sessions,
) -> None:
    async with sessions() as session, session.begin():
        await session.execute(text("INSERT INTO authors (id, name) VALUES (7, 'Raw')"))
    author = await _reload(sessions, 7)
    assert _is_recent(author.created_at)
    assert _is_recent(author.updated_at)


async def test_the_user_is_recorded_on_insert_and_update(sessions: Sessions) -> None:
    async with sessions() as session:
        with acting_as("alice"):
            session.add(author := Author(name="Ada"))
            await session.commit()
        assert (author.created_by, author.updated_by) == ("alice", "alice")
        with acting_as("bob"):
            author.born = 1815
            await session.commit()
        assert (author.created_by, author.updated_by) == ("alice", "bob")
        with acting_as("carol"):
            await session.execute(update(Author).values(born=1816))
            await session.commit()
        await session.refresh(author)
        assert (author.created_by, author.updated_by) == ("alice", "carol")


async def test_without_a_user_the_columns_are_null(sqlite_sessions: Sessions) -> None:
    async with sqlite_sessions() as session, session.begin():
        await session.execute(insert(Author), [{"name": "a"}, {"name": "b"}])
    async with sqlite_sessions() as session:
        assert set(await session.scalars(select(Author.created_by))) == {None}


def test_acting_as_gives_the_former_user_back() -> None:
    with acting_as("alice"):
        with acting_as("bob"):
            assert current_user_id() == "bob"
        assert current_user_id() == "alice"
    assert current_user_id() is None


def test_the_type_and_target_of_the_user_columns_can_be_chosen() -> None:
    class Registry(DeclarativeBase):
        pass

    class Audited(UserTrackingMixin):
        __user_id_type__ = Integer()
        __user_foreign_key__ = "users.id"

    class User(Registry):
        __tablename__ = "users"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Order(Audited, Registry):
        __tablename__ = "orders"
        id: Mapped[int] = mapped_column(primary_key=True)

    columns = Order.__table__.c
    for column in (columns.created_by, columns.updated_by):
        assert isinstance(column.type, Integer)
        assert [key.target_fullname for key in column.foreign_keys] == ["users.id"]


def test_the_columns_of_the_mixins_come_last() -> None:
    names = [column.name for column in Author.__table__.columns]
    assert names[-5:] == ["created_at", "updated_at", "deleted_at", "created_by", "updated_by"]
