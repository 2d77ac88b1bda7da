"""What code written for psycopg2 does: 29 idioms, each a function of a session and an engine.

Each leaves the tables as it found them, or is rolled back. One of them, `an_int_for_a_text`, is
refused by the server whatever the driver.
"""

import datetime as dt
import io
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from sqlalchemy import DateTime, Engine, ForeignKey, Numeric, event, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    relationship,
    sessionmaker,
)

Idiom = Callable[[Session, Engine], None]
IDIOMS: dict[str, Idiom] = {}
TOKEN = uuid.UUID("0f7c4c5e-0000-4000-8000-000000000001")


class Base(DeclarativeBase):
    """Of the two tables here."""


class Shelf(Base):
    __tablename__ = "idiom_shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]
    parts: Mapped[list["Part"]] = relationship(back_populates="shelf")


class Part(Base):
    __tablename__ = "idiom_part"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    amount: Mapped[int] = mapped_column(default=0)
    price: Mapped[Decimal] = mapped_column(Numeric, default=Decimal("0.1"))
    token: Mapped[uuid.UUID] = mapped_column(default=TOKEN)
    checked: Mapped[bool] = mapped_column(default=False)
    bought: Mapped[dt.date] = mapped_column(default=dt.date(2024, 5, 1))
    seen: Mapped[dt.datetime] = mapped_column(
        DateTime(timezone=True), default=dt.datetime(2024, 5, 1, 12, tzinfo=dt.timezone.utc)
    )
    noted: Mapped[dt.datetime] = mapped_column(default=dt.datetime(2024, 5, 1, 12))
    shelf_id: Mapped[int] = mapped_column(ForeignKey("idiom_shelf.id"))
    shelf: Mapped[Shelf] = relationship(back_populates="parts")


def fill(engine: Engine) -> None:
    """Make the tables anew: four shelves, forty parts."""
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(Shelf(id=n, label=f"shelf {n}") for n in range(1, 5))
        session.flush()
        session.add_all(
            Part(id=n, name=f"part {n}", shelf_id=1 + n % 4, amount=n) for n in range(1, 41)
        )
        session.commit()


def idiom(function: Idiom) -> Idiom:
    IDIOMS[function.__name__] = function
    return function


@idiom
def a_query_with_a_filter(session: Session, engine: Engine) -> None:
    assert session.query(Part).filter(Part.id == 7).one().name == "part 7"


@idiom
def a_lazy_parent(session: Session, engine: Engine) -> None:
    part = session.get(Part, 7)
    assert part is not None
    assert part.shelf.label == "shelf 4"


@idiom
def a_lazy_collection(session: Session, engine: Engine) -> None:
    shelf = session.get(Shelf, 2)
    assert shelf is not None
    assert len(shelf.parts) == 10


@idiom
def a_read_after_a_commit(session: Session, engine: Engine) -> None:
    part = session.get_one(Part, 8)
    part.amount = 8
    session.commit()
    assert part.name == "part 8"
    session.refresh(part)


@idiom
def a_savepoint_which_fails(session: Session, engine: Engine) -> None:
    part = session.get_one(Part, 9)
    part.amount = 5
    try:
        with session.begin_nested():
            session.add(Part(id=7, name="again", shelf_id=1))
            session.flush()
    except IntegrityError:
        pass
    assert session.get_one(Part, 9).amount == 5


@idiom
def a_begin_block(session: Session, engine: Engine) -> None:
    with session.begin():
        session.get_one(Part, 9).amount = 9


@idiom
def an_int_in_a_text(session: Session, engine: Engine) -> None:
    assert session.execute(text("SELECT :n + 1"), {"n": 2}).scalar() == 3


@idiom
def a_bulk_insert(session: Session, engine: Engine) -> None:
    session.bulk_insert_mappings(  # type: ignore[arg-type]
        Shelf, [{"id": 100 + n, "label": "bulk"} for n in range(50)]
    )
    assert session.query(Shelf).filter(Shelf.id >= 100).delete() == 50


@idiom
def a_query_in_portions(session: Session, engine: Engine) -> None:
    assert sum(1 for _ in session.query(Part).yield_per(7)) == 40


@idiom
def counting_and_paging(session: Session, engine: Engine) -> None:
    assert session.query(Part).count() == 40
    assert len(session.query(Part).order_by(Part.id).offset(10).limit(5).all()) == 5


@idiom
def a_row_lock(session: Session, engine: Engine) -> None:
    session.query(Part).filter(Part.id == 5).with_for_update().one()


@idiom
def the_session_s_connection(session: Session, engine: Engine) -> None:
    assert session.connection().execute(text("SELECT 1")).scalar() == 1


