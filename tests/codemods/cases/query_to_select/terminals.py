"""Section 1.4: terminals, on one entity and on rows."""

from sqlalchemy import func
from sqlalchemy.orm import Session, aliased
from support.corpus_models import Address, Order, User


def case_all_entities(db: Session):
    return db.query(User).order_by(User.id).all()


def case_all_rows(db: Session):
    return db.query(User.id, User.name).order_by(User.id).all()


def case_all_one_column(db: Session):
    rows = db.query(User.name).order_by(User.id).all()
    return [name for (name,) in rows]


def case_all_alias(db: Session):
    other = aliased(User)
    return db.query(other).order_by(other.id).all()


def case_all_entity_and_column(db: Session):
    return db.query(User, Address.city).join(User.addresses).order_by(User.id, Address.id).all()


def case_iterate_entities(db: Session):
    found = []
    for user in db.query(User).order_by(User.id):
        found.append(user.name)
    return found


def case_iterate_rows(db: Session):
    found = []
    for id, name in db.query(User.id, User.name).order_by(User.id):
        found.append((id, name))
    return found


def case_iterate_joined(db: Session):
    query = db.query(User).join(User.addresses).order_by(User.id)
    return [user.name for user in query]


def case_list_of_query(db: Session):
    return list(db.query(User).order_by(User.id))


def case_set_of_query(db: Session):
    return {name for (name,) in set(db.query(User.name))}


def case_unpack(db: Session):
    one, two = db.query(User.name).order_by(User.id).limit(2)
    return one, two


def case_contains(db: Session):
    user = db.query(User).filter(User.id == 2).one()
    return user in db.query(User).filter(User.active)


def case_sorted(db: Session):
    return [u.name for u in sorted(db.query(User), key=lambda user: user.name, reverse=True)]


def case_comprehensions(db: Session):
    names = [name for (name,) in db.query(User.name).order_by(User.id)]
    ages = {user.id: user.age for user in db.query(User)}
    cities = {address.city for address in db.query(Address)}
    total = sum(user.years for user in db.query(User))
    return names, ages, cities, total


def case_first_by_key(db: Session):
    # sql: the key names one row, so no LIMIT is needed
    user = db.query(User).filter(User.id == 1).first()
    return user


def case_first_by_unique(db: Session):
    # sql: the unique column names one row, so no LIMIT is needed
    return db.query(User).filter(User.email == "bob@x.org").first()


def case_first_by_both_columns_of_a_unique_constraint(db: Session):
    # sql: the two columns name one row, so no LIMIT is needed
    return db.query(Address).filter(Address.street == "A 1", Address.city == "Rome").first()


def case_first_by_one_of_two_columns(db: Session):
    return db.query(Address).filter(Address.city == "Rome").order_by(Address.id.desc()).first()


def case_first_by_a_value_that_may_be_null(db: Session, nickname=None):
    return db.query(User).filter(User.nickname == nickname).order_by(User.id).first()


def case_first_by_key_in_join(db: Session):
    query = db.query(User).join(User.addresses).filter(User.id == 1)
    return query.first()


def case_first_of_many(db: Session):
    return db.query(User).filter(User.active).order_by(User.id.desc()).first()


def case_first_of_none(db: Session):
    return db.query(User).filter(User.name == "nobody").first()


def case_first_row(db: Session):
    return db.query(User.id, User.name).order_by(User.id).first()


def case_first_replaces_limit(db: Session):
    return db.query(User).order_by(User.id).limit(3).offset(1).first()


def case_first_attribute(db: Session):
    return db.query(User).order_by(User.id).first().name


def case_one(db: Session):
    return db.query(User).filter_by(name="ann").one()


def case_one_of_none(db: Session):
    return db.query(User).filter_by(name="nobody").one()


def case_one_of_many(db: Session):
    return db.query(User).filter(User.active).one()


def case_one_after_join(db: Session):
    return db.query(User).join(User.addresses).filter(User.id == 1).one()


def case_one_row(db: Session):
    return db.query(User.id, User.name).filter(User.id == 1).one()


def case_one_or_none(db: Session):
    found = db.query(User).filter(User.name == "bob").one_or_none()
    missing = db.query(User).filter(User.name == "nobody").one_or_none()
    return found, missing


def case_one_or_none_of_many(db: Session):
    return db.query(User).filter(User.active).one_or_none()


def case_one_or_none_row(db: Session):
    return db.query(User.name).filter(User.id == 9).one_or_none()


def case_scalar_column(db: Session):
    return db.query(User.name).filter(User.id == 2).scalar()


def case_scalar_of_many(db: Session):
    return db.query(User.name).scalar()


def case_scalar_of_none(db: Session):
    return db.query(User.name).filter(User.id == 99).scalar()


def case_scalar_entity(db: Session):
    return db.query(User).filter(User.name == "ann").scalar()


def case_scalar_entity_after_join(db: Session):
    return db.query(User).join(User.addresses).filter(User.id == 1).scalar()


def case_scalar_of_two_columns(db: Session):
    return db.query(User.name, User.age).filter(User.id == 1).scalar()


def case_scalar_of_entity_and_column(db: Session):
    query = db.query(User, Address.user_id).join(User.addresses)
    return query.filter(User.id == 1).scalar()


def case_scalar_aggregate(db: Session):
    return db.query(func.max(User.age)).scalar(), db.query(func.count(User.id)).scalar()


def case_scalar_aggregate_by_group(db: Session):
    return db.query(func.count(User.id)).group_by(User.age).having(User.age > 99).scalar()


def case_count(db: Session):
    return db.query(User).count(), db.query(User).filter(User.active).count()


def case_count_of_join(db: Session):
    return db.query(User).join(User.addresses).count()


def case_count_of_limit(db: Session):
    return db.query(User).limit(2).count()


def case_count_of_distinct(db: Session):
    return db.query(User.age).distinct().count()


def case_count_of_group(db: Session):
    return db.query(User.age, func.count()).group_by(User.age).count()


def case_count_of_entities(db: Session):
    return db.query(User, Address).join(User.addresses).count()


def case_count_with_eager_loading(db: Session):
    return db.query(Order).count()


def case_item(db: Session):
    return db.query(User).order_by(User.id)[1]


def case_item_of_rows(db: Session):
    return db.query(User.name).order_by(User.id)[0]


def case_item_that_is_missing(db: Session):
    return db.query(User).filter(User.id > 90)[0]


def case_item_at_variable(db: Session):
    position = 2
    return db.query(User).order_by(User.id)[position].name


def case_slice(db: Session):
    return db.query(User).order_by(User.id)[1:3]


def case_slice_of_rows(db: Session):
    return db.query(User.name).order_by(User.id)[1:3]


def case_slice_with_variables(db: Session):
    start, stop = 0, 2
    return db.query(User).order_by(User.id)[start:stop]


def case_slice_open(db: Session):
    query = db.query(User.id).order_by(User.id)
    return query[:2], query[2:], query[:]


def case_slice_of_slice(db: Session):
    query = db.query(User.id).order_by(User.id)
    return query.offset(1)[1:3], query.limit(3)[1:], query.limit(3)[:2], query.slice(1, 4)[0:2]


def case_slice_with_step(db: Session):
    return db.query(User.id).order_by(User.id)[0:4:2]
