"""`get()`: the identity map first, options as arguments."""

from sqlalchemy.orm import Session, joinedload, selectinload
from support.corpus_models import OrderLine, User


def case_get(db: Session):
    return db.query(User).get(1), db.query(User).get(99)


def case_get_by_keyword(db: Session):
    return db.query(User).get(ident=2)


def case_get_of_identity_map(db: Session):
    first = db.query(User).get(1)
    return db.query(User).get(1) is first


def case_get_composite(db: Session):
    return (
        db.query(OrderLine).get((1, 2)),
        db.query(OrderLine).get({"order_id": 1, "item_id": 1}),
    )


def case_get_none(db: Session):
    return db.query(User).get(None)


def case_get_with_options(db: Session):
    return db.query(User).options(selectinload(User.addresses), joinedload(User.orders)).get(1)


def case_get_with_settings(db: Session):
    user = db.query(User).get(1)
    user.__dict__["name"] = "stale"
    again = db.query(User).populate_existing().execution_options(mark=1).get(1)
    return again.name


def case_get_for_update(db: Session):
    return db.query(User).with_for_update().get(1), db.query(User).with_for_update(of=User).get(2)


def case_get_after_order_by(db: Session):
    return db.query(User).order_by(User.name).distinct().get(3)


def case_get_of_named_query(db: Session):
    users = db.query(User)
    return users.get(1)


def case_get_attribute(db: Session):
    return db.query(User).get(1).name