@idiom
def the_engine_s_connection(session: Session, engine: Engine) -> None:
    with engine.begin() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1


@idiom
def a_raw_cursor(session: Session, engine: Engine) -> None:
    cursor = session.connection().connection.cursor()
    cursor.execute("SELECT %s::int, '100%%', %s", (1, "one"))
    assert tuple(cursor.fetchone() or ()) == (1, "100%", "one")


@idiom
def a_str_for_an_int(session: Session, engine: Engine) -> None:
    assert session.query(Part).filter(Part.id == "7").one().id == 7  # type: ignore[arg-type]
    assert session.query(Part).filter(Part.id.in_(["7", "8"])).count() == 2


@idiom
def a_str_for_a_time(session: Session, engine: Engine) -> None:
    found = text("SELECT 1 WHERE now() >= :since")
    assert session.execute(found, {"since": "2024-01-01"}).scalar() == 1
    assert session.query(Part).filter(Part.bought == "2024-05-01").count() == 40


@idiom
def an_int_for_a_text(session: Session, engine: Engine) -> None:
    session.execute(text("SELECT 1 FROM idiom_shelf WHERE label = :n"), {"n": 5})


@idiom
def a_time_without_a_zone(session: Session, engine: Engine) -> None:
    now = dt.datetime.now()
    assert session.execute(text("SELECT 1 WHERE now() >= :d"), {"d": now}).scalar() in (1, None)


@idiom
def several_statements(session: Session, engine: Engine) -> None:
    assert session.execute(text("SELECT 1; SELECT 2 -- ; 3")).scalar() == 2


@idiom
def a_list_for_any(session: Session, engine: Engine) -> None:
    counted = text("SELECT count(*) FROM idiom_shelf WHERE id = ANY(:ids)")
    assert session.execute(counted, {"ids": [1, 2]}).scalar() == 2


@idiom
def a_tuple_for_in(session: Session, engine: Engine) -> None:
    counted = text("SELECT count(*) FROM idiom_shelf WHERE id IN :ids AND label IN :labels")
    values = {"ids": (1, 2), "labels": ("shelf 2",)}
    assert session.execute(counted, values).scalar() == 1


def _violate(session: Session) -> IntegrityError:
    try:
        session.add(Part(id=7, name="again", shelf_id=1))
        session.flush()
    except IntegrityError as error:
        return error
    raise AssertionError("there is no such row")


@idiom
def the_code_of_an_error(session: Session, engine: Engine) -> None:
    error = _violate(session)
    assert error.orig.pgcode == "23505"  # type: ignore[union-attr]
    assert "duplicate key" in error.orig.pgerror  # type: ignore[union-attr]


@idiom
def the_constraint_of_an_error(session: Session, engine: Engine) -> None:
    error = _violate(session)
    assert error.orig.diag.constraint_name == "idiom_part_pkey"  # type: ignore[union-attr]
    assert error.orig.diag.table_name == "idiom_part"  # type: ignore[union-attr]


@idiom
def a_session_event(session: Session, engine: Engine) -> None:
    seen: list[Session] = []
    event.listen(session, "before_commit", seen.append)
    session.get_one(Part, 1).amount = 1
    session.commit()
    assert seen == [session]


@idiom
def copying_to_a_file(session: Session, engine: Engine) -> None:
    file = io.StringIO()
    cursor = session.connection().connection.cursor()
    cursor.copy_expert("COPY idiom_shelf (id, label) TO STDOUT", file)
    assert file.getvalue().splitlines()[0] == "1\tshelf 1"
    cursor.copy_expert("COPY idiom_shelf FROM STDIN WITH CSV", io.StringIO("77,copied\n"))
    assert session.get_one(Shelf, 77).label == "copied"


@idiom
def an_update_which_returns(session: Session, engine: Engine) -> None:
    statement = update(Part).where(Part.id == 3).values(amount=1).returning(Part.id)
    assert session.execute(statement).scalar() == 3


@idiom
def rows_by_name(session: Session, engine: Engine) -> None:
    assert session.execute(text("SELECT 1 AS one")).mappings().one()["one"] == 1


@idiom
def merging_and_deleting(session: Session, engine: Engine) -> None:
    shelf = session.merge(Shelf(id=99, label="merged"))
    session.commit()
    session.delete(shelf)
    session.commit()
    assert session.scalar(select(func.count(Shelf.id))) == 4


@idiom
def threads_of_its_own(session: Session, engine: Engine) -> None:
    factory = sessionmaker(engine)

    def name(number: int) -> str:
        with factory() as own:
            return own.get_one(Part, number).name

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(name, [1, 2])) == ["part 1", "part 2"]
