"""Section 3: the steps of a chain, one by one."""

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, desc, func, select, text
from sqlalchemy.orm import Session, aliased, load_only, selectinload, with_polymorphic
from support.corpus_models import (
    Address,
    Employee,
    Item,
    Manager,
    Node,
    Order,
    OrderLine,
    User,
)


def case_add_column(db: Session):
    return db.query(User).add_column(User.name).order_by(User.id).all()


def case_add_columns(db: Session):
    return db.query(User).add_columns(User.name, User.age).order_by(User.id).all()


def case_add_columns_to_columns(db: Session):
    return db.query(User.id).add_columns(User.name).order_by(User.id).all()


def case_add_entity(db: Session):
    return db.query(User).add_entity(Address).join(User.addresses).order_by(Address.id).all()


def case_add_entity_with_alias(db: Session):
    part = select(Address).where(Address.city == "Rome").subquery()
    query = db.query(User).add_entity(Address, alias=part)
    return query.join(part, part.c.user_id == User.id).order_by(User.id, part.c.id).all()


def case_labels(db: Session):
    part = db.query(User).with_labels().subquery()
    other = db.query(User).apply_labels().subquery()
    third = db.query(User).set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL).subquery()
    return sorted(part.c.keys()), sorted(other.c.keys()), sorted(third.c.keys())


def case_labels_executed(db: Session):
    return db.query(User).with_labels().order_by(User.id).all()


def case_autoflush(db: Session):
    db.add(User(id=9, name="new", email="new@x.org"))
    without = db.query(User).autoflush(False).filter(User.id == 9).all()
    with_flush = db.query(User).autoflush(setting=True).filter(User.id == 9).all()
    return len(without), len(with_flush)


def case_correlate(db: Session):
    count = (
        db.query(func.count(Address.id))
        .filter(Address.user_id == User.id)
        .correlate(User)
        .scalar_subquery()
    )
    return db.query(User.name, count).order_by(User.id).all()


def case_distinct(db: Session):
    return db.query(User.age).distinct().order_by(User.age).all()


def case_execution_options(db: Session):
    query = db.query(User).execution_options(mark="x").filter(User.id == 1)
    return query.get_execution_options()["mark"], query.one()


def case_filter(db: Session):
    return db.query(User).filter(User.active, User.age > 26).order_by(User.id).all()


def case_where(db: Session):
    return db.query(User).where(User.active).where(User.age > 26).order_by(User.id).all()


def case_filter_by(db: Session):
    return db.query(User).filter_by(active=True, age=31).order_by(User.id).all()


def case_filter_by_keywords(db: Session):
    wanted = {"active": True, "age": 31}
    return db.query(User).filter_by(**wanted).order_by(User.id).all()


def case_filter_by_after_join(db: Session):
    return db.query(User).join(Address).filter_by(city="Rome").order_by(User.id).all()


def case_filter_by_after_join_of_relationship(db: Session):
    query = db.query(User).join(User.addresses).filter_by(name="ann")
    return query.order_by(User.id).all()


def case_filter_by_before_join(db: Session):
    return db.query(User).filter_by(name="ann").join(User.addresses).order_by(User.id).all()


def case_filter_by_of_two_entities(db: Session):
    query = db.query(User, Address).filter_by(name="ann")
    return query.filter(Address.user_id == User.id).order_by(Address.id).all()


def case_filter_by_of_a_source(db: Session):
    query = db.query(Address.city).select_from(User).join(User.addresses)
    return query.filter_by(name="home").order_by(Address.id).all()


def case_filter_by_of_an_expression_value(db: Session):
    flag = None
    return db.query(User).join(Address).filter_by(city="Rome" if not flag else "Oslo").count()


def case_from_statement(db: Session):
    statement = text("SELECT * FROM users WHERE age = :age ORDER BY id")
    return db.query(User).from_statement(statement).params(age=31).all()


def case_from_statement_first(db: Session):
    return db.query(User).from_statement(text("SELECT * FROM users ORDER BY id")).first()


def case_from_statement_select(db: Session):
    return db.query(User).from_statement(select(User).order_by(User.id.desc())).all()


def case_group_by_and_having(db: Session):
    query = db.query(User.age, func.count(User.id).label("n")).group_by(User.age)
    return query.having(func.count(User.id) > 1).order_by("n").all()


def case_join_with_condition(db: Session):
    query = db.query(User.name, Address.city).join(Address, User.id == Address.user_id)
    return query.order_by(Address.id).all()


def case_join_outer(db: Session):
    inner = db.query(User.name, Address.city).join(Address, isouter=True)
    outer = db.query(User.name, Address.city).outerjoin(Address)
    return inner.order_by(User.id, Address.id).all(), outer.order_by(User.id, Address.id).all()


def case_join_chain(db: Session):
    query = db.query(User.name, Item.title).join(User.orders).join(Order.lines)
    return query.join(OrderLine.item).order_by(User.id, Item.id).all()


def case_join_alias(db: Session):
    parent = aliased(Node)
    query = db.query(Node.label, parent.label).join(parent, Node.parent)
    return query.order_by(Node.id).all()


def case_label(db: Session):
    count = db.query(func.count(Address.id)).filter(Address.user_id == User.id).label("n")
    return db.query(User.name, count).order_by(User.id).all()


def case_limit_and_offset(db: Session):
    return db.query(User).order_by(User.id).offset(1).limit(2).all()


def case_slice_method(db: Session):
    return db.query(User).order_by(User.id).slice(1, 3).all()


