"""Queries as parts of other queries: subqueries, EXISTS, IN, CTE, UNION."""

from sqlalchemy import and_, exists, func, literal, not_, select, union
from sqlalchemy.orm import Session, aliased
from support.corpus_models import Address, Node, Order, User


def case_subquery(db: Session):
    counts = (
        db.query(Address.user_id, func.count("*").label("n")).group_by(Address.user_id).subquery()
    )
    query = db.query(User, counts.c.n).outerjoin(counts, User.id == counts.c.user_id)
    return query.order_by(User.id).all()


def case_subquery_options(db: Session):
    one = db.query(User).subquery("u")
    two = db.query(User).subquery(name="u", with_labels=True)
    three = db.query(User.id, Address.id).subquery()
    four = db.query(User.id, User.id.label("again")).subquery(reduce_columns=True)
    return one.name, two.c.keys(), three.c.keys(), four.c.keys()


def case_subquery_as_entity(db: Session):
    part = db.query(User).filter(User.active).subquery()
    someone = aliased(User, part)
    return db.query(someone).order_by(someone.id).all()


def case_subquery_columns(db: Session):
    part = db.query(User.id, User.name).filter(User.active).subquery()
    return (
        db.query(part).order_by(part.c.id).all(),
        db.query(part.c.name).order_by(part.c.id).all(),
    )


def case_in_subquery(db: Session):
    part = db.query(Address.user_id).filter(Address.city == "Rome").subquery()
    return db.query(User).filter(User.id.in_(select(part))).order_by(User.id).all()


def case_in_query(db: Session):
    wanted = db.query(Address.user_id).filter(Address.city == "Rome")
    inside = db.query(User).filter(User.id.in_(wanted)).order_by(User.id).all()
    outside = db.query(User).filter(User.id.not_in(wanted)).order_by(User.id).all()
    return inside, outside


def case_in_query_inline(db: Session):
    return (
        db.query(User)
        .filter(User.id.in_(db.query(Address.user_id).filter(Address.city == "Oslo")))
        .order_by(User.id)
        .all()
    )


def case_scalar_subquery(db: Session):
    oldest = db.query(func.max(User.age)).scalar_subquery()
    again = db.query(func.max(User.age)).as_scalar()
    return (
        db.query(User.name).filter(User.age == oldest).order_by(User.id).all(),
        db.query(User.name).filter(User.age == again).order_by(User.id).all(),
    )


def case_exists_of_entity(db: Session):
    return db.query(db.query(User).filter(User.name == "ann").exists()).scalar()


def case_exists_of_nothing(db: Session):
    return db.query(db.query(User).filter(User.name == "nobody").exists()).scalar()


def case_exists_without_criteria(db: Session):
    return db.query(db.query(User).exists()).scalar()


def case_exists_of_column(db: Session):
    return db.query(db.query(User.id).filter(User.age > 30).exists()).scalar()


def case_exists_of_function(db: Session):
    return db.query(db.query(func.no_such_function(User.id)).exists()).scalar()


def case_exists_of_variable(db: Session):
    query = db.query(User).filter(User.active)
    query = query.filter(User.age > 30)
    return db.query(query.exists()).scalar()


def case_exists_as_criterion(db: Session):
    has_rome = db.query(Address).filter(
        Address.user_id == User.id, Address.city == "Rome"
    ).exists()
    return (
        db.query(User).filter(has_rome).order_by(User.id).all(),
        db.query(User).filter(~has_rome).order_by(User.id).all(),
        db.query(User).filter(and_(User.active, not_(has_rome))).order_by(User.id).all(),
    )


def case_exists_of_join(db: Session):
    query = db.query(User).join(User.addresses).filter(Address.city == "Rome")
    return db.query(query.exists()).scalar()


def case_exists_of_alias(db: Session):
    child = aliased(Node)
    has_children = db.query(child).filter(child.parent_id == Node.id).exists()
    return db.query(Node.label).filter(has_children).order_by(Node.id).all()


def case_exists_of_literal(db: Session):
    query = db.query(User).filter(User.name == "ann")
    missing = db.query(User).filter(User.name == "nobody")
    return (
        db.query(literal(True)).filter(query.exists()).scalar(),
        db.query(literal(True)).filter(missing.exists()).scalar(),
    )


def case_exists_function(db: Session):
    return db.query(exists().where(User.name == "ann")).scalar()


def case_cte(db: Session):
    active = db.query(User.id, User.name).filter(User.active).cte("active")
    return db.query(active.c.name).order_by(active.c.id).all()


def case_recursive_cte(db: Session):
    tree = db.query(Node.id, Node.label).filter(Node.id == 2).cte(name="tree", recursive=True)
    tree = tree.union_all(
        db.query(Node.id, Node.label).filter(Node.parent_id == tree.c.id)
    )
    return db.query(tree.c.label).order_by(tree.c.id).all()


def case_union_of_entities(db: Session):
    young = db.query(User).filter(User.age < 30)
    old = db.query(User).filter(User.age > 30)
    return sorted(user.id for user in young.union(old)), young.union_all(old, young).count()


def case_union_inline(db: Session):
    found = (
        db.query(User)
        .filter(User.age < 30)
        .union(db.query(User).filter(User.age > 30))
        .all()
    )
    return sorted(user.id for user in found)


def case_union_of_columns(db: Session):
    names = db.query(User.name).union(db.query(Address.name)).all()
    return sorted(name for (name,) in names)


def case_union_limited(db: Session):
    both = db.query(User).union(db.query(User).filter(User.active))
    return len(both.limit(2).all())


def case_intersect_and_except(db: Session):
    everybody = db.query(User)
    active = db.query(User).filter(User.active)
    return (
        sorted(user.id for user in everybody.intersect(active)),
        sorted(user.id for user in everybody.except_(active)),
    )


def case_core_union_of_queries(db: Session):
    both = union(db.query(User.id), db.query(Address.user_id)).subquery()
    return sorted(id for (id,) in db.query(both))


def case_statement_of_query(db: Session):
    part = db.query(Order.user_id).filter(Order.status == "paid").statement
    return db.query(User).filter(User.id.in_(part)).order_by(User.id).all()


def case_joined_subquery_of_variable(db: Session):
    latest = db.query(func.max(Order.placed).label("placed"), Order.user_id)
    latest = latest.group_by(Order.user_id)
    part = latest.subquery()
    query = db.query(User.name, part.c.placed).join(part, part.c.user_id == User.id)
    return query.order_by(User.id).all()
