"""Functions that are called like the things that a translation imports."""

from typing import TYPE_CHECKING

from sqlalchemy.orm import Session
from support import corpus_models as models

if TYPE_CHECKING:
    from sqlalchemy import func


def update(db: Session, age: int):
    return db.query(models.User).filter_by(active=True).update({"age": age})


def delete(db: Session, func=len):
    removed = db.query(models.OrderLine).delete()
    return func([removed])


def select(db: Session):
    return db.query(models.User).order_by(models.User.id).all()


def case_taken_names(db: Session):
    return update(db, 9), delete(db), select(db), db.query(models.User).count()


def case_local_import(db: Session):
    from sqlalchemy import text

    return db.query(models.User.id).order_by(text("id")).all()
