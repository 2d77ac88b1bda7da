"""Queries returned from helpers and handed to them."""

from typing import Optional, Type, Union

from sqlalchemy.orm import Query, Session
from support.corpus_models import Address, User


def _active(db: Session):
    return db.query(User).filter(User.active)


def case_returned(db: Session):
    return _active(db).order_by(User.id).all()


def case_returned_and_kept(db: Session):
    query = _active(db)
    query = query.filter(User.age > 30)
    return query.count(), query.order_by(User.id).first()


def _annotated(db: Session, name: str) -> Query:
    return db.query(User).filter_by(name=name)


def _entity_annotated(db: Session, name: str) -> "Query[User]":
    return _annotated(db, name).order_by(User.id)


def case_returned_with_annotation(db: Session):
    return _entity_annotated(db, "ann").one(), _annotated(db, "bob").first()


def _joined(query: Query, city: str) -> Query:
    return query.join(User.addresses).filter(Address.city == city)


def case_handed_and_returned(db: Session):
    query = _joined(db.query(User), "Rome")
    return query.order_by(User.id).all()


def _page(query: Query, page: int = 1, size: int = 2):
    total = query.count()
    return total, query.offset((page - 1) * size).limit(size).all()


def case_paginated_without_session(db: Session):
    return (
        _page(db.query(User).order_by(User.id)),
        _page(db.query(Address).order_by(Address.id), 2),
        _page(_active(db).order_by(User.id), size=1),
    )


def _outer_page(query: Query, page: int):
    return _page(query, page=page)


def case_paginated_through_two_helpers(db: Session):
    return _outer_page(db.query(User).order_by(User.id), 2)


def _count(session: Session, query):
    return query.count()


def case_handed_with_session(db: Session):
    return _count(db, db.query(User)), _count(query=db.query(User.id), session=db)


def _maybe(db: Session, wanted: bool) -> Optional[Query]:
    if not wanted:
        return None
    return db.query(User)


def case_returned_or_none(db: Session):
    query = _maybe(db, True)
    nothing = _maybe(db, False)
    return query.count() if query is not None else None, nothing is None


class Repository:
    def __init__(self, db: Session):
        self.db = db

    @property
    def query(self):
        return self.db.query(User)

    def base(self, name: Optional[str] = None):
        query = self.db.query(User)
        if name:
            query = query.filter(User.name == name)
        return query

    def named(self, name: str):
        return self.base(name).one_or_none()

    def count(self):
        return self.base().count()

    def _list(self, query: Query):
        return query.order_by(User.id).all()

    def all(self):
        return self._list(self.base())

    def by_property(self):
        return self.query.filter(User.active).order_by(User.id).all()


def case_methods(db: Session):
    repository = Repository(db)
    return (
        repository.named("ann"),
        repository.count(),
        repository.all(),
        repository.by_property(),
    )


def case_query_of_an_object(db: Session):
    repository = Repository(db)
    return repository.base("bob").all(), Repository(db).base().count()


def _narrow(query, **criteria):
    for name, value in criteria.items():
        query = query.filter(getattr(User, name) == value)
    return query


def case_dynamic_criteria(db: Session):
    return _narrow(db.query(User), active=True, age=31).order_by(User.id).all()


def _first_of(db: Session, table: Union[User, Address], key: int):
    """Annotated like an object, as it is often done: only a class can be queried."""
    return db.query(table).filter(table.id == key).first()


def _count_of(db: Session, kind: Type[User]):
    return [found.id for found in db.query(kind).order_by(kind.id)], db.query(kind).count()


def case_classes_as_arguments(db: Session):
    return _first_of(db, User, 1), _first_of(db, Address, 2), _count_of(db, User)
