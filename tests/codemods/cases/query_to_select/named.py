"""Queries that are built over several statements: branches, loops, rebinding, run twice."""

from typing import Optional

from sqlalchemy import func, or_
from sqlalchemy.orm import Query, Session, joinedload
from support.corpus_models import Address, Order, User


def case_rebound(db: Session):
    query = db.query(User)
    query = query.filter(User.active)
    query = query.order_by(User.id)
    return query.all()


def _search(db: Session, city: Optional[str], newest: bool):
    query = db.query(User)
    if city:
        query = query.join(User.addresses).filter(Address.city == city)
    if newest:
        query = query.order_by(User.years)
    else:
        query = query.order_by(User.years.desc())
    return query.all()


def case_branches(db: Session):
    return [
        _search(db, None, True),
        _search(db, None, False),
        _search(db, "Rome", True),
        _search(db, "Rome", False),
    ]


def case_loop(db: Session):
    query = db.query(User)
    for name in ("ann", "bob"):
        query = query.filter(User.name != name)
    return query.order_by(User.id).all()


def case_loop_with_join(db: Session):
    query = db.query(User)
    joined = False
    for word in ("Rome", "Oslo"):
        if not joined:
            query = query.join(User.addresses)
            joined = True
        query = query.filter(Address.city != word)
    return query.all()


def case_while_loop(db: Session):
    query = db.query(User.id).order_by(User.id)
    position = 0
    found = []
    while True:
        part = query.offset(position).limit(2).all()
        if not part:
            break
        found.append(part)
        position += 2
    return found


def case_try(db: Session):
    query = db.query(User)
    try:
        query = query.filter(User.id == int("2"))
    except ValueError:
        query = query.filter(User.name == "2")
    finally:
        query = query.order_by(User.id)
    return query.all()


def case_count_and_page(db: Session):
    query = db.query(User).filter(User.active)
    total = query.count()
    items = query.order_by(User.id).offset(1).limit(1).all()
    return total, items


def case_run_twice(db: Session):
    query = db.query(User).filter(User.age == 31)
    return query.first(), query.count(), [user.id for user in query]


def case_first_then_update_then_first(db: Session):
    # sql: the key names one row, so no LIMIT is needed
    query = db.query(User).filter(User.id == 3)
    before = query.first()
    query.update({"age": 44}, synchronize_session=False)
    db.refresh(before)
    return query.first().age


def case_conditional_expression(db: Session):
    everything = bool(db.query(User).count())
    query = db.query(User) if everything else db.query(User).filter(User.active)
    return query.order_by(User.id).all()


def case_conditional_filter(db: Session):
    city = "Rome"
    query = db.query(Address)
    query = query.filter(Address.city == city) if city else query
    return query.order_by(Address.id).all()


def case_two_queries_of_one_name(db: Session):
    query = db.query(User).filter(User.active)
    users = query.count()
    query = db.query(Address).filter(Address.city == "Rome")
    addresses = query.count()
    return users, addresses, query.order_by(Address.id).first()


def case_other_shape_under_one_name(db: Session):
    found = db.query(User).filter(User.active)
    found = found.order_by(User.id).all()
    return [user.name for user in found]


def case_entity_then_columns(db: Session):
    query = db.query(User)
    users = query.order_by(User.id).all()
    query = query.with_entities(User.id)
    return users, query.order_by(User.id).all()


def case_none_at_first(db: Session):
    query = None
    if query is None:
        query = db.query(User)
    if query is not None:
        query = query.filter(User.active)
    return query.count()


def case_copied_name(db: Session):
    base = db.query(User)
    young = base
    young = young.filter(User.age < 30)
    return base.count(), young.count()


def case_list_of_conditions(db: Session):
    conditions = [User.active, User.age > 20]
    conditions.append(User.name != "bob")
    return db.query(User).filter(*conditions).order_by(User.id).all()


def case_condition_in_a_name(db: Session):
    condition = or_(User.name == "ann", User.name == "bob")
    other = Address.city == "Rome"
    return (
        db.query(User).filter(condition).order_by(User.id).all(),
        db.query(User).join(Address).filter(condition, other).order_by(User.id).all(),
    )


def case_chained_over_lines(db: Session):
    query = (
        db.query(User, func.count(Address.id).label("n"))
        .outerjoin(User.addresses)
        # one row per user
        .group_by(User.id)
    )
    if True:
        query = query.having(func.count(Address.id) > 0)  # at least one
    rows = (
        query
        .order_by(User.id)
        # all of them
        .all()
    )
    return [(user.name, n) for user, n in rows]


def case_annotated_name(db: Session):
    query: Query = db.query(User)
    query = query.filter(User.active)
    other: "Query[User]" = query
    return other.count()


def case_walrus(db: Session):
    if (user := db.query(User).filter(User.name == "ann").first()) is not None:
        return user.id
    return None


def case_closure(db: Session):
    query = db.query(User).order_by(User.id)

    def names():
        return [user.name for user in query.filter(User.active)]

    return names()


def case_generator_argument(db: Session):
    query = db.query(Order).options(joinedload(Order.user))
    return sorted(order.user.name for order in query)


def case_with_block(db: Session):
    with db.no_autoflush:
        query = db.query(User).filter(User.active)
        total = query.count()
    return total


def case_match(db: Session):
    query = db.query(User)
    match db.query(User).count():
        case 0:
            query = query.limit(0)
        case number if number > 2:
            query = query.order_by(User.id.desc())
        case _:
            query = query.order_by(User.id)
    return query.all()


def case_names_that_are_taken(db: Session):
    result = "taken"
    users = db.query(User).order_by(User.id).all()
    return result, users


def case_early_return(db: Session):
    query = db.query(User)
    if not query.count():
        return []
    query = query.filter(User.active)
    for user in query.order_by(User.id):
        if user.age and user.age < 30:
            return user.name
    return None


def case_used_as_condition(db: Session):
    if db.query(User).filter(User.name == "ann").first():
        return "there"
    if not db.query(User).filter(User.name == "ann").count():
        return "gone"
    return None


def case_string_of_query(db: Session):
    query = db.query(User.id).filter(User.active)
    return "WHERE" in str(query), f"{query}".startswith("SELECT")


def _columns(db: Session, wide: bool):
    query = db.query(User.age) if not wide else db.query(User.age, User.active)
    return query.order_by(User.id).all()


def case_other_columns_on_each_path(db: Session):
    return _columns(db, True), _columns(db, False)


def case_list_of_columns(db: Session):
    columns = [User.age, User.active]
    counts = [func.count(User.id).label("n")]
    rows = db.query(User.age, *counts).group_by(User.age).order_by(User.age).all()
    return db.query(*columns).order_by(User.id).all(), rows


def case_class_of_an_object(db: Session):
    user = db.query(User).filter(User.name == "bob").one()
    again = db.query(user.__class__).filter(User.name == "bob").one()
    return again is user
