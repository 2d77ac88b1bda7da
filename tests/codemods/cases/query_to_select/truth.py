"""Queries whose truth is asked: it is always true that there is one."""

from sqlalchemy.orm import Session
from support.corpus_models import User


def case_not(db: Session):
    found = db.query(User).filter(User.name == "nobody")
    if not found:
        return "none"
    return found.count()


def case_if(db: Session):
    found = db.query(User).filter(User.name == "nobody")
    if found:
        return "some", found.first()
    return "none"


def _named(db: Session, name: str | None):
    query = None
    if name:
        query = db.query(User).filter(User.name == name)
    if query and name != "bob":
        return query.count()
    return "all" if not query else "one"


def case_maybe(db: Session):
    return _named(db, None), _named(db, "ann"), _named(db, "bob")


def _of(db: Session, name: str):
    return db.query(User).filter(User.name == name)


def case_of_helper(db: Session):
    query = _of(db, "nobody")
    assert query
    flag = not query
    return [flag, 1 if query else 0, [x for x in (1, 2) if x > 1 and query], (not query) == flag]


def case_chosen(db: Session):  # left: MA109
    query = db.query(User)
    return (query and 1, 2)