def case_only_return_tuples(db: Session):
    return (
        db.query(User).only_return_tuples(True).order_by(User.id).all(),
        db.query(User).only_return_tuples(False).order_by(User.id).all(),
        db.query(User).tuples().order_by(User.id).first(),
    )


def case_options(db: Session):
    query = db.query(User).options(selectinload(User.orders), load_only(User.name))
    return query.order_by(User.id).all()


def case_order_by(db: Session):
    return (
        db.query(User.id).order_by(User.age.desc(), User.id).all(),
        db.query(User.id).order_by(desc(User.id)).all(),
        db.query(User.id).order_by(User.age).order_by(None).order_by(User.id).all(),
    )


def case_order_by_text(db: Session):
    return db.query(User.id).order_by(text("id DESC")).all()


def case_order_by_names(db: Session):
    return (
        db.query(User).order_by("name").all(),
        db.query(User).order_by(desc("name")).all(),
        db.query(User.name.label("called")).order_by("called").all(),
    )


def case_order_by_implied_label(db: Session):
    return db.query(User).order_by("users_age", User.id).all()


def case_params(db: Session):
    query = db.query(User).filter(text("users.age = :age")).params(age=31)
    return query.order_by(User.id).all()


def case_params_dict(db: Session):
    query = db.query(User).filter(text("users.age = :age")).params({"age": 31})
    return query.order_by(User.id).all()


def case_populate_existing(db: Session):
    user = db.query(User).filter(User.id == 1).one()
    user.__dict__["name"] = "stale"
    return db.query(User).populate_existing().filter(User.id == 1).one().name


def case_prefixes_and_suffixes(db: Session):
    query = db.query(User.id).prefix_with("/* a */").suffix_with("/* b */")
    return query.order_by(User.id).all()


def case_hints(db: Session):
    query = db.query(User).with_hint(User, "index").with_statement_hint("hint")
    return query.order_by(User.id).all()


def case_select_from(db: Session):
    query = db.query(func.count(Address.id)).select_from(User).join(User.addresses)
    return query.scalar()


def case_select_from_entity_of_another(db: Session):
    return db.query(Address).select_from(User).join(User.addresses).order_by(Address.id).all()


def case_with_entities(db: Session):
    query = db.query(User).filter(User.active)
    return (
        query.with_entities(User.name).order_by(User.id).all(),
        query.with_entities(func.count(User.id)).scalar(),
        query.with_entities(User).order_by(User.id).all(),
        query.with_entities(User.id, User.name).order_by(User.id).first(),
    )


def case_with_entities_without_from(db: Session):
    return db.query(User).with_entities(func.count()).scalar()


def case_with_entities_after_join(db: Session):
    query = db.query(User).join(User.addresses)
    return query.with_entities(User.name, Address.city).order_by(Address.id).all()


def case_with_for_update(db: Session):
    query = db.query(User).filter(User.name == "ann")
    return query.with_for_update(nowait=True, of=User).one(), query.with_for_update().one()


def case_with_parent(db: Session):
    user = db.query(User).filter(User.id == 1).one()
    return db.query(Address).with_parent(user, User.addresses).order_by(Address.id).all()


def case_with_parent_by_keyword(db: Session):
    user = db.query(User).filter(User.id == 1).one()
    query = db.query(Address).with_parent(user, property=User.addresses, from_entity=User)
    return query.filter(Address.city == "Rome").order_by(Address.id).all()


def case_yield_per(db: Session):
    found = []
    for user in db.query(User).order_by(User.id).yield_per(2):
        found.append(user.name)
    return found


def case_yield_per_rows(db: Session):
    return [name for (name,) in db.query(User.name).order_by(User.id).yield_per(count=2)]


def case_yield_per_all(db: Session):
    return (
        db.query(User).order_by(User.id).yield_per(2).all(),
        db.query(User).order_by(User.id).yield_per(2).first(),
        db.query(User.id).filter(User.id == 1).yield_per(2).one(),
        db.query(User).filter(User.id == 1).yield_per(2).one_or_none(),
    )


def case_polymorphic(db: Session):
    everybody = with_polymorphic(Employee, [Manager])
    return (
        db.query(everybody).order_by(everybody.id).all(),
        db.query(Employee).order_by(Employee.id).all(),
        db.query(Manager).all(),
    )


def case_first_of_subclass_by_key(db: Session):
    # sql: the key names one row, so no LIMIT is needed
    return db.query(Manager).filter(Manager.id == 2).first()


def case_value(db: Session):
    query = db.query(User).filter(User.active).order_by(User.id)
    return query.value(User.name), query.filter(User.id == 99).value(User.name)


def case_values(db: Session):
    query = db.query(User).filter(User.active).order_by(User.id)
    names = [name for (name,) in query.values(User.name)]
    first = next(query.values(User.id, User.name))
    return names, tuple(first)


def case_whereclause(db: Session):
    return str(db.query(User).filter(User.active).whereclause)


def case_column_descriptions(db: Session):
    return [found["name"] for found in db.query(User.id, User.name).column_descriptions]


def case_label_style(db: Session):
    query = db.query(User).set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
    return query.get_label_style.name


def case_statement(db: Session):
    return db.execute(db.query(User.id).filter(User.active).statement).all()


def case_statement_with_params(db: Session):
    statement = db.query(User.id).filter(text("age = :age")).params(age=31).statement
    return db.execute(statement.order_by(User.id)).all()


def case_selectable(db: Session):
    return db.execute(db.query(User.id).order_by(User.id).selectable).all()
