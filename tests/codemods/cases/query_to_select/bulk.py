"""`update()` and `delete()`."""

from sqlalchemy import bindparam, case
from sqlalchemy.orm import Session
from support.corpus_models import Address, Item, Order, OrderLine, User


def case_delete(db: Session):
    removed = db.query(OrderLine).filter(OrderLine.order_id == 1).delete()
    return removed, db.query(OrderLine).count()


def case_delete_everything(db: Session):
    return db.query(OrderLine).delete()


def case_delete_unused_count(db: Session):
    db.query(OrderLine).filter_by(item_id=3).delete(synchronize_session=False)
    return db.query(OrderLine).count()


def case_delete_synchronized(db: Session):
    lines = db.query(OrderLine).filter(OrderLine.order_id == 1).all()
    db.query(OrderLine).filter(OrderLine.order_id == 1).delete("fetch")
    return len(lines), [line in db for line in lines]


def case_delete_not_synchronized(db: Session):
    lines = db.query(OrderLine).filter(OrderLine.order_id == 1).all()
    db.query(OrderLine).filter(OrderLine.order_id == 1).delete(synchronize_session=False)
    return [line in db for line in lines]


def case_delete_in_subquery(db: Session):
    open_orders = db.query(Order.id).filter(Order.status == "open")
    query = db.query(OrderLine).filter(OrderLine.order_id.in_(open_orders))
    return query.delete(synchronize_session=False)


def case_delete_of_named_query(db: Session):
    # sql: the key names one row, so no LIMIT is needed for `first()`
    query = db.query(Address).filter(Address.id == 5)
    address = query.first()
    if address is None:
        return None
    query.delete(synchronize_session=False)
    return db.query(Address).count()


def case_delete_of_narrowed_query(db: Session):
    query = db.query(OrderLine).filter(OrderLine.order_id == 3)
    return query.filter(OrderLine.item_id == 1).delete()


def case_delete_of_whole_named_query(db: Session):
    query = db.query(OrderLine)
    total = query.count()
    return total, query.delete()


def case_update(db: Session):
    changed = db.query(User).filter(User.active).update({"age": 50})
    return changed, [user.age for user in db.query(User).order_by(User.id)]


def case_update_by_attribute(db: Session):
    db.query(User).filter(User.id == 1).update({User.age: User.age + 1})
    return db.query(User.age).filter(User.id == 1).scalar()


def case_update_by_attribute_name_and_column_name(db: Session):
    db.query(User).filter(User.id == 1).update({"years": 40})
    db.query(User).filter(User.id == 2).update({User.__table__.c.years_here: 41})
    return db.query(User.years).order_by(User.id).all()


def case_update_values_by_keyword(db: Session):
    values = {"title": "renamed"}
    changed = db.query(Item).filter(Item.id == 1).update(values=values, synchronize_session=False)
    return changed, db.query(Item.title).order_by(Item.id).all()


def case_update_synchronized(db: Session):
    user = db.query(User).filter(User.id == 1).one()
    db.query(User).filter(User.id == 1).update({"age": 60}, synchronize_session="evaluate")
    seen = user.__dict__.get("age")
    db.query(User).filter(User.id == 1).update({"age": 70}, "fetch")
    again = user.__dict__.get("age")
    db.query(User).filter(User.id == 1).update({"age": 80}, False)
    return seen, again, user.__dict__.get("age")


def case_update_of_named_query(db: Session):
    # sql: the key names one row, so no LIMIT is needed for `first()`
    query = db.query(User).filter(User.id == 2)
    user = query.first()
    if user:
        query.update({"name": "robert"}, synchronize_session=False)
    db.expire_all()
    return query.first().name


def case_update_in_order(db: Session):
    query = db.query(User).filter(User.id == 1)
    query.update(
        [("years", User.age), ("age", 1)], update_args={"preserve_parameter_order": True}
    )
    return db.query(User.age, User.years).filter(User.id == 1).one()


def case_update_in_order_inline(db: Session):
    db.query(User).filter(User.id == 1).update(
        [("years", User.age), ("age", 1)],
        synchronize_session=False,
        update_args={"preserve_parameter_order": True},
    )
    return db.query(User.age, User.years).filter(User.id == 1).one()


def case_update_with_parameters(db: Session):
    changed = (
        db.query(User)
        .filter(User.age == bindparam("old"))
        .params(old=31)
        .update({"age": 32}, synchronize_session=False)
    )
    return changed


def case_update_with_expression(db: Session):
    value = case((User.active, 1), else_=0)
    db.query(User).update({User.years: value}, synchronize_session=False)
    return db.query(User.years).order_by(User.id).all()


def case_update_with_options(db: Session):
    return db.query(User).execution_options(mark=1).filter(User.id == 1).update({"age": 5})


def case_bulk_of_many_filters(db: Session):
    query = db.query(User)
    query = query.filter(User.active)
    query = query.filter_by(age=31)
    return query.update({"years": 9}, synchronize_session=False)
