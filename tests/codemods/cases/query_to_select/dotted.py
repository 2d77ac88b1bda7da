"""A module that uses SQLAlchemy through its package."""

import sqlalchemy as sa
from sqlalchemy import orm
from support.corpus_models import Address, OrderLine, User


def case_dotted_names(db: orm.Session):
    oldest = db.query(sa.func.max(User.age)).scalar()
    return oldest, db.query(OrderLine).delete(), db.query(User).count()


def _page(query: orm.Query, size: int):
    return query.limit(size).all()


def case_dotted_annotation(db: orm.Session):
    return _page(db.query(User).order_by(User.id), 2), _page(db.query(Address), size=1)


def case_dotted_union(db: orm.Session):
    both = db.query(User).union(db.query(User))
    return both.count()
