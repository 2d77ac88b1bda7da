"""Idioms counted in public code bases, with the names that they use there."""

from typing import Any, Generic, List, Optional, Type, TypeVar

from fastapi import HTTPException
from sqlalchemy import func, or_
from sqlalchemy.orm import Session, joinedload
from support import corpus_models as models
from support.corpus_models import Base, Item, Order, User

ModelType = TypeVar("ModelType", bound=Base)


class CRUDBase(Generic[ModelType]):
    def __init__(self, model: Type[ModelType]):
        self.model = model

    def get(self, db: Session, id: Any) -> Optional[ModelType]:
        return db.query(self.model).filter(self.model.id == id).first()

    def get_multi(self, db: Session, *, skip: int = 0, limit: int = 100) -> List[ModelType]:
        return db.query(self.model).order_by(self.model.id).offset(skip).limit(limit).all()

    def count(self, db: Session) -> int:
        return db.query(self.model).count()

    def remove(self, db: Session, *, id: int) -> Optional[ModelType]:
        obj = db.query(self.model).get(id)
        return obj


class CRUDUser(CRUDBase[User]):
    def get_by_email(self, db: Session, *, email: str) -> Optional[User]:
        return db.query(User).filter(User.email == email).first()

    def is_known(self, db: Session, name: str) -> bool:
        return db.query(self.model).filter(self.model.name == name).count() > 0


users = CRUDUser(User)
items = CRUDBase(Item)


def case_generic_get(db: Session):
    return users.get(db, 1), items.get(db, 2), items.get(db, id=99)


def case_generic_list(db: Session):
    return users.get_multi(db, skip=1, limit=2), items.count(db), items.remove(db, id=3)


def case_get_by_email(db: Session):
    # sql: the email names one user, so no LIMIT is needed
    return users.get_by_email(db, email="ann@x.org"), users.is_known(db, "ann")


def case_get_or_404(db: Session):
    # sql: the key names one row, so no LIMIT is needed
    id = 99
    item = db.query(models.Item).filter(models.Item.id == id).first()
    if not item:
        raise HTTPException(404)
    return item


def case_tutorial_delete(db: Session):
    # sql: the key names one row, so no LIMIT is needed
    query = db.query(models.Address).filter(models.Address.id == 3)
    address = query.first()
    if address == None:  # noqa: E711
        raise HTTPException(status_code=404)
    query.delete(synchronize_session=False)
    return db.query(models.Address).count()


def case_votes(db: Session):
    rows = (
        db.query(models.User, func.count(models.Order.user_id).label("orders"))
        .join(models.Order, models.Order.user_id == models.User.id, isouter=True)
        .group_by(models.User.id)
        .filter(models.User.name.contains(""))
        .order_by(models.User.id)
        .limit(10)
        .offset(0)
        .all()
    )
    return [(user.name, orders) for user, orders in rows]


def case_search(db: Session):
    q = "x.org"
    search = f"%{q}%"
    return (
        db.query(User)
        .filter(or_(User.name.ilike(search), User.email.ilike(search)), User.active == True)  # noqa: E712
        .order_by(User.name.asc())
        .all()
    )


def case_ids(db: Session):
    return [row[0] for row in db.query(User.id).filter(User.active.is_(True)).order_by(User.id)]


def case_max(db: Session):
    return (db.query(func.max(Order.id)).scalar() or 0) + 1


def case_grouped_dict(db: Session):
    return dict(
        db.query(Order.status, func.count(Order.id))
        .group_by(Order.status)
        .order_by(Order.status)
        .all()
    )


def case_exists_flag(db: Session):
    # sql: the email names one user, so no LIMIT is needed
    return db.query(User.id).filter_by(email="ann@x.org").first() is not None


def case_loaded_graph(db: Session):
    order = (
        db.query(Order)
        .options(joinedload(Order.user), joinedload(Order.lines).joinedload(models.OrderLine.item))
        .filter(Order.status == "paid")
        .order_by(Order.id)
        .first()
    )
    return [line.item.title for line in order.lines]


def case_for_update(db: Session):
    item = db.query(Item).filter(Item.id == 1).with_for_update().one_or_none()
    return item


def case_one_line_branches(db: Session):
    name = "ann"
    if name: return db.query(User).filter(User.name == name).all()  # noqa: E701
    return None


def case_nested_call(db: Session):
    return len(db.query(User).filter(User.id.in_([1, 2])).all()), max(
        user.years for user in db.query(User).all()
    )


def case_string_building(db: Session):
    return f"{db.query(User).count()} users, {db.query(Item).count()} items"


def case_filter_on_instance(db: Session):
    user = db.query(User).filter(User.name == "ann").one()
    mine = db.query(Order).filter(Order.user_id == user.id).order_by(Order.id).all()
    newest = db.query(Order).filter_by(user_id=user.id).order_by(Order.id.desc()).first()
    return mine, newest


def case_chosen_model(db: Session):
    found = []
    for model in (User, Item):
        found.append(db.query(model).count())
    return found


def case_in_dict_and_list(db: Session):
    return {
        "users": db.query(User).order_by(User.id).all(),
        "first": [db.query(Item).order_by(Item.id).first()],
        "total": db.query(Item).count(),
    }
